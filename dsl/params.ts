// Parameters. A model's parameters are a tree of plain records or small classes; the path of a leaf is its name in a checkpoint
// (blocks.0.attn.qkv.weight), its layout the checkpoint's ([out, in]), so that official weights load without a table of names.
import type { Init } from '../common/program.ts';
import type { Dim, DimArg } from './dim.ts';
import type { Canon } from './dim-types.ts';
import { fail } from './errors.ts';
import { isFieldPlaceholder } from './fields.ts';
import type { LazyInit } from './graph.ts';
import { isPlaceholder } from './sizes.ts';
import { isTensor, placeholderShape, record, type Tensor } from './tensor.ts';

/** Initial values: zeros, ones, Xavier uniform over [out, in·…], a normal or a normal cut at two deviations, or given numbers, worked
 *  out only when somebody asks for them. */
export type InitArg =
  | 'zeros'
  | 'ones'
  | 'xavier'
  | { readonly normal: number }
  | { readonly truncatedNormal: number }
  | { readonly values: () => Float32Array };
export interface Param<out S extends readonly Dim[] = readonly Dim[]> extends Tensor<S, 'f32'> {
  readonly init: InitArg;
}
type ParamShape<S> = { -readonly [K in keyof S]: Canon<S[K]> } extends infer R extends Dim[] ? R : never;

/** A parameter leaf: param(['O', 'I'], 'xavier'). `trainable: false` is loaded and saved but has no gradient (fixed position tables). */
export function param<const S extends readonly DimArg[]>(shape: S, init: InitArg, options?: { readonly trainable?: boolean }): Param<ParamShape<S>>;
export function param(shape: readonly unknown[], init: InitArg, options: { readonly trainable?: boolean } = {}): Tensor {
  const fields = { op: 'input', role: 'parameter', name: '', init: initOf(init), trainable: options.trainable ?? true } as const;
  return record(param, fields, [], placeholderShape('param', shape), 'f32');
}
function initOf(init: InitArg): Init | LazyInit {
  switch (init) {
    case 'zeros':
      return { kind: 'constant', value: 0 };
    case 'ones':
      return { kind: 'constant', value: 1 };
    case 'xavier':
      return { kind: 'xavier-uniform' };
  }
  if (typeof init !== 'object' || init === null) return fail('initText', String(init));
  if ('normal' in init) return { kind: 'normal', std: deviation(init.normal) };
  if ('truncatedNormal' in init) return { kind: 'truncated-normal', std: deviation(init.truncatedNormal) };
  if ('values' in init && typeof init.values === 'function') return { kind: 'lazy', values: init.values };
  return fail('initText', Object.keys(init).join(', '));
}
const deviation = (std: number): number => (Number.isFinite(std) && std >= 0 ? std : fail('initStd', String(std)));

/** `depth` layers in a list. In a signature the depth is a placeholder and one layer stands for all. */
export function layers<T>(depth: number, make: (index: number) => T): T[] {
  if (isPlaceholder(depth) || isFieldPlaceholder(depth)) return [make(0)];
  if (!Number.isSafeInteger(depth) || depth < 0) fail('notSize', String(depth));
  return Array.from({ length: depth }, (_, i) => make(i));
}

/** [checkpoint name, parameter] of a tree in order: of a record its fields, of a list its positions. */
export function named(tree: unknown, prefix = ''): (readonly [string, Param])[] {
  if (typeof tree !== 'object' || tree === null) return [];
  if (isTensor(tree)) return [[prefix, tree as Param]];
  return Object.entries(tree).flatMap(([key, value]) => named(value, prefix === '' ? key : `${prefix}.${key}`));
}
