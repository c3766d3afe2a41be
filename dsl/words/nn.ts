// Messages of the nn ops: templates for `Say` and `say` (dsl/words.ts); each {} is filled in order.
export const nnWords = {} as const;
