// Five steps of AdamW on the tiny MAE against the official code and torch.optim.AdamW (test/data/golden/mae-tiny.json, "train"), on the
// reference and on every device, plain and with the gradients' norm clipped.
import { adamw, noDecayOnVectors, trace, trainStep } from 'heddle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, runReferenceStep } from '../../compiler/index.ts';
import { layerDecay, mae } from '../../models/index.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { assertAllClose, type HostTensor } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { golden, json, type OfficialConfig, ours } from '../models/files.ts';

const variants = { plain: undefined, clip: 0.05 } as const;
type Variant = keyof typeof variants;
const lr = 1e-3;
const steps = [1, 2, 3, 4, 5];
const training = (variant: Variant) =>
  trainStep(mae, {
    loss: 'loss',
    optimiser: adamw({ betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.05 }),
    groups: noDecayOnVectors,
    clip: variants[variant],
  });

interface Result {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: Readonly<Record<string, ArrayLike<number>>>;
}
let webgpu: Device;
const worst: string[] = [];
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => {
  webgpu?.dispose();
  console.log(`largest errors after five steps of AdamW (webgpu: ${webgpu?.name})\n${worst.join('\n')}`);
});

async function onDevice(device: Device, fuse: 'none' | 'all', variant: Variant): Promise<Result> {
  const file = await golden<OfficialConfig>('mae-tiny');
  const target = device.language === 'js' ? 'js' : device.software ? 'webgpu-software' : 'webgpu';
  const session = disposed(await open(compile(training(variant), ours(file.config), { target, fuse }), { device, weights: file.part('w') }));
  const inputs = Object.fromEntries(file.part('in'));
  const losses: number[] = [];
  const norms: number[] = [];
  for (const step of steps) {
    const { loss, grad_norm } = await session.run(inputs, { scalars: { lr, decay: 1, step } });
    losses.push(loss.data[0]!);
    norms.push(grad_norm.data[0]!);
  }
  const state = await session.readState();
  return { losses, norms, weights: Object.fromEntries(Object.entries(state).map(([name, t]) => [name, t.data])) };
}
async function onReference(variant: Variant): Promise<Result> {
  const file = await golden<OfficialConfig>('mae-tiny');
  const traced = trace(training(variant), ours(file.config));
  const data = (part: 'w' | 'in') => Object.fromEntries([...file.part(part)].map(([name, t]) => [name, t.data]));
  let state: ReturnType<typeof runReferenceStep>['state'] = data('w');
  const losses: number[] = [];
  const norms: number[] = [];
  for (const step of steps) {
    const feeds = { ...data('w'), ...data('in'), lr: [lr], decay: [1], step: [step] };
    const result = runReferenceStep(traced, state, Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, Float64Array.from(x)])), {
      batch: 4,
    });
    ({ state } = result);
    losses.push(result.outputs.loss!.data[0]!);
    norms.push(result.outputs.grad_norm!.data[0]!);
  }
  return { losses, norms, weights: state };
}

/** Softmax does not see what is added to all scores of a query, so the keys' bias has the gradient zero: what Adam makes of the rounding
 *  errors there is nobody's right answer, and is only held to the largest step that Adam takes. */
const isKeyBias = (name: string, i: number, n: number): boolean => name.endsWith('attn.qkv.bias') && Math.floor((3 * i) / n) === 1;

async function check(where: string, variant: Variant, got: Result): Promise<void> {
  const { tensors, tolerance } = await golden<OfficialConfig>('mae-tiny');
  const want = (name: string): HostTensor => tensors.get(`train.${variant}.${name}`)!;
  const vector = (values: readonly number[]): HostTensor => ({ data: Float32Array.from(values), shape: [values.length] });
  const errors = [
    assertAllClose(vector(got.losses), want('losses'), { name: 'losses', ...tolerance }),
    assertAllClose(vector(got.norms), want('grad_norms'), { name: 'norms', ...tolerance }),
  ];
  let compared = 0;
  let largest = 0;
  for (const [key, t] of tensors) {
    if (!key.startsWith(`train.${variant}.w.`)) continue;
    const name = key.slice(`train.${variant}.w.`.length);
    const start = tensors.get(`w.${name}`)!.data;
    const data = Float32Array.from(got.weights[name]!, (x, i) => (isKeyBias(name, i, t.data.length) ? t.data[i]! : x));
    largest = Math.max(largest, assertAllClose({ data, shape: t.shape }, t, { name, ...tolerance }));
    for (let i = 0; i < data.length; i++)
      if (isKeyBias(name, i, data.length)) expect(Math.abs(got.weights[name]![i]! - start[i]!)).toBeLessThan(steps.length * lr * 1.5);
    compared++;
  }
  expect(compared).toBe(48);
  worst.push(`${where} ${variant}: loss ${errors[0]!.toExponential(1)}, norm ${errors[1]!.toExponential(1)}, parameters ${largest.toExponential(1)}`);
}

describe.each(Object.keys(variants) as Variant[])('%s', variant => {
  test('the reference', async () => check('reference', variant, await onReference(variant)));
  test.each(['none', 'all'] as const)('js, fuse %s', async fuse => check(`js, fuse ${fuse}`, variant, await onDevice(openJs(), fuse, variant)));
  // a software adapter compiles a hundred kernels here
  test.each(['none', 'all'] as const)('webgpu, fuse %s', { timeout: 400_000 }, async fuse =>
    check(`webgpu, fuse ${fuse}`, variant, await onDevice(webgpu, fuse, variant)),
  );
});

test('layer-wise decay: factors are those of the official fine-tuning code', async () => {
  const file = await json<{ layer_decay: number; depth: number; parameters: Record<string, { lr_scale: number; weight_decay: number }> }>(
    'test/data/golden/layer-decay.json',
  );
  const groups = layerDecay(file.layer_decay, file.depth);
  for (const [name, want] of Object.entries(file.parameters)) {
    const axes = /bias$|norm/.test(name) ? 1 : 3;
    const { lrScale, decay } = groups(name, { shape: Array.from({ length: axes }, () => 2) });
    expect([name, lrScale, decay ? 0.05 : 0]).toEqual([name, want.lr_scale, want.weight_decay]);
  }
  expect(Object.keys(file.parameters).length).toBeGreaterThan(50);
});
