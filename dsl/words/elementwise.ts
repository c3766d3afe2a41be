// Messages of the elementwise and logic ops. {} is filled in order by the type rule and by the trace rule alike.
export const elementwiseWords = {
  broadcast: '{}: cannot broadcast {} with {} (left {}, right {})',
  twoSided: '{}: {} and {} would both grow to {}: write broadcastTo on one of them',
  dtypes: '{}: dtypes differ: {} and {}',
  wants: '{}: wants {}, got {}',
  noTensor: '{}: one of the operands must be a tensor',
  operand: '{}: an operand is a tensor or a number, got {}',
  wholeNumber: '{}: {} is not a whole number, but the tensor is {}',
  negativeUnsigned: '{}: {} is negative, but the tensor is {}',
  numberOfBool: '{}: {} is a number, but the tensor is bool',
  clampBounds: 'clamp: give min, max or both',
  whereGrow: 'where: none of condition {}, {} and {} has the shape {} of the result: write broadcastTo on one of them',
} as const;
