// Every primitive on every target against arithmetic in doubles and integers: exact where the table says 0, else within the stated ULP
// on dense sweeps of single-precision numbers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DType } from '../../common/dtype.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { axisIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { intrinsics } from '../../compiler/render/intrinsics.ts';
import { type Prim, primType, type ScalarType } from '../../dsl/scalar.ts';
import { Gpu } from './gpu.ts';
import { runJs } from './run.ts';

/** One kernel with one output per primitive, all of the same operands. */
function kernelOf(prims: readonly Prim[], operands: readonly DType[], n: number): LoopNest {
  const b = new NestBuilder();
  const i = b.axis(n);
  const args = operands.map((t, k) => b.load(b.buffer(k, n, t, false), axisIndex(i)));
  prims.forEach((prim, k) => {
    const type = primType(prim, operands as readonly ScalarType[]);
    b.store(b.buffer(100 + k, n, type, true), axisIndex(i), b.op(prim, ...args.slice(0, arity(prim))), [i]);
  });
  return b.finish({ rescale: false });
}
const unaryPrims = new Set<Prim>([
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'tanh',
  'erf',
  'sin',
  'cos',
  'not',
  'toF32',
  'toI32',
  'toU32',
  'toBool',
  'bits',
  'fromBits',
  'roundF16',
]);
const arity = (p: Prim): number => (p === 'select' ? 3 : unaryPrims.has(p) ? 1 : 2);

type Run = (nest: LoopNest, memory: ReadonlyMap<number, Float64Array>) => Promise<Map<number, Float64Array>>;
const software = { ...capabilities['webgpu-software'], bindings: 8 };
let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open();
});
afterAll(() => gpu.dispose());
/** WGSL twice: polyfills of vectors, and of scalars. */
const targets: readonly (readonly ['js' | 'wgsl', Run])[] = [
  ['js', async (nest, memory) => runJs(nest, capabilities.js, memory)],
  ['wgsl', (nest, memory) => gpu.runNest(nest, software, memory)],
  ['wgsl', (nest, memory) => gpu.runNest(nest, { ...software, vectors: false }, memory)],
];

/** Runs primitives over operands, five a kernel. */
async function evaluate(
  run: Run,
  prims: readonly Prim[],
  types: readonly DType[],
  operands: readonly Float64Array[],
): Promise<Map<Prim, Float64Array>> {
  const out = new Map<Prim, Float64Array>();
  for (let at = 0; at < prims.length; at += 5) {
    const some = prims.slice(at, at + 5);
    const n = operands[0]!.length;
    const got = await run(kernelOf(some, types, n), new Map(operands.map((x, k) => [k, x])));
    some.forEach((p, k) => void out.set(p, got.get(100 + k)!));
  }
  return out;
}
const supported = (type: ScalarType, arguments_: number): readonly Prim[] =>
  (Object.keys(intrinsics('wgsl')) as Prim[]).filter(p => p !== 'select' && intrinsics('wgsl')[p][type] !== undefined && arity(p) === arguments_);

/** All pairs. */
function pairs(values: readonly number[]): readonly [Float64Array, Float64Array] {
  const all = values.flatMap(a => values.map(b => [a, b] as const));
  return [Float64Array.from(all, p => p[0]), Float64Array.from(all, p => p[1])];
}
const ints = [0, 1, -1, 2, 3, -3, 7, -7, 31, 32, 33, 64, 1000, -1000, 65537, 0x12345678, 2147483647, -2147483648, -2147483647];
const wholes = ints.map(x => x >>> 0);
/** Finite single-precision numbers of all sizes that no target is free to flush. */
const singles = [
  0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  3,
  -3,
  1e-3,
  -1e-3,
  7.75,
  1e5,
  -1e5,
  16777217,
  3e9,
  -3e9,
  1e20,
  -1e20,
  1e-20,
  65504,
  65520,
  1 / 3,
].map(Math.fround);

const exactly = (got: Float64Array, prim: Prim, type: ScalarType, operands: readonly Float64Array[]): void => {
  const f = float64.primitive(prim, type);
  got.forEach((x, i) => {
    const [a, b] = [operands[0]![i]!, operands[1]?.[i] ?? 0];
    const single = primType(prim, [type]) === 'f32';
    const want = single ? Math.fround(f(a, b, 0)) : f(a, b, 0);
    if ((single ? Math.fround(x) : x) !== want) throw new Error(`${prim}(${a}, ${b}) of ${type} is ${x}, not ${want}`);
  });
};

