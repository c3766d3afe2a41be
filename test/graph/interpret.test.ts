// The reference against hand-worked values, op by op, and every view against the definition of what it reads.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundToHalf } from '../../common/half.ts';
import { float32, float64, ring } from '../../compiler/graph/arithmetic.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { type Prim, type ScalarType, scalar } from '../../dsl/scalar.ts';
import { erf } from '../../dsl/scalars/language.ts';

const f32 = (...values: number[]) => Float32Array.from(values);
function run(g: Graph, out: number, feeds: Record<string, Values> = {}, options: Parameters<typeof interpret>[3] = {}): number[] {
  verify(g);
  return [...interpret(g, [out], feeds, options).get(out)!];
}
/** One primitive on constants. */
function apply(prim: Prim, type: ScalarType, ...args: number[]): number {
  const types = args.map((_, i) => (prim === 'select' && i === 0 ? 'bool' : type));
  const g = new Graph();
  const fn = scalar(prim, types, (b, ...params) => b.op(prim, ...params));
  return run(
    g,
    g.map(
      fn,
      args.map((x, i) => g.constant(x, types[i])),
    ),
  )[0]!;
}

describe('primitives', () => {
  test.each<[Prim, ScalarType, number[], number]>([
    ['add', 'i32', [2147483647, 1], -2147483648],
    ['add', 'u32', [4294967295, 2], 1],
    ['sub', 'u32', [1, 2], 4294967295],
    ['mul', 'i32', [65537, 65537], 131073],
    ['mul', 'u32', [4294967295, 4294967295], 1],
    ['quo', 'i32', [-7, 2], -3],
    ['rem', 'i32', [-7, 2], -1],
    ['quo', 'i32', [7, 0], 7],
    ['rem', 'u32', [7, 0], 0],
    ['quo', 'u32', [4294967295, 2], 2147483647],
    ['shl', 'i32', [1, 31], -2147483648],
    ['shl', 'u32', [1, 33], 2],
    ['shr', 'i32', [-8, 1], -4],
    ['shr', 'u32', [4294967288, 1], 2147483644],
    ['not', 'u32', [0], 4294967295],
    ['not', 'bool', [1], 0],
    ['xor', 'bool', [1, 1], 0],
    ['neg', 'i32', [-2147483648], -2147483648],
    ['max', 'f32', [Number.NaN, 1], Number.NaN],
    ['min', 'f32', [-0, 2], -0],
    ['pow', 'f32', [2, 0.5], Math.SQRT2],
    ['rsqrt', 'f32', [4], 0.5],
    ['sign', 'f32', [-3], -1],
    ['le', 'f32', [2, 2], 1],
    ['lt', 'u32', [2147483648, 1], 0],
    ['select', 'f32', [1, 5, 6], 5],
    ['select', 'f32', [0, 5, 6], 6],
    ['toI32', 'f32', [-2.9], -2],
    ['toI32', 'f32', [3e9], 2147483647],
    ['toI32', 'f32', [Number.NaN], 0],
    ['toU32', 'f32', [-1], 0],
    ['toU32', 'i32', [-1], 4294967295],
    ['toI32', 'u32', [4294967295], -1],
    ['toBool', 'f32', [0.1], 1],
    ['toF32', 'u32', [4294967295], 4294967295],
    ['bits', 'f32', [1], 0x3f800000],
    ['fromBits', 'i32', [-1073741824], -2],
    ['roundF16', 'f32', [0.1], 0.0999755859375],
  ])('%s of %s%j is %f', (prim, type, args, want) => {
    expect(apply(prim, type, ...args)).toBe(want);
  });

  test('half precision: ties to even, subnormals, overflow', () => {
    expect(roundToHalf(2049)).toBe(2048);
    expect(roundToHalf(2051)).toBe(2052);
    expect(roundToHalf(65519)).toBe(65504);
    expect(roundToHalf(65520)).toBe(Number.POSITIVE_INFINITY);
    expect(roundToHalf(2 ** -25)).toBe(0);
    expect(roundToHalf(-3 * 2 ** -25)).toBe(-(2 ** -23));
    expect(roundToHalf(-0)).toBe(-0);
  });
  test('erf against published digits', () => {
    for (const [x, want] of [
      [0, 0],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [2.9, 0.9999589021219005],
      [3.5, 0.9999992569016276],
      [-1, -0.8427007929497149],
      [40, 1],
    ] as const)
      expect(erf(x)).toBeCloseTo(want, 15);
    expect(erf(1e-30)).toBeCloseTo(1.128379167095512e-30, 44);
    expect(erf(Number.NaN)).toBeNaN();
  });
  test('the arithmetics: float32 rounds each step, the ring is exact', () => {
    expect(float32.primitive('add', 'f32')(16777216, 1, 0)).toBe(16777216);
    expect(float64.primitive('add', 'f32')(16777216, 1, 0)).toBe(16777217);
    const [add, mul, sub] = (['add', 'mul', 'sub'] as const).map(p => ring.primitive(p, 'f32')) as [
      typeof Math.max,
      typeof Math.max,
      typeof Math.max,
    ];
    fc.assert(
      fc.property(fc.nat(10006), fc.nat(10006), fc.nat(10006), (a, b, c) => {
        expect(mul(a, add(b, c))).toBe(add(mul(a, b), mul(a, c)));
        expect(add(sub(a, b), b)).toBe(a);
      }),
    );
  });
});

