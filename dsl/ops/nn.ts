// Softmax and its relations, layer normalisation, attention and the classifier's loss, over the nodes below: no kernel is written for
// any of them. Each is a `call`, so that its derivative is the textbook one (dsl/ops/call.ts). All are computed as f32.
import { type Dim, prod, type Shape } from '../dim.ts';
import { axis as axisOf, type HasAxis } from '../rules/axis.ts';
import { type Agree, agree, type OkType, type Wants, wants } from '../rules/dtype.ts';
import type { First } from '../rules/first.ts';
import {
  type Attention,
  type AttnBias,
  type AttnKey,
  type AttnQuery,
  attnBias,
  attnKey,
  attnQuery,
  attnValue,
  crossEntropy as crossEntropyRule,
  type LossLabels,
  type LossRank,
  lossSmoothing,
  type NormParam,
  type NormRank,
  normEps,
  normParam,
  normRank,
} from '../rules/nn.ts';
import type { Reduce } from '../rules/reduce.ts';
import { type ScalarFn, scalar } from '../scalar.ts';
import { type Arg, type DType, dtypeOf, type Ok, record, type Tensor, trailing } from '../tensor.ts';
import { callOf, narrow, widen } from './call.ts';
import { gatherOf } from './index-ops.ts';
import { constant, contractOf, expandAt, expandTo, extent, fleeting, map, over, reduceOf, reshapeTo, shapeOf } from './nodes.ts';
import { prim, scalarOf } from './scalar-ops.ts';

type AxisShape<S extends Shape, D, X, Op extends string> = First<Wants<D, 'float', Op>, HasAxis<S, X, Op>>;
type AxisOp<Op extends string> = <S extends Shape, D extends DType, const X extends number>(
  x: Arg<Tensor<S, D>, Wants<D, 'float', Op>>,
  axis: Arg<X, HasAxis<S, X, Op>>,
) => Tensor<Ok<AxisShape<S, D, X, Op>>, OkType<AxisShape<S, D, X, Op>, D>>;

// ---------------------------------------------------------------- scalar functions
const multiply = scalarOf('mul', prim('mul'), ['f32', 'f32'], 'f32');
const divide = scalarOf('div', prim('div'), ['f32', 'f32'], 'f32');
const subtract = scalarOf('sub', prim('sub'), ['f32', 'f32'], 'f32');
const plusLog = scalar('plusLog', ['f32', 'f32'], (b, x, y) => b.op('add', x, b.op('log', y)));
const minusLog = scalar('minusLog', ['f32', 'f32'], (b, x, y) => b.op('sub', x, b.op('log', y)));
const expDifference = scalar('expDifference', ['f32', 'f32'], (b, x, y) => b.op('exp', b.op('sub', x, y)));

/** A statistic along axis k, which it lost, at every element of x. */
const along = (statistic: Tensor, x: Tensor, k: number): Tensor =>
  expandAt(
    statistic,
    shapeOf(x),
    [...shapeOf(x).keys()].filter(a => a !== k),
  );
/** The maximum along k; no gradient flows through it, because every use is invariant to it. */
function ceilingOf(x: Tensor, k: number): Tensor {
  const m = reduceOf('max', x, [k]);
  return record(ceilingOf, { op: 'stop' }, [m], shapeOf(m), 'f32');
}
interface Exponentials {
  /** The maximum along the axis. */
  readonly m: Tensor;
  /** exp(x − m): no larger than 1, whatever x, and never 0/0: one of them is 1. */
  readonly e: Tensor;
  /** Σ e along the axis. */
  readonly l: Tensor;
}
function exponentials(x: Tensor, k: number, mark: (e: Tensor) => Tensor = e => e): Exponentials {
  const m = ceilingOf(x, k);
  const e = mark(map(expDifference, [x, along(m, x, k)]));
  return { m, e, l: reduceOf('sum', e, [k]) };
}

