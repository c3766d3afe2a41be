// Rows of the view ops.
import { at, build, count, fromEnd, like, meeting, offsetOf } from './arrays.ts';
import { axisText, type DimText, dimText, list, nearly, placeholder, shapeOf } from './random-shapes.ts';
import type { Call, NdArray, Random, Row } from './row.ts';

const tensor = (r: Random, shape: readonly DimText[]): string =>
  placeholder(shape, r.chance(0.8) ? 'f32' : r.pick(['i32', 'bool', 'u32', 'index(5)']));
const one = (r: Random, shape: readonly DimText[], call: string): Call => ({ inputs: { x: tensor(r, shape) }, call });
const drop = <T>(shape: readonly T[], axis: number): T[] => shape.filter((_, i) => i !== axis);
/** The elements of x, row-major, in another shape. */
const viewed = (x: NdArray, shape: readonly number[]): NdArray => like(x, shape, index => x.data[offsetOf(shape, index)]!);
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
/** Elements from `from` on along an axis. */
const cut = (x: NdArray, axis: number, from: number, size: number, step = 1): NdArray =>
  like(x, x.shape.toSpliced(axis, 1, size), index => at(x, index.toSpliced(axis, 1, from + index[axis]! * step)));
function joinedAlong(xs: readonly NdArray[], axis: number): NdArray {
  const [first] = xs as [NdArray];
  const total = xs.reduce((n, x) => n + x.shape[axis]!, 0);
  const over = xs.every(x => x.over === first.over) ? first.over : undefined;
  return build(
    first.shape.toSpliced(axis, 1, total),
    first.dtype,
    index => {
      let place = index[axis]!;
      let which = 0;
      while (place >= xs[which]!.shape[axis]!) place -= xs[which++]!.shape[axis]!;
      return at(xs[which]!, index.toSpliced(axis, 1, place));
    },
    over,
  );
}

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
      return one(r, x, `reshape(x, ${list(r.chance(0.2) ? [1, ...holed] : holed)})`);
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
      return one(r, r.chance(0.6) ? from : nearly(r, from), `broadcastTo(x, ${list(to)})`);
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
      return one(r, x, `squeeze(x, ${r.chance(0.6) ? axisText(r, x.length) : `[${axisText(r, x.length)}, ${axisText(r, x.length)}]`})`);
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
      return one(r, x, `expandDims(x, ${axisText(r, x.length + 1)})`);
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
      return one(r, x, `permute(x, ${list(r.chance(0.7) ? order : [...order.slice(1), axisText(r, x.length)])})`);
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
      return one(r, x, r.chance(0.3) ? 'transpose(x)' : `transpose(x, ${axisText(r, x.length)}, ${axisText(r, x.length)})`);
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
      return one(r, x, `flip(x, ${r.chance(0.6) ? axisText(r, x.length) : `[${axisText(r, x.length)}, ${axisText(r, x.length)}]`})`);
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
      return one(r, x, `roll(x, ${r.pick(['1', '-1', '5', '0', '0.5'])}, ${axisText(r, x.length)})`);
    },
  },
];

