// Three defects of the masked autoencoder as it is commonly taught: PyTorch runs all of them. Two are errors of types here; the third
// has no wrong shape and a loss that still falls, and the property that visible tokens come back at their own places finds it.
import fc from 'fast-check';
import { argsort, broadcastTo, concat, f32, fn, full, gather, rank, ShapeError, size, slice } from 'heddle';
import { describe, expect, test } from 'vitest';
import { unshuffle } from '../../models/index.ts';
import { checkPlanted, compilers } from '../../scripts/check-types.ts';
import { asModel, at, choices, noiseFrom, openOn, sizesFor, tensorFrom } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { mistakes } from '../language/mistake.ts';

describe('defects that are wrong shapes', async () => {
  const file = 'test/language/types/tutorial-mistakes.ts';
  await import(`../../${file}`);
  test.each(compilers)('TypeScript %s rejects both, in words, on the index', compiler => {
    expect(checkPlanted(compiler, [file])).toEqual({ planted: 2, problems: [] });
  });
  test.each(mistakes.map(m => [m.message, m.code] as const))('so does the trace: %s', (message, code) => {
    expect(code).toThrow(ShapeError);
    expect(code).toThrow(`✗ ${message}`);
  });
});

/**
 * x[~mask]: the visible patches in the order of the image, where ids_restore undoes the order of the shuffle. Every shape is right and
 * every index in bounds.
 */
const inImageOrder = fn('inImageOrder', { keep: size('V') }, f32('B', 'N', 'D'), f32('B', 'N'), (c, x, noise) => {
  const restore = rank(noise, 1);
  const mask = gather(concat([full(['B', 'V'], 0), full(['B', 'N-V'], 1)], 1), 1, restore);
  const visible = gather(x, 1, slice(argsort(mask, 1), 1, 0, c.keep));
  return unshuffle(visible, broadcastTo(full([], 0), [1, 1, 'D']), restore);
});

test('the defect with right shapes is found by the property of places, and shrinks to a handful of patches', async () => {
  const sizes = sizesFor(inImageOrder, { max: 16 }).filter(s => s.V! < s.N!);
  const result = await fc.check(
    fc.asyncProperty(sizes, choices, fc.nat(99), async (sizes, chosen, seed) => {
      const [B, N, D, V] = [sizes.B!, sizes.N!, sizes.D!, sizes.V!];
      const noise = noiseFrom(chosen, B, N);
      const x = tensorFrom(seed, [B, N, D]);
      const on = disposed(await openOn('reference', asModel(inImageOrder, ['c', 'x', 'noise'], sizes), {}));
      const { out } = await on.run({ x, noise });
      for (let b = 0; b < B; b++)
        for (let n = 0; n < N; n++) {
          const before = [...noise.data.slice(b * N, (b + 1) * N)].filter((v, i) => v < at(noise, b, n) || (v === at(noise, b, n) && i < n)).length;
          for (let d = 0; d < D; d++) expect(at(out!, b, n, d)).toBe(before < V ? at(x, b, n, d) : 0);
        }
    }),
    { numRuns: 200, seed: 1 },
  );
  const found = result.counterexample;
  if (!found) throw new Error('the defect was not found');
  const [{ B, D, N, V }, chosen] = found;
  console.log(`visible patches in image order: the smallest case is ${N} patches, ${V} of them visible, noise [${noiseFrom(chosen, B!, N!).data}]`);
  expect([B, D]).toEqual([1, 1]);
  expect(N).toBeLessThanOrEqual(4);
});
