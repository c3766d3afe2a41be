// Rows of the elementwise and logic ops.
import type { DType } from '../../common/dtype.ts';
import { build, joined, like, meeting, product } from './arrays.ts';
import { type DimText, nearly, placeholder, shapeOf } from './random-shapes.ts';
import type { Call, Family, Mistake, NdArray, Random, Row, Sample, Values } from './row.ts';

const anyNumber: readonly DType[] = ['f32', 'f32', 'f32', 'i32', 'u32', 'f16', 'bool'];

/** A float on its way to an integer type: toward zero, and into the type's range. */
function truncated(to: DType): (x: number) => number {
  if (to !== 'i32' && to !== 'u32') return x => x;
  const [low, high] = to === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return x => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high));
}

// ---------------------------------------------------------------- two operands
interface BinarySpec {
  readonly name: string;
  readonly about: string;
  readonly of: (a: number, b: number, dtype: DType) => number;
  /** Element types that it takes, the first for the samples. */
  readonly kind: 'float' | 'number' | 'bool' | 'any';
  readonly gives?: 'bool';
  readonly values?: Values;
  readonly samples?: readonly Sample[];
  readonly mistakes?: readonly Mistake[];
}
const wanted = { float: 'f32 or f16', number: 'numbers', bool: 'bool', any: 'anything' } as const;
const wrong = { float: 'i32', number: 'bool', bool: 'f32' } as const;

function binaryRow(spec: BinarySpec): Row {
  const { name, kind } = spec;
  const dtype = kind === 'bool' ? 'bool' : 'f32';
  const values = spec.values ? { values: { x: spec.values, y: spec.values } } : {};
  const sample = (x: string, y: string): Sample => ({ inputs: { x, y }, call: `${name}(x, y)`, ...values });
  const withNumbers: Sample[] = [
    { inputs: { x: 'f32(5)' }, call: `${name}(x, 1.5)`, ...(spec.values ? { values: { x: spec.values } } : {}) },
    { inputs: { x: 'f16(5)' }, call: `${name}(2, x)`, ...(spec.values ? { values: { x: spec.values } } : {}), tolerance: 1e-3 },
  ];
  const operand = (r: Random, shape: readonly DimText[]): string => placeholder(shape, r.chance(0.75) ? dtype : r.pick(anyNumber));
  return {
    name,
    family: spec.gives || kind === 'bool' ? 'logic' : 'elementwise',
    signature: `${name}(a, b)`,
    about: spec.about,
    samples: [
      sample(`${dtype}(2, 3)`, `${dtype}(2, 3)`),
      sample(`${dtype}(4, 1, 3)`, `${dtype}(3)`),
      sample(`${dtype}()`, `${dtype}(2, 0)`),
      ...(kind === 'bool' ? [] : withNumbers),
      ...(kind === 'number' || kind === 'any' ? integerSamples(name) : []),
      ...(spec.samples ?? []),
    ],
    mistakes: [
      { call: `${name}(${dtype}(8, 197), /*✗*/${dtype}(196))`, message: `${name}: cannot broadcast 197 with 196 (left [8,197], right [196])` },
      { call: `${name}(${dtype}('B', 'N'), /*✗*/${dtype}('N', 'B'))`, message: `${name}: cannot broadcast N with B (left [B,N], right [N,B])` },
      {
        call: `${name}(${dtype}(2, 1), /*✗*/${dtype}(1, 3))`,
        message: `${name}: [2,1] and [1,3] would both grow to [2,3]: write broadcastTo on one of them`,
      },
      ...(kind === 'any'
        ? []
        : [{ call: `${name}(/*✗*/${wrong[kind]}(3), ${wrong[kind]}(3))`, message: `${name}: wants ${wanted[kind]}, got ${wrong[kind]}` }]),
      ...(spec.mistakes ?? []),
    ],
    reference: (a: NdArray | number, b: NdArray | number): NdArray => {
      const operandType = typeof a === 'object' ? a.dtype : (b as NdArray).dtype;
      return build(joined(a, b), spec.gives ?? operandType, index => spec.of(meeting(a, index), meeting(b, index), operandType));
    },
    calls: (r): Call => {
      const shape = shapeOf(r);
      const inputs = { x: operand(r, shape), y: operand(r, r.chance(0.3) ? shape.slice(r.int(shape.length + 1)) : nearly(r, shape)) };
      const number = r.pick(['2', '-3', '0.5', '1']);
      if (r.chance(0.25))
        return r.chance(0.5)
          ? { inputs: { x: inputs.x }, call: `${name}(x, ${number})` }
          : { inputs: { x: inputs.x }, call: `${name}(${number}, x)` };
      return { inputs, call: r.chance(0.5) ? `${name}(x, y)` : `${name}(y, x)` };
    },
  };
}
const integerSamples = (name: string): Sample[] => [
  {
    inputs: { x: 'i32(6)', y: 'i32(6)' },
    call: `${name}(x, y)`,
    values: { x: [2147483647, -2147483648, 65537, -7, 0, 5], y: [1, -1, 65537, 2, 3, 5] },
  },
  { inputs: { x: 'u32(4)', y: 'u32(4)' }, call: `${name}(x, y)`, values: { x: [4294967295, 0, 65537, 3], y: [1, 1, 65537, 3] } },
  { inputs: { x: 'i32(3)' }, call: `${name}(x, -2)`, values: { x: [-2, 0, 9] } },
  { inputs: { x: 'index(9)(3)' }, call: `${name}(x, 4)`, values: { x: [3, 4, 5] } },
];
const numberMistakes = (name: string): Mistake[] => [
  { call: `${name}(f32(3), /*✗*/i32(3))`, message: `${name}: dtypes differ: f32 and i32` },
  { call: `${name}(f32(3), /*✗*/index(7)(3))`, message: `${name}: dtypes differ: f32 and index over 7` },
  { call: `${name}(i32(3), /*✗*/0.5)`, message: `${name}: 0.5 is not a whole number, but the tensor is i32` },
  { call: `${name}(/*✗*/-1, u32(3))`, message: `${name}: -1 is negative, but the tensor is u32` },
  { call: `${name}(1, /*✗*/2)`, message: `${name}: one of the operands must be a tensor` },
];

