// Sizes for a layer's signature: every symbol gets a number, and every tensor of the signature the shape that follows. So a property
// is stated for all sizes that the layer takes, without a list of shapes.
import fc from 'fast-check';
import { type Dim, type Env, evalDim, symbolsOf } from '../dsl/dim.ts';
import { isPlaceholder } from '../dsl/sizes.ts';
import { isTensor } from '../dsl/tensor.ts';

/** Symbol → size. */
export type SymbolSizes = Readonly<Record<string, number>>;

export interface SizeRange {
  /** Smallest and largest size of a symbol; 1 and 5 unless said. */
  readonly min?: number;
  readonly max?: number;
  /** Ranges of single symbols: { C: { max: 3 } }. */
  readonly of?: Readonly<Record<string, { readonly min?: number; readonly max?: number }>>;
}

/** The dims of a signature: shapes and indexed extents of its tensors (parameters too) and its sizes, in order. */
export function dimsOf(signature: unknown): Dim[] {
  if (typeof signature !== 'object' || signature === null) return [];
  if (isPlaceholder(signature)) return [signature.dim];
  if (isTensor(signature)) return signature.node.over === undefined ? [...signature.node.shape] : [...signature.node.shape, signature.node.over];
  return Object.values(signature).flatMap(dimsOf);
}

/**
 * Sizes for every symbol of a layer, such that no dim of the signature is negative or, unless `min` allows it, zero ('N-V').
 * `sizesFor(patchify)` draws { B, C, G, P, W }.
 */
export function sizesFor(layer: { readonly signature: unknown }, { min = 1, max = 5, of = {} }: SizeRange = {}): fc.Arbitrary<SymbolSizes> {
  const dims = dimsOf(layer.signature);
  const symbols = [...new Set(dims.flatMap(symbolsOf))];
  const draw = Object.fromEntries(symbols.map(s => [s, fc.integer({ min: of[s]?.min ?? min, max: of[s]?.max ?? max })]));
  return fc.record(draw).filter(sizes => dims.every(d => sizeOf(d, sizes) >= Math.min(1, min)));
}

/** The number that a dim is. */
export function sizeOf(dim: Dim, sizes: SymbolSizes): number {
  const env: Env = new Map(Object.entries(sizes));
  return Number(evalDim(dim, env));
}
/** The shape of a tensor of a signature. */
export const shapeOf = (tensor: { readonly node: { readonly shape: readonly Dim[] } }, sizes: SymbolSizes): number[] =>
  tensor.node.shape.map(d => sizeOf(d, sizes));
