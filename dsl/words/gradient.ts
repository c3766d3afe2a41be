// Messages of grad and valueAndGrad.
export const gradientWords = {
  gradScalar: 'grad: the function must give an f32 scalar of shape [], got {}: sum it first',
  gradNothing: 'grad: the first argument holds no floating-point tensor to differentiate in',
} as const;
