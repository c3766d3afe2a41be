// Images as sequences of patches, and back. An image of G×W patches of P×P pixels becomes G·W rows, the patches of the first image
// row first. The pixels of a patch stand in two orders in the official code: targets are (p, q, c), rows of a patch outermost
// (facebookresearch/mae, models_mae.py, patchify), while the weight of the patch convolution is (c, p, q) (timm, PatchEmbed).
import { type DimArg, f32, fn, linear, param, rearrange, size } from 'heddle';

/**
 * The pixels of each patch, as MAE's targets and predictions hold them (paper §3, "Reconstruction target").
 * imgs [B,C,G*P,W*P] → [B,G*W,P*P*C]; element [n, h·W + w, (p·P + q)·C + c] is imgs[n, c, h·P + p, w·P + q].
 */
export const patchify = fn('patchify', { patchSize: size('P') }, f32('B', 'C', 'G*P', 'W*P'), (c, imgs) =>
  rearrange(imgs, 'n c (h p) (w q) -> n (h w) (p q c)', { p: c.patchSize, q: c.patchSize }),
);

/**
 * The inverse of patchify: patches [B,G*W,P*P*C] → [B,C,G*P,W*P]. A count of patches does not say how many rows they make, so the
 * grid's height and width are given.
 */
export const unpatchify = fn(
  'unpatchify',
  { patchSize: size('P'), gridHeight: size('G'), gridWidth: size('W') },
  f32('B', 'G*W', 'P*P*C'),
  (c, patches) => rearrange(patches, 'n (h w) (p q c) -> n c (h p) (w q)', { h: c.gridHeight, w: c.gridWidth, p: c.patchSize, q: c.patchSize }),
);

/** Weights of the patch embedding in the layout of a convolution: proj.weight [D,C,P,P], proj.bias [D]. Initialised as a linear layer. */
export class PatchEmbed<D extends DimArg, C extends DimArg, P extends DimArg> {
  proj;
  constructor(width: D, channels: C, patchSize: P) {
    this.proj = { weight: param([width, channels, patchSize, patchSize], 'xavier'), bias: param([width], 'zeros') };
  }
}

/**
 * A convolution of size and stride P, which is a linear layer of the patches (ViT, Dosovitskiy et al. 2020, eq. 1; timm PatchEmbed).
 * imgs [B,C,G*P,W*P] → tokens [B,G*W,D].
 */
export const patchEmbed = fn('patchEmbed', { patchSize: size('P') }, new PatchEmbed('D', 'C', 'P'), f32('B', 'C', 'G*P', 'W*P'), (c, p, imgs) => {
  const patches = rearrange(imgs, 'n c (h p) (w q) -> n (h w) (c p q)', { p: c.patchSize, q: c.patchSize });
  return linear(patches, rearrange(p.proj.weight, 'd c p q -> d (c p q)'), p.proj.bias);
});
