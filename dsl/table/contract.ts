// Rows of matmul, linear and conv2d.
import { at, build, joined } from './arrays.ts';
import { type DimText, dimText, nearly, placeholder, shapeOf } from './random-shapes.ts';
import type { Call, NdArray, Random, Row } from './row.ts';

const tensor = (r: Random, shape: readonly DimText[]): string => placeholder(shape, r.chance(0.9) ? 'f32' : r.pick(['i32', 'f16']));
/** Both sides of a step option, as written. */
const pairOf = (step: number | readonly [number, number] | undefined, initial: number): readonly [number, number] =>
  typeof step === 'object' ? step : [step ?? initial, step ?? initial];

export const contractRows: readonly Row[] = [
  {
    name: 'matmul',
    family: 'contract',
    signature: 'matmul(a [..., M, K], b [..., K, N]) → [..., M, N]',
    about: 'The matrix product of floats. The leading axes broadcast as in add: one side must broadcast to the other.',
    samples: [
      { inputs: { a: 'f32(4, 8)', b: 'f32(8, 3)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f32(2, 4, 8)', b: 'f32(2, 8, 3)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f32(2, 5, 4, 8)', b: 'f32(8, 3)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f32(4, 8)', b: 'f32(5, 8, 3)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f32(2, 1, 4, 8)', b: 'f32(2, 6, 8, 3)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f32(3, 0)', b: 'f32(0, 2)' }, call: 'matmul(a, b)' },
      { inputs: { a: 'f16(3, 5)', b: 'f16(5, 2)' }, call: 'matmul(a, b)', tolerance: 1e-3 },
    ],
    mistakes: [
      {
        call: 'matmul(f32(8, 197, 768), /*✗*/f32(512, 768))',
        message: 'matmul: inner dimensions differ: 768 and 512 (left [8,197,768], right [512,768])',
      },
      { call: "matmul(f32('B', 'N', 'D'), /*✗*/f32('E', 'D'))", message: 'matmul: inner dimensions differ: D and E (left [B,N,D], right [E,D])' },
      { call: 'matmul(f32(8, 768), /*✗*/f32(768))', message: 'matmul: wants rank 2 or more on both sides (left [8,768], right [768])' },
      { call: 'matmul(f32(8, 2, 3), /*✗*/f32(4, 3, 2))', message: 'matmul: cannot broadcast 8 with 4 (left [8], right [4])' },
      {
        call: 'matmul(f32(2, 1, 4, 8), /*✗*/f32(6, 8, 2))',
        message: 'matmul: [2,1] and [6] would both grow to [2,6]: write broadcastTo on one of them',
      },
      { call: 'matmul(/*✗*/i32(2, 3), i32(3, 2))', message: 'matmul: wants f32 or f16, got i32' },
      { call: 'matmul(f32(2, 3), /*✗*/f16(3, 2))', message: 'matmul: dtypes differ: f32 and f16' },
    ],
    reference: (a: NdArray, b: NdArray): NdArray => {
      const lead = joined({ ...a, shape: a.shape.slice(0, -2) }, { ...b, shape: b.shape.slice(0, -2) });
      const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!];
      const cell = (x: NdArray, index: readonly number[], i: number, j: number): number => {
        const skip = lead.length - (x.shape.length - 2);
        return at(x, [...x.shape.slice(0, -2).map((size, axis) => (size === 1 ? 0 : index[skip + axis]!)), i, j]);
      };
      return build([...lead, m, n], a.dtype, index => {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += cell(a, index, index.at(-2)!, l) * cell(b, index, l, index.at(-1)!);
        return sum;
      });
    },
    calls: (r): Call => {
      const lead = shapeOf(r, r.int(3));
      const [m, k, n] = [dimText(r), dimText(r), dimText(r)];
      const other = r.chance(0.5) ? lead.slice(r.int(lead.length + 1)) : nearly(r, lead);
      const [a, b] = [
        [...lead, m, k],
        [...other, r.chance(0.8) ? k : dimText(r), n],
      ];
      return { inputs: { a: tensor(r, r.chance(0.9) ? a : nearly(r, a)), b: tensor(r, b) }, call: 'matmul(a, b)' };
    },
  },
  {
    name: 'linear',
    family: 'contract',
    signature: 'linear(x [..., in], weight [out, in], bias? [out]) → [..., out]',
    about: 'x · weightᵀ + bias; the weight has the layout of checkpoints.',
    samples: [
      { inputs: { x: 'f32(2, 4, 8)', w: 'f32(6, 8)', b: 'f32(6)' }, call: 'linear(x, w, b)' },
      { inputs: { x: 'f32(8)', w: 'f32(6, 8)' }, call: 'linear(x, w)' },
      { inputs: { x: 'f16(3, 8)', w: 'f16(2, 8)', b: 'f16(2)' }, call: 'linear(x, w, b)', tolerance: 2e-3 },
    ],
    mistakes: [
      {
        call: 'linear(f32(8, 197, 768), /*✗*/f32(768, 3072), f32(768))',
        message: 'linear: the weight is [out,in] and its in is 3072, but x ends in 768 (x [8,197,768], weight [768,3072])',
      },
      { call: "linear(f32('B', 'D'), /*✗*/f32('D'))", message: 'linear: the weight must be [out,in] and x have an axis (x [B,D], weight [D])' },
      { call: 'linear(f32(2, 8), f32(6, 8), /*✗*/f32(8))', message: 'linear: the bias must be [6], got [8]' },
      { call: 'linear(f32(2, 8), f32(6, 8), /*✗*/i32(6))', message: 'linear: dtypes differ: f32 and i32' },
      { call: 'linear(/*✗*/bool(2, 8), bool(6, 8))', message: 'linear: wants f32 or f16, got bool' },
    ],
    reference: (x: NdArray, w: NdArray, b?: NdArray): NdArray =>
      build([...x.shape.slice(0, -1), w.shape[0]!], x.dtype, index => {
        const o = index.at(-1)!;
        let sum = b ? b.data[o]! : 0;
        for (let i = 0; i < w.shape[1]!; i++) sum += at(x, [...index.slice(0, -1), i]) * at(w, [o, i]);
        return sum;
      }),
    calls: (r): Call => {
      const [i, o] = [dimText(r), dimText(r)];
      const x = [...shapeOf(r, r.int(3)), i];
      const inputs = {
        x: tensor(r, r.chance(0.95) ? x : []),
        w: tensor(r, r.chance(0.8) ? [o, i] : nearly(r, [o, i])),
        b: tensor(r, r.chance(0.8) ? [o] : nearly(r, [o])),
      };
      return r.chance(0.6) ? { inputs, call: 'linear(x, w, b)' } : { inputs: { x: inputs.x, w: inputs.w }, call: 'linear(x, w)' };
    },
  },
  {
    name: 'conv2d',
    family: 'contract',
    signature: 'conv2d(x [N, C, H, W], weight [O, C, P, Q], { stride?, pad?, bias? [O] }) → [N, O, H2, W2]',
    about:
      "PyTorch's conv2d (a correlation); stride and pad are a number or [rows, columns]. H2 is ⌊(H + 2·pad − P) / stride⌋ + 1; where symbols are in it the division must be exact.",
    samples: [
      { inputs: { x: 'f32(2, 3, 8, 12)', w: 'f32(5, 3, 4, 4)', b: 'f32(5)' }, call: 'conv2d(x, w, { stride: 4, bias: b })' },
      { inputs: { x: 'f32(1, 2, 9, 7)', w: 'f32(3, 2, 3, 3)', b: 'f32(3)' }, call: 'conv2d(x, w, { stride: 2, pad: 1, bias: b })' },
      { inputs: { x: 'f32(1, 2, 5, 6)', w: 'f32(2, 2, 1, 3)' }, call: 'conv2d(x, w, { stride: [1, 2], pad: [0, 1] })' },
      { inputs: { x: 'f32(1, 1, 3, 3)', w: 'f32(1, 1, 3, 3)' }, call: 'conv2d(x, w)' },
    ],
    mistakes: [
      {
        call: 'conv2d(f32(8, 3, 32, 32), /*✗*/f32(64, 4, 4, 4))',
        message: 'conv2d: the weight reads 4 channels, but x has 3 (x [8,3,32,32], weight [64,4,4,4])',
      },
      {
        call: 'conv2d(f32(3, 32, 32), /*✗*/f32(64, 3, 4, 4))',
        message: 'conv2d: x must be [batch,in,height,width] and the weight [out,in,height,width] (x [3,32,32], weight [64,3,4,4])',
      },
      {
        call: 'conv2d(f32(8, 3, 4, 32), /*✗*/f32(64, 3, 7, 7), { pad: 1 })',
        message: 'conv2d: the kernel is larger than the padded image on axis 2: 7 and 6 (x [8,3,4,32], weight [64,3,7,7])',
      },
      {
        call: "conv2d(f32('B', 3, 'H', 'W'), /*✗*/f32(64, 3, 4, 4), { stride: 4 })",
        message: 'conv2d: H-4 is not divisible by the stride 4 on axis 2 (x [B,3,H,W], weight [64,3,4,4])',
      },
      {
        call: 'conv2d(f32(8, 3, 32, 32), f32(64, 3, 4, 4), /*✗*/{ stride: 0 })',
        message: 'conv2d: the stride must be whole numbers from 1, got [0,0]',
      },
      {
        call: 'conv2d(f32(8, 3, 32, 32), f32(64, 3, 4, 4), /*✗*/{ pad: [0, -1] })',
        message: 'conv2d: the pad must be whole numbers from 0, got [0,-1]',
      },
      { call: 'conv2d(f32(8, 3, 32, 32), f32(64, 3, 4, 4), /*✗*/{ bias: f32(3) })', message: 'conv2d: the bias must be [64], got [3]' },
    ],
    reference: (
      x: NdArray,
      w: NdArray,
      options: { stride?: number | readonly [number, number]; pad?: number | readonly [number, number]; bias?: NdArray } = {},
    ): NdArray => {
      const stride = pairOf(options.stride, 1);
      const pad = pairOf(options.pad, 0);
      const [n, c, h, width] = x.shape as [number, number, number, number];
      const [o, , p, q] = w.shape as [number, number, number, number];
      const size = (whole: number, kernel: number, side: 0 | 1): number => Math.floor((whole + 2 * pad[side] - kernel) / stride[side]) + 1;
      const inside = (row: number, column: number): boolean => row >= 0 && row < h && column >= 0 && column < width;
      return build([n, o, size(h, p, 0), size(width, q, 1)], x.dtype, ([batch, out, i, j]) => {
        let sum = options.bias?.data[out!] ?? 0;
        for (let channel = 0; channel < c; channel++)
          for (let a = 0; a < p; a++)
            for (let b = 0; b < q; b++) {
              const [row, column] = [i! * stride[0] + a - pad[0], j! * stride[1] + b - pad[1]];
              if (inside(row, column)) sum += at(x, [batch!, channel, row, column]) * at(w, [out!, channel, a, b]);
            }
        return sum;
      });
    },
    calls: (r): Call => {
      const c = dimText(r);
      const o = dimText(r);
      const x = [dimText(r), c, r.pick<DimText>([7, 8, 12, '4*G', 'H']), r.pick<DimText>([8, 9, '4*G'])];
      const w = [o, r.chance(0.9) ? c : dimText(r), r.pick([1, 3, 4]), r.pick([2, 4, 10])];
      const options = r.pick([
        '',
        ', { stride: 4 }',
        ', { stride: 2, pad: 1 }',
        ', { stride: [1, 4] }',
        ', { pad: [-1, 0] }',
        ', { bias: b }',
        ', { stride: 0, bias: b }',
      ]);
      return {
        inputs: { x: tensor(r, r.chance(0.9) ? x : nearly(r, x)), w: tensor(r, w), b: tensor(r, r.chance(0.7) ? [o] : nearly(r, [o])) },
        call: `conv2d(x, w${options})`,
      };
    },
  },
];
