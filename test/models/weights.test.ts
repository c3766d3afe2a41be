// The two pre-trained models that the project carries, against what the official code computes with the same weights: on the
// reference and on every device. The digits are the first 64 of MNIST's test set, the photographs 16 tiles that were never trained on.
import type { ModelConfig } from 'heddle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDigits } from '../../examples/mae/data.ts';
import { mae } from '../../models/index.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { assertAllClose, deviceNames, type HostTensor, openOn, type Running } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { json, type Tensors, tensorsOf } from './files.ts';

interface Card {
  readonly config: ModelConfig<typeof mae>;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
let webgpu: Device;
const errors: string[] = [];
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => {
  webgpu?.dispose();
  console.log(`largest errors against the weights' checks (webgpu: ${webgpu?.name})\n${errors.join('\n')}`);
});

/** `size` images at a time, to bound what one run holds; the outputs one after the other. */
async function inBatches(
  on: Running,
  inputs: Readonly<Record<string, HostTensor>>,
  size: number,
  outputs: readonly string[],
): Promise<Record<string, HostTensor>> {
  const count = inputs.imgs!.shape[0]!;
  const parts: Record<string, Float32Array[]> = {};
  const shapes: Record<string, readonly number[]> = {};
  for (let from = 0; from < count; from += size) {
    const part = Object.fromEntries(
      Object.entries(inputs).map(([name, t]) => {
        const per = t.data.length / count;
        return [name, { data: t.data.slice(from * per, (from + size) * per), shape: [size, ...t.shape.slice(1)] }];
      }),
    );
    for (const [name, t] of Object.entries(await on.run(part, outputs))) {
      (parts[name] ??= []).push(Float32Array.from(t.data));
      shapes[name] = t.shape.length === 0 ? [count / size] : [count, ...t.shape.slice(1)];
    }
  }
  return Object.fromEntries(
    Object.entries(parts).map(([name, p]) => [name, { data: Float32Array.from(p.flatMap(x => [...x])), shape: shapes[name]! }]),
  );
}
const average = (t: HostTensor): HostTensor => ({ data: Float32Array.of([...t.data].reduce((a, b) => a + b, 0) / t.data.length), shape: [1] });
const axes = ['image', 'patch', 'pixel'];

async function check(
  device: Running['device'],
  name: 'mae-mnist' | 'mae-photos',
  imgs: (card: Card, check: Tensors) => Promise<HostTensor>,
  tolerance: { atol: number; rtol: number },
  loss: string,
  size: number,
): Promise<void> {
  const card = await json<Card>(`models/weights/${name}.json`);
  const expected = await tensorsOf(`models/weights/${name}.check.safetensors`);
  const on = disposed(await openOn(device, mae, card.config, { weights: await tensorsOf(`models/weights/${name}.safetensors`), webgpu }));
  const inputs = { imgs: await imgs(card, expected), noise: expected.get('noise')! };
  const results = await inBatches(on, inputs, size, ['pred', 'mask', 'loss']);
  const pred = assertAllClose(results.pred!, expected.get('pred')!, { name: 'pred', axes, ...tolerance });
  const off = assertAllClose(average(results.loss!), expected.get(loss)!, { name: 'loss', ...tolerance });
  if (expected.has('mask')) assertAllClose(results.mask!, expected.get('mask')!, { name: 'mask', axes, atol: 0, rtol: 0 });
  errors.push(`${name} on ${device}: pred ${pred.toExponential(1)}, loss ${off.toExponential(1)}`);
}

describe.each(deviceNames)('on %s', device => {
  test('64 digits', async () => {
    const digits = async ({ mean, std }: Card): Promise<HostTensor> => {
      const { images } = await readDigits(64);
      return { data: Float32Array.from(images.flatMap(i => [...i.data].map(v => (v / 255 - mean[0]!) / std[0]!))), shape: [64, 1, 28, 28] };
    };
    await check(device, 'mae-mnist', digits, { atol: 1e-4, rtol: 1e-3 }, 'loss_first_64', 16);
  });
  test('16 tiles of a photograph', async () => {
    await check(device, 'mae-photos', async (_, expected) => expected.get('imgs')!, { atol: 1e-3, rtol: 1e-3 }, 'loss', 4);
  });
});

test("the weights' cards carry what their images are normalised by, one number a channel", async () => {
  for (const name of ['mae-mnist', 'mae-photos']) {
    const { config, mean, std } = await json<Card>(`models/weights/${name}.json`);
    expect([mean.length, std.length]).toEqual([config.channels, config.channels]);
  }
});
