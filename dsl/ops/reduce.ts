// Reductions. Only sum, max and min exist as nodes; the rest is made of them, so that fusion and derivatives know three cases.
import type { Dim, Shape } from '../dim.ts';
import { type Axes, axes as axesOf } from '../rules/axis.ts';
import { type Elementwise, type Kind, type OkType, plain, type Wants, wants } from '../rules/dtype.ts';
import type { First } from '../rules/first.ts';
import {
  type ArgIndex,
  argExtent,
  type Correction,
  correction as correctionRule,
  type KeepDims,
  type Reduce,
  reduce as reduceRule,
} from '../rules/reduce.ts';
import { type Arg, type DType, dtypeOf, type Ok, type Tensor, trailing } from '../tensor.ts';
import { constant, expandAt, expandTo, extent, iotaOf, map, reduceOf, reshapeTo, shapeOf } from './nodes.ts';
import { convert, notANumber, prim, scalarOf, scalarType } from './scalar-ops.ts';

// ---------------------------------------------------------------- sum, max, min, any, all
/** A reduction over one axis, several, or all (none given). */
export type ReduceOp<Op extends string, K extends Kind> = <
  S extends Shape,
  D extends DType,
  const X extends Axes | undefined = undefined,
  const O extends KeepDims = Record<never, never>,
  W = Wants<D, K, Op>,
  R = Reduce<S, X, O, Op>,
>(
  x: Arg<Tensor<S, D>, W>,
  axis?: Arg<X, R>,
  options?: O,
) => Tensor<Ok<First<W, R>>, OkType<W, Reduced<D, Op>>>;
/** sum counts bools; an index becomes an i32. */
type Reduced<D, Op> = D extends object ? 'i32' : Op extends 'sum' ? (D extends 'bool' ? 'i32' : D) : D;
function reduceOp<Op extends string, K extends Kind>(name: Op, kind: K, body: (x: Tensor, axes: readonly number[]) => Tensor): ReduceOp<Op, K> {
  const op = Object.defineProperty(
    (x: Tensor, axis?: Axes, { keepDims = false }: KeepDims = {}): Tensor => {
      wants(dtypeOf(x), kind, name);
      const { axes, kept } = reduceRule(shapeOf(x), axis, name);
      return trailing(op, () => {
        const y = body(x, axes);
        return keepDims ? reshapeTo(y, kept) : y;
      });
    },
    'name',
    { value: name },
  );
  return op as ReduceOp<Op, K>;
}

/** x as a plain i32 where it is a bool or an index. */
function counted(x: Tensor): Tensor {
  if (x.node.dtype !== 'bool') return x;
  return map(scalarOf('cast', convert('i32'), ['bool'], 'i32'), [x], 'i32');
}
/** The sum; of bools the count, as an i32. Integers wrap, halves are summed as f32. */
export const sum = reduceOp('sum', 'any', (x, axes) => reduceOf('sum', counted(x), axes));
/** The largest value; NaN where there is one. Ties share its gradient. */
export const max = reduceOp('max', 'number', (x, axes) => reduceOf('max', x, axes));
/** The smallest value; NaN where there is one. Ties share its gradient. */
export const min = reduceOp('min', 'number', (x, axes) => reduceOf('min', x, axes));
/** Does one hold? */
export const any = reduceOp('any', 'bool', (x, axes) => reduceOf('max', x, axes));
/** Do all hold? */
export const all = reduceOp('all', 'bool', (x, axes) => reduceOf('min', x, axes));
/** The mean, of floats; the extent may be a symbol. */
export const mean = reduceOp('mean', 'float', meanOf);

// ---------------------------------------------------------------- mean and variance
/** sum / (n − less) over the axes; n is known or read at run time. */
function average(total: Tensor, n: Dim, less: number): Tensor {
  const dtype = plain(dtypeOf(total));
  if (typeof n === 'number') return map(scalarOf('divide', prim('div'), ['f32', Math.max(n - less, 0)], 'f32'), [total], dtype);
  const count = map(
    scalarOf(
      'count',
      (b, k) => b.op('toF32', less === 0 ? k : b.op('max', b.op('sub', k, b.constant(less, 'i32')), b.constant(0, 'i32'))),
      ['i32'],
      'i32',
    ),
    [extent(n)],
  );
  return map(scalarOf('divide', prim('div'), ['f32', 'f32'], 'f32'), [total, expandTo(count, shapeOf(total))], dtype);
}
function meanOf(x: Tensor, axes: readonly number[]): Tensor {
  return average(reduceOf('sum', x, axes), argExtent(shapeOf(x), axes), 0);
}
/** y, which lost the axes, in the shape of x again. */
function spread(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return expandAt(
    y,
    shapeOf(x),
    shapeOf(x)
      .map((_, i) => i)
      .filter(i => !axes.includes(i)),
  );
}

export interface VarianceOptions extends KeepDims {
  /** Divides by n − correction; default 1, the unbiased estimate. */
  readonly correction?: number;
}
/** The mean square distance from the mean, unbiased unless `correction: 0`, in two passes (the naive one loses all digits at a large
 *  mean). */
