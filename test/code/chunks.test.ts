// Reductions by chunks of an axis: the code of a kernel whose tables hold one chunk, lane by lane and as JavaScript, = the interpreter of its
// nest, for chunks and tiles of any size that divide nothing; and which parts run in which sweep.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { generateFused } from '../../compiler/code/fused.ts';
import type { Capability } from '../../compiler/code/types.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { CompileError } from '../../compiler/errors.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { chunkAxes, factsByChunk, type Sweeps, sweepsOf } from '../../compiler/loops/fuse/chunk.ts';
import type { TileSchedule } from '../../compiler/loops/fuse/cost.ts';
import { type Machine, machineOf } from '../../compiler/loops/fuse/machine.ts';
import { factsOf, placeByChunk } from '../../compiler/loops/fuse/placement.ts';
import { scheduleByChunk } from '../../compiler/loops/fuse/search.ts';
import { type Lowered, lowerKernel } from '../../compiler/loops/lower.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { scalar } from '../../dsl/scalar.ts';
import { scalarsOf } from '../fuse/fault.ts';
import { build, familyNames, type Program } from '../loops/programs.ts';
import { lowerInlined, runKernels, waves } from '../loops/run.ts';
import { differs, runCode, runJs, runReference, scalarIndexIn, smallFeeds } from './run.ts';

// ---------------------------------------------------------------- nests
const binary = (name: string, prim: 'add' | 'sub' | 'mul' | 'div') => scalar(name, ['f32', 'f32'], (b, x, y) => b.op(prim, x, y));
const [add, sub, mul, div] = [binary('add', 'add'), binary('sub', 'sub'), binary('mul', 'mul'), binary('div', 'div')];
const weight = scalar('weight', ['f32', 'f32'], (b, x, m) => b.op('exp', b.op('sub', x, m)));
const plusLog = scalar('plusLog', ['f32', 'f32'], (b, m, l) => b.op('add', m, b.op('log', l)));
const topOf = (type: 'f32' | 'i32') =>
  scalar('isTop', [type, type, 'i32'], (b, x, top, i) => b.op('select', b.op('eq', x, top), i, b.constant(1e6, 'i32')));
const whole = scalar('whole', ['f32'], (b, x) => b.op('toI32', b.op('mul', x, b.constant(100))));

