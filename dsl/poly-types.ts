// Polynomials of symbols with integer coefficients, at the type level: sorted lists of [monomial, coefficient]. The value half is
// dsl/dim.ts; test/language/dim.test.ts holds the two together. A monomial is its factors in order, joined by '*'; '' is the constant.
import type { Add, DivMod, GeN, Mul, Sub } from './arith.ts';

// ---------------------------------------------------------------- signed integers
type Neg<N extends number> = N extends 0
  ? 0
  : `${N}` extends `-${infer M extends number}`
    ? M
    : `-${N}` extends `${infer M extends number}`
      ? M
      : never;
type Diff<A extends number, B extends number> = GeN<A, B> extends true ? Sub<A, B> : Neg<Sub<B, A>>;
export type IntAdd<A extends number, B extends number> = `${A}` extends `-${infer a extends number}`
  ? `${B}` extends `-${infer b extends number}`
    ? Neg<Add<a, b>>
    : Diff<B, a>
  : `${B}` extends `-${infer b extends number}`
    ? Diff<A, b>
    : Add<A, B>;
export type IntSub<A extends number, B extends number> = IntAdd<A, Neg<B>>;
export type IntMul<A extends number, B extends number> = A extends 1
  ? B
  : B extends 1
    ? A
    : `${A}` extends `-${infer a extends number}`
      ? `${B}` extends `-${infer b extends number}`
        ? Mul<a, b>
        : Neg<Mul<a, B>>
      : `${B}` extends `-${infer b extends number}`
        ? Neg<Mul<A, b>>
        : Mul<A, B>;
/** null unless B divides A */
export type IntDiv<A extends number, B extends number> = `${A}` extends `-${infer a extends number}`
  ? IntDiv<a, B> extends infer Q extends number
    ? Neg<Q>
    : null
  : `${B}` extends `-${infer b extends number}`
    ? IntDiv<A, b> extends infer Q extends number
      ? Neg<Q>
      : null
    : B extends 0
      ? null
      : DivMod<A, B> extends [infer Q extends number, 0]
        ? Q
        : null;

// ---------------------------------------------------------------- order: that of the characters, so that a run sorts alike
export type Term = [mono: string, coef: number];
type Order = '$*0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
/** does word A come before word B? (a shorter prefix first) */
type Less<A extends string, B extends string> = B extends `${infer b}${infer br}`
  ? A extends `${infer a}${infer ar}`
    ? a extends b
      ? Less<ar, br>
      : Order extends `${string}${a}${string}${b}${string}`
        ? true
        : false
    : true
  : false;
type Before<A extends string, B extends string> = A extends '' ? false : B extends '' ? true : Less<A, B>; // the constant is last

// ---------------------------------------------------------------- lists of terms
type Put<L extends Term[], M extends string, C extends number> = L extends [infer T extends Term, ...infer R extends Term[]]
  ? T[0] extends M
    ? IntAdd<T[1], C> extends infer S extends number
      ? S extends 0
        ? R
        : [[M, S], ...R]
      : never
    : Before<M, T[0]> extends true
      ? C extends 0
        ? L
        : [[M, C], ...L]
      : [T, ...Put<R, M, C>]
  : C extends 0
    ? []
    : [[M, C]];
export type PutAll<L extends Term[], B extends Term[]> = B extends [infer T extends Term, ...infer R extends Term[]]
  ? PutAll<Put<L, T[0], T[1]>, R>
  : L;
export type NegAll<L extends Term[], R extends Term[] = []> = L extends [[infer M extends string, infer C extends number], ...infer l extends Term[]]
  ? NegAll<l, [...R, [M, Neg<C>]]>
  : R;
type MulTerm<L extends Term[], M extends string, C extends number, R extends Term[]> = L extends [
  [infer m extends string, infer c extends number],
  ...infer l extends Term[],
]
  ? MulTerm<l, M, C, Put<R, MonoMul<m, M>, IntMul<c, C>>>
  : R;
export type MulAll<A extends Term[], B extends Term[], R extends Term[] = []> = B extends [
  [infer M extends string, infer C extends number],
  ...infer b extends Term[],
]
  ? MulAll<A, b, MulTerm<A, M, C, R>>
  : R;
