// Messages of matmul, linear and conv2d. {} is filled in order by the type rule and by the trace rule alike.
export const contractWords = {
  inner: 'matmul: inner dimensions differ: {} and {} (left {}, right {})',
  matmulRank: 'matmul: wants rank 2 or more on both sides (left {}, right {})',
  linearWeight: 'linear: the weight is [out,in] and its in is {}, but x ends in {} (x {}, weight {})',
  linearRank: 'linear: the weight must be [out,in] and x have an axis (x {}, weight {})',
  linearBias: 'linear: the bias must be [{}], got {}',
  convRank: 'conv2d: x must be [batch,in,height,width] and the weight [out,in,height,width] (x {}, weight {})',
  convChannels: 'conv2d: the weight reads {} channels, but x has {} (x {}, weight {})',
  convBias: 'conv2d: the bias must be [{}], got {}',
  convStride: 'conv2d: the stride must be whole numbers from 1, got {}',
  convPad: 'conv2d: the pad must be whole numbers from 0, got {}',
  convKernel: 'conv2d: the kernel is larger than the padded image on axis {}: {} and {} (x {}, weight {})',
  convDivide: 'conv2d: {} is not divisible by the stride {} on axis {} (x {}, weight {})',
} as const;
