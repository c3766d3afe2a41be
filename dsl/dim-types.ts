// Dims at the type level: what the shape rules use. Each type has a value of the same name in dsl/dim.ts (DimAdd, dimAdd).
// A wide `number` is absorbing: whatever it touches is left to the trace.
import type { DivAll, IntAdd, IntDiv, IntMul, IntSub, MonoDiv, MonoMul, MulAll, NegAll, Parse, Print, PutAll, Sum, Term } from './poly-types.ts';

/** A number literal, a symbol ('B'), or a canonical polynomial of symbols ('H*K', 'G*G-V+1'). */
export type Dim = number | string;
export type Shape = readonly Dim[];
/** A dim as the user writes it: 768, 'K*H', or a size of a config. */
export type DimArg = Dim | (number & { readonly dim: Dim });

/** is D a plain symbol (or a number), not a polynomial? */
export type Atom<D> = D extends `${string}${'*' | '+' | '-'}${string}` ? false : true;
/** The canonical dim of what the user wrote. */
export type Canon<D> = D extends string
  ? D extends `${infer N extends number}`
    ? N
    : Atom<D> extends true
      ? D
      : D extends Scaled
        ? Print<Sum<D>>
        : MonoMul<'', D>
  : D extends { readonly dim: infer N }
    ? N
    : D;
/** what is no product of plain symbols */
type Scaled = `${string}${'+' | '-'}${string}` | `${number}*${string}` | `${string}*${number}` | `${string}*${number}*${string}`;
export type CanonShape<S> = { -readonly [K in keyof S]: Canon<S[K]> } extends infer R extends Dim[] ? R : never;

// ---------------------------------------------------------------- arithmetic
export type DimAdd<A, B> = number extends A | B
  ? number
  : A extends 0
    ? B
    : B extends 0
      ? A
      : A extends number
        ? B extends number
          ? IntAdd<A, B>
          : Print<PutAll<Parse<B>, Parse<A>>>
        : Print<PutAll<Parse<A>, Parse<B>>>;
export type DimSub<A, B> = number extends A | B
  ? number
  : B extends 0
    ? A
    : A extends B
      ? 0
      : A extends number
        ? B extends number
          ? IntSub<A, B>
          : Print<PutAll<Parse<A>, NegAll<Parse<B>>>>
        : Print<PutAll<Parse<A>, NegAll<Parse<B>>>>;
export type DimMul<A, B> = number extends A | B
  ? number
  : A extends 1
    ? B
    : B extends 1
      ? A
      : A extends number
        ? B extends number
          ? IntMul<A, B>
          : MulPoly<B, A>
        : MulPoly<A, B>;
type MulPoly<A, B> =
  IsProduct<A> extends true
    ? IsProduct<B> extends true
      ? MonoMul<A & string, B & string>
      : B extends number
        ? Scale<A & string, B>
        : Print<MulAll<Parse<A>, Parse<B>>>
    : Print<MulAll<Parse<A>, Parse<B>>>;
type Scale<A extends string, B extends number> = `${B}` extends '0' | `-${string}` ? Print<MulAll<Parse<A>, Parse<B>>> : `${B}*${A}`;
/** a product of symbols only, the commonest case: no parsing */
type IsProduct<D> = D extends `${string}${'+' | '-'}${string}` | `${number}*${string}` | number ? false : true;
/** Exact division by a number or a product; null when it does not divide. */
export type DimDiv<A, B> = number extends A | B
  ? number
  : B extends 1
    ? A
    : A extends B
      ? B extends 0
        ? null
        : 1
      : IsProduct<A | B> extends true
        ? MonoDiv<A & string, B & string>
        : DivPoly<A, B>;
type DivPoly<A, B> = A extends number
  ? B extends number
    ? IntDiv<A, B>
    : A extends 0
      ? 0
      : null
  : Parse<B> extends [[infer M extends string, infer C extends number]]
    ? DivAll<Parse<A>, M, C> extends infer R extends Term[]
      ? Print<R>
      : null
    : null;
/** equal, or at least one of them is left to the trace */
export type DimEq<A, B> = [A] extends [B] ? true : number extends A ? true : number extends B ? true : false;
/** The product of a shape. */
export type Prod<S, R = 1> = S extends readonly [infer H, ...infer T] ? Prod<T, DimMul<R, H>> : R;

// ---------------------------------------------------------------- environments: symbol → dim
/** D with the values of E for its symbols; a symbol that E lacks makes it a wide number: the trace decides. */
export type Eval<D, E> = D extends string
  ? D extends keyof E
    ? E[D]
    : D extends `${string}${'+' | '-'}${string}`
      ? EvalSum<Parse<D>, E>
      : D extends `${infer C extends number}*${infer M}`
        ? DimMul<EvalMono<M, E, 1>, C>
        : EvalMono<D, E, 1>
  : D;