export function variance<
  S extends Shape,
  D extends DType,
  const X extends Axes | undefined = undefined,
  const O extends VarianceOptions = Record<never, never>,
  W = Wants<D, 'float', 'variance'>,
  R = Reduce<S, X, O, 'variance'>,
  C = Correction<O>,
>(x: Arg<Tensor<S, D>, W>, axis?: Arg<X, R>, options?: Arg<O, C>): Tensor<Ok<First<W, First<C, R>>>, OkType<W, D>>;
export function variance(x: Tensor, axis?: Axes, { keepDims = false, correction = 1 }: VarianceOptions = {}): Tensor {
  wants(dtypeOf(x), 'float', 'variance');
  const { axes, kept } = reduceRule(shapeOf(x), axis, 'variance');
  correctionRule(correction);
  return trailing(variance, () => {
    const wide = asF32(x);
    const square = scalarOf(
      'squaredDistance',
      (b, value, mean) => {
        const distance = b.op('sub', value!, mean!);
        return b.op('mul', distance, distance);
      },
      ['f32', 'f32'],
      'f32',
    );
    const squares = map(square, [wide, spread(meanOf(wide, axes), wide, axes)]);
    const y = average(reduceOf('sum', squares, axes), argExtent(shapeOf(x), axes), correction);
    const narrow = x.node.dtype === 'f16' ? map(scalarOf('cast', convert('f32'), ['f32'], 'f32'), [y], 'f16') : y;
    return keepDims ? reshapeTo(narrow, kept) : narrow;
  });
}
/** Halves as f32, so that only the result is rounded. */
function asF32(x: Tensor): Tensor {
  return x.node.dtype === 'f16' ? map(scalarOf('cast', convert('f32'), ['f32'], 'f32'), [x], 'f32') : x;
}

// ---------------------------------------------------------------- argmax, argmin
export type ArgReduceOp<Op extends string> = <
  S extends Shape,
  D extends DType,
  const X extends Axes | undefined = undefined,
  const O extends KeepDims = Record<never, never>,
>(
  x: Arg<Tensor<S, D>, Wants<D, 'number', Op>>,
  axis?: Arg<X, Reduce<S, X, O, Op>>,
  options?: O,
) => Tensor<Ok<Elementwise<Reduce<S, X, O, Op>, D, 'number', Op>>, OkType<Wants<D, 'number', Op>, ArgIndex<S, X>>>;
/** The first position of the extreme value m: the least of where(x = m or x is NaN, position, n). So only sum, max and min exist. */
function argOp<Op extends string>(name: Op, kind: 'max' | 'min'): ArgReduceOp<Op> {
  const op = Object.defineProperty(
    (x: Tensor, axis?: Axes, { keepDims = false }: KeepDims = {}): Tensor => {
      wants(dtypeOf(x), 'number', name);
      const { axes, kept } = reduceRule(shapeOf(x), axis, name);
      const given = axis === undefined ? axes : axesOf(shapeOf(x), axis, name);
      return trailing(op, () => {
        const n = argExtent(shapeOf(x), given);
        const type = scalarType(plain(dtypeOf(x)));
        const best = spread(reduceOf(kind, x, axes), x, axes);
        const pick = scalarOf(
          name,
          (b, value, extreme, position, none) => b.op('select', b.op('or', b.op('eq', value!, extreme!), notANumber(b, value!)), position!, none!),
          [type, type, 'i32', 'i32'],
          'i32',
        );
        const places = map(pick, [x, best, positions(x, given), expandTo(number(n), shapeOf(x))]);
        const first = reduceOf('min', places, axes);
        return asIndex(keepDims ? reshapeTo(first, kept) : first, n);
      });
    },
    'name',
    { value: name },
  );
  return op as ArgReduceOp<Op>;
}
const number = (n: Dim): Tensor => (typeof n === 'number' ? constant(n, 'i32') : extent(n));
/** The row-major position in the given axes, as an i32 of the shape of x. */
function positions(x: Tensor, axes: readonly number[]): Tensor {
  const shape = shapeOf(x);
  if (axes.length === 0) return expandTo(constant(0, 'i32'), shape);
  const step = scalarOf('position', (b, before, size, position) => b.op('add', b.op('mul', before!, size!), position!), ['i32', 'i32', 'i32'], 'i32');
  return axes
    .map(axis => ({ axis, position: iotaOf(shape, axis) }))
    .reduce((before, next) => ({
      axis: next.axis,
      position: map(step, [before.position, expandTo(number(shape[next.axis]!), shape), next.position]),
    })).position;
}
/** The same values as an index over n. */
const asIndex = (x: Tensor, n: Dim): Tensor => map({ name: 'index', params: ['i32'], body: [], result: 0 }, [x], 'i32', n);

/** The first position of the largest value (of a NaN, if there is one) along an axis: an index over that axis. Over several axes, or
 *  all, the position is row-major in them. */
export const argmax = argOp('argmax', 'max');
/** The first position of the smallest value; see argmax. */
export const argmin = argOp('argmin', 'min');
