// Types that must come out: results of layers, configs, models and kernels, exactly. A wrong one is an error of both compilers.
import {
  add,
  type Bool,
  choice,
  config,
  count,
  exp,
  f32,
  flag,
  fn,
  type Index,
  i32,
  index,
  keepCount,
  kernel,
  layers,
  type Model,
  type ModelConfig,
  type ModelOutputs,
  model,
  number,
  optional,
  param,
  plus,
  ratio,
  type Size,
  size,
  type Tensor,
  times,
} from 'heddle';
import { Block, block, dense, forward, Linear, Vit, vitConfig } from '../fixtures/layers.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** is<Expected>(value, true): the value's type is exactly Expected */
const is =
  <Expected>() =>
  <T>(_value: T, _same: Same<T, Expected>): void => {};

// ---------------------------------------------------------------- placeholders and sizes
is<Tensor<['B', 3, 'H*K'], 'f32'>>()(f32('B', 3, 'K*H'), true);
is<Tensor<[], 'i32'>>()(i32(), true);
is<Tensor<['B', 'V'], Index<'N+1'>>>()(index('1+N')('B', 'V'), true);
is<readonly [Size<'B'>, 7]>()(f32('B', 7).shape, true);
is<'G*G+1'>()(plus(times('G', 'G'), 1), true);
is<197>()(plus(times(14, 14), 1), true);
is<Tensor<['B', 'N'], 'bool'>>()({} as Bool<'B N'>, true);

// ---------------------------------------------------------------- layers: numbers, symbols, both
const x = f32('B', 196, 768);
is<Tensor<['B', 196, 768], 'f32'>>()(block({ heads: 12 }, new Block(768), x), true);
is<Tensor<['B', 196, 512], 'f32'>>()(dense(new Linear(512, 768), x), true);
is<Tensor<['B', 'N', 'H*K'], 'f32'>>()(block({ heads: size('H') }, new Block('H*K'), f32('B', 'N', 'H*K')), true);
const pair = fn('pair', { n: size('N') }, index('N')('B'), f32('N'), f32(1), f32('N', 'N'), (c, i, t, one, m) => ({
  i,
  list: [t, add(t, one)] as const,
  n: c.n,
  m,
}));
const paired = pair({ n: 9 }, index(9)(2), f32(9), f32(1), f32(9, 9));
is<Tensor<[2], Index<9>>>()(paired.i, true);
is<Tensor<[9], 'f32'>>()(paired.list[1], true);
is<9>()(paired.n, true);
is<Tensor<[9, 9], 'f32'>>()(paired.m, true);
const six = fn('six', { a: size('A') }, param(['A'], 'zeros'), f32('A'), f32('B'), f32('C'), f32('D'), (_s, _p, _a, _b, _c, d) => d);
is<Tensor<[4], 'f32'>>()(six({ a: 1 }, param([1], 'zeros'), f32(1), f32(2), f32(3), f32(4)), true);

// ---------------------------------------------------------------- configs
const base = vitConfig({ imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 });
is<14>()(base.grid, true);
is<14>()(base.gridWidth, true);
is<49>()(base.keep, true);
is<224>()(base.imageWidth, true);
is<true>()(base.classToken, true);
const wide = vitConfig({ imageSize: 224, imageWidth: 320, patchSize: 16, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 });
is<20>()(wide.gridWidth, true);
is<70>()(wide.keep, true);
const loaded: { imageSize: number; patchSize: number; channels: number; width: number; heads: number; depth: number; maskRatio: number } =
  JSON.parse('{}');
is<number>()(vitConfig(loaded).keep, true);
is<{ features: Tensor<[8, 196, 768], 'f32'> }>()(forward(base, new Vit(base), { imgs: f32(8, 3, 224, 224), noise: f32(8, 196) }), true);
is<Tensor<[1, 197, 768], 'f32'>>()(add(new Vit(base).positions, 0), true);
is<Size<'V'>>()(vitConfig.sizes.keep, true);
is<Size<'P*W'>>()(vitConfig.sizes.imageWidth, true);

// ---------------------------------------------------------------- models
const small = config(
  { width: size('D'), depth: count(), pool: choice('cls', 'mean'), scale: optional(number(), 1), mask: optional(flag(), false), share: ratio('R') },
  { keep: keepCount('V', 'D', 'R') },
);
const declared = model({
  config: small,
  presets: { base: { width: 8, depth: 2, pool: 'cls', share: 0.5 } },
  params: c => ({ blocks: layers(c.depth, () => new Linear(c.width, c.width)) }),
  inputs: c => ({ x: f32('B', c.keep, c.width) }),
  forward: (c, p, { x }) => {
    let y = x;
    for (const b of p.blocks) y = dense(b, y);
    return { y: c.pool === 'cls' ? y : exp(y) };
  },
});
export const asModel: Model = declared;
is<{ y: Tensor<['B', 'V', 'D'], 'f32'> }>()({} as ModelOutputs<typeof declared>, true);
export const values: ModelConfig<typeof declared> = { width: 8, depth: 2, pool: 'mean', scale: 2, share: 0.5 };
// The values of a file: what may be left out falls back, here to the other field or to its own value.
export const fromFile = (json: ModelConfig<typeof declared>): void => {
  is<number>()(small(json).width, true);
  is<number>()(small(json).scale, true);
  is<boolean>()(small(json).mask, true);
  is<number>()(small(json).keep, true);
};
// A config written in place types its model as one in a constant does.
const inPlace = model({
  config: config({ width: size('D'), heads: size('H'), scale: optional(number(), 1) }),
  params: c => ({ w: param([c.width], 'ones') }),
  inputs: c => ({ x: f32('B', c.width) }),
  forward: (_, p, { x }) => ({ y: add(x, p.w) }),
});
is<{ y: Tensor<['B', 'D'], 'f32'> }>()({} as ModelOutputs<typeof inPlace>, true);
export const written: ModelConfig<typeof inPlace> = { width: 8, heads: 2 };

// ---------------------------------------------------------------- kernels
const softplus = kernel((a: number) => Math.log(1 + Math.exp(a)));
is<Tensor<['B', 4], 'f32'>>()(softplus(f32('B', 4)), true);
const above = kernel((a: number, b: number) => a > b);
is<Tensor<['B', 4], 'bool'>>()(above(f32('B', 4), 0.5), true);
const pick = kernel((c: boolean, a: number, b: number) => (c ? a : b));
is<Tensor<[3], 'i32'>>()(pick({} as Bool<'3'>, i32(3), 7), true);
