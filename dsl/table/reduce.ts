// Rows of the reductions.
import type { DType } from '../../common/dtype.ts';
import { at, build, count, fromEnd, indexOf } from './arrays.ts';
import { axisText, placeholder, shapeOf } from './random-shapes.ts';
import type { Call, Mistake, NdArray, Random, Row, Sample } from './row.ts';

type Axes = number | readonly number[] | undefined;
interface Options {
  readonly keepDims?: boolean;
  readonly correction?: number;
}
/** For each element of the result the reduced elements, in the order of the axes given. */
function reduced(x: NdArray, axis: Axes, options: Options | undefined, dtype: DType, of: (values: number[]) => number, over?: number): NdArray {
  const given = axis === undefined ? x.shape.map((_, i) => i) : (typeof axis === 'number' ? [axis] : axis).map(a => fromEnd(a, x.shape.length));
  const inner = given.map(a => x.shape[a]!);
  const kept = x.shape.map((size, i) => (given.includes(i) ? 1 : size));
  const value = (outer: readonly number[]): number => {
    const all = Array.from({ length: count(inner) }, (_, n) => {
      const place = indexOf(inner, n);
      return at(
        x,
        outer.map((o, i) => (given.includes(i) ? place[given.indexOf(i)]! : o)),
      );
    });
    return of(all);
  };
  const whole = build(kept, dtype, value, over);
  return options?.keepDims ? whole : { ...whole, shape: x.shape.filter((_, i) => !given.includes(i)) };
}
const extentOf = (x: NdArray, axis: Axes): number =>
  count((axis === undefined ? x.shape.map((_, i) => i) : typeof axis === 'number' ? [axis] : axis).map(a => x.shape[fromEnd(a, x.shape.length)]!));

type Kind = 'any' | 'number' | 'float' | 'bool';
const taken: Record<Kind, DType> = { any: 'f32', number: 'f32', float: 'f32', bool: 'bool' };
function axisMistakes(name: string, dtype: DType): Mistake[] {
  return [
    { call: `${name}(${dtype}(8, 197), /*✗*/2)`, message: `${name}: axis 2 is out of range for [8,197]` },
    { call: `${name}(${dtype}('B', 'N'), /*✗*/[0, -3])`, message: `${name}: axis [0,-3] is out of range for [B,N]` },
    { call: `${name}(${dtype}('B', 'N'), /*✗*/[1, -1])`, message: `${name}: axes [1,-1] of [B,N] name an axis twice` },
  ];
}
function axisSamples(name: string, dtype: DType): Sample[] {
  const x = `${dtype}(2, 3, 4)`;
  return ['', ', 0', ', -1', ', [0, 2]', ', [2, 0], { keepDims: true }', ', 1, { keepDims: true }', ', undefined, { keepDims: true }'].map(rest => ({
    inputs: { x },
    call: `${name}(x${rest})`,
  }));
}
function calls(name: string, extra: readonly string[] = []): (r: Random) => Call {
  return r => {
    const shape = shapeOf(r);
    const axes = r.pick([
      `${axisText(r, shape.length)}`,
      `${axisText(r, shape.length)}`,
      `[${axisText(r, shape.length)}, ${axisText(r, shape.length)}]`,
      '[]',
      'undefined',
    ]);
    const options = r.pick(['', '', ', { keepDims: true }', ', { keepDims: false }', ...extra]);
    return {
      inputs: { x: placeholder(shape, r.chance(0.7) ? 'f32' : r.pick(['f16', 'i32', 'bool', 'u32'])) },
      call: `${name}(x, ${axes}${options})`,
    };
  };
}

interface Spec {
  readonly name: string;
  readonly kind: Kind;
  readonly about: string;
  readonly of: (values: number[], options: Options) => number;
  readonly samples?: readonly Sample[];
  readonly mistakes?: readonly Mistake[];
  readonly gives?: (x: NdArray) => DType;
}
function reduceRow(spec: Spec): Row {
  const { name } = spec;
  return {
    name,
    family: 'reduce',
    signature: `${name}(x, axis?, { keepDims? })`,
    about: spec.about,
    samples: [...axisSamples(name, taken[spec.kind]), ...(spec.samples ?? [])],
    mistakes: [...axisMistakes(name, taken[spec.kind]), ...(spec.mistakes ?? [])],
    reference: (x: NdArray, axis?: Axes, options: Options = {}): NdArray =>
      reduced(x, axis, options, spec.gives?.(x) ?? x.dtype, values => spec.of(values, options)),
    calls: calls(name),
  };
}
const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const integers = (name: string): Sample[] => [
  { inputs: { x: 'i32(2, 3)' }, call: `${name}(x, 1)`, values: { x: [2147483647, 1, 5, -4, -9, 0] } },
  { inputs: { x: 'u32(4)' }, call: `${name}(x)`, values: { x: [4294967295, 1, 7, 0] } },
  { inputs: { x: 'index(9)(4)' }, call: `${name}(x)` },
];
const nan: number[] = [1, Number.NaN, 3, 4, 5, 6];
const wantsBool = (name: string): Mistake => ({ call: `${name}(/*✗*/f32(3))`, message: `${name}: wants bool, got f32` });
const wantsFloat = (name: string): Mistake => ({ call: `${name}(/*✗*/i32(3), 0)`, message: `${name}: wants f32 or f16, got i32` });
const wantsNumbers = (name: string): Mistake => ({ call: `${name}(/*✗*/bool(3), 0)`, message: `${name}: wants numbers, got bool` });

