// Kernel text: the same every time, free of users' words, and legal where constants are traps.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { Code } from '../../compiler/code/types.ts';
import { axisIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { renderJs } from '../../compiler/render/js.ts';
import { shortestF32 } from '../../compiler/render/numbers.ts';
import { renderWgsl } from '../../compiler/render/wgsl.ts';
import { Gpu } from './gpu.ts';
import { normalised, rowSums, rowsByRows } from './nests.ts';
import { codeFor, compileJs, runJs } from './run.ts';

const wgsl = (nest: LoopNest, code: Code, comment: readonly string[] = []): string =>
  renderWgsl(code, { access: nest.buffers.map(b => (b.written ? 'read_write' : 'read')), comment });
const software = capabilities['webgpu-software'];

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open();
});
afterAll(() => gpu.dispose());

test('JavaScript of a product of matrices', () => {
  expect(renderJs(codeFor(rowsByRows(5, 8, 2), capabilities.js), { comment: ['rows by rows', 'models/here.ts:3:5'] })).toMatchInlineSnapshot(`
    "// rows by rows
    // models/here.ts:3:5
    return function (m, u, from, to) {
      const b0 = m[0];
      const b1 = m[1];
      const b2 = m[2];
      for (let group = from; group < to; group++) {
        const g_0 = Math.imul(group, 3);
        const i_9 = Math.imul(g_0, 8);
        const i_14 = Math.min((g_0 + 1 | 0), 4);
        const i_15 = Math.imul(i_14, 8);
        const i_17 = Math.min((g_0 + 2 | 0), 4);
        const i_18 = Math.imul(i_17, 8);
        const i_20 = Math.imul(g_0, 2);
        const i_21 = Math.imul(i_14, 2);
        const i_22 = Math.imul(i_17, 2);
        for (let k_1 = 0; k_1 < 2; k_1 += 2) {
          let a_2 = 0;
          let a_3 = 0;
          let a_4 = 0;
          let a_5 = 0;
          let a_6 = 0;
          let a_7 = 0;
          const i_11 = Math.imul(k_1, 8);
          for (let k_8 = 0; k_8 < 8; k_8 += 1) {
            const v_10 = b0[i_9 + k_8 | 0];
            const v_12 = b1[i_11 + k_8 | 0];
            a_2 = a_2 + (v_10 * v_12);
            const v_13 = b1[(i_11 + k_8 | 0) + 8 | 0];
            a_3 = a_3 + (v_10 * v_13);
            const v_16 = b0[i_15 + k_8 | 0];
            a_4 = a_4 + (v_16 * v_12);
            a_5 = a_5 + (v_16 * v_13);
            const v_19 = b0[i_18 + k_8 | 0];
            a_6 = a_6 + (v_19 * v_12);
            a_7 = a_7 + (v_19 * v_13);
          }
          b2[i_20 + k_1 | 0] = a_2;
          b2[(i_20 + k_1 | 0) + 1 | 0] = a_3;
          if ((g_0 + 1 | 0) <= 4) {
            b2[i_21 + k_1 | 0] = a_4;
            b2[(i_21 + k_1 | 0) + 1 | 0] = a_5;
          }
          if ((g_0 + 2 | 0) <= 4) {
            b2[i_22 + k_1 | 0] = a_6;
            b2[(i_22 + k_1 | 0) + 1 | 0] = a_7;
          }
        }
      }
    };
    "
  `);
});
test('WGSL of row sums over a free batch, by lanes that share', () => {
  const nest = rowSums({ batch: 3 }, 512);
  expect(wgsl(nest, codeFor(nest, { ...capabilities.webgpu, lanes: 4 }))).toMatchInlineSnapshot(`
    "@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> b1: array<f32>;
    var<workgroup> s2: array<f32, 4>;
    @group(0) @binding(2) var<uniform> u: array<vec4<u32>, 16>;
    @compute @workgroup_size(4)
    fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) num: vec3<u32>, @builtin(local_invocation_index) li: u32) {
      let group = i32((wg.z * num.y + wg.y) * num.x + wg.x);
      let lane = i32(li);
      if (group < i32(u[0].x) * 3) {
        var a_0 = vec4<f32>(0.0f);
        let i_2 = group * 512;
        for (var k_1 = lane * 4; k_1 < 512; k_1 += 16) {
          let v_3 = b0[(i_2 + k_1) >> 2u];
          a_0 = a_0 + v_3;
        }
        let v_4 = (a_0.x + a_0.y) + (a_0.z + a_0.w);
        let i_5 = lane;
        s2[lane] = v_4;
        workgroupBarrier();
        if (i_5 < 2) {
          s2[lane] = s2[lane] + s2[lane + 2];
        }
        workgroupBarrier();
        if (i_5 < 1) {
          s2[lane] = s2[lane] + s2[lane + 1];
        }
        workgroupBarrier();
        let v_6 = s2[0];
        workgroupBarrier();
        if (lane == 0) {
          b1[group] = v_6;
        }
      }
    }
    "
  `);
});
test('WGSL of normalised rows, a lane a row', () => {
  const nest = normalised(6, 8);
  expect(wgsl(nest, codeFor(nest, software))).toMatchInlineSnapshot(`
    "@group(0) @binding(0) var<storage, read> b0: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
    @compute @workgroup_size(8)
    fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) num: vec3<u32>, @builtin(local_invocation_index) li: u32) {
      let group = i32((wg.z * num.y + wg.y) * num.x + wg.x);
      let lane = i32(li);
      if (group < 1) {
        let g_0 = (group * 8) + lane;
        if (g_0 < 6) {
          let i_2 = g_0 * 8;
          var a_4 = vec4<f32>(0.0f);
          for (var k_5 = i32(0); k_5 < 8; k_5 += 4) {
            let v_6 = b0[(i_2 + k_5) >> 2u];
            a_4 = a_4 + v_6;
          }
          let v_7 = (a_4.x + a_4.y) + (a_4.z + a_4.w);
          let v_8 = v_7 / 8.0f;
          var a_10 = vec4<f32>(0.0f);
          for (var k_11 = i32(0); k_11 < 8; k_11 += 4) {
            let v_12 = b0[(i_2 + k_11) >> 2u];
            let v_13 = v_12 - vec4<f32>(v_8);
            a_10 = a_10 + (v_13 * v_13);
          }
          let v_14 = (a_10.x + a_10.y) + (a_10.z + a_10.w);
          let v_15 = inverseSqrt((v_14 / 8.0f) + 0.000001f);
          for (var k_1 = i32(0); k_1 < 8; k_1 += 4) {
            let v_3 = b0[(i_2 + k_1) >> 2u];
            let v_9 = v_3 - vec4<f32>(v_8);
            let v_16 = v_9 * vec4<f32>(v_15);
            b1[(i_2 + k_1) >> 2u] = v_16;
          }
        }
      }
    }
    "
  `);
});

