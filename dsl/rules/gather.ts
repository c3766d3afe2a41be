// Rules of index tensors. An index carries the extent that it indexes, so that a gather can ask for the axis that it reads: an argsort
// over N is refused on an axis of N + 1. As types and as functions.
import { type Dim, dimSub, type Shape, showShape } from '../dim.ts';
import type { Canon, DimEq, DimSub, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import { type DType, dtypeName, type Index, type ShowDType, type Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type At, type Axis, type AxisError, axis, type Negative, type With, withAxis } from './axis.ts';

// ---------------------------------------------------------------- gather: x [...lead, N, ...rest] at [...lead, M] over N
export type Gather<S extends Shape, X, I extends Shape, E> =
  Wide<S> extends true
    ? Shape
    : number extends X
      ? Shape
      : [DType] extends [E]
        ? Shape
        : Axis<S, X> extends infer K
          ? K extends keyof S
            ? E extends Index<infer N>
              ? DimEq<N, S[K]> extends true
                ? Wide<I> extends true
                  ? Shape
                  : Lead<S, I, K> extends true
                    ? I extends readonly [...Shape, infer n]
                      ? With<S, K, n>
                      : never
                    : Say<'gatherLead', [ShowShape<I>, ShowShape<S>, X]>
                : Say<'gatherIndex', [ShowDim<N>, X, ShowShape<S>, ShowDim<S[K]>]>
              : Say<'gatherPlain', [ShowDType<E>, ShowDim<S[K]>]>
            : Shape
          : never;
/** Has I the dims of S before axis K, then one? */
type Lead<S extends Shape, I extends Shape, K, C extends 0[] = []> = I extends readonly [infer i, ...infer ir extends Shape]
  ? `${C['length']}` extends K
    ? ir extends readonly []
      ? true
      : false
    : S extends readonly [infer s, ...infer sr extends Shape]
      ? DimEq<i, s> extends true
        ? Lead<sr, ir, K, [...C, 0]>
        : false
      : false
  : false;
export function gather(s: Shape, x: number, i: Shape, e: DType): Shape {
  const k = axis(s, x, 'gather');
  if (typeof e !== 'object') fail('gatherPlain', e, s[k]!);
  if (e.over !== s[k]) fail('gatherIndex', e.over, x, showShape(s), s[k]!);
  if (i.length !== k + 1 || i.slice(0, k).some((d, j) => d !== s[j])) fail('gatherLead', showShape(i), showShape(s), x);
  return withAxis(s, k, i[k]!);
}

// ---------------------------------------------------------------- argsort, rank, topk
/** The element type of positions along axis X. */
export type IndexAlong<S extends Shape, X> = Wide<S> extends true ? Index : number extends X ? Index : Index<At<S, Axis<S, X>> & Dim>;

/** S with k of axis X. */
export type TopK<S extends Shape, N, X> =
  Wide<S> extends true
    ? Shape
    : Negative<Canon<N>> extends true
      ? Say<'topkNegative', [ShowDim<Canon<N>>]>
      : Axis<S, X> extends infer K
        ? K extends keyof S
          ? Negative<DimSub<S[K], Canon<N>>> extends true
            ? Say<'topkCount', [ShowDim<Canon<N>>, X, ShowShape<S>, ShowDim<S[K]>]>
            : With<S, K, Canon<N>>
          : Shape
        : never;
export type TopKAxis<S extends Shape, X> =
  Wide<S> extends true ? Shape : number extends X ? Shape : Axis<S, X> extends null ? AxisError<'topk', X, S> : Shape;
export function topk(s: Shape, count: Dim, x: number): Shape {
  if (typeof count === 'number' && count < 0) fail('topkNegative', count);
  const k = axis(s, x, 'topk');
  const rest = dimSub(s[k]!, count);
  if (typeof rest === 'number' && rest < 0) fail('topkCount', count, x, showShape(s), s[k]!);
  return withAxis(s, k, count);
}

// ---------------------------------------------------------------- oneHot
/** [...index, classes]: n, which an index over n need not be given. */
export type OneHotIndex<D> = [DType] extends [D] ? true : [D] extends [Index | 'i32'] ? true : Say<'oneHotIndex', [ShowDType<D>]>;
export type OneHotCount<D, N> = [DType] extends [D]
  ? true
  : [N] extends [undefined]
    ? true
    : Negative<Canon<N>> extends true
      ? Say<'oneHotCount', [ShowDim<Canon<N>>]>
      : D extends Index<infer M>
        ? DimEq<M, Canon<N>> extends true
          ? true
          : Say<'oneHotOver', [ShowDim<M>, ShowDim<Canon<N>>]>
        : true;
/** A plain index needs n: the mistake sits on the index. */
export type OneHotPlain<D, N> =
  OneHotIndex<D> extends infer E extends string
    ? E
    : [DType] extends [D]
      ? true
      : [N] extends [undefined]
        ? D extends 'i32'
          ? Say<'oneHotPlain', [D]>
          : true
        : true;
export type OneHot<S extends Shape, D, N> =
  Wide<S> extends true ? Shape : [N] extends [undefined] ? (D extends Index<infer M> ? [...S, M & Dim] : [...S, number]) : [...S, Canon<N> & Dim];
export function oneHot(s: Shape, d: DType, n: Dim | undefined): Shape {
  if (typeof d === 'string' && d !== 'i32') fail('oneHotIndex', dtypeName(d));
  if (n === undefined) return typeof d === 'object' ? [...s, d.over] : fail('oneHotPlain', d);
  if (typeof n === 'number' && n < 0) fail('oneHotCount', n);
  if (typeof d === 'object' && d.over !== n) fail('oneHotOver', d.over, n);
  return [...s, n];
}
