// The ops of the language, as they are imported from 'heddle'.
export { conv2d, linear, matmul } from './contract.ts';
export { rearrange, reduce, repeat } from './einops.ts';
export { einsum } from './einsum.ts';
export {
  abs,
  add,
  cast,
  clamp,
  cos,
  div,
  erf,
  exp,
  floor,
  gelu,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  sqrt,
  stopGradient,
  sub,
  tanh,
} from './elementwise.ts';
export { type Gradient, grad, valueAndGrad, withDerivative } from './gradient.ts';
export { argsort, cumsum, gather, iota, oneHot, rank, topk } from './index-ops.ts';
export { and, equal, greater, greaterEqual, less, lessEqual, not, or, where } from './logic.ts';
export { constant, full } from './make.ts';
export { attention, crossEntropy, layerNorm, logSoftmax, logsumexp, softmax } from './nn.ts';
export { random } from './random.ts';
export { all, any, argmax, argmin, max, mean, min, sum, variance } from './reduce.ts';
export {
  broadcastTo,
  concat,
  expandDims,
  flip,
  pad,
  permute,
  reshape,
  roll,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unbind,
} from './views.ts';
