// Rows of the ops that cut tensors apart and put them together.
import { at, build, fromEnd, like } from './arrays.ts';
import { axisText, dimText, nearly, oneTensor, placeholder, shapeOf } from './random-shapes.ts';
import type { NdArray, Row } from './row.ts';
import { viewed } from './views.ts';

const drop = <T>(shape: readonly T[], axis: number): T[] => shape.filter((_, i) => i !== axis);
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
      return oneTensor(r, x, `slice(x, ${axisText(r, x.length)}, ${bound()}, ${to}${r.pick(['', '', ', 2', ', 0', ', 1'])})`);
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
      return oneTensor(r, x, `split(x, ${axisText(r, x.length)}, ${r.pick(['1', '2', '3', '[1, 2]', "[1, 'N-1']", "['H*K']", '0', '[2, 1, 1]'])})`);
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
      return oneTensor(r, x, `unbind(x, ${axisText(r, x.length)})`);
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
      return oneTensor(r, x, `pad(x, [${widths.join(', ')}])`);
    },
  },
];

export const partRows: readonly Row[] = [...parts, ...joins];
