// Unification at the type level: at a call every symbol gets one value over all arguments. Its value half is dsl/unify.ts, in the same
// order and words. What an argument says is a *set* of facts, because types have no key order: equal facts vanish (which is also the
// speed of a model with many equal layers), and a message may name one of several only by a rule that does not look at order.
import type { GeN } from './arith.ts';
import type { Atom, DimEq, Eval, EvalShape, Known, Shape, ShowDim, ShowShape, Solve, Unsolved } from './dim-types.ts';
import type { FieldFact, SizeFact } from './fields.ts';
import type { Param } from './params.ts';
import type { Index, ShowDType, Tensor, Wide } from './tensor.ts';
import type { Say } from './words.ts';

/** No symbol is known yet. */
export type None = Record<never, never>;
/** Of an argument after a mistake, or before it is inferred: nothing is judged. */
export interface Stop {
  readonly stop: true;
}

// ---------------------------------------------------------------- what an argument says
/** Facts: [formal dim, actual dim, field] of sizes and parameters, [formal shape, actual shape, field] of tensors, or a ✗ message with
 *  {} for the layer's name. A field is '' or the key of the record that the value stands in. */
type Facts<F, A> = Field<F, A, ''>;
/** … of a record's field: the messages of sizes and tensors name it; a parameter's do not, so that equal layers stay equal facts */
type Field<F, A, K> =
  F extends Param<infer S>
    ? ParamFacts<S, A>
    : F extends { readonly node: unknown }
      ? TensorFact<F, A, K>
      : [F] extends [number | string | boolean]
        ? F extends { readonly dim: infer f }
          ? SizeFact<F, f, A, K>
          : FieldFact<F, A, K>
        : F extends readonly (infer f)[]
          ? A extends readonly (infer a)[]
            ? Facts<f, a>
            : Say<'wantsList', ['{}', Lead<K>]>
          : Tree<F, A>;
/** of a record; where no field is missing, without asking for each */
type Tree<F, A> =
  A extends Record<keyof F, unknown>
    ? Fields<F, A>
    : { [K in keyof F]: K extends keyof A ? Field<F[K], A[K], K> : Say<'missing', ['{}', K]> }[keyof F];
type Fields<F, A extends Record<keyof F, unknown>> = { [K in keyof F]: Field<F[K], A[K], K> }[keyof F];
type Lead<Key> = Key extends '' ? '' : `${Key & string} `;
/** A as a Param first: the same interface infers from its argument, without looking at members */
type ParamFacts<S extends Shape, A> =
  A extends Param<infer T> ? PairParam<S, T> : A extends Tensor<infer T> ? PairParam<S, T> : Say<'wantsTensor', ['{}', '', ShowShape<S>, '?', '?']>;
type PairParam<S extends Shape, T extends Shape> = S['length'] extends T['length']
  ? Zip<S, T>
  : Wide<T> extends true
    ? never
    : Say<'wantsTensor', ['{}', '', ShowShape<S>, '?', ShowShape<T>]>;
type TensorFact<F, A, Key> =
  F extends Tensor<infer S, infer D>
    ? A extends Tensor<infer T, infer E>
      ? Wide<T> extends true
        ? never
        : [S, T, Key] | DTypes<D, E, S, Key>
      : Say<'wantsTensor', ['{}', Lead<Key>, ShowShape<S>, '?', '?']>
    : never;
type Zip<S extends Shape, T extends Shape> = { [K in keyof S]: [S[K], T[K & keyof T], ''] }[number];
type DTypes<D, E, S, Key> =
  D extends Index<infer n>
    ? E extends Index<infer m>
      ? [n, m, '']
      : Say<'wantsDType', ['{}', Lead<Key>, 'an index', ShowShape<S>, ShowDType<E>]>
    : [E] extends [D]
      ? never
      : Say<'wantsDType', ['{}', Lead<Key>, ShowDType<D>, ShowShape<S>, ShowDType<E>]>;

// ---------------------------------------------------------------- one name, one size
/** new bindings [symbol, dim]: the plain symbols of sizes, parameters and shapes (of a shape the first occurrence) */
type Bound<U, E> = U extends [infer s, infer t, unknown]
  ? s extends Shape
    ? t extends Shape
      ? s['length'] extends t['length']
        ? First<s, t, keyof E>
        : never
      : never
    : s extends keyof E
      ? never
      : s extends string
        ? Atom<s> extends true
          ? [s, t]
          : never
        : never
  : never;
