// What a training step promises beside its numbers: state by name and bit for bit, accumulation equal to the large batch, old values for
// outputs, few kernels whatever the number of parameters, flats cut at borders, and mistakes in words.
import {
  adamw,
  config,
  count,
  f32,
  layers,
  linear,
  mean,
  model,
  mul,
  noDecayOnVectors,
  type Optimiser,
  param,
  size,
  sub,
  sum,
  tanh,
  trace,
  trainStep,
} from 'heddle';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Program } from '../../common/program.ts';
import { capabilities, compile, runReferenceStep } from '../../compiler/index.ts';
import { runReference } from '../../compiler/reference.ts';
import { layOut } from '../../compiler/step/layout.ts';
import { Linear } from '../../models/layers.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { StateError } from '../../runtime/errors.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open, type Session } from '../../runtime/session.ts';
import type { Tensor, Weights } from '../../runtime/tensor.ts';
import { validateProgram } from '../../runtime/validate.ts';
import { tensorFrom } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';

const mlpConfig = config({ width: size('D'), depth: count() });
/** `depth` layers and a head; `idle` and `spare` are trained but reach no loss, `table` is not trained. */
const mlp = model({
  name: 'mlp',
  config: mlpConfig,
  params: c => ({
    layers: layers(c.depth, () => new Linear(c.width, c.width)),
    head: new Linear(1, c.width),
    idle: param([5], 'ones'),
    spare: param([5], 'ones'),
    table: param([c.width], 'ones', { trainable: false }),
  }),
  inputs: c => ({ x: f32('B', c.width), y: f32('B', 1) }),
  forward: (_, p, { x, y }) => {
    let h = mul(x, p.table);
    for (const layer of p.layers) h = tanh(linear(h, layer.weight, layer.bias));
    const pred = linear(h, p.head.weight, p.head.bias);
    const error = sub(pred, y);
    return { loss: mean(mul(error, error), [0, 1]), pred, idle: p.idle, size: sum(mul(p.head.weight, p.head.weight), [0, 1]) };
  },
});
const sizes = { width: 8, depth: 2 };
const plain = { loss: 'loss', optimiser: adamw({ weightDecay: 0.1 }) } as const;
const at = (step: number, more: Readonly<Record<string, number>> = {}) => ({ scalars: { lr: 0.01, decay: 1, step, ...more } });
const batch = (seed: number, n: number) => ({ x: tensorFrom(seed, [n, 8]), y: tensorFrom(seed + 1, [n, 1]) });
const rows = (t: { data: ArrayLike<number>; shape: readonly number[] }, from: number, to: number): Tensor => {
  const per = t.shape[1]!;
  return { data: Float32Array.from(t.data).slice(from * per, to * per), shape: [to - from, per] };
};
const weightsOf = (state: Readonly<Record<string, Tensor>>): Weights =>
  new Map(Object.entries(state).map(([name, t]) => [name, { dtype: 'f32', shape: t.shape, data: t.data as Float32Array }]));
const table: readonly [string, { dtype: string; shape: number[]; data: Float32Array }] = [
  'table',
  { dtype: 'f32', shape: [8], data: new Float32Array(8).fill(1) },
];
const bits = (t: Tensor): readonly number[] => [...new Uint32Array(Float32Array.from(t.data).buffer)];

let webgpu: Device;
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
  return () => webgpu.dispose();
});
const ways = [
  ['js', 'none'],
  ['js', 'all'],
  ['webgpu-software', 'none'],
  ['webgpu-software', 'all'],
] as const;
const deviceOf = (target: (typeof ways)[number][0]): Device => (target === 'js' ? openJs() : webgpu);