/** Sizes: queries, channels, keys. */
const [Q, C, K] = [7, 5, 23];
const [q, k, v, bias, g] = [0, 1, 2, 3, 4];
interface Made {
  readonly graph: Graph;
  /** Scores of q and k, [Q, K], and with the bias added. */
  readonly score: number;
  readonly biased: number;
  /** A value of each row, for all keys; a sum over keys against rows of v. */
  readonly rows: (row: number) => number;
  readonly times: (x: number, values?: number) => number;
}
function made(): Made {
  const graph = new Graph();
  for (const [name, shape] of Object.entries({ q: [Q, C], k: [K, C], v: [K, C], bias: [Q, K], g: [Q, C] })) graph.input(name, shape);
  const score = graph.contract(['qc', 'kc'], 'qk', q, k);
  return {
    graph,
    score,
    biased: graph.map(add, [score, bias]),
    rows: row => graph.expand(row, [Q, K], [0]),
    times: (x, values = v) => graph.contract(['qk', 'kc'], 'qc', x, values),
  };
}
const softmaxOf = ({ graph, rows }: Made, x: number): { readonly m: number; readonly e: number; readonly l: number } => {
  const m = graph.reduce('max', x, [1]);
  const e = graph.map(weight, [x, rows(m)]);
  return { m, e, l: graph.reduce('sum', e, [1]) };
};
const kernels: Readonly<Record<string, (m: Made) => readonly number[]>> = {
  'attention and its lse': p => {
    const { m, e, l } = softmaxOf(p, p.score);
    return [p.graph.map(div, [p.times(e), p.graph.expand(l, [Q, C], [0])]), p.graph.map(plusLog, [m, l])];
  },
  'attention with a bias': p => {
    const { e, l } = softmaxOf(p, p.biased);
    return [p.graph.map(div, [p.times(e), p.graph.expand(l, [Q, C], [0])])];
  },
  'gradients of queries': p => {
    const { e } = softmaxOf(p, p.score);
    return [p.times(p.graph.map(mul, [e, p.graph.contract(['qc', 'kc'], 'qk', g, v)]), k)];
  },
  'gradients of keys and values': ({ graph, score }) => {
    const dp = graph.map(mul, [score, graph.contract(['qc', 'kc'], 'qk', g, v)]);
    return [graph.contract(['qk', 'qc'], 'kc', dp, q), graph.contract(['qk', 'qc'], 'kc', score, g)];
  },
  'a mean, then a variance': ({ graph, score, rows }) => {
    const centred = graph.map(sub, [score, rows(graph.reduce('sum', score, [1]))]);
    return [graph.reduce('sum', graph.map(mul, [centred, centred]), [1])];
  },
  'exp(y − m), which cannot follow': p => {
    const m = p.graph.reduce('max', p.score, [1]);
    return [p.times(p.graph.map(weight, [p.biased, p.rows(m)]))];
  },
  'least and largest': ({ graph, score }) => [graph.map(sub, [graph.reduce('max', score, [1]), graph.reduce('min', score, [1])])],
  'the largest whole number': ({ graph, score }) => [graph.reduce('max', graph.map(whole, [score]), [1])],
  'where the largest whole number is': ({ graph, score, rows }) => {
    const x = graph.map(whole, [score]);
    return [graph.reduce('min', graph.map(topOf('i32'), [x, rows(graph.reduce('max', x, [1])), graph.iota([Q, K], 1)]), [1])];
  },
  'a sum over two axes': ({ graph, score }) => [
    graph.reduce('sum', graph.map(mul, [graph.expand(score, [Q, K, C], [0, 1]), graph.expand(g, [Q, K, C], [0, 2])]), [1, 2]),
  ],
  'a projection of what the chunks gave': p => {
    const o = p.times(softmaxOf(p, p.biased).e);
    return [p.graph.reduce('max', p.graph.contract(['qc', 'kc'], 'qk', o, k), [1])];
  },
  'rows of rows': p => {
    const { e, l } = softmaxOf(p, p.score);
    const o = p.times(p.graph.map(div, [e, p.rows(l)]));
    return [p.graph.contract(['qc', 'dc'], 'qd', o, g)];
  },
};
function lowered(make: (m: Made) => readonly number[]): { readonly graph: Graph; readonly kernel: Lowered } {
  const m = made();
  const roots = make(m).map(node => ({ node, piece: -1 }));
  return { graph: m.graph, kernel: lowerKernel(m.graph, roots, () => false, { rescale: false }) };
}

