// Messages of models and their trace (dsl/model.ts). Templates for `Say` and `say` (dsl/words.ts).
export const modelWords = {} as const;
