// What is measured and pinned: the masked autoencoder in three sizes and stacks of ViT blocks in two, forward, with gradients and as a
// step of training. One list for plans (scripts/pins.ts), times (bench/run.ts) and peers (bench/peer.ts).
import { readFileSync } from 'node:fs';
import type { Program } from '../common/program.ts';
import { type CompileOptions, compileTraced } from '../compiler/compile.ts';
import { type Model, trace } from '../dsl/model.ts';
import { adamw, noDecayOnVectors, trainStep } from '../dsl/step.ts';
import { mae, vit } from '../models/index.ts';

export type Pass = 'forward' | 'gradients' | 'step';
export interface Case {
  readonly model: Model;
  /** The same model as a step of AdamW. */
  readonly training?: Model;
  readonly config: unknown;
  /** The output that is differentiated. */
  readonly grad: string;
  /** Plans are counted at this batch. */
  readonly batch: number;
}

const training = trainStep(mae, { loss: 'loss', optimiser: adamw({ betas: [0.9, 0.95], weightDecay: 0.05 }), groups: noDecayOnVectors });
const digits = (JSON.parse(readFileSync(new URL('../models/weights/mae-mnist.json', import.meta.url), 'utf8')) as { readonly config: unknown })
  .config;
const masked = (config: unknown, batch: number): Case => ({ model: mae, training, config, grad: 'loss', batch });

/** A classifier's stack of blocks: [batch, tokens, width]. What one block costs is half of the difference between depth 4 and depth 2. */
const small = { imageSize: 28, patchSize: 4, channels: 3, width: 192, heads: 3, mlpRatio: 4, classes: 10, pool: 'mean' } as const;
const large = { imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12, mlpRatio: 4, classes: 10, pool: 'mean' } as const;
const stack = (config: object, depth: number, batch: number): Case => ({ model: vit, config: { ...config, depth }, grad: 'logits', batch });
export const blocks = {
  'blocks (1,50,192)': { batch: 1, at: (depth: number): Case => stack(small, depth, 1) },
  'blocks (8,197,768)': { batch: 8, at: (depth: number): Case => stack(large, depth, 8) },
} as const;

export const cases = {
  'mae base': masked('base', 8),
  'mae digits': masked(digits, 64),
  'mae tiny': masked('tiny', 8),
} as const satisfies Record<string, Case>;

/** The program of a case. */
export const compileCase = (c: Case, pass: Pass, options: CompileOptions): Program =>
  compileTraced(trace(modelOf(c, pass), c.config), { ...options, ...(pass === 'gradients' ? { grad: c.grad } : {}) });
export function modelOf(c: Case, pass: Pass): Model {
  if (pass !== 'step') return c.model;
  if (!c.training) throw new Error(`${c.model.name} has no step of training here`);
  return c.training;
}