// ---------------------------------------------------------------- softmax, logSoftmax, logsumexp
function axisOp<Op extends string>(name: Op, body: (x: Tensor, k: number) => Tensor): AxisOp<Op> {
  const op = Object.defineProperty(
    (x: Tensor, axis: number): Tensor => {
      wants(dtypeOf(x), 'float', name);
      const k = axisOf(shapeOf(x), axis, name);
      return trailing(op, () => narrow(body(widen(x), k), x));
    },
    'name',
    { value: name },
  );
  return op as AxisOp<Op>;
}
/** exp(x) / Σ exp(x) along an axis, the maximum subtracted first. Masks are large finite numbers, never −Infinity. */
export const softmax = axisOp('softmax', (x, k) => {
  const { e, l } = exponentials(x, k);
  return callOf('softmax', map(divide, [e, along(l, x, k)]), [], [x, constant(k, 'i32')]);
});
/** log(softmax(x)) along an axis, without the logarithm of a small quotient. */
export const logSoftmax = axisOp('logSoftmax', (x, k) => {
  const { m, l } = exponentials(x, k);
  const shifted = map(subtract, [x, along(m, x, k)]);
  return callOf('logSoftmax', map(minusLog, [shifted, along(l, x, k)]), [], [x, constant(k, 'i32')]);
});
type Without<S extends Shape, D, X> = First<Wants<D, 'float', 'logsumexp'>, Reduce<S, X, Record<never, never>, 'logsumexp'>>;
/** log Σ exp(x) along an axis, which is dropped. */
export function logsumexp<S extends Shape, D extends DType, const X extends number>(
  x: Arg<Tensor<S, D>, Wants<D, 'float', 'logsumexp'>>,
  axis: Arg<X, HasAxis<S, X, 'logsumexp'>>,
): Tensor<Ok<Without<S, D, X>>, OkType<Without<S, D, X>, D>>;
export function logsumexp(x: Tensor, axis: number): Tensor {
  wants(dtypeOf(x), 'float', 'logsumexp');
  const k = axisOf(shapeOf(x), axis, 'logsumexp');
  return trailing(logsumexp, () => {
    const { m, l } = exponentials(widen(x), k);
    return narrow(map(plusLog, [m, l]), x);
  });
}

// ---------------------------------------------------------------- layerNorm
export interface NormOptions {
  /** Added to the variance; default 1e-6, as in ViT. */
  readonly eps?: number;
}
const rootOf = (eps: number): ScalarFn => scalar('rsqrt', ['f32'], (b, variance) => b.op('rsqrt', b.op('add', variance, b.constant(eps))));
const affine = scalar('affine', ['f32', 'f32', 'f32', 'f32'], (b, centred, r, weight, bias) =>
  b.op('add', b.op('mul', b.op('mul', centred, r), weight), bias),
);
type NormShape<A extends Shape, D> = First<Wants<D, 'float', 'layerNorm'>, First<NormRank<A>, A>>;
/**
 * (x − mean)/√(variance + eps)·weight + bias over the last axis (Ba, Kiros and Hinton 2016), with the biased variance in a second pass,
 * so that a large mean costs no digits. x [..., D], weight [D], bias [D] → [..., D].
 */
export function layerNorm<
  A extends Shape,
  D extends DType,
  W extends Shape,
  E extends DType,
  B extends Shape,
  F extends DType,
  R = NormShape<A, D>,
  RW = First<Agree<D, E, 'layerNorm'>, NormParam<A, W, 'weight'>>,
  RB = First<Agree<D, F, 'layerNorm'>, NormParam<A, B, 'bias'>>,
