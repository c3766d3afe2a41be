// Seeded initial values, when no weights are given. Counter-based (Philox 4×32-10, Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3"): a tensor's values depend on the seed and its name alone, not on the order of tensors or on which are asked for.
import type { Init } from '../common/program.ts';
import { sha256 } from '../common/sha256.ts';
import { fromBase64 } from './base64.ts';

/** The upper 32 bits of a product of two unsigned words, by halves (Math.imul gives the lower). */
function high(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/** One block of Philox 4×32-10: overwrites four counter words with four random ones. */
export function philox(x: Uint32Array, key0: number, key1: number): void {
  for (let round = 0; round < 10; round++) {
    const a = x[0]!;
    const c = x[2]!;
    x[0] = high(0xcd9e8d57, c) ^ x[1]! ^ key0;
    x[1] = Math.imul(0xcd9e8d57, c);
    x[2] = high(0xd2511f53, a) ^ x[3]! ^ key1;
    x[3] = Math.imul(0xd2511f53, a);
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
}

/** A stream of uniform numbers strictly between 0 and 1, keyed by seed and name. */
function uniforms(seed: number, name: string): () => number {
  const stream = [0, 8].map(i => Number.parseInt(sha256(name).slice(i, i + 8), 16));
  const key0 = seed >>> 0;
  const key1 = Math.floor(seed / 2 ** 32) >>> 0;
  const block = new Uint32Array(4);
  let next = 0;
  return () => {
    const word = next & 3;
    if (word === 0) {
      const count = next >>> 2;
      block.set([count, 0, stream[0]!, stream[1]!]);
      philox(block, key0, key1);
    }
    next++;
    return (block[word]! + 0.5) / 2 ** 32;
  };
}

/** Standard normal numbers by Box and Muller (1958), both of a pair used. */
function normals(uniform: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** Values of a tensor. Xavier uniform takes its fans from the matrix form [out, in·…], as the official MAE code does for convolutions
 *  too; the truncated normal is cut at ±2 absolute, PyTorch's default. */
export function initialValues(init: Init, shape: readonly number[], seed: number, name: string): Float32Array {
  const n = shape.reduce((product, d) => product * d, 1);
  if (init.kind === 'data') return new Float32Array(fromBase64(init.data).buffer);
  const out = new Float32Array(n);
  if (init.kind === 'constant') return out.fill(init.value);
  const uniform = uniforms(seed, name);
  if (init.kind === 'xavier-uniform') {
    const [rows = 1, ...rest] = shape;
    const columns = rest.reduce((product, d) => product * d, 1);
    const bound = Math.sqrt(6 / (rows + columns));
    return out.map(() => bound * (2 * uniform() - 1));
  }
  const normal = normals(uniform);
  const bound = init.kind === 'truncated-normal' ? 2 : Number.POSITIVE_INFINITY;
  return out.map(() => {
    for (;;) {
      const value = init.std * normal();
      if (Math.abs(value) <= bound) return value;
    }
  });
}
