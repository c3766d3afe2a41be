// Shape rules of the reductions, as types and as functions. No axes means all of them.
import { type Dim, prod, type Shape } from '../dim.ts';
import type { DimMul, Prod } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { Index, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type At, type Axes, type Axis, type AxisSet, axes, type HasAxes, type UnknownAxes } from './axis.ts';

export interface KeepDims {
  /** Reduced axes stay, as 1. */
  readonly keepDims?: boolean;
}
type Keeps<O> = O extends { readonly keepDims: infer K } ? K : false;
type Drop<S extends Shape, K, Keep, I extends 0[] = [], R extends Dim[] = []> = S extends readonly [infer h extends Dim, ...infer t extends Shape]
  ? Drop<t, K, Keep, [...I, 0], `${I['length']}` extends K ? (Keep extends true ? [...R, 1] : R) : [...R, h]>
  : R;
type Ones<S extends Shape> = { -readonly [I in keyof S]: 1 } extends infer R extends Dim[] ? R : never;

/** The reduced shape: X undefined for all axes, O the options. */
export type Reduce<S extends Shape, X, O, Op extends string> = [X] extends [undefined]
  ? [Keeps<O>] extends [false]
    ? []
    : [Keeps<O>] extends [true]
      ? Wide<S> extends true
        ? Shape
        : Ones<S>
      : Shape
  : Wide<S> extends true
    ? Shape
    : HasAxes<S, X, Op> extends infer E extends string
      ? E
      : UnknownAxes<X> extends true
        ? Shape
        : [Keeps<O>] extends [true]
          ? Drop<S, AxisSet<S, X>, true>
          : [Keeps<O>] extends [false]
            ? Drop<S, AxisSet<S, X>, false>
            : Shape;
/** The axes to reduce, ascending, and the shape with them dropped and kept as 1. */
export interface ReducePlan {
  readonly axes: readonly number[];
  readonly dropped: Shape;
  readonly kept: Shape;
}
export function reduce(s: Shape, x: Axes | undefined, op: string): ReducePlan {
  const list = x === undefined ? s.map((_, i) => i) : axes(s, x, op).sort((a, b) => a - b);
  return { axes: list, dropped: s.filter((_, i) => !list.includes(i)), kept: s.map((d, i) => (list.includes(i) ? 1 : d)) };
}

/** argmax and argmin give positions in the reduced axes, row-major in the order given: an index over their product. */
export type ArgIndex<S extends Shape, X> =
  Wide<S> extends true
    ? Index
    : [X] extends [undefined]
      ? Over<Prod<S>>
      : UnknownAxes<X> extends true
        ? Index
        : X extends readonly number[]
          ? Over<ProdAt<S, X>>
          : Over<At<S, Axis<S, X>>>;
type Over<N> = [N] extends [never] ? Index : N extends Dim ? Index<N> : Index;
type ProdAt<S extends Shape, X, R = 1> = X extends readonly [infer h, ...infer t] ? ProdAt<S, t, DimMul<R, At<S, Axis<S, h>>>> : R;
export const argExtent = (s: Shape, list: readonly number[]): Dim => prod(list.map(a => s[a]!));

/** The option of variance: a divisor of n − correction. */
export type Correction<O> = O extends { readonly correction: infer C extends number }
  ? number extends C
    ? Shape
    : `${C}` extends `-${string}` | `${string}.${string}`
      ? Say<'correction', [C]>
      : Shape
  : Shape;
export function correction(c: number): void {
  if (!Number.isSafeInteger(c) || c < 0) fail('correction', c);
}
