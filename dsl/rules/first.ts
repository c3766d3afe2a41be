/** Rules in order: the message of the first, when it has one, else what the second gives. */
export type First<M, R> = M extends string ? M : R;
