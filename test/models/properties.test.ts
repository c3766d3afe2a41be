// What must hold of patches, masking, the loss and the whole masked autoencoder, for any sizes, on the reference and on every device.
// "Bit for bit" where nothing is computed, or where the same numbers must be computed in the same way.
import fc from 'fast-check';
import { argsort, f32, fn, gather, rank, size } from 'heddle';
import { describe, expect, test } from 'vitest';
import { mae, maeConfig, normalisePatches, patchify, randomMask, reconstructionLoss, unpatchify, unshuffle } from '../../models/index.ts';
import {
  assertAllClose,
  assertSameBits,
  at,
  build,
  choices,
  type DeviceName,
  deviceNames,
  type HostTensor,
  maskFrom,
  noiseFrom,
  orderFrom,
  type SymbolSizes,
  tensorFrom,
} from '../../testing/index.ts';
import { hold, seeds, sessions, sizesOn } from './properties.ts';

const { layer, model } = sessions();
const get = (sizes: SymbolSizes, ...names: string[]): number[] => names.map(n => sizes[n]!);

// ---------------------------------------------------------------- patches
const bothWays = fn(
  'bothWays',
  { patchSize: size('P'), gridHeight: size('G'), gridWidth: size('W') },
  f32('B', 'C', 'G*P', 'W*P'),
  f32('B', 'G*W', 'P*P*C'),
  (c, imgs, patches) => {
    const [cut, joined] = [patchify(c, imgs), unpatchify(c, patches)];
    return { cut, joined, imgs: unpatchify(c, cut), patches: patchify(c, joined) };
  },
);

describe.each(deviceNames)('patches on %s', device => {
  test('patchify and unpatchify undo each other and follow the formula of their indices, bit for bit', () =>
    hold(device, fc.tuple(sizesOn(device, bothWays, { max: 4 }), seeds), async ([sizes, seed]) => {
      const [B, C, G, W, P] = get(sizes, 'B', 'C', 'G', 'W', 'P') as [number, number, number, number, number];
      const imgs = tensorFrom(seed, [B, C, G * P, W * P]);
      const patches = tensorFrom(seed + 1, [B, G * W, P * P * C]);
      const on = await layer(device, bothWays, ['c', 'imgs', 'patches'], sizes);
      const out = await on.run({ imgs, patches });
      assertSameBits(out.imgs!, imgs, { name: 'unpatchify(patchify(imgs))' });
      assertSameBits(out.patches!, patches, { name: 'patchify(unpatchify(patches))' });
      const cut = build(patches.shape, (b, n, f) => {
        const [h, w, p, q, c] = [Math.floor(n / W), n % W, Math.floor(f / (P * C)), Math.floor(f / C) % P, f % C];
        return at(imgs, b, c, h * P + p, w * P + q);
      });
      assertSameBits(out.cut!, cut, { name: 'patchify', axes: ['image', 'patch', 'pixel'] });
    }));
});

// ---------------------------------------------------------------- masking
const masked = fn('masked', { keep: size('V') }, f32('B', 'N', 'D'), f32('B', 'N'), f32(1, 1, 'D'), (c, x, noise, token) => {
  const { visible, mask, restore } = randomMask(c, x, noise);
  return { visible, mask, restore, full: unshuffle(visible, token, restore), same: gather(gather(x, 1, argsort(noise, 1)), 1, rank(noise, 1)) };
});

/** Sizes with V of N tokens, and noise for them. */
const maskCases = (device: DeviceName) =>
  fc
    .tuple(
      sizesOn(device, masked, { of: { N: { max: 12 }, V: { max: 12 } } }, s => s.V! < s.N!),
      choices,
      seeds,
    )
    .map(([sizes, chosen, seed]) => [sizes, noiseFrom(chosen, sizes.B!, sizes.N!), seed] as const);

