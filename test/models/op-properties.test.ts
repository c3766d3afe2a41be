// What must hold of the ops that the models lean on, for any sizes, on the reference and on every device.
import fc from 'fast-check';
import { config, f32, fn, layerNorm, model, random, rearrange, reduce, repeat, softmax, u32 } from 'heddle';
import { describe, expect, test } from 'vitest';
import { philox } from '../../runtime/initial.ts';
import { assertAllClose, assertSameBits, at, build, deviceNames, type HostTensor, permutations, tensorFrom } from '../../testing/index.ts';
import { hold, seeds, sessions, sizesOn } from './properties.ts';

const { layer, model: opened } = sessions();
/** Numbers by which whole rows are moved and scaled. */
const shifts = fc.integer({ min: -40, max: 40 }).map(n => n / 8);

const softmaxRows = fn('softmaxRows', f32('B', 'N', 'M'), x => softmax(x, -1));
const normRows = fn('normRows', f32('D'), f32('D'), f32('B', 'N', 'D'), (weight, bias, x) => layerNorm(x, weight, bias, { eps: 1e-6 }));

describe.each(deviceNames)('on %s', device => {
  test('softmax rows are positive, sum to one, and do not change when a number is added', () =>
    hold(device, fc.tuple(sizesOn(device, softmaxRows), seeds, shifts), async ([sizes, seed, shift]) => {
      const shape = [sizes.B!, sizes.N!, sizes.M!];
      const x = tensorFrom(seed + 1, shape);
      const on = await layer(device, softmaxRows, ['x'], sizes);
      const { out } = await on.run({ x });
      const sums = build(shape.slice(0, 2), (b, n) => Array.from({ length: sizes.M! }, (_, m) => at(out!, b, n, m)).reduce((s, v) => s + v, 0));
      assertAllClose(
        sums,
        build(sums.shape, () => 1),
        { name: 'sums', axes: ['image', 'row'], atol: 1e-6, rtol: 0 },
      );
      expect(out!.data.every(v => v > 0)).toBe(true);
      const moved = await on.run({ x: build(shape, (b, n, m) => at(x, b, n, m) + shift) });
      assertAllClose(moved.out!, out!, { name: 'shifted', atol: 2e-6, rtol: 2e-6 });
    }));

  test('softmax of large numbers does not overflow', () =>
    hold(device, fc.tuple(sizesOn(device, softmaxRows), seeds), async ([sizes, seed]) => {
      const shape = [sizes.B!, sizes.N!, sizes.M!];
      const x = tensorFrom(seed + 1, shape);
      const on = await layer(device, softmaxRows, ['x'], sizes);
      const { out } = await on.run({ x: build(shape, (b, n, m) => 1e4 * at(x, b, n, m)) });
      expect(out!.data.every(v => v >= 0 && v <= 1 + 1e-6)).toBe(true);
    }));

  test('layerNorm does not change when a row is moved and scaled', () =>
    hold(
      device,
      fc.tuple(sizesOn(device, normRows, { min: 2, max: 9 }), seeds, shifts, fc.integer({ min: 1, max: 8 })),
      async ([sizes, seed, shift, scale]) => {
        const shape = [sizes.B!, sizes.N!, sizes.D!];
        const [weight, bias, drawn] = [tensorFrom(seed + 1, [sizes.D!]), tensorFrom(seed + 2, [sizes.D!]), tensorFrom(seed + 3, shape)];
        // Rows of variance about one, so that the epsilon of 1e-6 is small beside it.
        const x = build(shape, (b, n, d) => at(drawn, b, n, d) + (d % 2 === 0 ? 1 : -1));
        const on = await layer(device, normRows, ['weight', 'bias', 'x'], sizes);
        const { out } = await on.run({ weight, bias, x });
        const moved = await on.run({ weight, bias, x: build(shape, (b, n, d) => at(x, b, n, d) * scale + shift) });
        const spread = Math.min(...rowSpreads(x));
        fc.pre(spread > 0.1);
        assertAllClose(moved.out!, out!, { name: 'layerNorm', axes: ['image', 'row', 'channel'], atol: 1e-4 / spread, rtol: 1e-4 });
      },
    ));

  test('rearrange, repeat and reduce give every element the index that the pattern says', () =>
    hold(device, fc.tuple(einopsCases, seeds), async ([c, seed]) => {
      const x = tensorFrom(seed, c.shape, 'integers');
      const on = await opened(device, `einops ${c.op} ${c.pattern} ${JSON.stringify(c.sizes)}`, einopsModel(c), {});
      const { out } = await on.run({ x });
      assertSameBits(out!, naive(c, x), { name: `${c.op} '${c.pattern}'` });
    }));

  test("random words are Philox's, uniform numbers their upper 24 bits and coins those below the probability", () =>
    hold(device, fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff })), async key => {
      const on = await opened(device, 'draws', draws, {});
      const out = await on.run({ key: { data: Uint32Array.from(key), shape: [2] } });
      const expected = philoxWords(21, key);
      const units = Float32Array.from(expected, w => (w >>> 8) / 2 ** 24);
      assertSameBits(out.words!, { data: expected, shape: [3, 7] }, { name: 'words' });
      assertSameBits(out.uniform!, { data: units, shape: [3, 7] }, { name: 'uniform' });
      assertSameBits(out.coins!, { data: Uint8Array.from(units, u => (u < 0.25 ? 1 : 0)), shape: [3, 7] }, { name: 'coins' });
    }));
});

