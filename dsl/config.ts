// config(fields, derived): the configuration of a model as a signature of sizes. 'imageSize: G*P' and 'patchSize: P' give the grid by
// exact division, through the same unification as a layer's call. A literal config has literal types; a loaded one (plain numbers)
// is checked at run time by the same signature and in the same words.
import { type Dim, type Env, evalDim } from './dim.ts';
import type { Eval } from './dim-types.ts';
import { fail } from './errors.ts';
import { type Choice, type Count, OptionalPlaceholder, type Ratio, show } from './fields.ts';
import type { Keep, KeepCount } from './keep.ts';
import { KeepPlaceholder, keptOf } from './keep.ts';
import { isPlaceholder, type Size, size } from './sizes.ts';
import type { Arg, Open } from './tensor.ts';
import { unify } from './unify.ts';
import type { None, Stop, Unify } from './unify-types.ts';
import type { Say } from './words.ts';

// ---------------------------------------------------------------- types
type Derivations = Readonly<Record<string, Size | KeepCount>>;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends { readonly fallback: unknown } ? K : never }[keyof F];
/** what a config gives for a field, when its values are not literals */
type Plain<V> = V extends { readonly words: infer C extends readonly string[] } ? C[number] : V extends boolean ? boolean : number;
/** The values of a config as plain types: what a JSON file holds. */
export type ConfigValues<F> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Plain<F[K]> } & { readonly [K in OptionalKeys<F>]?: Plain<F[K]> };

/** the fields that a config leaves out, with the values that they fall back to */
type Defaults<F, A> = { [K in Exclude<OptionalKeys<F>, keyof A>]: Fallback<F[K], A> };
type Fallback<V, A> = V extends { readonly fallback: infer W } ? (V extends { readonly dim: unknown } ? (W extends keyof A ? A[W] : W) : W) : never;
/** the environment of a config's symbols, or a ✗ message */
type Configured<F, D, A> = unknown extends A
  ? Stop
  : [Exclude<keyof A, keyof F>] extends [never]
    ? Given<F, Present<A>> extends infer E
      ? [E] extends [string | Stop]
        ? E
        : Kept<F, D, E>
      : never
    : Say<'unknownField', [Exclude<keyof A, keyof F> & string]>;
/** A field that may be left out (`imageWidth?: number`, from a file) is judged as one that is there. */
type Present<A> = { readonly [K in keyof A]-?: A[K] };
type Given<F, A> = [Exclude<OptionalKeys<F>, keyof A>] extends [never]
  ? Unify<'config', F, A, None>
  : Unify<'config', Omit<F, Exclude<OptionalKeys<F>, keyof A>>, A, None> extends infer E
    ? [E] extends [string | Stop]
      ? E
      : Unify<'config', Pick<F, Exclude<OptionalKeys<F>, keyof A>>, Defaults<F, A>, E>
    : never;
/** E, or the message of a keep count that keeps nothing */
type Kept<F, D, E> = [KeptNone<F, D, E>] extends [never] ? E : KeptNone<F, D, E>;
type KeptNone<F, D, E> = {
  [K in keyof D]: D[K] extends KeepCount<Dim, infer N, infer R>
    ? Keep<Eval<N, E>, Eval<R, E>> extends 0
      ? Say<'keepNone', [FieldNamed<F, R>, Shown<Eval<R, E>>, Shown<Eval<N, E>>]>
      : never
    : never;
}[keyof D];
type Shown<V> = V extends string | number ? V : '?';
type FieldNamed<F, R> = { [K in keyof F]: F[K] extends { readonly dim: R } ? K : never }[keyof F] & string;
type Derived<X, E> =
  X extends KeepCount<Dim, infer N, infer R> ? Keep<Eval<N, E>, Eval<R, E>> : X extends { readonly dim: infer d } ? Eval<d, E> : never;
/** the checked config: its own values, defaults and derived sizes */
type Full<F, D, A, E> = [E] extends [string | Stop]
  ? Open
  : {
      readonly [K in keyof F | keyof D]: K extends keyof A
        ? undefined extends A[K]
          ? Present<A>[K] | (K extends keyof F ? Fallback<F[K], A> : never)
          : A[K]
        : K extends keyof D
          ? Derived<D[K], E>
          : K extends keyof F
            ? Fallback<F[K], A>
            : never;
    };
