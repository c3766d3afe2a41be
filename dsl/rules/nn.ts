// Shape rules of layerNorm, attention and crossEntropy, as types and as functions. softmax and its like ask only for their axis.
import { type Shape, showShape } from '../dim.ts';
import type { DimEq, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { DType, Index, ShowDType, Tensor, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type SameShape, sameShape } from './axis.ts';

// ---------------------------------------------------------------- layerNorm
export type NormRank<A extends Shape> = Wide<A> extends true ? Shape : A extends readonly [] ? Say<'normRank', [ShowShape<A>]> : Shape;
/** Shape when the weight or bias is one vector, as long as the last axis of x. */
export type NormParam<A extends Shape, W extends Shape, What extends 'weight' | 'bias'> =
  Wide<A> extends true
    ? Shape
    : Wide<W> extends true
      ? Shape
      : A extends readonly [...Shape, infer d]
        ? SameShape<[d], W> extends true
          ? Shape
          : Say<'normParam', [What, ShowDim<d>, ShowShape<W>]>
        : Shape;
export function normRank(x: Shape): void {
  if (x.length === 0) fail('normRank', showShape(x));
}
export function normParam(x: Shape, s: Shape, what: 'weight' | 'bias'): void {
  if (!sameShape(s, x.slice(-1))) fail('normParam', what, x.at(-1)!, showShape(s));
}
/** Options may hold mistakes of value only. */
export function normEps(eps: number): void {
  if (!(eps > 0 && eps < Number.POSITIVE_INFINITY)) fail('normEps', eps);
}

// ---------------------------------------------------------------- attention: q [...,N,K], k [...,M,K], v [...,M,V] → [...,N,V]
export type AttnQuery<Q extends Shape> =
  Wide<Q> extends true ? Shape : Q extends readonly [...Shape, unknown, unknown] ? Shape : Say<'attnRank', [ShowShape<Q>]>;
export type AttnKey<Q extends Shape, K extends Shape> =
  Wide<Q> extends true
    ? Shape
    : Wide<K> extends true
      ? Shape
      : Q extends readonly [...infer q extends Shape, unknown, infer d]
        ? Beside<Q, q, K, 'k'> extends infer E extends string
          ? E
          : K extends readonly [...Shape, infer e]
            ? DimEq<d, e> extends true
              ? Shape
              : Say<'attnDepth', [ShowDim<d>, ShowDim<e>, ShowShape<Q>, ShowShape<K>]>
            : never
        : Shape;
/** The rule of k or v beside q: equal ranks, equal leading axes. */
type Beside<Q extends Shape, q extends Shape, K extends Shape, What extends 'k' | 'v'> = Q['length'] extends K['length']
  ? K extends readonly [...infer k extends Shape, unknown, unknown]
    ? SameShape<q, k> extends true
      ? Shape
      : Say<'attnBatch', [What, ShowShape<Q>, What, ShowShape<K>]>
    : never
  : Say<'attnRanks', [What, ShowShape<Q>, What, ShowShape<K>]>;
/** The result's shape, or the message about v; a mistake in q or k is theirs alone. */
export type Attention<Q extends Shape, K extends Shape, V extends Shape> =
  AttnQuery<Q> extends string
    ? Shape
    : AttnKey<Q, K> extends string
      ? Shape
      : Wide<Q> extends true
        ? Shape
        : Wide<K> extends true
          ? Shape
          : Wide<V> extends true
            ? Shape
            : Q extends readonly [...infer q extends Shape, infer n, unknown]
              ? Beside<Q, q, V, 'v'> extends infer E extends string
                ? E
                : [K, V] extends [readonly [...Shape, infer m, unknown], readonly [...Shape, infer l, infer e]]
                  ? DimEq<m, l> extends true
                    ? [...q, n, e]
                    : Say<'attnLength', [ShowDim<m>, ShowDim<l>, ShowShape<K>, ShowShape<V>]>
                  : never
              : never;
export function attnQuery(q: Shape): void {
  if (q.length < 2) fail('attnRank', showShape(q));
}
export function attnKey(q: Shape, k: Shape): void {
  beside(q, k, 'k');
  if (q.at(-1) !== k.at(-1)) fail('attnDepth', q.at(-1)!, k.at(-1)!, showShape(q), showShape(k));
}
export function attnValue(q: Shape, k: Shape, v: Shape): void {
  beside(q, v, 'v');
  if (k.at(-2) !== v.at(-2)) fail('attnLength', k.at(-2)!, v.at(-2)!, showShape(k), showShape(v));
}
function beside(q: Shape, s: Shape, what: 'k' | 'v'): void {
  if (s.length !== q.length) fail('attnRanks', what, showShape(q), what, showShape(s));
  if (!sameShape(s.slice(0, -2), q.slice(0, -2))) fail('attnBatch', what, showShape(q), what, showShape(s));
}
/** The bias, added to the scores [...,N,M], must broadcast to them. */
export type AttnBias<Q extends Shape, K extends Shape, O> = O extends { readonly bias: Tensor<infer B, DType> }
  ? Wide<Q> extends true
    ? true
    : Wide<K> extends true
      ? true
      : Wide<B> extends true
        ? true
        : [Q, K] extends [readonly [...infer q extends Shape, infer n, unknown], readonly [...Shape, infer m, unknown]]
          ? Grows<B, [...q, n, m]> extends true
            ? true
            : Say<'attnBias', [ShowShape<B>, ShowShape<[...q, n, m]>]>
          : true
  : true;
/** Does B broadcast to T? */
type Grows<B, T> = B extends readonly [...infer b, infer x]
  ? T extends readonly [...infer t, infer y]
    ? x extends 1
      ? Grows<b, t>
      : DimEq<x, y> extends true
        ? Grows<b, t>
        : false
    : false
  : true;
export function attnBias(q: Shape, k: Shape, bias: Shape): void {
  const scores = [...q.slice(0, -1), k.at(-2)!];
  const lead = scores.length - bias.length;
  if (lead < 0 || bias.some((d, i) => d !== 1 && d !== scores[lead + i])) fail('attnBias', showShape(bias), showShape(scores));
}

// ---------------------------------------------------------------- crossEntropy: logits [...,C], labels [...] over C → []
export type LossRank<A extends Shape> = Wide<A> extends true ? Shape : A extends readonly [] ? Say<'lossRank', [ShowShape<A>]> : Shape;
export type LossLabels<A extends Shape, I extends Shape, E> =
  Wide<A> extends true
    ? Shape
    : [DType] extends [E]
      ? Shape
      : A extends readonly [...infer lead extends Shape, infer c]
        ? E extends Index<infer N>
          ? DimEq<N, c> extends true
            ? Wide<I> extends true
              ? Shape
              : SameShape<lead, I> extends true
                ? Shape
                : Say<'lossLead', [ShowShape<A>, ShowShape<I>]>
            : Say<'lossIndex', [ShowDim<N>, ShowShape<A>, ShowDim<c>]>
          : Say<'lossPlain', [ShowDType<E>, ShowDim<c>]>
        : Shape;
export function crossEntropy(logits: Shape, labels: Shape, e: DType): void {
  if (logits.length === 0) fail('lossRank', showShape(logits));
  const classes = logits.at(-1)!;
  if (typeof e !== 'object') fail('lossPlain', e, classes);
  if (e.over !== classes) fail('lossIndex', e.over, showShape(logits), classes);
  if (!sameShape(labels, logits.slice(0, -1))) fail('lossLead', showShape(logits), showShape(labels));
}
export function lossSmoothing(smoothing: number): void {
  if (!(smoothing >= 0 && smoothing <= 1)) fail('lossSmoothing', smoothing);
}