const binaryRows: readonly Row[] = [
  binaryRow({ name: 'add', kind: 'number', about: 'a + b. Integers wrap.', of: (a, b) => a + b, mistakes: numberMistakes('add') }),
  binaryRow({ name: 'sub', kind: 'number', about: 'a − b. Integers wrap.', of: (a, b) => a - b, mistakes: numberMistakes('sub') }),
  binaryRow({ name: 'mul', kind: 'number', about: 'a · b. Integers wrap.', of: (a, b, t) => product(t, a, b), mistakes: numberMistakes('mul') }),
  binaryRow({ name: 'div', kind: 'float', about: 'a / b, of floats.', of: (a, b) => a / b, values: 'positive' }),
  binaryRow({
    name: 'maximum',
    kind: 'number',
    about: 'The larger of both; NaN where either is.',
    of: (a, b) => Math.max(a, b),
    samples: [nanSample('maximum')],
  }),
  binaryRow({
    name: 'minimum',
    kind: 'number',
    about: 'The smaller of both; NaN where either is.',
    of: (a, b) => Math.min(a, b),
    samples: [nanSample('minimum')],
  }),
  binaryRow({
    name: 'pow',
    kind: 'float',
    about: 'aᵇ, of floats. A whole number b multiplies out: pow(x, 2) is x·x, also for negative x.',
    of: (a, b) => a ** b,
    values: 'positive',
    samples: [2, 3, 0, -2, 7, 1].map((n): Sample => ({ inputs: { x: 'f32(4)' }, call: `pow(x, ${n})`, values: { x: [-1.5, 0.5, 2, -1] } })),
  }),
  binaryRow({
    name: 'equal',
    kind: 'any',
    gives: 'bool',
    about: 'a = b; NaN equals nothing. Bools too.',
    of: (a, b) => Number(a === b),
    values: 'integer',
    samples: [{ inputs: { x: 'bool(2, 3)', y: 'bool(3)' }, call: 'equal(x, y)' }],
    mistakes: [{ call: 'equal(bool(3), /*✗*/1)', message: 'equal: 1 is a number, but the tensor is bool' }],
  }),
  binaryRow({
    name: 'less',
    kind: 'number',
    gives: 'bool',
    about: 'a < b; false where either is NaN.',
    of: (a, b) => Number(a < b),
    values: 'integer',
    samples: [nanSample('less')],
  }),
  binaryRow({
    name: 'lessEqual',
    kind: 'number',
    gives: 'bool',
    about: 'a ≤ b.',
    of: (a, b) => Number(a <= b),
    values: 'integer',
    samples: [nanSample('lessEqual')],
  }),
  binaryRow({
    name: 'greater',
    kind: 'number',
    gives: 'bool',
    about: 'a > b.',
    of: (a, b) => Number(a > b),
    values: 'integer',
    samples: [nanSample('greater')],
  }),
  binaryRow({
    name: 'greaterEqual',
    kind: 'number',
    gives: 'bool',
    about: 'a ≥ b.',
    of: (a, b) => Number(a >= b),
    values: 'integer',
    samples: [nanSample('greaterEqual')],
  }),
  binaryRow({ name: 'and', kind: 'bool', about: 'Both hold.', of: (a, b) => a && b }),
  binaryRow({ name: 'or', kind: 'bool', about: 'One holds, or both.', of: (a, b) => a || b }),
];
function nanSample(name: string): Sample {
  return {
    inputs: { x: 'f32(4)', y: 'f32(4)' },
    call: `${name}(x, y)`,
    values: { x: [Number.NaN, 1, Number.NaN, 2], y: [1, Number.NaN, Number.NaN, 3] },
  };
}

