// What somebody downloads to run a compiled program: the runtime's built modules, minified by nobody, gzipped as one text. What is loaded
// when it is asked for (WebGPU from npm, folders, files) is listed apart.
//   npm run build && node scripts/size.ts [folder]
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../dist'));

/** The modules that importing one loads, itself included, in the order of a walk. */
function closure(entry: string): string[] {
  const found = new Set<string>();
  const pending = [path.join(dist, entry)];
  for (let file = pending.pop(); file; file = pending.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from\s*'(\.[^']+)'|^import\s*'(\.[^']+)'/gm))
      if (specifier) pending.push(path.join(path.dirname(file), specifier));
  }
  return [...found];
}
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

if (!existsSync(dist)) {
  process.stderr.write(`error HU1: ${dist} is not there: npm run build\n`);
  process.exit(2);
}
const loaded = new Set<string>();
for (const entry of [
  'runtime/index.js',
  'runtime/folder.js',
  'runtime/webgpu/adapter.js',
  'runtime/files/safetensors.js',
  'dsl/index.js',
  'compiler/index.js',
]) {
  const files = closure(entry).filter(f => !loaded.has(f));
  for (const f of files) loaded.add(f);
  const text = files.map(f => readFileSync(f, 'utf8')).join('');
  const more = entry === 'runtime/index.js' ? '' : '+ ';
  process.stdout.write(`${more}${entry}: ${files.length} modules, ${kilobytes(text.length)}, gzip ${kilobytes(gzipSync(text).length)}\n`);
}
