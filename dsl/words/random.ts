// Messages of the random ops: templates for `Say` and `say` (dsl/words.ts); each {} is filled in order.
export const randomWords = {} as const;
