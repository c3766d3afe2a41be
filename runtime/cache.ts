// The cache in node_modules/.cache/heddle: folders of files that can be made again. Keyed by the hash of what they are made from, every
// file checked against its own hash before use, written beside and renamed (processes start in parallel and may be killed).
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FileError } from './errors.ts';

export interface CachedFolder {
  readonly folder: string;
  /** It was there and whole. */
  readonly hit: boolean;
}
const manifestName = 'manifest.json';
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Where the cache lies: in the node_modules of the nearest package from the working directory up, else in the system's temporary folder. */
export function cacheRoot(from = process.cwd()): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, 'node_modules')) && writable(path.join(folder, 'node_modules')))
      return path.join(folder, 'node_modules', '.cache', 'heddle');
    if (path.dirname(folder) === folder) break;
  }
  return path.join(os.tmpdir(), `heddle-cache-${os.userInfo().uid}`);
}

function writable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder `<name>-<hash of source>` with what `make` returns (names without folders); made when it is missing or damaged. */
export function cachedFolder(
  name: string,
  source: Uint8Array | string,
  make: () => ReadonlyMap<string, Uint8Array>,
  root = cacheRoot(),
): CachedFolder {
  const folder = path.join(root, `${name}-${sha256(source).slice(0, 16)}`);
  if (isWhole(folder)) return { folder, hit: true };
  const files = make();
  const beside = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    fs.mkdirSync(beside, { recursive: true, mode: 0o700 });
    const hashes: Record<string, string> = {};
    for (const [file, bytes] of files) {
      fs.writeFileSync(path.join(beside, file), bytes);
      hashes[file] = sha256(bytes);
    }
    fs.writeFileSync(path.join(beside, manifestName), JSON.stringify(hashes));
    place(beside, folder);
  } catch (cause) {
    throw new FileError('HF2', `cache: cannot write ${folder} (${String(cause)}); make ${root} writable`, { cause });
  } finally {
    fs.rmSync(beside, { recursive: true, force: true });
  }
  return { folder, hit: false };
}

/** Renames into place. Whoever was first wins, unless what lies there is damaged. */
function place(beside: string, folder: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      fs.renameSync(beside, folder);
      return;
    } catch (e) {
      if (isWhole(folder)) return;
      if (attempt === 2) throw e;
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
}

function isWhole(folder: string): boolean {
  try {
    const hashes: unknown = JSON.parse(fs.readFileSync(path.join(folder, manifestName), 'utf8'));
    if (typeof hashes !== 'object' || hashes === null) return false;
    return Object.entries(hashes).every(([file, hash]) => path.basename(file) === file && sha256(fs.readFileSync(path.join(folder, file))) === hash);
  } catch {
    return false; // missing, or damaged: both are made again
  }
}
