// The nodes that ops are made of: one function a node kind, on tensors whose shapes are already judged. They are called inside
// `trailing`, which gives all nodes of an op its call and its name.
import type { DType as NodeDType } from '../../common/dtype.ts';
import { type Dim, dimMul, type Shape } from '../dim.ts';
import type { ReduceKind } from '../graph.ts';
import { sameShape } from '../rules/axis.ts';
import { resultType, rounded, type ScalarFn } from '../scalar.ts';
import { record, type Tensor, wrap } from '../tensor.ts';
import { convert, prim, scalarOf } from './scalar-ops.ts';

export const shapeOf = (x: Tensor): Shape => x.node.shape;

/** fn over tensors of one shape. f16 is rounded here; `over` marks an index. */
export function map(fn: ScalarFn, xs: readonly Tensor[], dtype: NodeDType = resultType(fn), over?: Dim): Tensor {
  return record(map, { op: 'map', fn: dtype === 'f16' ? rounded(fn) : fn }, xs, shapeOf(xs[0]!), dtype, over);
}
export function constant(value: number, dtype: NodeDType): Tensor {
  return record(constant, { op: 'const', value }, [], [], dtype);
}
/** The same value, which fused kernels keep inside: too large to be worth a buffer. */
export const fleeting = (x: Tensor): Tensor => wrap({ ...x.node, fleeting: true });
/** A size as an i32 of shape []. */
export function extent(dim: Dim): Tensor {
  return record(extent, { op: 'extent', dim }, [], [], 'i32');
}
/** The position along an axis. */
export function iotaOf(shape: Shape, axis: number): Tensor {
  return record(iotaOf, { op: 'iota', axis }, [], shape, 'i32', shape[axis]!);
}
/** A reduction that drops its axes; halves are summed as f32 and rounded once. */
export function reduceOf(kind: ReduceKind, x: Tensor, axes: readonly number[]): Tensor {
  if (axes.length === 0 && x.node.over === undefined) return x; // what comes of an index is a plain integer
  const shape = shapeOf(x).filter((_, i) => !axes.includes(i));
  const y = record(reduceOf, { op: 'reduce', kind, axes }, [x], shape, x.node.dtype);
  return kind === 'sum' ? half(y) : y;
}
/** Sums the labels that `out` lacks from a·b; halves as above. */
export function contractOf(labels: readonly [string, string], out: string, a: Tensor, b: Tensor): Tensor {
  const size = new Map<string, Dim>();
  [a, b].forEach((x, side) => {
    for (const [i, letter] of [...labels[side]!].entries()) size.set(letter, shapeOf(x)[i]!);
  });
  const shape = [...out].map(letter => size.get(letter)!);
  return half(record(contractOf, { op: 'contract', labels, out }, [a, b], shape, a.node.dtype));
}
const roundHalf: ScalarFn = { name: 'round', params: ['f32'], body: [], result: 0 };
const half = (x: Tensor): Tensor => (x.node.dtype === 'f16' ? map(roundHalf, [x], 'f16') : x);

// ---------------------------------------------------------------- views: an index stays an index
export function reshapeTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(shape, shapeOf(x)) ? x : record(reshapeTo, { op: 'view', view: 'reshape' }, [x], shape, x.node.dtype, x.node.over);
}
export function permuteTo(x: Tensor, order: readonly number[]): Tensor {
  if (order.every((o, i) => o === i)) return x;
  return record(
    permuteTo,
    { op: 'view', view: 'permute', order },
    [x],
    order.map(o => shapeOf(x)[o]!),
    x.node.dtype,
    x.node.over,
  );
}
/** Axis i of x stands at out axis at[i]; what is new, and what was 1, repeats. */
export function expandAt(x: Tensor, shape: Shape, at: readonly number[]): Tensor {
  return sameShape(shape, shapeOf(x)) ? x : record(expandAt, { op: 'view', view: 'expand', at }, [x], shape, x.node.dtype, x.node.over);
}
/** Broadcasts to the trailing axes of `shape`. */
export const expandTo = (x: Tensor, shape: Shape): Tensor => {
  const lead = shape.length - shapeOf(x).length;
  return expandAt(
    x,
    shape,
    shapeOf(x).map((_, i) => lead + i),
  );
};
export function sliceOf(x: Tensor, axis: number, from: Dim, count: Dim, step = 1): Tensor {
  if (from === 0 && step === 1 && count === shapeOf(x)[axis]) return x;
  const shape = shapeOf(x).map((d, i) => (i === axis ? count : d));
  return record(sliceOf, { op: 'view', view: 'slice', axis, from, step }, [x], shape, x.node.dtype, x.node.over);
}
export function flipOf(x: Tensor, axis: number): Tensor {
  return record(flipOf, { op: 'view', view: 'flip', axis }, [x], shapeOf(x), x.node.dtype, x.node.over);
}
/** The axis becomes [count, size]: [i, k] reads i·stride + k. */
export function windowOf(x: Tensor, axis: number, count: Dim, size: Dim, stride: number): Tensor {
  const shape = shapeOf(x).flatMap((d, i) => (i === axis ? [count, size] : [d]));
  return record(windowOf, { op: 'view', view: 'window', axis, stride }, [x], shape, x.node.dtype, x.node.over);
}
/** `low` elements of `value` in front of each axis, and as many behind as `shape` has room for. */
export function padTo(x: Tensor, low: readonly number[], shape: Shape, value: number): Tensor {
  if (sameShape(shape, shapeOf(x)) && x.node.over === undefined) return x;
  return record(padTo, { op: 'pad', low, value }, [x], shape, x.node.dtype);
}
export function concatOf(xs: readonly Tensor[], axis: number, shape: Shape): Tensor {
  const [first] = xs as [Tensor];
  const over = xs.every(x => x.node.over === first.node.over) ? first.node.over : undefined;
  return xs.length === 1 ? first : record(concatOf, { op: 'concat', axis }, xs, shape, first.node.dtype, over);
}
/** x / n; n is known or read at run time. */
export function over(x: Tensor, n: Dim): Tensor {
  if (typeof n === 'number') return map(scalarOf('div', prim('div'), ['f32', n], 'f32'), [x]);
  return map(quotient, [x, map(toF32, [extentLike([n], x)])]);
}
const quotient = scalarOf('div', prim('div'), ['f32', 'f32'], 'f32');
const toF32 = scalarOf('toF32', convert('f32'), ['i32'], 'i32');
/** The product of some dims as an i32 of shape [], in the shape of `like`. */
export const extentLike = (dims: Shape, like: Tensor): Tensor => expandTo(extent(dims.reduce<Dim>(dimMul, 1)), shapeOf(like));
