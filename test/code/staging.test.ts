// Panels in workgroup memory: lane by lane in the interpreter of structured code, which knows what no lane wrote and what none may read;
// products of all layouts, sizes and tiles against the interpreter of nests, and what staging spares.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDynamic, type Size, sizeAt } from '../../common/size.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { generateFused } from '../../compiler/code/fused.ts';
import type { Capability, Code, Statement } from '../../compiler/code/types.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { walkExpressions } from '../../compiler/code/walk.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import type { TileSchedule } from '../../compiler/loops/fuse/cost.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { scheduleNest } from '../../compiler/loops/fuse/search.ts';
import { lowerKernel } from '../../compiler/loops/lower.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { scalar } from '../../dsl/scalar.ts';
import { interpretCode } from './interpret.ts';
import { batched, projected, rowsByColumns, rowsByRows } from './nests.ts';
import { codeFor, differs, runCode, runReference, uniforms } from './run.ts';

const { webgpu } = capabilities;
/** The tiles that fusion would choose, or others. */
function tilesOf(nest: LoopNest, capability: Capability, tile?: readonly number[]): TileSchedule {
  const found = scheduleNest(nest, machineOf(capability), 8);
  if (!found) throw new Error('no tile is legal');
  return tile ? { ...found, tile } : found;
}
function codeOf(nest: LoopNest, capability: Capability, tile?: readonly number[]): Code {
  const code = generateFused(nest, tilesOf(nest, capability, tile), capability, { scalarIndex: () => 1 });
  verifyCode(code, capability);
  return code;
}
/** Whole numbers, so that sums are exact in any order. */
const whole = (nest: LoopNest, batch: number): Map<number, Float64Array> =>
  new Map(nest.buffers.map(b => [b.node, Float64Array.from({ length: sizeAt(b.elements, batch) }, (_, i) => ((i * 31 + b.node * 7) % 13) - 6)]));
const isStaged = (code: Code): boolean => barriers(code.body, 0) > 0;
/** Barriers inside loops. */
const barriers = (body: readonly Statement[], depth: number): number =>
  body.reduce(
    (n, s) => n + (s.kind === 'barrier' ? depth : s.kind === 'for' ? barriers(s.body, 1) : s.kind === 'if' ? barriers(s.body, depth) : 0),
    0,
  );

/** A product of two operands whose axes are in any order, cut out of larger ones, some of them in both and some in none but one. */
interface Product {
  /** Where each axis stands: in the first operand, the second, or both; kept or summed. */
  readonly axes: readonly { readonly size: number; readonly in: 'first' | 'second' | 'both'; readonly kept: boolean }[];
  readonly orders: readonly [number, number, number];
  readonly dynamic: boolean;
  readonly side: 'plain' | 'mapped' | 'sliced' | 'gathered';
  readonly kind: 'sum' | 'max';
  readonly epilogue: boolean;
}
const sizes = [1, 2, 4, 5, 7, 8, 12, 13, 16, 20] as const;
/** Multiplications that the interpreter of a test does in no time. */
const most = 400;
const product: fc.Arbitrary<Product> = fc
  .record({
    axes: fc.array(fc.record({ size: fc.constantFrom(...sizes), in: fc.constantFrom('first', 'second', 'both'), kept: fc.boolean() } as const), {
      minLength: 1,
      maxLength: 3,
    }),
    orders: fc.tuple(fc.nat(23), fc.nat(23), fc.nat(23)),
    dynamic: fc.boolean(),
    side: fc.constantFrom('plain', 'mapped', 'sliced', 'gathered'),
    kind: fc.constantFrom('sum', 'max'),
    epilogue: fc.boolean(),
  } as const)
  .filter(
    ({ axes }) =>
      axes.reduce(
        (n, a) => n * a.size,
        [9, 10, 11].slice(axes.length).reduce((n, s) => n * s, 1),
      ) <= most,
  );
/** Rotated and turned round. */
const ordered = <T>(list: readonly T[], by: number): readonly T[] => {
  const at = list.length === 0 ? 0 : by % list.length;
  const turned = [...list.slice(at), ...list.slice(0, at)];
  return by & 8 ? turned.reverse() : turned;
};