/** all sizes of a config, derived ones too, as symbols */
type Symbols<F, D> = { readonly [K in keyof F | keyof D]: K extends keyof D ? SymbolOf<D[K]> : K extends keyof F ? FieldOf<F[K]> : never };
type SymbolOf<X> = X extends KeepCount<infer V> ? Size<V> : X;
type FieldOf<V> = V extends { readonly dim: infer N extends Dim }
  ? V extends { readonly ratio: true }
    ? Ratio<N>
    : Size<N>
  : V extends { readonly words: infer C extends readonly string[] }
    ? Choice<C>
    : V extends boolean
      ? boolean
      : V extends { readonly count: true }
        ? Count
        : number;

/** A config's values checked: fields, defaults and derived sizes, and the values of their symbols. */
export interface Configuration {
  readonly values: Readonly<Record<string, unknown>>;
  readonly env: Env;
}
export interface Config<F, D> {
  /** Checks values: the fields as given, defaults filled in, derived sizes worked out.
   *  @throws ShapeError that names the field */
  <const A, E = Configured<F, D, A>>(values: Arg<A, E>): Full<F, D, A, E>;
  readonly fields: F;
  readonly derived: D;
  /** All sizes, derived ones too, as symbols: for signatures. */
  readonly sizes: Symbols<F, D>;
  /** Checks values of any origin. @throws ShapeError that names the field */
  readonly read: (values: unknown) => Configuration;
}

/** Config<F, D>, as a conditional type: TypeScript infers a call that gives a function last, after what it gives is needed, so that a config
 *  written in place (`model({ config: config({…}), params: c => … })`) would leave c without a type. */
type Declared<F, D> = F extends object ? Config<F, D> : never;

// ---------------------------------------------------------------- values
/** Declares a configuration: sizes (size('G*P')), counts, ratios, flags, choices, numbers, optional fields; and what follows from them. */
export function config<const F extends object, const D extends Derivations = None>(fields: F, derived?: D): Declared<F, D>;
export function config(fields: Readonly<Record<string, unknown>>, derived: Readonly<Record<string, unknown>> = {}): unknown {
  const read = (values: unknown): Configuration => readConfig(fields, derived, values);
  const symbols: [string, unknown][] = [
    ...Object.entries(fields).map(([key, f]): [string, unknown] => [key, f instanceof OptionalPlaceholder ? f.of : f]),
    ...Object.entries(derived).map(([key, d]): [string, unknown] => [key, d instanceof KeepPlaceholder ? size(d.symbol) : d]),
  ];
  return Object.assign((values: unknown) => read(values).values, { fields, derived, sizes: Object.fromEntries(symbols), read });
}

function readConfig(fields: Readonly<Record<string, unknown>>, derived: Readonly<Record<string, unknown>>, given: unknown): Configuration {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return fail('configObject', Array.isArray(given) ? 'a list' : show(given));
  for (const key of Reflect.ownKeys(given)) if (!Object.hasOwn(fields, key)) fail('unknownField', String(key));
  const values = new Map<string, unknown>(Object.entries(given));
  const env = new Map<string, Dim>();
  // In the order of the types: the fields that are given first, then those that fall back.
  const late = Object.entries(fields).filter(
    (entry): entry is [string, OptionalPlaceholder] => entry[1] instanceof OptionalPlaceholder && !values.has(entry[0]),
  );
  const early = Object.entries(fields).filter(([key]) => !late.some(([k]) => k === key));
  unify('config', Object.fromEntries(early), Object.fromEntries(values), env);
  for (const [key, field] of late) values.set(key, fallbackOf(key, field, values));
  unify('config', Object.fromEntries(late.map(([key, field]) => [key, field.of])), Object.fromEntries(values), env);
  for (const [key, d] of Object.entries(derived)) {
    const value =
      d instanceof KeepPlaceholder
        ? keptOf(d, ratioField(fields, d.ratio), env)
        : isPlaceholder(d)
          ? evalDim(d.dim, env)
          : fail('derivedOpen', key, show(d));
    if (typeof value !== 'number') fail('derivedOpen', key, value);
    values.set(key, value);
    if (d instanceof KeepPlaceholder && typeof d.symbol === 'string') env.set(d.symbol, value);
  }
  const order = [...Object.keys(fields), ...Object.keys(derived)];
  return { values: Object.freeze(Object.fromEntries(order.map(key => [key, values.get(key)]))), env };
}
function fallbackOf(key: string, field: OptionalPlaceholder, values: ReadonlyMap<string, unknown>): unknown {
  if (!isPlaceholder(field.of) || typeof field.fallback !== 'string') return field.fallback;
  if (!values.has(field.fallback)) fail('fallbackField', key, field.fallback);
  return values.get(field.fallback);
}
const ratioField = (fields: Readonly<Record<string, unknown>>, ratio: Dim): string =>
  Object.entries(fields).find(([, f]) => isPlaceholder(f) && f.dim === ratio)?.[0] ?? `${ratio}`;
