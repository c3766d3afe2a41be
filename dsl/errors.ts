// The language's error, and where in the user's source it was. V8 captures call sites as an object in about 2 µs and formats them
// only when `stack` is read, so every node keeps its call and nobody pays for it until an error or explain asks.
import { HeddleError, type Place } from '../common/errors.ts';
import type { Origin } from './graph.ts';
import { languageTables } from './words/index.ts';
import { say, type WordKey } from './words.ts';

/** A mistake that the language found: its message begins with `✗ <op or layer>:`, its place is the user's call. */
export class ShapeError extends HeddleError {
  override name = 'ShapeError';
  /** The template of dsl/words that was filled. */
  readonly key: WordKey;
  constructor(key: WordKey, message: string, place: Place | undefined) {
    super(codeOf(key), message, { place });
    this.key = key;
  }
}
/** HS1 sizes, HS2 layers, HS3 configs, HS4 models, HS5 the shape rules of ops. */
function codeOf(key: WordKey): `HS${number}` {
  const { sizes, layers, config, model } = languageTables;
  const family = [sizes, layers, config, model].findIndex(table => Object.hasOwn(table, key));
  return `HS${family < 0 ? 5 : family + 1}`;
}

/** Throws the ShapeError of a template, placed at the innermost call outside the language's own files. */
export function fail(key: WordKey, ...args: readonly (string | number)[]): never {
  throw new ShapeError(key, say(key, ...args), placeOf(callSite(fail, 30)));
}
/** The same, placed where a node was made. */
export function failAt(origin: Origin, key: WordKey, ...args: readonly (string | number)[]): never {
  throw new ShapeError(key, say(key, ...args), placeOf(origin));
}

/** The call sites above `skip`, unread. */
export function callSite(skip: (...args: never) => unknown, frames: number): { readonly stack?: string } {
  const limit = Error.stackTraceLimit;
  const site: { stack?: string } = {};
  Error.stackTraceLimit = frames;
  Error.captureStackTrace(site, skip);
  Error.stackTraceLimit = limit;
  return site;
}

/** Heddle's own code: what calls the language on a user's behalf is no place of a mistake. Models are users. */
const own = ['dsl', 'compiler', 'runtime', 'testing'].map(folder => new URL(`../${folder}/`, import.meta.url).href);
/** Behind the command there are no files of a user's: a mistake in what it was given has no place. */
const command = new URL('../cli/', import.meta.url).href;
/** The first frame outside Heddle's own files. */
export function placeOf(site: { readonly stack?: string }): Place | undefined {
  const frames = typeof site.stack === 'string' ? site.stack.split('\n') : [];
  for (const frame of frames) {
    const at = /(?:\(|at (?:async )?)((?:file|https?):\/\/[^()]*|\/[^()]*|[A-Za-z]:[\\/][^()]*):(\d+):(\d+)\)?$/.exec(frame.trim());
    if (at && at[1]!.startsWith(command)) return undefined;
    if (at && !own.some(folder => at[1]!.startsWith(folder))) return { file: pathOf(at[1]!), line: Number(at[2]), column: Number(at[3]) };
  }
  return undefined;
}
/** `file:///a/b.ts` as a path; other addresses as they are. */
function pathOf(address: string): string {
  if (!address.startsWith('file://')) return address;
  const path = decodeURIComponent(new URL(address).pathname);
  return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
}
