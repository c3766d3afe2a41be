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
    const pixels = times(times(c.patchSize, c.patchSize), c.channels);
    this.cls_token = param([1, 1, c.width], { normal: 0.02 });
    this.pos_embed = fixedPositions(c.width, c.gridHeight, c.gridWidth);
    this.patch_embed = new PatchEmbed(c.width, c.channels, c.patchSize);
    this.blocks = layers(c.depth, () => new Block(c.width, times(c.mlpRatio, c.width)));
    this.norm = new Norm(c.width);
    this.mask_token = param([1, 1, c.decoderWidth], { normal: 0.02 });
    this.decoder_pos_embed = fixedPositions(c.decoderWidth, c.gridHeight, c.gridWidth, 'decoderWidth');
    this.decoder_embed = new Linear(c.decoderWidth, c.width);
    this.decoder_blocks = layers(c.decoderDepth, () => new Block(c.decoderWidth, times(c.mlpRatio, c.decoderWidth)));
    this.decoder_norm = new Norm(c.decoderWidth);
    this.decoder_pred = new Linear(pixels, c.decoderWidth);
  }
}
export {};
