// Real handwritten digits, 25 % of each seen, on every device, checked against the reference.

import { writePng } from '../../runtime/files/images.ts';
import type { Device } from '../../runtime/index.ts';
import { readDigits } from './data.ts';
import { choose, fromPatches, grid, removed, toImage, toPlanes } from './picture.ts';
import {
  type Batch,
  joined,
  largestDifference,
  onReference,
  planOf,
  pretrained,
  programFor,
  type Reconstruction,
  reconstruct,
  seededNoise,
  withSession,
} from './reconstruct.ts';

const count = 32;
const columns = 2; // of four pictures each

export async function digits(devices: readonly Device[], file: string): Promise<void> {
  const model = await pretrained('mae-mnist');
  const { images } = await readDigits(count);
  const planes = images.map(i => toPlanes(i, model.mean, model.std));
  const { imageSize, patchSize } = model.config;
  const patches = (imageSize / patchSize) ** 2;
  const batch: Batch = { count, imgs: joined(planes.map(p => p.data)), noise: seededNoise(count * patches, 1) };

  console.log(`\n${count} handwritten digits (MNIST, test set), ${patches} patches each`);
  const reference = await onReference(model, batch, count);
  console.log(`reference: float64, ${reference.hit ? 'remembered' : 'computed'}`);
  let shown: Reconstruction | undefined;
  for (const [i, device] of devices.entries()) {
    const { program, note } = await programFor(model, device);
    if (i === 0) console.log(`${planOf(program, 1)}\n`);
    await withSession(model, program, device, async session => {
      await reconstruct(
        session,
        { ...batch, count: 1, imgs: batch.imgs.slice(0, imageSize * imageSize), noise: batch.noise.slice(0, patches) },
        1,
        'warm',
      );
      const start = performance.now();
      const result = await reconstruct(session, batch, count, `digits on ${device.kind}`);
      const ms = performance.now() - start;
      const { pipelines, milliseconds } = session.compiled;
      console.log(
        `${device.kind.padEnd(7)} ${ms.toFixed(0).padStart(6)} ms for ${count} digits, ${(ms / count).toFixed(1)} ms each; program ${note}, ${pipelines} pipelines in ${milliseconds.toFixed(0)} ms; largest difference from the reference ${largestDifference(result.pred, reference.pred).toExponential(1)} (${device.name})`,
      );
      shown ??= result;
    });
  }
  await draw(shown!);
  console.log(`written: ${file}`);

  async function draw({ pred, mask }: Reconstruction): Promise<void> {
    const size = pred.length / count;
    const cells = planes.map((original, i) => {
      const guess = fromPatches(pred.subarray(i * size, (i + 1) * size), patchSize, 1, imageSize, imageSize);
      const where = removed(mask.subarray(i * patches, (i + 1) * patches), patchSize, imageSize, imageSize);
      return [original, choose(where, 1, original), guess, choose(where, guess, original)].map(p => toImage(p, model.mean, model.std));
    });
    const rows = Array.from({ length: Math.ceil(count / columns) }, (_, r) => cells.slice(r * columns, (r + 1) * columns).flat());
    await writePng(file, grid(rows, 3));
  }
}