describe.each(ways)('on %s, fuse %s', (target, fuse) => {
  const openStep = (program: Program, weights?: Weights): Promise<Session> => open(program, { device: deviceOf(target), weights });

  test('a step is the reference’s, also for parameters that reach no loss', async () => {
    const training = trainStep(mlp, { ...plain, groups: name => ({ lrScale: name === 'head.weight' ? 0.5 : 1, decay: name !== 'idle' }) });
    const session = disposed(await openStep(compile(training, sizes, { target, fuse })));
    let want: Record<string, ArrayLike<number>> = Object.fromEntries(Object.entries(await session.readState()).map(([n, t]) => [n, t.data]));
    const doubles = (x: Readonly<Record<string, ArrayLike<number>>>) =>
      Object.fromEntries(Object.entries(x).map(([n, v]) => [n, Float64Array.from(v)]));
    for (let step = 1; step <= 3; step++) {
      const { x, y } = batch(step, 3);
      const feeds = doubles({ table: table[1].data, x: x.data, y: y.data, lr: [0.01], decay: [1], step: [step] });
      const reference = runReferenceStep(trace(training, sizes), doubles(want), feeds, { batch: 3 });
      const got = await session.run({ x, y }, at(step));
      want = reference.state;
      for (const name of ['loss', 'grad_norm']) expect(got[name]!.data[0]! / reference.outputs[name]!.data[0]! - 1).toBeCloseTo(0, 5);
    }
    const state = await session.readState();
    expect(Object.keys(state).sort()).toEqual(Object.keys(want).sort());
    for (const [name, t] of Object.entries(state))
      for (let i = 0; i < t.data.length; i++) expect(t.data[i], `${name}[${i}]`).toBeCloseTo(want[name]![i]!, 5);
    expect(state.idle!.data[0]).toBe(1); // neither gradient nor decay
    expect(state.spare!.data[0]).toBeCloseTo((1 - 0.01 * 0.1) ** 3, 6);
  });

  test('state goes out and in bit for bit: a run can be continued elsewhere', async () => {
    const program = compile(trainStep(mlp, plain), sizes, { target, fuse });
    const first = disposed(await openStep(program));
    for (const step of [1, 2]) await first.run(batch(step, 3), at(step));
    const saved = await first.readState();
    expect(Object.keys(saved)).toContain('adamw.m.layers.0.weight');
    const second = disposed(await openStep(program, new Map([...weightsOf(saved), table])));
    const loaded = await second.readState();
    for (const [name, t] of Object.entries(saved)) expect(bits(loaded[name]!), name).toEqual(bits(t));
    await first.run(batch(3, 3), at(3));
    await second.run(batch(3, 3), at(3));
    const [a, b] = [await first.readState(), await second.readState()];
    for (const [name, t] of Object.entries(a)) expect(bits(b[name]!), name).toEqual(bits(t));
    expect(bits(a['head.weight']!)).not.toEqual(bits(saved['head.weight']!));
  });

  test('outputs are of before the update, even those that are state; every run updates, whatever it is asked for', async () => {
    const training = trainStep(mlp, { ...plain, outputs: ['idle', 'size', 'pred'] });
    const session = disposed(await openStep(compile(training, sizes, { target, fuse })));
    const before = await session.readState();
    const { idle, size: norm } = await session.run(batch(1, 3), { ...at(1), outputs: ['idle', 'size'] });
    expect(bits(idle!)).toEqual(bits(before.idle!));
    expect(norm!.data[0]).toBeCloseTo(
      [...before['head.weight']!.data].reduce((n, w) => n + w * w, 0),
      5,
    );
    const after = await session.readState();
    expect(bits(after.idle!)).not.toEqual(bits(before.idle!));
    expect(bits(after['head.weight']!)).not.toEqual(bits(before['head.weight']!));
  });

  test('small batches that are accumulated are the large batch', async () => {
    const start = await (async () => {
      const session = disposed(await openStep(compile(trainStep(mlp, plain), sizes, { target, fuse })));
      return session.readState();
    })();
    const weights = new Map([...weightsOf(start), table]);
    const large = await openStep(compile(trainStep(mlp, { ...plain, clip: 0.5 }), sizes, { target, fuse }), weights);
    const small = await openStep(compile(trainStep(mlp, { ...plain, clip: 0.5, accumulate: 3 }), sizes, { target, fuse }), weights);
    for (const step of [1, 2]) {
      const { x, y } = batch(10 * step, 6);
      const { grad_norm } = await large.run({ x, y }, at(step));
      for (let micro = 0; micro < 3; micro++) {
        const before = await small.readState(['head.weight']);
        const part = await small.run({ x: rows(x, 2 * micro, 2 * micro + 2), y: rows(y, 2 * micro, 2 * micro + 2) }, at(step, { micro }));
        const after = await small.readState(['head.weight']);
        if (micro < 2) expect(bits(after['head.weight']!)).toEqual(bits(before['head.weight']!));
        else expect(Math.abs(part.grad_norm!.data[0]! / grad_norm!.data[0]! - 1)).toBeLessThan(1e-6);
      }
      const [a, b] = [await large.readState(), await small.readState()];
      for (const [name, t] of Object.entries(a)) {
        const scale = Math.max(...[...t.data].map(Math.abs));
        for (let i = 0; i < t.data.length; i++) expect(Math.abs(t.data[i]! - b[name]!.data[i]!), `${name}[${i}]`).toBeLessThanOrEqual(1e-6 * scale);
      }
    }
    large.dispose();
    small.dispose();
  });

  test('flats that are cut at parameter borders train alike', async () => {
    const wide = { width: 40, depth: 4 };
    const whole = compile(trainStep(mlp, plain), wide, { target, fuse });
    const cut = compile(trainStep(mlp, plain), wide, { target: { ...capabilities[target], bindingBytes: 16384 }, fuse });
    const stateSlots = (p: Program): number => p.slots.filter(s => s.kind === 'state').length;
    expect([stateSlots(whole), stateSlots(cut)]).toEqual([3, 6]);
    expect(Math.max(...cut.slots.map(s => (s.kind === 'state' ? (s.bytes as number) : 0)))).toBeLessThanOrEqual(16384);
    const a = disposed(await openStep(cut));
    const b = disposed(await openStep(whole));
    const inputs = { x: tensorFrom(3, [2, 40]), y: tensorFrom(4, [2, 1]) };
    for (const session of [a, b]) for (const step of [1, 2]) await session.run(inputs, at(step));
    const [one, two] = [await a.readState(), await b.readState()];
    for (const [name, t] of Object.entries(one)) for (let i = 0; i < t.data.length; i++) expect(t.data[i], name).toBeCloseTo(two[name]!.data[i]!, 6);
  });
});

