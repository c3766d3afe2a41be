// The models' trees, configurations and messages: what needs no device to be checked, and images that are not square.
import fc from 'fast-check';
import { named, trace } from 'heddle';
import { describe, expect, test } from 'vitest';
import { compile } from '../../compiler/index.ts';
import {
  huggingFaceConfig,
  huggingFaceNames,
  Mae,
  mae,
  maeConfig,
  type NamedTensor,
  patchify,
  randomMaskOfKey,
  renamed,
  sinCosTable,
  vit,
} from '../../models/index.ts';
import { asModel, assertSameBits, at, build, openOn, tensorFrom } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { golden, type OfficialConfig, ours } from './files.ts';

const parametersOf = (model: Parameters<typeof trace>[0], config: unknown) =>
  trace(model, config).params.map(([name, node]) => ({ name, shape: node.shape.map(Number), node }));
const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const tiny = mae.presets.tiny!;

describe('parameters', () => {
  test.each(['mae-tiny', 'mae-rawpix'])('names and shapes are those of the official checkpoint %s', async name => {
    const file = await golden<OfficialConfig>(name);
    const official = [...file.part('w')].map(([n, t]) => `${n} ${t.shape}`).sort();
    expect(
      parametersOf(mae, ours(file.config))
        .map(p => `${p.name} ${p.shape}`)
        .sort(),
    ).toEqual(official);
  });
  test.each([
    ['vit-cls-token', 'cls'],
    ['vit-global-pool', 'mean'],
  ] as const)('names and shapes are those of the official checkpoint %s', async (name, pool) => {
    const official = [...(await golden(name)).part('w')].map(([n, t]) => `${n} ${t.shape}`).sort();
    const config = { imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool };
    expect(
      parametersOf(vit, config)
        .map(p => `${p.name} ${p.shape}`)
        .sort(),
    ).toEqual(official);
  });
  // What `sum(p.numel() for p in model.parameters())` gives for mae_vit_*_patch* and for timm's vit_*_patch*_224.
  test.each([
    ['mae', mae, { base: 111_907_840, large: 329_541_888, huge: 657_074_508 }],
    ['vit', vit, { base: 86_567_656, large: 304_326_632, huge: 632_045_800 }],
  ] as const)('%s has as many as the official models', (_, model, counts) => {
    for (const [preset, count] of Object.entries(counts)) expect(parametersOf(model, preset).reduce((n, p) => n + countOf(p.shape), 0)).toBe(count);
  });
  test('position tables are not trained in MAE, and are in the classifier', () => {
    const fixed = (model: Parameters<typeof trace>[0], config: unknown): string[] =>
      parametersOf(model, config).flatMap(p => (p.node.op === 'input' && p.node.role === 'parameter' && !p.node.trainable ? [p.name] : []));
    expect(fixed(mae, 'tiny')).toEqual(['pos_embed', 'decoder_pos_embed']);
    expect(fixed(vit, 'base')).toEqual([]);
  });
  test('initial values are of the official kinds', () => {
    const inits = new Map(
      parametersOf(mae, 'tiny').map(p => [p.name, p.node.op === 'input' && p.node.role === 'parameter' ? p.node.init : undefined]),
    );
    expect(inits.get('cls_token')).toEqual({ kind: 'normal', std: 0.02 });
    expect(inits.get('mask_token')).toEqual({ kind: 'normal', std: 0.02 });
    expect(inits.get('patch_embed.proj.weight')).toEqual({ kind: 'xavier-uniform' });
    expect(inits.get('blocks.0.attn.qkv.weight')).toEqual({ kind: 'xavier-uniform' });
    expect(inits.get('blocks.0.attn.qkv.bias')).toEqual({ kind: 'constant', value: 0 });
    expect(inits.get('blocks.0.norm1.weight')).toEqual({ kind: 'constant', value: 1 });
    const table = inits.get('pos_embed');
    expect(table?.kind === 'lazy' && table.values()).toEqual(sinCosTable(32, 4, 4));
  });
  test('the classifier begins as timm does, its head as main_finetune.py does', () => {
    const config = { ...vit.presets.base!, depth: 1 };
    const inits = new Map(
      parametersOf(vit, config).map(p => [p.name, p.node.op === 'input' && p.node.role === 'parameter' ? p.node.init : undefined]),
    );
    for (const name of ['pos_embed', 'cls_token', 'blocks.0.mlp.fc2.weight']) expect(inits.get(name)).toEqual({ kind: 'normal', std: 0.02 });
    expect(inits.get('head.weight')).toEqual({ kind: 'normal', std: 2e-5 });
  });
  test('the class tells names and shapes of symbols too', () => {
    expect(named(new Mae(maeConfig.sizes)).map(([name, p]) => `${name} [${p.node.shape}]`)).toContain('pos_embed [1,G*W+1,H*K]');
  });
});

