// Softmax and its relations, sorts, gathers, einsum against PyTorch's numbers (test/data/golden/ops.safetensors), on the reference.
import { describe, expect, it } from 'vitest';
import * as heddle from '../../dsl/ops/index.ts';
import { f32, index, type Tensor } from '../../dsl/tensor.ts';
import { compare } from '../../testing/close.ts';
import { golden } from '../models/files.ts';
import { valuesOf } from './run.ts';

const { tensors, tolerance } = await golden('ops');
/** The file's note: these two are judged with atol 1e-3. */
const looser: ReadonlySet<string> = new Set(['softmax_big', 'layer_norm_large_mean']);

/** An op on the inputs of a case; labels and positions are indices over the size that is named. */
interface Case {
  readonly op: (...xs: Tensor[]) => Tensor;
  readonly over?: number;
}
const { argsort, attention, crossEntropy, cumsum, einsum, gather, layerNorm, logSoftmax, softmax, topk } = heddle;
const cases: Readonly<Record<string, Case>> = {
  softmax: { op: x => softmax(x, -1) },
  softmax_big: { op: x => softmax(x, -1) },
  softmax_axis1: { op: x => softmax(x, 1) },
  log_softmax: { op: x => logSoftmax(x, -1) },
  layer_norm: { op: (x, w, b) => layerNorm(x, w, b) },
  layer_norm_large_mean: { op: (x, w, b) => layerNorm(x, w, b) },
  cumsum: { op: x => cumsum(x, 1) },
  take_along: { op: (x, i) => gather(x, 1, i), over: 4 },
  argsort: { op: x => argsort(x, -1) },
  argsort_stable_ties: { op: x => argsort(x, -1) },
  topk_values: { op: x => topk(x, 3).values },
  cross_entropy: { op: (x, t) => crossEntropy(x, t), over: 8 },
  cross_entropy_smooth: { op: (x, t) => crossEntropy(x, t, { smoothing: 0.1 }), over: 8 },
  attention: { op: (q, k, v) => attention(q, k, v) },
  attention_bias: { op: (q, k, v, bias) => attention(q, k, v, { bias }) },
  einsum_qk: { op: (q, k) => einsum('bhqd,bhkd->bhqk', q, k) },
  einsum_patch: { op: x => einsum('nchpwq->nhwpqc', x) },
};

describe('ops against PyTorch', () => {
  it.each(Object.entries(cases))('%s', (name, { op, over }) => {
    const given = [0, 1, 2, 3].map(i => tensors.get(`${name}.in${i}`)).filter(t => t !== undefined);
    const inputs = given.map(t => (t.dtype === 'I32' ? index(over ?? 0)(...t.shape) : f32(...t.shape)));
    const y = op(...inputs);
    const expected = tensors.get(`${name}.out`)!;
    expect(y.node.shape.length === 0 ? [1] : y.node.shape).toEqual(expected.shape);
    const got = valuesOf(y, ...inputs.map((x, i) => [x, given[i]!.data] as const));
    const { failures, maxError } = compare(got, expected.data, { ...tolerance, ...(looser.has(name) ? { atol: 1e-3 } : {}) });
    expect(failures, `largest error ${maxError}`).toBe(0);
  });
});
