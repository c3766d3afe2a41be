// Runs the real command in a process of its own, in a temporary folder outside the checkout that holds the models and data of the tests.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { readSafetensors, type SafeTensor, writeSafetensors } from '../../runtime/files/safetensors.ts';

export const root = path.join(import.meta.dirname, '../..');
export const mae = path.join(root, 'models/mae.ts');
export const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
export const inFolder = (name: string): string => path.join(folder, name);
export const write = (name: string, text: string): void => writeFileSync(inFolder(name), text);
export const there = (name: string): boolean => existsSync(inFolder(name));
/** Files of a folder whose names begin so: an output and whatever half of it was left. */
export const leftOf = (name: string): string[] => readdirSync(folder).filter(f => f.startsWith(name));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with what was said on stderr so far. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}
export function execute(command: string, args: readonly string[], { env = {}, onStderr }: Options = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env: { ...process.env, HEDDLE_DEBUG: '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
      onStderr?.(stderr, signal => child.kill(signal));
    });
    child.on('error', reject).on('close', code => resolve({ code, stdout, stderr }));
  });
}
export const bin = path.join(root, 'cli/bin.js');
export const heddle = (args: readonly string[], options?: Options): Promise<Ran> => execute(process.execPath, [bin, ...args], options);

export type Tensors = ReadonlyMap<string, SafeTensor>;
export const save = (name: string, tensors: Tensors): Promise<void> => writeSafetensors(inFolder(name), tensors, new Map());
export const load = async (name: string): Promise<Tensors> => (await readSafetensors(inFolder(name))).tensors;
export const f32 = (shape: readonly number[], data: ArrayLike<number> = new Float32Array(shape.reduce((a, b) => a * b, 1))): SafeTensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from(data),
});
/** A map with one entry replaced, or left out. */
export function change(tensors: Tensors, name: string, value: SafeTensor | undefined): Tensors {
  const changed = new Map(tensors);
  if (value) changed.set(name, value);
  else changed.delete(name);
  return changed;
}
/** The golden file's tensors whose names begin with `part.`, without it. */
export async function golden(part: string): Promise<Tensors> {
  const { tensors } = await readSafetensors(path.join(root, 'test/data/golden/mae-tiny.safetensors'));
  return new Map([...tensors].filter(([name]) => name.startsWith(`${part}.`)).map(([name, t]) => [name.slice(part.length + 1), t]));
}

/** A model of one matrix, for mistakes; `forward` is the text of its function. */
export const modelText = (forward: string): string => `import { config, type DimArg, f32, gather, index, matmul, model, param, size } from 'heddle';
class Weights<D extends DimArg> {
  w;
  constructor(d: D) {
    this.w = param([d, d], { normal: 0.02 });
  }
}
export default model({
  name: 'small',
  config: config({ width: size('D') }, {}),
  presets: { four: { width: 4 } },
  params: c => new Weights(c.width),
  inputs: c => ({ x: f32('B', c.width), i: index('D')('B', 1) }),
  forward: ${forward},
});
`;
