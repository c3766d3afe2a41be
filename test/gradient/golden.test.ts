// Gradients against PyTorch's: of each op, of both masked autoencoders of the official code, and of the classifier's loss in every
// parameter; on the reference and on every device, within the tolerances that the golden files state.
import { config, crossEntropy, f32, grad, index, model, mul, sum, type Tensor } from 'heddle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mae, vit } from '../../models/index.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { assertAllClose, type DeviceName, deviceNames, type HostTensors, openOn, type Running } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { golden, type OfficialConfig, ours } from '../models/files.ts';
import { evaluate, language } from '../ops/evaluate.ts';
import { cases } from '../ops/golden-cases.ts';

let webgpu: Device;
const errors: string[] = [];
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => {
  webgpu?.dispose();
  console.log(`largest errors of gradients (webgpu: ${webgpu?.name})\n${errors.join('\n')}`);
});

type Tensors = Readonly<Record<string, Tensor>>;
/** The classifier under its fine-tuning loss: label smoothing 0.1 (MAE paper, table 9). Composed by its run-time values. */
const tuned = model({
  name: 'tuned',
  config: vit.config,
  params: (c): object => vit.params(c as never),
  inputs: c => ({ ...(vit.inputs(c as never) as { readonly imgs: Tensor }), labels: index(c.classes)('B') }),
  forward: (c, p, { imgs, labels }): Tensors => {
    const { logits } = vit.forward(c as never, p as never, { imgs } as never);
    return { loss: crossEntropy(logits as Tensor<['B', 'O'], 'f32'>, labels, { smoothing: 0.1 }) };
  },
});

const ops = await golden('ops');
const withGradient = Object.keys(cases).filter(name => ops.tensors.has(`${name}.cot`));

/** The gradients of Σ out·cot in every float input of a case, as a model. */
function gradientModel(name: string) {
  const { call, over = 0 } = cases[name]!;
  const given = Object.fromEntries(
    [0, 1, 2, 3].flatMap(i => {
      const x = ops.tensors.get(`${name}.in${i}`);
      return x ? [[`in${i}`, x] as const] : [];
    }),
  );
  const cotangent = ops.tensors.get(`${name}.cot`)!;
  const placeholder = (x: { readonly data: unknown; readonly shape: readonly number[] }): Tensor =>
    x.data instanceof Int32Array ? index(over)(...x.shape) : f32(...x.shape);
  const made = model({
    name,
    config: config({}),
    params: () => ({}),
    inputs: () => Object.fromEntries([...Object.entries(given), ['cot', cotangent] as const].map(([key, x]) => [key, placeholder(x)])),
    forward: (_c, _p, { cot, ...inputs }: Record<string, Tensor>) => {
      const loss = (xs: Record<string, Tensor>): Tensor<[], 'f32'> => {
        const out = evaluate(call, { ...language, ...xs }) as Tensor<[4], 'f32'>; // whatever shape the call gives
        return sum(mul(out, cot as Tensor<[4], 'f32'>));
      };
      const gradients = Object.entries(grad(loss)(inputs)).filter(([, x]) => x.node.dtype === 'f32');
      return Object.fromEntries(gradients.map(([key, x]) => [key.replace('in', 'grad'), x]));
    },
  });
  return { made, inputs: { ...given, cot: cotangent } };
}

/** Runs a model with its gradients and holds each that the file has against it. */
async function checkParameters(
  device: DeviceName,
  name: string,
  on: Running,
  inputs: HostTensors,
  tolerance: { atol: number; rtol: number },
): Promise<void> {
  const file = await golden(name);
  const wanted = [...file.tensors].filter(([key]) => key.startsWith('grad.'));
  const results = await on.run(inputs);
  expect(
    Object.keys(results)
      .filter(key => key.startsWith('grad.'))
      .sort(),
  ).toEqual(wanted.map(([key]) => key).sort());
  const worst = wanted.map(([key, want]) => assertAllClose(results[key]!, want, { name: key, ...tolerance }));
  errors.push(`${name} on ${device}: ${Math.max(...worst).toExponential(1)} over ${worst.length} parameters`);
}

describe.each(deviceNames)('on %s', device => {
  test.each(['mae-tiny', 'mae-rawpix'])("%s: the loss's gradients in all parameters", async name => {
    const file = await golden<OfficialConfig>(name);
    const on = disposed(await openOn(device, mae, ours(file.config), { weights: file.part('w'), webgpu, grad: 'loss' }));
    await checkParameters(device, name, on, Object.fromEntries(file.part('in')), file.tolerance);
  });

  test.each([
    ['vit-cls-token', 'cls'],
    ['vit-global-pool', 'mean'],
  ] as const)("%s: the smoothed loss's gradients in all parameters", async (name, pool) => {
    const file = await golden(name);
    const sizes = { imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool };
    const on = disposed(await openOn(device, tuned, sizes, { weights: file.part('w'), webgpu, grad: 'loss' }));
    await checkParameters(device, name, on, Object.fromEntries(file.part('in')), file.tolerance);
  });

  test('every op', async () => {
    const worst: { readonly of: string; readonly error: number }[] = [];
    for (const name of withGradient) {
      const { made, inputs } = gradientModel(name);
      const on = disposed(await openOn(device, made, {}, { webgpu }));
      const results = await on.run(inputs);
      // the file's note: these two are judged with atol 1e-3
      const atol = name === 'softmax_big' || name === 'layer_norm_large_mean' ? 1e-3 : ops.tolerance.atol;
      for (const [key, { data }] of Object.entries(results)) {
        const want = ops.tensors.get(`${name}.${key}`);
        if (want)
          worst.push({ of: name, error: assertAllClose({ data, shape: want.shape }, want, { name: `${name}.${key}`, ...ops.tolerance, atol }) });
        else
          expect(
            data.every(x => x === 0),
            `${name}.${key} flows nowhere`,
          ).toBe(true);
      }
    }
    expect(worst.length).toBe([...ops.tensors.keys()].filter(key => key.includes('.grad')).length);
    const three = worst.sort((a, b) => b.error - a.error).slice(0, 3);
    errors.push(
      `${worst.length} gradients of ${withGradient.length} ops on ${device}: ${three.map(w => `${w.of} ${w.error.toExponential(1)}`).join(', ')}`,
    );
  });
});
