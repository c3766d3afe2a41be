// Rules of the ops that make tensors from nothing but numbers: the sizes of full and of random tensors, keys, and the data of constants.
// As types and as functions.
import { type Dim, prod, type Shape, showShape } from '../dim.ts';
import type { CanonShape, Prod, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import { resolve } from '../scope.ts';
import { type DType, dtypeName, dtypeOf, isTensor, type ShowDType, type Tensor, type Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type SameShape, type Sizes, sizes } from './axis.ts';

/** The shape that was asked for, or the message of a dim that is no size. */
export type Made<S, Op extends string> = Sizes<CanonShape<S>, Op> extends infer E extends string ? E : CanonShape<S>;
export function madeShape(shape: readonly unknown[], op: string): Shape {
  const dims = shape.map(resolve);
  sizes(dims, op);
  return dims;
}

// ---------------------------------------------------------------- random keys
/** A key: two words as a tensor u32 [2], or a whole number from 0 to 2^53. */
export type Key = Tensor | number;
export type KeyRule<K, Op extends string> =
  K extends Tensor<infer S, infer E>
    ? [DType] extends [E]
      ? true
      : [E] extends ['u32']
        ? Wide<S> extends true
          ? true
          : SameShape<S, [2]> extends true
            ? true
            : Say<'keyTensor', [Op, ShowDType<E>, ShowShape<S>]>
        : Say<'keyTensor', [Op, ShowDType<E>, ShowShape<S>]>
    : K extends number
      ? number extends K
        ? true
        : `${K}` extends `-${string}` | `${string}e${string}`
          ? Say<'keyNumber', [Op, K]>
          : `${K}` extends `${bigint}`
            ? true
            : Say<'keyNumber', [Op, K]>
      : true;
export function keyRule(key: Key, op: string): void {
  if (isTensor(key)) {
    const { shape, dtype, over } = key.node;
    if (dtype !== 'u32' || over !== undefined || shape.length !== 1 || shape[0] !== 2)
      fail('keyTensor', op, dtypeName(dtypeOf(key)), showShape(shape));
  } else if (!Number.isSafeInteger(key) || key < 0) fail('keyNumber', op, String(key));
}
export type Probability<P> = P extends number
  ? number extends P
    ? true
    : `${P}` extends `-${string}`
      ? Say<'probability', [P]>
      : `${P}` extends `0${string}` | '1' | `${string}e-${string}`
        ? true
        : Say<'probability', [P]>
  : true;
export function probability(p: number): void {
  if (!(p >= 0 && p <= 1)) fail('probability', p);
}

// ---------------------------------------------------------------- constants: nested lists, or flat data and a shape
export type Scalar = number | boolean;
export type Nested = Scalar | readonly Nested[];
type Typed = Float32Array | Int32Array | Uint32Array | Uint8Array;
export type Data = Nested | Typed;
export const isTyped = (data: Data): data is Typed => ArrayBuffer.isView(data);
/** The element type of data: a typed array's own (Uint8Array is bool), bool for booleans, else f32. */
export type ConstantDType<T> = T extends Int32Array
  ? 'i32'
  : T extends Uint32Array
    ? 'u32'
    : T extends Empty
      ? 'f32'
      : T extends Uint8Array | Booleans
        ? 'bool'
        : 'f32';
type Empty = readonly Empty[];
type Booleans = boolean | readonly Booleans[];
export function constantDType(data: Data): 'f32' | 'i32' | 'u32' | 'bool' {
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Uint32Array) return 'u32';
  return data instanceof Uint8Array || areBooleans(data) ? 'bool' : 'f32';
}
const areBooleans = (data: Data): boolean =>
  typeof data === 'object' ? !isTyped(data) && data.length > 0 && data.every(areBooleans) : typeof data === 'boolean';
/** The shape of nested lists, or the message of the first two rows that differ. A typed array is flat, of a length unknown here. */
export type DataShape<T> = Nested extends T
  ? Shape
  : T extends Scalar
    ? []
    : T extends readonly Scalar[]
      ? [T['length']]
      : T extends readonly [infer h, ...infer t]
        ? DataShape<h> extends infer S
          ? S extends Shape
            ? Rows<t, S, T['length']>
            : S
          : never
        : T extends readonly (infer h)[]
          ? DataShape<h> extends infer S
            ? S extends Shape
              ? [number, ...S]
              : S
            : never
          : [number];
type Rows<T, S extends Shape, N> = T extends readonly [infer h, ...infer t]
  ? DataShape<h> extends infer R
    ? R extends Shape
      ? SameShape<S, R> extends true
        ? Rows<t, S, N>
        : Say<'constantRagged', [ShowShape<S>, ShowShape<R>]>
      : R
    : never
  : [N, ...S];
export function dataShape(data: Data): number[] {
  if (typeof data !== 'object') return [];
  if (isTyped(data)) return [data.length];
  const [first, ...rest] = data.map(dataShape);
  for (const row of rest) if (String(row) !== String(first)) fail('constantRagged', showShape(first!), showShape(row));
  return [data.length, ...(first ?? [])];
}

/** The shape of a constant: that of its data, or the one given beside data of as many values. */
export type ConstantData<T> = DataShape<T> extends infer E extends string ? E : Shape;
export type ConstantShape<T, S> =
  DataShape<T> extends infer F
    ? F extends Shape
      ? [S] extends [undefined]
        ? F
        : Made<S, 'constant'> extends infer G
          ? G extends Shape
            ? Filled<Prod<F>, Prod<G>> extends true
              ? G
              : Say<'constantCount', [ShowDim<Prod<F>>, ShowShape<G>]>
            : G
          : never
      : Shape
    : never;
/** Sizes that are symbols here may be numbers in the trace. */
type Filled<F, G> = G extends string ? true : number extends F | G ? true : [F] extends [G] ? true : false;
export function constantShape(count: number, shape: readonly Dim[]): readonly number[] {
  const numbers = shape.filter(d => typeof d === 'number');
  if (numbers.length < shape.length) fail('constantSymbol', showShape(shape));
  if (prod(shape) !== count) fail('constantCount', count, showShape(shape));
  return numbers;
}