function nestOf({ axes, orders, dynamic, side, kind, epilogue }: Product): LoopNest {
  const g = new Graph();
  // at least what a product of matrices has: one axis of each, and one that is summed
  const all = [{ size: 9, in: 'first', kept: true }, { size: 10, in: 'second', kept: true }, { size: 11, in: 'both', kept: false }, ...axes] as const;
  const named = all.map((a, i) => ({ ...a, label: 'abcdefg'[i]!, size: i < 3 ? (axes[i]?.size ?? a.size) : a.size }));
  const size = (label: string): Size => {
    const { size: n } = named.find(a => a.label === label)!;
    return dynamic && label === 'a' ? { batch: n } : n;
  };
  // the batch stands outermost wherever it does
  const sorted = (labels: readonly string[]): readonly string[] =>
    dynamic && labels.includes('a') ? ['a', ...labels.filter(l => l !== 'a')] : labels;
  const labelsOf = (which: 'first' | 'second', order: number): readonly string[] =>
    sorted(
      ordered(
        named.filter(a => a.in === which || a.in === 'both').map(a => a.label),
        order,
      ),
    );
  const first = labelsOf('first', orders[0]);
  const second = labelsOf('second', orders[1]);
  const out = sorted(
    ordered(
      named.filter(a => a.kept).map(a => a.label),
      orders[2],
    ),
  );
  const shapeOf = (labels: readonly string[]): Size[] => labels.map(size);
  const x = g.input('x', shapeOf(first));
  const y = sideOf(g, side, second, shapeOf(second));
  let result: number;
  if (kind === 'sum') result = g.contract([first.join(''), second.join('')], out.join(''), x, y);
  else {
    const every = sorted([...new Set([...out, ...named.map(a => a.label)])]);
    const spread = (v: number, labels: readonly string[]): number => {
      const permuted = g.permute(
        v,
        every.filter(l => labels.includes(l)).map(l => labels.indexOf(l)),
      );
      return g.expand(
        permuted,
        shapeOf(every),
        every.flatMap((l, i) => (labels.includes(l) ? [i] : [])),
      );
    };
    const sum = g.map(
      scalar('add', ['f32', 'f32'], (b, p, q) => b.op('add', p, q)),
      [spread(x, first), spread(y, second)],
    );
    result = g.reduce(
      'max',
      sum,
      every.flatMap((l, i) => (out.includes(l) ? [] : [i])),
    );
  }
  if (epilogue)
    result = g.map(
      scalar('bell', ['f32', 'f32'], (b, p, q) => b.op('add', b.op('mul', p, b.op('exp', b.op('min', p, b.constant(0)))), q)),
      [result, g.input('bias', g.shape(result))],
    );
  return collapse(lowerKernel(g, [{ node: result, piece: -1 }], id => g.node(id).op === 'input').nest);
}
function sideOf(g: Graph, side: Product['side'], labels: readonly string[], shape: Size[]): number {
  const last = shape.length - 1;
  const n = shape[last]!;
  if (side === 'mapped')
    return g.map(
      scalar('mapped', ['f32', 'f32'], (b, p, q) => b.op('add', b.op('mul', p, q), b.constant(2))),
      [g.input('y', shape), g.expand(g.input('scale', [n]), shape, [last])],
    );
  if (isDynamic(n) || (side !== 'sliced' && side !== 'gathered') || labels.length === 0) return g.input('y', shape);
  if (side === 'sliced') return g.slice(g.input('y', [...shape.slice(0, -1), 2 * n + 1]), last, 1, n, 2);
  const index = g.map(
    scalar('index', ['f32'], (b, i) => b.op('sub', b.op('rem', b.op('toI32', b.op('mul', i, i)), b.constant(n + 2, 'i32')), b.constant(1, 'i32'))),
    [g.input('where', shape)],
  );
  return g.gather(g.input('y', shape), index, last);
}

/** Tiles for a nest's grid, chosen by some naturals. */
function someTile(nest: LoopNest, choices: readonly number[]): readonly number[] {
  const grid = new Set(nest.stores.flatMap(s => s.axes));
  return nest.axes.map((a, i) => {
    if (!grid.has(i)) return 0;
    const extent = sizeAt(a.extent, 1);
    const options = [1, 4, 8, 16, 32, 64].filter(t => t < extent || (t === 1 && extent <= 1));
    return [...options, ...(isDynamic(a.extent) ? [] : [extent])].at(-1 - (choices[i % choices.length]! % 4)) ?? 1;
  });
}

