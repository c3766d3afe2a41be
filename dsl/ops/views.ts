// Ops that move, repeat or leave out elements. All but pad and concat are index arithmetic and cost no kernel.

import { type Dim, type DimArg, dimAdd, dimSub, type Shape } from '../dim.ts';
import type { Canon, CanonShape } from '../dim-types.ts';
import { type Axes, axes as axesOf, axis as axisOf, type HasAxes, type HasAxis } from '../rules/axis.ts';
import { type BroadcastTo, broadcastTo as broadcastRule } from '../rules/broadcast.ts';
import type { Common, OkType } from '../rules/dtype.ts';
import {
  type Concat,
  concat as concatRule,
  type End,
  type Slice,
  type Split,
  type Stack,
  type Strided,
  slice as sliceRule,
  split as splitRule,
  stack as stackRule,
  type Unbind,
  unbind as unbindRule,
} from '../rules/parts.ts';
import {
  type Flip,
  type Insert,
  insertAxis,
  type Pad,
  type Permute,
  pad as padRule,
  permute as permuteRule,
  type Reshape,
  type Roll,
  type RollShift,
  reshape as reshapeRule,
  rollShift,
  type Squeeze,
  squeeze as squeezeRule,
  type Transpose,
  type Widths,
} from '../rules/views.ts';
import { type Arg, type DType, dtypeOf, type Ok, resolve, type Tensor, trailing } from '../tensor.ts';
import { concatOf, expandTo, flipOf, padTo, permuteTo, reshapeTo, shapeOf, sliceOf } from './nodes.ts';

// ---------------------------------------------------------------- shapes
/** The same elements, row-major, in another shape; one size may be −1, which follows from the others. Where axes have names, write
 *  `rearrange`: it says which layout is meant. */
export function reshape<S extends Shape, D extends DType, const T extends readonly DimArg[], R = Reshape<S, CanonShape<T>>>(
  x: Tensor<S, D>,
  shape: Arg<T, R>,
): Tensor<Ok<R>, D>;
export function reshape(x: Tensor, shape: readonly unknown[]): Tensor {
  const to = reshapeRule(shapeOf(x), shape.map(resolve));
  return trailing(reshape, () => reshapeTo(x, to));
}
/** Repeats axes of 1, and the whole tensor along new leading axes. */
export function broadcastTo<S extends Shape, D extends DType, const T extends readonly DimArg[], R = BroadcastTo<S, CanonShape<T>>>(
  x: Tensor<S, D>,
  shape: Arg<T, R>,
): Tensor<Ok<R>, D>;
export function broadcastTo(x: Tensor, shape: readonly unknown[]): Tensor {
  const to = broadcastRule(shapeOf(x), shape.map(resolve));
  return trailing(broadcastTo, () => expandTo(x, to));
}
/** Leaves out axes of size 1. */
export function squeeze<S extends Shape, D extends DType, const X extends Axes>(
  x: Tensor<S, D>,
  axis: Arg<X, Squeeze<S, X>>,
): Tensor<Ok<Squeeze<S, X>>, D>;
export function squeeze(x: Tensor, axis: Axes): Tensor {
  const to = squeezeRule(shapeOf(x), axis);
  return trailing(squeeze, () => reshapeTo(x, to));
}
/** A new axis of 1 in front of `axis`; −1 puts it last. PyTorch's unsqueeze. */
export function expandDims<S extends Shape, D extends DType, const X extends number>(
  x: Tensor<S, D>,
  axis: Arg<X, Insert<S, X, 1, 'expandDims'>>,
): Tensor<Ok<Insert<S, X, 1, 'expandDims'>>, D>;
export function expandDims(x: Tensor, axis: number): Tensor {
  const k = insertAxis(shapeOf(x), axis, 'expandDims');
  return trailing(expandDims, () => reshapeTo(x, shapeOf(x).toSpliced(k, 0, 1)));
}

