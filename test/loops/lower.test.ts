// Lowering, one op at a time: each case against the graph's interpreter, exactly in the ring and in doubles, and the text of a few.
import { describe, expect, test } from 'vitest';
import type { DType } from '../../common/dtype.ts';
import type { Size } from '../../common/size.ts';
import { CompileError } from '../../compiler/errors.ts';
import { float64, ring } from '../../compiler/graph/arithmetic.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import type { Values } from '../../compiler/graph/interpret.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { isGiven, lowerKernel } from '../../compiler/loops/lower.ts';
import { neutral } from '../../compiler/loops/neutral.ts';
import { printNest } from '../../compiler/loops/print.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { stridesOf } from '../../compiler/loops/views.ts';
import { scalar } from '../../dsl/scalar.ts';
import { difference, lowerInlined, ramp, unfusedDifference, waves } from './run.ts';

const exp = scalar('exp', ['f32'], (b, x) => b.op('exp', x));
const add = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const B: Size = { batch: 1 };

/** Outputs of a small graph, by what they show. */
type Case = (g: Graph) => number | readonly number[];
const x234 = (g: Graph) => g.input('x', [2, 3, 4]);
const cases: Record<string, Case> = {
  'map of one operand': g => g.map(exp, [x234(g)]),
  'map that uses an operand twice': g => {
    const x = x234(g);
    return g.map(add, [x, x]);
  },
  'map of rank 0': g => g.map(exp, [g.input('s', [])]),
  'map of a constant': g => g.map(exp, [g.expand(g.constant(2), [3], [])]),
  'sum over one axis': g => g.reduce('sum', x234(g), [1]),
  'max over several axes': g => g.reduce('max', x234(g), [0, 2]),
  'min over all axes': g => g.reduce('min', x234(g), [0, 1, 2]),
  'sum over an axis of 1': g => g.reduce('sum', g.input('x', [3, 1]), [1]),
  'sum of a sum over axes of one extent': g => g.reduce('sum', g.reduce('sum', g.input('x', [3, 3, 3]), [2]), [0]),
  'sum, max and min of one tensor': g => {
    const x = x234(g);
    return g.map(add, [g.map(add, [g.reduce('sum', x, [1]), g.reduce('max', x, [1])]), g.reduce('min', x, [1])]);
  },
  matmul: g => g.contract(['mk', 'kn'], 'mn', g.input('x', [3, 4]), g.input('y', [4, 5])),
  'batched matmul, transposed': g => g.contract(['bmk', 'bnk'], 'bnm', g.input('x', [2, 3, 4]), g.input('y', [2, 5, 4])),
  'outer product': g => g.contract(['a', 'b'], 'ab', g.input('x', [3]), g.input('y', [4])),
  'dot product': g => g.contract(['a', 'a'], '', g.input('x', [5]), g.input('y', [5])),
  'labels of one operand alone are summed': g => g.contract(['ab', 'bc'], 'b', g.input('x', [3, 4]), g.input('y', [4, 5])),
  'contraction over an axis of 1': g => g.contract(['ak', 'kb'], 'ab', g.input('x', [3, 1]), g.input('y', [1, 4])),
  'a matrix times itself': g => {
    const x = g.input('x', [4, 4]);
    return g.contract(['ab', 'bc'], 'ac', x, x);
  },
  'reshape that splits and joins': g => g.map(exp, [g.reshape(x234(g), [4, 6])]),
  permute: g => g.map(exp, [g.permute(x234(g), [2, 0, 1])]),
  'reshape of a permute': g => g.map(exp, [g.reshape(g.permute(x234(g), [2, 0, 1]), [6, 4])]),
  'expand with new axes': g => g.map(exp, [g.expand(g.input('x', [3]), [2, 3, 4], [1])]),
  'expand where an axis of 1 grows': g => g.map(exp, [g.expand(g.input('x', [2, 1, 4]), [2, 3, 4], [0, 1, 2])]),
  'slice with a step': g => g.map(exp, [g.slice(x234(g), 2, 1, 2, 2)]),
  flip: g => g.map(exp, [g.flip(x234(g), 1)]),
  'reshape of a flip: its index runs down': g => g.map(exp, [g.reshape(g.flip(g.reshape(x234(g), [24]), 0), [4, 6])]),
  'reshape of a padded flip: its index goes below 0': g => g.map(exp, [g.pad(g.reshape(g.flip(g.input('x', [6]), 0), [2, 3]), [1, 2], [1, 0], 5)]),
  'window, overlapping': g => g.reduce('max', g.window(g.input('x', [2, 7]), 1, 3, 2), [2]),
  'window in two axes: patches': g => g.map(exp, [g.permute(g.window(g.window(g.input('x', [4, 6]), 0, 2, 2), 2, 3, 3), [0, 2, 1, 3])]),
  'pad by a number': g => g.pad(x234(g), [0, 1, 2], [1, 0, 1], 7),
  'pad by nothing': g => g.pad(x234(g), [0, 0, 0], [0, 0, 0], 7),
  'pad of a pad': g => g.pad(g.pad(g.input('x', [3]), [1], [1], 2), [2], [0], 3),
  'pad of a computed value': g => {
    const y = g.map(exp, [g.input('x', [3])]);
    g.nested.add(y);
    return g.pad(y, [1], [1], 2);
  },
  concat: g => g.concat(1, [g.input('x', [2, 3]), g.input('y', [2, 1]), g.input('z', [2, 4])]),
  'a slice of a concat that one piece covers': g => g.map(exp, [g.slice(g.concat(0, [g.input('x', [3]), g.input('y', [4])]), 0, 3, 4)]),
  'a slice across pieces': g => g.map(exp, [g.slice(g.concat(0, [g.input('x', [3]), g.input('y', [4])]), 0, 2, 3)]),
  'gather, indices out of range clamped': g => g.gather(g.input('x', [2, 3, 4]), g.input('i', [2, 5], 'i32'), 1),
  'gather by u32': g => g.gather(g.input('x', [3, 4]), g.input('i', [5], 'u32'), 0),
  'gather by positions': g => g.gather(g.input('x', [2, 5]), g.iota([2, 3], 1), 1),
  'gather by a number': g => g.gather(g.input('x', [3, 4]), g.expand(g.constant(9, 'i32'), [2], []), 0),
  'gather along an axis of 1': g => g.gather(g.input('x', [2, 1]), g.input('i', [2, 3], 'i32'), 1),
  'gather of a gather under a pad': g =>
    g.pad(g.gather(g.gather(g.input('x', [6]), g.input('i', [4], 'i32'), 0), g.input('j', [3], 'i32'), 0), [1], [2]),
  'reshape of a gather': g => g.map(exp, [g.reshape(g.gather(g.input('x', [3, 4]), g.input('i', [6], 'i32'), 0), [8, 3])]),
  'iota, extent': g => [
    g.iota([3, 4], 1),
    g.extent(7),
    g.map(
      scalar('f', ['i32'], (b, i) => b.op('toF32', i)),
      [g.iota([3, 4], 0)],
    ),
  ],
  'a run-time scalar': g => g.map(add, [g.input('x', [3]), g.expand(g.input('rate', [], 'f32', 'scalar'), [3], [])]),
  data: g => g.map(exp, [g.data(Float32Array.of(3, 1, 2), [3], 'f32')]),
  'comparisons and selection': g => {
    const [x, y] = [g.input('x', [2, 3]), g.input('y', [2, 3])];
    const less = g.map(
      scalar('less', ['f32', 'f32'], (b, p, q) => b.op('lt', p, q)),
      [x, y],
    );
    return [
      less,
      g.reduce('max', less, [1]),
      g.reduce('min', less, [0]),
      g.map(
        scalar('pick', ['bool', 'f32', 'f32'], (b, c, p, q) => b.op('select', c, p, q)),
        [less, x, y],
      ),
    ];
  },
  'brackets and stops': g => g.map(exp, [g.call('layer', g.stop(g.map(exp, [x234(g)])), [], [])]),
  'rank by comparisons, nested': g => {
    const x = g.input('x', [2, 5]);
    const [left, right] = [g.expand(x, [2, 5, 5], [0, 2]), g.expand(x, [2, 5, 5], [0, 1])];
    const before = g.map(
      scalar('before', ['f32', 'f32'], (b, p, q) => b.op('toI32', b.op('lt', p, q))),
      [left, right],
    );
    g.nested.add(before);
    const rank = g.reduce('sum', before, [2]);
    return [rank, g.gather(x, rank, 1)];
  },
};
const integers: Record<string, Case> = Object.fromEntries(
  (['i32', 'u32'] as const).flatMap(type =>
    (['sum', 'max', 'min'] as const).map((kind): [string, Case] => [`${kind} of ${type}`, g => g.reduce(kind, g.input('n', [3, 4], type), [1])]),
  ),
);
/** Tensors without elements, and reductions over nothing (of floats: in doubles only, where the least number is a number). */
const empty: Record<string, Case> = {
  'map of nothing': g => g.map(exp, [g.input('x', [0, 3])]),
  'sum over nothing': g => g.reduce('sum', g.input('x', [2, 0]), [1]),
  'sum over nothing and something': g => g.reduce('sum', g.input('x', [3, 2, 0]), [1, 2]),
  'max over nothing': g => (['f32', 'i32', 'u32', 'bool'] as const).map(t => g.reduce('max', g.input(t, [2, 0], t), [1])),
  'min over nothing': g => (['f32', 'i32', 'u32', 'bool'] as const).map(t => g.reduce('min', g.input(t, [2, 0], t), [1])),
  'contraction over nothing': g => g.contract(['ak', 'kb'], 'ab', g.input('x', [2, 0]), g.input('y', [0, 3])),
  'pad of nothing': g => g.pad(g.input('x', [2, 0]), [0, 1], [0, 2], 4),
  'concat with nothing': g => g.concat(1, [g.input('x', [2, 0]), g.input('y', [2, 3])]),
  'concat with nothing, read': g => g.map(exp, [g.slice(g.concat(0, [g.input('x', [2]), g.input('z', [0]), g.input('y', [3])]), 0, 1, 3)]),
  'reshape of nothing': g => g.reduce('sum', g.reshape(g.input('x', [0, 6]), [2, 0, 3]), [1]),
  'gather of nothing': g => g.gather(g.input('x', [0, 2]), g.input('i', [3], 'i32'), 0),
};
/** The batch is the leading axis of what is stored, and any reduced axis. */
const dynamic: Record<string, Case> = {
  'rows of samples': g => g.map(exp, [g.reshape(g.input('x', [B, 3, 4]), [{ batch: 3 }, 4])]),
  'reshape there and back': g => g.reduce('sum', g.reshape(g.map(exp, [g.reshape(g.input('x', [B, 6, 4]), [{ batch: 3 }, 8])]), [B, 4, 6]), [1]),
  'a leading 1': g => g.map(exp, [g.reshape(g.input('x', [B, 4]), [1, B, 4])]),
  'sum over the batch': g => g.reduce('sum', g.input('x', [B, 3]), [0]),
  'sum over everything': g => g.reduce('sum', g.input('x', [B, 3]), [0, 1]),
  'contraction over the batch': g => g.contract(['bi', 'bj'], 'ij', g.input('x', [B, 3]), g.input('y', [B, 4])),
  'sum over the batch, moved inside by a view': g => g.reduce('sum', g.permute(g.input('x', [B, 3]), [1, 0]), [1]),
  'the mean': g => {
    const x = g.input('x', [B, 3]);
    return g.map(
      scalar('ratio', ['f32', 'i32'], (b, s, n) => b.op('div', s, b.op('toF32', n))),
      [g.reduce('sum', x, [0, 1]), g.extent({ batch: 3 })],
    );
  },
  'gather from the batch': g => g.gather(g.input('x', [B, 3]), g.input('i', [5], 'i32'), 0),
  'concat behind the batch': g => g.concat(1, [g.expand(g.input('cls', [1, 1, 4]), [B, 1, 4], [0, 1, 2]), g.input('x', [B, 3, 4])]),
};