/** division by one term; null when a term does not divide */
export type DivAll<L extends Term[], M extends string, C extends number, R extends Term[] = []> = L extends [
  [infer m extends string, infer c extends number],
  ...infer l extends Term[],
]
  ? MonoDiv<m, M> extends infer q extends string
    ? IntDiv<c, C> extends infer k extends number
      ? DivAll<l, M, C, Put<R, q, k>>
      : null
    : null
  : R;

// ---------------------------------------------------------------- monomials
/** one factor into a sorted product */
type Factor<M extends string, X extends string> = M extends ''
  ? X
  : M extends `${infer h}*${infer r}`
    ? Less<X, h> extends true
      ? `${X}*${M}`
      : `${h}*${Factor<r, X>}`
    : Less<X, M> extends true
      ? `${X}*${M}`
      : `${M}*${X}`;
export type MonoMul<A extends string, B extends string> = B extends ''
  ? A
  : B extends `${infer h}*${infer r}`
    ? MonoMul<Factor<A, h>, r>
    : Factor<A, B>;
export type MonoDiv<A extends string, B extends string> = B extends ''
  ? A
  : B extends `${infer h}*${infer r}`
    ? Without<A, h> extends infer a extends string
      ? MonoDiv<a, r>
      : null
    : Without<A, B>;
type Without<M extends string, X extends string> = M extends X
  ? ''
  : M extends `${X}*${infer r}`
    ? r
    : M extends `${infer h}*${infer r}`
      ? Without<r, X> extends infer w extends string
        ? w extends ''
          ? h
          : `${h}*${w}`
        : null
      : null;

// ---------------------------------------------------------------- text → terms
type TermOf<S extends string, Sign extends number = 1, M extends string = ''> = S extends `${infer h}*${infer r}`
  ? h extends `${infer N extends number}`
    ? TermOf<r, IntMul<Sign, N>, M>
    : TermOf<r, Sign, Factor<M, h>>
  : S extends `${infer N extends number}`
    ? [M, IntMul<Sign, N>]
    : [Factor<M, S>, Sign];
type PutTerm<L extends Term[], S extends string, Sign extends number> = S extends ''
  ? L
  : TermOf<S, Sign> extends [infer M extends string, infer C extends number]
    ? Put<L, M, C>
    : never;
type Minus<S extends string, L extends Term[]> = S extends `${infer A}-${infer B}` ? Minus<B, PutTerm<L, A, -1>> : PutTerm<L, S, -1>;
type Plus<S extends string, L extends Term[]> = S extends `${infer A}-${infer B}` ? Minus<B, PutTerm<L, A, 1>> : PutTerm<L, S, 1>;
/** the terms of 'G*G-V+1' */
export type Sum<S extends string, L extends Term[] = []> = S extends `${infer A}+${infer B}` ? Sum<B, Plus<A, L>> : Plus<S, L>;
/** the terms of a canonical dim: without a minus they stand in order */
export type Parse<D> = D extends `${string}-${string}` ? Sum<D> : D extends string ? Terms<D> : D extends 0 ? [] : D extends number ? [['', D]] : [];
type Terms<S extends string, L extends Term[] = []> = S extends `${infer A}+${infer B}` ? Terms<B, [...L, OneTerm<A>]> : [...L, OneTerm<S>];
type OneTerm<S extends string> = S extends `${infer C extends number}*${infer M}` ? [M, C] : S extends `${infer C extends number}` ? ['', C] : [S, 1];

// ---------------------------------------------------------------- terms → text: plus terms, minus terms, constant
type Show1<M, C extends number> = C extends 1 ? M & string : `${C}*${M & string}`;
type Signed<C extends number> = `${C}` extends `-${string}` ? `${C}` : `+${C}`;
export type Print<L extends Term[], P extends string = '', N extends string = ''> = L extends [
  [infer M, infer C extends number],
  ...infer R extends Term[],
]
  ? M extends ''
    ? P extends ''
      ? N extends ''
        ? C
        : `${N}${Signed<C>}`
      : `${P}${N}${Signed<C>}`
    : `${C}` extends `-${infer c extends number}`
      ? Print<R, P, `${N}-${Show1<M, c>}`>
      : Print<R, P extends '' ? Show1<M, C> : `${P}+${Show1<M, C>}`, N>
  : P extends ''
    ? N extends ''
      ? 0
      : N
    : `${P}${N}`;
