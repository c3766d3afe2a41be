// Messages of the ops that make tensors from nothing but numbers: constants and random numbers. {} is filled in order by the type rule
// and by the trace rule alike.
export const randomWords = {
  keyTensor: '{}: the key must be u32 [2] or a number, got {} {}',
  keyNumber: '{}: a number as key must be whole, from 0 to 2^53, got {}',
  probability: 'random.bernoulli: the probability must be from 0 to 1, got {}',
  constantCount: 'constant: {} values do not fill {}',
  constantRagged: 'constant: rows of shape {} and {} stand side by side',
  constantSymbol: 'constant: the sizes of {} must be numbers',
  elementValue: '{}: {} is not a value of {}',
} as const;