>(x: Arg<Tensor<A, D>, R>, weight: Arg<Tensor<W, E>, RW>, bias: Arg<Tensor<B, F>, RB>, options?: NormOptions): Tensor<Ok<R>, OkType<R, D>>;
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, { eps = 1e-6 }: NormOptions = {}): Tensor {
  wants(dtypeOf(x), 'float', 'layerNorm');
  normRank(shapeOf(x));
  agree(dtypeOf(x), dtypeOf(weight), 'layerNorm');
  normParam(shapeOf(x), shapeOf(weight), 'weight');
  agree(dtypeOf(x), dtypeOf(bias), 'layerNorm');
  normParam(shapeOf(x), shapeOf(bias), 'bias');
  normEps(eps);
  return trailing(layerNorm, () => {
    const [wide, w, b] = [x, weight, bias].map(widen) as [Tensor, Tensor, Tensor];
    const k = shapeOf(x).length - 1;
    const n = shapeOf(x)[k]!;
    const mean = over(reduceOf('sum', wide, [k]), n);
    const centred = map(subtract, [wide, along(mean, wide, k)]);
    const r = map(rootOf(eps), [over(reduceOf('sum', map(multiply, [centred, centred]), [k]), n)]);
    const y = map(affine, [centred, along(r, wide, k), expandTo(w, shapeOf(x)), expandTo(b, shapeOf(x))]);
    return narrow(callOf('layerNorm', y, [mean, r], [wide, w, b]), x);
  });
}

// ---------------------------------------------------------------- attention
export interface AttentionOptions {
  /** Added to the scaled scores [..., N, M], to which it broadcasts: relative positions, or a mask of large negative numbers. */
  readonly bias?: Tensor;
  /** Multiplies q·k; default 1/√K. */
  readonly scale?: number;
}
type BiasType<D, O> = O extends { readonly bias: Tensor<infer _, infer F> } ? Agree<D, F, 'attention'> : true;
const scaled = scalar('scaledScore', ['f32', 'f32'], (b, score, scale) => b.op('mul', score, scale));
const biased = scalar('biasedScore', ['f32', 'f32', 'f32'], (b, score, scale, bias) => b.op('add', b.op('mul', score, scale), bias));
const inverseRoot = scalar('inverseRoot', ['i32'], (b, n) => b.op('rsqrt', b.op('toF32', n)));
const inverseRootOf = (n: Dim): Tensor => (typeof n === 'number' ? constant(1 / Math.sqrt(n), 'f32') : map(inverseRoot, [extent(n)]));
const letters = 'abcdefghijklmnopqrstuvwxyz';
type AttnShape<Q extends Shape, K extends Shape, V extends Shape, D> = First<Wants<D, 'float', 'attention'>, First<AttnQuery<Q>, Attention<Q, K, V>>>;
/**
 * softmax(q·kᵀ·scale + bias)·v (Vaswani et al. 2017): q [..., N, K], k [..., M, K], v [..., M, V] → [..., N, V]. The division by the
 * sum of exponentials stands outside the sum over v, as in FlashAttention (Dao et al. 2022), so that the sum can run online.
 */
export function attention<
  Q extends Shape,
  D extends DType,
  K extends Shape,
  E extends DType,
  V extends Shape,
  F extends DType,
  const O extends AttentionOptions = Record<never, never>,
  RQ = First<Wants<D, 'float', 'attention'>, AttnQuery<Q>>,
  RK = First<Agree<D, E, 'attention'>, AttnKey<Q, K>>,
  RV = First<Agree<D, F, 'attention'>, Attention<Q, K, V>>,
  RO = First<BiasType<D, O>, AttnBias<Q, K, O>>,
  R = AttnShape<Q, K, V, D>,
