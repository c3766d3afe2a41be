// Golden files and weights as the tests of the models read them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors, widen } from '../../runtime/files/safetensors.ts';
import type { WeightTensor } from '../../runtime/tensor.ts';
import type { HostTensor, Tolerance } from '../../testing/close.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export type Tensors = ReadonlyMap<string, WeightTensor & HostTensor>;

/** The float and int tensors of a safetensors file by name, 16-bit floats widened. */
export async function tensorsOf(path: string): Promise<Tensors> {
  const file = await readSafetensors(`${root}${path}`);
  return new Map(
    [...file.tensors].map(([name, t]): [string, WeightTensor & HostTensor] => {
      const floats = widen(t);
      if (floats) return [name, { dtype: 'F32', shape: t.shape, data: floats }];
      if (t.dtype === 'I32') return [name, { dtype: t.dtype, shape: t.shape, data: t.data }];
      throw new Error(`${path}: ${name} is ${t.dtype}`);
    }),
  );
}
export const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(`${root}${path}`, 'utf8')) as T;

export interface Golden<C> {
  readonly name: string;
  readonly config: C;
  readonly tolerance: Tolerance;
  readonly tensors: Tensors;
  /** Tensors whose names begin with a prefix, without it: 'w' the weights, 'in' the inputs, 'out' the outputs. */
  readonly part: (prefix: 'w' | 'in' | 'out') => Tensors;
  /** One output; a golden scalar is stored as [1]. */
  readonly out: (name: string, shape?: readonly number[]) => HostTensor;
}
export async function golden<C = undefined>(name: string): Promise<Golden<C>> {
  const { config, tolerance } = await json<{ config: C; tolerance: Tolerance }>(`test/data/golden/${name}.json`);
  const tensors = await tensorsOf(`test/data/golden/${name}.safetensors`);
  const part = (prefix: string): Tensors =>
    new Map([...tensors].filter(([n]) => n.startsWith(`${prefix}.`)).map(([n, t]) => [n.slice(prefix.length + 1), t]));
  const out = (output: string, shape?: readonly number[]): HostTensor => {
    const t = tensors.get(`out.${output}`);
    if (!t) throw new Error(`${name} has no output ${output}`);
    return shape ? { data: t.data, shape } : t;
  };
  return { name, config, tolerance, tensors, part, out };
}

/** The official code's names of a configuration. */
export interface OfficialConfig {
  readonly img_size: number;
  readonly patch_size: number;
  readonly in_chans: number;
  readonly embed_dim: number;
  readonly depth: number;
  readonly num_heads: number;
  readonly decoder_embed_dim: number;
  readonly decoder_depth: number;
  readonly decoder_num_heads: number;
  readonly mlp_ratio: number;
  readonly norm_pix_loss: boolean;
  readonly mask_ratio: number;
  readonly layer_norm_eps: number;
}
export const ours = (c: OfficialConfig) => ({
  imageSize: c.img_size,
  patchSize: c.patch_size,
  channels: c.in_chans,
  width: c.embed_dim,
  depth: c.depth,
  heads: c.num_heads,
  decoderWidth: c.decoder_embed_dim,
  decoderDepth: c.decoder_depth,
  decoderHeads: c.decoder_num_heads,
  mlpRatio: c.mlp_ratio,
  maskRatio: c.mask_ratio,
  normPixLoss: c.norm_pix_loss,
  layerNormEps: c.layer_norm_eps,
});