function feedsOf(g: Graph, batch: number, floats: boolean): Record<string, Values> {
  const feeds: Record<string, Values> = {};
  g.nodes.forEach((node, k) => {
    if (node.op !== 'input') return;
    const small = (node.dtype === 'f32' && !floats ? ramp : waves)(node.shape, batch, k);
    feeds[node.name] = node.dtype === 'f32' ? small : whole(small, node.dtype);
  });
  return feeds;
}
/** −4 … 8 for i32, so that indices leave every axis on both sides. */
const whole = (x: Float64Array, dtype: DType): Values =>
  dtype === 'i32'
    ? Int32Array.from(x, v => Math.round(v * 3) + 2)
    : dtype === 'u32'
      ? Uint32Array.from(x, (v, i) => (i === 1 ? 4294967295 : Math.round(v + 2)))
      : Uint8Array.from(x, v => (v > 0 ? 1 : 0));

function compare(make: Case, batch: number, arithmetics: readonly (typeof ring)[]): void {
  const g = new Graph();
  const made = make(g);
  const outputs = typeof made === 'number' ? [made] : made;
  verify(g);
  for (const arith of arithmetics) {
    const feeds = feedsOf(g, batch, arith === float64);
    const tolerance = arith === ring ? 0 : 1e-12;
    expect(unfusedDifference(g, outputs, feeds, { batch, arith }, {}, tolerance)).toBeUndefined();
    expect(difference(g, outputs, lowerInlined(g, outputs), feeds, { batch, arith }, tolerance)).toBeUndefined();
  }
}

