// Messages of configs (dsl/config.ts). Templates for `Say` and `say` (dsl/words.ts).
export const configWords = {} as const;
