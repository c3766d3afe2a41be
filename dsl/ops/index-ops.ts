// Index tensors: gather, and the sorts. A sort is no loop over swaps: the rank of an element is the number of elements before it, one
// sum of comparisons, and the order is the inverse permutation of the ranks, another. Both are exact on every device, stable, and cheap
// up to a few thousand elements; the comparisons are `nested`, so no N×N value is ever stored.
import type { DType as NodeDType } from '../../common/dtype.ts';
import type { Dim, DimArg, Shape } from '../dim.ts';
import type { Canon } from '../dim-types.ts';
import { axis as axisOf, type HasAxis, withAxis } from '../rules/axis.ts';
import { type OkType, type Plain, plain, type Wants, wants } from '../rules/dtype.ts';
import type { First } from '../rules/first.ts';
import {
  type Gather,
  gather as gatherRule,
  type IndexAlong,
  type OneHot,
  type OneHotCount,
  type OneHotPlain,
  oneHot as oneHotRule,
  type TopK,
  topk as topkRule,
} from '../rules/gather.ts';
import { type Made, madeShape } from '../rules/make.ts';
import { type ScalarFn, scalar } from '../scalar.ts';
import { type Arg, type DType, dtypeOf, type Index, type Ok, record, resolve, type Tensor, trailing, wrap } from '../tensor.ts';
import { permutationOf } from './call.ts';
import { expandAt, iotaOf, map, permuteTo, reduceOf, shapeOf } from './nodes.ts';
import { type Build, scalarType } from './scalar-ops.ts';

// ---------------------------------------------------------------- pairs along an axis
/** A value at every pair (i, j) of positions of an axis: both stand where axis k stood, i before j. Never worth a buffer. */
class Pairs {
  readonly axis: number;
  readonly shape: Shape;
  /** `shape` has j along axis k, of `count` positions i there are as many as asked for. */
  constructor(shape: Shape, axis: number, count: Dim) {
    this.axis = axis;
    this.shape = [...shape.slice(0, axis), count, ...shape.slice(axis)];
  }
  /** x at i: constant in j. */
  atFirst(x: Tensor): Tensor {
    return expandAt(
      x,
      this.shape,
      shapeOf(x).map((_, a) => (a <= this.axis ? a : a + 1)),
    );
  }
  /** x at j: constant in i. */
  atSecond(x: Tensor): Tensor {
    return expandAt(
      x,
      this.shape,
      shapeOf(x).map((_, a) => (a < this.axis ? a : a + 1)),
    );
  }
  get first(): Tensor {
    return iotaOf(this.shape, this.axis);
  }
  get second(): Tensor {
    return iotaOf(this.shape, this.axis + 1);
  }
  /** Σ_j fn(…): the axis i alone remains. */
  sum(fn: ScalarFn, operands: readonly Tensor[], dtype: NodeDType, over?: Dim): Tensor {
    const term = record(map, { op: 'map', fn, nested: true }, operands, this.shape, dtype);
    const total = reduceOf('sum', term, [this.axis + 1]);
    return over === undefined ? total : indexOf(total, over);
  }
}
/** The same node, known to be positions of an axis. */
const indexOf = (x: Tensor, over: Dim): Tensor => wrap({ ...x.node, over });

// ---------------------------------------------------------------- sorting
/** An i32 that orders as the value does. Floats: their bits, with the bits below the sign turned over for negative ones; −0 is 0, and a
 *  NaN stands where its bits do, so ranks are a permutation whatever the data. */
const key: Build = (b, x) => {
  const word = (n: number): number => b.constant(n, 'i32');
  switch (b.type(x!)) {
    case 'f32': {
      const bits = b.op('bits', x!);
      const plain = b.op('select', b.op('eq', bits, word(-(2 ** 31))), word(0), bits);
      return b.op('select', b.op('lt', plain, word(0)), b.op('xor', plain, word(0x7fffffff)), plain);
    }
    case 'u32':
      return b.op('toI32', b.op('xor', x!, b.constant(0x80000000, 'u32')));
    case 'bool':
      return b.op('toI32', x!);
    case 'i32':
      return x!;
  }
};
function keyFn(dtype: NodeDType, descending: boolean): ScalarFn {
  return scalar('key', [scalarType(dtype)], (b, x) => {
    const ascending = key(b, x);
    return descending ? b.op('xor', ascending, b.constant(-1, 'i32')) : ascending;
  });
}
/** 1 when element j stands before element i: a smaller key, or an equal one that came first. */
const precedes = scalar('precedes', ['i32', 'i32', 'i32', 'i32'], (b, keyI, keyJ, i, j) => {
  const earlier = b.op('and', b.op('eq', keyJ, keyI), b.op('lt', j, i));
  return b.op('toI32', b.op('or', b.op('lt', keyJ, keyI), earlier));
});
/** i where the rank at i is p, else 0. */
const placed = scalar('placed', ['i32', 'i32', 'i32'], (b, p, rank, i) => b.op('select', b.op('eq', rank, p), i, b.constant(0, 'i32')));