describe.each(targets)('%s', (language, run) => {
  test('integers and bools: exact, wrapping, shifts modulo 32, division by zero as defined', async () => {
    for (const [type, values] of [
      ['i32', ints],
      ['u32', wholes],
      ['bool', [0, 1]],
    ] as const) {
      const operands = pairs(values);
      for (const [prim, got] of await evaluate(run, supported(type, 2), [type, type], operands)) exactly(got, prim, type, operands);
      const one = [Float64Array.from(values)];
      const unary = supported(type, 1).filter(p => p !== 'fromBits');
      for (const [prim, got] of await evaluate(run, unary, [type], one)) exactly(got, prim, type, one);
    }
  });

  test('reinterpreting bits there and back', async () => {
    const bits = Float64Array.from(singles, x => new Int32Array(Float32Array.of(x).buffer)[0]!);
    const got = await evaluate(run, ['fromBits'], ['i32'], [bits]);
    expect([...got.get('fromBits')!].map(Math.fround)).toEqual(singles);
  });

  test('floats: exact primitives, comparisons and conversions', async () => {
    const operands = pairs(singles);
    const free: readonly Prim[] = ['add', 'sub', 'mul', 'max', 'min', 'lt', 'le', 'eq'];
    // results beyond f32's normal range are each target's own
    const safe = operands[0].map((_, i) => i).filter(i => free.every(p => inRange(float64.primitive(p, 'f32')(operands[0][i]!, operands[1][i]!, 0))));
    const kept = operands.map(o => Float64Array.from(safe, i => o[i]!));
    for (const [prim, got] of await evaluate(run, free, ['f32', 'f32'], kept)) exactly(got, prim, 'f32', kept);
    const one = [Float64Array.from(singles)];
    const unary: readonly Prim[] = ['neg', 'abs', 'sign', 'floor', 'ceil', 'toF32', 'toI32', 'toU32', 'toBool', 'bits'];
    for (const [prim, got] of await evaluate(run, unary, ['f32'], one)) exactly(got, prim, 'f32', one);
  });

  test('conversions saturate, and NaN is 0', async () => {
    const x = Float64Array.from(
      [
        2147483647,
        2147483648,
        -2147483648,
        -2147483649,
        4294967295,
        4294967296,
        1e30,
        -1e30,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        Number.NaN,
        -0.9,
        0.9,
        2147483520,
        4294967040,
      ],
      Math.fround,
    );
    const got = await evaluate(run, ['toI32', 'toU32'], ['f32'], [x]);
    for (const [prim, values] of got) exactly(values, prim, 'f32', [x]);
  });

  test('roundF16 is exact for every upper half of the bits and its neighbours', async () => {
    const out: number[] = [];
    for (let high = 0; high < 65536; high += 5)
      for (const low of [0, 1, 0x0fff, 0x1000, 0x1001, 0x2000, 0x7fff, 0xf000]) {
        const x = new Float32Array(Int32Array.of((high << 16) | low).buffer)[0]!;
        // subnormal singles may be flushed, NaN may be anything
        if (Number.isFinite(x) && (x === 0 || Math.abs(x) >= 2 ** -126)) out.push(x);
      }
    const x = Float64Array.from(out);
    const got = (await evaluate(run, ['roundF16'], ['f32'], [x])).get('roundF16')!;
    exactly(got, 'roundF16', 'f32', [x]);
    expect(got.length).toBeGreaterThan(100_000);
  });

  test('select takes either', async () => {
    const b = new NestBuilder();
    const i = b.axis(8);
    const [c, x, y] = [
      b.load(b.buffer(0, 8, 'bool', false), axisIndex(i)),
      b.load(b.buffer(1, 8, 'f32', false), axisIndex(i)),
      b.load(b.buffer(2, 8, 'f32', false), axisIndex(i)),
    ];
    b.store(b.buffer(100, 8, 'f32', true), axisIndex(i), b.op('select', c, x, y), [i]);
    const memory = new Map([0, 1, 2].map(k => [k, Float64Array.from({ length: 8 }, (_, j) => (k === 0 ? j % 2 : 10 * k + j))]));
    expect([...(await run(b.finish({ rescale: false }), memory)).get(100)!]).toEqual([20, 11, 22, 13, 24, 15, 26, 17]);
  });

  /** Ranges in which each function's result is a normal number, swept evenly in value or in logarithm. */
  const sweeps: readonly (readonly [Prim, readonly (readonly [number, number, 'even' | 'log'])[]])[] = [
    [
      'exp',
      [
        [-87, 88.7, 'even'],
        [1e-6, 1, 'log'],
      ],
    ],
    [
      'log',
      [
        [1.2e-38, 3.4e38, 'log'],
        [0.5, 2, 'even'],
      ],
    ],
    ['sqrt', [[1e-37, 1e38, 'log']]],
    ['rsqrt', [[1e-37, 1e38, 'log']]],
    [
      'tanh',
      [
        [-12, 12, 'even'],
        [1e-6, 1, 'log'],
      ],
    ],
    [
      'erf',
      [
        [-5, 5, 'even'],
        [1e-6, 1, 'log'],
      ],
    ],
    [
      'sin',
      [
        [-8192, 8192, 'even'],
        [-7, 7, 'even'],
      ],
    ],
    [
      'cos',
      [
        [-8192, 8192, 'even'],
        [-7, 7, 'even'],
      ],
    ],
  ];
  test.each(sweeps)('%s keeps its bound', async (prim, ranges) => {
    for (const [low, high, kind] of ranges) {
      const n = 1 << 17;
      const x = Float64Array.from({ length: n }, (_, i) =>
        Math.fround(kind === 'even' ? low + ((high - low) * i) / n : low * (high / low) ** (i / n)),
      );
      const got = (await evaluate(run, [prim], ['f32'], [x])).get(prim)!;
      const { ulp } = intrinsics(language)[prim].f32!;
      const worst = worstOf(got, x, float64.primitive(prim, 'f32'), typeof ulp === 'number' ? undefined : 2 ** -23);
      expect(worst.error, `at ${worst.at}`).toBeLessThanOrEqual(typeof ulp === 'number' ? ulp + 0.01 : 1);
    }
  });

  test('pow keeps its bound, with signs and zeros', async () => {
    const xs = [0.001, 0.1, 0.5, 0.99, 1, 1.01, 2, 3, 10, 123.4].map(Math.fround);
    const ys = [-5, -2.5, -1, -0.5, 0, 0.5, 1, 2, 2.5, 3, 7].map(Math.fround);
    const all = xs.flatMap(x => ys.map(y => [x, y] as const));
    const signed = [-2, -0.5, -3].flatMap(x => [-3, -2, 0, 1, 2, 3].map(y => [x, y] as const));
    const points = [...all, ...signed, [0, 2] as const, [0, 0] as const];
    const [x, y] = [Float64Array.from(points, p => p[0]), Float64Array.from(points, p => p[1])];
    const got = (await evaluate(run, ['pow'], ['f32', 'f32'], [x, y])).get('pow')!;
    points.forEach(([a, b], i) => {
      const want = a ** b;
      const bound = language === 'js' ? 0.5 : 4 + 3 * Math.abs(a === 0 ? 0 : b * Math.log(Math.abs(a)));
      expect(ulps(got[i]!, want), `${a} ** ${b} = ${want}, got ${got[i]}`).toBeLessThanOrEqual(bound + 0.01);
    });
  });

  test('what is infinite stays so, or is the largest number', async () => {
    const x = Float64Array.of(0, 1000, -1000, Number.POSITIVE_INFINITY);
    const got = await evaluate(run, ['exp', 'log', 'tanh', 'erf'], ['f32'], [x]);
    expect(got.get('exp')![2]).toBe(0);
    expect(got.get('exp')![1]).toBeGreaterThan(3e38);
    expect(got.get('log')![0]).toBeLessThan(-3e38);
    expect([...got.get('tanh')!].slice(1).map(v => Math.fround(v))).toEqual([1, -1, 1]);
    expect([...got.get('erf')!].slice(1).map(v => Math.fround(v))).toEqual([1, -1, 1]);
  });
});

const inRange = (x: number | boolean): boolean => typeof x === 'boolean' || x === 0 || (Math.abs(x) > 1.2e-38 && Math.abs(x) < 3.4e38);
/** Distance in units in the last place of the single that is nearest to `want`. */
function ulps(got: number, want: number): number {
  const size = Math.max(Math.abs(want), 2 ** -126);
  return Math.abs(Math.fround(got) - want) / 2 ** (Math.floor(Math.log2(size)) - 23);
}
function worstOf(
  got: Float64Array,
  x: Float64Array,
  f: (a: number, b: number, c: number) => number,
  absolute?: number,
): { error: number; at: number } {
  let worst = { error: 0, at: Number.NaN };
  got.forEach((g, i) => {
    const want = f(x[i]!, 0, 0);
    const error = absolute === undefined ? ulps(g, want) : Math.abs(Math.fround(g) - want) / absolute;
    if (!(error <= worst.error)) worst = { error, at: x[i]! };
  });
  return worst;
}