type First<S, T, Seen> = S extends readonly [infer s, ...infer sr]
  ? T extends readonly [infer t, ...infer tr]
    ? s extends string
      ? s extends Seen
        ? First<sr, tr, Seen>
        : Atom<s> extends true
          ? [s, t] | First<sr, tr, Seen | s>
          : First<sr, tr, Seen>
      : First<sr, tr, Seen>
    : never
  : never;
/** … and those that follow from products and sums with one unknown; ['✗', why] where a division fails */
type Solved<U, E> = U extends [infer s, infer t, infer Key]
  ? s extends Shape
    ? t extends Shape
      ? s['length'] extends t['length']
        ? SolveShape<s, t, E, Key>
        : never
      : never
    : s extends Scaled
      ? never
      : Solved1<s, t, E, Key>
  : never;
type SolvedRest<U, E> = U extends [infer s extends Scaled, infer t, infer Key] ? ([Eval<s, E>] extends [t] ? never : Solved1<s, t, E, Key>) : never; // 3*H*K only when nothing plainer gave K: divisions cost
type Scaled = `${number}*${string}`;
type Solved1<f, a, E, Key> =
  Atom<f> extends true ? never : Solve<f, a, E> extends [infer x, infer v, infer d] ? (v extends null ? ['✗', [f, a, d, Key]] : [x, v]) : never;
type SolveShape<S, T, E, Key, Seen = never> = S extends readonly [infer s, ...infer sr]
  ? T extends readonly [infer t, ...infer tr]
    ? Solved1<s, t, E, [Key]> extends infer C
      ? [C] extends [never]
        ? SolveShape<sr, tr, E, Key, Seen>
        : NameOf<C> extends Seen
          ? SolveShape<sr, tr, E, Key, Seen>
          : C | SolveShape<sr, tr, E, Key, Seen | NameOf<C>>
      : never
    : never
  : never;
type NameOf<C> = C extends [infer k extends string, unknown] ? k : never;
type ValueOf<C, K> = C extends [K, infer v] ? v : never;
type Extend<E, C> = [C] extends [never] ? E : E & { [K in NameOf<C>]: ValueOf<C, K> };
/** the facts that do not hold */
type Broken<U, E> = U extends [infer S, infer T, unknown]
  ? S extends Shape
    ? [EvalShape<S, E>] extends [T]
      ? never
      : AllHold<S, T, E> extends true
        ? never
        : U
    : [Eval<S, E>] extends [T]
      ? never
      : Holds<S, T, E> extends true
        ? never
        : U
  : never;
type Holds<f, a, E> = f extends keyof E
  ? DimEq<E[f], a>
  : Eval<f, E> extends infer v
    ? DimEq<v, a> extends true
      ? number extends v
        ? number extends a
          ? true
          : Unsolved<f, E> extends true
            ? false
            : true
        : true
      : false
    : never;
type AllHold<S, T, E> = S extends readonly [infer s, ...infer sr]
  ? T extends readonly [infer t, ...infer tr]
    ? Holds<s, t, E> extends true
      ? AllHold<sr, tr, E>
      : false
    : false
  : T extends readonly []
    ? true
    : false;

// ---------------------------------------------------------------- words for what does not hold
/** of several failing formals only the simplest: H*K, not 3*H*K as well */
type Simplest<B, A = B> = B extends [infer f extends string, ...unknown[]]
  ? [A] extends [[infer g extends string, ...unknown[]]]
    ? f extends `${string}*${g}`
      ? never
      : B
    : B
  : B;
type Blame<B, E> = B extends [infer S extends Shape, infer T extends Shape, infer Key extends string]
  ? S['length'] extends T['length']
    ? [UnsolvedOf<S, T, E>] extends [never]
      ? WantsShape<S, T, E, Key>
      : UnsolvedOf<S, T, E>
    : WantsShape<S, T, E, Key>
  : B extends [infer f, infer a, infer Key extends string]
    ? Unsolved<f, E> extends true
      ? Say<'unsolved', ['{}', f, ShowDim<a>]>
      : Key extends ''
        ? Say<'clash', ['{}', f, ShowDim<Eval<f, E>>, ShowDim<a>]>
        : Say<'clashField', ['{}', Key, ShowDim<a>, f, ShowDim<Eval<f, E>>]>
    : never;
type WantsShape<S extends Shape, T extends Shape, E, Key extends string> = Say<
  'wantsTensor',
  ['{}', Lead<Key>, ShowShape<S>, ShowShape<EvalShape<S, E>>, ShowShape<T>]