// ---------------------------------------------------------------- one operand
interface UnarySpec {
  readonly name: string;
  readonly about: string;
  readonly of: (x: number) => number;
  readonly kind: 'float' | 'number' | 'bool';
  readonly values?: Values;
}
function unaryRow({ name, about, of, kind, values }: UnarySpec): Row {
  const sample = (x: string, own: Values | undefined = values): Sample => ({
    inputs: { x },
    call: `${name}(x)`,
    ...(own ? { values: { x: own } } : {}),
  });
  const dtype = kind === 'bool' ? 'bool' : 'f32';
  const family: Family = kind === 'bool' ? 'logic' : 'elementwise';
  return {
    name,
    family,
    signature: `${name}(x)`,
    about,
    samples: [
      sample(`${dtype}(3, 5)`),
      sample(`${dtype}()`),
      ...(kind === 'bool' ? [] : [{ ...sample('f16(7)'), tolerance: 1e-3 }]),
      ...(kind === 'float' && values !== 'positive' ? [sample('f32(6)', [0, -30, 30, 1e-6, -0.75, 2.5])] : []),
      ...(kind === 'number' ? [sample('i32(5)', [-2147483648, 2147483647, -3, 0, 9]), sample('u32(3)', [0, 4294967295, 5])] : []),
    ],
    mistakes: [{ call: `${name}(/*✗*/${wrong[kind]}(3))`, message: `${name}: wants ${wanted[kind]}, got ${wrong[kind]}` }],
    reference: (x: NdArray): NdArray => build(x.shape, x.dtype, index => of(meeting(x, index))),
    calls: (r): Call => ({ inputs: { x: placeholder(shapeOf(r), r.chance(0.5) ? dtype : r.pick(anyNumber)) }, call: `${name}(x)` }),
  };
}
/** ∫ exp(−t²) dt by Simpson's rule on 2,000 intervals: slow, and unlike any kernel's erf. */
export function erfBySimpson(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  const n = 2000;
  const h = x / n;
  let sum = 1 + Math.exp(-x * x);
  for (let i = 1; i < n; i++) sum += (i % 2 === 0 ? 2 : 4) * Math.exp(-((i * h) ** 2));
  return ((2 / Math.sqrt(Math.PI)) * sum * h) / 3;
}
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const geluOf = (x: number): number => (x * (1 + erfBySimpson(x / Math.SQRT2))) / 2;
const geluByTanh = (x: number): number => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;