const parts: readonly Row[] = [
  {
    name: 'slice',
    family: 'views',
    signature: 'slice(x, axis, from, to?, step?)',
    about: 'The elements of an axis from `from` up to `to` (left out; default the end), every `step`-th. Nothing counts from the end.',
    samples: ['1, 1', '1, 2, 5', '1, 0, 7, 2', '1, 1, undefined, 3', '-1, 0, 2', '1, 7'].map(rest => ({
      inputs: { x: 'f32(2, 7, 3)' },
      call: `slice(x, ${rest})`,
    })),
    mistakes: [
      { call: "slice(f32('B', 196), 1, 0, /*✗*/197)", message: 'slice: 0 to 197 is outside axis 1 of [B,196]' },
      { call: "slice(f32('B', 196), 1, /*✗*/197)", message: 'slice: 197 to 196 is outside axis 1 of [B,196]' },
      { call: "slice(f32('B', 'N'), 1, /*✗*/-1)", message: 'slice: -1 to N is outside axis 1 of [B,N]' },
      { call: "slice(f32('B', 'N'), /*✗*/2, 0)", message: 'slice: axis 2 is out of range for [B,N]' },
      { call: "slice(f32('B', 'N'), 1, 0, 'N', /*✗*/2)", message: 'slice: N elements are not divisible by the step 2 (axis 1 of [B,N])' },
      { call: 'slice(f32(3, 8), 1, 0, 8, /*✗*/0)', message: 'slice: the step must be a whole number from 1, got 0' },
    ],
    reference: (x: NdArray, axis: number, from: number, to?: number, step = 1): NdArray => {
      const k = fromEnd(axis, x.shape.length);
      return cut(x, k, from, Math.ceil(((to ?? x.shape[k]!) - from) / step), step);
    },
    calls: r => {
      const x = shapeOf(r);
      const bound = (): string => r.pick(['0', '1', '2', "'N'", "'N-1'", '-1', '4']);
      const to = r.chance(0.3) ? 'undefined' : bound();
      return one(r, x, `slice(x, ${axisText(r, x.length)}, ${bound()}, ${to}${r.pick(['', '', ', 2', ', 0', ', 1'])})`);
    },
  },
  {
    name: 'split',
    family: 'views',
    signature: 'split(x, axis, parts) → [part, …]',
    about: 'The tensor cut along an axis: into a number of equal parts, or into parts of the given sizes.',
    samples: ['0, 2', '-1, 3', '1, [1, 4]', '1, [0, 5]'].map(rest => ({ inputs: { x: 'f32(2, 5, 6)' }, call: `split(x, ${rest})` })),
    mistakes: [
      { call: 'split(f32(8, 197, 768), -1, /*✗*/5)', message: 'split: axis -1 of size 768 is not divisible by 5' },
      { call: "split(f32('B', 'N'), 1, /*✗*/2)", message: 'split: axis 1 of size N is not divisible by 2' },
      { call: "split(f32('B', 'N'), 1, /*✗*/['M', 1])", message: 'split: the parts add up to M+1, axis 1 of [B,N] is N' },
      { call: 'split(f32(3, 4), /*✗*/2, 2)', message: 'split: axis 2 is out of range for [3,4]' },
      { call: 'split(f32(3, 4), 1, /*✗*/[5, -1])', message: 'split: the part -1 is negative' },
    ],
    reference: (x: NdArray, axis: number, given: number | readonly number[]): NdArray[] => {
      const k = fromEnd(axis, x.shape.length);
      const sizes = typeof given === 'number' ? Array.from({ length: given }, () => x.shape[k]! / given) : given;
      return sizes.map((size, i) =>
        cut(
          x,
          k,
          sizes.slice(0, i).reduce((a, b) => a + b, 0),
          size,
        ),
      );
    },
    calls: r => {
      const x = shapeOf(r);
      return one(r, x, `split(x, ${axisText(r, x.length)}, ${r.pick(['1', '2', '3', '[1, 2]', "[1, 'N-1']", "['H*K']", '0', '[2, 1, 1]'])})`);
    },
  },
  {
    name: 'unbind',
    family: 'views',
    signature: 'unbind(x, axis) → [tensor, …]',
    about: 'The tensors along an axis, without it. Its size must be a number.',
    samples: ['0', '-1', '1'].map(axis => ({ inputs: { x: 'f32(2, 3, 4)' }, call: `unbind(x, ${axis})` })),
    mistakes: [
      { call: 'unbind(f32(2, 3), /*✗*/2)', message: 'unbind: axis 2 is out of range for [2,3]' },
      { call: "unbind(f32('B', 3), /*✗*/0)", message: 'unbind: the size of axis 0 of [B,3] must be a number', traceOnly: true },
    ],
    reference: (x: NdArray, axis: number): NdArray[] => {
      const k = fromEnd(axis, x.shape.length);
      return Array.from({ length: x.shape[k]! }, (_, i) => viewed(cut(x, k, i, 1), drop(x.shape, k)));
    },
    calls: r => {
      const x = Array.from({ length: r.int(4) }, () => r.pick([1, 2, 3]));
      return one(r, x, `unbind(x, ${axisText(r, x.length)})`);
    },
  },
];

