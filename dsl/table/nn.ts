// Rows of the normalisations, attention and the classifier's loss.
import { at, build, like } from './arrays.ts';
import { axisText, type DimText, dimText, nearly, placeholder, shapeOf } from './random-shapes.ts';
import type { NdArray, Random, Row, Sample } from './row.ts';

/** The elements of x that share every position of `index` but the one along axis k. */
const line = (x: NdArray, index: readonly number[], k: number): number[] => Array.from({ length: x.shape[k]! }, (_, j) => at(x, index.with(k, j)));
const fromEnd = (axis: number, x: NdArray): number => (axis < 0 ? axis + x.shape.length : axis);
const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const logSum = (xs: readonly number[]): number => {
  const m = Math.max(...xs);
  return m + Math.log(total(xs.map(x => Math.exp(x - m))));
};
const maybeWrong = (r: Random, shape: readonly DimText[]): string =>
  placeholder(shape, r.chance(0.85) ? 'f32' : r.pick(['f16', 'i32', 'bool', 'index(4)']));

function axisRow(name: string, about: string, reference: (x: NdArray, axis: number) => NdArray, more: readonly Sample[] = []): Row {
  return {
    name,
    family: 'nn',
    signature: `${name}(x [..., N, ...], axis)`,
    about,
    samples: [
      { inputs: { x: 'f32(2, 3, 4)' }, call: `${name}(x, -1)` },
      { inputs: { x: 'f32(2, 3, 4)' }, call: `${name}(x, 1)` },
      { inputs: { x: 'f32(5)' }, call: `${name}(x, 0)`, values: { x: [1e4, 1e4 + 1, -1e4, 9999.5, 1e4] } },
      { inputs: { x: 'f16(2, 5)' }, call: `${name}(x, 1)`, tolerance: 1e-3 },
      { inputs: { x: 'f32(0, 3)' }, call: `${name}(x, 1)` },
      { inputs: { x: 'f32(3, 1)' }, call: `${name}(x, 1)` },
      ...more,
    ],
    mistakes: [
      { call: `${name}(f32(8, 197, 768), /*✗*/3)`, message: `${name}: axis 3 is out of range for [8,197,768]` },
      { call: `${name}(f32('B', 'N'), /*✗*/-3)`, message: `${name}: axis -3 is out of range for [B,N]` },
      { call: `${name}(/*✗*/i32(3), 0)`, message: `${name}: wants f32 or f16, got i32` },
    ],
    reference,
    calls: r => {
      const shape = shapeOf(r);
      return { inputs: { x: maybeWrong(r, shape) }, call: `${name}(x, ${axisText(r, shape.length)})` };
    },
  };
}

const vector = (r: Random, shape: readonly DimText[]): string => maybeWrong(r, r.chance(0.75) ? shape.slice(-1) : nearly(r, shape.slice(-1)));

const layerNormRow: Row = {
  name: 'layerNorm',
  family: 'nn',
  signature: 'layerNorm(x [..., D], weight [D], bias [D], { eps })',
  about: '(x − mean)/√(variance + eps)·weight + bias over the last axis, biased variance in two passes; eps is 1e-6 unless given.',
  samples: [
    { inputs: { x: 'f32(2, 3, 8)', w: 'f32(8)', b: 'f32(8)' }, call: 'layerNorm(x, w, b)' },
    { inputs: { x: 'f32(4)', w: 'f32(4)', b: 'f32(4)' }, call: 'layerNorm(x, w, b, { eps: 0.1 })' },
    { inputs: { x: 'f32(4)', w: 'f32(4)', b: 'f32(4)' }, call: 'layerNorm(x, w, b)', values: { x: [1000, 1001, 999, 1000.5] }, tolerance: 1e-4 },
    { inputs: { x: 'f16(2, 6)', w: 'f16(6)', b: 'f16(6)' }, call: 'layerNorm(x, w, b)', tolerance: 2e-3 },
    { inputs: { x: 'f32(3, 1)', w: 'f32(1)', b: 'f32(1)' }, call: 'layerNorm(x, w, b)' },
  ],
  mistakes: [
    { call: 'layerNorm(f32(8, 768), /*✗*/f32(512), f32(768))', message: 'layerNorm: the weight must be [768], the last axis of x, got [512]' },
    { call: "layerNorm(f32('B', 'D'), f32('D'), /*✗*/f32('B'))", message: 'layerNorm: the bias must be [D], the last axis of x, got [B]' },
    { call: 'layerNorm(f32(8, 4), /*✗*/f32(8, 4), f32(4))', message: 'layerNorm: the weight must be [4], the last axis of x, got [8,4]' },
    { call: 'layerNorm(/*✗*/f32(), f32(1), f32(1))', message: 'layerNorm: x must have an axis, got []' },
    { call: 'layerNorm(f32(4), /*✗*/f16(4), f32(4))', message: 'layerNorm: dtypes differ: f32 and f16' },
    { call: 'layerNorm(f32(4), f32(4), f32(4), /*✗*/{ eps: 0 })', message: 'layerNorm: eps must be a number above 0, got 0', traceOnly: true },
  ],
  reference: (x: NdArray, weight: NdArray, bias: NdArray, { eps = 1e-6 }: { eps?: number } = {}) =>
    like(x, x.shape, index => {
      const k = x.shape.length - 1;
      const row = line(x, index, k);
      const mean = total(row) / row.length;
      const variance = total(row.map(v => (v - mean) ** 2)) / row.length;
      return ((at(x, index) - mean) / Math.sqrt(variance + eps)) * weight.data[index[k]!]! + bias.data[index[k]!]!;
    }),
  calls: r => {
    const shape = shapeOf(r, r.chance(0.1) ? 0 : 1 + r.int(3));
    return { inputs: { x: maybeWrong(r, shape), w: vector(r, shape), b: vector(r, shape) }, call: 'layerNorm(x, w, b)' };
  },
};