const records: readonly (readonly [string, Capability])[] = [
  ['16 lanes', { ...webgpu, lanes: 16 }],
  ['4 lanes, 16 accumulators', { ...webgpu, lanes: 4, registers: 16 }],
  ['8 lanes, no vectors, 2 KiB', { ...webgpu, lanes: 8, vectors: false, sharedBytes: 2048 }],
  ['64 lanes', webgpu],
];
const numRuns = Number(process.env.FUZZ_RUNS ?? 30);
test.each(records)('products of all layouts: %s', (name, record) => {
  const capability = { ...record, statements: 1e6 };
  let staged = 0;
  fc.assert(
    fc.property(product, fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 2 }), (p, choices, batch) => {
      const nest = nestOf(p);
      const code = codeOf(nest, capability, someTile(nest, choices));
      if (isStaged(code)) staged++;
      const memory = whole(nest, batch);
      expect(differs(runCode(nest, capability, memory, { batch }, code), runReference(nest, memory, { batch }), 1e-9)).toBeUndefined();
    }),
    { numRuns, seed: Number(process.env.FUZZ_SEED ?? 1), endOnFailure: true },
  );
  console.log(`${name}: ${staged} of ${numRuns} staged`);
  expect(staged).toBeGreaterThan(0);
});

test.each([
  ['rows by rows, nothing divides', rowsByRows({ batch: 19 }, 41, 29), [16, 16, 0]],
  ['rows by columns, nothing divides', rowsByColumns(37, 23, 41), [32, 16, 0]],
  ['rows by columns, vectors', rowsByColumns(40, 20, 72), [32, 64, 0]],
  ['many products', batched({ batch: 1 }, 2, 34, 24), [1, 32, 32, 0]],
] as const)('%s', (_, nest, tile) => {
  const code = codeOf(nest, webgpu, tile);
  expect(isStaged(code)).toBe(true);
  for (const batch of [0, 1, 3]) {
    const memory = whole(nest, batch);
    expect(differs(runCode(nest, webgpu, memory, { batch }, code), runReference(nest, memory, { batch }), 1e-9)).toBeUndefined();
  }
});

describe('what a group shares', () => {
  test('normalised rows are worked out where they are copied, once a group', () => {
    const nest = projected({ batch: 20 }, 48, 64);
    const [rows, out] = nest.stores[0]!.axes;
    const code = codeOf(
      nest,
      webgpu,
      nest.axes.map((_, a) => (a === rows ? 16 : a === out ? 64 : 0)),
    );
    expect(isStaged(code)).toBe(true);
    const batch = 2;
    const memory = whole(nest, batch);
    expect(differs(runCode(nest, webgpu, memory, { batch }, code), runReference(nest, memory, { batch }), 1e-9)).toBeUndefined();
    // the loops that sum from workgroup memory have neither the subtraction nor the root
    const innermost = loopsWithout(code.body).filter(l => l.body.some(s => s.kind === 'set'));
    let own = 0;
    walkExpressions(innermost.at(-1)!.body, e => {
      if (e.kind === 'load' && code.memories[e.memory]!.space === 'storage') own++;
      if (e.kind === 'op' && (e.prim === 'rsqrt' || (e.prim === 'sub' && e.type === 'f32'))) own++;
    });
    expect(own).toBe(0);
  });
  test('small products keep to themselves', () => {
    expect(isStaged(codeOf(rowsByColumns(3, 5, 4), webgpu))).toBe(false);
  });
});
/** Loops that have none inside. */
function loopsWithout(body: readonly Statement[]): readonly (Statement & { readonly kind: 'for' })[] {
  return body.flatMap(s => {
    if (s.kind === 'if') return loopsWithout(s.body);
    if (s.kind !== 'for') return [];
    const inside = loopsWithout(s.body);
    return inside.length > 0 ? inside : [s];
  });
}

test('bytes that a kernel reads from storage, against register tiles alone', () => {
  const cases: readonly (readonly [string, LoopNest, readonly number[]])[] = [
    ['128×32 by 32×128', rowsByRows(128, 32, 128), [64, 64, 0]],
    ['128×32 by 32×128, columns', rowsByColumns(128, 32, 128), [64, 64, 0]],
    ['2 heads, 64×32 by 32×64', batched({ batch: 1 }, 2, 64, 32), [1, 64, 64, 0]],
  ];
  for (const [name, nest, tile] of cases) {
    const [alone, staged] = [codeFor(nest, webgpu), codeOf(nest, webgpu, tile)].map(code => {
      const memory = whole(nest, 1);
      const arrays = nest.buffers.map(b => (b.written ? new Float64Array(sizeAt(b.elements, 1)) : memory.get(b.node)!));
      return 4 * interpretCode(code, arrays, uniforms({ batch: 1 }));
    }) as [number, number];
    console.log(`${name}: ${alone} bytes, staged ${staged}`);
    expect(staged).toBeLessThan(alone / 3);
  }
});
