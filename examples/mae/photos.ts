// Photographs that the model never saw, cut into tiles, every tile from a quarter of its patches, put together again.

import { type Image, writePng } from '../../runtime/files/images.ts';
import type { Device } from '../../runtime/index.ts';
import { photographs, readPhotograph } from './data.ts';
import { choose, fromPatches, grid, type Planes, removed, toImage, toPlanes } from './picture.ts';
import { largestDifference, onReference, planOf, pretrained, programFor, reconstruct, seededNoise, withSession } from './reconstruct.ts';

const checkedTiles = 8;
const tilesAtOnce = 16;

export async function photos(devices: readonly Device[], file: string): Promise<void> {
  const model = await pretrained('mae-photos');
  const { imageSize, patchSize, channels } = model.config;
  const patches = (imageSize / patchSize) ** 2;
  // a real GPU is the fastest, else the CPU engine
  const device = devices.find(d => d.kind === 'webgpu' && !d.software) ?? devices[0]!;
  const { program, note } = await programFor(model, device);
  console.log(`\nphotographs in tiles of ${imageSize}×${imageSize}, ${patches} patches each, on ${device.kind}; program ${note}`);
  console.log(planOf(program, 1).split('\n').slice(-2).join('\n'));
  const rows: Image[][] = [];
  let worst = 0;
  await withSession(model, program, device, async session => {
    for (const [i, name] of photographs.entries()) {
      const original = toPlanes(await readPhotograph(name, imageSize), model.mean, model.std);
      const tiles = cut(original, imageSize);
      const noise = seededNoise(tiles.count * patches, 100 + i);
      const start = performance.now();
      const { pred, mask } = await reconstruct(session, { count: tiles.count, imgs: tiles.data, noise }, tilesAtOnce, name);
      const ms = performance.now() - start;
      const reference = i === 0 ? await onReference(model, { count: tiles.count, imgs: tiles.data, noise }, checkedTiles) : undefined;
      if (reference) worst = largestDifference(pred.subarray(0, reference.pred.length), reference.pred);
      const size = pred.length / tiles.count;
      const pictures = Array.from({ length: tiles.count }, (_, t) => {
        const tile: Planes = { channels, height: imageSize, width: imageSize, data: tiles.data.subarray(t * tiles.size, (t + 1) * tiles.size) };
        const guess = fromPatches(pred.subarray(t * size, (t + 1) * size), patchSize, channels, imageSize, imageSize);
        const where = removed(mask.subarray(t * patches, (t + 1) * patches), patchSize, imageSize, imageSize);
        return [choose(where, 0, tile), guess, choose(where, guess, tile)] as const;
      });
      const whole = ([0, 1, 2] as const).map(k =>
        paste(
          pictures.map(p => p[k]),
          original,
        ),
      );
      rows.push([original, ...whole].map(p => toImage(p, model.mean, model.std)));
      console.log(`${name.padEnd(24)} ${original.width}×${original.height}, ${String(tiles.count).padStart(2)} tiles, ${ms.toFixed(0)} ms`);
    }
  });
  console.log(`largest difference from the reference over ${checkedTiles} tiles: ${worst.toExponential(1)}`);
  await writePng(file, grid(rows, 1));
  console.log(`written: ${file}`);
}

/** Planes cut into squares, row by row: [count, channels, size, size]. */
function cut(p: Planes, size: number): { count: number; size: number; data: Float32Array } {
  const across = p.width / size;
  const count = across * (p.height / size);
  const length = p.channels * size * size;
  const data = new Float32Array(count * length);
  for (let t = 0; t < count; t++)
    for (let c = 0; c < p.channels; c++)
      for (let y = 0; y < size; y++) {
        const from = (c * p.height + Math.floor(t / across) * size + y) * p.width + (t % across) * size;
        data.set(p.data.subarray(from, from + size), t * length + (c * size + y) * size);
      }
  return { count, size: length, data };
}
/** The inverse of cut. */
function paste(tiles: readonly Planes[], like: Planes): Planes {
  const data = new Float32Array(like.data.length);
  const size = tiles[0]!.width;
  const across = like.width / size;
  tiles.forEach((tile, t) => {
    for (let c = 0; c < like.channels; c++)
      for (let y = 0; y < size; y++) {
        const to = (c * like.height + Math.floor(t / across) * size + y) * like.width + (t % across) * size;
        data.set(tile.data.subarray((c * size + y) * size, (c * size + y + 1) * size), to);
      }
  });
  return { ...like, data };
}