function ranks(x: Tensor, k: number, descending: boolean): Tensor {
  const n = shapeOf(x)[k]!;
  const keys = map(keyFn(x.node.dtype, descending), [x], 'i32');
  const pairs = new Pairs(shapeOf(x), k, n);
  return pairs.sum(precedes, [pairs.atFirst(keys), pairs.atSecond(keys), pairs.first, pairs.second], 'i32', n);
}
/** Where each of the first `count` ranks stands. */
function orderOf(rank: Tensor, k: number, count: Dim): Tensor {
  const pairs = new Pairs(shapeOf(rank), k, count);
  return pairs.sum(placed, [pairs.first, pairs.atSecond(rank), pairs.second], 'i32', shapeOf(rank)[k]!);
}

export interface SortOptions {
  /** From the largest; equal elements still in their own order. */
  readonly descending?: boolean;
}
/**
 * The stable order that sorts x along an axis (default: the last): gathering by it gives sorted values. Any dtype; −0 equals 0; NaNs
 * stand by their bits, positive ones last. x [..., N, ...] → index over N of the same shape. torch.argsort(stable=True).
 */
export function argsort<S extends Shape, D extends DType, const X extends number = -1, A = HasAxis<S, X, 'argsort'>>(
  x: Tensor<S, D>,
  axis?: Arg<X, A>,
  options?: SortOptions,
): Tensor<S, IndexAlong<S, X>>;
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const k = axisOf(shapeOf(x), axis, 'argsort');
  return trailing(argsort, () => {
    const places = ranks(x, k, options.descending ?? false);
    return permutationOf(orderOf(places, k, shapeOf(x)[k]!), places);
  });
}
/**
 * The place of each element in the stable order along an axis (default: the last): the inverse permutation of `argsort`, so
 * gathering sorted values by it gives x back. x [..., N, ...] → index over N of the same shape.
 */
export function rank<S extends Shape, D extends DType, const X extends number = -1, A = HasAxis<S, X, 'rank'>>(
  x: Tensor<S, D>,
  axis?: Arg<X, A>,
  options?: SortOptions,
): Tensor<S, IndexAlong<S, X>>;
export function rank(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const k = axisOf(shapeOf(x), axis, 'rank');
  return trailing(rank, () => permutationOf(ranks(x, k, options.descending ?? false)));
}
/** The k largest elements along an axis (default: the last), from the largest, and where they stand: x [..., N, ...] → both
 *  [..., k, ...]. torch.topk. */
export function topk<S extends Shape, D extends DType, const N extends DimArg, const X extends number = -1>(
  x: Tensor<S, D>,
  k: Arg<N, TopK<S, N, X>>,
  axis?: Arg<X, HasAxis<S, X, 'topk'>>,
): { readonly values: Tensor<Ok<TopK<S, N, X>>, D>; readonly indices: Tensor<Ok<TopK<S, N, X>>, IndexAlong<S, X>> };
export function topk(x: Tensor, k: unknown, axis = -1): { readonly values: Tensor; readonly indices: Tensor } {
  const count = resolve(k);
  topkRule(shapeOf(x), count, axis);
  return trailing(topk, () => {
    // the gather reads along a last axis: the sorted one goes there and comes back
    const at = axisOf(shapeOf(x), axis, 'topk');
    const last = shapeOf(x).length - 1;
    const away = [...shapeOf(x).keys()].filter(a => a !== at).concat(at);
    const back = [...away.keys()].map(a => away.indexOf(a));
    const moved = permuteTo(x, away);
    const order = orderOf(ranks(moved, last, true), last, count);
    return { values: permuteTo(gatherOf(moved, order, last), back), indices: permuteTo(order, back) };
  });
}