describe.each(deviceNames)('masking on %s', device => {
  test('the patches with the least noise stay, restore undoes the shuffle, and every token comes back at its own place', () =>
    hold(device, maskCases(device), async ([sizes, noise, seed]) => {
      const [B, N, D, V] = get(sizes, 'B', 'N', 'D', 'V') as [number, number, number, number];
      const x = tensorFrom(seed, [B, N, D]);
      const token = tensorFrom(seed + 1, [1, 1, D]);
      const on = await layer(device, masked, ['c', 'x', 'noise', 'token'], sizes);
      const out = await on.run({ x, noise, token });
      const shuffle = Array.from({ length: B }, (_, b) => Array.from({ length: N }, (_, i) => i).sort((i, j) => at(noise, b, i) - at(noise, b, j)));
      assertSameBits(
        out.restore!,
        integers([B, N], (b, n) => shuffle[b]!.indexOf(n)),
        { name: 'restore' },
      );
      assertSameBits(
        out.mask!,
        build([B, N], (b, n) => (shuffle[b]!.indexOf(n) < V ? 0 : 1)),
        { name: 'mask', axes: ['image', 'patch'] },
      );
      assertSameBits(
        out.visible!,
        build([B, V, D], (b, v, d) => at(x, b, shuffle[b]![v]!, d)),
        { name: 'visible' },
      );
      assertSameBits(out.same!, x, { name: 'restore of shuffle' });
      const full = build([B, N, D], (b, n, d) => (at(out.mask!, b, n) === 0 ? at(x, b, n, d) : at(token, 0, 0, d)));
      assertSameBits(out.full!, full, { name: 'full', axes: ['image', 'patch', 'channel'] });
    }));
});

test('a configuration keeps trunc(N·(1 − maskRatio)) patches, and says so when none would stay', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 99 }), (rows, columns, percent) => {
      const config = { ...mae.presets.tiny!, imageSize: rows * 4, imageWidth: columns * 4, maskRatio: percent / 100 };
      const keep = Math.trunc(rows * columns * (1 - percent / 100));
      if (keep > 0) expect(maeConfig.read(config).values.keep).toBe(keep);
      else expect(() => maeConfig.read(config)).toThrow(/maskRatio/);
    }),
  ));

// ---------------------------------------------------------------- loss
const losses = fn('losses', f32('B', 'N', 'F'), f32('B', 'N', 'F'), f32('B', 'N'), (pred, target, mask) => ({
  raw: reconstructionLoss(pred, target, mask),
  normalised: reconstructionLoss(pred, normalisePatches(target), mask),
}));
const lossCases = (device: DeviceName) =>
  fc
    .tuple(sizesOn(device, losses, { min: 2, max: 6 }), fc.nat(), choices, seeds)
    .map(([sizes, kept, chosen, seed]) => [sizes, maskFrom(chosen, sizes.B!, sizes.N!, 1 + (kept % (sizes.N! - 1))), seed] as const);

describe.each(deviceNames)('loss on %s', device => {
  test('it does not see predictions on visible patches, and sees every removed one', () =>
    hold(device, lossCases(device), async ([sizes, mask, seed]) => {
      const shape = get(sizes, 'B', 'N', 'F');
      const [pred, target, other] = [tensorFrom(seed + 1, shape), tensorFrom(seed + 2, shape), tensorFrom(seed + 3, shape)];
      const on = await layer(device, losses, ['pred', 'target', 'mask'], sizes);
      const mixed = (removed: number): HostTensor => build(shape, (b, n, f) => at(at(mask, b, n) === removed ? other : pred, b, n, f));
      const [before, visible, removed] = [
        await on.run({ pred, target, mask }),
        await on.run({ pred: mixed(0), target, mask }),
        await on.run({ pred: mixed(1), target, mask }),
      ];
      for (const name of ['raw', 'normalised']) {
        assertSameBits(visible[name]!, before[name]!, { name });
        expect(removed[name]!.data[0]).not.toBe(before[name]!.data[0]);
      }
    }));

  test('predicting zero scores (n − 1)/n of the normalised pixels', () =>
    hold(device, lossCases(device), async ([sizes, mask, seed]) => {
      const shape = get(sizes, 'B', 'N', 'F');
      const [target, pred] = [tensorFrom(seed + 1, shape), build(shape, () => 0)];
      const on = await layer(device, losses, ['pred', 'target', 'mask'], sizes);
      const { normalised } = await on.run({ pred, target, mask });
      // The normaliser adds 1e-6 to the variance v, so a patch scores (n − 1)/n · v/(v + 1e-6).
      const n = sizes.F!;
      const scores: number[] = [];
      for (let b = 0; b < sizes.B!; b++)
        for (let patch = 0; patch < sizes.N!; patch++) {
          const pixels = Array.from({ length: n }, (_, f) => at(target, b, patch, f));
          const mean = pixels.reduce((a, x) => a + x, 0) / n;
          const variance = pixels.reduce((a, x) => a + (x - mean) ** 2, 0) / (n - 1);
          if (at(mask, b, patch) === 1) scores.push(((n - 1) / n) * (variance / (variance + 1e-6)));
        }
      const expected = { data: Float32Array.of(scores.reduce((a, x) => a + x, 0) / scores.length), shape: [] };
      assertAllClose(normalised!, expected, { name: 'loss of zero', atol: 1e-5, rtol: 1e-4 });
    }));

  test('a patch of one colour has the target zero', async () => {
    const on = await layer(device, losses, ['pred', 'target', 'mask'], { N: 2, F: 3 });
    const flat = { data: Float32Array.of(5, 5, 5, -7, -7, -7), shape: [1, 2, 3] };
    const { normalised } = await on.run({ pred: build([1, 2, 3], () => 0), target: flat, mask: build([1, 2], () => 1) });
    expect(normalised!.data[0]).toBe(0);
  });
});

