// Products summed over an axis: one `contract` node each, whose labels say how axes meet, so nothing is transposed or copied before it.
import { type Dim, type DimArg, dimAdd, type Shape } from '../dim.ts';
import {
  type Conv2d,
  type ConvOptions,
  convBias,
  conv2d as convRule,
  type Linear,
  type LinearBias,
  linearBias,
  linear as linearRule,
  type MatMul,
  matmul as matmulRule,
  type Steps,
} from '../rules/contract.ts';
import { type Agree, agree, type OkType, plain, type Wants, wants } from '../rules/dtype.ts';
import { type Arg, type DType, dtypeOf, type Ok, resolve, type Tensor, trailing } from '../tensor.ts';
import { contractOf, expandAt, map, padTo, reshapeTo, shapeOf, windowOf } from './nodes.ts';
import { prim, scalarOf, scalarType } from './scalar-ops.ts';

/** The first rule that failed, of two on dtypes and the shape's own R. */
type Judge<Op extends string, D, E, R> =
  Wants<D, 'float', Op> extends infer M extends string ? M : Agree<D, E, Op> extends infer M extends string ? M : R;
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function addBias(y: Tensor, bias: Tensor, axis: number): Tensor {
  const dtype = plain(dtypeOf(y));
  const type = scalarType(dtype);
  const expanded = expandAt(bias, shapeOf(y), [axis]);
  return map(scalarOf('add', prim('add'), [type, type], type), [y, expanded], dtype);
}

/** a [..., M, K] · b [..., K, N] → [..., M, N], floats of one dtype. The leading axes broadcast one-sided, as in `add`; halves are summed
 *  as f32. */
export function matmul<A extends Shape, B extends Shape, D extends DType, E extends DType>(
  a: Arg<Tensor<A, D>, Wants<D, 'float', 'matmul'>>,
  b: Arg<Tensor<B, E>, Judge<'matmul', D, E, MatMul<A, B>>>,
): Tensor<Ok<Judge<'matmul', D, E, MatMul<A, B>>>, OkType<Judge<'matmul', D, E, MatMul<A, B>>, D>>;
export function matmul(a: Tensor, b: Tensor): Tensor {
  wants(dtypeOf(a), 'float', 'matmul');
  agree(dtypeOf(a), dtypeOf(b), 'matmul');
  const shape = matmulRule(shapeOf(a), shapeOf(b));
  const batch = shape.length - 2;
  return trailing(matmul, () => {
    const left = ownBatch(a, shape, batch);
    const right = ownBatch(b, shape, batch);
    const [m, k, n] = [letters[batch]!, letters[batch + 1]!, letters[batch + 2]!];
    return contractOf([left.labels + m + k, right.labels + k + n], letters.slice(0, batch) + m + n, left.x, right.x);
  });
}
/** x without the leading axes of 1 that repeat in the result, and the letters of those that stay. */
function ownBatch(x: Tensor, out: Shape, batch: number): { readonly x: Tensor; readonly labels: string } {
  const s = shapeOf(x);
  const lead = batch - (s.length - 2);
  const stays = s.slice(0, -2).map((d, i) => d === out[lead + i]);
  return {
    x: reshapeTo(
      x,
      s.filter((_, i) => stays[i] ?? true),
    ),
    labels: stays.map((stay, i) => (stay ? letters[lead + i]! : '')).join(''),
  };
}

/** The shape, or the first message of x, weight and bias. */
type LinearShape<A extends Shape, W extends Shape, B extends Shape, D, E, F> =
  Judge<'linear', D, E, Linear<A, W>> extends infer R
    ? R extends string
      ? R
      : Judge<'linear', D, F, LinearBias<W, B>> extends infer M extends string
        ? M
        : R
    : never;
/** x [..., in] · weightᵀ + bias for a weight [out, in], the layout of checkpoints, and a bias [out] → [..., out]. */
export function linear<
  A extends Shape,
  W extends Shape,
  D extends DType,
  E extends DType,
  B extends Shape = Shape,
  F extends DType = D,
  RX = Wants<D, 'float', 'linear'>,
  RW = Judge<'linear', D, E, Linear<A, W>>,
  RB = Judge<'linear', D, F, LinearBias<W, B>>,
  R = LinearShape<A, W, B, D, E, F>,
