// Rows of the ops that make tensors from nothing but numbers.
import type { DType } from '../../common/dtype.ts';
import { build, count, offsetOf } from './arrays.ts';
import { list, shapeOf } from './random-shapes.ts';
import type { NdArray, Random, Row, Sample } from './row.ts';

// ---------------------------------------------------------------- Philox again, in big integers
const mask = 0xffffffffn;
/** Ten rounds by the formulas of the paper (Salmon et al. 2011): what dsl/ops/philox.ts is held to. */
function philoxWords(counter: readonly bigint[], key: readonly bigint[]): number[] {
  let [c0, c1, c2, c3] = counter as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const [a, b] = [c0 * 0xd2511f53n, c2 * 0xcd9e8d57n];
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, b & mask, (a >> 32n) ^ c3 ^ k1, a & mask];
    [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
  }
  return [c0, c1, c2, c3].map(Number);
}
type Key = NdArray | number;
/** Word i of the stream of a key. */
function word(key: Key, i: number): number {
  const k = typeof key === 'number' ? [BigInt(key) & mask, BigInt(key) >> 32n] : key.data.map(BigInt);
  return philoxWords([BigInt(i >> 2), 0n, 0n, 0n], k)[i & 3]!;
}
const unit = (w: number): number => (w >>> 8) / 2 ** 24;
function normal(key: Key, i: number): number {
  const [u, turn] = [unit(word(key, i - (i % 2))) + 2 ** -24, 2 * Math.PI * unit(word(key, i - (i % 2) + 1))];
  return Math.sqrt(-2 * Math.log(u)) * (i % 2 === 0 ? Math.cos(turn) : Math.sin(turn));
}

function randomRow(name: string, about: string, dtype: DType, element: (key: Key, i: number, p?: number) => number, more: Partial<Row> = {}): Row {
  const sample = (inputs: Sample['inputs'], args: string, values: Sample['values'] = {}): Sample => ({ inputs, call: `${name}(${args})`, values });
  return {
    name,
    family: 'make',
    signature: more.signature ?? `${name}(key, shape)`,
    about,
    samples: [
      sample({}, '0, [9]'),
      sample({}, '9007199254740991, [2, 3]'),
      sample({ key: 'u32(2)' }, 'key, [3, 2, 5]', { key: [0xa4093822, 0x299f31d0] }),
      sample({ key: 'u32(2)' }, 'key, []', { key: [1, 4294967295] }),
      sample({}, '7, [2, 0]'),
      ...(more.samples ?? []),
    ],
    mistakes: [
      { call: `${name}(/*✗*/u32(3), [4])`, message: `${name}: the key must be u32 [2] or a number, got u32 [3]` },
      { call: `${name}(/*✗*/f32(2), [4])`, message: `${name}: the key must be u32 [2] or a number, got f32 [2]` },
      { call: `${name}(/*✗*/-1, [4])`, message: `${name}: a number as key must be whole, from 0 to 2^53, got -1` },
      { call: `${name}(/*✗*/0.5, [4])`, message: `${name}: a number as key must be whole, from 0 to 2^53, got 0.5` },
      { call: `${name}(1, /*✗*/[4, -1])`, message: `${name}: -1 is not a size (in [4,-1])` },
      ...(more.mistakes ?? []),
    ],
    reference: (key: Key, shape: readonly number[], p?: number) => build(shape, dtype, index => element(key, offsetOf(shape, index), p)),
    calls: r => {
      const shape = shapeOf(r);
      const key = r.pick(['0', '12', 'key', 'key', '-3', '1.5']);
      const inputs = key === 'key' ? { key: r.pick(['u32(2)', 'u32(2)', 'u32(3)', 'i32(2)', "u32('N')", 'u32(1, 2)']) } : {};
      return { inputs, call: `${name}(${key}, ${list(r.chance(0.15) ? [...shape, r.pick([-1, 0.5])] : shape)})` };
    },
  };
}

// ---------------------------------------------------------------- full and constant
type Nested = number | boolean | readonly Nested[];
const flatten = (data: Nested | ArrayLike<number>): number[] =>
  typeof data === 'object' ? Array.from(data as ArrayLike<Nested>).flatMap(flatten) : [Number(data)];
const shapeOfNested = (data: Nested): number[] =>
  typeof data === 'object' ? [data.length, ...(data.length > 0 ? shapeOfNested(data[0]!) : [])] : [];