const gelu = unaryRow({ name: 'gelu', kind: 'float', about: '', of: geluOf });
const unaryRows: readonly Row[] = [
  unaryRow({ name: 'neg', kind: 'number', about: '−x. Integers wrap.', of: x => -x }),
  unaryRow({ name: 'abs', kind: 'number', about: '|x|. The lowest i32 stays what it is.', of: Math.abs }),
  unaryRow({ name: 'sign', kind: 'number', about: '−1, 0 or 1.', of: Math.sign }),
  unaryRow({ name: 'floor', kind: 'float', about: 'The largest whole number that is not above x.', of: Math.floor }),
  unaryRow({ name: 'exp', kind: 'float', about: 'eˣ.', of: Math.exp, values: 'normal' }),
  unaryRow({ name: 'log', kind: 'float', about: 'The natural logarithm.', of: Math.log, values: 'positive' }),
  unaryRow({ name: 'sqrt', kind: 'float', about: '√x.', of: Math.sqrt, values: 'positive' }),
  unaryRow({ name: 'rsqrt', kind: 'float', about: '1 / √x.', of: x => 1 / Math.sqrt(x), values: 'positive' }),
  unaryRow({ name: 'tanh', kind: 'float', about: 'The hyperbolic tangent.', of: Math.tanh }),
  unaryRow({ name: 'erf', kind: 'float', about: 'The error function, 2/√π ∫₀ˣ exp(−t²) dt.', of: erfBySimpson }),
  unaryRow({ name: 'sin', kind: 'float', about: 'The sine of radians.', of: Math.sin }),
  unaryRow({ name: 'cos', kind: 'float', about: 'The cosine of radians.', of: Math.cos }),
  unaryRow({ name: 'sigmoid', kind: 'float', about: '1 / (1 + e⁻ˣ).', of: logistic }),
  unaryRow({ name: 'silu', kind: 'float', about: 'x · sigmoid(x).', of: x => x * logistic(x) }),
  unaryRow({ name: 'relu', kind: 'number', about: 'max(x, 0).', of: x => Math.max(x, 0) }),
  {
    ...gelu,
    signature: "gelu(x, { approximate?: 'tanh' })",
    about: "x · Φ(x) with the exact normal distribution function, as PyTorch's default, or its approximation by tanh.",
    samples: [...gelu.samples, { inputs: { x: 'f32(3, 5)' }, call: "gelu(x, { approximate: 'tanh' })" }],
    reference: (x: NdArray, options?: { approximate?: string }): NdArray =>
      build(x.shape, x.dtype, index => (options?.approximate === 'tanh' ? geluByTanh : geluOf)(meeting(x, index))),
  },
  unaryRow({ name: 'not', kind: 'bool', about: 'It does not hold.', of: x => 1 - x }),
];

