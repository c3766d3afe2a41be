// Messages of configs (dsl/config.ts) beside those of a layer's call. Templates for `Say` and `say` (dsl/words.ts).
export const configWords = {
  configObject: 'config: wants an object of fields, got {}',
  unknownField: 'config: there is no field "{}"',
  keepNone: 'config: {} {} keeps none of {}',
  keepAll: 'config: {} {} removes none of {}',
  derivedOpen: 'config: {} = {} does not follow from the fields',
  fallbackField: 'config: {} falls back to "{}", which is no field given by the config',
} as const;