>(q: Arg<Tensor<Q, D>, RQ>, k: Arg<Tensor<K, E>, RK>, v: Arg<Tensor<V, F>, RV>, options?: Arg<O, RO>): Tensor<Ok<R>, OkType<R, D>>;
export function attention(q: Tensor, k: Tensor, v: Tensor, { bias, scale }: AttentionOptions = {}): Tensor {
  wants(dtypeOf(q), 'float', 'attention');
  attnQuery(shapeOf(q));
  agree(dtypeOf(q), dtypeOf(k), 'attention');
  attnKey(shapeOf(q), shapeOf(k));
  agree(dtypeOf(q), dtypeOf(v), 'attention');
  attnValue(shapeOf(q), shapeOf(k), shapeOf(v));
  if (bias) {
    agree(dtypeOf(q), dtypeOf(bias), 'attention');
    attnBias(shapeOf(q), shapeOf(k), shapeOf(bias));
  }
  return trailing(attention, () => {
    const [wq, wk, wv] = [q, k, v].map(widen) as [Tensor, Tensor, Tensor];
    const [rank, depth] = [shapeOf(q).length, shapeOf(q).at(-1)!];
    const lead = letters.slice(0, rank - 2);
    const products = fleeting(contractOf([`${lead}NK`, `${lead}MK`], `${lead}NM`, wq, wk));
    const factor = scale === undefined ? inverseRootOf(depth) : constant(scale, 'f32');
    const scores = fleeting(
      bias
        ? map(biased, [products, expandTo(factor, shapeOf(products)), expandTo(widen(bias), shapeOf(products))])
        : map(scaled, [products, expandTo(factor, shapeOf(products))]),
    );
    const { m, e, l } = exponentials(scores, rank - 1, fleeting);
    const sum = contractOf([`${lead}NM`, `${lead}MV`], `${lead}NV`, e, wv);
    const y = map(divide, [sum, along(l, sum, rank - 1)]);
    return narrow(callOf('attention', y, [map(plusLog, [m, l])], [wq, wk, wv, factor, ...(bias ? [widen(bias)] : [])]), q);
  });
}

// ---------------------------------------------------------------- crossEntropy
export interface LossOptions {
  /** The share ε of the target that is spread evenly over the classes (Szegedy et al. 2016); default 0. */
  readonly smoothing?: number;
}
type LossShape<A extends Shape, I extends Shape, D, E> = First<Wants<D, 'float', 'crossEntropy'>, First<First<LossRank<A>, LossLabels<A, I, E>>, []>>;
/**
 * The mean over all rows of −Σ_c t_c·log softmax(logits)_c, where the target t is 1 − ε at the label and ε/C everywhere more:
 * logits [..., C], labels [...] over C → []. torch.nn.functional.cross_entropy with classes last.
 */
export function crossEntropy<A extends Shape, D extends DType, I extends Shape, E extends DType>(
  logits: Arg<Tensor<A, D>, First<Wants<D, 'float', 'crossEntropy'>, First<LossRank<A>, A>>>,
  labels: Arg<Tensor<I, E>, LossLabels<A, I, E>>,
  options?: LossOptions,
): Tensor<Ok<LossShape<A, I, D, E>>, OkType<LossShape<A, I, D, E>, D>>;
export function crossEntropy(logits: Tensor, labels: Tensor, { smoothing = 0 }: LossOptions = {}): Tensor {
  wants(dtypeOf(logits), 'float', 'crossEntropy');
  crossEntropyRule(shapeOf(logits), shapeOf(labels), dtypeOf(labels));
  lossSmoothing(smoothing);
  return trailing(crossEntropy, () => {
    const x = widen(logits);
    const k = shapeOf(x).length - 1;
    const { m, l } = exponentials(x, k);
    const z = map(subtract, [x, along(m, x, k)]); // at most 0: differences of large logits stay exact
    const ofLabel = reshapeTo(gatherOf(z, reshapeTo(labels, [...shapeOf(labels), 1]), k), shapeOf(labels));
    const target = smoothing === 0 ? ofLabel : smoothed(ofLabel, over(reduceOf('sum', z, [k]), shapeOf(x)[k]!), smoothing);
    const rows = map(logMinus, [l, target]);
    const loss = over(reduceOf('sum', rows, [...shapeOf(rows).keys()]), prod(shapeOf(rows)));
    return narrow(callOf('crossEntropy', loss, [map(plusLog, [m, l])], [x, labels, constant(smoothing, 'f32')]), logits);
  });
}
const logMinus = scalar('logMinus', ['f32', 'f32'], (b, sum, target) => b.op('sub', b.op('log', sum), target));
/** (1 − ε)·label + ε·mean. */
function smoothed(ofLabel: Tensor, mean: Tensor, smoothing: number): Tensor {
  const mix = scalar('smoothed', ['f32', 'f32'], (b, label, even) =>
    b.op('add', b.op('mul', label, b.constant(1 - smoothing)), b.op('mul', even, b.constant(smoothing))),
  );
  return map(mix, [ofLabel, mean]);
}