// ---------------------------------------------------------------- orders
/** Axis i of the result is axis order[i] of x. */
export function permute<S extends Shape, D extends DType, const P extends readonly number[]>(
  x: Tensor<S, D>,
  order: Arg<P, Permute<S, P>>,
): Tensor<Ok<Permute<S, P>>, D>;
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const from = permuteRule(shapeOf(x), order);
  return trailing(permute, () => permuteTo(x, from));
}
/** Exchanges two axes, the last two unless said otherwise. */
export function transpose<S extends Shape, D extends DType, const A extends number = -2, const B extends number = -1>(
  x: Arg<Tensor<S, D>, [A, B] extends [-2, -1] ? Transpose<S, -2, -1> : true>,
  a?: Arg<A, HasAxis<S, A, 'transpose'>>,
  b?: Arg<B, HasAxis<S, B, 'transpose'>>,
): Tensor<Ok<Transpose<S, A, B>>, D>;
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const from = axisOf(shapeOf(x), a, 'transpose');
  const to = axisOf(shapeOf(x), b, 'transpose');
  return trailing(transpose, () =>
    permuteTo(
      x,
      shapeOf(x).map((_, i) => (i === from ? to : i === to ? from : i)),
    ),
  );
}
/** The elements of some axes backwards. */
export function flip<S extends Shape, D extends DType, const X extends Axes>(
  x: Tensor<S, D>,
  axis: Arg<X, HasAxes<S, X, 'flip'>>,
): Tensor<Ok<Flip<S, X>>, D>;
export function flip(x: Tensor, axis: Axes): Tensor {
  const list = axesOf(shapeOf(x), axis, 'flip');
  return trailing(flip, () => list.reduce(flipOf, x));
}
/** Shifts the elements of an axis by `shift` places towards its end; what leaves comes back at the start. */
export function roll<S extends Shape, D extends DType, const N extends number, const X extends number>(
  x: Tensor<S, D>,
  shift: Arg<N, RollShift<N>>,
  axis: Arg<X, HasAxis<S, X, 'roll'>>,
): Tensor<Ok<Roll<S, N, X>>, D>;
export function roll(x: Tensor, shift: number, axis: number): Tensor {
  rollShift(shift);
  const k = axisOf(shapeOf(x), axis, 'roll');
  const n = shapeOf(x)[k]!;
  const by = typeof n === 'number' && n > 0 ? ((shift % n) + n) % n : shift;
  return trailing(roll, () => {
    if (by === 0 || n === 0) return x;
    const cut = by > 0 ? dimSub(n, by) : -by;
    return concatOf([sliceOf(x, k, cut, dimSub(n, cut)), sliceOf(x, k, 0, cut)], k, shapeOf(x));
  });
}

// ---------------------------------------------------------------- parts
/** The elements of an axis from `from` up to `to` (left out; default the end), every `step`-th. Sizes from 0: nothing counts from the
 *  end. */
export function slice<
  S extends Shape,
  D extends DType,
  const X extends number,
  const F extends DimArg,
  const T extends DimArg | undefined = undefined,
  const P extends number | undefined = undefined,
  A = HasAxis<S, X, 'slice'>,
  B = [T] extends [undefined] ? Slice<S, X, Canon<F>, End<S, X, undefined>> : Shape,
  C = [T] extends [undefined] ? Shape : Slice<S, X, Canon<F>, Canon<T>>,
  R = Strided<S, X, Canon<F>, End<S, X, Canon<T>>, P>,
>(x: Tensor<S, D>, axis: Arg<X, A>, from: Arg<F, B>, to?: Arg<T, C>, step?: Arg<P, R>): Tensor<Ok<R>, D>;
export function slice(x: Tensor, axis: number, from: unknown, to?: unknown, step = 1): Tensor {
  const start = resolve(from);
  const { axis: k, shape } = sliceRule(shapeOf(x), axis, start, to === undefined ? undefined : resolve(to), step);
  return trailing(slice, () => sliceOf(x, k, start, shape[k]!, step));
}
type Parts<R, D extends DType> = R extends string
  ? Open
  : R extends infer L extends readonly Shape[]
    ? Shape[] extends L
      ? Tensor<Open, D>[]
      : { -readonly [K in keyof L]: L[K] extends infer S extends Shape ? Tensor<S, D> : never }
    : never;