describe('plans', () => {
  const optimiserSteps = (p: Program): number => {
    const state = new Set(p.slots.flatMap((s, i) => (s.kind === 'state' ? [i] : [])));
    const flat = (i: number): boolean => p.steps[i]!.bindings.some(b => state.has(b.slot) && b.bytes === p.slots[b.slot]!.bytes);
    return [...p.steps.keys()].filter(flat).length;
  };
  test.each(ways)('on %s, fuse %s the optimiser costs as many kernels for many parameters as for few', (target, fuse) => {
    const [few, many] = [2, 4].map(depth => compile(trainStep(mlp, plain), { width: 8, depth }, { target, fuse })) as [Program, Program];
    expect(optimiserSteps(many)).toBe(optimiserSteps(few));
    expect(optimiserSteps(few)).toBe(fuse === 'all' ? 1 : 3);
    expect(validateProgram(JSON.parse(JSON.stringify(many)))).toBeDefined();
  });
  test('equal layers share their kernels: a parameter is bound by itself', () => {
    const [few, many] = [8, 16].map(depth => compile(trainStep(mlp, plain), { width: 64, depth }, { target: 'webgpu', fuse: 'all' })) as [
      Program,
      Program,
    ];
    expect(many.kernels.length).toBe(few.kernels.length);
    expect(many.steps.length).toBeGreaterThan(few.steps.length);
  });
  test('nothing is recompiled from step to step: lr, decay and step are scalars', () => {
    expect(compile(trainStep(mlp, plain), sizes, { target: 'js' }).scalars.map(s => [s.name, s.dtype])).toEqual([
      ['lr', 'f32'],
      ['decay', 'f32'],
      ['step', 'i32'],
    ]);
  });
  test('layouts: rows of 64, whole blocks, cut at borders', () => {
    expect(layOut([1, 64, 65, 200], 1e9)).toEqual([{ members: [0, 1, 2, 3], starts: [0, 1, 2, 4], rows: 64 }]);
    expect(layOut([64 * 60, 64 * 5, 64 * 64, 64 * 100, 1], 64 * 256)).toEqual([
      { members: [0], starts: [0], rows: 64 },
      { members: [1], starts: [0], rows: 64 },
      { members: [2], starts: [0], rows: 64 },
      { members: [3], starts: [0], rows: 128 },
      { members: [4], starts: [0], rows: 64 },
    ]);
  });
});