// ---------------------------------------------------------------- schedules by hand
/** Chunks of `size` positions of an axis, tiles as given, no more than there is. */
function cutIn(nest: LoopNest, axis: number, size: number, tileOf: (axis: number) => number): { schedule: TileSchedule; sweeps: Sweeps } | undefined {
  const facts = factsOf(nest);
  const sweeps = sweepsOf(nest, facts, axis);
  const places = placeByChunk(nest, factsByChunk(facts, axis), sweeps);
  if (!places) return undefined;
  const tile = nest.axes.map((a, i) => {
    if (i === axis) return size;
    if (!facts.grid.includes(i)) return 0;
    return Math.max(1, Math.min(tileOf(i), typeof a.extent === 'number' ? a.extent : a.extent.batch));
  });
  return { schedule: { tile, places, chunk: axis, cost: 0, bytes: 0, operations: 0, tables: 0, groups: 0 }, sweeps };
}
const { js, webgpu } = capabilities;
const unlimited = { statements: 1e6, bindings: 1e3, sharedBytes: 1e6 };
const runners: readonly (readonly [string, Capability, typeof runJs | typeof runCode])[] = [
  ['rendered JavaScript', { ...js, ...unlimited, sharedBytes: 0 }, runJs],
  ['rendered JavaScript, no register tiles', { ...js, ...unlimited, sharedBytes: 0, registers: 1 }, runJs],
  ['lanes that share tables', { ...webgpu, ...unlimited, lanes: 4 }, runCode],
  ['lanes that share tables, no vectors', { ...webgpu, ...unlimited, lanes: 4, vectors: false, registers: 4 }, runCode],
  ['lanes with tables of their own', { ...capabilities['webgpu-software'], ...unlimited, sharedBytes: 0, lanes: 3 }, runCode],
];
type Run = (typeof runners)[number];
function fault(
  nest: LoopNest,
  schedule: TileSchedule,
  [, capability, run]: Run,
  memory: Map<number, Float64Array>,
  batch = 1,
  scalars = {},
): string | undefined {
  const code = generateFused(nest, schedule, capability, { scalarIndex: scalarIndexIn(scalars) });
  verifyCode(code, capability);
  const setting = { batch, scalars };
  return differs(run(nest, capability, memory, setting, code), runReference(nest, memory, setting), 1e-9);
}
const feeds = (graph: Graph): Map<number, Float64Array> => new Map([q, k, v, bias, g].map(id => [id, waves(graph.shape(id), 1, id + 1)]));
const sizes = fc.constantFrom(1, 2, 3, 4, 5, 8, 12, 16);

describe.each(runners)('%s', (...runner) => {
  for (const [name, make] of Object.entries(kernels))
    test(name, () => {
      const { graph, kernel } = lowered(make);
      const memory = feeds(graph);
      const axes = chunkAxes(kernel.nest, factsOf(kernel.nest));
      expect(axes.length).toBeGreaterThan(0);
      for (const axis of axes)
        fc.assert(
          fc.property(fc.constantFrom(2, 3, 4, 5, 8, 16, 20), fc.array(sizes, { minLength: 8, maxLength: 8 }), (size, tiles) => {
            const extent = kernel.nest.axes[axis]!.extent as number;
            const cut = cutIn(kernel.nest, axis, Math.min(size, extent - 1), a => tiles[a]!);
            expect(cut && fault(kernel.nest, cut.schedule, runner, memory)).toBe(undefined);
          }),
          { numRuns: 12, seed: 1 },
        );
    });
  test('scores of −Infinity: none, in front, behind, a whole row', () => {
    const { graph, kernel } = lowered(kernels['attention with a bias']!);
    const [axis] = chunkAxes(kernel.nest, factsOf(kernel.nest)) as [number];
    const memory = feeds(graph);
    const hidden = [
      () => false,
      (j: number) => j < 13,
      (j: number) => j > 9,
      () => true,
      (j: number) => j !== 22,
      (j: number) => j % 2 === 0,
      (j: number) => j > 0,
    ];
    memory.set(
      bias,
      Float64Array.from({ length: Q * K }, (_, i) => (hidden[Math.floor(i / K)]!(i % K) ? Number.NEGATIVE_INFINITY : 700 * Math.sin(i))),
    );
    for (const size of [4, 5, 8, 16]) {
      const { schedule } = cutIn(kernel.nest, axis, size, a => 3 + a)!;
      expect(fault(kernel.nest, schedule, runner, memory)).toBe(undefined);
    }
    const stored = [...runReference(kernel.nest, memory).values()][0]!;
    expect([...stored].map((x, i) => (Number.isNaN(x) ? Math.floor(i / C) : -1)).filter(row => row >= 0)).toEqual(Array(C).fill(3));
  });
});

