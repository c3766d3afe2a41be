// The models against outputs of the official code (facebookresearch/mae, transformers), on the reference and on every device, within
// the tolerances that the golden files state. Where the values were computed in double precision, the reference is nearer still.
import { crossEntropy, f32, fn, index } from 'heddle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HuggingFaceConfig, huggingFaceConfig, mae, patchify, renamed, sinCosTable, unpatchify, vit } from '../../models/index.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { assertAllClose, assertSameBits, type DeviceName, deviceNames, type HostTensors, openOn } from '../../testing/index.ts';
import { asModel } from '../../testing/layer.ts';
import { disposed } from '../disposed.ts';
import { type Golden, golden, type OfficialConfig, ours, type Tensors } from './files.ts';

let webgpu: Device;
const errors: string[] = [];
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => {
  webgpu?.dispose();
  console.log(`largest errors against golden files (webgpu: ${webgpu?.name})\n${errors.join('\n')}`);
});

const inputs = (file: { readonly part: (p: 'in') => Tensors }): HostTensors => Object.fromEntries(file.part('in'));
/** Checks outputs, exact where the tolerance is 0, and notes the largest error of each. */
function check(device: DeviceName, file: Golden<unknown>, results: HostTensors, outputs: Readonly<Record<string, readonly string[]>>): void {
  const noted = Object.entries(outputs).map(([name, axes]) => {
    const actual = results[name]!;
    const exact = actual.data instanceof Int32Array || name === 'mask';
    const worst = assertAllClose(actual, file.out(name, actual.shape), { name, axes, ...(exact ? { atol: 0, rtol: 0 } : file.tolerance) });
    expect(actual.data.length).toBe(file.out(name).data.length);
    return `${name} ${worst.toExponential(1)}`;
  });
  errors.push(`${file.name} on ${device}: ${noted.join(', ')}`);
}
/** The fine-tuning loss: label smoothing 0.1 (MAE paper, table 9). */
const smoothedLoss = fn('smoothedLoss', f32('B', 'C'), index('C')('B'), (logits, labels) => crossEntropy(logits, labels, { smoothing: 0.1 }));
const maeOutputs = {
  loss: [],
  pred: ['image', 'patch', 'pixel'],
  mask: ['image', 'patch'],
  ids_restore: ['image', 'patch'],
  latent: ['image', 'token', 'channel'],
} as const;

describe.each(deviceNames)('on %s', device => {
  describe.each(['mae-tiny', 'mae-rawpix'])('%s', name => {
    test("loss, prediction, mask, restore and latent are the official code's", async () => {
      const file = await golden<OfficialConfig>(name);
      const on = disposed(await openOn(device, mae, ours(file.config), { weights: file.part('w'), webgpu }));
      check(device, file, await on.run(inputs(file)), maeOutputs);
    });
    test("patches and images made of predictions are the official code's, bit for bit", async () => {
      const file = await golden<OfficialConfig>(name);
      const { img_size, patch_size: P, in_chans: C } = file.config;
      const G = img_size / P;
      const patches = disposed(await openOn(device, asModel(patchify, ['c', 'imgs'], { C, P, G, W: G }), {}, { webgpu }));
      assertSameBits((await patches.run({ imgs: file.part('in').get('imgs')! })).out!, file.out('patches'));
      const images = disposed(await openOn(device, asModel(unpatchify, ['c', 'patches'], { C, P, G, W: G }), {}, { webgpu }));
      assertSameBits((await images.run({ patches: file.out('pred') })).out!, file.out('unpatchified_pred'));
    });
  });

  test("hf-vitmae: Hugging Face's checkpoint loads through the map of names", async () => {
    const file = await golden<HuggingFaceConfig>('hf-vitmae');
    const on = disposed(await openOn(device, mae, huggingFaceConfig(file.config), { weights: renamed(file.part('w')), webgpu }));
    const { loss, pred, mask } = maeOutputs;
    check(device, file, await on.run(inputs(file), ['loss', 'pred', 'mask']), { loss, pred, mask });
  });

  test.each([
    ['vit-cls-token', 'cls'],
    ['vit-global-pool', 'mean'],
  ] as const)("%s: features and logits are the official classifier's", async (name, pool) => {
    const file = await golden(name);
    const config = { imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool };
    const on = disposed(await openOn(device, vit, config, { weights: file.part('w'), webgpu }));
    const imgs = file.part('in').get('imgs')!;
    const results = await on.run({ imgs });
    check(device, file, results, { features: ['image', 'channel'], logits: ['image', 'class'] });
    const loss = disposed(await openOn(device, asModel(smoothedLoss, ['logits', 'labels'], { C: 10 }), {}, { webgpu }));
    const { out } = await loss.run({ logits: results.logits!, labels: file.part('in').get('labels')! });
    assertAllClose(out!, file.out('loss', []), { name: 'loss', ...file.tolerance });
  });
});

test.each([
  ['mae-tiny', 'pos_embed', 32],
  ['mae-tiny', 'decoder_pos_embed', 24],
  ['mae-rawpix', 'pos_embed', 48],
  ['mae-rawpix', 'decoder_pos_embed', 32],
] as const)('sine-cosine table of %s %s is the official one, bit for bit', async (name, table, width) => {
  const file = await golden<OfficialConfig>(name);
  const grid = file.config.img_size / file.config.patch_size;
  assertSameBits({ data: sinCosTable(width, grid), shape: [1, grid * grid + 1, width] }, file.part('w').get(table)!, { name: table });
});
