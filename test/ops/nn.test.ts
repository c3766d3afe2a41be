// What softmax, layer normalisation, attention and the loss promise beside their values: invariances, large and masked scores, brackets.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32 } from '../../compiler/graph/arithmetic.ts';
import type { Node } from '../../dsl/graph.ts';
import { attention, crossEntropy, layerNorm, logSoftmax, logsumexp, softmax } from '../../dsl/ops/nn.ts';
import { f32, index } from '../../dsl/tensor.ts';
import { run, valuesOf } from './run.ts';

const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const logits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 8 });
function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
}

describe('softmax', () => {
  it('sums to one, is invariant to a shift, and its logarithm is logSoftmax', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: -1000, max: 1000 }), (values, shift) => {
        const x = f32(values.length);
        const [p, logP] = run([softmax(x, 0), logSoftmax(x, 0)], [[x, values]]).map(v => [...v]) as [number[], number[]];
        expect(total(p)).toBeCloseTo(1, 12);
        expectClose(valuesOf(softmax(x, 0), [x, values.map(v => v + shift)]), p, 1e-10);
        expectClose(logP.map(Math.exp), p, 1e-10);
      }),
    );
  });
  it('of large logits is finite in single precision, and a finite mask is exactly 0', () => {
    const x = f32(4);
    const values = [1e30, 1e30, -1e30, 0].map(Math.fround);
    expect([...run([softmax(x, 0)], [[x, values]], float32)[0]!]).toEqual([0.5, 0.5, 0, 0]);
    expect(valuesOf(logsumexp(x, 0), [x, [1e4, -1e30, -1e30, -1e30]])).toEqual([1e4]);
  });
});

describe('layerNorm', () => {
  it('is invariant to shift and scale of its input', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (values, scale) => {
        fc.pre(new Set(values).size > 1);
        const [x, w, b] = [f32(values.length), f32(values.length), f32(values.length)];
        const parameters = [[w, values.map(() => 1)] as const, [b, values.map(() => 0)] as const] as const;
        const normal = layerNorm(x, w, b, { eps: 1e-12 });
        const got = valuesOf(normal, [x, values.map(v => 100 + scale * v)], ...parameters);
        expectClose(got, valuesOf(normal, [x, values], ...parameters), 1e-6);
        expect(Math.abs(total(got))).toBeLessThan(1e-6);
      }),
    );
  });
  it('keeps its digits at a large mean: two passes', () => {
    const [x, w, b] = [f32(4), f32(4), f32(4)];
    const fed = [
      [x, [10000, 10001, 10002, 10003]],
      [w, [1, 1, 1, 1]],
      [b, [0, 0, 0, 0]],
    ] as const;
    const y = layerNorm(x, w, b);
    const [exact, single] = [run([y], fed)[0]!, run([y], fed, float32)[0]!];
    expectClose(single, exact, 1e-6);
  });
});

describe('attention', () => {
  const [q, k, v] = [f32(2, 4), f32(3, 4), f32(3, 2)];
  const fed = [
    [q, [1, 0, 2, 0, 0, 1, 0, 1]],
    [k, [1, 1, 0, 0, 0, 0, 1, 1, 2, 0, 0, 1]],
    [v, [1, 2, 3, 4, 5, 6]],
  ] as const;
  it('with a large negative bias does not see a key', () => {
    const bias = f32(3);
    const masked = valuesOf(attention(q, k, v, { bias }), ...fed, [bias, [0, -1e30, 0]]);
    const without = valuesOf(attention(q, k, v, { bias }), ...fed.slice(0, 2), [v, [1, 2, 99, -99, 5, 6]], [bias, [0, -1e30, 0]]);
    expect(masked).toEqual(without);
  });
  it('with equal keys is the mean of the values', () => {
    expectClose(valuesOf(attention(q, k, v), fed[0], [k, Array(12).fill(1)], fed[2]), [3, 4, 3, 4], 1e-12);
  });
  it('takes its scale from a width that is a symbol', () => {
    expect(attention(f32('B', 'N', 'K'), f32('B', 'M', 'K'), f32('B', 'M', 'V')).node.shape).toEqual(['B', 'N', 'V']);
  });
});

describe('crossEntropy', () => {
  it('is the mean of −log softmax at the labels, at large logits too', () => {
    const [x, labels] = [f32(2, 3), index(3)(2)];
    const values = [1e4, 1e4 + 1, -1e4, 0, 1, 2];
    const logP = valuesOf(logSoftmax(x, 1), [x, values]);
    expect(valuesOf(crossEntropy(x, labels), [x, values], [labels, [1, 0]])[0]).toBeCloseTo(-(logP[1]! + logP[3]!) / 2, 10);
  });
  it('divides by a batch that is a symbol', () => {
    expect(crossEntropy(f32('B', 10), index(10)('B')).node.shape).toEqual([]);
  });
});

describe('brackets', () => {
  const bracket = (x: { readonly node: Node }): unknown => {
    const { node } = x;
    return node.op === 'call' ? [node.name, node.saved, node.inputs.length, node.inputs[0]!.shape] : node.op;
  };
  it('stand around the value, with what a derivative reads again', () => {
    const [x, d] = [f32(2, 4), f32(4)];
    expect(bracket(softmax(x, 1))).toEqual(['softmax', 0, 3, [2, 4]]);
    expect(bracket(logSoftmax(x, 1))).toEqual(['logSoftmax', 0, 3, [2, 4]]);
    expect(bracket(layerNorm(x, d, d))).toEqual(['layerNorm', 2, 6, [2, 4]]);
    expect(bracket(attention(x, x, x))).toEqual(['attention', 1, 6, [2, 4]]);
    expect(bracket(attention(x, x, x, { bias: f32(2, 2) }))).toEqual(['attention', 1, 7, [2, 4]]);
    expect(bracket(crossEntropy(x, index(4)(2)))).toEqual(['crossEntropy', 1, 5, []]);
  });
});
