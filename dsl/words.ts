// How messages are made: a type rule fills a template of words/ into the error type, a trace rule fills the same template into a
// ShapeError, so that an editor and a run say the same words.
import { words } from './words/index.ts';

/** Every template, by key. */
export type Words = typeof words;
export type WordKey = keyof Words;

type Fill<T extends string, A> = T extends `${infer x}{}${infer y}`
  ? A extends [infer h extends string | number, ...infer r]
    ? `${x}${h}${Fill<y, r>}`
    : T
  : T;
/** The error type of a mistake: a string that starts with ✗. Say<'wantsTensor', ['block', '[B,N]', '[8,196]', '[8,197]']> */
export type Say<K extends WordKey, A extends unknown[]> = `✗ ${Fill<Words[K], A>}`;
/** The same as a value. */
export function say(key: WordKey, ...args: readonly (string | number)[]): string {
  let i = 0;
  return `✗ ${words[key].replace(/\{\}/g, () => String(args[i++]))}`;
}
