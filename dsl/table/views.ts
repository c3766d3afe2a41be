// Rows of the ops that see the same elements in another shape or order.
import { at, count, fromEnd, like, meeting, offsetOf } from './arrays.ts';
import { axisText, list, nearly, oneTensor, shapeOf } from './random-shapes.ts';
import type { NdArray, Row } from './row.ts';

/** The elements of x, row-major, in another shape. */
export const viewed = (x: NdArray, shape: readonly number[]): NdArray => like(x, shape, index => x.data[offsetOf(shape, index)]!);
const permuted = (x: NdArray, order: readonly number[]): NdArray =>
  like(
    x,
    order.map(o => x.shape[o]!),
    index =>
      at(
        x,
        x.shape.map((_, axis) => index[order.indexOf(axis)]!),
      ),
  );
const shapes: readonly Row[] = [
  {
    name: 'reshape',
    family: 'views',
    signature: 'reshape(x, shape)',
    about: 'The same elements, row-major, in another shape; one size may be −1. Where axes have names, `rearrange` says which layout is meant.',
    samples: [
      { inputs: { x: 'f32(2, 3, 4)' }, call: 'reshape(x, [6, 4])' },
      { inputs: { x: 'f32(2, 3, 4)' }, call: 'reshape(x, [-1, 2])' },
      { inputs: { x: 'i32(1, 1)' }, call: 'reshape(x, [])' },
      { inputs: { x: 'index(5)(4)' }, call: 'reshape(x, [2, 2])' },
      { inputs: { x: 'f32(0, 3)' }, call: 'reshape(x, [0, 7])' },
    ],
    mistakes: [
      {
        call: 'reshape(f32(8, 197, 768), /*✗*/[8, 196, 768])',
        message: 'reshape: element counts differ: 1210368 and 1204224 ([8,197,768] to [8,196,768])',
      },
      { call: "reshape(f32('B', 'N'), /*✗*/['B', 7, -1])", message: 'reshape: cannot infer -1: B*N is not divisible by 7*B ([B,N] to [B,7,-1])' },
      { call: 'reshape(f32(4, 6), /*✗*/[-1, -1])', message: 'reshape: -1 stands more than once in [-1,-1]' },
      { call: 'reshape(f32(4, 6), /*✗*/[-2, -12])', message: 'reshape: -2 is not a size (in [-2,-12])' },
    ],
    reference: (x: NdArray, shape: readonly number[]): NdArray => {
      const known = count(shape.filter(d => d !== -1));
      return viewed(
        x,
        shape.map(d => (d === -1 ? count(x.shape) / known : d)),
      );
    },
    calls: r => {
      const x = shapeOf(r);
      const to = r.chance(0.5) ? x.toSorted(() => r.int(3) - 1) : nearly(r, x);
      const holed = r.chance(0.5) ? to.map((d, i) => (i === to.length - 1 ? -1 : d)) : to;
      return oneTensor(r, x, `reshape(x, ${list(r.chance(0.2) ? [1, ...holed] : holed)})`);
    },
  },
  {
    name: 'broadcastTo',
    family: 'views',
    signature: 'broadcastTo(x, shape)',
    about: "Repeats axes of 1, and the whole tensor along new leading axes. PyTorch's `expand`.",
    samples: [
      { inputs: { x: 'f32(3, 1)' }, call: 'broadcastTo(x, [2, 3, 4])' },
      { inputs: { x: 'f32()' }, call: 'broadcastTo(x, [2, 2])' },
      { inputs: { x: 'bool(1, 3)' }, call: 'broadcastTo(x, [0, 3])' },
    ],
    mistakes: [
      {
        call: 'broadcastTo(f32(8, 197), /*✗*/[8, 197, 768])',
        message: 'broadcastTo: [8,197] does not broadcast to [8,197,768]',
      },
      { call: "broadcastTo(f32('B', 'N'), /*✗*/['N'])", message: 'broadcastTo: [B,N] does not broadcast to [N]' },
      { call: 'broadcastTo(f32(1, 3), /*✗*/[-1, 3])', message: 'broadcastTo: -1 is not a size (in [-1,3])' },
    ],
    reference: (x: NdArray, shape: readonly number[]): NdArray => like(x, shape, index => meeting(x, index)),
    calls: r => {
      const to = shapeOf(r);
      const from = to.slice(r.int(to.length + 1)).map(d => (r.chance(0.3) ? 1 : d));
      return oneTensor(r, r.chance(0.6) ? from : nearly(r, from), `broadcastTo(x, ${list(to)})`);
    },
  },
  {
    name: 'squeeze',
    family: 'views',
    signature: 'squeeze(x, axis)',
    about: 'Leaves out axes of size 1; another size is an error (PyTorch lets it pass).',
    samples: [
      { inputs: { x: 'f32(1, 3, 1)' }, call: 'squeeze(x, 0)' },
      { inputs: { x: 'f32(1, 3, 1)' }, call: 'squeeze(x, [0, -1])' },
    ],
    mistakes: [
      { call: "squeeze(f32('B', 1), /*✗*/0)", message: 'squeeze: axis 0 of [B,1] is B, not 1' },
      { call: 'squeeze(f32(1, 3), /*✗*/2)', message: 'squeeze: axis 2 is out of range for [1,3]' },
    ],
    reference: (x: NdArray, axis: number | readonly number[]): NdArray => {
      const gone = [axis].flat().map(a => fromEnd(a, x.shape.length));
      return viewed(
        x,
        x.shape.filter((_, i) => !gone.includes(i)),
      );
    },
    calls: r => {
      const x = shapeOf(r).map(d => (r.chance(0.6) ? 1 : d));
      return oneTensor(r, x, `squeeze(x, ${r.chance(0.6) ? axisText(r, x.length) : `[${axisText(r, x.length)}, ${axisText(r, x.length)}]`})`);
    },
  },
  {
    name: 'expandDims',
    family: 'views',
    signature: 'expandDims(x, axis)',
    about: "A new axis of 1 in front of an axis; −1 puts it last. PyTorch's `unsqueeze`.",
    samples: ['0', '1', '2', '-1', '-3'].map(axis => ({ inputs: { x: 'f32(2, 3)' }, call: `expandDims(x, ${axis})` })),
    mistakes: [{ call: "expandDims(f32('B', 'N'), /*✗*/3)", message: 'expandDims: axis 3 is out of range for [B,N]' }],
    reference: (x: NdArray, axis: number): NdArray => viewed(x, x.shape.toSpliced(fromEnd(axis, x.shape.length + 1), 0, 1)),
    calls: r => {
      const x = shapeOf(r);
      return oneTensor(r, x, `expandDims(x, ${axisText(r, x.length + 1)})`);
    },
  },
];