const attentionRow: Row = {
  name: 'attention',
  family: 'nn',
  signature: 'attention(q [..., N, K], k [..., M, K], v [..., M, V], { bias, scale })',
  about: 'softmax(q·kᵀ·scale + bias)·v → [..., N, V]; scale is 1/√K unless given, the bias broadcasts to the scores [..., N, M].',
  samples: [
    { inputs: { q: 'f32(2, 3, 5, 4)', k: 'f32(2, 3, 6, 4)', v: 'f32(2, 3, 6, 7)' }, call: 'attention(q, k, v)' },
    { inputs: { q: 'f32(5, 4)', k: 'f32(1, 4)', v: 'f32(1, 2)' }, call: 'attention(q, k, v)' },
    { inputs: { q: 'f32(2, 5, 4)', k: 'f32(2, 6, 4)', v: 'f32(2, 6, 4)', b: 'f32(5, 6)' }, call: 'attention(q, k, v, { bias: b })' },
    { inputs: { q: 'f32(2, 5, 4)', k: 'f32(2, 6, 4)', v: 'f32(2, 6, 4)', b: 'f32(2, 1, 6)' }, call: 'attention(q, k, v, { bias: b, scale: -2 })' },
    { inputs: { q: 'f16(3, 4)', k: 'f16(3, 4)', v: 'f16(3, 4)' }, call: 'attention(q, k, v)', tolerance: 2e-3 },
  ],
  mistakes: [
    {
      call: 'attention(f32(8, 12, 50, 64), /*✗*/f32(8, 12, 50, 32), f32(8, 12, 50, 64))',
      message: 'attention: q and k differ on the last axis: 64 and 32 (q [8,12,50,64], k [8,12,50,32])',
    },
    {
      call: 'attention(f32(8, 50, 64), f32(8, 50, 64), /*✗*/f32(8, 49, 64))',
      message: 'attention: k and v differ on the axis before the last: 50 and 49 (k [8,50,64], v [8,49,64])',
    },
    {
      call: "attention(f32('B', 'N', 'K'), /*✗*/f32('H', 'N', 'K'), f32('B', 'N', 'K'))",
      message: 'attention: k and q differ on the leading axes (q [B,N,K], k [H,N,K])',
    },
    { call: 'attention(f32(8, 4), f32(8, 4), /*✗*/f32(1, 8, 4))', message: 'attention: v must have the rank of q (q [8,4], v [1,8,4])' },
    { call: 'attention(/*✗*/f32(8), f32(8), f32(8))', message: 'attention: q must have two axes or more, got [8]' },
    {
      call: 'attention(f32(5, 4), f32(6, 4), f32(6, 4), /*✗*/{ bias: f32(6, 5) })',
      message: 'attention: the bias [6,5] does not broadcast to the scores [5,6]',
    },
    { call: 'attention(f32(5, 4), f32(6, 4), f32(6, 4), /*✗*/{ bias: f16(5, 6) })', message: 'attention: dtypes differ: f32 and f16' },
  ],
  reference: (q: NdArray, k: NdArray, v: NdArray, { bias, scale = 1 / Math.sqrt(q.shape.at(-1)!) }: { bias?: NdArray; scale?: number } = {}) => {
    const rank = q.shape.length;
    return build([...q.shape.slice(0, -1), v.shape[rank - 1]!], q.dtype, index => {
      const [lead, n, column] = [index.slice(0, -2), index[rank - 2]!, index[rank - 1]!];
      const places = Array.from({ length: k.shape[rank - 2]! }, (_, m) => m);
      const scores = places.map(m => {
        const products = Array.from({ length: q.shape[rank - 1]! }, (_, c) => at(q, [...lead, n, c]) * at(k, [...lead, m, c]));
        const shape = bias?.shape ?? [];
        const place = [...lead, n, m].slice(rank - shape.length).map((p, i) => (shape[i] === 1 ? 0 : p));
        return total(products) * scale + (bias ? at(bias, place) : 0);
      });
      const norm = logSum(scores);
      return total(places.map(m => Math.exp(scores[m]! - norm) * at(v, [...lead, m, column])));
    });
  },
  calls: r => {
    const [lead, n, m, d, e] = [shapeOf(r, r.int(3)), dimText(r), dimText(r), dimText(r), dimText(r)];
    const some = (shape: readonly DimText[]): string => maybeWrong(r, r.chance(0.75) ? shape : nearly(r, shape));
    const inputs = { q: maybeWrong(r, r.chance(0.1) ? [d] : [...lead, n, d]), k: some([...lead, m, d]), v: some([...lead, m, e]) };
    if (r.chance(0.7)) return { inputs, call: 'attention(q, k, v)' };
    const scores = [...lead, n, m];
    return { inputs: { ...inputs, bias: some(scores.slice(r.int(scores.length + 1))) }, call: 'attention(q, k, v, { bias })' };
  },
};

