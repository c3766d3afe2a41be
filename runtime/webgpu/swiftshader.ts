// SwiftShader and a Vulkan loader from the npm package @sparticuz/chromium (a Brotli tar of 14 MB), unpacked once into the cache.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import zlib from 'node:zlib';
import { cachedFolder } from '../cache.ts';
import { readTar } from './tar.ts';

const wanted = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/** The folder with SwiftShader's driver file and a Vulkan loader; undefined where the package is not installed or does not fit. */
export function swiftShaderFolder(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const archive = findArchive();
  if (archive === undefined) return undefined;
  const packed = fs.readFileSync(archive);
  return cachedFolder('swiftshader', packed, () => {
    const files = readTar(zlib.brotliDecompressSync(packed));
    return new Map(wanted.flatMap(name => (files.has(name) ? [[name, files.get(name)!] as const] : [])));
  }).folder;
}

function findArchive(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    const archive = path.join(path.dirname(entry), '..', 'bin', 'swiftshader.tar.br');
    return fs.existsSync(archive) ? archive : undefined;
  } catch {
    return undefined; // not installed
  }
}