// ---------------------------------------------------------------- the others
const rest: readonly Row[] = [
  {
    name: 'clamp',
    family: 'elementwise',
    signature: 'clamp(x, { min?, max? })',
    about: 'x held between min and max, either of which may be left out; max where the bounds cross.',
    samples: [
      { inputs: { x: 'f32(4, 5)' }, call: 'clamp(x, { min: -0.5, max: 1 })' },
      { inputs: { x: 'f32(9)' }, call: 'clamp(x, { min: 1, max: -1 })' },
      { inputs: { x: 'f16(9)' }, call: 'clamp(x, { max: 0.1 })', tolerance: 1e-3 },
      { inputs: { x: 'i32(9)' }, call: 'clamp(x, { min: 0 })', values: { x: 'integer' } },
    ],
    mistakes: [
      { call: 'clamp(f32(3), /*✗*/{})', message: 'clamp: give min, max or both' },
      { call: 'clamp(i32(3), /*✗*/{ min: 0.5 })', message: 'clamp: 0.5 is not a whole number, but the tensor is i32' },
      { call: 'clamp(/*✗*/bool(3), { min: 0 })', message: 'clamp: wants numbers, got bool' },
    ],
    reference: (x: NdArray, { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number }): NdArray =>
      build(x.shape, x.dtype, index => Math.min(Math.max(meeting(x, index), min), max)),
    calls: (r): Call => ({
      inputs: { x: placeholder(shapeOf(r), r.pick(anyNumber)) },
      call: `clamp(x, ${r.pick(['{ min: 0 }', '{ max: 2 }', '{ min: -1, max: 1 }', '{}', '{ max: 0.5 }'])})`,
    }),
  },
  {
    name: 'where',
    family: 'logic',
    signature: 'where(condition, a, b)',
    about: 'a where the condition holds, else b. All three broadcast to the shape of one of them; a and b have one dtype or are numbers.',
    samples: [
      { inputs: { c: 'bool(2, 3)', x: 'f32(2, 3)', y: 'f32(2, 3)' }, call: 'where(c, x, y)' },
      { inputs: { c: 'bool(2, 3, 1)', x: 'f32(1, 1, 4)', y: 'f32(2, 3, 4)' }, call: 'where(c, x, y)' },
      { inputs: { c: 'bool(5)', y: 'i32(5)' }, call: 'where(c, 3, y)', values: { y: 'integer' } },
      { inputs: { c: 'bool(4)' }, call: 'where(c, 1, 0)' },
      { inputs: { c: 'bool(4)', x: 'index(5)(4)', y: 'index(5)(4)' }, call: 'where(c, x, y)' },
      { inputs: { c: 'bool(4)', x: 'bool(4)', y: 'bool(4)' }, call: 'where(c, x, y)' },
    ],
    mistakes: [
      { call: 'where(/*✗*/f32(3), f32(3), f32(3))', message: 'where: wants bool, got f32' },
      { call: 'where(bool(3), /*✗*/f32(4), f32(3))', message: 'where: cannot broadcast 3 with 4 (left [3], right [4])' },
      { call: 'where(bool(3), f32(3), /*✗*/f32(4))', message: 'where: cannot broadcast 3 with 4 (left [3], right [4])' },
      { call: 'where(bool(3), f32(3), /*✗*/i32(3))', message: 'where: dtypes differ: f32 and i32' },
      {
        call: 'where(bool(2, 1), 0, /*✗*/f32(1, 3))',
        message: 'where: none of condition [2,1], [] and [1,3] has the shape [2,3] of the result: write broadcastTo on one of them',
      },
      { call: 'where(bool(3), /*✗*/0.5, i32(3))', message: 'where: 0.5 is not a whole number, but the tensor is i32' },
    ],
    reference: (c: NdArray, a: NdArray | number, b: NdArray | number): NdArray => {
      const [first, second] = [a, b].filter(x => typeof x === 'object');
      const over = second && first?.over === second.over ? first?.over : undefined;
      return build(joined(c, a, b), first?.dtype ?? 'f32', index => meeting(meeting(c, index) === 1 ? a : b, index), over);
    },
    calls: (r): Call => {
      const shape = shapeOf(r);
      const tensor = (): string => placeholder(nearly(r, shape), r.chance(0.85) ? 'f32' : r.pick(anyNumber));
      const inputs = { c: placeholder(nearly(r, shape), r.chance(0.9) ? 'bool' : 'f32'), x: tensor(), y: tensor() };
      return { inputs, call: r.pick(['where(c, x, y)', 'where(c, x, y)', 'where(c, 0, y)', 'where(c, x, 0.5)', 'where(c, 1, 0)']) };
    },
  },
  {
    name: 'cast',
    family: 'elementwise',
    signature: "cast(x, dtype: 'f32' | 'f16' | 'i32' | 'u32' | 'bool')",
    about:
      "x as another element type, as PyTorch's `to`: floats lose their fraction on the way to integers (what does not fit becomes the nearest that does), bool is what differs from 0, f16 is the nearest half. An index becomes a plain i32.",
    samples: [
      { inputs: { x: 'f32(6)' }, call: "cast(x, 'i32')", values: { x: [-2.7, -0.5, 0, 0.99, 3.5, 1e6] } },
      { inputs: { x: 'f32(3)' }, call: "cast(x, 'i32')", values: { x: [3e9, -3e9, 2147483520] } },
      { inputs: { x: 'f32(4)' }, call: "cast(x, 'u32')", values: { x: [-1, -0.5, 3e9, 5e9] } },
      { inputs: { x: 'f32(4)' }, call: "cast(x, 'bool')", values: { x: [0, -0, 0.1, -2] } },
      { inputs: { x: 'f32(8)' }, call: "cast(x, 'f16')", values: { x: [1.0005, 2049, 2051, 65519, 65520, 3e-8, 1e-7, -0.1] } },
      { inputs: { x: 'f16(8)' }, call: "cast(x, 'f32')", tolerance: 1e-3 },
      { inputs: { x: 'i32(4)' }, call: "cast(x, 'f32')", values: { x: 'integer' } },
      { inputs: { x: 'i32(3)' }, call: "cast(x, 'u32')", values: { x: [-1, 0, 7] } },
      { inputs: { x: 'bool(5)' }, call: "cast(x, 'f32')" },
      { inputs: { x: 'index(4)(5)' }, call: "cast(x, 'i32')" },
      { inputs: { x: 'f32(2, 3)' }, call: "cast(x, 'f32')" },
    ],
    mistakes: [],
    reference: (x: NdArray, dtype: DType): NdArray => {
      const whole = (x.dtype === 'f32' || x.dtype === 'f16') && dtype !== 'bool' ? truncated(dtype) : (v: number) => v;
      return build(x.shape, dtype, index => whole(meeting(x, index)));
    },
    calls: (r): Call => ({ inputs: { x: placeholder(shapeOf(r), r.pick(anyNumber)) }, call: `cast(x, '${r.pick(anyNumber)}')` }),
  },
  {
    name: 'stopGradient',
    family: 'elementwise',
    signature: 'stopGradient(x)',
    about: "The value of x, through which no gradient flows. PyTorch's `detach`.",
    samples: [{ inputs: { x: 'f32(2, 3)' }, call: 'stopGradient(x)' }],
    mistakes: [],
    reference: (x: NdArray): NdArray => like(x, x.shape, index => meeting(x, index)),
    calls: (r): Call => ({ inputs: { x: placeholder(shapeOf(r), r.pick(anyNumber)) }, call: 'stopGradient(x)' }),
  },
];

export const elementwiseRows: readonly Row[] = [...binaryRows, ...unaryRows, ...rest];
