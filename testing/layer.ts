// A layer on its own, as a model: so that one function can be compiled and run on every device.
import { config } from '../dsl/config.ts';
import { canon, type Dim, evalDim } from '../dsl/dim.ts';
import { type Model, model } from '../dsl/model.ts';
import { isPlaceholder, sizeValue } from '../dsl/sizes.ts';
import { bool, f16, f32, i32, index, isTensor, type Tensor, u32 } from '../dsl/tensor.ts';
import type { SymbolSizes } from './signature.ts';

/** What `fn` gives, whatever its arguments. */
export interface AnyLayer {
  readonly layer: string;
  readonly signature: readonly unknown[];
}

/**
 * A model whose inputs are the tensors of a layer's signature (its parameters too) and whose outputs are the layer's: a single tensor
 * is called `out`, a list `0`, `1`, …, a record keeps its names. `names` are those of the arguments, in order; a tensor inside a record
 * or a parameter tree is called by its path (`p.weight`). A symbol that `sizes` leaves out stays free: leave out 'B' and one program
 * serves every batch.
 *
 *   const one = asModel(patchify, ['c', 'imgs'], { C: 3, G: 2, W: 4, P: 8 });
 *   await onAllDevices(one, {}, async on => { const { out } = await on.run({ imgs }); … });
 */
export function asModel(layer: AnyLayer, names: readonly string[], sizes: SymbolSizes): Model {
  const at = (d: Dim): Dim => evalDim(d, new Map(Object.entries(sizes)));
  return model({
    name: layer.layer,
    config: config({}),
    params: () => ({}),
    inputs: () => Object.fromEntries(layer.signature.flatMap((formal, i) => inputsOf(formal, names[i] ?? `${i}`, at))),
    forward: (_, __, inputs) => {
      const given = layer.signature.map((formal, i) => argumentOf(formal, names[i] ?? `${i}`, at, inputs));
      return outputsOf(call(layer, given));
    },
  });
}

type At = (d: Dim) => Dim;
function inputsOf(formal: unknown, path: string, at: At): [string, Tensor][] {
  if (isTensor(formal)) return [[path, placeholder(formal, at)]];
  if (typeof formal !== 'object' || formal === null || isPlaceholder(formal)) return [];
  return Object.entries(formal).flatMap(([key, part]) => inputsOf(part, `${path}.${key}`, at));
}
function argumentOf(formal: unknown, path: string, at: At, inputs: Readonly<Record<string, Tensor>>): unknown {
  if (isTensor(formal)) return inputs[path];
  if (isPlaceholder(formal)) return sizeValue(at(canon(formal.dim)));
  if (Array.isArray(formal)) return formal.map((part, i) => argumentOf(part, `${path}.${i}`, at, inputs));
  if (typeof formal !== 'object' || formal === null) return formal;
  return Object.fromEntries(Object.entries(formal).map(([key, part]) => [key, argumentOf(part, `${path}.${key}`, at, inputs)]));
}
function placeholder({ node }: Tensor, at: At): Tensor {
  const shape = node.shape.map(at);
  if (node.over !== undefined) return index(at(node.over))(...shape);
  switch (node.dtype) {
    case 'f32':
      return f32(...shape);
    case 'f16':
      return f16(...shape);
    case 'i32':
      return i32(...shape);
    case 'u32':
      return u32(...shape);
    case 'bool':
      return bool(...shape);
  }
}
/** Every `fn` is a function; its argument types are unknown here. */
function call(layer: AnyLayer, given: readonly unknown[]): unknown {
  if (typeof layer !== 'function') throw new Error(`${layer.layer} is no layer: make it with fn`);
  return Reflect.apply(layer, undefined, given);
}
function outputsOf(result: unknown): Readonly<Record<string, Tensor>> {
  if (isTensor(result)) return { out: result };
  const entries = Object.entries(result ?? {});
  return Object.fromEntries(entries.map(([name, t]) => (isTensor(t) ? [name, t] : fail(name))));
}
const fail = (name: string): never => {
  throw new Error(`output ${name} of the layer is no tensor`);
};
