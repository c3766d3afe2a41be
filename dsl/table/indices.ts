// Rows of the ops that make and read index tensors.
import { at, build, like } from './arrays.ts';
import { axisText, type DimText, dimText, nearly, placeholder, shapeOf } from './random-shapes.ts';
import type { Mistake, NdArray, Random, Row, Sample } from './row.ts';

const fromEnd = (axis: number, x: NdArray): number => (axis < 0 ? axis + x.shape.length : axis);
const line = (x: NdArray, index: readonly number[], k: number): number[] => Array.from({ length: x.shape[k]! }, (_, j) => at(x, index.with(k, j)));
/** The stable order of some values: positions, first to last. */
function order(values: readonly number[], descending: boolean): number[] {
  const sign = descending ? -1 : 1;
  return [...values.keys()].sort((i, j) => sign * (values[i]! - values[j]!) || i - j);
}
const write = (d: DimText): string => (typeof d === 'number' ? `${d}` : `'${d}'`);
const anything = (r: Random, shape: readonly DimText[]): string =>
  placeholder(shape, r.pick(['f32', 'f32', 'i32', 'u32', 'bool', 'f16', "index('N')"]));

// ---------------------------------------------------------------- sorts
interface Descending {
  readonly descending?: boolean;
}
function sortRow(name: 'argsort' | 'rank', about: string, placeOf: (sorted: readonly number[], i: number) => number): Row {
  const sample = (dtype: string, values?: readonly number[]): Sample => ({
    inputs: { x: `${dtype}(2, 5)` },
    call: `${name}(x, 1)`,
    values: { x: values ?? 'integer' },
  });
  return {
    name,
    family: 'index',
    signature: `${name}(x [..., N, ...], axis = -1, { descending }) → index over N`,
    about,
    samples: [
      { inputs: { x: 'f32(3, 7)' }, call: `${name}(x)` },
      { inputs: { x: 'f32(4, 3, 2)' }, call: `${name}(x, 1)` },
      { inputs: { x: 'f32(4, 3)' }, call: `${name}(x, 0, { descending: true })`, values: { x: 'integer' } },
      sample('f32', [0, -0, -1, 0, -0, 1e-40, -1e-40, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38]),
      sample('i32', [-2147483648, 2147483647, 0, -1, 0, 5, 5, 4, 4, 3]),
      sample('u32', [4294967295, 0, 2147483648, 2147483647, 1, 9, 9, 8, 7, 9]),
      sample('bool'),
      sample('f16'),
      { inputs: { x: 'index(4)(2, 5)' }, call: `${name}(x, 1, { descending: true })` },
      { inputs: { x: 'f32(2, 0)' }, call: `${name}(x)` },
      { inputs: { x: 'f32(3, 1)' }, call: `${name}(x, -1)` },
    ],
    mistakes: [
      { call: `${name}(f32(8, 196), /*✗*/2)`, message: `${name}: axis 2 is out of range for [8,196]` },
      { call: `${name}(f32('B', 'N'), /*✗*/-3)`, message: `${name}: axis -3 is out of range for [B,N]` },
    ],
    reference: (x: NdArray, axis = -1, { descending = false }: Descending = {}) => {
      const k = fromEnd(axis, x);
      return build(x.shape, 'i32', index => placeOf(order(line(x, index, k), descending), index[k]!), x.shape[k]!);
    },
    calls: r => {
      const shape = shapeOf(r, 1 + r.int(3));
      return { inputs: { x: anything(r, shape) }, call: r.chance(0.2) ? `${name}(x)` : `${name}(x, ${axisText(r, shape.length)})` };
    },
  };
}

const topkRow: Row = {
  name: 'topk',
  family: 'index',
  signature: 'topk(x [..., N, ...], k, axis = -1) → { values, indices } [..., k, ...]',
  about: 'The k largest elements along an axis, from the largest, equal ones in their own order, and where they stand.',
  samples: [
    { inputs: { x: 'f32(2, 8)' }, call: 'topk(x, 3)' },
    { inputs: { x: 'f32(5, 2, 3)' }, call: 'topk(x, 2, 0)', values: { x: 'integer' } },
    { inputs: { x: 'i32(2, 4)' }, call: 'topk(x, 4, -1)', values: { x: 'integer' } },
    { inputs: { x: 'f32(2, 4)' }, call: 'topk(x, 0)' },
  ],
  mistakes: [
    { call: 'topk(f32(8, 10), /*✗*/11)', message: 'topk: k is 11, but axis -1 of [8,10] is 10' },
    { call: "topk(f32('B', 'N'), /*✗*/'N+1')", message: 'topk: k is N+1, but axis -1 of [B,N] is N' },
    { call: 'topk(f32(8, 10), /*✗*/-1)', message: 'topk: k must be a whole number from 0, got -1' },
    { call: 'topk(f32(8, 10), 3, /*✗*/2)', message: 'topk: axis 2 is out of range for [8,10]' },
  ],
  reference: (x: NdArray, count: number, axis = -1) => {
    const k = fromEnd(axis, x);
    const shape = x.shape.with(k, count);
    const place = (index: readonly number[]): number => order(line(x, index.with(k, 0), k), true)[index[k]!]!;
    return {
      values: like(x, shape, index => at(x, index.with(k, place(index)))),
      indices: build(shape, 'i32', place, x.shape[k]!),
    };
  },
  calls: r => {
    const shape = shapeOf(r, 1 + r.int(3));
    const count = r.chance(0.4) ? write(r.pick(shape)) : r.pick(['1', '2', '3', '5', '-1', "'N'", "'N-1'"]);
    return { inputs: { x: anything(r, shape) }, call: r.chance(0.4) ? `topk(x, ${count})` : `topk(x, ${count}, ${axisText(r, shape.length)})` };
  },
};

