// The masked autoencoder (He et al. 2021, "Masked Autoencoders Are Scalable Vision Learners"; facebookresearch/mae, models_mae.py),
// forward pass, written once over symbols: B images, C channels, G×W patches of P×P pixels, V of them visible; encoder with H heads
// of K, decoder with J heads of Q, hidden layers L times as wide. Parameter names and layouts are the official checkpoints'.
import {
  add,
  broadcastTo,
  concat,
  config,
  count,
  type DimArg,
  div,
  f32,
  flag,
  fn,
  keepCount,
  layers,
  mean,
  model,
  mul,
  number,
  optional,
  param,
  plus,
  ratio,
  size,
  slice,
  split,
  sqrt,
  sub,
  sum,
  times,
  variance,
} from 'heddle';
import { Block, dense, encoder, Linear, Norm, norm } from './layers.ts';
import { randomMask, unshuffle } from './masking.ts';
import { PatchEmbed, patchEmbed, patchify } from './patch.ts';
import { fixedPositions } from './positions.ts';

/**
 * Sizes of a masked autoencoder. `imageWidth` is `imageSize` (the height) when left out; `maskRatio` is the share of patches removed,
 * of which trunc(G·W·(1 − maskRatio)) stay; `normPixLoss` takes each patch's pixels normalised as the target.
 */
export const maeConfig = config(
  {
    imageSize: size('G*P'),
    imageWidth: optional(size('W*P'), 'imageSize'),
    patchSize: size('P'),
    channels: size('C'),
    width: size('H*K'),
    depth: count(),
    heads: size('H'),
    decoderWidth: size('J*Q'),
    decoderDepth: count(),
    decoderHeads: size('J'),
    mlpRatio: size('L'),
    maskRatio: ratio('R'),
    normPixLoss: flag(),
    layerNormEps: optional(number(), 1e-6),
  },
  { gridHeight: size('G'), gridWidth: size('W'), keep: keepCount('V', 'G*W', 'R') },
);

/** All parameters of a masked autoencoder. Positions are tables, loaded and saved but not trained (paper, appendix A.1). */
export class Mae<G extends DimArg, W extends DimArg, P extends DimArg, C extends DimArg, D extends DimArg, E extends DimArg, L extends DimArg> {
  cls_token;
  pos_embed;
  patch_embed;
  blocks;
  norm;
  mask_token;
  decoder_pos_embed;
  decoder_embed;
  decoder_blocks;
  decoder_norm;
  decoder_pred;
  constructor(c: {
    gridHeight: G;
    gridWidth: W;
    patchSize: P;
    channels: C;
    width: D;
    depth: number;
    decoderWidth: E;
    decoderDepth: number;
    mlpRatio: L;
  }) {
    const tokens = plus(times(c.gridHeight, c.gridWidth), 1);
    const pixels = times(times(c.patchSize, c.patchSize), c.channels);
    this.cls_token = param([1, 1, c.width], { normal: 0.02 });
    this.pos_embed = fixedPositions(tokens, c.width, c.gridHeight, c.gridWidth);
    this.patch_embed = new PatchEmbed(c.width, c.channels, c.patchSize);
    this.blocks = layers(c.depth, () => new Block(c.width, times(c.mlpRatio, c.width)));
    this.norm = new Norm(c.width);
    this.mask_token = param([1, 1, c.decoderWidth], { normal: 0.02 });
    this.decoder_pos_embed = fixedPositions(tokens, c.decoderWidth, c.gridHeight, c.gridWidth, 'decoderWidth');
    this.decoder_embed = new Linear(c.decoderWidth, c.width);
    this.decoder_blocks = layers(c.decoderDepth, () => new Block(c.decoderWidth, times(c.mlpRatio, c.decoderWidth)));
    this.decoder_norm = new Norm(c.decoderWidth);
    this.decoder_pred = new Linear(pixels, c.decoderWidth);
  }
}

/**
 * Pixels with the mean 0 and variance 1 of their patch, the target under normPixLoss (paper §3, "Reconstruction target"; the variance
 * is unbiased, + 1e-6). A patch of one colour has the target 0. target [B,N,F] → [B,N,F].
 */
export const normalisePatches = fn('normalisePatches', f32('B', 'N', 'F'), target =>
  div(sub(target, mean(target, -1, { keepDims: true })), sqrt(add(variance(target, -1, { keepDims: true }), 1e-6))),
);

/** Mean squared error a patch, averaged over the removed ones (models_mae.py, forward_loss). pred, target [B,N,F], mask [B,N] → []. */
export const reconstructionLoss = fn('reconstructionLoss', f32('B', 'N', 'F'), f32('B', 'N', 'F'), f32('B', 'N'), (pred, target, mask) => {
  const error = sub(pred, target);
  return div(sum(mul(mean(mul(error, error), -1), mask), [0, 1]), sum(mask, [0, 1]));
});

/** The paper's models (§4 and table 1: a decoder of 8 blocks of width 512; models_mae.py) and a tiny one for tests. */
const paper = {
  imageSize: 224,
  channels: 3,
  decoderWidth: 512,
  decoderDepth: 8,
  decoderHeads: 16,
  mlpRatio: 4,
  maskRatio: 0.75,
  normPixLoss: true,
} as const;
const presets = {
  base: { ...paper, patchSize: 16, width: 768, depth: 12, heads: 12 },
  large: { ...paper, patchSize: 16, width: 1024, depth: 24, heads: 16 },
  huge: { ...paper, patchSize: 14, width: 1280, depth: 32, heads: 16 },
  tiny: {
    ...paper,
    imageSize: 16,
    patchSize: 4,
    width: 32,
    depth: 2,
    heads: 4,
    decoderWidth: 24,
    decoderDepth: 1,
    decoderHeads: 3,
  },
} as const;

/** imgs [B,C,G*P,W*P], noise [B,G*W] → loss [], pred [B,G*W,P*P*C], mask [B,G*W], ids_restore [B,G*W], latent [B,V+1,D]. */
export default model({
  name: 'mae',
  config: maeConfig,
  presets,
  params: c => new Mae(c),
  inputs: c => ({ imgs: f32('B', c.channels, c.imageSize, c.imageWidth), noise: f32('B', times(c.gridHeight, c.gridWidth)) }),
  forward: (c, p, { imgs, noise }) => {
    // Encoder: patches with their positions, a quarter of them, the class token in front (paper §3, "MAE encoder").
    const patches = add(patchEmbed(c, p.patch_embed, imgs), slice(p.pos_embed, 1, 1));
    const { visible, mask, restore } = randomMask(c, patches, noise);
    const cls = add(p.cls_token, slice(p.pos_embed, 1, 0, 1));
    const latent = norm(c, p.norm, encoder(c, p.blocks, concat([broadcastTo(cls, ['B', 1, 'H*K']), visible], 1)));

    // Decoder: every token back at its place, mask tokens elsewhere, positions added to all ("MAE decoder").
    const [first, rest] = split(dense(p.decoder_embed, latent), 1, [1, c.keep]);
    const tokens = concat([first, unshuffle(rest, p.mask_token, restore)], 1);
    const decoded = encoder({ heads: c.decoderHeads, layerNormEps: c.layerNormEps }, p.decoder_blocks, add(tokens, p.decoder_pos_embed));
    const pred = slice(dense(p.decoder_pred, norm(c, p.decoder_norm, decoded)), 1, 1);

    const pixels = patchify(c, imgs);
    const loss = reconstructionLoss(pred, c.normPixLoss ? normalisePatches(pixels) : pixels, mask);
    return { loss, pred, mask, ids_restore: restore, latent };
  },
});
