// The unfused form: what is a kernel, where outputs lie, how many buffers a kernel binds, and that equal structure is equal text.
import { describe, expect, test } from 'vitest';
import { Graph } from '../../compiler/graph/graph.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { nestKey } from '../../compiler/loops/key.ts';
import { printNest } from '../../compiler/loops/print.ts';
import { homeOf, lowerUnfused } from '../../compiler/loops/unfused.ts';
import { scalar } from '../../dsl/scalar.ts';
import { ramp, unfusedDifference } from './run.ts';

const exp = scalar('exp', ['f32'], (b, x) => b.op('exp', x));
const add = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const mul = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const stores = (g: Graph, outputs: readonly number[]) => lowerUnfused(g, outputs).map(k => k.roots[0]!.node);

describe('outputs', () => {
  const x = (g: Graph) => g.input('x', [3, 4]);
  const same = (g: Graph, outputs: readonly number[]) => unfusedDifference(g, outputs, { x: ramp([3, 4]), s: ramp([]) });
  test('an input or a parameter is its own home, with no kernel', () => {
    const g = new Graph();
    const outputs = [x(g), g.parameter('w', [3])];
    expect(stores(g, outputs)).toEqual([]);
    expect(outputs.map(o => homeOf(g, o))).toEqual(outputs);
  });
  test('brackets, stops and reshapes lie where their operand lies', () => {
    const g = new Graph();
    const y = g.map(exp, [x(g)]);
    const outputs = [g.reshape(g.stop(y), [12]), g.call('layer', y, [], []), y];
    expect(outputs.map(o => homeOf(g, o))).toEqual([y, y, y]);
    expect(stores(g, outputs)).toEqual([y]);
    expect(same(g, outputs)).toBeUndefined();
  });
  test('a view, a constant, positions, a size and a scalar are copied', () => {
    const g = new Graph();
    const outputs = [g.permute(x(g), [1, 0]), g.expand(g.constant(5), [2], []), g.iota([3], 0), g.extent(9), g.input('s', [], 'f32', 'scalar')];
    expect(outputs.map(o => homeOf(g, o))).toEqual([outputs[0], outputs[1], ...outputs.slice(2)]);
    expect(stores(g, outputs).toSorted()).toEqual([...outputs].toSorted());
    expect(same(g, outputs)).toBeUndefined();
  });
  test('a view that others read is still index arithmetic to them', () => {
    const g = new Graph();
    const view = g.permute(x(g), [1, 0]);
    const y = g.map(exp, [view]);
    const reads = lowerUnfused(g, [view, y]).map(k => k.nest.buffers.map(b => b.node));
    expect(reads).toEqual([
      [0, view],
      [0, y],
    ]);
  });
  test('one tensor as two outputs is stored once', () => {
    const g = new Graph();
    const y = g.map(exp, [x(g)]);
    expect(stores(g, [y, y])).toEqual([y]);
  });
  test('a nested value is stored when it is an output, else inside its reader', () => {
    const g = new Graph();
    const y = g.map(exp, [x(g)]);
    g.nested.add(y);
    const sum = g.reduce('sum', y, [1]);
    expect(stores(g, [sum])).toEqual([sum]);
    expect(stores(g, [sum, y])).toEqual([y, sum]);
    expect(same(g, [sum, y])).toBeUndefined();
  });
});

test('a concat is a kernel a piece, in place', () => {
  const g = new Graph();
  const c = g.concat(1, [g.input('x', [2, 3]), g.input('y', [2, 0]), g.input('z', [2, 4])]);
  const kernels = lowerUnfused(g, [c]);
  expect(kernels.map(k => k.roots)).toEqual([[{ node: c, piece: 0 }], [{ node: c, piece: 2 }]]);
  expect(kernels.map(k => printNest(k.nest).split('\n')[1])).toEqual([
    'store i j: %3[7i + j] = %0[3i + j]',
    'store i j: %3[7i + j + 3] = %2[4i + j]',
  ]);
});