const draws = model({
  config: config({}),
  params: () => ({}),
  inputs: () => ({ key: u32(2) }),
  forward: (_, __, { key }) => ({
    words: random.words(key, [3, 7]),
    uniform: random.uniform(key, [3, 7]),
    coins: random.bernoulli(key, [3, 7], 0.25),
  }),
});

/** Element i is word i mod 4 of block ⌊i/4⌋: by the runtime's own Philox, which is written apart from the language's. */
function philoxWords(count: number, [k0, k1]: readonly [number, number]): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => {
    const block = Uint32Array.of(Math.floor(i / 4), 0, 0, 0);
    philox(block, k0, k1);
    return block[i % 4]!;
  });
}

/** Standard deviation of each row. */
function rowSpreads(x: HostTensor): number[] {
  const n = x.shape.at(-1)!;
  return Array.from({ length: x.data.length / n }, (_, r) => {
    const row = [...x.data.slice(r * n, (r + 1) * n)];
    const mean = row.reduce((a, v) => a + v, 0) / n;
    return Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / n);
  });
}

// ---------------------------------------------------------------- einops, by random patterns
interface EinopsCase {
  readonly op: 'rearrange' | 'repeat' | 'sum';
  readonly pattern: string;
  /** Of every axis that the pattern names. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly left: readonly (readonly string[])[];
  readonly right: readonly (readonly string[])[];
  readonly shape: readonly number[];
}
const names = ['a', 'b', 'c', 'd', 'e'];
/** Cuts a list into groups: after each element but the last, true ends a group. */
function grouped(axes: readonly string[], ends: readonly boolean[]): string[][] {
  const groups: string[][] = [];
  axes.forEach((a, i) => {
    if (i === 0 || ends[i - 1]) groups.push([a]);
    else groups.at(-1)!.push(a);
  });
  return groups;
}
const written = (groups: readonly (readonly string[])[]): string => groups.map(g => (g.length === 1 ? g[0] : `(${g.join(' ')})`)).join(' ');
const sizeOf = (group: readonly string[], sizes: Readonly<Record<string, number>>): number => group.reduce((n, a) => n * sizes[a]!, 1);

const einopsCases: fc.Arbitrary<EinopsCase> = fc
  .record({
    op: fc.constantFrom('rearrange' as const, 'repeat' as const, 'sum' as const),
    rank: fc.integer({ min: 2, max: 5 }),
    extents: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 5, maxLength: 5 }),
    ends: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  })
  .chain(({ op, rank, extents, ends }) =>
    permutations(rank).map((order): EinopsCase => {
      const sizes = Object.fromEntries(names.slice(0, rank).map((a, i) => [a, extents[i]!]));
      const all = names.slice(0, rank);
      const moved = order.map(i => all[i]!);
      // repeat has an axis more on the right, a reduction one more on the left: the last one.
      const left = grouped(op === 'repeat' ? all.slice(0, -1) : all, ends);
      const right = grouped(op === 'sum' ? moved.filter(a => a !== all.at(-1)) : moved, ends.slice(4));
      return { op, sizes, left, right, pattern: `${written(left)} -> ${written(right)}`, shape: left.map(g => sizeOf(g, sizes)) };
    }),
  );

function einopsModel({ op, pattern, sizes, shape }: EinopsCase) {
  return model({
    config: config({}),
    params: () => ({}),
    inputs: () => ({ x: f32(...shape) }),
    forward: (_, __, { x }) => {
      switch (op) {
        case 'rearrange':
          return { out: rearrange(x, pattern, sizes) };
        case 'repeat':
          return { out: repeat(x, pattern, sizes) };
        case 'sum':
          return { out: reduce(x, pattern, 'sum', sizes) };
      }
    },
  });
}

/** Every combination of the axes' positions: where the left side reads it, where the right side writes it; sums what meets. */
function naive({ sizes, left, right }: EinopsCase, x: HostTensor): HostTensor {
  const axes = Object.keys(sizes);
  const shape = right.map(g => sizeOf(g, sizes));
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  const flat = (groups: readonly (readonly string[])[], position: Readonly<Record<string, number>>): number =>
    groups.flat().reduce((f, a) => f * sizes[a]! + position[a]!, 0);
  for (let i = 0; i < sizeOf(axes, sizes); i++) {
    let rest = i;
    const position = Object.fromEntries(
      axes.map(a => {
        const p = rest % sizes[a]!;
        rest = Math.floor(rest / sizes[a]!);
        return [a, p];
      }),
    );
    const to = flat(right, position);
    data[to] = data[to]! + x.data[flat(left, position)]!;
  }
  return { data, shape };
}
