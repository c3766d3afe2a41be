// The fields of a config that are no sizes: counts, ratios, switches, choices. As a size, a field is an example value of its argument's
// own type; as a value it is a placeholder that knows how to check what a config gives it.
import { canon, type Dim, type DimArg } from './dim.ts';
import type { Canon } from './dim-types.ts';
import { fail } from './errors.ts';
import { type Size, SizePlaceholder } from './sizes.ts';
import type { Say } from './words.ts';

/** A count's own type: a number that a config's literal is checked against. */
export type Count = number & { readonly count: true };
/** The size of a ratio field: strictly between 0 and 1. */
export type Ratio<N extends Dim = Dim> = Size<N> & { readonly ratio: true };
/** One of some words; the list itself is kept for messages. */
export type Choice<C extends readonly string[]> = C[number] & { readonly words: C };
/** A field with a value when a config leaves it out: another field's, or its own. */
export type Optional<F, V> = F & { readonly fallback: V };

type FieldKind = { readonly kind: 'count' | 'number' | 'flag' } | { readonly kind: 'choice'; readonly of: readonly string[] };
export class FieldPlaceholder {
  readonly field: FieldKind;
  constructor(field: FieldKind) {
    this.field = field;
  }
  [Symbol.toPrimitive](): never {
    return fail('placeholderField', this.field.kind);
  }
}
export const isFieldPlaceholder = (x: unknown): x is FieldPlaceholder => x instanceof FieldPlaceholder;
export class RatioPlaceholder extends SizePlaceholder {
  readonly ratio = true;
}
export class OptionalPlaceholder {
  readonly of: unknown;
  readonly fallback: unknown;
  constructor(of: unknown, fallback: unknown) {
    this.of = of;
    this.fallback = fallback;
  }
}

/** A number of layers: a whole number from 1. In a signature one layer stands for all. */
export function count(): Count;
export function count(): unknown {
  return new FieldPlaceholder({ kind: 'count' });
}
/** Any finite number (an epsilon, a rate). */
export function number(): number;
export function number(): unknown {
  return new FieldPlaceholder({ kind: 'number' });
}
/** true or false. */
export function flag(): boolean;
export function flag(): unknown {
  return new FieldPlaceholder({ kind: 'flag' });
}
/** One of some words: choice('cls', 'mean'). */
export function choice<const C extends readonly [string, ...string[]]>(...of: C): Choice<C>;
export function choice(...of: readonly string[]): unknown {
  return new FieldPlaceholder({ kind: 'choice', of });
}
/** A share with a symbol, above 0 and below 1: ratio('R'). */
export function ratio<const N extends DimArg>(dim: N): Ratio<Canon<N> & Dim>;
export function ratio(dim: DimArg): unknown {
  return new RatioPlaceholder(canon(dim));
}
/** A field that a config may leave out: optional(size('W*P'), 'imageSize') then takes another field's value; other fields take the given one. */
export function optional<F, const V extends string | number | boolean>(field: F, fallback: V): Optional<F, V>;
export function optional(field: unknown, fallback: unknown): unknown {
  return new OptionalPlaceholder(field, fallback);
}

// ---------------------------------------------------------------- one value against its field
/** a fact of a size: [dim, value, field], or a ✗ message with {} for the layer's name */
export type SizeFact<F, f, A, K> = [A] extends [number | { readonly dim: unknown }]
  ? F extends { readonly ratio: true }
    ? IsRatio<A> extends true
      ? [f, Canon<A>, K]
      : Say<'fieldRatio', ['{}', Key<K, f>, Show<A>]>
    : IsWhole<A> extends true
      ? [f, Canon<A>, K]
      : Say<'fieldWhole', ['{}', Key<K, f>, Show<A>]>
  : Say<'fieldNumber', ['{}', Key<K, f>, Show<A>]>;
type Key<K, f> = K extends '' ? f : K;
/** never for a value that fits its field, or a ✗ message */
export type FieldFact<F, A, K> = [F] extends [boolean]
  ? [A] extends [boolean]
    ? never
    : Say<'fieldFlag', ['{}', K, Show<A>]>
  : [F] extends [{ readonly words: infer C extends readonly string[] }]
    ? [A] extends [C[number]]
      ? never
      : string extends A
        ? never
        : Say<'fieldChoice', ['{}', K, Join<C>, Show<A>]>
    : [A] extends [number]
      ? F extends { readonly count: true }
        ? IsWhole<A> extends true
          ? never
          : Say<'fieldWhole', ['{}', K, Show<A>]>
        : never
      : Say<'fieldNumber', ['{}', K, Show<A>]>;
type IsWhole<A> = A extends { readonly dim: unknown }
  ? true
  : A extends number
    ? number extends A
      ? true
      : `${A}` extends '0' | `-${string}` | `${string}.${string}` | `${string}e-${string}`
        ? false
        : true
    : false;
type IsRatio<A> = A extends { readonly dim: unknown }
  ? true
  : A extends number
    ? number extends A
      ? true
      : `${A}` extends `0.${string}` | `${number}e-${number}`
        ? `${A}` extends `-${string}`
          ? false
          : true
        : false
    : false;
type Join<C extends readonly string[]> = C extends readonly [infer h extends string, ...infer t extends readonly string[]]
  ? t extends readonly []
    ? h
    : `${h}, ${Join<t>}`
  : '';
type Show<A> = A extends string ? `"${A}"` : A extends number | boolean | null | undefined ? `${A}` : 'something else';

/** Checks what a call gives for a field that is no size. @throws ShapeError with the layer's and the field's name */
export function checkField(layer: string, key: string, { field }: FieldPlaceholder, value: unknown): void {
  if (value instanceof FieldPlaceholder && value.field.kind === field.kind) return; // a signature inside a signature
  switch (field.kind) {
    case 'flag':
      if (typeof value !== 'boolean') fail('fieldFlag', layer, key, show(value));
      return;
    case 'choice':
      if (typeof value !== 'string' || !field.of.includes(value)) fail('fieldChoice', layer, key, field.of.join(', '), show(value));
      return;
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) fail('fieldNumber', layer, key, show(value));
      return;
    case 'count':
      if (typeof value !== 'number' || Number.isNaN(value)) fail('fieldNumber', layer, key, show(value));
      if (!isWhole(value)) fail('fieldWhole', layer, key, value);
  }
}
/** The dim of a size field's value. @throws ShapeError when it is no number, not whole from 1, or for a ratio not between 0 and 1 */
export function sizeField(layer: string, key: string, formal: SizePlaceholder, value: unknown): Dim {
  const field = key === '' ? `${formal.dim}` : key;
  if (value instanceof SizePlaceholder) return value.dim;
  if (typeof value !== 'number' || Number.isNaN(value)) return fail('fieldNumber', layer, field, show(value));
  if (!(formal instanceof RatioPlaceholder)) return isWhole(value) ? value : fail('fieldWhole', layer, field, value);
  return value > 0 && value < 1 ? value : fail('fieldRatio', layer, field, value);
}
const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n > 0;
export const show = (x: unknown): string =>
  typeof x === 'string' ? `"${x}"` : typeof x === 'number' || typeof x === 'boolean' || x === null || x === undefined ? `${x}` : 'something else';
