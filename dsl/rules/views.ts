import { type Dim, dimAdd, dimDiv, prod, type Shape, showShape } from '../dim.ts';
import type { DimAdd, DimDiv, DimEq, Prod, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import {
  type At,
  type Axes,
  type Axis,
  type AxisError,
  type AxisSet,
  axes,
  type HasAxes,
  type HasAxis,
  type Sizes,
  sizes,
  type UnknownAxes,
} from './axis.ts';

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
export type Without<S extends Shape, K, I extends 0[] = [], R extends Dim[] = []> = S extends readonly [infer h extends Dim, ...infer t extends Shape]
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
