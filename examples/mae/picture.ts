// Pictures of reconstructions: planes of numbers back to pixels, tiles back to a photograph, columns side by side.
import type { Image } from '../../runtime/files/images.ts';

/** Channel-first pixels in the model's normalised scale: [channels, height, width]. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** v·std + mean, clamped to a byte. */
export function toImage(p: Planes, mean: readonly number[], std: readonly number[]): Image {
  const channels = p.channels === 1 ? 1 : 3;
  const data = new Uint8Array(p.width * p.height * channels);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < p.width * p.height; i++) {
      const v = (p.data[c * p.width * p.height + i]! * std[c]! + mean[c]!) * 255;
      data[i * channels + c] = Math.max(0, Math.min(255, Math.round(v)));
    }
  return { width: p.width, height: p.height, channels, data };
}

/** (v/255 − mean)/std per channel: interleaved bytes to normalised planes. */
export function toPlanes(image: Image, mean: readonly number[], std: readonly number[]): Planes {
  const { width, height, channels } = image;
  const data = new Float32Array(width * height * channels);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < width * height; i++) data[c * width * height + i] = (image.data[i * channels + c]! / 255 - mean[c]!) / std[c]!;
  return { channels, width, height, data };
}

/** Patches [patches, p·p·channels] in (p, q, c) order, as the official patchify makes them, back to planes. */
export function fromPatches(patches: Float32Array, patchSize: number, channels: number, height: number, width: number): Planes {
  const data = new Float32Array(channels * height * width);
  const across = width / patchSize;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const patch = Math.floor(y / patchSize) * across + Math.floor(x / patchSize);
      const within = ((y % patchSize) * patchSize + (x % patchSize)) * channels;
      for (let c = 0; c < channels; c++) data[(c * height + y) * width + x] = patches[patch * patchSize * patchSize * channels + within + c]!;
    }
  return { channels, height, width, data };
}

/** For each pixel: was its patch removed? */
export function removed(mask: Float32Array, patchSize: number, height: number, width: number): (y: number, x: number) => boolean {
  const across = width / patchSize;
  if (mask.length !== across * (height / patchSize))
    throw new Error(`a mask of ${mask.length} for ${height}×${width} pixels in patches of ${patchSize}`);
  return (y, x) => mask[Math.floor(y / patchSize) * across + Math.floor(x / patchSize)] === 1;
}

/** Pixel by pixel one of two planes, or grey: what is shown in the columns masked and composite. */
export function choose(where: (y: number, x: number) => boolean, yes: Planes | number, no: Planes): Planes {
  const data = new Float32Array(no.data.length);
  for (let c = 0; c < no.channels; c++)
    for (let y = 0; y < no.height; y++)
      for (let x = 0; x < no.width; x++) {
        const i = (c * no.height + y) * no.width + x;
        data[i] = where(y, x) ? (typeof yes === 'number' ? yes : yes.data[i]!) : no.data[i]!;
      }
  return { ...no, data };
}

/** Pastes images into a grid with a border, each enlarged by a whole factor. */
export function grid(rows: readonly (readonly Image[])[], scale: number, gap = 4, background = 255): Image {
  const channels = rows.some(r => r.some(i => i.channels === 3)) ? 3 : 1;
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map(r => r[c]?.width ?? 0)) * scale);
  const heights = rows.map(r => Math.max(...r.map(i => i.height)) * scale);
  const width = widths.reduce((a, b) => a + b + gap, gap);
  const height = heights.reduce((a, b) => a + b + gap, gap);
  const data = new Uint8Array(width * height * channels).fill(background);
  let top = gap;
  rows.forEach((row, r) => {
    let left = gap;
    row.forEach((image, c) => {
      for (let y = 0; y < image.height * scale; y++)
        for (let x = 0; x < image.width * scale; x++) {
          const from = (Math.floor(y / scale) * image.width + Math.floor(x / scale)) * image.channels;
          const to = ((top + y) * width + left + x) * channels;
          for (let k = 0; k < channels; k++) data[to + k] = image.data[from + (image.channels === 1 ? 0 : k)]!;
        }
      left += widths[c]! + gap;
    });
    top += heights[r]! + gap;
  });
  return { width, height, channels, data };
}