describe('every op, unfused and inlined', () => {
  for (const [name, make] of Object.entries({ ...cases, ...integers })) test(name, () => compare(make, 1, [ring, float64]));
});
describe('nothing', () => {
  for (const [name, make] of Object.entries(empty)) test(name, () => compare(make, 1, [float64]));
  test('empty tensors have no kernel, reductions over nothing no loop', () => {
    const g = new Graph();
    expect(lowerUnfused(g, [g.map(exp, [g.input('x', [0, 3])])])).toEqual([]);
    expect(text(g, [g.reduce('max', g.input('y', [2, 0]), [1])])).toEqual(['axes i:2\nstore i: %3[i] = -3.4028234663852886e+38']);
  });
  test('the neutral elements are those of the arithmetic', () => {
    for (const type of ['f32', 'i32', 'u32', 'bool'] as const) {
      expect(neutral('max', type)).toBe(float64.lowest(type));
      expect(neutral('min', type)).toBe(float64.highest(type));
      expect(neutral('sum', type)).toBe(0);
    }
  });
});
describe('the batch', () => {
  for (const [name, make] of Object.entries(dynamic))
    test(name, () => {
      for (const batch of [1, 2, 3, 5]) compare(make, batch, [ring]);
    });
  test('inside a stored tensor, or reversed, it says --batch n', () => {
    const refused: Case[] = [
      g => g.map(exp, [g.permute(g.input('x', [B, 3]), [1, 0])]),
      g => g.permute(g.input('x', [B, 3]), [1, 0]),
      g => g.contract(['ab', 'bc'], 'ac', g.input('x', [3, 4]), g.permute(g.input('y', [B, 4]), [1, 0])),
      g => g.reduce('sum', g.reshape(g.permute(g.input('x', [B, 4]), [1, 0]), [{ batch: 4 }]), [0]),
      g => g.map(exp, [g.flip(g.input('x', [B, 3]), 0)]),
    ];
    for (const make of refused) {
      const g = new Graph();
      const output = make(g);
      expect(() => lowerUnfused(g, [output as number])).toThrow(/--batch n/);
    }
    expect(stridesOf([2, B, 3])).toBeUndefined();
    expect(stridesOf([1, { batch: 2 }, 1, 5])).toEqual([0, 5, 0, 1]);
  });
});

