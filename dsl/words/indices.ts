// Messages of the indices ops: templates for `Say` and `say` (dsl/words.ts); each {} is filled in order.
export const indexWords = {} as const;