>;
type UnsolvedOf<S extends Shape, T extends Shape, E> =
  Zip<S, T> extends infer P
    ? P extends [infer f, infer a, '']
      ? Unsolved<f, E> extends true
        ? Say<'unsolved', ['{}', f, ShowDim<a>]>
        : never
      : never
    : never;
type Clash<E> = {
  [K in keyof E]: true extends IsUnion<E[K]> ? (K extends string ? Both<K, Exclude<E[K], Last<E[K]>>, Last<E[K]>> : never) : never;
}[keyof E];
type Both<K extends string, A, B> = A extends number
  ? B extends number
    ? GeN<A, B> extends true
      ? Say<'both', ['{}', K, B, A]>
      : Say<'both', ['{}', K, A, B]>
    : Say<'both', ['{}', K, A, ShowDim<B>]>
  : B extends number
    ? Say<'both', ['{}', K, B, ShowDim<A>]>
    : Say<'both', ['{}', K, ShowDim<A>, ShowDim<B>]>;
type Indivisible<X, U, E> = X extends ['✗', [infer f, infer a, infer d, infer Key]]
  ? Key extends [infer T extends string]
    ? Divide<T extends '' ? '' : `${T}: `, f, a, d, Known<f, E>>
    : FieldOf<U, f, d, E> extends infer By extends string
      ? Key extends ''
        ? Divide<'', f, a, d, Known<f, E>>
        : Say<'divideField', ['{}', Key, ShowDim<a>, By, ShowDim<d>]>
      : Divide<Lead<Key & string>, f, a, d, Known<f, E>>
  : never;
type Divide<L, f, a, d, K> = K extends ''
  ? Say<'divideBare', ['{}', L, ShowDim<a>, ShowDim<d>, f, ShowDim<a>]>
  : Say<'divide', ['{}', L, ShowDim<a>, ShowDim<d>, f, ShowDim<a>, K]>;
/** the field that is the divisor: its formal is the one known symbol of f */
type FieldOf<U, f, d, E> =
  Known<f, E> extends `${infer s} = ${infer v}`
    ? v extends `${d & (string | number)}`
      ? NonEmpty<U extends [s, unknown, infer Key] ? Key : never>
      : null
    : null;
type NonEmpty<K> = [K] extends [never] ? null : K extends '' ? null : K;
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;
type Last<U> = (U extends unknown ? (x: () => U) => void : never) extends (x: infer I) => void ? (I extends () => infer L ? L : never) : never;

/** The environment after an argument, or its ✗ message under the layer's name; once a call is broken, the rest of it is not judged. */
export type Unify<N extends string, F, A, E> = [E] extends [string | Stop] ? Stop : unknown extends A ? Stop : Named<N, Unified<F, A, E>>;
type Named<N extends string, R> = R extends `✗ {}:${infer rest}` ? `✗ ${N}:${rest}` : R;
type Unified<F, A, E> =
  Facts<F, A> extends infer U ? ([Extract<U, string>] extends [never] ? Unify1<U, Extend<E, Bound<U, E>>> : Extract<U, string>) : never;
type Unify1<U, E> = [Poly<U, E>] extends [never] ? Unify3<U, E> : Unify2<U, Poly<U, E>, E>;
type Unify2<U, P, E> =
  Solved<P, E> extends infer C ? ('✗' extends NameOf<C> ? Indivisible<SimplestBad<C>, U, E> : UnifyScaled<U, P, Extend<E, C>>) : never;
type UnifyScaled<U, P, E> =
  SolvedRest<P, E> extends infer C ? ('✗' extends NameOf<C> ? Indivisible<SimplestBad<C>, U, E> : Unify3<U, Extend<E, C>>) : never;
/** the facts to solve: those with a formal that is no plain symbol, but for shapes that hold already */
type Poly<U, E> = U extends [infer s, infer t, unknown]
  ? s extends Shape
    ? [EvalShape<s, E>] extends [t]
      ? never
      : Atom<s[number]> extends true
        ? never
        : U
    : Atom<s> extends true
      ? never
      : U
  : never;
type Unify3<U, E> = [Broken<U, E>] extends [never] ? E : [Clash<E>] extends [never] ? Blame<Simplest<Broken<U, E>>, E> : Clash<E>;
type SimplestBad<C> = Extract<C, ['✗', unknown]>[1] extends infer X ? ['✗', Simplest<X>] : never;