// ---------------------------------------------------------------- gather
/** A gather node; shapes are judged. */
export function gatherOf(x: Tensor, index: Tensor, axis: number): Tensor {
  return record(gatherOf, { op: 'gather', axis }, [x, index], withAxis(shapeOf(x), axis, shapeOf(index)[axis]!), x.node.dtype, x.node.over);
}
/**
 * Elements of x along an axis, chosen by an index over that axis: x [...lead, N, ...rest] and index [...lead, M] over N give
 * [...lead, M, ...rest]. torch.take_along_dim with the index repeated over the trailing axes.
 */
export function gather<
  S extends Shape,
  D extends DType,
  const X extends number,
  I extends Shape,
  E extends DType,
  A = HasAxis<S, X, 'gather'>,
  R = Gather<S, X, I, E>,
>(x: Tensor<S, D>, axis: Arg<X, A>, index: Arg<Tensor<I, E>, R>): Tensor<Ok<R>, D>;
export function gather(x: Tensor, axis: number, index: Tensor): Tensor {
  gatherRule(shapeOf(x), axis, shapeOf(index), dtypeOf(index));
  return trailing(gather, () => gatherOf(x, index, axisOf(shapeOf(x), axis, 'gather')));
}

// ---------------------------------------------------------------- sums and comparisons with positions
type CumsumShape<S extends Shape, D, X> = First<Wants<D, 'number', 'cumsum'>, HasAxis<S, X, 'cumsum'>>;
/** The sum of the elements up to and including each one, along an axis. torch.cumsum, without a change of dtype. */
export function cumsum<S extends Shape, D extends DType, const X extends number>(
  x: Arg<Tensor<S, D>, Wants<D, 'number', 'cumsum'>>,
  axis: Arg<X, HasAxis<S, X, 'cumsum'>>,
): Tensor<Ok<CumsumShape<S, D, X>>, OkType<CumsumShape<S, D, X>, Plain<D>>>;
export function cumsum(x: Tensor, axis: number): Tensor {
  wants(dtypeOf(x), 'number', 'cumsum');
  const k = axisOf(shapeOf(x), axis, 'cumsum');
  const dtype = plain(dtypeOf(x));
  const type = scalarType(dtype);
  const upTo = scalar('upTo', [type, 'i32', 'i32'], (b, value, i, j) => b.op('select', b.op('le', j, i), value, b.constant(0, type)));
  return trailing(cumsum, () => {
    const pairs = new Pairs(shapeOf(x), k, shapeOf(x)[k]!);
    return pairs.sum(upTo, [pairs.atSecond(x), pairs.first, pairs.second], dtype);
  });
}
/**
 * 1 at the index, 0 elsewhere, as f32: index [...] → [..., n]. An index over N need not be given n; a plain i32 must, and gives
 * zeros where it is outside 0 … n − 1. torch.nn.functional.one_hot, in f32.
 */
export function oneHot<S extends Shape, D extends DType, const N extends DimArg | undefined = undefined>(
  index: Arg<Tensor<S, D>, OneHotPlain<D, N>>,
  n?: Arg<N, OneHotCount<D, N>>,
): Tensor<Ok<OneHot<S, D, N>>, 'f32'>;
export function oneHot(index: Tensor, n?: unknown): Tensor {
  const shape = oneHotRule(shapeOf(index), dtypeOf(index), n === undefined ? undefined : resolve(n));
  const last = shape.length - 1;
  const equals = scalar('oneHot', ['i32', 'i32'], (b, i, position) => b.op('toF32', b.op('eq', i, position)));
  return trailing(oneHot, () => map(equals, [expandAt(index, shape, [...shapeOf(index).keys()]), iotaOf(shape, last)], 'f32'));
}
/** 0, 1, … n − 1: an index over n of shape [n]. */
export function iota<const N extends DimArg>(n: Arg<N, Made<[N], 'iota'>>): Tensor<Ok<Made<[N], 'iota'>>, Index<Canon<N> & Dim>>;
export function iota(n: unknown): Tensor {
  return trailing(iota, () => iotaOf(madeShape([n], 'iota'), 0));
}