describe('configurations', () => {
  test.each([
    [{ width: 30, heads: 2 }, /positions: width 30 is not divisible by 4/],
    [{ decoderWidth: 42 }, /positions: decoderWidth 42 is not divisible by 4/],
    [{ heads: 5 }, /width 32 is not divisible by heads 5/],
    [{ imageSize: 18 }, /imageSize 18 is not divisible by patchSize 4/],
    [{ imageWidth: 18 }, /imageWidth 18 is not divisible by patchSize 4/],
    [{ maskRatio: 0 }, /maskRatio must be above 0 and below 1, got 0/],
    [{ maskRatio: 0.99 }, /maskRatio 0.99 keeps none of 16/],
    [{ pool: 'cls' }, /no field "pool"/],
    [{ normPixLoss: 1 }, /normPixLoss/],
  ])('%j is refused in words', (change, words) => {
    expect(() => trace(mae, { ...tiny, ...change })).toThrow(words);
  });
  test('the width of an image is its height when left out, and the epsilon 1e-6', () => {
    expect(maeConfig.read(tiny).values).toMatchObject({ imageSize: 16, imageWidth: 16, gridHeight: 4, gridWidth: 4, keep: 4, layerNormEps: 1e-6 });
  });
});

describe('images that are not square, of five channels', () => {
  const image = { imageSize: 8, imageWidth: 24, channels: 5 } as const;
  const imgs = tensorFrom(1, [2, 5, 8, 24]);
  test('MAE reconstructs them, alike on reference and js', async () => {
    const noise = tensorFrom(2, [2, 12], 'uniform');
    const config = { ...tiny, ...image };
    const reference = disposed(await openOn('reference', mae, config));
    const js = disposed(await openOn('js', mae, config));
    const [a, b] = [await reference.run({ imgs, noise }), await js.run({ imgs, noise })];
    expect(a.pred!.shape).toEqual([2, 12, 4 * 4 * 5]);
    assertSameBits(b.ids_restore!, a.ids_restore!);
    for (let i = 0; i < a.pred!.data.length; i++) expect(Math.abs(a.pred!.data[i]! - b.pred!.data[i]!)).toBeLessThan(1e-5);
  });
  test('the classifier takes them', async () => {
    const js = disposed(await openOn('js', vit, { ...image, patchSize: 8, width: 16, depth: 1, heads: 2, mlpRatio: 2, classes: 7, pool: 'mean' }));
    const { features, logits } = await js.run({ imgs });
    expect([features!.shape, logits!.shape]).toEqual([
      [2, 16],
      [2, 7],
    ]);
  });
  test('positions: the first half of the channels is the column, the second the row, the class token has none', () => {
    const table = { data: sinCosTable(8, 2, 3), shape: [7, 8] };
    for (let d = 0; d < 8; d++) expect(at(table, 0, d)).toBe(0);
    for (let row = 0; row < 2; row++)
      for (let column = 0; column < 3; column++) {
        const half = (x: number): number[] => [Math.sin(x), Math.sin(x / 100), Math.cos(x), Math.cos(x / 100)];
        const expected = Float32Array.from([...half(column), ...half(row)]);
        expect(table.data.slice(8 * (1 + 3 * row + column)).slice(0, 8)).toEqual(expected);
      }
  });
});

