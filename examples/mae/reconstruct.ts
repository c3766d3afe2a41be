// One pre-trained model made ready: weights and configuration read, a Program for each device (cached by what it was compiled from),
// reconstructions in batches, the reference beside them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { progress } from '../../cli/progress.ts';
import { targetFor } from '../../cli/run.ts';
import { asWeights } from '../../cli/tensors.ts';
import type { Program } from '../../common/program.ts';
import { compile, explain, explainTable } from '../../compiler/index.ts';
import { runReference } from '../../compiler/reference.ts';
import { type ModelConfig, trace } from '../../dsl/model.ts';
import mae from '../../models/mae.ts';
import { readSafetensors, widen } from '../../runtime/files/safetensors.ts';
import { type Device, open, type Session, type Weights } from '../../runtime/index.ts';
import { cached, sourceDigest } from './cache.ts';

type MaeConfig = ModelConfig<typeof mae>;
export interface Pretrained {
  readonly name: string;
  readonly config: { readonly imageSize: number; readonly patchSize: number; readonly channels: number } & MaeConfig;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly weights: Weights;
}

/** The folder of the weights that the project carries. */
const folder = fileURLToPath(new URL('../../models/weights/', import.meta.url));

export async function pretrained(name: 'mae-mnist' | 'mae-photos'): Promise<Pretrained> {
  const text = JSON.parse(await readFile(`${folder}${name}.json`, 'utf8')) as {
    config: Pretrained['config'];
    mean: number | number[];
    std: number | number[];
  };
  const path = `${folder}${name}.safetensors`;
  const list = (x: number | number[]): number[] => (typeof x === 'number' ? [x] : x);
  return { name, config: text.config, mean: list(text.mean), std: list(text.std), weights: asWeights(await readSafetensors(path), path) };
}

/** A program for a device: from the cache when nothing that it was compiled from has changed. */
export async function programFor(model: Pretrained, device: Device): Promise<{ program: Program; note: string }> {
  const target = targetFor(device);
  const start = performance.now();
  const key = await sourceDigest(`${target} ${JSON.stringify(model.config)}`);
  const { value, hit } = await cached<Program>('program', key, () => compile(mae, model.config, { target, outputs: ['pred', 'mask', 'loss'] }));
  return { program: value, note: `${hit ? 'from the cache' : 'compiled'} in ${(performance.now() - start).toFixed(0)} ms` };
}
export const planOf = (program: Program, batch: number): string => explainTable(explain(program, batch));

/** Images in the model's normalised scale [n, channels, size, size] and noise [n, patches]. */
export interface Batch {
  readonly count: number;
  readonly imgs: Float32Array;
  readonly noise: Float32Array;
}
export interface Reconstruction {
  /** [n, patches, p·p·channels] */
  readonly pred: Float32Array;
  /** [n, patches], 1 where a patch was removed */
  readonly mask: Float32Array;
}

/** Runs a batch on an open session, `size` images at a time. */
export async function reconstruct(session: Session, batch: Batch, size: number, title: string): Promise<Reconstruction> {
  const per = batch.imgs.length / batch.count;
  const patches = batch.noise.length / batch.count;
  const preds: Float32Array[] = [];
  const masks: Float32Array[] = [];
  const bar = progress(title, batch.count);
  for (let i = 0; i < batch.count; i += size) {
    const n = Math.min(size, batch.count - i);
    const r = await session.run(
      { imgs: batch.imgs.slice(i * per, (i + n) * per), noise: batch.noise.slice(i * patches, (i + n) * patches) },
      { outputs: ['pred', 'mask'] },
    );
    preds.push(Float32Array.from(r.pred!.data));
    masks.push(Float32Array.from(r.mask!.data));
    bar.update(i + n);
  }
  bar.stop();
  return { pred: joined(preds), mask: joined(masks) };
}
/** Arrays one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Runs `body` on a session that is closed after it. */
export async function withSession(model: Pretrained, program: Program, device: Device, body: (session: Session) => Promise<void>): Promise<void> {
  const session = await open(program, { device, weights: model.weights });
  try {
    await body(session);
  } finally {
    session.dispose();
  }
}

/** The first `count` images on the reference, in doubles; remembered by what they were computed from. */
export async function onReference(model: Pretrained, batch: Batch, count: number): Promise<{ pred: Float32Array; hit: boolean }> {
  const per = batch.imgs.length / batch.count;
  const patches = batch.noise.length / batch.count;
  const imgs = batch.imgs.slice(0, count * per);
  const noise = batch.noise.slice(0, count * patches);
  const key = await sourceDigest(`reference ${JSON.stringify(model.config)}`, [imgs, noise]);
  const { value, hit } = await cached<number[]>('reference', key, () => {
    const feeds: Record<string, Float32Array> = { imgs, noise };
    for (const [name, t] of model.weights)
      feeds[name] = t.data instanceof Float32Array ? t.data : widen({ dtype: 'F16', shape: t.shape, data: t.data as Uint16Array })!;
    return Array.from(Float32Array.from(runReference(trace(mae, model.config), feeds, { batch: count, outputs: ['pred'] }).pred!.data));
  });
  return { pred: Float32Array.from(value), hit };
}

/** The largest difference between a reconstruction and the reference, over the images that the reference ran. */
export function largestDifference(got: Float32Array, want: Float32Array): number {
  let most = 0;
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= most)) most = d;
  }
  return most;
}

/** Uniform numbers in [0, 1) from a seed (mulberry32): which patches stay is the same at every run. */
export function seededNoise(n: number, seed: number): Float32Array {
  let s = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  });
}