const crossEntropyRow: Row = {
  name: 'crossEntropy',
  family: 'nn',
  signature: 'crossEntropy(logits [..., C], labels [...] over C, { smoothing })',
  about: 'The mean over all rows of −log softmax at the label; a share `smoothing` of the target is even over the classes.',
  samples: [
    { inputs: { x: 'f32(4, 8)', t: 'index(8)(4)' }, call: 'crossEntropy(x, t)' },
    { inputs: { x: 'f32(4, 8)', t: 'index(8)(4)' }, call: 'crossEntropy(x, t, { smoothing: 0.1 })' },
    { inputs: { x: 'f32(2, 3, 5)', t: 'index(5)(2, 3)' }, call: 'crossEntropy(x, t, { smoothing: 1 })' },
    { inputs: { x: 'f32(3)', t: 'index(3)()' }, call: 'crossEntropy(x, t)', values: { x: [1e4, 1e4 - 1, 0] } },
    { inputs: { x: 'f16(4, 8)', t: 'index(8)(4)' }, call: 'crossEntropy(x, t)', tolerance: 1e-3 },
  ],
  mistakes: [
    { call: 'crossEntropy(f32(8, 10), /*✗*/index(9)(8))', message: 'crossEntropy: the labels are over 9, but the logits [8,10] have 10 classes' },
    {
      call: "crossEntropy(f32('B', 'C'), /*✗*/i32('B'))",
      message: 'crossEntropy: the labels are plain i32: they must be an index over C, the classes (an index input makes one)',
    },
    {
      call: 'crossEntropy(f32(8, 10), /*✗*/index(10)(8, 1))',
      message: 'crossEntropy: the logits [8,10] must have the axes of the labels [8,1], then the classes',
    },
    { call: 'crossEntropy(/*✗*/f32(), index(3)())', message: 'crossEntropy: the logits must be [...,classes], got []' },
    {
      call: 'crossEntropy(f32(3), index(3)(), /*✗*/{ smoothing: 2 })',
      message: 'crossEntropy: the smoothing must be from 0 to 1, got 2',
      traceOnly: true,
    },
  ],
  reference: (x: NdArray, labels: NdArray, { smoothing = 0 }: { smoothing?: number } = {}) => {
    const classes = x.shape.at(-1)!;
    const losses = labels.data.map((label, row) => {
      const logits = x.data.slice(row * classes, (row + 1) * classes);
      const norm = logSum(logits);
      return total(logits.map((z, c) => (norm - z) * ((c === label ? 1 - smoothing : 0) + smoothing / classes)));
    });
    return build([], x.dtype, () => total(losses) / losses.length);
  },
  calls: r => {
    const shape = shapeOf(r, r.int(4));
    const [lead, classes] = [shape.slice(0, -1), shape.at(-1) ?? 3];
    const over = r.chance(0.75) ? classes : dimText(r);
    const index = `index(${typeof over === 'number' ? over : `'${over}'`})`;
    return { inputs: { x: maybeWrong(r, shape), t: placeholder(nearly(r, lead), r.chance(0.85) ? index : 'i32') }, call: 'crossEntropy(x, t)' };
  },
};

export const nnRows: readonly Row[] = [
  axisRow('softmax', 'exp(x) / Σ exp(x) along an axis, the maximum subtracted first. Masks are large finite numbers.', (x, axis) =>
    like(x, x.shape, index => Math.exp(at(x, index) - logSum(line(x, index, fromEnd(axis, x))))),
  ),
  axisRow('logSoftmax', 'log(softmax(x)) along an axis.', (x, axis) =>
    like(x, x.shape, index => at(x, index) - logSum(line(x, index, fromEnd(axis, x)))),
  ),
  axisRow('logsumexp', 'log Σ exp(x) along an axis, which is dropped.', (x, axis) => {
    const k = fromEnd(axis, x);
    return like(x, x.shape.toSpliced(k, 1), index => logSum(line(x, index.toSpliced(k, 0, 0), k)));
  }),
  layerNormRow,
  attentionRow,
  crossEntropyRow,
];