const typeOfData = (data: unknown): DType => {
  const leaf = Array.isArray(data) ? data.flat(9)[0] : data;
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Uint32Array) return 'u32';
  return data instanceof Uint8Array || typeof leaf === 'boolean' ? 'bool' : 'f32';
};
const fullRow: Row = {
  name: 'full',
  family: 'make',
  signature: "full(shape, value, dtype = 'f32')",
  about: 'A tensor of one number. torch.full.',
  samples: [
    { inputs: {}, call: 'full([2, 3], 0.5)' },
    { inputs: {}, call: "full([], -7, 'i32')" },
    { inputs: {}, call: "full([2, 0], 1, 'bool')" },
    { inputs: {}, call: "full([2], 0.1, 'f16')" },
  ],
  mistakes: [
    { call: 'full(/*✗*/[2, -3], 0)', message: 'full: -3 is not a size (in [2,-3])' },
    { call: "full([2], /*✗*/1.5, 'i32')", message: 'full: 1.5 is not a value of i32', traceOnly: true },
  ],
  reference: (shape: readonly number[], value: number, dtype: DType = 'f32') => build(shape, dtype, () => value),
  calls: r => ({
    inputs: {},
    call: `full(${list(r.chance(0.2) ? [...shapeOf(r), r.pick([-1, 2.5])] : shapeOf(r))}, 1${r.pick(['', ", 'i32'", ", 'f16'"])})`,
  }),
};
const nestedText = (r: Random, shape: readonly number[]): string => {
  const [n, ...rest] = shape;
  if (n === undefined) return `${r.int(9)}`;
  return `[${Array.from({ length: n }, () => nestedText(r, r.chance(0.95) ? rest : rest.map(d => d + 1))).join(', ')}]`;
};
const constantRow: Row = {
  name: 'constant',
  family: 'make',
  signature: 'constant(data, shape?, dtype?)',
  about: 'Data known at compile time: nested lists, or a flat list or typed array with a shape. Numbers are f32, booleans bool, unless said.',
  samples: [
    { inputs: {}, call: 'constant([[1, 2, 3], [4, 5, 6.5]])' },
    { inputs: {}, call: 'constant(3)' },
    { inputs: {}, call: 'constant([true, false])' },
    { inputs: {}, call: "constant([1, -2, 3, 4], [2, 2], 'i32')" },
    { inputs: {}, call: 'constant(new Int32Array([1, -2]), [1, 2])' },
    { inputs: {}, call: 'constant(new Float32Array(6), [2, 3])' },
    { inputs: {}, call: 'constant([], [0, 3])' },
  ],
  mistakes: [
    { call: 'constant(/*✗*/[[1, 2], [3]])', message: 'constant: rows of shape [2] and [1] stand side by side' },
    { call: 'constant([1, 2, 3], /*✗*/[2, 2])', message: 'constant: 3 values do not fill [2,2]' },
    { call: 'constant(new Float32Array(3), /*✗*/[2, 2])', message: 'constant: 3 values do not fill [2,2]', traceOnly: true },
    { call: "constant([1.5], /*✗*/[1], 'i32')", message: 'constant: 1.5 is not a value of i32', traceOnly: true },
    { call: "constant([1], /*✗*/['N'])", message: 'constant: the sizes of [N] must be numbers', traceOnly: true },
  ],
  reference: (data: Nested, shape: readonly number[] = shapeOfNested(data), dtype: DType = typeOfData(data)) => {
    const values = flatten(data);
    return build(shape, dtype, index => values[offsetOf(shape, index)]!);
  },
  calls: r => {
    const shape = Array.from({ length: r.int(4) }, () => 1 + r.int(3));
    const data = nestedText(r, shape);
    const flat = [count(shape) + (r.chance(0.2) ? 1 : 0)];
    return { inputs: {}, call: r.chance(0.5) ? `constant(${data})` : `constant(${nestedText(r, flat)}, ${list(shape)})` };
  },
};

export const makeRows: readonly Row[] = [
  fullRow,
  constantRow,
  randomRow(
    'random.words',
    'u32, uniform over all words: word i mod 4 of Philox block ⌊i/4⌋, row-major. The same bits on every device.',
    'u32',
    word,
  ),
  randomRow('random.uniform', 'f32 in 0 ≤ x < 1: the upper 24 bits of each word. The same bits on every device.', 'f32', (key, i) =>
    unit(word(key, i)),
  ),
  randomRow(
    'random.normal',
    'f32, standard normal (Box and Muller 1958), within 5.8 of 0; every device is within 8 ULP of the exact transform of the words.',
    'f32',
    normal,
  ),
  randomRow(
    'random.bernoulli',
    'bool, true with a probability: where uniform of the same key is below it. The same bits on every device.',
    'bool',
    (key, i, p = 0.5) => Number(unit(word(key, i)) < p),
    {
      signature: 'random.bernoulli(key, shape, probability = 0.5)',
      samples: [
        { inputs: {}, call: 'random.bernoulli(3, [20], 0.7)' },
        { inputs: {}, call: 'random.bernoulli(3, [20], 0)' },
        { inputs: {}, call: 'random.bernoulli(3, [20], 1)' },
      ],
      mistakes: [
        { call: 'random.bernoulli(1, [4], /*✗*/1.5)', message: 'random.bernoulli: the probability must be from 0 to 1, got 1.5' },
        { call: 'random.bernoulli(1, [4], /*✗*/-0.5)', message: 'random.bernoulli: the probability must be from 0 to 1, got -0.5' },
      ],
    },
  ),
];
