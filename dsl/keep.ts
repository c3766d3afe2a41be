// How many of n tokens random masking keeps: trunc(n · (1 − ratio)) in doubles, as the official MAE counts them
// (facebookresearch/mae, models_mae.py, random_masking). 196 at 0.75 is 49; 10 at 0.9 is 0, which is refused.
import type { DivMod, Mul, Sub } from './arith.ts';
import { canon, type Dim, type DimArg, type Env, evalDim } from './dim.ts';
import type { Canon } from './dim-types.ts';
import { fail } from './errors.ts';

/** A derived size with the symbol V, of a count N and a ratio R. */
export interface KeepCount<V extends Dim = Dim, N extends Dim = Dim, R extends Dim = Dim> {
  readonly symbol: V;
  readonly of: N;
  readonly ratio: R;
}
export class KeepPlaceholder implements KeepCount {
  readonly symbol: Dim;
  readonly of: Dim;
  readonly ratio: Dim;
  constructor(symbol: Dim, of: Dim, ratio: Dim) {
    this.symbol = symbol;
    this.of = of;
    this.ratio = ratio;
  }
}
/** keepCount('V', 'G*G', 'R') */
export function keepCount<const V extends string, const N extends DimArg, const R extends DimArg>(
  symbol: V,
  of: N,
  ratio: R,
): KeepCount<V, Canon<N> & Dim, Canon<R> & Dim>;
export function keepCount(symbol: string, of: DimArg, ratio: DimArg): KeepCount {
  return new KeepPlaceholder(canon(symbol), canon(of), canon(ratio));
}

/** The count at a config's symbols; `field` gave the ratio. @throws ShapeError when it keeps none or removes none */
export function keptOf(keep: KeepCount, field: string, env: Env): number {
  const [n, ratio] = [Number(evalDim(keep.of, env)), Number(evalDim(keep.ratio, env))];
  const kept = Math.trunc(n * (1 - ratio));
  if (!(kept > 0)) fail('keepNone', field, ratio, n);
  if (kept >= n) fail('keepAll', field, ratio, n);
  return kept;
}

/** The same as a type. Floats round: trunc(100 · (1 − 0.9)) is 9. Where the exact product is whole and the ratio is no float, the type
 *  says only `number`. */
export type Keep<N, R> = number extends N | R
  ? number
  : N extends number
    ? Fraction<R> extends [infer F extends number, infer P extends number]
      ? DivMod<Mul<N, Sub<P, F>>, P> extends [infer Q, infer rest]
        ? rest extends 0
          ? R extends Dyadic
            ? Q
            : number
          : Q
        : number
      : number
    : number;
/** 0.75 as [75, 100] */
type Fraction<R> = R extends number
  ? `${R}` extends `0.${infer F}`
    ? Power<F> extends infer P extends number
      ? [Digits<F>, P]
      : null
    : null
  : null;
type Power<F extends string, R extends string = '1'> = F extends `${string}${infer t}`
  ? Power<t, `${R}0`>
  : R extends `${infer N extends number}`
    ? N
    : never;
type Digits<F extends string> = F extends `0${infer t}` ? Digits<t> : F extends `${infer N extends number}` ? N : never;
type Dyadic = 0.5 | 0.25 | 0.75 | 0.125 | 0.375 | 0.625 | 0.875;
