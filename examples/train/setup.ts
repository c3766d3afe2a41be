// What is trained: a masked autoencoder small enough that two minutes of one CPU core teach it something. The digits' scale, masking and
// loss are those of models/weights/mae-mnist.json; patches of 7×7 pixels in place of 4×4 give a third of the tokens, and learnt more in the
// same time (0.67 against 0.68 of the mean predictor's loss after 45 s of CPU time).
import type { ModelConfig } from '../../dsl/model.ts';
import type mae from '../../models/mae.ts';
import type { Image } from '../../runtime/files/images.ts';

export const mean = 0.1307;
export const std = 0.3081;
export const config = {
  imageSize: 28,
  patchSize: 7,
  channels: 1,
  width: 48,
  depth: 2,
  heads: 4,
  decoderWidth: 32,
  decoderDepth: 1,
  decoderHeads: 2,
  mlpRatio: 2,
  maskRatio: 0.75,
  normPixLoss: false,
} as const satisfies ModelConfig<typeof mae>;
export const pixels = config.imageSize ** 2;
export const patches = (config.imageSize / config.patchSize) ** 2;

export const seed = 1;
export const batchSize = 16;
/** Of the schedule: a linear warm-up over the first share of the time, then half a cosine down to nothing. */
export const peakLr = 4e-3;
export const warmUp = 0.08;
/** The learning rate when a share of the time has passed. */
export function learningRate(passed: number): number {
  if (passed < warmUp) return (peakLr * passed) / warmUp;
  return (peakLr * (1 + Math.cos((Math.PI * (passed - warmUp)) / (1 - warmUp)))) / 2;
}

/** Bytes to the model's scale, image after image. */
export function normalised(images: readonly Image[]): Float32Array {
  const all = new Float32Array(images.length * pixels);
  images.forEach(({ data }, i) => {
    for (let k = 0; k < pixels; k++) all[i * pixels + k] = (data[k]! / 255 - mean) / std;
  });
  return all;
}