test('a key draws the same mask on every device', async () => {
  const one = asModel(randomMaskOfKey, ['c', 'x', 'key'], { N: 9, D: 2, V: 3 });
  const inputs = { x: tensorFrom(0, [4, 9, 2]), key: { data: Uint32Array.of(7, 11), shape: [2] } };
  const reference = disposed(await openOn('reference', one, {}));
  const expected = await reference.run(inputs);
  const sums = build([4], b => Array.from({ length: 9 }, (_, n) => at(expected.mask!, b, n)).reduce((a, v) => a + v, 0));
  expect([...sums.data]).toEqual([6, 6, 6, 6]);
  expect(new Set([0, 1, 2, 3].map(b => expected.restore!.data.slice(9 * b, 9 * b + 9).join())).size).toBe(4);
  for (const device of ['js', 'webgpu'] as const) {
    const on = disposed(await openOn(device, one, {}));
    const out = await on.run(inputs);
    for (const name of ['mask', 'restore', 'visible']) assertSameBits(out[name]!, expected[name]!, { name });
  }
});

describe("Hugging Face's names", () => {
  const tensor = (value: number, rows = 1): NamedTensor => ({ dtype: 'F32', shape: [rows, 1], data: new Float32Array(rows).fill(value) });
  test.each([
    ['vit.layers.3.attention', ['q_proj', 'k_proj', 'v_proj']],
    ['vit.encoder.layer.3.attention.attention', ['query', 'key', 'value']],
  ])('q, k and v of %s become one matrix in that order', (prefix, parts) => {
    const found = renamed(new Map([2, 0, 1].map(i => [`${prefix}.${parts[i]}.weight`, tensor(i, i + 1)])));
    expect([...found.keys()]).toEqual(['blocks.3.attn.qkv.weight']);
    const { shape, data } = found.get('blocks.3.attn.qkv.weight')!;
    expect([shape, [...data]]).toEqual([
      [6, 1],
      [0, 1, 1, 2, 2, 2],
    ]);
  });
  test('the published spelling names every parameter of the model once', () => {
    const spell = (patterns: readonly string[]): string[] => patterns.map(p => p.replace('*', '0').replace('?', 'weight'));
    const old = huggingFaceNames.flatMap(([, ...theirs]) => spell(theirs.at(-1)!));
    expect(new Set(old).size).toBe(old.length);
    const single = { ...tiny, depth: 1 };
    const weights = parametersOf(mae, single).flatMap(p => (p.name.endsWith('.bias') ? [] : [p.name]));
    expect([...renamed(new Map(old.map(n => [n, tensor(0)]))).keys()].sort()).toEqual(weights.sort());
  });
  test('a tensor that the map does not know keeps its name; a part that is missing leaves its whole out', () => {
    const found = renamed(
      new Map([
        ['vit.pooler.weight', tensor(1)],
        ['vit.layers.0.attention.q_proj.bias', tensor(1)],
      ]),
    );
    expect([...found.keys()]).toEqual(['vit.pooler.weight']);
  });
  test('16-bit words are joined as words', () => {
    const half = { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) };
    const found = renamed(new Map(['q', 'k', 'v'].map(p => [`vit.layers.0.attention.${p}_proj.bias`, half])));
    expect(found.get('blocks.0.attn.qkv.bias')).toEqual({ dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0x3c00, 0x3c00) });
  });
  test('two ratios of hidden layers are refused', async () => {
    const { config } = await golden<Parameters<typeof huggingFaceConfig>[0]>('hf-vitmae');
    expect(() => huggingFaceConfig({ ...config, decoder_intermediate_size: 48 })).toThrow(/mlpRatio is one number, but .* is 4 and .* is 2/);
  });
});

test('one program serves every batch, and equal blocks share their kernels', () => {
  const shallow = compile(mae, tiny, { target: 'js' });
  const deep = compile(mae, { ...tiny, depth: 6 }, { target: 'js' });
  expect(shallow.batch).toBe('B');
  expect(deep.kernels.length).toBe(shallow.kernels.length);
  expect(deep.steps.length).toBeGreaterThan(shallow.steps.length);
});

test('patchify is index arithmetic: one kernel, a copy, for any sizes', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (G, W, P) => {
      expect(compile(asModel(patchify, ['c', 'imgs'], { C: 3, G, W, P }), {}, { target: 'js' }).steps.length).toBe(1);
    }),
    { numRuns: 20 },
  ));
