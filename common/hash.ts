// The identity of a kernel: what a pipeline is made of. The compiler writes it, the runtime recomputes it before it believes it, and
// it keys the pipeline cache, so that equal kernels are compiled once.
import type { Kernel } from './program.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 (hex) of text, entry, workgroup, each binding's access and dtype, and whether the uniform block is bound. */
export function kernelHash(kernel: Omit<Kernel, 'hash'>): string {
  const { text, entry, workgroup, bindings, uniforms } = kernel;
  return sha256(JSON.stringify([text, entry, workgroup, bindings.map(b => [b.access, b.dtype]), uniforms]));
}