test('an optimiser of one’s own: plain gradient descent without state', async () => {
  const sgd: Optimiser = { name: 'sgd', moments: [], update: ({ param: w, gradient, lr }) => [sub(w, mul(lr, gradient))] };
  const inputs = batch(1, 3);
  const weights = async (program: Program) => open(program, { device: openJs() });
  const gradients = disposed(await weights(compile(mlp, sizes, { target: 'js', grad: 'loss' })));
  const session = disposed(await weights(compile(trainStep(mlp, { loss: 'loss', optimiser: sgd }), sizes, { target: 'js' })));
  const before = await session.readState();
  expect(Object.keys(before)).toContain('layers.1.bias');
  expect(Object.keys(before).some(n => n.startsWith('sgd'))).toBe(false);
  const pure = await gradients.run(inputs);
  await session.run(inputs, at(1));
  for (const [name, t] of Object.entries(await session.readState()))
    for (let i = 0; i < t.data.length; i++) expect(t.data[i]).toBeCloseTo(before[name]!.data[i]! - 0.01 * pure[`grad.${name}`]!.data[i]!, 6);
});

test('after a failed run the state is invalid and says so, until it is reset', async () => {
  const device = openJs();
  const session = disposed(await open(compile(trainStep(mlp, plain), sizes, { target: 'js' }), { device }));
  await session.run(batch(1, 3), at(1));
  const run = device.run.bind(device);
  device.run = () => Promise.reject(new Error('the device broke off'));
  await expect(session.run(batch(2, 3), at(2))).rejects.toThrow('the device broke off');
  device.run = run;
  await expect(session.run(batch(2, 3), at(2))).rejects.toThrow(StateError);
  await expect(session.readState()).rejects.toThrow("state of 'mlp step' is invalid: a run failed halfway");
  await session.resetState();
  await session.run(batch(2, 3), at(1));
});

test('weights that lack a trained parameter are refused; moments may be missing', async () => {
  const program = compile(trainStep(mlp, plain), sizes, { target: 'js' });
  const session = disposed(await open(program, { device: openJs() }));
  const state = await session.readState();
  const some = (keep: (name: string) => boolean): Weights =>
    new Map([...weightsOf(Object.fromEntries(Object.entries(state).filter(([n]) => keep(n)))), table]);
  await expect(open(program, { device: openJs(), weights: some(n => n !== 'head.bias') })).rejects.toThrow('missing head.bias');
  const parametersOnly = disposed(await open(program, { device: openJs(), weights: some(n => !n.startsWith('adamw.')) }));
  expect((await parametersOnly.readState(['adamw.v.head.bias']))['adamw.v.head.bias']!.data[0]).toBe(0);
});

describe('mistakes', () => {
  const bad = (options: object, words: string) =>
    expect(() => compile(trainStep(mlp, { ...plain, ...options } as typeof plain), sizes, { target: 'js' })).toThrow(words);
  test('are said in words', () => {
    bad({ clip: 0 }, '✗ trainStep: clip is 0: the largest norm of the gradients is a positive number');
    bad({ accumulate: 1.5 }, '✗ trainStep: accumulate is 1.5');
    bad({ groups: () => ({ lrScale: Number.NaN }) }, '✗ trainStep: parameter layers.0.weight has the lrScale NaN');
    bad({ loss: 'nothing' }, "no output 'nothing': the model's outputs are loss, pred, idle, size");
    bad({ loss: 'pred' }, "training step: the loss 'pred' is f32 of rank 2, not an f32 of shape []");
    bad(
      { optimiser: { name: 'half', moments: ['m'], update: ({ param: w }: { param: unknown }) => [w] } },
      'half: update must give the parameter and its 1 moments',
    );
    expect(() => trainStep(trainStep(mlp, plain), plain)).toThrow('✗ trainStep: mlp step is a training step already');
    expect(() => adamw({ betas: [1, 0.9] })).toThrow('✗ adamw: betas are in 0 ≤ β < 1, got 1');
    expect(() => adamw({ eps: -1 })).toThrow('✗ adamw: eps is -1');
    expect(() => compile(trainStep(mlp, plain), sizes, { target: 'js', grad: 'loss' })).toThrow("grad 'loss' of a training step");
    expect(() => runReferenceStep(trace(mlp, sizes), {}, {})).toThrow('is no training step');
    expect(() => runReference(trace(trainStep(mlp, plain), sizes), {})).toThrow('on the reference runReferenceStep runs it');
  });
  test('a loss that is no scalar is a type error', () => {
    // @ts-expect-error pred is [B, 1]
    expect(() => trainStep(mlp, { ...plain, loss: 'pred' })).not.toThrow();
    expect(noDecayOnVectors('head.bias', { shape: [8] })).toEqual({ decay: false });
  });
});
