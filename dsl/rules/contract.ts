// Shape rules of matmul, linear and conv2d, as types and as functions.
import type { DivMod } from '../arith.ts';
import { type Dim, dimAdd, dimDiv, dimSub, type Shape, showShape } from '../dim.ts';
import type { Canon, DimAdd, DimDiv, DimEq, DimMul, DimSub, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { DType, Tensor, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import type { Negative } from './axis.ts';
import { type Broadcast, broadcast } from './broadcast.ts';

// ---------------------------------------------------------------- matmul: [...A, m, k] × [...B, k, n]
export type MatMul<A extends Shape, B extends Shape> =
  Wide<A> extends true
    ? Shape
    : Wide<B> extends true
      ? Shape
      : A extends readonly [...infer a extends Shape, infer m, infer k]
        ? B extends readonly [...infer b extends Shape, infer k2, infer n]
          ? DimEq<k, k2> extends true
            ? Broadcast<a, b, 'matmul'> extends infer R
              ? R extends Shape
                ? [...R, m, n]
                : R
              : never
            : Say<'inner', [ShowDim<k>, ShowDim<k2>, ShowShape<A>, ShowShape<B>]>
          : Say<'matmulRank', [ShowShape<A>, ShowShape<B>]>
        : Say<'matmulRank', [ShowShape<A>, ShowShape<B>]>;
export function matmul(a: Shape, b: Shape): Shape {
  if (a.length < 2 || b.length < 2) fail('matmulRank', showShape(a), showShape(b));
  if (a.at(-1) !== b.at(-2)) fail('inner', a.at(-1)!, b.at(-2)!, showShape(a), showShape(b));
  return [...broadcast(a.slice(0, -2), b.slice(0, -2), 'matmul'), a.at(-2)!, b.at(-1)!];
}

// ---------------------------------------------------------------- linear: [..., in] by a weight [out, in]
export type Linear<A extends Shape, W extends Shape> =
  Wide<A> extends true
    ? Shape
    : Wide<W> extends true
      ? Shape
      : W extends readonly [infer o, infer i]
        ? A extends readonly [...infer a extends Shape, infer x]
          ? DimEq<x, i> extends true
            ? [...a, o]
            : Say<'linearWeight', [ShowDim<i>, ShowDim<x>, ShowShape<A>, ShowShape<W>]>
          : Say<'linearRank', [ShowShape<A>, ShowShape<W>]>
        : Say<'linearRank', [ShowShape<A>, ShowShape<W>]>;
export function linear(a: Shape, w: Shape): Shape {
  if (w.length !== 2 || a.length < 1) fail('linearRank', showShape(a), showShape(w));
  if (a.at(-1) !== w[1]) fail('linearWeight', w[1]!, a.at(-1)!, showShape(a), showShape(w));
  return [...a.slice(0, -1), w[0]!];
}
/** Shape when B is [out]. */
export type LinearBias<W extends Shape, B extends Shape> =
  Wide<W> extends true ? Shape : W extends readonly [infer o, unknown] ? Vector<B, o, 'linearBias'> : Shape;
type Vector<B extends Shape, N, Word extends 'linearBias' | 'convBias'> =
  Wide<B> extends true
    ? Shape
    : B extends readonly [infer b]
      ? DimEq<N, b> extends true
        ? Shape
        : Say<Word, [ShowDim<N>, ShowShape<B>]>
      : Say<Word, [ShowDim<N>, ShowShape<B>]>;
export function linearBias(w: Shape, b: Shape): void {
  if (b.length !== 1 || b[0] !== w[0]) fail('linearBias', w[0]!, showShape(b));
}

// ---------------------------------------------------------------- conv2d: [n, c, h, w] by [o, c, p, q]
type Option<O, K extends string, Default> = O extends { readonly [k in K]: infer V } ? (V extends undefined ? Default : V) : Default;
type Pair<V> = V extends readonly [infer a, infer b] ? [Canon<a>, Canon<b>] : [Canon<V>, Canon<V>];
type Stride<O> = Pair<Option<O, 'stride', 1>>;
type Pad<O> = Pair<Option<O, 'pad', 0>>;
/** Is D a number that is not whole, or below Least? */
type Below<D, Least extends 0 | 1> = D extends number
  ? number extends D
    ? false
    : `${D}` extends `${bigint}`
      ? Least extends 1
        ? D extends 0
          ? true
          : Negative<D>
        : Negative<D>
      : true
  : false;
/** Shape when the options are right in themselves; the bias is judged after the kernel. */
export type Steps<O> =
  true extends Below<Stride<O>[number], 1>
    ? Say<'convStride', [ShowShape<Stride<O>>]>
    : true extends Below<Pad<O>[number], 0>
      ? Say<'convPad', [ShowShape<Pad<O>>]>
      : Shape;

/** One spatial axis: floor((size + 2·pad − kernel) / stride) + 1, exact when symbols are in it. */
type Slide<T, K, S, Axis, X, W> =
  Negative<T> extends true
    ? Say<'convKernel', [Axis, ShowDim<K>, ShowDim<DimAdd<T, K>>, ShowShape<X>, ShowShape<W>]>
    : T extends 0
      ? 1
      : T extends number
        ? number extends T
          ? number
          : S extends number
            ? number extends S
              ? number
              : DivMod<T, S> extends [infer Q, unknown]
                ? DimAdd<Q, 1>
                : never
            : number
        : DimDiv<T, S> extends infer Q extends Dim
          ? DimAdd<Q, 1>
          : Say<'convDivide', [ShowDim<T>, ShowDim<S>, Axis, ShowShape<X>, ShowShape<W>]>;
type Reach<size, k, p> = DimSub<DimAdd<size, DimMul<2, p>>, k>;
export type Conv2d<X extends Shape, W extends Shape, O> =
  Wide<X> extends true
    ? Shape
    : Wide<W> extends true
      ? Shape
      : X extends readonly [infer n extends Dim, infer c, infer h, infer w]
        ? W extends readonly [infer o extends Dim, infer c2, infer p, infer q]
          ? DimEq<c, c2> extends true
            ? Steps<O> extends string
              ? Shape
              : Slide<Reach<h, p, Pad<O>[0]>, p, Stride<O>[0], 2, X, W> extends infer H
                ? H extends Dim
                  ? Slide<Reach<w, q, Pad<O>[1]>, q, Stride<O>[1], 3, X, W> extends infer V
                    ? Message<H> extends true
                      ? H
                      : Message<V> extends true
                        ? V
                        : V extends Dim
                          ? [n, o, H, V]
                          : never
                    : never
                  : never
                : never
            : Say<'convChannels', [ShowDim<c2>, ShowDim<c>, ShowShape<X>, ShowShape<W>]>
          : Say<'convRank', [ShowShape<X>, ShowShape<W>]>
        : Say<'convRank', [ShowShape<X>, ShowShape<W>]>;
type Message<M> = M extends `✗ ${string}` ? true : false;
/** The rule of the options: stride, pad, then the bias. */
export type ConvOptions<W extends Shape, O> =
  Steps<O> extends infer E extends string
    ? E
    : O extends { readonly bias: Tensor<infer B, DType> }
      ? Wide<W> extends true
        ? Shape
        : W extends readonly [infer o, ...unknown[]]
          ? Vector<B, o, 'convBias'>
          : Shape
      : Shape;

export interface ConvSteps {
  readonly stride: readonly [Dim, Dim];
  readonly pad: readonly [Dim, Dim];
}
/** What conv2d does, in numbers. */
export interface ConvPlan {
  readonly shape: Shape;
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
}
export function conv2d(x: Shape, w: Shape, { stride, pad }: ConvSteps): ConvPlan {
  if (x.length !== 4 || w.length !== 4) fail('convRank', showShape(x), showShape(w));
  if (x[1] !== w[1]) fail('convChannels', w[1]!, x[1]!, showShape(x), showShape(w));
  const isStride = (s: readonly Dim[]): s is [number, number] => s.every(d => typeof d === 'number' && d >= 1);
  const isPad = (s: readonly Dim[]): s is [number, number] => s.every(d => typeof d === 'number' && d >= 0);
  if (!isStride(stride)) fail('convStride', showShape(stride));
  if (!isPad(pad)) fail('convPad', showShape(pad));
  const out = [2, 3].map(axis => {
    const reach = dimSub(dimAdd(x[axis]!, 2 * pad[axis - 2]!), w[axis]!);
    if (typeof reach === 'number') {
      if (reach < 0) fail('convKernel', axis, w[axis]!, dimAdd(reach, w[axis]!), showShape(x), showShape(w));
      return Math.floor(reach / stride[axis - 2]!) + 1;
    }
    return dimAdd(dimDiv(reach, stride[axis - 2]!) ?? fail('convDivide', reach, stride[axis - 2]!, axis, showShape(x), showShape(w)), 1);
  });
  return { shape: [x[0]!, w[0]!, ...out], stride, pad };
}
export function convBias(w: Shape, bias: Shape): void {
  if (bias.length !== 1 || bias[0] !== w[0]) fail('convBias', w[0]!, showShape(bias));
}