// ---------------------------------------------------------------- gather
const tutorial: Mistake = {
  // mask tokens appended once too often: N + 1 tokens un-shuffled by an order of N
  call: "gather(concat([f32('B', 'V', 'D'), broadcastTo(f32(1, 1, 'D'), ['B', 'N-V+1', 'D'])], 1), 1, /*✗*/index('N')('B', 'N'))",
  message: 'gather: the index is over N, but axis 1 of [B,N+1,D] is N+1',
};
const gatherRow: Row = {
  name: 'gather',
  family: 'index',
  signature: 'gather(x [...lead, N, ...rest], axis, index [...lead, M] over N) → [...lead, M, ...rest]',
  about: 'Elements of x along an axis, chosen by an index over that axis. take_along_dim with the index repeated over the trailing axes.',
  samples: [
    { inputs: { x: 'f32(2, 4, 6)', i: 'index(4)(2, 8)' }, call: 'gather(x, 1, i)' },
    { inputs: { x: 'f32(5)', i: 'index(5)(3)' }, call: 'gather(x, 0, i)' },
    { inputs: { x: 'i32(2, 3)', i: 'index(3)(2, 0)' }, call: 'gather(x, -1, i)' },
    { inputs: { x: 'index(9)(2, 3)', i: 'index(3)(2, 2)' }, call: 'gather(x, 1, i)' },
    { inputs: { x: 'f32(3, 7)' }, call: 'gather(x, 1, argsort(x, 1))' },
    { inputs: { x: 'f32(3, 7)' }, call: 'gather(gather(x, 1, argsort(x, 1)), 1, rank(x, 1))', values: { x: 'integer' } },
  ],
  mistakes: [
    { call: 'gather(f32(8, 196, 768), 1, /*✗*/argsort(f32(8, 197), 1))', message: 'gather: the index is over 197, but axis 1 of [8,196,768] is 196' },
    { call: "gather(f32('B', 'N', 'D'), 2, /*✗*/index('N')('B', 'N', 'V'))", message: 'gather: the index is over N, but axis 2 of [B,N,D] is D' },
    { call: 'gather(f32(8, 196), 1, /*✗*/argsort(f32(8, 196), 0))', message: 'gather: the index is over 8, but axis 1 of [8,196] is 196' },
    {
      call: 'gather(f32(8, 196), 1, /*✗*/i32(8, 49))',
      message: 'gather: the index is plain i32: it must be an index over 196 (argsort, iota or an index input makes one)',
    },
    // pos_embed[~mask]: one table for all images, an index for each
    {
      call: "gather(f32(1, 'N', 'D'), 1, /*✗*/slice(argsort(f32('B', 'N'), 1), 1, 0, 'V'))",
      message: 'gather: index [B,V] and tensor [1,N,D] differ before axis 1',
    },
    tutorial,
    { call: 'gather(f32(8, 196), /*✗*/2, index(196)(8, 4))', message: 'gather: axis 2 is out of range for [8,196]' },
  ],
  reference: (x: NdArray, axis: number, index: NdArray) => {
    const k = fromEnd(axis, x);
    return like(x, x.shape.with(k, index.shape[k]!), place => at(x, place.with(k, at(index, place.slice(0, k + 1)))));
  },
  calls: r => {
    const shape = shapeOf(r, 1 + r.int(3));
    const axis = axisText(r, shape.length);
    const k = axis < 0 ? axis + shape.length : axis;
    const over = r.chance(0.8) ? (shape[k] ?? 3) : dimText(r);
    const lead = [...shape.slice(0, Math.max(k, 0)), dimText(r)];
    const index = placeholder(r.chance(0.7) ? lead : nearly(r, lead), r.chance(0.85) ? `index(${write(over)})` : r.pick(['i32', 'f32']));
    return { inputs: { x: anything(r, shape), i: index }, call: `gather(x, ${axis}, i)` };
  },
};