describe('buffers a kernel', () => {
  test('a concat of many pieces needs two', () => {
    const g = new Graph();
    const pieces = Array.from({ length: 40 }, (_, i) => g.input(`x${i}`, [2, 3]));
    const c = g.concat(0, pieces);
    const feeds = Object.fromEntries(pieces.map((_, i) => [`x${i}`, ramp([2, 3], 1, i)]));
    expect(lowerUnfused(g, [c], { maxBuffers: 2 }).every(k => k.nest.buffers.length === 2)).toBe(true);
    expect(unfusedDifference(g, [c], feeds, {}, { maxBuffers: 2 })).toBeUndefined();
  });
  test('nested values are stored where their reader would bind too much', () => {
    const g = new Graph();
    const [a, b, c] = ['a', 'b', 'c'].map(name => g.input(name, [3])) as [number, number, number];
    const product = g.map(mul, [a, b]);
    g.nested.add(product);
    const y = g.map(add, [product, c]);
    expect(stores(g, [y])).toEqual([y]);
    expect(lowerUnfused(g, [y], { maxBuffers: 3 }).map(k => k.roots[0]!.node)).toEqual([product, y]);
    expect(unfusedDifference(g, [y], { a: ramp([3], 1, 1), b: ramp([3], 1, 2), c: ramp([3], 1, 3) }, {}, { maxBuffers: 3 })).toBeUndefined();
  });
  test('a function of too many tensors is refused by name', () => {
    const g = new Graph();
    const many = scalar('blend', Array(9).fill('f32'), (b, ...xs) => xs.reduce((s, x) => b.op('add', s, x)));
    const y = g.map(
      many,
      Array.from({ length: 9 }, (_, i) => g.input(`x${i}`, [3])),
    );
    expect(() => lowerUnfused(g, [y], { maxBuffers: 8 })).toThrow(
      'blend: reads and writes 10 tensors, but the target binds at most 8 a kernel: split the function in two',
    );
    expect(lowerUnfused(g, [y], { maxBuffers: 10 })).toHaveLength(1);
  });
});

/** A pre-norm block in miniature: normalise, two matmuls with a bias and a gelu-like map, residual. */
function block(g: Graph, x: number, name: string): number {
  const shape = g.shape(x);
  const [rows, width] = [shape.slice(0, -1), shape.at(-1) as number];
  const axes = [0, 1];
  const row = (v: number) => g.expand(v, shape, axes);
  const mean = scalar('mean', ['f32'], (b, s) => b.op('div', s, b.constant(width)));
  const centred = g.map(
    scalar('sub', ['f32', 'f32'], (b, p, q) => b.op('sub', p, q)),
    [x, row(g.map(mean, [g.reduce('sum', x, [2])]))],
  );
  const rstd = g.map(
    scalar('rstd', ['f32'], (b, s) => b.op('rsqrt', b.op('add', s, b.constant(1e-6)))),
    [g.map(mean, [g.reduce('sum', g.map(mul, [centred, centred]), [2])])],
  );
  const normal = g.map(mul, [centred, row(rstd)]);
  const dense = (v: number, path: string, out: number) =>
    g.map(add, [
      g.contract(['bni', 'oi'], 'bno', v, g.parameter(`${name}.${path}.weight`, [out, g.shape(v)[2] as number])),
      g.expand(g.parameter(`${name}.${path}.bias`, [out]), [...rows, out], [2]),
    ]);
  return g.map(add, [x, dense(g.map(exp, [dense(normal, 'fc1', 2 * width)]), 'fc2', width)]);
}
describe('the key of a nest', () => {
  const g = new Graph();
  let x = g.input('x', [{ batch: 1 }, 5, 4]);
  for (let i = 0; i < 12; i++) x = block(g, x, `blocks.${i}`);
  const keys = (graph: Graph, out: number) => lowerUnfused(graph, [out]).map(k => nestKey(collapse(k.nest)));
  test('is the same for twelve equal blocks', () => {
    const all = keys(g, x);
    const first = all.slice(0, all.length / 12);
    expect(first).toHaveLength(14); // 2 sums, 2 means, centred, square, rstd, normalised, 2 matmuls, 2 biases, exp, residual
    expect(new Set(first).size).toBe(12); // the two sums are alike, and so are the two means
    for (let i = 0; i < 12; i++) expect(all.slice(14 * i, 14 * i + 14)).toEqual(first);
  });
  test('and from run to run', () => expect(keys(g, x)).toEqual(keys(g, x)));
  test('tells sizes, dtypes, constants, guards and signs of zero apart', () => {
    const key = (make: (graph: Graph) => number) => {
      const graph = new Graph();
      return keys(graph, make(graph)).join();
    };
    const shift = (by: number) => scalar('shift', ['f32'], (b, v) => b.op('add', v, b.constant(by)));
    const all = [
      key(h => h.map(exp, [h.input('x', [3])])),
      key(h => h.map(exp, [h.input('x', [4])])),
      key(h => h.map(exp, [h.input('x', [{ batch: 3 }])])),
      key(h => h.map(shift(0), [h.input('x', [3])])),
      key(h => h.map(shift(-0), [h.input('x', [3])])),
      key(h => h.map(shift(Number.POSITIVE_INFINITY), [h.input('x', [3])])),
      key(h => h.map(shift(Number.NaN), [h.input('x', [3])])),
      key(h => h.pad(h.input('x', [3]), [1], [0], 0)),
      key(h => h.pad(h.input('x', [3]), [1], [0], 1)),
      key(h => h.reduce('max', h.input('x', [3], 'i32'), [0])),
      key(h => h.reduce('max', h.input('x', [3], 'u32'), [0])),
      key(h => h.reduce('min', h.input('x', [3], 'u32'), [0])),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(key(h => h.map(exp, [h.input('y', [3])]))).toBe(all[0]);
  });
});
