// Initial values of parameters as data of a Program: kinds stay kinds (the runtime draws them, seeded), tables become bytes.
import type { Init } from '../common/program.ts';
import type { LazyInit } from '../dsl/graph.ts';

export function initOf(init: Init | LazyInit): Init {
  if (init.kind !== 'lazy') return init;
  const values = init.values();
  return { kind: 'data', data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64') };
}