>(x: Arg<Tensor<A, D>, RX>, weight: Arg<Tensor<W, E>, RW>, bias?: Arg<Tensor<B, F>, RB>): Tensor<Ok<R>, OkType<R, D>>;
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  wants(dtypeOf(x), 'float', 'linear');
  agree(dtypeOf(x), dtypeOf(weight), 'linear');
  const shape = linearRule(shapeOf(x), shapeOf(weight));
  if (bias) {
    agree(dtypeOf(x), dtypeOf(bias), 'linear');
    linearBias(shapeOf(weight), shapeOf(bias));
  }
  return trailing(linear, () => {
    const lead = letters.slice(0, shape.length - 1);
    const [i, o] = [letters[shape.length - 1]!, letters[shape.length]!];
    const y = contractOf([lead + i, o + i], lead + o, x, weight);
    return bias ? addBias(y, bias, shape.length - 1) : y;
  });
}

type ConvBiasType<D, O> = O extends { readonly bias: Tensor<infer _, infer F> } ? Agree<D, F, 'conv2d'> : true;
const pair = (step: Step): readonly [Dim, Dim] => {
  const both = typeof step === 'object' && 'length' in step ? step : [step, step];
  return [resolve(both[0]), resolve(both[1])];
};
type Conv2dShape<X extends Shape, W extends Shape, D, E, O> =
  Judge<'conv2d', D, E, Conv2d<X, W, O>> extends infer R ? (R extends string ? R : Options<W, D, O> extends infer M extends string ? M : R) : never;
type Options<W extends Shape, D, O> =
  Steps<O> extends infer E extends string ? E : ConvBiasType<D, O> extends infer M extends string ? M : ConvOptions<W, O>;
type Step = DimArg | readonly [DimArg, DimArg];
export interface Conv2dOptions {
  /** Of height and width; default 1. */
  readonly stride?: Step;
  /** Zeros on each side of height and width; default 0. */
  readonly pad?: Step;
  /** [out]. */
  readonly bias?: Tensor;
}
/** x [N, C, H, W] by a weight [O, C, P, Q] → [N, O, ⌊(H + 2·pad − P)/stride⌋ + 1, …], as PyTorch's conv2d (a correlation). Windows of x
 *  are index arithmetic and the product is one `contract`: no buffer of columns is made. */
export function conv2d<X extends Shape, W extends Shape, D extends DType, E extends DType, const O extends Conv2dOptions = Record<never, never>>(
  x: Arg<Tensor<X, D>, Wants<D, 'float', 'conv2d'>>,
  weight: Arg<Tensor<W, E>, Judge<'conv2d', D, E, Conv2d<X, W, O>>>,
  options?: Arg<O, Options<W, D, O>>,
): Tensor<Ok<Conv2dShape<X, W, D, E, O>>, OkType<Conv2dShape<X, W, D, E, O>, D>>;
export function conv2d(x: Tensor, weight: Tensor, options: Conv2dOptions = {}): Tensor {
  const { bias } = options;
  wants(dtypeOf(x), 'float', 'conv2d');
  agree(dtypeOf(x), dtypeOf(weight), 'conv2d');
  const steps = { stride: pair(options.stride ?? 1), pad: pair(options.pad ?? 0) };
  const { shape, stride, pad } = convRule(shapeOf(x), shapeOf(weight), steps);
  if (bias) {
    agree(dtypeOf(x), dtypeOf(bias), 'conv2d');
    convBias(shapeOf(weight), shapeOf(bias));
  }
  return trailing(conv2d, () => {
    const [n, c, h, w] = shapeOf(x) as [Dim, Dim, Dim, Dim];
    const [, , p, q] = shapeOf(weight) as [Dim, Dim, Dim, Dim];
    const [, , rows, columns] = shape as [Dim, Dim, Dim, Dim];
    const padded = padTo(x, [0, 0, ...pad], [n, c, dimAdd(h, 2 * pad[0]), dimAdd(w, 2 * pad[1])], 0);
    const windows = windowOf(windowOf(padded, 2, rows, p, stride[0]), 4, columns, q, stride[1]);
    const y = contractOf(['nchpwq', 'ocpq'], 'nohw', windows, weight);
    return bias ? addBias(y, bias, 1) : y;
  });
}
