// Configs as they are read, and the trace of a model: what the compiler gets, and each way in which a model can be wrong.
import fc from 'fast-check';
import {
  broadcastTo,
  choice,
  config,
  count,
  exp,
  f32,
  flag,
  index,
  keepCount,
  kernel,
  layers,
  model,
  mul,
  number,
  optional,
  param,
  ratio,
  ShapeError,
  size,
  sum,
  trace,
  traced,
} from 'heddle';
import { describe, expect, it } from 'vitest';
import { readKernelsWith } from '../../dsl/kernel.ts';
import { scalar } from '../../dsl/scalar.ts';
import { dense, Linear, Vit, vitConfig } from './fixtures/layers.ts';

const base = { imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 };

describe('a config', () => {
  it('works out what follows from its fields', () => {
    expect(vitConfig(base)).toEqual({ ...base, imageWidth: 224, classToken: true, grid: 14, gridWidth: 14, keep: 49 });
    expect(vitConfig({ ...base, imageWidth: 320, classToken: false })).toMatchObject({ imageWidth: 320, gridWidth: 20, keep: 70, classToken: false });
  });
  it('keeps as many as the official code does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 99 }), (grid, percent) => {
        const r = percent / 100;
        const kept = Math.trunc(grid * grid * (1 - r));
        const read = () => vitConfig.read({ ...base, imageSize: 16 * grid, maskRatio: r }).values;
        if (kept === 0) expect(read).toThrow(`✗ config: maskRatio ${r} keeps none of ${grid * grid}`);
        else expect(read()).toMatchObject({ keep: kept, grid });
      }),
    );
  });
  it('gives plain, frozen values and no prototype to reach', () => {
    const read = vitConfig.read(JSON.parse(JSON.stringify(base)));
    expect(Object.isFrozen(read.values)).toBe(true);
    expect(read.env.get('P')).toBe(16);
    expect(read.env.get('V')).toBe(49);
    class Holder {
      imageSize = 224;
    }
    expect(() => vitConfig.read(Object.assign(Object.create({ heads: 12 }), { ...base, heads: undefined }))).toThrow(
      'heads must be a number, got undefined',
    );
    expect(() => vitConfig.read(new Holder())).toThrow('"patchSize" is missing');
  });
  it('has its sizes as symbols', () => {
    const { sizes } = vitConfig;
    expect(f32(sizes.imageSize, sizes.imageWidth, sizes.keep).node.shape).toEqual(['G*P', 'P*W', 'V']);
    expect(() => sizes.depth > 3).toThrow('✗ size: a count field is a placeholder, not a value');
    expect(new Vit(sizes).blocks).toHaveLength(1);
  });
});

const tiny = config(
  { width: size('D'), depth: count(), pool: choice('cls', 'mean'), scale: optional(number(), 1), flat: optional(flag(), false), share: ratio('R') },
  { keep: keepCount('V', 'D', 'R') },
);
const values = { width: 8, depth: 2, pool: 'cls', share: 0.5 } as const;
const good = model({
  name: 'stack',
  config: tiny,
  presets: { base: values, wide: { ...values, width: 16, pool: 'mean' } },
  params: c => ({ blocks: layers(c.depth, () => new Linear(c.width, c.width)), unused: param([c.keep], 'ones') }),
  inputs: c => ({ x: f32('B', c.keep, c.width), i: index(c.width)('B', 1) }),
  forward: (c, p, { x }) => {
    let y = x;
    for (const b of p.blocks) y = dense(b, y);
    return { y: mul(y, c.scale), ones: broadcastTo(param([], 'zeros', { trainable: false }), ['B', 'V', 'D']), total: sum(y, [0, 1, 2]) };
  },
});
const traceable = { ...good, forward: good.forward };
const plain = model({
  name: 'plain',
  config: tiny,
  presets: { base: values },
  params: c => ({ fc: new Linear(c.width, c.width), unused: param([c.keep], 'ones') }),
  inputs: c => ({ x: f32('B', c.keep, c.width), i: index(c.width)('B', 1) }),
  forward: (c, p, { x }) => ({ y: mul(dense(p.fc, x), c.scale), wide: broadcastTo(sum(x, [0, 1, 2]), ['B', 'V', 'D']) }),
});

