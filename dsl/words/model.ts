// Messages of models and their trace (dsl/model.ts); the first {} is the model's name. Templates for `Say` and `say` (dsl/words.ts).
export const modelWords = {
  noPreset: '{}: there is no preset "{}" (presets: {})',
  paramTwice: '{}: parameter {} is also {}: a parameter has one place in the tree',
  paramPlain: '{}: {} is no parameter: make the leaves of the tree with param()',
  paramOpen: '{}: parameter {} has the shape {}, but sizes of parameters are numbers: take them from the config',
  paramName: '{}: parameter "{}": names are joined by dots, so a key must not hold one',
  inputPlain: '{}: input {} is no placeholder: make it with f32, i32, index, …',
  outputsRecord: '{}: forward must return a record of tensors, got {}',
  outputPlain: '{}: output {} is no tensor, but {}',
  strayParam: '{}: this parameter is not in the tree that params() returns, so no checkpoint can name it',
  strayInput: '{}: this placeholder is not among the inputs of the model',
  batchSymbol: '{}: "B" stands for the batch: give the symbol of {} another name',
} as const;
