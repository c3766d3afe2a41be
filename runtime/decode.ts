// Decoders of untrusted JSON: each takes a value and its path ('' for the root) and returns it typed, or throws a ProgramError that names the path.
// A record refuses fields that it does not know, so that nothing of a newer format is silently dropped.
import { ProgramError } from './errors.ts';

export type Decoder<T> = (x: unknown, at: string) => T;
type Fields = Readonly<Record<string, Decoder<unknown>>>;
type Decoded<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> };

export function malformed(at: string, says: string): never {
  throw new ProgramError('HF10', `program: ${at || 'it'} ${says}`);
}

/** A value as one short line without control characters, safe to print. */
export function shown(x: unknown): string {
  if (typeof x === 'object' && x !== null) return Array.isArray(x) ? 'a list' : 'an object';
  if (typeof x !== 'string') return String(x);
  return JSON.stringify(x.length > 40 ? `${x.slice(0, 40)}…` : x).replace(/[\u007f-\u009f\u2028\u2029]/g, '?');
}

export const string: Decoder<string> = (x, at) => (typeof x === 'string' ? x : malformed(at, `is ${shown(x)}, not a string`));
export const boolean: Decoder<boolean> = (x, at) => (typeof x === 'boolean' ? x : malformed(at, `is ${shown(x)}, not true or false`));

/** Text that people see: bounded, and without control characters or line ends, which terminals and logs would obey. */
export const label: Decoder<string> = (x, at) => {
  const text = string(x, at);
  if (text.length > 4096) malformed(at, `has ${text.length} characters, more than 4096`);
  return /[\p{Cc}\u2028\u2029]/u.test(text) ? malformed(at, 'has a control character') : text;
};

export const matching =
  (pattern: RegExp, says: string): Decoder<string> =>
  (x, at) => {
    const text = string(x, at);
    return pattern.test(text) ? text : malformed(at, `is ${shown(text)}, not ${says}`);
  };

export const integer =
  (from: number, to = Number.MAX_SAFE_INTEGER): Decoder<number> =>
  (x, at) => {
    if (typeof x !== 'number' || !Number.isSafeInteger(x)) return malformed(at, `is ${shown(x)}, not an integer`);
    return x >= from && x <= to ? x : malformed(at, `is ${x}, outside ${from}…${to}`);
  };

export const finite: Decoder<number> = (x, at) =>
  typeof x === 'number' && Number.isFinite(x) ? x : malformed(at, `is ${shown(x)}, not a finite number`);

export const oneOf =
  <const T extends string | number>(...choices: readonly T[]): Decoder<T> =>
  (x, at) =>
    choices.find(c => c === x) ?? malformed(at, `is ${shown(x)}, not one of ${choices.join(', ')}`);

export const nullable =
  <T>(decode: Decoder<T>): Decoder<T | null> =>
  (x, at) =>
    x === null ? null : decode(x, at);

export const list =
  <T>(decode: Decoder<T>): Decoder<readonly T[]> =>
  (x, at) =>
    Array.isArray(x) ? Array.from(x, (item: unknown, i) => decode(item, `${at}[${i}]`)) : malformed(at, `is ${shown(x)}, not a list`);

/** Own fields of a plain object; JSON gives `__proto__` as an own key, which is refused like any other unknown one. */
export function fieldsOf(x: unknown, at: string): ReadonlyMap<string, unknown> {
  if (typeof x !== 'object' || x === null || Array.isArray(x)) return malformed(at, `is ${shown(x)}, not an object`);
  return new Map(Object.entries(x));
}

/** An object with exactly the required fields and any of the optional ones. */
export function record<R extends Fields, O extends Fields = Record<never, never>>(
  required: R,
  optional?: O,
): Decoder<Decoded<R> & Partial<Decoded<O>>> {
  const known = new Map<string, Decoder<unknown>>([...Object.entries(required), ...Object.entries(optional ?? {})]);
  return (x, at) => {
    const fields = fieldsOf(x, at);
    for (const key of fields.keys()) if (!known.has(key)) malformed(at, `has an unknown field ${shown(key)}`);
    for (const key of Object.keys(required)) if (!fields.has(key)) malformed(at, `has no field '${key}'`);
    const out: Record<string, unknown> = {};
    for (const [key, decode] of known) if (fields.has(key)) out[key] = decode(fields.get(key), at === '' ? key : `${at}.${key}`);
    return out as Decoded<R> & Partial<Decoded<O>>; // built from the same table as the type
  };
}

/** One of several records, told apart by `tag`. */
export const tagged =
  <T>(tag: string, cases: Readonly<Record<string, Decoder<T>>>): Decoder<T> =>
  (x, at) => {
    const name = fieldsOf(x, at).get(tag);
    if (typeof name !== 'string' || !Object.hasOwn(cases, name))
      return malformed(at, `has ${tag} ${shown(name)}, not one of ${Object.keys(cases).join(', ')}`);
    return cases[name]!(x, at);
  };
