// Results of earlier runs in node_modules/.cache/heddle, keyed by all that they were made from: the sources of the language, the
// compiler and the models, the weights, and what the caller adds.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedFolder } from '../../runtime/cache.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let sources: Promise<string> | undefined;

async function digestSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['common', 'dsl', 'compiler', 'models']) {
    const files = (await readdir(path.join(root, folder), { recursive: true })).filter(f => /\.(ts|json|safetensors)$/.test(f)).sort();
    for (const f of files) hash.update(f).update(await readFile(path.join(root, folder, f)));
  }
  return hash.digest('hex');
}

export async function sourceDigest(what: string, data: readonly Float32Array[] = []): Promise<string> {
  sources ??= digestSources();
  const hash = createHash('sha256')
    .update(await sources)
    .update(what);
  for (const d of data) hash.update(new Uint8Array(d.buffer, d.byteOffset, d.byteLength));
  return hash.digest('hex').slice(0, 40);
}

/** The remembered JSON value of a key, or a new one, remembered. */
export async function cached<T>(kind: string, key: string, make: () => T): Promise<{ value: T; hit: boolean }> {
  const { folder, hit } = cachedFolder(kind, key, () => new Map([['value.json', new TextEncoder().encode(JSON.stringify(make()))]]));
  return { value: JSON.parse(await readFile(path.join(folder, 'value.json'), 'utf8')) as T, hit };
}
