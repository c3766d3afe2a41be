// Photographs in, pictures out. JPEG (and whatever else it knows) through sharp, an optional peer; PNG through fast-png.
import { FileError } from '../errors.ts';
import { writeBeside } from './write-beside.ts';

/** Rows of pixels, each `channels` interleaved bytes: data[(y·width + x)·channels + c]. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Reads a picture as RGB, its shorter side resized to `shorter` pixels (bicubic).
 *  @throws FileError HF2 when sharp is missing or the file is no picture. */
export async function readPhoto(file: string, shorter: number): Promise<Image> {
  let sharp: typeof import('sharp').default;
  try {
    sharp = (await import('sharp')).default;
  } catch (cause) {
    throw new FileError('HF2', `${file}: reading photographs needs the package sharp: npm install sharp`, { cause });
  }
  try {
    const { data, info } = await sharp(file)
      .rotate()
      .toColourspace('srgb')
      .removeAlpha()
      .resize({ width: shorter, height: shorter, fit: 'outside', kernel: 'cubic' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { width: info.width, height: info.height, channels: 3, data };
  } catch (cause) {
    throw new FileError('HF2', `${file}: cannot be read as a photograph: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Writes a PNG, whole or not at all. @throws FileError HF2 */
export async function writePng(file: string, image: Image): Promise<void> {
  const { encode } = await import('fast-png');
  await writeBeside(file, [encode({ width: image.width, height: image.height, channels: image.channels, depth: 8, data: image.data })]);
}

/** The middle width × height of an image. */
export function centreCrop(image: Image, width: number, height: number): Image {
  const { channels } = image;
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}