function argRow(name: 'argmax' | 'argmin', better: (a: number, b: number) => boolean): Row {
  const first = (values: number[]): number =>
    values.reduce((best, value, i) => (Number.isNaN(values[best]) ? best : Number.isNaN(value) || better(value, values[best]!) ? i : best), 0);
  return {
    name,
    family: 'reduce',
    signature: `${name}(x, axis?, { keepDims? }) → an index over the axis`,
    about: `The first position of the ${name === 'argmax' ? 'largest' : 'smallest'} value, or of a NaN. Over several axes, or all, the position is row-major in them.`,
    samples: [
      ...axisSamples(name, 'f32'),
      { inputs: { x: 'f32(4, 6)' }, call: `${name}(x, 1)`, values: { x: 'integer' } },
      { inputs: { x: 'i32(4, 6)' }, call: `${name}(x, 0)`, values: { x: 'integer' } },
      { inputs: { x: 'u32(2, 2)' }, call: `${name}(x)`, values: { x: [5, 4294967295, 0, 0] } },
      { inputs: { x: 'f32(2, 3)' }, call: `${name}(x, 1)`, values: { x: nan } },
      { inputs: { x: 'f32()' }, call: `${name}(x)` },
    ],
    mistakes: [...axisMistakes(name, 'f32'), wantsNumbers(name)],
    reference: (x: NdArray, axis?: Axes, options: Options = {}): NdArray => reduced(x, axis, options, 'i32', first, extentOf(x, axis)),
    calls: calls(name),
  };
}

export const reduceRows: readonly Row[] = [
  reduceRow({
    name: 'sum',
    kind: 'any',
    about: 'The sum over one axis, several, or all; of bools the count, as an i32. Integers wrap, halves are summed as f32.',
    of: total,
    gives: x => (x.dtype === 'bool' ? 'i32' : x.dtype),
    samples: [
      ...integers('sum'),
      { inputs: { x: 'bool(3, 5)' }, call: 'sum(x, 1)' },
      { inputs: { x: 'f16(50)' }, call: 'sum(x)', tolerance: 1e-3 },
      { inputs: { x: 'f32(2, 0)' }, call: 'sum(x, 1)' },
      { inputs: { x: 'f32(2, 3)' }, call: 'sum(x, [])' },
    ],
  }),
  reduceRow({
    name: 'max',
    kind: 'number',
    about: 'The largest value; NaN where there is one. Ties share its gradient.',
    of: values => Math.max(...values),
    samples: [...integers('max'), { inputs: { x: 'f32(2, 3)' }, call: 'max(x, 1)', values: { x: nan } }],
    mistakes: [wantsNumbers('max')],
  }),
  reduceRow({
    name: 'min',
    kind: 'number',
    about: 'The smallest value; NaN where there is one. Ties share its gradient.',
    of: values => Math.min(...values),
    samples: [...integers('min'), { inputs: { x: 'f32(2, 3)' }, call: 'min(x, 1)', values: { x: nan } }],
    mistakes: [wantsNumbers('min')],
  }),
  reduceRow({
    name: 'any',
    kind: 'bool',
    about: 'Does one hold?',
    of: values => Number(values.includes(1)),
    samples: [{ inputs: { x: 'bool(2, 0)' }, call: 'any(x, 1)' }],
    mistakes: [wantsBool('any')],
  }),
  reduceRow({
    name: 'all',
    kind: 'bool',
    about: 'Do all hold?',
    of: values => Number(!values.includes(0)),
    samples: [{ inputs: { x: 'bool(2, 0)' }, call: 'all(x, 1)' }],
    mistakes: [wantsBool('all')],
  }),
  reduceRow({
    name: 'mean',
    kind: 'float',
    about: 'The mean, of floats.',
    of: values => total(values) / values.length,
    samples: [{ inputs: { x: 'f16(3, 50)' }, call: 'mean(x, 1)', tolerance: 1e-3 }],
    mistakes: [wantsFloat('mean')],
  }),
  {
    ...reduceRow({
      name: 'variance',
      kind: 'float',
      about:
        'The mean square distance from the mean: divided by n − 1 (unbiased) unless `correction` says otherwise. Two passes, so a large mean costs no digits.',
      of: (values, { correction = 1 }) => total(values.map(v => (v - total(values) / values.length) ** 2)) / Math.max(values.length - correction, 0),
      samples: [
        { inputs: { x: 'f32(3, 5)' }, call: 'variance(x, 1, { correction: 0 })' },
        { inputs: { x: 'f32(3, 5)' }, call: 'variance(x, -1, { keepDims: true, correction: 2 })' },
        { inputs: { x: 'f16(3, 5)' }, call: 'variance(x, 1)', tolerance: 1e-3 },
        { inputs: { x: 'f32(4)' }, call: 'variance(x)', values: { x: [1000, 1001, 1002, 1003] } },
        { inputs: { x: 'f32(3, 1)' }, call: 'variance(x, 1)' },
      ],
      mistakes: [
        wantsFloat('variance'),
        { call: 'variance(f32(3), 0, /*✗*/{ correction: -1 })', message: 'variance: the correction must be a whole number from 0, got -1' },
      ],
    }),
    signature: 'variance(x, axis?, { keepDims?, correction? })',
    calls: calls('variance', [', { correction: 0 }', ', { correction: 0.5 }']),
  },
  argRow('argmax', (a, b) => a > b),
  argRow('argmin', (a, b) => a < b),
];
