// Results of earlier runs in node_modules/.cache/heddle, keyed by all that they were made from: the sources of the language, the
// compiler and the models, the weights, and what the caller adds. A file whose content does not match its digest is made anew.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCache, writeCache } from '../../runtime/cache.ts';

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
  const hash = createHash('sha256').update(await sources).update(what);
  for (const d of data) hash.update(new Uint8Array(d.buffer, d.byteOffset, d.byteLength));
  return hash.digest('hex').slice(0, 40);
}

/** The remembered JSON value of a name, or a new one, remembered. */
export async function cached<T>(name: string, make: () => T): Promise<{ value: T; hit: boolean }> {
  const old = await readCache(name);
  if (old) return { value: JSON.parse(new TextDecoder().decode(old)) as T, hit: true };
  const value = make();
  await writeCache(name, new TextEncoder().encode(JSON.stringify(value)));
  return { value, hit: false };
}
