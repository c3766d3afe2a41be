// Small Programs written by hand, in both kernel languages, for the tests of the runtime: no compiler is involved.
import type { DType } from '../../common/dtype.ts';
import { kernelHash } from '../../common/hash.ts';
import type { Access, Init, Kernel, Program, Range, State, Step, Weight } from '../../common/program.ts';
import type { Size } from '../../common/size.ts';

export type Language = Program['language'];

interface KernelSource {
  readonly js: string;
  /** Statements after `let i`, the element of this invocation, and the bound check against `count`. */
  readonly wgsl: { readonly count: string; readonly body: string };
  readonly bindings: readonly (readonly [Access, DType])[];
  readonly uniforms?: boolean;
}
const wgslType = { f32: 'f32', f16: 'f32', i32: 'i32', u32: 'u32', bool: 'u32' } as const;

export function kernel(language: Language, { js, wgsl, bindings, uniforms = false }: KernelSource): Kernel {
  const declared = bindings.map(([access, t], i) => `@group(0) @binding(${i}) var<storage, ${access}> m${i}: array<${wgslType[t]}>;`);
  if (uniforms) declared.push(`@group(0) @binding(${bindings.length}) var<uniform> u: array<vec4<u32>, 16>;`);
  const text =
    language === 'js'
      ? `return (m, u, from, to) => { for (let i = from; i < to; i++) { ${js} } };`
      : `${declared.join('\n')}
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
  let i = w.x + n.x * (w.y + n.y * w.z);
  if (i >= ${wgsl.count}) { return; }
  ${wgsl.body}
}`;
  const made = { text, entry: 'main', workgroup: 1, bindings: bindings.map(([access, dtype]) => ({ access, dtype })), uniforms };
  return { hash: kernelHash(made), ...made };
}

export const step = (kernel: number, name: string, of: Size, bindings: readonly Range[]): Step => ({
  kernel,
  bindings,
  grid: { count: 1, of, per: 1 },
  name,
  ops: [name],
  origin: '',
  flops: { fixed: 0, perBatch: 1 },
  bytesRead: { fixed: 4, perBatch: 4 },
  bytesWritten: { fixed: 0, perBatch: 4 },
});
const at = (slot: number, bytes: Size, offset: Size = 0): Range => ({ slot, offset, bytes });
const zeros: Init = { kind: 'constant', value: 0 };
const weight = (name: string, range: Range, init: Init): Weight => ({ name, dtype: 'f32', shape: [4], trainable: true, init, ...range });

/** Width of a row in `rows`. */
export const width = 4;

/** scaled [B,4] = gain·x + w (a uniform, a weight); total [] = Σ scaled over everything; picked [B] = scaled[b, pick[b]] + v[0] (an index,
 *  a second weight in the same slot); echo = x (an output that is an input); again = scaled (one tensor as two outputs). */
