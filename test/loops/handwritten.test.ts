// LayerNorm, softmax, attention and its dk + dv written by hand as loop nests and run against the graph. What can't be said cleanly here
// is wrong in the representation.
import { expect, test } from 'vitest';
import { type Arith, float64, ring } from '../../compiler/graph/arithmetic.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { interpret } from '../../compiler/graph/interpret.ts';
import { axisIndex, flatIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import { runNest } from '../../compiler/loops/interpret.ts';
import { printNest } from '../../compiler/loops/print.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { verifyNest } from '../../compiler/loops/verify.ts';
import { scalar } from '../../dsl/scalar.ts';
import { ramp, waves } from './run.ts';

const [N, C] = [9, 5];
const at = (strides: readonly number[], axes: readonly number[]) => flatIndex(axes.map(axisIndex), strides);
const div = scalar('div', ['f32', 'f32'], (b, x, y) => b.op('div', x, y));
const sub = scalar('sub', ['f32', 'f32'], (b, x, y) => b.op('sub', x, y));
const mul = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const weight = scalar('weight', ['f32', 'f32'], (b, x, m) => b.op('exp', b.op('sub', x, m)));

/** Buffers 0, 1, … hold the inputs, 9 and 10 the results. */
function check(nest: LoopNest, graph: Graph, inputs: readonly number[], outputs: readonly number[], arith: Arith, tolerance: number): void {
  verifyNest(nest);
  const values = inputs.map((id, k) => (arith === ring ? ramp : waves)(graph.shape(id), 1, k));
  const memory = new Map(values.map((v, k) => [k, v]));
  runNest(nest, { memory, arith });
  const feeds = Object.fromEntries(inputs.map((id, k) => [inputName(graph, id), values[k]!]));
  const expected = interpret(graph, outputs, feeds, { arith });
  outputs.forEach((output, k) => {
    const [want, got] = [expected.get(output)!, memory.get(9 + k)!];
    expect(got.length).toBe(want.length);
    for (const [i, x] of got.entries()) expect(Math.abs(x - want[i]!)).toBeLessThanOrEqual(tolerance);
  });
}
function inputName(graph: Graph, id: number): string {
  const node = graph.node(id);
  if (node.op !== 'input') throw new Error(`%${id} is no input`);
  return node.name;
}
const both = (run: (arith: Arith, tolerance: number) => void) => {
  run(ring, 0);
  run(float64, 1e-12);
};

test('LayerNorm: d is reduced twice and then stored over', () => {
  const b = new NestBuilder();
  const [n, d] = [b.axis(N, 'n'), b.axis(C, 'd')];
  const x = b.load(b.buffer(0, N * C, 'f32', false), at([C, 1], [n, d]));
  const mean = b.op('div', b.part('sum', [d], x), b.constant(C));
  const centred = b.op('sub', x, mean);
  const variance = b.op('div', b.part('sum', [d], b.op('mul', centred, centred)), b.constant(C));
  const y = b.op('mul', centred, b.op('rsqrt', b.op('add', variance, b.constant(1e-6))));
  b.store(b.buffer(9, N * C, 'f32', true), at([C, 1], [n, d]), y, [n, d]);
  const nest = b.finish({ rescale: true });
  expect(printNest(nest, k => (k === 0 ? 'x' : 'y'))).toBe(
    [
      'axes n:9 d:5',
      'for d:',
      '  p0[n] sum= x[5n + d]',
      'for d:',
      '  v4 = (x[5n + d] − (p0 / 5))',
      '  p1[n] sum= (v4 · v4)',
      'store n d: y[5n + d] = (v4 · rsqrt(((p1 / 5) + 0.000001)))',
    ].join('\n'),
  );

  const g = new Graph();
  const input = g.input('x', [N, C]);
  const row = (v: number) => g.expand(v, [N, C], [0]);
  const ratio = (add: number) => scalar('ratio', ['f32'], (s, v) => s.op('add', s.op('div', v, s.constant(C)), s.constant(add)));
  const centredNode = g.map(sub, [
    input,
    row(
      g.map(
        scalar('mean', ['f32'], (s, v) => s.op('div', v, s.constant(C))),
        [g.reduce('sum', input, [1])],
      ),
    ),
  ]);
  const scale = g.map(
    scalar('rsqrt', ['f32'], (s, v) => s.op('rsqrt', v)),
    [g.map(ratio(1e-6), [g.reduce('sum', g.map(mul, [centredNode, centredNode]), [1])])],
  );
  both((arith, tolerance) => check(nest, g, [input], [g.map(mul, [centredNode, row(scale)])], arith, tolerance));
});

/** softmax(x) over the last axis, and the same in a graph. */
function softmax(rescale: boolean): { nest: LoopNest; graph: Graph; input: number; output: number } {
  const b = new NestBuilder();
  const [n, k] = [b.axis(N, 'n'), b.axis(C, 'k')];
  const x = b.load(b.buffer(0, N * C, 'f32', false), at([C, 1], [n, k]));
  const e = b.op('exp', b.op('sub', x, b.part('max', [k], x)));
  b.store(b.buffer(9, N * C, 'f32', true), at([C, 1], [n, k]), b.op('div', e, b.part('sum', [k], e)), [n, k]);
  const graph = new Graph();
  const input = graph.input('x', [N, C]);
  const row = (v: number) => graph.expand(v, [N, C], [0]);
  const exp = graph.map(weight, [input, row(graph.reduce('max', input, [1]))]);
  return { nest: b.finish({ rescale }), graph, input, output: graph.map(div, [exp, row(graph.reduce('sum', exp, [1]))]) };
}
test('softmax: two loops, or one that rescales', () => {
  const plain = softmax(false);
  expect(plain.nest.loops).toEqual([[0], [1]]);
  both((arith, tolerance) => check(plain.nest, plain.graph, [plain.input], [plain.output], arith, tolerance));
  const online = softmax(true);
  expect(online.nest.loops).toEqual([[0, 1]]);
  check(online.nest, online.graph, [online.input], [online.output], float64, 1e-12);
});

function attention(rescale: boolean): LoopNest {
  const b = new NestBuilder();
  const [q, c, k] = [b.axis(N, 'q'), b.axis(C, 'c'), b.axis(N, 'k')];
  const load = (buffer: number, row: number) => b.load(b.buffer(buffer, N * C, 'f32', false), at([C, 1], [row, c]));
  const score = b.part('sum', [c], b.op('mul', load(0, q), load(1, k)));
  const e = b.op('exp', b.op('sub', score, b.part('max', [k], score)));
  const out = b.op('div', b.part('sum', [k], b.op('mul', e, load(2, k))), b.part('sum', [k], e));
  b.store(b.buffer(9, N * C, 'f32', true), at([C, 1], [q, c]), out, [q, c]);
  return b.finish({ rescale });
}
test('attention: m, l and o in one loop over k, each over its own axes', () => {
  const g = new Graph();
  const [q, k, v] = ['q', 'k', 'v'].map(name => g.input(name, [N, C])) as [number, number, number];
  const score = g.contract(['qc', 'kc'], 'qk', q, k);
  const e = g.map(weight, [score, g.expand(g.reduce('max', score, [1]), [N, N], [0])]);
  const out = g.map(div, [g.contract(['qk', 'kc'], 'qc', e, v), g.expand(g.reduce('sum', e, [1]), [N, C], [0])]);
  both((arith, tolerance) => check(attention(false), g, [q, k, v], [out], arith, tolerance));
  const online = attention(true);
  expect(online.loops).toEqual([[0], [1, 2, 3]]);
  check(online, g, [q, k, v], [out], float64, 1e-12);
  const names = ['q', 'k', 'v'];
  expect(printNest(online, id => names[id] ?? 'o')).toBe(
    [
      'axes q:9 c:5 k:9',
      'for c:',
      '  p0[q k] sum= (q[5q + c] · k[c + 5k])',
      'for k:',
      '  p1[q] max= p0',
      '  v6 = exp((p0 − p1))',
      '  p2[q c] sum= (v6 · v[c + 5k]) rescale by p1',
      '  p3[q] sum= v6 rescale by p1',
      'store q c: o[5q + c] = (p2 / p3)',
    ].join('\n'),
  );
});

test('dk + dv: two nested contractions, one loop, two stores', () => {
  const b = new NestBuilder();
  const [k, c, q] = [b.axis(N, 'k'), b.axis(C, 'c'), b.axis(N, 'q')];
  const load = (buffer: number, row: number) => b.load(b.buffer(buffer, N * C, 'f32', false), at([C, 1], [row, c]));
  const row = (buffer: number) => b.load(b.buffer(buffer, N, 'f32', false), axisIndex(q));
  const score = b.part('sum', [c], b.op('mul', load(0, q), load(1, k)));
  const dp = b.part('sum', [c], b.op('mul', load(3, q), load(2, k)));
  const p = b.op('exp', b.op('sub', score, row(4)));
  const ds = b.op('mul', p, b.op('sub', dp, row(5)));
  b.store(b.buffer(9, N * C, 'f32', true), at([C, 1], [k, c]), b.part('sum', [q], b.op('mul', ds, load(0, q))), [k, c]);
  b.store(b.buffer(10, N * C, 'f32', true), at([C, 1], [k, c]), b.part('sum', [q], b.op('mul', p, load(3, q))), [k, c]);
  const nest = b.finish({ rescale: true });
  expect(nest.loops).toEqual([
    [0, 1],
    [2, 3],
  ]);

  const g = new Graph();
  const [Q, K, V, dO] = ['q', 'k', 'v', 'do'].map(name => g.input(name, [N, C])) as [number, number, number, number];
  const [lse, D] = [g.input('lse', [N]), g.input('D', [N])];
  const rows = (v: number) => g.expand(v, [N, N], [0]);
  const P = g.map(weight, [g.contract(['qc', 'kc'], 'qk', Q, K), rows(lse)]);
  const dS = g.map(mul, [P, g.map(sub, [g.contract(['qc', 'kc'], 'qk', dO, V), rows(D)])]);
  const outputs = [g.contract(['qk', 'qc'], 'kc', dS, Q), g.contract(['qk', 'qc'], 'kc', P, dO)];
  both((arith, tolerance) => check(nest, g, [Q, K, V, dO, lse, D], outputs, arith, tolerance * 100));
});