type EvalSum<L extends Term[], E, R = 0> = L extends [[infer M extends string, infer C], ...infer l extends Term[]]
  ? EvalSum<l, E, DimAdd<R, DimMul<EvalMono<M, E, 1>, C>>> // the coefficient last: H*K is worked out once for 3*H*K and 4*H*K
  : R;
type EvalMono<M extends string, E, R> = M extends ''
  ? R
  : M extends `${infer h}*${infer r}`
    ? EvalMono<r, E, DimMul<R, h extends keyof E ? E[h] : number>>
    : DimMul<R, M extends keyof E ? E[M] : number>;
export type EvalShape<S, E> = { -readonly [K in keyof S]: Eval<S[K], E> } extends infer R extends Dim[] ? R : never;

/** The one unknown symbol of F, given F = A and the symbols known in E: [symbol, value or null, divisor]; null when there is not
 *  exactly one. 'H*K' = 768 with H = 12 is ['K', 64, 12]. */
export type Solve<F, A, E> = F extends `${infer a}*${infer b}`
  ? IsProduct<F> extends true
    ? Atom<b> extends true
      ? a extends keyof E
        ? b extends keyof E
          ? null
          : [b, DimDiv<A, E[a]>, E[a]]
        : b extends keyof E
          ? [a, DimDiv<A, E[b]>, E[b]]
          : null
      : SolveSum<F, A, E>
    : SolveSum<F, A, E>
  : SolveSum<F, A, E>;
type SolveSum<F, A, E> = F extends string
  ? Split<Parse<F>, E> extends [[[infer M extends string, infer C]], infer K extends Term[]]
    ? Unknown<M, E, C> extends [infer X extends string, infer P]
      ? [X, DimDiv<K extends [] ? A : DimSub<A, EvalSum<K, E>>, P>, P]
      : null
    : null
  : null;
/** [terms with unknown symbols, terms without] */
type Split<L extends Term[], E, U extends Term[] = [], K extends Term[] = []> = L extends [infer T extends Term, ...infer R extends Term[]]
  ? AllIn<T[0], E> extends true
    ? Split<R, E, U, [...K, T]>
    : Split<R, E, [...U, T], K>
  : [U, K];
type AllIn<M extends string, E> = M extends ''
  ? true
  : M extends `${infer h}*${infer r}`
    ? h extends keyof E
      ? AllIn<r, E>
      : false
    : M extends keyof E
      ? true
      : false;
/** [the unknown factor, the product of the known ones] */
type Unknown<M extends string, E, P, X = null> = M extends `${infer h}*${infer r}`
  ? h extends keyof E
    ? Unknown<r, E, DimMul<P, E[h]>, X>
    : X extends null
      ? Unknown<r, E, P, h>
      : null
  : M extends keyof E
    ? [X, DimMul<P, E[M]>]
    : X extends null
      ? [M, P]
      : null;
/** has F a symbol that E lacks? */
export type Unsolved<F, E> = F extends string ? (Split<Parse<F>, E>[0] extends [] ? false : true) : false;

// ---------------------------------------------------------------- for messages
export type ShowDim<D> = [D] extends [Dim] ? (number extends D ? '?' : `${D}`) : '?';
export type ShowShape<S, R extends string = ''> = S extends readonly [infer H, ...infer T]
  ? ShowShape<T, R extends '' ? ShowDim<H> : `${R},${ShowDim<H>}`>
  : S extends readonly []
    ? `[${R}]`
    : '[…]';
/** 'H = 7, K = 3' for the known symbols of F in the order of its terms, to explain a failed division */
export type Known<F, E> = F extends string ? KnownTerms<Parse<F>, E> : '';
type KnownTerms<L extends Term[], E, R extends string = '', Seen = ''> = L extends [[infer M extends string, unknown], ...infer l extends Term[]]
  ? KnownFactors<M, E, R, Seen> extends [infer r extends string, infer seen]
    ? KnownTerms<l, E, r, seen>
    : never
  : R;
type KnownFactors<M extends string, E, R extends string, Seen> = M extends `${infer h}*${infer t}`
  ? KnownFactors<t, E, ListKnown<h, E, R, Seen>, Seen | h>
  : [ListKnown<M, E, R, Seen>, Seen | M];
type ListKnown<x extends string, E, R extends string, Seen> = x extends Seen
  ? R
  : x extends keyof E
    ? `${R}${R extends '' ? '' : ', '}${x} = ${ShowDim<E[x]>}`
    : R;
