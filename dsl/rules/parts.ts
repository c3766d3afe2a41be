// Shape rules of the ops that cut tensors apart and put them together, as types and as functions.
import type { DivMod } from '../arith.ts';
import { type Dim, dimAdd, dimDiv, dimSub, type Shape, showShape } from '../dim.ts';
import type { CanonShape, DimAdd, DimDiv, DimEq, DimSub, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { DType, Tensor, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type At, type Axis, type AxisError, axis, type Negative, type SameShape, sameShape, type With, withAxis } from './axis.ts';
import { type Agree, agree } from './dtype.ts';
import { type Insert, insertAxis, type Without } from './views.ts';

// ---------------------------------------------------------------- concat, stack
type Concat2<A extends Shape, B extends Shape, X> =
  Wide<A> extends true
    ? Shape
    : Wide<B> extends true
      ? Shape
      : number extends X
        ? Shape
        : Axis<A, X> extends infer K
          ? K extends keyof A
            ? SameShape<With<A, K, 1>, With<B, K, 1>> extends true
              ? With<A, K, DimAdd<A[K], At<B, K>>>
              : Say<'concat', [ShowShape<A>, ShowShape<B>, X]>
            : AxisError<'concat', X, A>
          : never;
/** The first tensor's axis is judged even when it stands alone. */
export type Concat<L, X> = L extends readonly [Tensor<infer A, infer D>, ...infer R]
  ? Wide<A> extends true
    ? Shape
    : number extends X
      ? Shape
      : Axis<A, X> extends null
        ? AxisError<'concat', X, A>
        : ConcatRest<R, A, X, D>
  : L extends readonly []
    ? Say<'concatNone', ['concat']>
    : Shape;
type ConcatRest<L, A extends Shape, X, D> = L extends readonly [Tensor<infer B, infer E>, ...infer R]
  ? Agree<D, E, 'concat'> extends infer M extends string
    ? M
    : Concat2<A, B, X> extends infer C
      ? C extends Shape
        ? ConcatRest<R, C, X, D>
        : C
      : never
  : L extends readonly []
    ? A
    : Shape;
/** What the rule of a list reads of a tensor. */
interface Listed {
  readonly shape: Shape;
  readonly dtype: DType;
}
export function concat(list: readonly Listed[], x: number): { readonly shape: Shape; readonly axis: number } {
  const [first, ...others] = list;
  if (!first) fail('concatNone', 'concat');
  const k = axis(first.shape, x, 'concat');
  let shape = first.shape;
  for (const b of others) {
    agree(first.dtype, b.dtype, 'concat');
    if (shape.length !== b.shape.length || shape.some((d, i) => i !== k && d !== b.shape[i])) fail('concat', showShape(shape), showShape(b.shape), x);
    shape = withAxis(shape, k, dimAdd(shape[k]!, b.shape[k]!));
  }
  return { shape, axis: k };
}
export type Stack<L, X> = L extends readonly [Tensor<infer A, infer D>, ...infer R]
  ? StackRest<R, A, D> extends infer M extends string
    ? M
    : Insert<A, X, L['length'] & number, 'stack'>
  : L extends readonly []
    ? Say<'concatNone', ['stack']>
    : Shape;
type StackRest<L, A extends Shape, D> = L extends readonly [Tensor<infer B, infer E>, ...infer R]
  ? Agree<D, E, 'stack'> extends infer M extends string
    ? M
    : Wide<A> extends true
      ? Shape
      : Wide<B> extends true
        ? Shape
        : SameShape<A, B> extends true
          ? StackRest<R, A, D>
          : Say<'stack', [ShowShape<A>, ShowShape<B>]>
  : Shape;
export function stack(list: readonly Listed[], x: number): { readonly shape: Shape; readonly axis: number } {
  const [first, ...others] = list;
  if (!first) fail('concatNone', 'stack');
  for (const b of others) {
    agree(first.dtype, b.dtype, 'stack');
    if (!sameShape(first.shape, b.shape)) fail('stack', showShape(first.shape), showShape(b.shape));
  }
  return { shape: first.shape, axis: insertAxis(first.shape, x, 'stack') };
}

// ---------------------------------------------------------------- slice, split, unbind
/** The end of axis X, or the `to` that was given. */
export type End<S extends Shape, X, T> = [T] extends [undefined] ? At<S, Axis<S, X>> : T;
type CountSteps<N, P> = N extends 0
  ? 0
  : number extends N | P
    ? number
    : N extends number
      ? P extends number
        ? CeilDiv<N, P>
        : number
      : DimDiv<N, P>;
type CeilDiv<N extends number, P extends number> = DivMod<N, P> extends [infer Q, infer R] ? (R extends 0 ? Q : DimAdd<Q, 1>) : never;
/** From F to T of axis X, as far as 0 ≤ F ≤ T ≤ size can be known here. */
export type Slice<S extends Shape, X, F, T> =
  Wide<S> extends true
    ? Shape
    : number extends X
      ? Shape
      : Axis<S, X> extends infer K
        ? K extends keyof S
          ? true extends Negative<F> | Negative<DimSub<T, F>> | Negative<DimSub<S[K], T>>
            ? Say<'sliceEnd', [ShowDim<F>, ShowDim<T>, X, ShowShape<S>]>
            : With<S, K, DimSub<T, F>>
          : AxisError<'slice', X, S>
        : never;
/** Every P-th of that; a count with symbols must be divisible by the step. */
export type Strided<S extends Shape, X, F, T, P> =
  Slice<S, X, F, T> extends infer R
    ? R extends Shape
      ? P extends 1 | undefined
        ? R
        : StepError<P> extends infer E extends string
          ? E
          : Wide<R> extends true
            ? Shape
            : Axis<R, X> extends infer K
              ? CountSteps<At<R, K>, P> extends infer N
                ? N extends Dim
                  ? With<R, K, N>
                  : Say<'sliceDivide', [ShowDim<At<R, K>>, P, X, ShowShape<S>]>
                : never
              : never
      : R
    : never;
type StepError<P> = P extends number
  ? number extends P
    ? true
    : P extends 0
      ? Say<'sliceStep', [P]>
      : `${P}` extends `-${string}` | `${string}.${string}`
        ? Say<'sliceStep', [P]>
        : true
  : true;
export function slice(s: Shape, x: number, from: Dim, to: Dim | undefined, step: number): { axis: number; shape: Shape } {
  const k = axis(s, x, 'slice');
  const end = to ?? s[k]!;
  const count = dimSub(end, from);
  for (const d of [from, count, dimSub(s[k]!, end)]) if (typeof d === 'number' && d < 0) fail('sliceEnd', from, end, x, showShape(s));
  if (!Number.isSafeInteger(step) || step < 1) fail('sliceStep', step);
  const n = typeof count === 'number' ? Math.ceil(count / step) : (dimDiv(count, step) ?? fail('sliceDivide', count, step, x, showShape(s)));
  return { axis: k, shape: withAxis(s, k, n) };
}

type Total<P, R = 0> = P extends readonly [infer h, ...infer t] ? Total<t, DimAdd<R, h>> : R;
type NegativePart<P> = P extends readonly [infer h, ...infer t]
  ? Negative<h> extends true
    ? Say<'splitNegative', [ShowDim<h>]>
    : NegativePart<t>
  : true;
/** N copies of T as a tuple; a list of unknown length from 100 on, where tuples no longer help. */
export type Repeat<N, T> = N extends number
  ? `${N}` extends `${infer _}${infer _}${infer _}${string}`
    ? T[]
    : number extends N
      ? T[]
      : Times<N, T>
  : T[];
type Times<N extends number, T, R extends T[] = []> = R['length'] extends N ? R : Times<N, T, [...R, T]>;
type PartsOf<S extends Shape, K, P, X> = P extends 0
  ? Say<'splitEqual', [X, ShowDim<At<S, K>>, P & number]>
  : Negative<P> extends true
    ? Say<'splitEqual', [X, ShowDim<At<S, K>>, P & number]>
    : DimDiv<At<S, K>, P> extends infer Q extends Dim
      ? Repeat<P, With<S, K, Q>>
      : Say<'splitEqual', [X, ShowDim<At<S, K>>, P & number]>;
/** P equal parts, or parts of the sizes P: a list of shapes. */
export type Split<S extends Shape, X, P> =
  Wide<S> extends true
    ? Shape[]
    : number extends X
      ? Shape[]
      : Axis<S, X> extends infer K
        ? K extends keyof S
          ? P extends readonly unknown[]
            ? CanonShape<P> extends infer Q
              ? NegativePart<Q> extends infer E extends string
                ? E
                : DimEq<Total<Q>, S[K]> extends true
                  ? { -readonly [I in keyof Q]: With<S, K, Q[I]> }
                  : Say<'splitSizes', [ShowDim<Total<Q>>, X, ShowShape<S>, ShowDim<S[K]>]>
              : never
            : PartsOf<S, K, P, X>
          : AxisError<'split', X, S>
        : never;
export function split(s: Shape, x: number, parts: number | readonly Dim[]): { readonly axis: number; readonly sizes: readonly Dim[] } {
  const k = axis(s, x, 'split');
  if (typeof parts === 'number') {
    const part = (Number.isSafeInteger(parts) && parts > 0 ? dimDiv(s[k]!, parts) : null) ?? fail('splitEqual', x, s[k]!, parts);
    return { axis: k, sizes: Array.from({ length: parts }, () => part) };
  }
  for (const p of parts) if (typeof p === 'number' && p < 0) fail('splitNegative', p);
  const total = parts.reduce<Dim>(dimAdd, 0);
  if (total !== s[k]) fail('splitSizes', total, x, showShape(s), s[k]!);
  return { axis: k, sizes: parts };
}
/** The tensors along axis X, as a list of shapes; of unknown length when the size is a symbol. */
export type Unbind<S extends Shape, X> =
  Wide<S> extends true
    ? Shape[]
    : number extends X
      ? Shape[]
      : Axis<S, X> extends infer K
        ? K extends keyof S
          ? Repeat<S[K], Without<S, K>>
          : AxisError<'unbind', X, S>
        : never;
export function unbind(s: Shape, x: number): { readonly axis: number; readonly count: number; readonly shape: Shape } {
  const k = axis(s, x, 'unbind');
  const count = s[k]!;
  if (typeof count !== 'number') fail('unbind', x, showShape(s));
  return { axis: k, count, shape: s.filter((_, i) => i !== k) };
}
