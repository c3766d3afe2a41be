// Layer-wise learning-rate decay for fine-tuning (Clark et al. 2020, "ELECTRA"; BEiT; facebookresearch/mae, util/lr_decay.py): layers near
// the input learn more slowly, and neither vectors nor the tables of positions and class token are decayed.
import type { Group } from 'heddle';

/** Layers by checkpoint name, of `depth` + 2: what embeds patches is 0, block i is i + 1, the head the last. */
function layerOf(name: string, depth: number): number {
  if (name === 'cls_token' || name === 'pos_embed' || name.startsWith('patch_embed.')) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block ? Number(block[1]) + 1 : depth + 1;
}

/** Groups for `trainStep` of a ViT of `depth` blocks: the learning rate is scaled by `rate` once for each layer above.
 *  `trainStep(finetuning, { loss: 'loss', optimiser: adamw({ weightDecay: 0.05 }), groups: layerDecay(0.75, 12) })` */
export function layerDecay(rate: number, depth: number): (name: string, param: { readonly shape: readonly number[] }) => Required<Group> {
  return (name, { shape }) => ({
    lrScale: rate ** (depth + 1 - layerOf(name, depth)),
    decay: shape.length > 1 && name !== 'cls_token' && name !== 'pos_embed',
  });
}
