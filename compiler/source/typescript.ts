// The one file that knows the TypeScript package (6: the last with the JavaScript API). It is loaded when a kernel has to be read
// and neither a table nor the cache has it, never by running a program: importing it costs a second.
import { createRequire } from 'node:module';
import type ts from 'typescript';
import { KernelSourceError } from './errors.ts';

export type TypeScript = typeof ts;
export type { ts };

let loaded: TypeScript | undefined;

/** @throws KernelSourceError HK4 when the package is missing or has no JavaScript API */
export function typescript(): TypeScript {
  if (loaded) return loaded;
  let found: TypeScript;
  try {
    found = createRequire(import.meta.url)('typescript') as TypeScript;
  } catch (cause) {
    throw new KernelSourceError('HK4', 'reading TypeScript needs the package typescript 6: npm install typescript@6', undefined, cause);
  }
  if (typeof found.createSourceFile !== 'function')
    throw new KernelSourceError('HK4', `reading TypeScript needs typescript 6, not ${found.version}: npm install typescript@6`);
  loaded = found;
  return found;
}

/** The syntax tree of a file; nothing is resolved or checked. */
export function parse(file: string, text: string): ts.SourceFile {
  const api = typescript();
  return api.createSourceFile(file, text, api.ScriptTarget.Latest, true);
}