// ---------------------------------------------------------------- sweeps
const sweepsIn = (name: string): Sweeps => {
  const { nest } = lowered(kernels[name]!).kernel;
  const facts = factsOf(nest);
  const keys = chunkAxes(nest, facts).find(a => nest.axes[a]!.extent === K);
  return sweepsOf(nest, facts, keys ?? chunkAxes(nest, facts)[0]!);
};
test.each([
  ['attention and its lse', 1, 2],
  ['attention with a bias', 1, 2],
  ['gradients of queries', 1, 1],
  ['gradients of keys and values', 1, 0],
  ['a mean, then a variance', 2, 0],
  ['exp(y − m), which cannot follow', 2, 0],
  ['rows of rows', 2, 1],
])('%s: %i sweeps, %i sums follow a max', (name, count, following) => {
  const sweeps = sweepsIn(name);
  expect([sweeps.count, sweeps.rescale.filter(max => max >= 0).length]).toEqual([count, following]);
});
test('scores are worked out again in each sweep that reads them', () => {
  expect(sweepsIn('attention with a bias').chunked[0]).toEqual(new Set([1]));
  expect(sweepsIn('a mean, then a variance').chunked[0]).toEqual(new Set([1, 2]));
});

const small = (tables: number): Machine => ({ ...machineOf(webgpu), tables });
describe('chosen', () => {
  test('tables of chunks that fit, however few numbers there are', () => {
    const { nest } = lowered(kernels['attention with a bias']!).kernel;
    for (const tables of [16, 24, 40, 100, 1000]) {
      const schedule = scheduleByChunk(nest, small(tables), 1)!;
      expect(schedule.tables).toBeLessThanOrEqual(tables);
      expect(schedule.tile[schedule.chunk]).toBeLessThan(K);
    }
    expect(scheduleByChunk(nest, small(5), 1)).toBe(undefined);
  });
  test('never where a float that is worked out again decides', () => {
    const decides = lowered(({ graph, score, rows }) => [
      graph.reduce('min', graph.map(topOf('f32'), [score, rows(graph.reduce('max', score, [1])), graph.iota([Q, K], 1)]), [1]),
    ]);
    expect(scheduleByChunk(decides.kernel.nest, small(100), 1)).toBe(undefined);
  });
  test('never along an axis that a store runs over', () => {
    const p = made();
    const { e } = softmaxOf(p, p.score);
    const { nest } = lowerKernel(p.graph, [{ node: e, piece: -1 }], () => false, { rescale: false });
    expect(chunkAxes(nest, factsOf(nest)).map(a => nest.axes[a]!.extent)).not.toContain(K);
  });
});

// ---------------------------------------------------------------- random programs
const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 14, size: 'max' });
function inlined(...args: Parameters<typeof lowerInlined>): readonly Lowered[] {
  try {
    return lowerInlined(...args);
  } catch (e) {
    if (e instanceof CompileError && e.code === 'HC201') return [];
    throw e;
  }
}
test.each(runners)('random programs in chunks of two or three: %s', (...runner) => {
  const numRuns = Number(process.env.FUZZ_RUNS ?? 120);
  let chunks = 0;
  fc.assert(
    fc.property(programs, fc.boolean(), fc.constantFrom(2, 3), fc.constantFrom(1, 2, 3, 8), (program: Program, dynamic, size, tile) => {
      const { graph, outputs } = build(program, dynamic);
      const batch = dynamic ? 3 : 1;
      const given = smallFeeds(graph, batch);
      const scalars = scalarsOf(graph, given);
      const memory = runKernels(graph, [], given, { batch, arith: float64 });
      for (const { nest } of inlined(graph, outputs))
        for (const axis of chunkAxes(nest, factsOf(nest))) {
          const extent = nest.axes[axis]!.extent as number;
          const cut = extent > size ? cutIn(nest, axis, size, () => tile) : undefined;
          if (!cut) continue;
          chunks++;
          const wrong = fault(nest, cut.schedule, runner, memory, batch, scalars);
          if (wrong !== undefined) throw new Error(`${wrong}\n${JSON.stringify(program)}`);
        }
    }),
    { numRuns, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
  console.log(`${chunks} kernels in chunks`);
  expect(chunks).toBeGreaterThan(numRuns / 20);
});