describe('ops', () => {
  test('sums, maxima and minima', () => {
    const g = new Graph();
    const x = g.input('x', [2, 3]);
    const feeds = { x: f32(1, 5, 2, -4, -6, -5) };
    expect(run(g, g.reduce('sum', x, [1]), feeds)).toEqual([8, -15]);
    expect(run(g, g.reduce('max', x, [0]), feeds)).toEqual([1, 5, 2]);
    expect(run(g, g.reduce('min', x, [0, 1]), feeds)).toEqual([-6]);
    expect(run(g, g.reduce('max', g.input('none', [0]), [0]), { none: f32() })).toEqual([-3.4028234663852886e38]);
    expect(run(g, g.reduce('sum', g.input('none', [0]), [0]), { none: f32() })).toEqual([0]);
  });
  test('integer sums wrap', () => {
    const g = new Graph();
    expect(run(g, g.reduce('sum', g.input('i', [2], 'i32'), [0]), { i: Int32Array.of(2147483647, 1) })).toEqual([-2147483648]);
    expect(run(g, g.reduce('sum', g.input('u', [2], 'u32'), [0]), { u: Uint32Array.of(4294967295, 2) })).toEqual([1]);
  });
  test('a reduction over the batch', () => {
    const g = new Graph();
    const x = g.input('x', [{ batch: 1 }, 2]);
    expect(run(g, g.reduce('sum', x, [0]), { x: f32(1, 2, 3, 4, 5, 6) }, { batch: 3 })).toEqual([9, 12]);
    expect(run(g, g.extent({ batch: 2 }), {}, { batch: 3 })).toEqual([6]);
  });
  test('matrix products in any layout', () => {
    const g = new Graph();
    const a = g.input('a', [2, 3]);
    const b = g.input('b', [2, 3]);
    const feeds = { a: f32(1, 2, 3, 4, 5, 6), b: f32(1, 0, 2, 0, 1, 3) };
    expect(run(g, g.contract(['ik', 'jk'], 'ij', a, b), feeds)).toEqual([7, 11, 16, 23]);
    expect(run(g, g.contract(['ik', 'jk'], 'ji', a, b), feeds)).toEqual([7, 16, 11, 23]);
    expect(run(g, g.contract(['ki', 'kj'], 'ij', a, b), feeds)).toEqual([1, 4, 14, 2, 5, 19, 3, 6, 24]);
    expect(run(g, g.contract(['bi', 'bi'], 'b', a, b), feeds)).toEqual([7, 23]);
    expect(run(g, g.contract(['ij', 'kl'], 'i', a, b), feeds)).toEqual([42, 105]);
  });
  test('contraction against its definition', () => {
    const labels = fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 });
    const shuffled = labels.chain(l => fc.shuffledSubarray(l, { minLength: l.length }));
    const seeds = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 5, maxLength: 9 });
    fc.assert(
      fc.property(
        shuffled,
        shuffled,
        fc.infiniteStream(fc.boolean()),
        fc.tuple(...[1, 2, 3, 4].map(() => fc.integer({ min: 0, max: 6 }))),
        seeds,
        (la, lb, coin, sizes, seed) => {
          const size = (c: string) => sizes['abcd'.indexOf(c)]!;
          const all = [...new Set([...la, ...lb])];
          const out = all.filter(() => coin.next().value);
          const g = new Graph();
          const a = g.input('a', la.map(size));
          const b = g.input('b', lb.map(size));
          const y = g.contract([la.join(''), lb.join('')], out.join(''), a, b);
          const fill = (l: string[], k: number) =>
            Float64Array.from({ length: l.reduce((n, c) => n * size(c), 1) }, (_, i) => seed[(i * k) % seed.length]!);
          const feeds = { a: fill(la, 1), b: fill(lb, 3) };
          const want = new Array<number>(out.reduce((n, c) => n * size(c), 1)).fill(0);
          const place = (l: string[], at: Map<string, number>) => l.reduce((n, c) => n * size(c) + at.get(c)!, 0);
          const count = all.reduce((n, c) => n * size(c), 1);
          for (let t = 0; t < count; t++) {
            let rest = t;
            const at = new Map<string, number>();
            for (const c of all) {
              at.set(c, rest % size(c));
              rest = Math.floor(rest / size(c));
            }
            want[place(out, at)]! += feeds.a[place(la, at)]! * feeds.b[place(lb, at)]!;
          }
          expect(run(g, y, feeds)).toEqual(want.map(v => v + 0));
          expect(run(g, y, feeds, { arith: float32 })).toEqual(want.map(v => v + 0));
        },
      ),
      { numRuns: 300 },
    );
  });
  test('pad, concat, iota, data, stop and call', () => {
    const g = new Graph();
    const x = g.input('x', [2, 2]);
    const feeds = { x: f32(1, 2, 3, 4) };
    expect(run(g, g.pad(x, [1, 0], [0, 1], 9), feeds)).toEqual([9, 9, 9, 1, 2, 9, 3, 4, 9]);
    expect(run(g, g.concat(1, [x, x]), feeds)).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
    expect(run(g, g.concat(0, [x, x]), feeds)).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect(run(g, g.iota([2, 3], 1))).toEqual([0, 1, 2, 0, 1, 2]);
    expect(run(g, g.data(Int32Array.of(7, 8), [2], 'i32'))).toEqual([7, 8]);
    expect(run(g, g.call('twice', g.stop(x), [], [x]), feeds)).toEqual([1, 2, 3, 4]);
  });
  test('gather takes along an axis and clamps', () => {
    const g = new Graph();
    const x = g.input('x', [2, 3, 2]);
    const index = g.input('i', [2, 2], 'i32');
    const feeds = { x: Float32Array.from({ length: 12 }, (_, k) => k), i: Int32Array.of(2, 0, -5, 99) };
    expect(run(g, g.gather(x, index, 1), feeds)).toEqual([4, 5, 0, 1, 6, 7, 10, 11]);
    expect(run(g, g.gather(g.input('e', [0]), g.input('j', [1], 'i32'), 0), { e: f32(), j: Int32Array.of(0) })).toEqual([0]);
  });
  test('a missing or misshapen feed is named', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    expect(() => interpret(g, [x], {})).toThrow("argument 'x' wants 2 values, [2], and has none");
    expect(() => interpret(g, [x], { x: f32(1) })).toThrow('and has 1');
    expect(() => interpret(g, [g.input('toString', [1])], {})).toThrow('and has none');
  });
  test('a map longer than a block, in every type', () => {
    const g = new Graph();
    const n = 10_000;
    const x = g.input('x', [n], 'i32');
    const odd = g.map(
      scalar('odd', ['i32'], (b, v) => b.op('eq', b.op('rem', v, b.constant(2, 'i32')), b.constant(1, 'i32'))),
      [x],
    );
    const y = g.map(
      scalar('pick', ['bool', 'i32'], (b, c, v) => b.op('select', c, v, b.op('neg', v))),
      [odd, x],
    );
    const want = Array.from({ length: n }, (_, i) => (i % 2 === 1 ? i : -i | 0));
    expect(run(g, y, { x: Int32Array.from({ length: n }, (_, i) => i) })).toEqual(want);
  });
  test('a graph twenty thousand nodes deep, whose values are let go', () => {
    const g = new Graph();
    let x = g.input('x', [10]);
    const inc = scalar('inc', ['f32', 'f32'], (b, p, q) => b.op('add', p, q));
    const one = g.expand(g.constant(1), [10], []);
    for (let i = 0; i < 20_000; i++) x = g.map(inc, [x, one]);
    expect(interpret(g, [x], { x: new Float32Array(10) }).get(x)![9]).toBe(20_000);
  });
});

