// Shape rules of the ops that only move or repeat elements, as types and as functions.
import type { DivMod } from '../arith.ts';
import { type Dim, dimAdd, dimDiv, dimSub, prod, type Shape, showShape } from '../dim.ts';
import type { CanonShape, DimAdd, DimDiv, DimEq, DimSub, Prod, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { DType, Tensor, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import {
  type At,
  type Axes,
  type Axis,
  type AxisError,
  type AxisSet,
  axes,
  axis,
  type HasAxes,
  type HasAxis,
  type Negative,
  type SameShape,
  type Sizes,
  sameShape,
  sizes,
  type UnknownAxes,
  type With,
  withAxis,
} from './axis.ts';
import { type Agree, agree } from './dtype.ts';

// ---------------------------------------------------------------- permute, transpose
export type Permute<S extends Shape, P extends readonly number[]> =
  Wide<S> extends true
    ? Shape
    : UnknownAxes<P> extends true
      ? Shape
      : P['length'] extends S['length']
        ? Exclude<keyof S & `${number}`, AxisSet<S, P>> extends never
          ? { -readonly [K in keyof P]: At<S, Axis<S, P[K]>> } extends infer R extends Dim[]
            ? R
            : never
          : Say<'permute', [ShowShape<P>, ShowShape<S>]>
        : Say<'permute', [ShowShape<P>, ShowShape<S>]>;
/** The order, from the front. */
export function permute(s: Shape, p: readonly number[]): number[] {
  const order = p.map(a => (a < 0 ? a + s.length : a));
  if (p.length !== s.length || s.some((_, i) => !order.includes(i))) fail('permute', showShape(p), showShape(s));
  return order;
}
export type Transpose<S extends Shape, A, B> =
  Wide<S> extends true
    ? Shape
    : number extends A | B
      ? Shape
      : Axis<S, A> extends infer a
        ? Axis<S, B> extends infer b
          ? a extends null
            ? AxisError<'transpose', A, S>
            : b extends null
              ? AxisError<'transpose', B, S>
              : { -readonly [I in keyof S]: I extends a ? At<S, b> : I extends b ? At<S, a> : S[I] } extends infer R extends Dim[]
                ? R
                : never
          : never
        : never;

// ---------------------------------------------------------------- reshape: equal dims cancel first, so that big products seldom happen
type Remove<F extends Dim[], X> = F extends [infer h extends Dim, ...infer t extends Dim[]]
  ? [h] extends [X]
    ? number extends h
      ? null
      : t
    : Remove<t, X> extends infer r extends Dim[]
      ? [h, ...r]
      : null
  : null;
/** What is left of both sides, as [from, to]. */
type Cancel<F extends Dim[], T, R extends Dim[] = []> = T extends readonly [infer h extends Dim, ...infer t]
  ? Remove<F, h> extends infer f extends Dim[]
    ? Cancel<f, t, R>
    : Cancel<F, t, [...R, h]>
  : [F, R];
type NoHole<T extends Shape, R extends Dim[] = []> = T extends readonly [infer h extends Dim, ...infer t extends Shape]
  ? NoHole<t, [h] extends [-1] ? R : [...R, h]>
  : R;
type FillHole<T extends Shape, V> = { -readonly [K in keyof T]: [T[K]] extends [-1] ? V : T[K] } extends infer R extends Dim[] ? R : never;
type Holes<T, N extends 0[] = []> = T extends readonly [infer h, ...infer t] ? Holes<t, [h] extends [-1] ? [...N, 0] : N> : N['length'];
export type Reshape<S extends Shape, T extends Shape> =
  Sizes<T, 'reshape', -1> extends infer E extends string
    ? E
    : Wide<T> extends true
      ? Shape
      : Holes<T> extends 0
        ? Wide<S> extends true
          ? T
          : Cancel<[...S], T> extends [infer F, infer G]
            ? DimEq<Prod<F>, Prod<G>> extends true
              ? T
              : [0, 0] extends [S[number], T[number]]
                ? T
                : Say<'elements', [ShowDim<Prod<S>>, ShowDim<Prod<T>>, ShowShape<S>, ShowShape<T>]>
            : never
        : Holes<T> extends 1
          ? Wide<S> extends true
            ? FillHole<T, number>
            : Cancel<[...S], NoHole<T>> extends [infer F, infer G]
              ? DimDiv<Prod<F>, Prod<G>> extends infer Q extends Dim
                ? FillHole<T, Q>
                : Say<'infer', [ShowDim<Prod<S>>, ShowDim<Prod<NoHole<T>>>, ShowShape<S>, ShowShape<T>]>
              : never
          : Say<'holes', [ShowShape<T>]>;
export function reshape(s: Shape, t: Shape): Shape {
  sizes(t, 'reshape', -1);
  const named = t.filter(d => d !== -1);
  if (named.length < t.length - 1) fail('holes', showShape(t));
  if (named.length === t.length) {
    if (prod(s) !== prod(t)) fail('elements', prod(s), prod(t), showShape(s), showShape(t));
    return t;
  }
  const left = [...s];
  const open: Dim[] = [];
  for (const d of named) {
    const i = left.indexOf(d);
    if (i < 0) open.push(d);
    else left.splice(i, 1);
  }
  const missing = dimDiv(prod(left), prod(open)) ?? fail('infer', prod(s), prod(named), showShape(s), showShape(t));
  return t.map(d => (d === -1 ? missing : d));
}

// ---------------------------------------------------------------- squeeze, expandDims
type Without<S extends Shape, K, I extends 0[] = [], R extends Dim[] = []> = S extends readonly [infer h extends Dim, ...infer t extends Shape]
  ? Without<t, K, [...I, 0], `${I['length']}` extends K ? R : [...R, h]>
  : R;
/** The first axis of X that is not 1, as its message. */
type NotOne<S extends Shape, X> = X extends readonly [infer h, ...infer t]
  ? DimEq<At<S, Axis<S, h>>, 1> extends true
    ? NotOne<S, t>
    : Say<'squeeze', [h, ShowShape<S>, ShowDim<At<S, Axis<S, h>>>]>
  : Shape;
export type Squeeze<S extends Shape, X> =
  Wide<S> extends true
    ? Shape
    : UnknownAxes<X> extends true
      ? Shape
      : HasAxes<S, X, 'squeeze'> extends infer E extends string
        ? E
        : NotOne<S, X extends number ? [X] : X> extends infer E extends string
          ? E
          : Without<S, AxisSet<S, X>>;
export function squeeze(s: Shape, x: Axes): Shape {
  const list = axes(s, x, 'squeeze');
  const given = typeof x === 'number' ? [x] : x;
  list.forEach((a, i) => {
    if (s[a] !== 1) fail('squeeze', given[i]!, showShape(s), s[a]!);
  });
  return s.filter((_, i) => !list.includes(i));
}
type InsertAt<S extends Shape, K, V extends Dim, I extends 0[] = [], R extends Dim[] = []> = `${I['length']}` extends K
  ? [...R, V, ...S]
  : S extends readonly [infer h extends Dim, ...infer t extends Shape]
    ? InsertAt<t, K, V, [...I, 0], [...R, h]>
    : R;
/** A new axis of V in front of axis X; X = rank puts it last, −1 too. */
export type Insert<S extends Shape, X, V extends Dim, Op extends string> =
  Wide<S> extends true
    ? Shape
    : number extends X
      ? Shape
      : Axis<[...S, 0], X> extends infer K
        ? K extends null
          ? AxisError<Op, X, S>
          : InsertAt<S, K, V>
        : never;
/** The place of the new axis, from the front. */
export function insertAxis(s: Shape, x: number, op: string): number {
  const k = x < 0 ? x + s.length + 1 : x;
  return Number.isInteger(k) && k >= 0 && k <= s.length ? k : fail('axis', op, x, showShape(s));
}

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

// ---------------------------------------------------------------- flip, pad, roll
export type Flip<S extends Shape, X> = HasAxes<S, X, 'flip'> extends infer M extends string ? M : S;
export type Widths = readonly (readonly [number, number])[];
type ShowWidths<P, R extends string = ''> = P extends readonly [readonly [infer a, infer b], ...infer t]
  ? ShowWidths<t, R extends '' ? `[${ShowDim<a>},${ShowDim<b>}]` : `${R},[${ShowDim<a>},${ShowDim<b>}]`>
  : `[${R}]`;
const showWidths = (p: Widths): string => `[${p.map(showShape)}]`;
type Whole<D> = D extends number ? (number extends D ? true : `${D}` extends `-${string}` | `${string}.${string}` ? false : true) : true;
export type Pad<S extends Shape, P extends Widths> =
  Wide<S> extends true
    ? Shape
    : number extends P['length']
      ? Shape
      : P['length'] extends S['length']
        ? PadFrom<S, P>
        : Say<'padRank', [S['length'], ShowWidths<P>]>;
type PadFrom<S extends Shape, P extends Widths, R extends Dim[] = []> = P extends readonly [
  readonly [infer a extends number, infer b extends number],
  ...infer t extends Widths,
]
  ? S extends readonly [infer h, ...infer s extends Shape]
    ? false extends Whole<a> | Whole<b>
      ? Say<'padNegative', [ShowDim<a>, ShowDim<b>, R['length']]>
      : PadFrom<s, t, [...R, DimAdd<h, DimAdd<a, b>> & Dim]>
    : never
  : R;
export function pad(s: Shape, widths: Widths): Shape {
  if (widths.length !== s.length) fail('padRank', s.length, showWidths(widths));
  return s.map((d, i) => {
    const [before, after] = widths[i]!;
    if (![before, after].every(n => Number.isSafeInteger(n) && n >= 0)) fail('padNegative', before, after, i);
    return dimAdd(d, before + after);
  });
}
export type RollShift<N> = Whole1<N> extends true ? Shape : Say<'rollShift', [N]>;
type Whole1<N> = N extends number ? (number extends N ? true : `${N}` extends `${bigint}` ? true : false) : true;
export type Roll<S extends Shape, N, X> = RollShift<N> extends infer M extends string ? M : HasAxis<S, X, 'roll'>;
export function rollShift(n: number): void {
  if (!Number.isSafeInteger(n)) fail('rollShift', n);
}