const orders: readonly Row[] = [
  {
    name: 'permute',
    family: 'views',
    signature: 'permute(x, order)',
    about: 'Axis i of the result is axis order[i] of x.',
    samples: [
      { inputs: { x: 'f32(2, 3, 4)' }, call: 'permute(x, [2, 0, 1])' },
      { inputs: { x: 'f32(2, 3, 4)' }, call: 'permute(x, [-2, 0, -1])' },
    ],
    mistakes: [
      { call: 'permute(f32(2, 3, 4), /*✗*/[0, 1])', message: 'permute: [0,1] is not an order of the axes of [2,3,4]' },
      { call: "permute(f32('B', 'N'), /*✗*/[1, -1])", message: 'permute: [1,-1] is not an order of the axes of [B,N]' },
    ],
    reference: (x: NdArray, order: readonly number[]): NdArray =>
      permuted(
        x,
        order.map(o => fromEnd(o, x.shape.length)),
      ),
    calls: r => {
      const x = shapeOf(r);
      const order = x.map((_, i) => i).toSorted(() => r.int(3) - 1);
      return oneTensor(r, x, `permute(x, ${list(r.chance(0.7) ? order : [...order.slice(1), axisText(r, x.length)])})`);
    },
  },
  {
    name: 'transpose',
    family: 'views',
    signature: 'transpose(x, a = -2, b = -1)',
    about: 'Exchanges two axes, the last two unless said otherwise.',
    samples: ['', ', 0, 2', ', -1, 0'].map(rest => ({ inputs: { x: 'f32(2, 3, 4)' }, call: `transpose(x${rest})` })),
    mistakes: [
      { call: 'transpose(/*✗*/f32(3))', message: 'transpose: axis -2 is out of range for [3]' },
      { call: "transpose(f32('B', 'N'), 0, /*✗*/2)", message: 'transpose: axis 2 is out of range for [B,N]' },
    ],
    reference: (x: NdArray, a = -2, b = -1): NdArray => {
      const [i, j] = [fromEnd(a, x.shape.length), fromEnd(b, x.shape.length)];
      return permuted(
        x,
        x.shape.map((_, k) => (k === i ? j : k === j ? i : k)),
      );
    },
    calls: r => {
      const x = shapeOf(r);
      return oneTensor(r, x, r.chance(0.3) ? 'transpose(x)' : `transpose(x, ${axisText(r, x.length)}, ${axisText(r, x.length)})`);
    },
  },
  {
    name: 'flip',
    family: 'views',
    signature: 'flip(x, axis)',
    about: 'The elements of one axis or several backwards.',
    samples: ['0', '-1', '[0, 2]'].map(axis => ({ inputs: { x: 'f32(2, 3, 4)' }, call: `flip(x, ${axis})` })),
    mistakes: [
      { call: 'flip(f32(2, 3), /*✗*/2)', message: 'flip: axis 2 is out of range for [2,3]' },
      { call: "flip(f32('B', 'N'), /*✗*/[0, -2])", message: 'flip: axes [0,-2] of [B,N] name an axis twice' },
    ],
    reference: (x: NdArray, axis: number | readonly number[]): NdArray => {
      const turned = [axis].flat().map(a => fromEnd(a, x.shape.length));
      return like(x, x.shape, index =>
        at(
          x,
          index.map((i, k) => (turned.includes(k) ? x.shape[k]! - 1 - i : i)),
        ),
      );
    },
    calls: r => {
      const x = shapeOf(r);
      return oneTensor(r, x, `flip(x, ${r.chance(0.6) ? axisText(r, x.length) : `[${axisText(r, x.length)}, ${axisText(r, x.length)}]`})`);
    },
  },
  {
    name: 'roll',
    family: 'views',
    signature: 'roll(x, shift, axis)',
    about: 'Shifts the elements of an axis by `shift` places towards its end; what leaves comes back at the start.',
    samples: ['1, 1', '-2, 1', '7, 1', '0, 0', '-1, -1'].map(rest => ({ inputs: { x: 'f32(2, 3, 4)' }, call: `roll(x, ${rest})` })),
    mistakes: [
      { call: 'roll(f32(2, 3), 1, /*✗*/2)', message: 'roll: axis 2 is out of range for [2,3]' },
      { call: 'roll(f32(2, 3), /*✗*/0.5, 0)', message: 'roll: the shift must be a whole number, got 0.5' },
    ],
    reference: (x: NdArray, shift: number, axis: number): NdArray => {
      const k = fromEnd(axis, x.shape.length);
      const n = x.shape[k]!;
      return like(x, x.shape, index =>
        at(
          x,
          index.map((i, j) => (j === k ? (((i - shift) % n) + n) % n : i)),
        ),
      );
    },
    calls: r => {
      const x = shapeOf(r);
      return oneTensor(r, x, `roll(x, ${r.pick(['1', '-1', '5', '0', '0.5'])}, ${axisText(r, x.length)})`);
    },
  },
];

export const viewRows: readonly Row[] = [...shapes, ...orders];
