// fn: a layer written once over symbols. A formal is an example value of its argument: f32('B','N','H*K'), { heads: size('H') },
// new Attn('H*K'). At each call every symbol gets one value over all arguments, in the order written (sizes, parameters, tensors:
// jaxtyping's rule); products and sums with one unknown are solved exactly ('H*K' is 768, H is 12: K is 64).
import type { Dim, Eval, EvalShape } from './dim-types.ts';
import { fail } from './errors.ts';
import { within } from './scope.ts';
import type { Size } from './sizes.ts';
import type { Arg, Index, Open, Tensor } from './tensor.ts';
import { unify } from './unify.ts';
import type { None, Stop, Unify } from './unify-types.ts';

/** The result of a call: the body's, its symbols replaced; open after a mistake, so that one mistake is one error. */
export type Out<R, E> = [E] extends [string | Stop] ? Open : 0 extends 1 & R ? R : Subst<R, E>;
type Subst<R, E> =
  R extends Tensor<infer S, infer D>
    ? Tensor<0 extends 1 & S ? Open : EvalShape<S, E>, D extends Index<infer N> ? Index<Eval<N, E> & Dim> : D>
    : R extends { readonly dim: infer N }
      ? Eval<N, E> extends infer V
        ? V extends string
          ? Size<V>
          : V
        : never
      : R extends readonly unknown[]
        ? { [K in keyof R]: Subst<R[K], E> }
        : R extends (...a: never) => unknown
          ? R
          : R extends object
            ? { [K in keyof R]: Subst<R[K], E> }
            : R;

/** What a layer is beside a function: its name and its formals, for documentation and tools. */
export interface Signature<N extends string, Fs> {
  readonly layer: N;
  readonly signature: Fs;
}
// One interface an arity. The environments are defaulted type parameters of the call: worked out once, and literals stay literal
// however deep the check is.
export interface Fn1<N extends string, A, R> extends Signature<N, [A]> {
  <const a, E = Unify<N, A, a, None>>(a: Arg<a, E>): Out<R, E>;
}
export interface Fn2<N extends string, A, B, R> extends Signature<N, [A, B]> {
  <const a, const b, E1 = Unify<N, A, a, None>, E = Unify<N, B, b, E1>>(a: Arg<a, E1>, b: Arg<b, E>): Out<R, E>;
}
export interface Fn3<N extends string, A, B, C, R> extends Signature<N, [A, B, C]> {
  <const a, const b, const c, E1 = Unify<N, A, a, None>, E2 = Unify<N, B, b, E1>, E = Unify<N, C, c, E2>>(
    a: Arg<a, E1>,
    b: Arg<b, E2>,
    c: Arg<c, E>,
  ): Out<R, E>;
}
export interface Fn4<N extends string, A, B, C, D, R> extends Signature<N, [A, B, C, D]> {
  <const a, const b, const c, const d, E1 = Unify<N, A, a, None>, E2 = Unify<N, B, b, E1>, E3 = Unify<N, C, c, E2>, E = Unify<N, D, d, E3>>(
    a: Arg<a, E1>,
    b: Arg<b, E2>,
    c: Arg<c, E3>,
    d: Arg<d, E>,
  ): Out<R, E>;
}
export interface Fn5<N extends string, A, B, C, D, F, R> extends Signature<N, [A, B, C, D, F]> {
  <
    const a,
    const b,
    const c,
    const d,
    const f,
    E1 = Unify<N, A, a, None>,
    E2 = Unify<N, B, b, E1>,
    E3 = Unify<N, C, c, E2>,
    E4 = Unify<N, D, d, E3>,
    E = Unify<N, F, f, E4>,
  >(
    a: Arg<a, E1>,
    b: Arg<b, E2>,
    c: Arg<c, E3>,
    d: Arg<d, E4>,
    f: Arg<f, E>,
  ): Out<R, E>;
}
export interface Fn6<N extends string, A, B, C, D, F, G, R> extends Signature<N, [A, B, C, D, F, G]> {
  <
    const a,
    const b,
    const c,
    const d,
    const f,
    const g,
    E1 = Unify<N, A, a, None>,
    E2 = Unify<N, B, b, E1>,
    E3 = Unify<N, C, c, E2>,
    E4 = Unify<N, D, d, E3>,
    E5 = Unify<N, F, f, E4>,
    E = Unify<N, G, g, E5>,
  >(
    a: Arg<a, E1>,
    b: Arg<b, E2>,
    c: Arg<c, E3>,
    d: Arg<d, E4>,
    f: Arg<f, E5>,
    g: Arg<g, E>,
  ): Out<R, E>;
}

/** fn(name, formals…, body): the body is checked over the formals' symbols, each call over its arguments. The name leads every message
 *  of a wrong call (`✗ block: …`) and stands in the trail of every node inside.
 *  @throws ShapeError at a call whose arguments do not fit */
export function fn<const N extends string, A, R>(name: N, a: A, body: (a: A) => R): Fn1<N, A, R>;
export function fn<const N extends string, A, B, R>(name: N, a: A, b: B, body: (a: A, b: B) => R): Fn2<N, A, B, R>;
export function fn<const N extends string, A, B, C, R>(name: N, a: A, b: B, c: C, body: (a: A, b: B, c: C) => R): Fn3<N, A, B, C, R>;
export function fn<const N extends string, A, B, C, D, R>(
  name: N,
  a: A,
  b: B,
  c: C,
  d: D,
  body: (a: A, b: B, c: C, d: D) => R,
): Fn4<N, A, B, C, D, R>;
export function fn<const N extends string, A, B, C, D, F, R>(
  name: N,
  a: A,
  b: B,
  c: C,
  d: D,
  f: F,
  body: (a: A, b: B, c: C, d: D, f: F) => R,
): Fn5<N, A, B, C, D, F, R>;
export function fn<const N extends string, A, B, C, D, F, G, R>(
  name: N,
  a: A,
  b: B,
  c: C,
  d: D,
  f: F,
  g: G,
  body: (a: A, b: B, c: C, d: D, f: F, g: G) => R,
): Fn6<N, A, B, C, D, F, G, R>;
export function fn(name: string, ...rest: readonly unknown[]): unknown {
  const formals = rest.slice(0, -1);
  const body = rest.at(-1) as (...actuals: readonly unknown[]) => unknown;
  const call = (...actuals: readonly unknown[]): unknown => {
    const env = new Map<string, Dim>();
    for (const [i, formal] of formals.entries()) unify(name, formal, actuals[i], env);
    const result = within(name, env, () => body(...actuals));
    if (result instanceof Promise) fail('promise', name);
    return result;
  };
  return Object.assign(call, { layer: name, signature: formals });
}