const text = (g: Graph, outputs: readonly number[]): readonly string[] => lowerUnfused(g, outputs).map(k => printNest(collapse(k.nest)));
test("a refusal is led by the user's operation, at its call", () => {
  const g = new Graph();
  const origin = { trail: ['block', 'mlp'], stack: 'Error\n    at mlp (/home/ann/model.ts:3:7)' };
  const y = g.map(exp, [g.permute(g.input('x', [B, 3]), [1, 0])], 'f32', origin);
  try {
    lowerUnfused(g, [y]);
    expect.unreachable();
  } catch (e) {
    if (!(e instanceof CompileError)) throw e;
    expect(e.message).toBe(
      'mlp: the batch is not the outermost axis of a tensor that is stored or reshaped, [3,B]: fix the batch with --batch n, or keep it outermost',
    );
    expect(e.place).toEqual({ file: '/home/ann/model.ts', line: 3, column: 7 });
  }
});
describe('what a kernel says', () => {
  test('views leave no trace', () => {
    const g = new Graph();
    const x = g.input('x', [{ batch: 1 }, 6, 4]);
    const there = g.reshape(g.permute(g.reshape(x, [{ batch: 3 }, 8]), [0, 1]), [{ batch: 2 }, 12]);
    expect(text(g, [g.map(exp, [g.reshape(there, [{ batch: 1 }, 6, 4])])])).toEqual(['axes ijk:24B\nstore ijk: %4[ijk] = exp(%0[ijk])']);
  });
  test('an axis of 1 has no name, and does not keep others apart', () => {
    const g = new Graph();
    expect(text(g, [g.map(exp, [g.input('x', [3, 1, 4, 1])])])).toEqual(['axes ij:12\nstore ij: %1[ij] = exp(%0[ij])']);
  });
  test('rows stay apart from what is read along them', () => {
    const g = new Graph();
    const y = g.map(add, [g.input('x', [B, 5, 4]), g.expand(g.input('bias', [4]), [B, 5, 4], [2])]);
    expect(text(g, [y])).toEqual(['axes ij:5B k:4\nstore ij k: %3[4ij + k] = (%0[4ij + k] + %1[k])']);
  });
  test('a pad is a guarded load', () => {
    const g = new Graph();
    expect(text(g, [g.pad(g.input('x', [3]), [1], [1], 2)])).toEqual([
      'axes i:5\nstore i: %1[i] = %0[i − 1] if ((0 ≤ (i − 1)) ∧ ((i − 1) < 3)) else 2',
    ]);
  });
  test('a gathered index is clamped once, and not where it is known', () => {
    const g = new Graph();
    const i = g.gather(g.input('x', [6]), g.input('i', [4], 'i32'), 0);
    expect(text(g, [i])).toEqual(['axes i:4\nstore i: %2[i] = %0[{max(min(%1[i], 5), 0)}]']);
    const known = new Graph();
    expect(text(known, [known.gather(known.input('x', [6]), known.iota([4], 0), 0)])).toEqual(['axes i:4\nstore i: %2[i] = %0[i]']);
  });
  test('a piece of a concat that the index surely meets needs no guard, the others no buffer', () => {
    const g = new Graph();
    const c = g.concat(0, [g.input('x', [3]), g.input('y', [4])]);
    const { nest } = lowerKernel(g, [{ node: g.map(exp, [g.slice(c, 0, 3, 4)]), piece: -1 }], () => false);
    expect(printNest(nest)).toBe('axes i:4\nstore i: %4[i] = exp(%1[i])');
    expect(nest.buffers.map(b => b.node)).toEqual([1, 4]);
  });
  test('LayerNorm in one kernel: equal loops share axes, and its statistics the load of a row', () => {
    const g = new Graph();
    const x = g.input('x', [50, 192]);
    const row = (v: number) => g.expand(v, [50, 192], [0]);
    const mean = scalar('mean', ['f32'], (b, s) => b.op('div', s, b.constant(192)));
    const sub = scalar('sub', ['f32', 'f32'], (b, p, q) => b.op('sub', p, q));
    const square = scalar('square', ['f32'], (b, p) => b.op('mul', p, p));
    const centred = g.map(sub, [x, row(g.map(mean, [g.reduce('sum', x, [1])]))]);
    const y = g.map(add, [centred, row(g.map(mean, [g.reduce('sum', g.map(square, [centred]), [1])]))]);
    const { nest } = lowerKernel(g, [{ node: y, piece: -1 }], () => false);
    expect(printNest(nest)).toBe(
      [
        'axes i:50 j:192',
        'for j:',
        '  p0[i] sum= %0[192i + j]',
        'for j:',
        '  v4 = (%0[192i + j] − (p0 / 192))',
        '  p1[i] sum= (v4 · v4)',
        'store i j: %9[192i + j] = (v4 + (p1 / 192))',
      ].join('\n'),
    );
    expect(nest.values.filter(v => v.kind === 'load')).toHaveLength(1);
  });
  test('online attention comes out of the graph as it was written by hand', () => {
    const g = new Graph();
    const [q, k, v] = ['q', 'k', 'v'].map(name => g.input(name, [7, 5])) as [number, number, number];
    const s = g.contract(['qc', 'kc'], 'qk', q, k);
    const e = g.map(
      scalar('weight', ['f32', 'f32'], (b, p, m) => b.op('exp', b.op('sub', p, m))),
      [s, g.expand(g.reduce('max', s, [1]), [7, 7], [0])],
    );
    const ratio = scalar('ratio', ['f32', 'f32'], (b, p, m) => b.op('div', p, m));
    const o = g.map(ratio, [g.contract(['qk', 'kc'], 'qc', e, v), g.expand(g.reduce('sum', e, [1]), [7, 5], [0])]);
    const kernels = lowerInlined(g, [o], true);
    expect(kernels[0]!.nest.loops).toEqual([[0], [1, 2, 3]]);
    expect(
      difference(g, [o], kernels, { q: waves([7, 5], 1, 1), k: waves([7, 5], 1, 2), v: waves([7, 5], 1, 3) }, { arith: float64 }, 1e-12),
    ).toBeUndefined();
  });
  test('two stores of one kernel share what they compute', () => {
    const g = new Graph();
    const x = g.input('x', [4, 5]);
    const [sum, y] = [g.reduce('sum', x, [1]), g.map(exp, [x])];
    const lowered = lowerKernel(
      g,
      [
        { node: sum, piece: -1 },
        { node: y, piece: -1 },
      ],
      () => false,
    );
    expect(printNest(lowered.nest)).toBe(
      'axes i:4 j:5\nfor j:\n  p0[i] sum= %0[5i + j]\nstore i: %1[i] = p0\nstore i j: %2[5i + j] = exp(%0[5i + j])',
    );
    expect(difference(g, [sum, y], [lowered], { x: ramp([4, 5]) })).toBeUndefined();
  });
  test('the nodes inside a kernel are named, for its origins', () => {
    const g = new Graph();
    const x = g.input('x', [4, 5]);
    const y = g.map(exp, [g.permute(x, [1, 0])]);
    const sum = g.reduce('sum', y, [1]);
    expect(lowerUnfused(g, [sum]).map(k => k.nodes)).toEqual([[1, 2], [3]]);
    expect(isGiven(g.node(x))).toBe(true);
  });
  test('chains of thousands of views take no stack', () => {
    const g = new Graph();
    let x = g.input('x', [6, 4]);
    for (let i = 0; i < 20_000; i++) x = i % 2 ? g.stop(x) : g.permute(x, [1, 0]);
    const y = g.map(exp, [x]);
    expect(unfusedDifference(g, [y], { x: ramp([6, 4]) })).toBeUndefined();
  });
  test('a cone that is too deep for one kernel is refused in words', () => {
    const g = new Graph();
    let x = g.input('x', [2]);
    for (let i = 0; i < 20_000; i++) x = g.map(exp, [x]);
    expect(() => lowerKernel(g, [{ node: x, piece: -1 }], () => false)).toThrow(/more than 1000 operations in a row/);
  });
});
