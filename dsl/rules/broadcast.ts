// One-sided broadcasting: one operand's shape must broadcast to the other's. Growing both ([B,1,E] with [1,N,E]) hides lost concats and
// lost reductions, so it is an error that says broadcastTo.
import { type Dim, type Shape, showShape } from '../dim.ts';
import type { ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type SameShape, type Sizes, sameShape, sizes } from './axis.ts';

/** The dim that two dims of one axis become, or null. A wide number beside a literal can only become the literal. */
type Join<a, b> = a extends 1 ? b : b extends 1 ? a : [a, b] extends [b, a] ? a : number extends a ? b : number extends b ? a : null;
/** Both sides may grow here: the shape of the result alone. */
type Merge<A extends Shape, B extends Shape, Op extends string> = [A, B] extends [B, A] ? A : MergeFrom<A, B, [], A, B, Op>;
type MergeFrom<A extends Shape, B extends Shape, R extends Dim[], A0, B0, Op extends string> = A extends readonly [...infer a extends Shape, infer x]
  ? B extends readonly [...infer b extends Shape, infer y]
    ? Join<x, y> extends infer d extends Dim
      ? MergeFrom<a, b, [d, ...R], A0, B0, Op>
      : Say<'broadcast', [Op, ShowDim<x>, ShowDim<y>, ShowShape<A0>, ShowShape<B0>]>
    : [...A, ...R]
  : [...B, ...R];
function merge(a: Shape, b: Shape, op: string): Dim[] {
  const out: Dim[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== 1 && y !== 1 && x !== y) fail('broadcast', op, x, y, showShape(a), showShape(b));
    out.unshift(x === 1 ? y : x);
  }
  return out;
}

export type Broadcast<A extends Shape, B extends Shape, Op extends string> =
  Wide<A> extends true
    ? Shape
    : Wide<B> extends true
      ? Shape
      : Merge<A, B, Op> extends infer M
        ? M extends Shape
          ? SameShape<M, A> extends true
            ? M
            : SameShape<M, B> extends true
              ? M
              : Say<'twoSided', [Op, ShowShape<A>, ShowShape<B>, ShowShape<M>]>
          : M
        : never;
export function broadcast(a: Shape, b: Shape, op: string): Shape {
  const m = merge(a, b, op);
  if (!sameShape(m, a) && !sameShape(m, b)) fail('twoSided', op, showShape(a), showShape(b), showShape(m));
  return m;
}

/** where(condition C, A, B): all three broadcast to the shape of one of them. A number is a scalar, []. */
export type Where<C extends Shape, A extends Shape, B extends Shape> =
  Wide<C> extends true
    ? Shape
    : Wide<A> extends true
      ? Shape
      : Wide<B> extends true
        ? Shape
        : Merge<C, A, 'where'> extends infer M
          ? M extends Shape
            ? Merge<M, B, 'where'> extends infer R
              ? R extends Shape
                ? true extends SameShape<R, C> | SameShape<R, A> | SameShape<R, B>
                  ? R
                  : Say<'whereGrow', [ShowShape<C>, ShowShape<A>, ShowShape<B>, ShowShape<R>]>
                : R
              : never
            : M
          : never;
/** The condition against the first value: a mistake that is not the second value's. */
export type WhereFirst<C extends Shape, A extends Shape> = Wide<C> extends true ? Shape : Wide<A> extends true ? Shape : Merge<C, A, 'where'>;
export function whereFirst(c: Shape, a: Shape): void {
  merge(c, a, 'where');
}
export function where(c: Shape, a: Shape, b: Shape): Shape {
  const r = merge(merge(c, a, 'where'), b, 'where');
  if (![c, a, b].some(s => sameShape(s, r))) fail('whereGrow', showShape(c), showShape(a), showShape(b), showShape(r));
  return r;
}

/** T when A broadcasts to it. */
export type BroadcastTo<A extends Shape, T extends Shape> =
  Sizes<T, 'broadcastTo'> extends infer E extends string
    ? E
    : Wide<A> extends true
      ? T
      : Wide<T> extends true
        ? Shape
        : Merge<A, T, 'broadcastTo'> extends infer M extends Shape
          ? SameShape<M, T> extends true
            ? T
            : Say<'broadcastTo', [ShowShape<A>, ShowShape<T>]>
          : Say<'broadcastTo', [ShowShape<A>, ShowShape<T>]>;
export function broadcastTo(a: Shape, t: Shape): Shape {
  sizes(t, 'broadcastTo');
  const lead = t.length - a.length;
  if (lead < 0 || a.some((d, i) => d !== 1 && d !== t[lead + i])) fail('broadcastTo', showShape(a), showShape(t));
  return t;
}
