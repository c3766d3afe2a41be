// Compiled kernels by the hash of their file's text and of this reader, in node_modules/.cache/heddle: a model that did not change
// is compiled without loading TypeScript. Entries are checked by their own hash, written beside and renamed; a cache that cannot be
// written is no error.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ScalarFn } from '../../dsl/scalar.ts';

export interface CachedKernel {
  readonly line: number;
  readonly column: number;
  readonly fn: ScalarFn;
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The kernels of a file with this text, or undefined. */
export function fromCache(text: string, folder = cacheFolder()): CachedKernel[] | undefined {
  try {
    const [hash, body] = readFileSync(entryOf(folder, text), 'utf8').split('\n');
    return body !== undefined && hash === sha256(body) ? (JSON.parse(body, revive) as CachedKernel[]) : undefined;
  } catch {
    return undefined; // not there, or damaged
  }
}
export function toCache(text: string, kernels: readonly CachedKernel[], folder = cacheFolder()): void {
  const entry = entryOf(folder, text);
  const beside = `${entry}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(folder, { recursive: true });
    const body = JSON.stringify(kernels, replace);
    writeFileSync(beside, `${sha256(body)}\n${body}`, { flag: 'wx' });
    renameSync(beside, entry);
  } catch {
    if (existsSync(beside)) rmSync(beside);
  }
}

/** JSON has no −0. */
const replace = (_: string, value: unknown): unknown => (Object.is(value, -0) ? '-0' : value);
const revive = (key: string, value: unknown): unknown => (key === 'value' && value === '-0' ? -0 : value);

const entryOf = (folder: string, text: string): string => path.join(folder, `kernels-${sha256(`${readerHash()}\n${text}`).slice(0, 32)}.json`);

/** In the node_modules of the nearest package from the working directory up. */
function cacheFolder(): string {
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'node_modules'))) return path.join(folder, 'node_modules', '.cache', 'heddle');
    if (path.dirname(folder) === folder) return path.join(process.cwd(), 'node_modules', '.cache', 'heddle');
  }
}

let reader: string | undefined;
/** Changes with every file of this folder, so that a new reader never takes an old one's results. */
function readerHash(): string {
  const here = import.meta.dirname;
  reader ??= sha256(
    readdirSync(here)
      .sort()
      .map(f => readFileSync(path.join(here, f), 'utf8'))
      .join('\n'),
  );
  return reader;
}