describe('a trace', () => {
  it('has inputs, parameters and outputs by name, in the order of their declaration', () => {
    const t = trace(plain, values);
    expect(t.name).toBe('plain');
    expect(t.config).toMatchObject({ width: 8, keep: 4, scale: 1 });
    expect(t.inputs.map(([name, n]) => [name, n.shape, n.dtype, n.over])).toEqual([
      ['x', ['B', 4, 8], 'f32', undefined],
      ['i', ['B', 1], 'i32', 8],
    ]);
    expect(t.params.map(([name, n]) => [name, n.shape])).toEqual([
      ['fc.weight', [8, 8]],
      ['fc.bias', [8]],
      ['unused', [4]],
    ]);
    expect(t.outputs.map(([name, n]) => [name, n.shape])).toEqual([
      ['y', ['B', 4, 8]],
      ['wide', ['B', 4, 8]],
    ]);
    expect(t.names.get(t.params[0]![1])).toBe('fc.weight');
    expect(t.batch).toBe('B');
    expect(t.outputs[0]![1].origin.trail[0]).toBe('plain');
  });
  it('takes a preset by its name, and a batch as a number', () => {
    const t = trace(plain, 'base', { batch: 3 });
    expect(t.batch).toBeNull();
    expect(t.outputs.map(([, n]) => n.shape)).toEqual([
      [3, 4, 8],
      [3, 4, 8],
    ]);
    expect(() => trace(plain, 'huge')).toThrow('✗ plain: there is no preset "huge" (presets: base)');
    expect(() => trace(plain, { ...values, width: '8' })).toThrow('✗ config: width must be a number, got "8"');
  });
  it('is the same each time', () => {
    const shapes = () => JSON.stringify(trace(plain, values).outputs.map(([k, n]) => [k, n.shape, n.dtype, n.op]));
    expect(shapes()).toBe(shapes());
  });
  it('of plain code has its tensors by name', () => {
    const t = traced({ x: f32('B', 3) }, ({ x }) => exp(x));
    expect(t.outputs.map(([k, n]) => [k, n.shape])).toEqual([['out', ['B', 3]]]);
    expect(t.batch).toBe('B');
    expect(traced({ x: f32(2) }, ({ x }) => ({ a: x, b: x })).batch).toBeNull();
  });
});

describe('a model that cannot be', () => {
  const broken = (parts: Partial<Record<'params' | 'inputs' | 'forward', (...args: never[]) => unknown>>) =>
    trace({ ...plain, ...(parts as object) }, values);
  const x = f32(2);
  const shared = param([2], 'zeros');
  it.each<[string, Partial<Record<'params' | 'inputs' | 'forward', (...args: never[]) => unknown>>]>([
    ['plain: the body returned a Promise: a layer records its operations at once, so it must not be async', { forward: async () => ({}) }],
    ['plain: forward must return a record of tensors, got a tensor', { forward: () => x }],
    ['plain: forward must return a record of tensors, got a list', { forward: () => [x] }],
    ['plain: forward must return a record of tensors, got undefined', { forward: () => undefined }],
    ['plain: forward must return a record of tensors, got an empty one', { forward: () => ({}) }],
    ['plain: output y is no tensor, but 3', { forward: () => ({ y: 3 }) }],
    ['plain: output y is no tensor, but a record', { forward: () => ({ y: { x } }) }],
    [
      'plain: this parameter is not in the tree that params() returns, so no checkpoint can name it',
      { forward: () => ({ y: exp(param([2], 'zeros')) }) },
    ],
    ['plain: this placeholder is not among the inputs of the model', { forward: () => ({ y: exp(f32(2)) }) }],
    ['plain: parameter b is also a: a parameter has one place in the tree', { params: () => ({ a: shared, b: shared }) }],
    ['plain: w is no parameter: make the leaves of the tree with param()', { params: () => ({ w: x }) }],
    [
      'plain: parameter w has the shape [D], but sizes of parameters are numbers: take them from the config',
      { params: () => ({ w: param(['D'], 'zeros') }) },
    ],
    [
      'plain: parameter "a.b": names are joined by dots, so a key must not hold one',
      { params: () => ({ 'a.b': param([1], 'zeros'), a: { b: param([1], 'zeros') } }) },
    ],
    ['plain: input x is no placeholder: make it with f32, i32, index, …', { inputs: () => ({ x: exp(x) }) }],
  ])('%s', (message, parts) => {
    const run = () => broken(parts);
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(`✗ ${message}`);
  });
  it('places a stray parameter where it was made', () => {
    try {
      trace(traceable, values);
      expect.unreachable();
    } catch (e) {
      expect((e as ShapeError).message).toMatch(/^✗ stack: this parameter is not in the tree/);
      expect((e as ShapeError).place?.file).toBe(import.meta.filename);
    }
  });
  it('must not call another size B', () => {
    const clash = config({ boxes: size('B') });
    const m = model({ config: clash, params: () => ({}), inputs: () => ({ x: f32('B') }), forward: (_c, _p, { x }) => ({ x }) });
    expect(() => trace(m, { boxes: 3 })).toThrow('✗ model: "B" stands for the batch: give the symbol of boxes another name');
  });
});

describe('a kernel', () => {
  const softplus = kernel((x: number, scale: number) => scale * Math.log(1 + Math.exp(x)));
  it('is read at its first call, by the registered reader', () => {
    expect(() => softplus(f32(2), 3)).toThrow('is read by the compiler');
    const texts: string[] = [];
    readKernelsWith(source => {
      texts.push(`${source.text} ${source.place?.file === import.meta.filename}`);
      return scalar('softplus', ['f32', 'f32'], (b, x, s) => b.op('mul', s, b.op('log', b.op('add', b.constant(1), b.op('exp', x)))));
    });
    expect(softplus(f32('B', 2), 3).node).toMatchObject({ shape: ['B', 2], dtype: 'f32', op: 'map' });
    expect(softplus(f32(2), f32()).node.origin.trail).toEqual(['softplus']);
    expect(texts).toEqual([expect.stringMatching(/^\(x.*, scale.*\) => scale \* Math\.log\(1 \+ Math\.exp\(x\)\) true$/)]);
    expect(() => softplus(f32(2), f32(3) as never)).toThrow('✗ kernel: an operand has the shape of the first, [2], or is a number, got [3]');
    expect(() => softplus(f32(2) as never, undefined as never)).toThrow('✗ kernel: parameter 2 of softplus is f32, got undefined');
  });
});
