// What was learnt, on digits that were not trained on: the loss on removed patches beside what two predictors without a model cost there,
// the mean of all pixels (0 in the model's scale) and the mean of all training images.

import { targetFor } from '../../cli/run.ts';
import { compile } from '../../compiler/index.ts';
import mae from '../../models/mae.ts';
import type { Image } from '../../runtime/files/images.ts';
import { type Device, open, type Weights } from '../../runtime/index.ts';
import { choose, fromPatches, grid, type Planes, removed, toImage } from '../mae/picture.ts';
import { type Reconstruction, reconstruct, seededNoise } from '../mae/reconstruct.ts';
import { config, patches, pixels, seed } from './setup.ts';

export interface Judged extends Reconstruction {
  readonly imgs: Float32Array;
  /** Mean squared error over the removed patches, in the model's scale. */
  readonly loss: number;
  readonly ofMean: number;
  readonly ofMeanImage: number;
}

/** The mean of some images, pixel by pixel. */
export function meanImage(images: Float32Array): Float32Array {
  const sum = new Float64Array(pixels);
  for (let i = 0; i < images.length; i++) sum[i % pixels]! += images[i]!;
  return Float32Array.from(sum, s => (s * pixels) / images.length);
}

export async function evaluate(device: Device, weights: Weights, imgs: Float32Array, typical: Float32Array): Promise<Judged> {
  const program = compile(mae, config, { target: targetFor(device), outputs: ['pred', 'mask'] });
  // the tables of positions were not trained: they take their initial values
  const count = imgs.length / pixels;
  const session = await open(program, { device, weights, partial: true });
  const result = await reconstruct(session, { count, imgs, noise: seededNoise(count * patches, seed) }, 64, 'test').finally(() => session.dispose());
  const { planes, masks } = unfolded(result, count);
  const sums = { model: 0, mean: 0, image: 0, pixels: 0 };
  planes.forEach((guess, n) => {
    const where = masks[n]!;
    for (let i = 0; i < pixels; i++) {
      if (!where(Math.floor(i / config.imageSize), i % config.imageSize)) continue;
      const x = imgs[n * pixels + i]!;
      sums.model += (guess.data[i]! - x) ** 2;
      sums.mean += x ** 2;
      sums.image += (typical[i]! - x) ** 2;
      sums.pixels++;
    }
  });
  return { ...result, imgs, loss: sums.model / sums.pixels, ofMean: sums.mean / sums.pixels, ofMeanImage: sums.image / sums.pixels };
}

function unfolded({ pred, mask }: Reconstruction, count: number): { planes: readonly Planes[]; masks: readonly ReturnType<typeof removed>[] } {
  const { imageSize, patchSize } = config;
  const each = <T>(make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
  return {
    planes: each(n => fromPatches(pred.subarray(n * pixels, (n + 1) * pixels), patchSize, 1, imageSize, imageSize)),
    masks: each(n => removed(mask.subarray(n * patches, (n + 1) * patches), patchSize, imageSize, imageSize)),
  };
}

/** original | masked | reconstructed | composite, two digits a row. */
export function pictures(judged: Judged, count: number, scale: { readonly mean: readonly number[]; readonly std: readonly number[] }): Image {
  const { planes, masks } = unfolded(judged, count);
  const cells = planes.map((guess, n) => {
    const original: Planes = { ...guess, data: judged.imgs.subarray(n * pixels, (n + 1) * pixels) };
    const where = masks[n]!;
    return [original, choose(where, 1, original), guess, choose(where, guess, original)].map(p => toImage(p, scale.mean, scale.std));
  });
  return grid(
    Array.from({ length: Math.ceil(count / 2) }, (_, row) => cells.slice(2 * row, 2 * row + 2).flat()),
    3,
  );
}