test('access is what the caller says', () => {
  const nest = rowSums(4, 3);
  const text = renderWgsl(codeFor(nest, software), { access: ['read_write', 'read_write'], comment: [] });
  expect(text).toContain('var<storage, read_write> b0: array<f32>;');
});

test('nothing ends a comment', async () => {
  const enders = ['\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029', '\r\n', '\0'];
  const nest = rowSums(4, 3);
  const comment = enders.map(e => `layer${e}@compute fn main() {} throw 1;`);
  const text = wgsl(nest, codeFor(nest, software), comment);
  expect(text.split('\n').filter(l => l.startsWith('//')).length).toBe(enders.length);
  await gpu.pipeline(text);
  compileJs(renderJs(codeFor(nest, capabilities.js), { comment }));
});

/** A kernel that stores f of a load and some constants. */
function constants(make: (b: NestBuilder, x: number) => number, type: 'f32' | 'i32' | 'u32' = 'f32'): LoopNest {
  const b = new NestBuilder();
  const i = b.axis(3);
  const x = b.load(b.buffer(0, 3, 'f32', false), axisIndex(i));
  b.store(b.buffer(1, 3, type, true), axisIndex(i), make(b, x), [i]);
  return b.finish({ rescale: false });
}
const traps: readonly (readonly [string, LoopNest, readonly number[] | undefined])[] = [
  ['the largest f32', constants((b, x) => b.op('max', x, b.constant(3.4028234663852886e38))), undefined],
  ['the lowest f32', constants((b, x) => b.op('min', x, b.constant(-3.4028234663852886e38))), undefined],
  ['an f32 below the normal ones', constants((b, x) => b.op('add', x, b.constant(1e-42))), undefined],
  ['infinity', constants((b, x) => b.op('min', x, b.constant(Number.POSITIVE_INFINITY))), [0, 1, 2]],
  ['minus infinity', constants((b, x) => b.op('max', x, b.constant(Number.NEGATIVE_INFINITY))), [0, 1, 2]],
  ['NaN', constants((b, x) => b.op('add', x, b.constant(Number.NaN))), undefined],
  [
    'the lowest i32',
    constants((b, x) => b.op('add', b.op('toI32', x), b.constant(-2147483648, 'i32')), 'i32'),
    [-2147483648, -2147483647, -2147483646],
  ],
  ['the largest u32', constants((b, x) => b.op('sub', b.constant(4294967295, 'u32'), b.op('toU32', x)), 'u32'), [4294967295, 4294967294, 4294967293]],
  [
    'overflow of constants',
    constants((b, x) => b.op('add', x, b.op('mul', b.constant(1e-30), b.op('mul', b.constant(1e20), b.constant(1e10))))),
    [1, 2, 3],
  ],
  ['the exponential of a constant', constants((b, x) => b.op('min', x, b.op('exp', b.constant(200)))), [0, 1, 2]],
  [
    'integers that overflow',
    constants((b, x) => b.op('add', b.op('toI32', x), b.op('add', b.constant(2147483647, 'i32'), b.constant(2, 'i32'))), 'i32'),
    [-2147483647, -2147483646, -2147483645],
  ],
  ['division by a literal 0', constants((b, x) => b.op('quo', b.op('toI32', x), b.constant(0, 'i32')), 'i32'), [0, 1, 2]],
  ['shift by 33', constants((b, x) => b.op('shl', b.op('toI32', x), b.constant(33, 'i32')), 'i32'), [0, 2, 4]],
];
test.each(traps)('%s compiles on both targets, and is right', async (_, nest, want) => {
  const memory = new Map([[0, Float64Array.of(0, 1, 2)]]);
  const fromJs = runJs(nest, capabilities.js, memory).get(1)!;
  const fromGpu = (await gpu.runNest(nest, software, memory)).get(1)!;
  if (!want) return;
  expect([...fromJs].map(x => (nest.buffers[1]!.dtype === 'f32' ? Math.fround(x) : x))).toEqual(want);
  expect([...fromGpu]).toEqual(want);
});

