// The vision transformer classifier that a masked autoencoder is fine-tuned as (Dosovitskiy et al. 2020; MAE paper §4 and appendix
// A.2; facebookresearch/mae, models_vit.py over timm). Parameter names and layouts are its checkpoints'. Unlike MAE's, its positions
// are trained.
import {
  add,
  broadcastTo,
  choice,
  concat,
  config,
  count,
  type DimArg,
  f32,
  layers,
  mean,
  model,
  number,
  optional,
  param,
  plus,
  reshape,
  size,
  slice,
  times,
} from 'heddle';
import { Block, dense, encoder, Linear, Norm, norm } from './layers.ts';
import { PatchEmbed, patchEmbed } from './patch.ts';

export * from './layers.ts';

/** timm's initial values. Its trunc_normal_ cuts at ±2, a hundred deviations here, so this is a plain normal. */
const timm = { normal: 0.02 } as const;
/** So small that fine-tuning begins with even odds (main_finetune.py). */
const headInit = { normal: 2e-5 } as const;

/**
 * Sizes of a classifier. `imageWidth` is `imageSize` (the height) when left out. `pool` says what is classified: the class token
 * after the last norm ('cls'), or the mean of the patches' tokens, which then has a norm of its own ('mean').
 */
export const vitConfig = config(
  {
    imageSize: size('G*P'),
    imageWidth: optional(size('W*P'), 'imageSize'),
    patchSize: size('P'),
    channels: size('C'),
    width: size('H*K'),
    depth: count(),
    heads: size('H'),
    mlpRatio: size('L'),
    classes: size('O'),
    pool: choice('cls', 'mean'),
    layerNormEps: optional(number(), 1e-6),
  },
  { gridHeight: size('G'), gridWidth: size('W') },
);

/** Parameters of a classifier up to the norm before its head. */
export class Vit<G extends DimArg, W extends DimArg, P extends DimArg, C extends DimArg, D extends DimArg, L extends DimArg, O extends DimArg> {
  cls_token;
  pos_embed;
  patch_embed;
  blocks;
  head;
  constructor(c: { gridHeight: G; gridWidth: W; patchSize: P; channels: C; width: D; depth: number; mlpRatio: L; classes: O }) {
    this.cls_token = param([1, 1, c.width], timm);
    this.pos_embed = param([1, plus(times(c.gridHeight, c.gridWidth), 1), c.width], timm);
    this.patch_embed = new PatchEmbed(c.width, c.channels, c.patchSize);
    this.blocks = layers(c.depth, () => new Block(c.width, times(c.mlpRatio, c.width), timm));
    this.head = new Linear(c.classes, c.width, headInit);
  }
}

/** ViT-B/16, L/16 and H/14 at 224 pixels, as MAE fine-tunes them (models_vit.py, main_finetune.py: pooled by mean). */
const imagenet = { imageSize: 224, channels: 3, mlpRatio: 4, classes: 1000, pool: 'mean' } as const;
const presets = {
  base: { ...imagenet, patchSize: 16, width: 768, depth: 12, heads: 12 },
  large: { ...imagenet, patchSize: 16, width: 1024, depth: 24, heads: 16 },
  huge: { ...imagenet, patchSize: 14, width: 1280, depth: 32, heads: 16 },
} as const;

/** imgs [B,C,G*P,W*P] → features [B,D], logits [B,O]. */
export default model({
  name: 'vit',
  config: vitConfig,
  presets,
  params: c => (c.pool === 'cls' ? { ...new Vit(c), norm: new Norm(c.width) } : { ...new Vit(c), fc_norm: new Norm(c.width) }),
  inputs: c => ({ imgs: f32('B', c.channels, c.imageSize, c.imageWidth) }),
  forward: (c, p, { imgs }) => {
    const patches = patchEmbed(c, p.patch_embed, imgs);
    const tokens = add(concat([broadcastTo(p.cls_token, ['B', 1, 'H*K']), patches], 1), p.pos_embed);
    const encoded = encoder(c, p.blocks, tokens);
    // A norm is of one token, so the class token alone is normalised.
    const pooled = 'fc_norm' in p ? norm(c, p.fc_norm, mean(slice(encoded, 1, 1), 1, { keepDims: true })) : norm(c, p.norm, slice(encoded, 1, 0, 1));
    const logits = dense(p.head, pooled);
    return { features: reshape(pooled, ['B', 'H*K']), logits: reshape(logits, ['B', 'O']) };
  },
});
