// heddle/testing itself: what its assertions say, and that its arbitraries give what they promise.
import fc from 'fast-check';
import { f32, fn, size } from 'heddle';
import { describe, expect, test } from 'vitest';
import { compile } from '../../compiler/index.ts';
import { mae, patchify, randomMask } from '../../models/index.ts';
import {
  asModel,
  assertAllClose,
  assertKernelCount,
  assertSameBits,
  at,
  build,
  choices,
  compare,
  dimsOf,
  imageSizes,
  indexByAxis,
  masks,
  noises,
  onAllDevices,
  orderFrom,
  permutations,
  shapeOf,
  sizesFor,
  tensorFrom,
  tensors,
} from '../../testing/index.ts';

const tensor = (shape: readonly number[], ...values: number[]) => ({ data: Float32Array.from(values), shape });

describe('assertAllClose', () => {
  test('passes within the tolerance and gives the largest error', () => {
    expect(assertAllClose(tensor([2], 1, 2.5), tensor([2], 1, 2), { atol: 0.1, rtol: 0.2 })).toBe(0.5);
  });
  test('counts what fails and names the worst by axis', () => {
    const check = (): number =>
      assertAllClose(tensor([2, 2], 1, 2, 3, 9), tensor([2, 2], 1, 1, 3, 4), { name: 'pred', axes: ['image', 'pixel'], atol: 1e-5, rtol: 0 });
    expect(check).toThrow('pred: 2 of 4 elements outside atol 0.00001, rtol 0; worst at [image 1, pixel 1]: 9 instead of 4');
  });
  test('a shape that differs, and a NaN or an infinity on one side alone, fail', () => {
    const loose = { atol: 1e9, rtol: 1e9 };
    expect(() => assertAllClose(tensor([1, 2], 1, 2), tensor([2], 1, 2), loose)).toThrow('shape [1,2] instead of [2]');
    for (const [a, e] of [
      [Number.NaN, 1],
      [1, Number.NaN],
      [1, Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    ] as const)
      expect(() => assertAllClose(tensor([1], a), tensor([1], e), loose)).toThrow('1 of 1 elements');
    expect(compare([Number.NaN, Number.POSITIVE_INFINITY], [Number.NaN, Number.POSITIVE_INFINITY], { atol: 0, rtol: 0 }).failures).toBe(0);
  });
  test('bits tell −0 from 0', () => {
    assertAllClose(tensor([1], -0), tensor([1], 0), { atol: 0, rtol: 0 });
    expect(() => assertSameBits(tensor([1], -0), tensor([1], 0))).toThrow('1 of 1 elements differ; the first at [0]');
  });
  test('a flat index is named by its axes', () => {
    expect(indexByAxis(23, [2, 3, 4], ['image', 'row'])).toBe('[image 1, row 2, 3]');
    expect(indexByAxis(0, [])).toBe('[]');
  });
});

test('assertKernelCount says which dispatches there are', () => {
  const program = compile(
    asModel(
      fn('double', f32('B', 4), x => x),
      ['x'],
      {},
    ),
    {},
    { target: 'js' },
  );
  expect(() => assertKernelCount(program, { dispatches: program.steps.length, kernels: program.kernels.length })).not.toThrow();
  const tiny = compile(mae, 'tiny', { target: 'js' });
  expect(() => assertKernelCount(tiny, { dispatches: 1 })).toThrow(/^mae: \d+ dispatches instead of 1\n {2}0 /);
});

test('onAllDevices runs on three devices and says on which a check fails', async () => {
  const seen: string[] = [];
  const one = asModel(patchify, ['c', 'imgs'], { C: 1, G: 1, W: 2, P: 2 });
  const imgs = tensorFrom(0, [3, 1, 2, 4]);
  await onAllDevices(one, {}, async on => {
    seen.push(on.device);
    assertSameBits(
      (await on.run({ imgs })).out!,
      build([3, 2, 4], (b, n, f) => at(imgs, b, 0, f >> 1, 2 * n + (f & 1))),
    );
  });
  expect(seen).toEqual(['reference', 'js', 'webgpu']);
  const wrong = onAllDevices(one, {}, async on => assertSameBits((await on.run({ imgs })).out!, imgs), { devices: ['js'] });
  await expect(wrong).rejects.toThrow('on js: tensor: shape [3,2,4] instead of [3,1,2,4]');
});

describe('arbitraries', () => {
  test('sizes of a signature make every dim of it a size', () => {
    fc.assert(
      fc.property(sizesFor(randomMask, { max: 9 }), sizes => {
        expect(Object.keys(sizes).sort()).toEqual(['B', 'D', 'N', 'V']);
        expect(Object.values(sizes).every(n => n >= 1 && n <= 9)).toBe(true);
      }),
    );
    const rest = fn('rest', { keep: size('V') }, f32('N-V'), (_, x) => x);
    fc.assert(fc.property(sizesFor(rest), ({ N, V }) => N! > V!));
    expect(dimsOf(rest.signature)).toEqual(['V', 'N-V']);
    expect(shapeOf(f32('B', 'G*P+1'), { B: 2, G: 3, P: 4 })).toEqual([2, 13]);
  });
  test('permutations are permutations, and the least is the identity', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 20 }).chain(permutations), order => [...order].sort((a, b) => a - b).every((v, i) => v === i)));
    expect(orderFrom([], 4)).toEqual([0, 1, 2, 3]);
  });
  test('every order of four is reached', () => {
    const reached = new Set(fc.sample(choices, { numRuns: 3000, seed: 1 }).map(c => orderFrom(c, 4).join('')));
    expect(reached.size).toBe(24);
  });
  test('masks keep what they should, noise has ties at times and lies in [0, 1)', () => {
    fc.assert(
      fc.property(masks(3, 7, 2), m => {
        for (let r = 0; r < 3; r++) expect([...m.data.slice(7 * r, 7 * r + 7)].filter(v => v === 0).length).toBe(2);
      }),
    );
    const drawn = fc.sample(noises(1, 6), { numRuns: 60, seed: 1 });
    expect(drawn.every(n => n.data.every(v => v >= 0 && v < 1))).toBe(true);
    expect(new Set(drawn.map(n => new Set(n.data).size < 6))).toEqual(new Set([true, false]));
  });
  test('tensors are functions of their seed; seed 0 counts', () => {
    expect([...tensorFrom(0, [2, 2]).data]).toEqual([0, 1, 2, 3]);
    expect(tensorFrom(7, [50])).toEqual(tensorFrom(7, [50]));
    const data = [...tensorFrom(3, [20_000]).data];
    const mean = data.reduce((a, v) => a + v, 0) / data.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(data.reduce((a, v) => a + (v - mean) ** 2, 0) / data.length - 1)).toBeLessThan(0.05);
    fc.assert(fc.property(tensors([3, 3], 'integers'), t => t.data.every(v => Number.isInteger(v))));
    fc.assert(fc.property(imageSizes(), s => s.batch * s.channels * s.gridHeight * s.gridWidth * s.patchSize >= 1));
  });
});