// ---------------------------------------------------------------- the rest
const cumsumRow: Row = {
  name: 'cumsum',
  family: 'index',
  signature: 'cumsum(x [..., N, ...], axis)',
  about: 'The sum of the elements up to and including each one, along an axis. The dtype stays (an index becomes i32).',
  samples: [
    { inputs: { x: 'f32(2, 4, 8)' }, call: 'cumsum(x, 1)' },
    { inputs: { x: 'f32(5)' }, call: 'cumsum(x, -1)' },
    { inputs: { x: 'i32(2, 3)' }, call: 'cumsum(x, 1)', values: { x: [2147483647, 1, 1, -5, 2, 3] } },
    { inputs: { x: 'u32(3)' }, call: 'cumsum(x, 0)', values: { x: [4294967295, 1, 1] } },
    { inputs: { x: 'index(7)(2, 3)' }, call: 'cumsum(x, 0)' },
    { inputs: { x: 'f16(4)' }, call: 'cumsum(x, 0)', tolerance: 2e-3 },
    { inputs: { x: 'f32(2, 0)' }, call: 'cumsum(x, 1)' },
  ],
  mistakes: [
    { call: 'cumsum(f32(8, 4), /*✗*/2)', message: 'cumsum: axis 2 is out of range for [8,4]' },
    { call: 'cumsum(/*✗*/bool(8, 4), 1)', message: 'cumsum: wants numbers, got bool' },
  ],
  reference: (x: NdArray, axis: number) => {
    const k = fromEnd(axis, x);
    return build(x.shape, x.dtype, index =>
      line(x, index, k)
        .slice(0, index[k]! + 1)
        .reduce((a, b) => a + b, 0),
    );
  },
  calls: r => {
    const shape = shapeOf(r, r.int(4));
    return { inputs: { x: anything(r, shape) }, call: `cumsum(x, ${axisText(r, shape.length)})` };
  },
};
const oneHotRow: Row = {
  name: 'oneHot',
  family: 'index',
  signature: 'oneHot(index [...], n = its extent) → [..., n]',
  about: '1 at the index, 0 elsewhere, as f32. A plain i32 must be given n and gives zeros where it is outside.',
  samples: [
    { inputs: { i: 'index(5)(2, 3)' }, call: 'oneHot(i)' },
    { inputs: { i: 'index(5)()' }, call: 'oneHot(i, 5)' },
    { inputs: { i: 'i32(4)' }, call: 'oneHot(i, 3)', values: { i: [0, 2, 3, -1] } },
  ],
  mistakes: [
    { call: 'oneHot(/*✗*/i32(4))', message: 'oneHot: give n, the number of classes: the index is plain i32' },
    { call: 'oneHot(index(10)(4), /*✗*/9)', message: 'oneHot: the index is over 10, but n is 9' },
    { call: 'oneHot(i32(4), /*✗*/-1)', message: 'oneHot: n must be a whole number from 0, got -1' },
    { call: 'oneHot(/*✗*/f32(4), 3)', message: 'oneHot: wants an index or i32, got f32' },
  ],
  reference: (index: NdArray, n = index.over!) => build([...index.shape, n], 'f32', place => Number(at(index, place.slice(0, -1)) === place.at(-1))),
  calls: r => {
    const over = dimText(r);
    const dtype = r.pick([`index(${write(over)})`, `index(${write(over)})`, 'i32', 'f32']);
    const n = r.pick(['', `, ${write(over)}`, `, ${write(over)}`, `, ${write(dimText(r))}`, ', -1']);
    return { inputs: { i: placeholder(shapeOf(r), dtype) }, call: `oneHot(i${n})` };
  },
};
const iotaRow: Row = {
  name: 'iota',
  family: 'index',
  signature: 'iota(n) → index over n, [n]',
  about: '0, 1, … n − 1. torch.arange.',
  samples: [
    { inputs: {}, call: 'iota(5)' },
    { inputs: {}, call: 'iota(0)' },
  ],
  mistakes: [{ call: 'iota(/*✗*/-1)', message: 'iota: -1 is not a size (in [-1])' }],
  reference: (n: number) => build([n], 'i32', ([i]) => i!, n),
  calls: r => ({ inputs: {}, call: `iota(${r.pick(['3', "'N'", "'H*K'", '-2', '0.5', '0'])})` }),
};

export const indexRows: readonly Row[] = [
  sortRow('argsort', 'The stable order that sorts x: −0 equals 0, NaNs stand by their bits, any dtype.', (sorted, i) => sorted[i]!),
  sortRow('rank', 'Where each element stands in that order: the inverse permutation of argsort.', (sorted, i) => sorted.indexOf(i)),
  topkRow,
  gatherRow,
  cumsumRow,
  oneHotRow,
  iotaRow,
];
