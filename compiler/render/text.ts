// What both renderers share: templates of intrinsics filled in, polyfills collected in an order that defines before use, comments
// that no user's text can end.
import type { Expr } from '../code/types.ts';
import { CompileError } from '../errors.ts';
import { type Intrinsic, intrinsic, type Language } from './intrinsics.ts';
import type { Polyfill } from './polyfills-wgsl.ts';

export function intrinsicOf(language: Language, e: Expr & { readonly kind: 'op' }): Intrinsic {
  const operand = e.args[0]!.type;
  const found = intrinsic(language, e.prim, operand);
  if (!found) throw new CompileError('HC33', `${e.prim} of ${operand} has no meaning`);
  return found;
}
export function templateOf(i: Intrinsic, e: Expr & { readonly kind: 'op' }): string {
  const last = e.args.at(-1);
  return i.literal !== undefined && last?.kind === 'literal' && last.value !== 0 ? i.literal : i.text;
}
export const fill = (template: string, args: readonly string[], types: Readonly<Record<string, string>>): string =>
  template
    .replace(/\(\$(\d)\)/g, (_, i: string) => `(${unwrapped(args[Number(i)]!)})`)
    .replace(/\$(\d|[A-Z])/g, (_, key: string) => (/\d/.test(key) ? args[Number(key)]! : (types[key] ?? '')));

/** Names of polyfills with those that they need, each after its needs, sorted otherwise. */
export function withNeeds(names: readonly string[], table: Readonly<Record<string, Polyfill>>): readonly string[] {
  const out: string[] = [];
  const add = (name: string): void => {
    if (out.includes(name)) return;
    for (const n of table[name]!.needs) add(n);
    out.push(name);
  };
  for (const n of [...names].sort()) add(n);
  return out;
}

/** A line comment from anybody's words: everything that ends a line in WGSL or JavaScript, and every other control character, is a blank. */
export const commentLine = (words: string): string => `// ${words.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()}`.trimEnd();

/** Without brackets around the whole, which a statement doesn't need. */
export function unwrapped(text: string): string {
  if (!text.startsWith('(')) return text;
  let open = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') open++;
    if (text[i] === ')') open--;
    if (open === 0) return i === text.length - 1 ? text.slice(1, -1) : text;
  }
  return text;
}