export function rows(language: Language): Program {
  const row = { batch: 4 * width };
  const x = at(0, row);
  const pick = at(1, { batch: 4 });
  const w = at(2, 16);
  const v = at(2, 16, 256);
  const scaled = at(3, row);
  const picked = at(3, { batch: 4 }, { batch: 256 });
  const total = at(4, 4);
  const table = at(5, 4);
  const kernels = [
    kernel(language, {
      js: 'm[3][i] = m[2][0] * u[1] * m[0][i] + m[1][i % 4];',
      wgsl: { count: '4u * u[0].x', body: 'm3[i] = m2[0] * bitcast<f32>(u[0].y) * m0[i] + m1[i % 4u];' },
      bindings: [
        ['read', 'f32'],
        ['read', 'f32'],
        ['read', 'f32'],
        ['read_write', 'f32'],
      ],
      uniforms: true,
    }),
    kernel(language, {
      js: 'let s = 0; for (let j = 0; j < 4 * u[0]; j++) s += m[0][j]; m[1][0] = s;',
      wgsl: { count: '1u', body: 'var s = 0.0; for (var j = 0u; j < 4u * u[0].x; j++) { s += m0[j]; } m1[0] = s;' },
      bindings: [
        ['read_write', 'f32'],
        ['read_write', 'f32'],
      ],
      uniforms: true,
    }),
    kernel(language, {
      js: 'm[3][i] = m[0][4 * i + m[1][i]] + m[2][0];',
      wgsl: { count: 'u[0].x', body: 'm3[i] = m0[4u * i + u32(m1[i])] + m2[0];' },
      bindings: [
        ['read_write', 'f32'],
        ['read', 'i32'],
        ['read', 'f32'],
        ['read_write', 'f32'],
      ],
      uniforms: true,
    }),
  ];
  return {
    format: 'heddle-program',
    version: 1,
    name: 'rows',
    target: language === 'js' ? 'js' : 'webgpu',
    language,
    batch: 'B',
    needs: { storageBuffers: 4, workgroupBytes: 0, invocations: 1, bindingBytes: row, features: [] },
    inputs: [
      { name: 'x', dtype: 'f32', shape: [{ batch: 1 }, width], ...x },
      { name: 'pick', dtype: 'i32', shape: [{ batch: 1 }], over: width, ...pick },
    ],
    scalars: [{ name: 'gain', dtype: 'f32', index: 1 }],
    weights: [weight('block.w', w, { kind: 'normal', std: 0.02 }), weight('head.v', v, { kind: 'xavier-uniform' })],
    state: [],
    outputs: [
      { name: 'scaled', dtype: 'f32', shape: [{ batch: 1 }, width], steps: [0], ...scaled },
      { name: 'total', dtype: 'f32', shape: [], steps: [0, 1], ...total },
      { name: 'picked', dtype: 'f32', shape: [{ batch: 1 }], steps: [0, 2], ...picked },
      { name: 'echo', dtype: 'f32', shape: [{ batch: 1 }, width], steps: [], ...x },
      { name: 'again', dtype: 'f32', shape: [{ batch: 1 }, width], steps: [0], ...scaled },
    ],
    slots: [
      { kind: 'input', bytes: row },
      { kind: 'input', bytes: { batch: 4 } },
      { kind: 'weights', bytes: 512 },
      { kind: 'arena', bytes: { batch: 512 } },
      { kind: 'arena', bytes: 256 },
      { kind: 'constant', bytes: 4, data: Buffer.from(Float32Array.of(1).buffer).toString('base64') },
    ],
    values: [{ name: 'scaled', dtype: 'f32', shape: [{ batch: 1 }, width], first: 0, last: 3, ...scaled }],
    kernels,
    steps: [
      step(0, 'scale', { batch: width }, [x, w, table, scaled]),
      step(1, 'total', 1, [scaled, total]),
      step(2, 'pick', { batch: 1 }, [scaled, pick, v, picked]),
    ],
  };
}

/** State: sum [4] += x [4] every run, in place; `sum` is read after its update, `before` holds x. `fail` makes index 3 throw (js only). */
export function accumulate(language: Language, options: { readonly fail?: boolean } = {}): Program {
  const x = at(0, 16);
  const sum = at(1, 16);
  const state: State = { name: 'sum', dtype: 'f32', shape: [4], init: zeros, ...sum };
  const add = kernel(language, {
    js: `${options.fail ? 'if (m[0][3] < 0 && i === 3) throw new Error("planted"); ' : ''}m[1][i] += m[0][i];`,
    wgsl: { count: '4u', body: 'm1[i] += m0[i];' },
    bindings: [
      ['read', 'f32'],
      ['read_write', 'f32'],
    ],
  });
  return {
    ...rows(language),
    name: 'accumulate',
    batch: null,
    needs: { storageBuffers: 2, workgroupBytes: 0, invocations: 1, bindingBytes: 16, features: [] },
    inputs: [{ name: 'x', dtype: 'f32', shape: [4], ...x }],
    scalars: [],
    weights: [],
    state: [state],
    outputs: [{ name: 'sum', dtype: 'f32', shape: [4], steps: [0], ...sum }],
    slots: [
      { kind: 'input', bytes: 16 },
      { kind: 'state', bytes: 16 },
    ],
    values: [],
    kernels: [add],
    steps: [step(0, 'add', 4, [x, sum])],
  };
}

