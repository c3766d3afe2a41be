// How a kernel(fn) of a model gets its function: from the cache by its file's text, else by reading the file. Importing this file
// registers it with the language; TypeScript is loaded only when a file with kernels is new.
import { readFileSync } from 'node:fs';
import { type KernelSource, readKernelsWith } from '../../dsl/kernel.ts';
import type { ScalarFn } from '../../dsl/scalar.ts';
import { type CachedKernel, fromCache, toCache } from './cache.ts';
import { KernelSourceError } from './errors.ts';
import { type ReadKernel, readKernels } from './read.ts';

readKernelsWith(scalarOf);

/** Files of this process, so that each is read once as long as it does not change. */
const files = new Map<string, { readonly text: string; readonly kernels: readonly ReadKernel[] }>();

/** Reads all kernels of a model file ahead, so that a mistake is told before anything runs. @throws KernelSourceError */
export async function prepareKernels(file: string): Promise<void> {
  const [error] = kernelErrors(file);
  if (error) throw error;
}
/** Every kernel of a file that cannot be read, for `heddle check`. */
export function kernelErrors(file: string): KernelSourceError[] {
  return kernelsOf(file).flatMap(k => ('error' in k ? k.error : []));
}

/** The function of one kernel(…) call. @throws KernelSourceError */
export function scalarOf({ name, place }: KernelSource): ScalarFn {
  if (!place) throw new KernelSourceError('HK3', `kernel ${name}: the place of its call is unknown, so its source cannot be found`);
  const found = kernelsOf(place.file).find(k => k.line === place.line && k.column === place.column);
  if (!found) throw new KernelSourceError('HK3', `kernel ${name}: the file has no call of heddle's kernel here`, place);
  if ('error' in found) throw found.error;
  return found.fn;
}

function kernelsOf(file: string): readonly ReadKernel[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KernelSourceError('HK3', `kernel: its file ${file} cannot be read`, undefined, cause);
  }
  const known = files.get(file);
  if (known?.text === text) return known.kernels;
  const kernels = /\bkernel\b/.test(text) ? (fromCache(text) ?? read(file, text)) : [];
  files.set(file, { text, kernels });
  return kernels;
}
function read(file: string, text: string): ReadKernel[] {
  const kernels = readKernels(file, text);
  if (kernels.every((k): k is CachedKernel => 'fn' in k)) toCache(text, kernels);
  return kernels;
}
