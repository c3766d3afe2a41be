// What ops record beyond their values: free sizes, node counts, element types, and operands that are neither tensor nor number.
import { describe, expect, it } from 'vitest';
import { intern } from '../../compiler/graph/intern.ts';
import { placeOf } from '../../dsl/errors.ts';
import type { Node } from '../../dsl/graph.ts';
import { add, argmax, conv2d, div, linear, matmul, mean, mul, pow, sum, variance, where } from '../../dsl/ops/index.ts';
import { size } from '../../dsl/sizes.ts';
import type { NdArray } from '../../dsl/table.ts';
import { bool, f16, f32, i32, isTensor, type Tensor } from '../../dsl/tensor.ts';
import { interpretCall, reference, trace } from './evaluate.ts';

/** Every node that x is made of, once. */
function nodesOf(x: Tensor): Node[] {
  const seen = new Set<Node>([x.node]);
  for (const node of seen) for (const input of node.inputs) seen.add(input);
  return [...seen];
}
const opsOf = (x: Tensor): string[] =>
  nodesOf(x)
    .map(n => (n.op === 'view' ? n.view : n.op))
    .filter(op => op !== 'input')
    .sort();

describe('a free size', () => {
  const data = Array.from({ length: 15 }, (_, i) => Math.sin(i * 7));
  const x: NdArray = { shape: [5, 3], dtype: 'f32', data };
  it.each([
    'mean(x)',
    'mean(x, 0)',
    'variance(x, 0)',
    'variance(x, [0, 1], { correction: 0 })',
    'variance(x, 0, { correction: 9 })',
    'argmax(x, 0)',
    'argmin(x)',
    'argmax(x, [1, 0])',
    'add(x, mean(x, 0, { keepDims: true }))',
    'sum(reshape(x, [-1]), 0)',
    "broadcastTo(sum(x, 0), ['B', 3])",
  ])('is what the numbers give: %s', call => {
    const got = interpretCall(trace({ inputs: { x: "f32('B', 3)" }, call }), new Map([['x', data]]), ['B', 5]);
    const want = reference(call.replace("'B'", '5'), { x });
    expect(got.map(({ data: _, ...head }) => head)).toEqual(want.map(({ data: _, ...head }) => head));
    got.forEach((g, i) => {
      g.data.forEach((v, k) => {
        expect(v).toBeCloseTo(want[i]!.data[k]!, 5);
      });
    });
  });
});

describe('nodes', () => {
  it('a number stands inside the function', () => {
    expect(opsOf(add(f32(3), 2))).toEqual(['map']);
    expect(opsOf(where(bool(3), 0, f32(3)))).toEqual(['map']);
  });
  it('operands of one shape are not expanded', () => {
    expect(opsOf(mul(f32(3), f32(3)))).toEqual(['map']);
    expect(opsOf(mul(f32(2, 3), f32(3)))).toEqual(['expand', 'map']);
  });
  it('a product is one contraction, without transposes or expansions', () => {
    expect(opsOf(matmul(f32(2, 4, 8), f32(8, 3)))).toEqual(['contract']);
    expect(opsOf(linear(f32(2, 4, 8), f32(3, 8)))).toEqual(['contract']);
    expect(opsOf(linear(f32(2, 4, 8), f32(3, 8), f32(3)))).toEqual(['contract', 'expand', 'map']);
    expect(opsOf(matmul(f32(1, 4, 8), f32(5, 8, 3)))).toEqual(['contract', 'reshape']);
  });
  it('a convolution is windows and one contraction', () => {
    expect(opsOf(conv2d(f32(2, 3, 8, 8), f32(5, 3, 4, 4), { stride: 4 }))).toEqual(['contract', 'window', 'window']);
    expect(opsOf(conv2d(f32(2, 3, 8, 8), f32(5, 3, 3, 3), { pad: 1 }))).toEqual(['contract', 'pad', 'window', 'window']);
  });
  it('a whole power multiplies out', () => {
    const { node } = pow(f32(3), 5);
    expect(node.op === 'map' && node.fn.body.map(i => i.prim)).toEqual(['mul', 'mul', 'mul']);
  });
  it('an argmax is made of max and min', () => {
    expect(nodesOf(argmax(f32(2, 3), 1)).flatMap(n => (n.op === 'reduce' ? [n.kind] : []))).toEqual(['min', 'max']);
  });
  it('every f16 value that is computed is rounded', () => {
    const x = f16(4, 4);
    for (const y of [add(x, 1), matmul(x, x), sum(x, 0), mean(x, 0), variance(x, 0), linear(x, x, f16(4))])
      for (const node of nodesOf(y)) if (node.dtype === 'f16' && node.op === 'map') expect(node.fn.body.at(-1)?.prim).toBe('roundF16');
    expect(nodesOf(matmul(x, x))[0]).toMatchObject({ op: 'map', dtype: 'f16' });
  });
});

it('every node of an op is placed at its call', () => {
  const x = f32(2, 3);
  for (const y of [add(x, 1), sum(x, 0), argmax(x, 1), variance(x, 1, { keepDims: true }), conv2d(f32(1, 1, 4, 4), f32(1, 1, 2, 2), { pad: 1 })])
    for (const node of nodesOf(y)) expect(placeOf(node.origin)?.file).toBe(import.meta.filename);
});

describe('operands', () => {
  /** What a caller without types may pass. */
  const wrong = <T>(x: unknown): T => x as T;
  it('a placeholder says that it is none', () => {
    expect(() => div(f32(3), size('H'))).toThrow('✗ size: H is a placeholder, not a number');
    expect(() => where(bool(3), size('H'), f32(3))).toThrow('✗ size: H is a placeholder, not a number');
  });
  it('anything else is named', () => {
    expect(() => add(f32(3), wrong<number>([1, 2]))).toThrow('✗ add: an operand is a tensor or a number, got a value of type object');
    expect(() => add(wrong<number>(undefined), f32(3))).toThrow('✗ add: an operand is a tensor or a number, got a value of type undefined');
  });
  it('a size of a layer may stand beside integers', () => {
    const heads = wrong<number & { readonly dim: 'H' }>(4);
    expect(isTensor(mul(i32(3), heads))).toBe(true);
  });
});

describe('casts', () => {
  it('change the element type in the compiled graph too', () => {
    for (const [from, to] of [
      ['f16', 'f32'],
      ['f32', 'f16'],
    ]) {
      const { inputs, result } = trace({ inputs: { x: `${from}(3)` }, call: `cast(x, '${to}')` });
      const { graph, outputs } = intern({
        inputs: [['x', inputs.get('x')!.node]],
        outputs: [['y', (result as Tensor).node]],
        names: new Map(),
        batch: null,
      });
      expect(graph.node(outputs[0]![1]).dtype).toBe(to);
    }
  });
});