const joins: readonly Row[] = [
  {
    name: 'concat',
    family: 'views',
    signature: 'concat([x, y, …], axis)',
    about: 'The tensors behind each other along an axis; all else is equal. An index stays one when all are over the same extent.',
    samples: [
      { inputs: { x: 'f32(2, 1, 3)', y: 'f32(2, 4, 3)' }, call: 'concat([x, y], 1)' },
      { inputs: { x: 'f32(2, 3)', y: 'f32(0, 3)' }, call: 'concat([x, y, x], -2)' },
      { inputs: { x: 'f32(2, 3)' }, call: 'concat([x], 0)' },
      { inputs: { x: 'index(4)(2)', y: 'index(4)(3)' }, call: 'concat([x, y], 0)' },
      { inputs: { x: 'index(4)(2)', y: 'i32(3)' }, call: 'concat([x, y], 0)' },
    ],
    mistakes: [
      { call: "concat(/*✗*/[f32('B', 1, 'D'), f32('B', 'N', 'E')], 1)", message: 'concat: [B,1,D] and [B,N,E] differ outside axis 1' },
      { call: 'concat(/*✗*/[f32(2, 3), f32(2)], 0)', message: 'concat: [2,3] and [2] differ outside axis 0' },
      { call: 'concat(/*✗*/[f32(2), i32(2)], 0)', message: 'concat: dtypes differ: f32 and i32' },
      { call: 'concat(/*✗*/[f32(2), f32(2)], 1)', message: 'concat: axis 1 is out of range for [2]' },
      { call: 'concat(/*✗*/[], 0)', message: 'concat: wants at least one tensor' },
    ],
    reference: (xs: readonly NdArray[], axis: number): NdArray => joinedAlong(xs, fromEnd(axis, xs[0]!.shape.length)),
    calls: r => {
      const x = shapeOf(r);
      const y = r.chance(0.6) && x.length > 0 ? x.with(r.int(x.length), dimText(r)) : nearly(r, x);
      return {
        inputs: { x: placeholder(x), y: placeholder(y, r.chance(0.9) ? 'f32' : 'i32') },
        call: `concat([${r.pick(['x, y', 'x, y', 'y, x, x', 'x'])}], ${axisText(r, x.length)})`,
      };
    },
  },
  {
    name: 'stack',
    family: 'views',
    signature: 'stack([x, y, …], axis)',
    about: 'Tensors of one shape along a new axis.',
    samples: ['0', '1', '-1'].map(axis => ({ inputs: { x: 'f32(2, 3)', y: 'f32(2, 3)' }, call: `stack([x, y], ${axis})` })),
    mistakes: [
      { call: "stack(/*✗*/[f32('B', 'N'), f32('B', 'M')], 0)", message: 'stack: [B,N] and [B,M] differ' },
      { call: 'stack(/*✗*/[f32(2), f32(2)], 2)', message: 'stack: axis 2 is out of range for [2]' },
      { call: 'stack(/*✗*/[f32(2), bool(2)], 0)', message: 'stack: dtypes differ: f32 and bool' },
      { call: 'stack(/*✗*/[], 0)', message: 'stack: wants at least one tensor' },
    ],
    reference: (xs: readonly NdArray[], axis: number): NdArray => {
      const k = fromEnd(axis, xs[0]!.shape.length + 1);
      return joinedAlong(
        xs.map(x => viewed(x, x.shape.toSpliced(k, 0, 1))),
        k,
      );
    },
    calls: r => {
      const x = shapeOf(r, r.int(3));
      const y = r.chance(0.7) ? x : nearly(r, x);
      return {
        inputs: { x: placeholder(x), y: placeholder(y, r.chance(0.9) ? 'f32' : 'i32') },
        call: `stack([${r.pick(['x, y', 'x, y, x', 'x'])}], ${axisText(r, x.length + 1)})`,
      };
    },
  },
  {
    name: 'pad',
    family: 'views',
    signature: 'pad(x, [[before, after], …], { value = 0 })',
    about: 'More elements before and after each axis, one pair an axis: zeros, or `value`. A padded index becomes an i32.',
    samples: [
      { inputs: { x: 'f32(2, 3)' }, call: 'pad(x, [[1, 2], [0, 1]])' },
      { inputs: { x: 'f32(2, 3)' }, call: 'pad(x, [[0, 0], [2, 0]], { value: -1.5 })' },
      { inputs: { x: 'i32(3)' }, call: 'pad(x, [[1, 1]], { value: 7 })' },
      { inputs: { x: 'f32(0)' }, call: 'pad(x, [[1, 1]])' },
      { inputs: { x: 'index(3)(4)' }, call: 'pad(x, [[0, 0]])' },
    ],
    mistakes: [
      { call: 'pad(f32(2, 3), /*✗*/[[1, 1]])', message: 'pad: wants a [before, after] for each of the 2 axes, got [[1,1]]' },
      { call: "pad(f32('B', 'N'), /*✗*/[[0, 0], [-1, 0]])", message: 'pad: -1 before and 0 after axis 1 must be whole numbers from 0' },
    ],
    reference: (x: NdArray, widths: readonly (readonly [number, number])[], options: { value?: number } = {}): NdArray =>
      build(
        x.shape.map((size, i) => size + widths[i]![0] + widths[i]![1]),
        x.dtype,
        index => {
          const from = index.map((i, k) => i - widths[k]![0]);
          return from.every((i, k) => i >= 0 && i < x.shape[k]!) ? at(x, from) : (options.value ?? 0);
        },
      ),
    calls: r => {
      const x = shapeOf(r);
      const widths = (r.chance(0.8) ? x : nearly(r, x)).map(() => r.pick(['[0, 0]', '[1, 2]', '[0, 3]', '[1, 0]', '[-1, 0]']));
      return one(r, x, `pad(x, [${widths.join(', ')}])`);
    },
  },
];

export const viewRows: readonly Row[] = [...shapes, ...orders, ...parts, ...joins];