describe('views read what they say', () => {
  const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const input = (g: Graph, dims: readonly number[]) => ({
    x: g.input('x', dims),
    feeds: { x: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i) },
  });
  const indices = (dims: readonly number[]): number[][] =>
    dims.reduce<number[][]>((all, d) => all.flatMap(ix => Array.from({ length: d }, (_, i) => [...ix, i])), [[]]);
  const at = (dims: readonly number[], ix: readonly number[]) => ix.reduce((n, i, k) => n * dims[k]! + i, 0);

  test('permute', () => {
    fc.assert(
      fc.property(
        shape.chain(d => fc.tuple(fc.constant(d), fc.shuffledSubarray([...d.keys()], { minLength: d.length }))),
        ([dims, order]) => {
          const g = new Graph();
          const { x, feeds } = input(g, dims);
          const y = g.view(
            { view: 'permute', order },
            order.map(a => dims[a]!),
            x,
          );
          expect(run(g, y, feeds)).toEqual(
            indices(order.map(a => dims[a]!)).map(ix =>
              at(
                dims,
                dims.map((_, a) => ix[order.indexOf(a)]!),
              ),
            ),
          );
        },
      ),
    );
  });
  test('expand, with axes of one that grow', () => {
    fc.assert(
      fc.property(shape, fc.infiniteStream(fc.boolean()), (out, coin) => {
        const to = [...out.keys()].filter(() => coin.next().value);
        const dims = to.map(a => (coin.next().value ? 1 : out[a]!));
        const g = new Graph();
        const { x, feeds } = input(g, dims);
        const y = g.view({ view: 'expand', at: to }, out, x);
        expect(run(g, y, feeds)).toEqual(
          indices(out).map(ix =>
            at(
              dims,
              to.map((a, i) => (dims[i] === 1 ? 0 : ix[a]!)),
            ),
          ),
        );
      }),
    );
  });
  test('slice, flip and window', () => {
    fc.assert(
      fc.property(shape, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 3 }), fc.nat(), (dims, pickAxis, pickFrom, step, pickSize) => {
        const axis = pickAxis % dims.length;
        const n = dims[axis]!;
        const from = pickFrom % n;
        const size = (pickSize % Math.ceil((n - from) / step)) + 1;
        const g = new Graph();
        const { x, feeds } = input(g, dims);
        const sliced = dims.with(axis, size);
        expect(run(g, g.slice(x, axis, from, size, step), feeds)).toEqual(
          indices(sliced).map(ix => at(dims, ix.with(axis, from + ix[axis]! * step))),
        );
        expect(run(g, g.flip(x, axis), feeds)).toEqual(indices(dims).map(ix => at(dims, ix.with(axis, n - 1 - ix[axis]!))));
        const width = (pickFrom % n) + 1;
        const y = g.window(x, axis, width, step);
        expect(run(g, y, feeds)).toEqual(
          indices(g.shape(y) as number[]).map(ix => at(dims, [...ix.slice(0, axis), ix[axis]! * step + ix[axis + 1]!, ...ix.slice(axis + 2)])),
        );
      }),
    );
  });
});
