// Axes and sizes: what every other shape rule is built from. Each rule is here twice, as a type (what the editor checks) and as a
// function (what the trace checks). A shape of unknown rank (`Shape`, also what follows a mistake) passes every type rule.
import { type Dim, type Shape, showShape } from '../dim.ts';
import type { DimAdd, DimEq, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { Wide } from '../tensor.ts';
import type { Say } from '../words.ts';

/** Axis X (from the end when negative) as a key of the shape, or null when it is out of range. */
export type Axis<S extends Shape, X> = X extends number ? (`${X}` extends `-${string}` ? Key<S, DimAdd<S['length'], X>> : Key<S, X>) : null;
type Key<S extends Shape, X> = X extends number ? (`${X}` extends keyof S ? `${X}` : null) : null;
export type At<S extends Shape, K> = K extends keyof S ? S[K] : never;
export type AxisError<Op extends string, X, S> = Say<'axis', [Op, X, ShowShape<S>]>;
export function axis(s: Shape, x: number, op: string): number {
  const k = x < 0 ? x + s.length : x;
  return Number.isInteger(k) && k >= 0 && k < s.length ? k : fail('axis', op, x, showShape(s));
}
/** S when the axis exists. */
export type HasAxis<S extends Shape, X, Op extends string> =
  Wide<S> extends true ? S : number extends X ? S : Axis<S, X> extends null ? AxisError<Op, X, S> : S;

/** One axis or several. */
export type Axes = number | readonly number[];
/** The keys of the axes X as a union, with null for one out of range. */
export type AxisSet<S extends Shape, X> = X extends readonly number[] ? { [K in keyof X]: Axis<S, X[K]> }[number] : Axis<S, X>;
/** Shape when every axis exists and none is named twice. */
export type HasAxes<S extends Shape, X, Op extends string> =
  Wide<S> extends true
    ? Shape
    : UnknownAxes<X> extends true
      ? Shape
      : X extends readonly number[]
        ? null extends AxisSet<S, X>
          ? AxisError<Op, ShowShape<X>, S>
          : Twice<S, X> extends true
            ? Say<'axisTwice', [Op, ShowShape<X>, ShowShape<S>]>
            : S
        : Axis<S, X> extends null
          ? AxisError<Op, X, S>
          : S;
/** A wide axis, a list with one, or a list of unknown length. */
export type UnknownAxes<X> = number extends X ? true : X extends readonly number[] ? (number extends X[number] | X['length'] ? true : false) : false;
type Twice<S extends Shape, X, Seen = never> = X extends readonly [infer h, ...infer t]
  ? Axis<S, h> extends Seen
    ? true
    : Twice<S, t, Seen | Axis<S, h>>
  : false;
/** The axes from the front, in the order given. */
export function axes(s: Shape, x: Axes, op: string): number[] {
  const given = typeof x === 'number' ? [x] : x;
  const shown = typeof x === 'number' ? x : showShape(x);
  const list = given.map(a => {
    const k = a < 0 ? a + s.length : a;
    return Number.isInteger(k) && k >= 0 && k < s.length ? k : fail('axis', op, shown, showShape(s));
  });
  if (new Set(list).size !== list.length) fail('axisTwice', op, shown, showShape(s));
  return list;
}

/** S with dim V at key K. */
export type With<S extends Shape, K, V> = { -readonly [I in keyof S]: I extends K ? V : S[I] } extends infer R extends Dim[] ? R : never;
export const withAxis = (s: Shape, k: number, d: Dim): Dim[] => s.map((x, i) => (i === k ? d : x));

/** Equal ranks and dims, as far as it can be known here. */
export type SameShape<A, B> = A extends readonly [infer a, ...infer ar]
  ? B extends readonly [infer b, ...infer br]
    ? DimEq<a, b> extends true
      ? SameShape<ar, br>
      : false
    : false
  : B extends readonly []
    ? true
    : false;
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Is D a negative number literal? */
export type Negative<D> = D extends number ? (number extends D ? false : `${D}` extends `-${string}` ? true : false) : false;
/** Shape, or the message of the first dim of T that is no size: negative (Hole is let through) or a fraction. */
export type Sizes<T, Op extends string, Hole = never, T0 = T> = T extends readonly [infer h, ...infer t]
  ? NotSize<h, Op, Hole, T0> extends infer E extends string
    ? E
    : Sizes<t, Op, Hole, T0>
  : Shape;
type NotSize<D, Op extends string, Hole, T0> = D extends number
  ? number extends D
    ? true
    : [D] extends [Hole]
      ? true
      : `${D}` extends `${bigint}`
        ? `${D}` extends `-${string}`
          ? Say<'negativeSize', [Op, D, ShowShape<T0>]>
          : true
        : Say<'notSize', [D]>
  : true;
/** T was resolved before, which refuses fractions. */
export function sizes(t: Shape, op: string, hole = 0): void {
  for (const d of t) if (typeof d === 'number' && d !== hole && d < 0) fail('negativeSize', op, d, showShape(t));
}