// ---------------------------------------------------------------- the masked autoencoder
/** Small enough to run many times: a grid of 2×3 patches of 4×4 pixels, half of them kept. */
const small = {
  imageSize: 8,
  imageWidth: 12,
  patchSize: 4,
  channels: 2,
  width: 16,
  depth: 2,
  heads: 2,
  decoderWidth: 8,
  decoderDepth: 1,
  decoderHeads: 2,
  mlpRatio: 2,
  maskRatio: 0.5,
  normPixLoss: true,
} as const;
const [patches, columns, pixels] = [6, 3, 4];
const batches = fc
  .tuple(fc.integer({ min: 1, max: 4 }), choices, seeds)
  .map(([B, chosen, seed]) => [noiseFrom(chosen, B, patches), seed, orderFrom(chosen, B)] as const);
const perImage = ['pred', 'mask', 'ids_restore', 'latent'];

describe.each(deviceNames)('masked autoencoder on %s', device => {
  const open = () => model(device, 'mae', mae, small, { seed: 3 });

  test('encoder and prediction do not see the pixels of removed patches, and see those of visible ones', () =>
    hold(device, batches, async ([noise, seed]) => {
      const on = await open();
      const shape = [noise.shape[0]!, 2, 8, 12];
      const [imgs, other] = [tensorFrom(seed, shape), tensorFrom(seed + 1, shape)];
      const before = await on.run({ imgs, noise }, perImage);
      const mixed = (removed: number): HostTensor =>
        build(shape, (b, c, y, x) => {
          const patch = Math.floor(y / pixels) * columns + Math.floor(x / pixels);
          return at(at(before.mask!, b, patch) === removed ? other : imgs, b, c, y, x);
        });
      const unseen = await on.run({ imgs: mixed(1), noise }, perImage);
      for (const name of perImage) assertSameBits(unseen[name]!, before[name]!, { name });
      const { latent } = await on.run({ imgs: mixed(0), noise }, ['latent']);
      expect(latent!.data).not.toEqual(before.latent!.data);
    }));

  test('a permuted batch permutes the outputs, and a batch is its images one by one', () =>
    hold(device, batches, async ([noise, seed, order]) => {
      const on = await open();
      const imgs = tensorFrom(seed, [noise.shape[0]!, 2, 8, 12]);
      const together = await on.run({ imgs, noise }, perImage);
      const permuted = await on.run({ imgs: rows(imgs, order), noise: rows(noise, order) }, perImage);
      for (const name of perImage) assertSameBits(permuted[name]!, rows(together[name]!, order), { name });
      for (const b of order) {
        const alone = await on.run({ imgs: rows(imgs, [b]), noise: rows(noise, [b]) }, perImage);
        for (const name of perImage) assertSameBits(alone[name]!, rows(together[name]!, [b]), { name });
      }
    }));
});

/** Some images of a batch, in order. */
function rows(t: HostTensor, which: readonly number[]): HostTensor {
  const per = t.data.length / t.shape[0]!;
  const data = t.data.slice(0, which.length * per);
  for (const [to, from] of which.entries()) data.set(t.data.subarray(from * per, (from + 1) * per), to * per);
  return { data, shape: [which.length, ...t.shape.slice(1)] };
}
const integers = (shape: readonly number[], element: (...index: number[]) => number): HostTensor => ({
  data: Int32Array.from(build(shape, element).data),
  shape,
});
