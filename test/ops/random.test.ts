// Random numbers: Philox against the published vectors of its authors, and the tensors made of it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32, float64 } from '../../compiler/graph/arithmetic.ts';
import { config } from '../../dsl/config.ts';
import { model } from '../../dsl/model.ts';
import { philox } from '../../dsl/ops/philox.ts';
import { random } from '../../dsl/ops/random.ts';
import { ScalarBuilder, type ScalarType } from '../../dsl/scalar.ts';
import { u32 } from '../../dsl/tensor.ts';
import { openOn } from '../../testing/devices.ts';
import { disposed } from '../disposed.ts';
import { run, valuesOf } from './run.ts';

/** Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, words. */
const vectors = [
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
] as const;
const wordsOf = (text: string): number[] => text.split(' ').map(w => Number.parseInt(w, 16));

/** The values of some operands of a function of u32 parameters. */
function evaluate(b: ScalarBuilder, params: readonly number[], wanted: readonly number[]): number[] {
  const values = [...params];
  const types: ScalarType[] = [...b.params];
  for (const i of b.body) {
    if (i.prim === 'const') values.push(i.value);
    else {
      const [x = 0, y = 0, z = 0] = i.args.map(k => values[k]!);
      values.push(float64.primitive(i.prim, types[i.args.at(-1)!]!)(x, y, z));
    }
    types.push(i.type);
  }
  return wanted.map(k => values[k]!);
}

describe('Philox 4×32-10', () => {
  it.each(vectors)('gives the published words of counter %s and key %s', (counter, key, words) => {
    const b = new ScalarBuilder(['u32', 'u32', 'u32', 'u32', 'u32', 'u32']);
    const quad = philox(b, [0, 1, 2, 3], [4, 5]);
    expect(evaluate(b, [...wordsOf(counter), ...wordsOf(key)], quad)).toEqual(wordsOf(words));
  });
  it('is the stream of random.words, from counter 0', () => {
    expect(valuesOf(random.words(0, [4]))).toEqual(wordsOf(vectors[0][2]));
  });
});

/** The largest difference in units of the last place of an f32. */
function largestUlps(got: ArrayLike<number>, exact: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < exact.length; i++) {
    const ulp = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(exact[i]!), 2 ** -126))) - 23);
    worst = Math.max(worst, Math.abs(got[i]! - exact[i]!) / ulp);
  }
  return worst;
}

describe('random tensors', () => {
  const key = u32(2);
  it('are functions of the key alone: as a number or as its two words', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), k => {
        const words = [k % 2 ** 32, Math.floor(k / 2 ** 32)];
        expect(valuesOf(random.words(key, [7]), [key, words])).toEqual(valuesOf(random.words(k, [7])));
      }),
    );
  });
  it('of one key continue each other, whatever the shape', () => {
    const long = valuesOf(random.words(9, [60]));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), shape => {
        const n = shape.reduce((a, b) => a * b, 1);
        expect(valuesOf(random.words(9, shape))).toEqual(long.slice(0, n));
      }),
    );
  });
  it('of the words: uniform is their upper 24 bits, bernoulli is uniform < p', () => {
    const n = 4096;
    const words = valuesOf(random.words(3, [n]));
    const uniform = valuesOf(random.uniform(3, [n]));
    expect(uniform).toEqual(words.map(w => (w >>> 8) / 2 ** 24));
    for (const p of [0, 0.1, 0.5, 0.7, 1]) expect(valuesOf(random.bernoulli(3, [n], p))).toEqual(uniform.map(u => Number(u < p)));
  });
  it('have the moments of their distributions', () => {
    const n = 20_000;
    const moments = (xs: readonly number[]): number[] => [1, 2, 3, 4].map(k => xs.reduce((sum, x) => sum + x ** k, 0) / n);
    // the standard error of the k-th moment is below √(moment 2k / n): 4 of them
    for (const [i, m] of moments(valuesOf(random.uniform(1, [n]))).entries())
      expect(Math.abs(m - 1 / (i + 2))).toBeLessThan(4 / Math.sqrt(n * (2 * i + 3)));
    const ofNormal = { moment: [0, 1, 0, 3], double: [1, 3, 15, 105] };
    for (const [i, m] of moments(valuesOf(random.normal(1, [n]))).entries())
      expect(Math.abs(m - ofNormal.moment[i]!)).toBeLessThan(4 * Math.sqrt(ofNormal.double[i]! / n));
    const next = valuesOf(random.normal(2, [n]));
    const correlation = valuesOf(random.normal(1, [n])).reduce((sum, x, i) => sum + x * next[i]!, 0) / n;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n));
  });
  it.each(['js', 'webgpu'] as const)('normal on %s is within 8 ULP of the exact transform', async device => {
    const n = 20_000;
    const draws = model({
      config: config({}),
      params: () => ({}),
      inputs: () => ({ key }),
      forward: (_, __, inputs) => ({ z: random.normal(inputs.key, [n]) }),
    });
    const on = disposed(await openOn(device, draws, {}));
    const { z } = await on.run({ key: { data: Uint32Array.of(5, 0), shape: [2] } });
    expect(largestUlps(z!.data, run([random.normal(5, [n])])[0]!)).toBeLessThan(8);
  });
  it('normal in single precision is within 8 ULP of the exact transform', () => {
    const n = 20_000;
    const y = random.normal(5, [n]);
    const [exact, single] = [run([y])[0]!, run([y], [], float32)[0]!];
    const worst = largestUlps(single, exact);
    expect(worst).toBeLessThan(8);
    expect(worst).toBeGreaterThan(0);
  });
  it('are one map over the element numbers, also where the batch is a symbol', () => {
    const noise = random.uniform(7, ['B', 5]);
    expect(noise.node.shape).toEqual(['B', 5]);
    expect(noise.node.op).toBe('map');
  });
});
