// Hugging Face's ViTMAE checkpoints (transformers, models/vit_mae/modeling_vit_mae.py) under the official names that models/mae.ts
// carries. The map is a table: a row names one of our parameters and the tensors it is made of, whose rows stand one after the
// other (their q, k and v are our qkv). Both spellings in use are there: that of transformers 5, and that of the published
// facebook/vit-mae-* files. In a row `*` stands for a layer's number and `?` for weight or bias.
import { HeddleError } from 'heddle';

/** Rows [our name, their spellings…]; a spelling of several tensors joins them along axis 0. */
export type NameMap = readonly (readonly [ours: string, ...theirs: readonly (readonly string[])[]])[];

/** One stack of transformer blocks; `now` and `before` are the stack's names in the two spellings. */
const blockNames = (ours: string, now: string, before: string): NameMap => [
  [`${ours}.*.norm1.?`, [`${now}.*.layernorm_before.?`], [`${before}.*.layernorm_before.?`]],
  [
    `${ours}.*.attn.qkv.?`,
    ['q_proj', 'k_proj', 'v_proj'].map(part => `${now}.*.attention.${part}.?`),
    ['query', 'key', 'value'].map(part => `${before}.*.attention.attention.${part}.?`),
  ],
  [`${ours}.*.attn.proj.?`, [`${now}.*.attention.o_proj.?`], [`${before}.*.attention.output.dense.?`]],
  [`${ours}.*.norm2.?`, [`${now}.*.layernorm_after.?`], [`${before}.*.layernorm_after.?`]],
  [`${ours}.*.mlp.fc1.?`, [`${now}.*.mlp.fc1.?`], [`${before}.*.intermediate.dense.?`]],
  [`${ours}.*.mlp.fc2.?`, [`${now}.*.mlp.fc2.?`], [`${before}.*.output.dense.?`]],
];

export const huggingFaceNames: NameMap = [
  ['cls_token', ['vit.embeddings.cls_token']],
  ['pos_embed', ['vit.embeddings.position_embeddings']],
  ['patch_embed.proj.?', ['vit.embeddings.patch_embeddings.projection.?']],
  ...blockNames('blocks', 'vit.layers', 'vit.encoder.layer'),
  ['norm.?', ['vit.layernorm.?']],
  ['mask_token', ['decoder.mask_token']],
  ['decoder_pos_embed', ['decoder.decoder_pos_embed']],
  ['decoder_embed.?', ['decoder.decoder_embed.?']],
  ...blockNames('decoder_blocks', 'decoder.decoder_layers', 'decoder.decoder_layers'),
  ['decoder_norm.?', ['decoder.decoder_norm.?']],
  ['decoder_pred.?', ['decoder.decoder_pred.?']],
];

/** A tensor of a weight file: its dtype's name, row-major values (of f16 and bf16 the 16-bit words, or widened), their shape. */
export interface NamedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint16Array | Int32Array | Uint32Array | Uint8Array;
}

/**
 * The tensors of a checkpoint under our names. A tensor that no row of the map knows keeps its name, so that loading reports it as
 * one too many; a joined parameter of which a part is missing stays away, so that loading reports it as missing.
 */
export function renamed(tensors: ReadonlyMap<string, NamedTensor>, map: NameMap = huggingFaceNames): Map<string, NamedTensor> {
  const out = new Map<string, NamedTensor>();
  const joined = new Map<string, (NamedTensor | undefined)[]>();
  const rows = map.flatMap(([ours, ...theirs]) =>
    theirs.flatMap(parts => parts.map((name, i) => ({ ours, at: i, of: parts.length, pattern: patternOf(name) }))),
  );
  for (const [name, weight] of tensors) {
    const row = rows.find(r => r.pattern.test(name));
    if (!row) {
      out.set(name, weight);
      continue;
    }
    const [, ...found] = row.pattern.exec(name)!;
    const ours = row.ours.replace(/[*?]/g, () => found.shift()!);
    const parts = joined.get(ours) ?? Array.from({ length: row.of }, () => undefined);
    parts[row.at] = weight;
    joined.set(ours, parts);
  }
  for (const [ours, parts] of joined) {
    const all = parts.filter(p => p !== undefined);
    if (all.length === parts.length) out.set(ours, joinRows(all));
  }
  return out;
}

const patternOf = (name: string): RegExp => new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '(\\d+)').replaceAll('?', '(weight|bias)')}$`);

/** Tensors of floats that differ in their first axis at most, one after the other. */
function joinRows(parts: readonly NamedTensor[]): NamedTensor {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const elements = parts.reduce((n, p) => n + p.data.length, 0);
  const data = first.data instanceof Uint16Array ? new Uint16Array(elements) : new Float32Array(elements);
  let at = 0;
  for (const p of parts) {
    data.set(p.data, at);
    at += p.data.length;
  }
  return { dtype: first.dtype, data, shape: [parts.reduce((n, p) => n + p.shape[0]!, 0), ...first.shape.slice(1)] };
}

/** What a ViTMAE config.json says of the model's sizes. */
export interface HuggingFaceConfig {
  readonly image_size: number;
  readonly patch_size: number;
  readonly num_channels: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly decoder_hidden_size: number;
  readonly decoder_num_hidden_layers: number;
  readonly decoder_num_attention_heads: number;
  readonly decoder_intermediate_size: number;
  readonly mask_ratio: number;
  readonly norm_pix_loss: boolean;
  readonly layer_norm_eps: number;
}
/**
 * The same as values for models/mae.ts.
 * @throws HeddleError HS3 when encoder and decoder widen their hidden layers by different ratios, which the official model does not
 */
export function huggingFaceConfig(c: HuggingFaceConfig) {
  const mlpRatio = c.intermediate_size / c.hidden_size;
  const decoderRatio = c.decoder_intermediate_size / c.decoder_hidden_size;
  if (mlpRatio !== decoderRatio)
    throw new HeddleError(
      'HS3',
      `✗ mae: mlpRatio is one number, but intermediate_size / hidden_size is ${mlpRatio} and decoder_intermediate_size / decoder_hidden_size is ${decoderRatio}`,
    );
  return {
    imageSize: c.image_size,
    patchSize: c.patch_size,
    channels: c.num_channels,
    width: c.hidden_size,
    depth: c.num_hidden_layers,
    heads: c.num_attention_heads,
    decoderWidth: c.decoder_hidden_size,
    decoderDepth: c.decoder_num_hidden_layers,
    decoderHeads: c.decoder_num_attention_heads,
    mlpRatio,
    maskRatio: c.mask_ratio,
    normPixLoss: c.norm_pix_loss,
    layerNormEps: c.layer_norm_eps,
  };
}
