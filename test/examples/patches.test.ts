// The example of testing/index.ts, whole: a patch function of one's own, its properties stated for all sizes and held on every device.
import fc from 'fast-check';
import { f32, fn, rearrange, size } from 'heddle';
import { asModel, assertSameBits, at, build, onAllDevices, sizesFor, tensorFrom } from 'heddle/testing';
import { test } from 'vitest';

const columns = fn('columns', { patchSize: size('P') }, f32('B', 'C', 'G*P', 'W*P'), (c, imgs) =>
  rearrange(imgs, 'n c (h p) (w q) -> n (w h) (c q p)', { p: c.patchSize, q: c.patchSize }),
);

test('patches stand column by column, and so do the pixels in them', () =>
  fc.assert(
    fc.asyncProperty(sizesFor(columns, { max: 3 }), fc.nat(99), async ({ B, C, G, W, P }, seed) => {
      const imgs = tensorFrom(seed, [B!, C!, G! * P!, W! * P!]);
      const expected = build([B!, G! * W!, C! * P! * P!], (b, n, f) => {
        const [w, h, c, q, p] = [Math.floor(n / G!), n % G!, Math.floor(f / (P! * P!)), Math.floor(f / P!) % P!, f % P!];
        return at(imgs, b, c, h * P! + p, w * P! + q);
      });
      await onAllDevices(asModel(columns, ['c', 'imgs'], { C: C!, G: G!, W: W!, P: P! }), {}, async on => {
        const { out } = await on.run({ imgs });
        assertSameBits(out!, expected, { name: 'columns', axes: ['image', 'patch', 'pixel'] });
      });
    }),
    { numRuns: 10 },
  ));