// biome-ignore lint/suspicious/noExplicitAny: what follows a mistake, or an unknown rank, must pass every later rule
type Open = any;
/** The tensor cut along an axis: into a number of equal parts, or into parts of the given sizes. */
export function split<
  S extends Shape,
  D extends DType,
  const X extends number,
  const P extends number | readonly DimArg[],
  A = HasAxis<S, X, 'split'>,
  R = Split<S, X, P>,
>(x: Tensor<S, D>, axis: Arg<X, A>, parts: Arg<P, R>): Parts<R, D>;
export function split(x: Tensor, axis: number, parts: number | readonly unknown[]): Tensor[] {
  const { axis: k, sizes } = splitRule(shapeOf(x), axis, typeof parts === 'number' ? parts : parts.map(resolve));
  return trailing(split, () => {
    let from: Dim = 0;
    return sizes.map(size => {
      const part = sliceOf(x, k, from, size);
      from = dimAdd(from, size);
      return part;
    });
  });
}
/** The tensors along an axis, without it. */
export function unbind<S extends Shape, D extends DType, const X extends number>(x: Tensor<S, D>, axis: Arg<X, Unbind<S, X>>): Parts<Unbind<S, X>, D>;
export function unbind(x: Tensor, axis: number): Tensor[] {
  const { axis: k, count, shape } = unbindRule(shapeOf(x), axis);
  return trailing(unbind, () => Array.from({ length: count }, (_, i) => reshapeTo(sliceOf(x, k, i, 1), shape)));
}

// ---------------------------------------------------------------- joins
type DTypeOf<T> = T extends Tensor<infer _, infer D> ? D : DType;
/** The element type of a list: an index only when all are over one extent. */
type ListDType<L, D = DTypeOf<L extends readonly [infer h, ...infer _] ? h : never>> = L extends readonly [infer h, ...infer t]
  ? ListDType<t, Common<D, DTypeOf<h>>>
  : D;
/** The tensors behind each other along an axis; all else is equal. */
export function concat<const L extends readonly Tensor[], const X extends number, R = Concat<L, X>>(
  list: Arg<L, R>,
  axis: X,
): Tensor<Ok<R>, OkType<R, ListDType<L>>>;
export function concat(list: readonly Tensor[], axis: number): Tensor {
  const { shape, axis: k } = concatRule(list.map(listed), axis);
  return trailing(concat, () => concatOf(list, k, shape));
}
const listed = (x: Tensor): { shape: Shape; dtype: DType } => ({ shape: shapeOf(x), dtype: dtypeOf(x) });
/** Tensors of one shape along a new axis. */
export function stack<const L extends readonly Tensor[], const X extends number>(
  list: Arg<L, Stack<L, X>>,
  axis: X,
): Tensor<Ok<Stack<L, X>>, OkType<Stack<L, X>, ListDType<L>>>;
export function stack(list: readonly Tensor[], axis: number): Tensor {
  const { shape, axis: k } = stackRule(list.map(listed), axis);
  return trailing(stack, () =>
    concatOf(
      list.map(x => reshapeTo(x, shape.toSpliced(k, 0, 1))),
      k,
      shape.toSpliced(k, 0, list.length),
    ),
  );
}
/** More elements before and after each axis, one pair [before, after] an axis; zeros, or `value`. A padded index becomes an i32. */
export function pad<S extends Shape, D extends DType, const P extends Widths>(
  x: Tensor<S, D>,
  widths: Arg<P, Pad<S, P>>,
  options?: { readonly value?: number },
): Tensor<Ok<Pad<S, P>>, D extends object ? 'i32' : D>;
export function pad(x: Tensor, widths: Widths, { value = 0 }: { readonly value?: number } = {}): Tensor {
  const shape = padRule(shapeOf(x), widths);
  return trailing(pad, () =>
    padTo(
      x,
      widths.map(([before]) => before),
      shape,
      value,
    ),
  );
}
