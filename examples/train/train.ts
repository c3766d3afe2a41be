// The loop: batches of random digits with fresh noise, the learning rate as a run-time scalar, loss and throughput while it runs.
import { adamw, noDecayOnVectors, trainStep } from 'heddle';
import { targetFor } from '../../cli/run.ts';
import { compile } from '../../compiler/index.ts';
import mae from '../../models/mae.ts';
import { type Device, open, type Weights } from '../../runtime/index.ts';
import { seededNoise } from '../mae/reconstruct.ts';
import { live } from './live.ts';
import { batchSize, config, learningRate, patches, pixels, seed } from './setup.ts';

export interface Trained {
  /** Of each step. */
  readonly losses: readonly number[];
  readonly digits: number;
  /** Parameters by checkpoint name. */
  readonly weights: Weights;
}

/** AdamW as in MAE's pre-training (paper, table 8), with the gradients clipped because the warm-up is short. */
const training = trainStep(mae, { loss: 'loss', optimiser: adamw({ betas: [0.9, 0.95], weightDecay: 0.05 }), groups: noDecayOnVectors, clip: 1 });

/** Trains for some seconds, from initial values. images: [n, 28·28] in the model's scale. */
export async function train(device: Device, images: Float32Array, seconds: number): Promise<Trained> {
  const begin = performance.now();
  // the JavaScript engine runs one kernel an operation faster than fused ones here (docs/speed.md)
  const program = compile(training, config, { target: targetFor(device), fuse: device.kind === 'js' ? 'none' : 'all' });
  const session = await open(program, { device, seed });
  try {
    console.log(
      `${program.steps.length} kernels a step, ${session.compiled.pipelines} distinct; compiled in ${(performance.now() - begin).toFixed(0)} ms`,
    );

    const losses: number[] = [];
    const average = runningMean();
    const bar = live(seconds);
    const start = performance.now();
    for (let passed = 0; passed < 1; passed = (performance.now() - start) / (1000 * seconds)) {
      const step = losses.length + 1;
      const { loss } = await session.run(batch(images, step), { scalars: { lr: learningRate(passed), decay: 1, step } });
      losses.push(loss.data[0]!);
      bar.update((performance.now() - start) / 1000, step, average(losses[step - 1]!), step * batchSize);
    }
    bar.stop();
    const state = await session.readState(program.state.filter(s => s.parameter).map(s => s.name));
    const weights = new Map(Object.entries(state).map(([name, t]) => [name, { dtype: 'f32', shape: t.shape, data: t.data as Float32Array }]));
    return { losses, digits: losses.length * batchSize, weights };
  } finally {
    session.dispose();
  }
}

/** A random batch: which digits, and which of their patches stay, follow from the step's number. */
function batch(images: Float32Array, step: number): { imgs: Float32Array; noise: Float32Array } {
  const count = images.length / pixels;
  const choice = seededNoise(batchSize, 2 * step);
  const imgs = new Float32Array(batchSize * pixels);
  choice.forEach((u, i) => {
    const from = Math.floor(u * count) * pixels;
    imgs.set(images.subarray(from, from + pixels), i * pixels);
  });
  return { imgs, noise: seededNoise(batchSize * patches, 2 * step + 1) };
}

/** The mean of about the last twenty values given, without the pull of its beginning. */
export function runningMean(): (value: number) => number {
  const keep = 0.95;
  let sum = 0;
  let weight = 0;
  return value => {
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return sum / weight;
  };
}
