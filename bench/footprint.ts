// What a user waits for and downloads: a cold `heddle run`, and the runtime alone.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { writeSafetensors } from '../runtime/files/safetensors.ts';
import { cases, compileCase } from './cases.ts';
import { inputsOf } from './speed.ts';
import { median } from './statistics.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Milliseconds from nothing to written outputs: `heddle run models/mae.ts --config tiny --device js`, the median of some processes. */
export async function coldStart(times: number): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'heddle-bench-'));
  try {
    const inputs = path.join(folder, 'in.safetensors');
    const tiny = cases['mae tiny'];
    const tensors = Object.entries(inputsOf(compileCase(tiny, 'forward', { target: 'js' }), 1));
    await writeSafetensors(inputs, new Map(tensors.map(([name, t]) => [name, { dtype: 'F32', ...(t as { data: Float32Array; shape: number[] }) }])));
    const args = [
      'cli/bin.js',
      'run',
      'models/mae.ts',
      '--config',
      'tiny',
      '--device',
      'js',
      '--inputs',
      inputs,
      '--out',
      path.join(folder, 'out.safetensors'),
    ];
    return median(
      Array.from({ length: times }, () => {
        const start = performance.now();
        execFileSync(process.execPath, args, { cwd: root, stdio: 'ignore' });
        return performance.now() - start;
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface RuntimeSize {
  readonly files: number;
  readonly bytes: number;
  readonly gzip: number;
}
/** Everything that runtime/index.ts imports before it is asked for more, without types and comments; not otherwise minified. */
export function runtimeSize(): RuntimeSize {
  const texts = new Map<string, string>();
  const queue = [path.join(root, 'runtime/index.ts')];
  while (queue.length > 0) {
    const file = queue.pop()!;
    if (texts.has(file)) continue;
    const text = stripTypeScriptTypes(readFileSync(file, 'utf8'));
    texts.set(file, bare(text));
    for (const [, specifier] of text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)';/gm))
      queue.push(path.resolve(path.dirname(file), specifier!));
  }
  const all = [...texts.values()].join('\n');
  return { files: texts.size, bytes: Buffer.byteLength(all), gzip: gzipSync(all, { level: 9 }).length };
}
/** Without whole-line comments, doc comments, indentation and the blanks that types leave. */
const bare = (text: string): string =>
  text
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map(line => line.trim().replaceAll(/ {2,}/g, ' '))
    .filter(line => line !== '' && line !== ';' && !line.startsWith('//'))
    .join('\n');

/** Runs a file of this folder in a process of its own and gives what it prints, as JSON. */
export function inProcess<T>(file: string, args: readonly string[]): T {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'bench', file), ...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`bench/${file} ${args.join(' ')}: ${stderr.split('\n').find(l => l.includes('Error')) ?? stderr}`);
  return JSON.parse(stdout) as T;
}
