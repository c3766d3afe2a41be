// Initial values (Philox against the published vectors, distributions by their moments), 16-bit floats, folded grids.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundToHalf, widenBf16, widenF16 } from '../../common/half.ts';
import { initialValues, philox } from '../../runtime/initial.ts';
import { foldGrid } from '../../runtime/webgpu/grid.ts';

describe('Philox 4×32-10', () => {
  // known answers of Random123 1.14, kat_vectors
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('counter %j, key %j', (counter, key, expected) => {
    const words = Uint32Array.from(counter);
    philox(words, key[0]!, key[1]!);
    expect([...words]).toEqual(expected);
  });
});

describe('initial values', () => {
  const moments = (x: Float32Array) => {
    const mean = x.reduce((s, e) => s + e, 0) / x.length;
    return {
      mean,
      deviation: Math.sqrt(x.reduce((s, e) => s + (e - mean) ** 2, 0) / x.length),
      most: x.reduce((m, e) => Math.max(m, Math.abs(e)), 0),
    };
  };
  const shape = [64, 3, 16, 16];
  test('Xavier uniform: fans of the matrix form [out, in·…]', () => {
    const { mean, deviation, most } = moments(initialValues({ kind: 'xavier-uniform' }, shape, 0, 'w'));
    const bound = Math.sqrt(6 / (64 + 768));
    expect(Math.abs(mean)).toBeLessThan(0.01 * bound);
    expect(deviation / (bound / Math.sqrt(3))).toBeCloseTo(1, 2);
    expect(most).toBeLessThanOrEqual(Math.fround(bound));
    expect(most).toBeGreaterThan(0.999 * bound);
  });
  test('normal and truncated normal', () => {
    const plain = moments(initialValues({ kind: 'normal', std: 0.02 }, shape, 0, 'w'));
    expect(plain.deviation / 0.02).toBeCloseTo(1, 2);
    expect(plain.most).toBeGreaterThan(0.07);
    const cut = moments(initialValues({ kind: 'truncated-normal', std: 2 }, shape, 0, 'w'));
    expect(cut.most).toBeLessThanOrEqual(2);
    expect(cut.deviation).toBeCloseTo(2 * 0.5396, 1); // σ·√(1 − 2φ(1)/(2Φ(1) − 1)), cut at one deviation
  });
  test('constants, data, scalars, empty tensors', () => {
    expect(initialValues({ kind: 'constant', value: 1.5 }, [3], 0, 'w')).toEqual(Float32Array.of(1.5, 1.5, 1.5));
    const data = Buffer.from(Float32Array.of(1, -2).buffer).toString('base64');
    expect(initialValues({ kind: 'data', data }, [2], 0, 'w')).toEqual(Float32Array.of(1, -2));
    expect(initialValues({ kind: 'normal', std: 1 }, [], 0, 'w')).toHaveLength(1);
    expect(initialValues({ kind: 'normal', std: 1 }, [0, 3], 0, 'w')).toHaveLength(0);
  });
  test('depend on seed and name alone', () => {
    const draw = (seed: number, name: string) => initialValues({ kind: 'normal', std: 1 }, [9], seed, name);
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(2 ** 32 + 1, 'a')).not.toEqual(draw(1, 'a'));
  });
});

describe('16-bit floats', () => {
  test('every finite half is its own rounding, and the middle goes to even', () => {
    const halves = widenF16(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
    expect(halves[1]).toBe(2 ** -24);
    expect(halves[0x7bff]).toBe(65504);
    for (let i = 0; i + 1 < halves.length; i++) {
      const [a, b] = [halves[i]!, halves[i + 1]!];
      expect(roundToHalf(a)).toBe(a);
      expect(roundToHalf(-a)).toBe(-a);
      const middle = (a + b) / 2;
      expect(roundToHalf(middle)).toBe(i % 2 === 0 ? a : b);
      expect(roundToHalf(middle - middle * 2 ** -20)).toBe(a);
      expect(roundToHalf(middle + middle * 2 ** -20)).toBe(b);
    }
  });
  test('infinities, NaN, signs, overflow', () => {
    expect([...widenF16(Uint16Array.of(0x7c00, 0xfc00, 0x8000, 0x7e00))]).toEqual([Infinity, -Infinity, -0, NaN]);
    expect([65519.99, 65520, -1e9, NaN, -0].map(roundToHalf)).toEqual([65504, Infinity, -Infinity, NaN, -0]);
    expect([...widenBf16(Uint16Array.of(0x3f80, 0xc120, 0x7f80))]).toEqual([1, -10, Infinity]);
  });
});

test('folded grids cover all groups, keep to the limit, and waste less than a row and a plane', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: 10 ** 6 }), (limit, groups) => {
      fc.pre(groups <= limit ** 3);
      const [x, y, z] = foldGrid(groups, limit);
      return Math.max(x, y, z) <= limit && x * y * z >= groups && x * y * z - groups < (y + x * y) * 2;
    }),
  );
  expect(foldGrid(65535, 65535)).toEqual([65535, 1, 1]);
  expect(foldGrid(65536, 65535)).toEqual([32768, 2, 1]);
});