/** y [n] = 2·x [n] in one fixed size: for limits, memory and folded grids. */
export function twice(language: Language, n: number): Program {
  const x = at(0, 4 * n);
  const y = at(1, 4 * n);
  const double = kernel(language, {
    js: 'm[1][i] = 2 * m[0][i];',
    wgsl: { count: `${n}u`, body: 'm1[i] = 2.0 * m0[i];' },
    bindings: [
      ['read', 'f32'],
      ['read_write', 'f32'],
    ],
  });
  return {
    ...accumulate(language),
    name: 'twice',
    needs: { storageBuffers: 2, workgroupBytes: 0, invocations: 1, bindingBytes: 4 * n, features: [] },
    inputs: [{ name: 'x', dtype: 'f32', shape: [n], ...x }],
    state: [],
    outputs: [{ name: 'y', dtype: 'f32', shape: [n], steps: [0], ...y }],
    slots: [
      { kind: 'input', bytes: 4 * n },
      { kind: 'arena', bytes: 4 * n },
    ],
    kernels: [double],
    steps: [step(0, 'double', n, [x, y])],
  };
}

/** One element-wise kernel over four elements with every dtype: not = !flags, halves as they arrive, shifted = flags + down (i32 uniform),
 *  wrapped = counts + up (u32 uniform, wraps). */
export function dtypes(language: Language): Program {
  const io = [0, 1, 2].map(slot => at(slot, 16));
  const out = [0, 1, 2, 3].map(i => at(3, 16, 256 * i));
  const names = { flags: 'bool', halves: 'f16', counts: 'u32' } as const;
  const results = { not: 'bool', halves: 'f16', shifted: 'i32', wrapped: 'u32' } as const;
  const all = kernel(language, {
    js: 'm[3][i] = m[0][i] ? 0 : 1; m[4][i] = m[1][i]; m[5][i] = m[0][i] + u[1]; m[6][i] = m[2][i] + u[2];',
    wgsl: { count: '4u', body: 'm3[i] = 1u - m0[i]; m4[i] = m1[i]; m5[i] = i32(m0[i]) + bitcast<i32>(u[0].y); m6[i] = m2[i] + u[0].z;' },
    bindings: [
      ...Object.values(names).map(dtype => ['read', dtype] as const),
      ...Object.values(results).map(dtype => ['read_write', dtype] as const),
    ],
    uniforms: true,
  });
  return {
    ...twice(language, 4),
    name: 'dtypes',
    needs: { storageBuffers: 7, workgroupBytes: 0, invocations: 1, bindingBytes: 16, features: [] },
    inputs: Object.entries(names).map(([name, dtype], i) => ({ name, dtype, shape: [4], ...io[i]! })),
    scalars: [
      { name: 'down', dtype: 'i32', index: 1 },
      { name: 'up', dtype: 'u32', index: 2 },
    ],
    outputs: Object.entries(results).map(([name, dtype], i) => ({ name, dtype, shape: [4], steps: [0], ...out[i]! })),
    slots: [...io.map(r => ({ kind: 'input' as const, bytes: r.bytes })), { kind: 'arena', bytes: 1024 }],
    kernels: [all],
    steps: [step(0, 'all', 4, [...io, ...out])],
  };
}

/** What `rows` computes, by the obvious loops. */
export function rowsReference(x: Float32Array, pick: Int32Array, gain: number, w: ArrayLike<number>, v: ArrayLike<number>) {
  const scaled = x.map((e, i) => gain * e + w[i % width]!);
  return {
    scaled,
    total: Float32Array.of(scaled.reduce((s, e) => s + e, 0)),
    picked: Float32Array.from(pick, (p, b) => scaled[width * b + p]! + v[0]!),
    echo: x,
    again: scaled,
  };
}
