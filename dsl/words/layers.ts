// Messages of a layer's call (dsl/fn.ts) and of a config's (dsl/config.ts); the first {} is the layer's name or 'config', and a {} before
// "wants" or a number is empty or names the field. Templates for `Say` and `say` (dsl/words.ts).
export const layersWords = {
  wantsTensor: '{}: {}wants {} = {}, got {}',
  wantsDType: '{}: {}wants {} {}, got {}',
  divide: '{}: {}{} is not divisible by {} ({} = {}, {})',
  divideBare: '{}: {}{} is not divisible by {} ({} = {})',
  divideField: '{}: {} {} is not divisible by {} {}',
  clash: '{}: {} is {}, got {}',
  clashField: '{}: {} is {}, but {} is {}',
  both: '{}: {} is both {} and {}',
  missing: '{}: "{}" is missing',
  wantsList: '{}: {}wants a list of layers',
  unsolved: '{}: cannot solve {} = {}: give its symbols as sizes',
  fieldNumber: '{}: {} must be a number, got {}',
  fieldWhole: '{}: {} must be a whole number from 1, got {}',
  fieldRatio: '{}: {} must be above 0 and below 1, got {}',
  fieldFlag: '{}: {} must be true or false, got {}',
  fieldChoice: '{}: {} must be one of {}, got {}',
  promise: '{}: the body returned a Promise: a layer records its operations at once, so it must not be async',
} as const;
