// SHA-256 against node:crypto at every padding boundary, and what a kernel's hash tells apart.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelHash } from '../../common/hash.ts';
import type { Kernel } from '../../common/program.ts';
import { sha256 } from '../../common/sha256.ts';

const reference = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

test('equals node:crypto for every length through three blocks', () => {
  for (let n = 0; n <= 200; n++) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 37 + n) & 255);
    expect(sha256(bytes)).toBe(reference(bytes));
  }
});

test('equals node:crypto for any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), text => sha256(text) === reference(text)));
});

const kernel: Omit<Kernel, 'hash'> = {
  text: 'return 1',
  entry: 'main',
  workgroup: 1,
  bindings: [{ access: 'read', dtype: 'f32' }],
  uniforms: false,
};
const changed: [string, Partial<Omit<Kernel, 'hash'>>][] = [
  ['text', { text: 'return 2' }],
  ['entry', { entry: 'other' }],
  ['workgroup', { workgroup: 2 }],
  ['access', { bindings: [{ access: 'read_write', dtype: 'f32' }] }],
  ['dtype', { bindings: [{ access: 'read', dtype: 'i32' }] }],
  ['number of bindings', { bindings: [] }],
  ['uniforms', { uniforms: true }],
];
test.each(changed)('a kernel of another %s has another hash', (_, change) => {
  expect(kernelHash({ ...kernel, ...change })).not.toBe(kernelHash(kernel));
});
test('equal kernels have equal hashes', () => {
  expect(kernelHash({ ...kernel, bindings: [{ dtype: 'f32', access: 'read' }] })).toBe(kernelHash(kernel));
});
