// Messages of the einops ops: templates for `Say` and `say` (dsl/words.ts); each {} is filled in order.
export const einopsWords = {} as const;