test('f32 literals are read back as they were', () => {
  let bits = 12345;
  for (let i = 0; i < 20000; i++) {
    bits = (Math.imul(bits, 1664525) + 1013904223) | 0;
    const x = new Float32Array(Int32Array.of(bits).buffer)[0]!;
    if (!Number.isFinite(x)) continue;
    const text = shortestF32(x);
    if (Math.fround(Number(text)) !== x || !/^-?\d+(\.\d+)?(e-?\d+)?$/.test(text) || !/[.e]/.test(text)) throw new Error(`${x} as ${text}`);
  }
  expect([0.1, 1, -2.5, 1e-30, 3.4028234663852886e38, 16777216].map(x => shortestF32(x))).toEqual([
    '0.1',
    '1.0',
    '-2.5',
    '1e-30',
    '3.4028234663852886e38',
    '16777216.0',
  ]);
});

test('no operation of the language has code of its own', () => {
  const names = [
    'softmax',
    'layerNorm',
    'gelu',
    'relu',
    'silu',
    'attention',
    'matmul',
    'conv2d',
    'einsum',
    'rearrange',
    'patchify',
    'crossEntropy',
    'argsort',
    'embedding',
    'dropout',
    'variance',
  ];
  const folder = path.resolve(import.meta.dirname, '../../compiler');
  const found = ['code', 'render'].flatMap(d =>
    readdirSync(path.join(folder, d)).flatMap(file => {
      const text = readFileSync(path.join(folder, d, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''); // comments may give examples
      return names.filter(n => new RegExp(`\\b${n}\\b`, 'i').test(text)).map(n => `${d}/${file}: ${n}`);
    }),
  );
  expect(found).toEqual([]);
});
