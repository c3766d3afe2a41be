// What tensor programs are tested with, as fast-check arbitraries (an optional peer: `npm install --save-dev fast-check`).
// Each of them shrinks towards the case that is easiest to read: sizes to 1, permutations to the identity, tensors to the ramp
// 0, 1, 2, … in which every element says where it came from.
import fc from 'fast-check';
import type { HostTensor } from './close.ts';

/** Uniform numbers in [0, 1) from a seed: mulberry32 (T. Ettinger), enough for test data and equal everywhere. */
export function numbersFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const elementsOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export type TensorKind = 'normal' | 'uniform' | 'integers';
/** A tensor of a seed. Seed 0 is the ramp 0, 1, 2, … (for `uniform` divided by the number of elements). */
export function tensorFrom(seed: number, shape: readonly number[], kind: TensorKind = 'normal'): HostTensor {
  const n = elementsOf(shape);
  const data = new Float32Array(n);
  const draw = numbersFrom(seed);
  for (let i = 0; i < n; i++) {
    if (seed === 0) data[i] = kind === 'uniform' ? i / n : i;
    else if (kind === 'uniform') data[i] = draw();
    else if (kind === 'integers') data[i] = Math.floor(draw() * 2049) - 1024;
    // Box and Muller 1958; 1 − u keeps the logarithm finite.
    else data[i] = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
  }
  return { data, shape };
}

/** Tensors of one shape: normal numbers by default, `uniform` in [0, 1), or small whole numbers that add up without rounding. */
export const tensors = (shape: readonly number[], kind: TensorKind = 'normal'): fc.Arbitrary<HostTensor> =>
  fc.nat(0x7fffffff).map(seed => tensorFrom(seed, shape, kind));

/**
 * Naturals that stand for choices, whatever they are between: a missing one is 0, a large one counts modulo what there is to choose. As
 * they do not hang on sizes, sizes shrink with the choices kept: `fc.tuple(sizesFor(layer), choices).map(([s, c]) => noiseFrom(c, s.B, s.N))`.
 */
export const choices: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(0xff), { maxLength: 64 });

/** An order of 0 … n−1 by the choices of Fisher and Yates: none at all is the identity. */
export function orderFrom(chosen: readonly number[], n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const other = i + ((chosen[i] ?? 0) % (n - i));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
export const permutations = (n: number): fc.Arbitrary<number[]> => choices.map(c => orderFrom(c, n));

/** Noise [rows, n] for random masking: each row an order of 0 … n−1 divided by n, about a third of the rows with ties. */
export function noiseFrom(chosen: readonly number[], rows: number, n: number): HostTensor {
  const all = Array.from({ length: rows }, (_, r) => {
    const own = chosen.slice(r * n, (r + 1) * n);
    const tie = (own[n - 1] ?? 0) % 3 === 2 ? 3 : 1;
    return orderFrom(own, n).map(v => Math.floor(v / tie) / n);
  });
  return { data: Float32Array.from(all.flat()), shape: [rows, n] };
}
export const noises = (rows: number, n: number): fc.Arbitrary<HostTensor> => choices.map(c => noiseFrom(c, rows, n));

/** A mask [rows, n] of zeros (kept) and ones (removed), exactly `keep` zeros a row. */
export function maskFrom(chosen: readonly number[], rows: number, n: number, keep: number): HostTensor {
  const all = Array.from({ length: rows }, (_, r) => orderFrom(chosen.slice(r * n, (r + 1) * n), n).map(v => (v < keep ? 0 : 1)));
  return { data: Float32Array.from(all.flat()), shape: [rows, n] };
}
export const masks = (rows: number, n: number, keep: number): fc.Arbitrary<HostTensor> => choices.map(c => maskFrom(c, rows, n, keep));

/** An image model's sizes: a grid of patches of patchSize × patchSize pixels, seldom a square one. */
export interface ImageSizes {
  readonly batch: number;
  readonly channels: number;
  readonly gridHeight: number;
  readonly gridWidth: number;
  readonly patchSize: number;
}
export const imageSizes = ({ batch = 3, channels = 4, grid = 5, patch = 4 } = {}): fc.Arbitrary<ImageSizes> =>
  fc.record({
    batch: fc.integer({ min: 1, max: batch }),
    channels: fc.integer({ min: 1, max: channels }),
    gridHeight: fc.integer({ min: 1, max: grid }),
    gridWidth: fc.integer({ min: 1, max: grid }),
    patchSize: fc.integer({ min: 1, max: patch }),
  });
