// Messages of a layer's call (dsl/fn.ts); {} first is the layer's name. Templates for `Say` and `say` (dsl/words.ts).
export const layersWords = {
  wantsTensor: '{}: wants {} = {}, got {}',
  wantsDType: '{}: wants {} {}, got {}',
  divide: '{}: {} is not divisible by {} ({} = {}, {})',
  divideField: '{}: {} {} is not divisible by {} ({} = {}, {})',
  clash: '{}: {} is {}, got {}',
  clashField: '{}: {} is {}, got {} ({} = {})',
  both: '{}: {} is both {} and {}',
  missing: '{}: "{}" is missing',
  unsolved: '{}: cannot solve {} = {}: give its symbols as sizes',
} as const;
