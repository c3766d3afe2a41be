// The cases of test/data/golden/ops.safetensors: PyTorch's call of each in Heddle, over its inputs in0, in1, ….
export interface Case {
  readonly call: string;
  /** The extent of integer inputs. */
  readonly over?: number;
  readonly atol?: number;
}
export const cases: Readonly<Record<string, Case>> = {
  matmul: { call: 'matmul(in0, in1)' },
  matmul_broadcast: { call: 'matmul(broadcastTo(in0, [2, 6, 4, 8]), in1)' },
  einsum_qk: { call: "einsum('bhqd,bhkd->bhqk', in0, in1)" },
  einsum_patch: { call: "einsum('nchpwq->nhwpqc', in0)" },
  linear: { call: 'linear(in0, in1, in2)' },
  conv2d_patch: { call: 'conv2d(in0, in1, { stride: 4, bias: in2 })' },
  conv2d_general: { call: 'conv2d(in0, in1, { stride: 2, pad: 1, bias: in2 })' },
  softmax: { call: 'softmax(in0, -1)' },
  softmax_big: { call: 'softmax(in0, -1)', atol: 1e-3 },
  softmax_axis1: { call: 'softmax(in0, 1)' },
  log_softmax: { call: 'logSoftmax(in0, -1)' },
  layer_norm: { call: 'layerNorm(in0, in1, in2)' },
  layer_norm_large_mean: { call: 'layerNorm(in0, in1, in2)', atol: 1e-3 },
  gelu: { call: 'gelu(in0)' },
  gelu_tanh: { call: "gelu(in0, { approximate: 'tanh' })" },
  relu: { call: 'relu(in0)' },
  tanh: { call: 'tanh(in0)' },
  exp: { call: 'exp(in0)' },
  erf: { call: 'erf(in0)' },
  mean: { call: 'mean(in0, [1, 2], { keepDims: true })' },
  var_unbiased: { call: 'variance(in0, -1, { keepDims: true })' },
  var_biased: { call: 'variance(in0, -1, { correction: 0 })' },
  sum: { call: 'sum(in0, 0)' },
  max: { call: 'max(in0, -1)' },
  cumsum: { call: 'cumsum(in0, 1)' },
  take_along: { call: 'gather(in0, 1, in1)', over: 4 },
  argsort: { call: 'argsort(in0, -1)' },
  argsort_stable_ties: { call: 'argsort(in0, -1)' },
  topk_values: { call: 'topk(in0, 3, -1).values' },
  where: { call: 'where(greater(in0, 0), in1, in2)' },
  concat: { call: 'concat([in0, in1], 1)' },
  pad: { call: 'pad(in0, [[0, 0], [0, 1], [1, 2]])' },
  slice: { call: 'slice(slice(in0, 1, 1), 2, 0, 8, 2)' },
  roll: { call: 'roll(roll(in0, -1, 1), 2, 2)' },
  cross_entropy: { call: 'crossEntropy(in0, in1)', over: 8 },
  cross_entropy_smooth: { call: 'crossEntropy(in0, in1, { smoothing: 0.1 })', over: 8 },
  attention: { call: 'attention(in0, in1, in2)' },
  attention_bias: { call: 'attention(in0, in1, in2, { bias: in3 })' },
  smooth_l1: { call: 'mean(where(less(abs(sub(in0, in1)), 1), mul(pow(sub(in0, in1), 2), 0.5), sub(abs(sub(in0, in1)), 0.5)))' },
};
