// The arithmetics that interpreters compute in. An Arith says what every primitive does to its operands, by their type; integers
// and bools are the same in all of them, floats differ:
//   float64  the reference: doubles throughout, so that its own error is far below any device's
//   float32  each operation rounded to f32: how far apart the two lie says how much a device may be off (the float mode of tests)
//   ring     integers modulo 10007: sums and products are exact in any order, and exp, div, … are arbitrary fixed functions, so
//            that any rewrite which is right algebraically gives equal numbers: tolerance zero for every op (tests only)

import { roundToHalf } from '../../common/half.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';
import { erf } from '../../dsl/scalars/language.ts';

export type Apply = (a: number, b: number, c: number) => number;

export interface Arith {
  readonly name: 'float64' | 'float32' | 'ring';
  /** What a constant of the program is in this arithmetic. */
  constant(value: number, type: ScalarType): number;
  /** The function of a primitive whose operands (of select: the last two) have this type. */
  primitive(prim: Prim, operands: ScalarType): Apply;
  /** What a max (a min) over nothing gives. */
  lowest(type: ScalarType): number;
  highest(type: ScalarType): number;
}

const maxF32 = 3.4028234663852886e38;
const cell = new Float32Array(1);
const cellBits = new Int32Array(cell.buffer);

/** The bits of x as an f32. */
export function bitsOf(x: number): number {
  cell[0] = x;
  return cellBits[0]!;
}
export function ofBits(bits: number): number {
  cellBits[0] = bits;
  return cell[0]!;
}

/** Truncates toward zero and saturates, as WGSL's conversions do; NaN is 0. */
const saturate = (x: number, low: number, high: number): number => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high));

type Table = Partial<Record<Prim, Apply>>;

const comparisons: Table = {
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  select: (a, b, c) => (a ? b : c),
};

/** Integers wrap; division by zero gives the dividend and remainder 0 (WGSL's rule). */
const i32: Table = {
  ...comparisons,
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  quo: (a, b) => (b === 0 ? a : (a / b) | 0),
  rem: (a, b) => (b === 0 ? 0 : (a % b) | 0),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  neg: a => -a | 0,
  abs: a => Math.abs(a) | 0,
  sign: a => Math.sign(a) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: a => ~a,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  toF32: a => a,
  toI32: a => a,
  toU32: a => a >>> 0,
  toBool: a => (a === 0 ? 0 : 1),
  fromBits: ofBits,
};
const u32: Table = {
  ...comparisons,
  add: (a, b) => (a + b) >>> 0,
  sub: (a, b) => (a - b) >>> 0,
  mul: (a, b) => Math.imul(a, b) >>> 0,
  quo: (a, b) => (b === 0 ? a : Math.floor(a / b)),
  rem: (a, b) => (b === 0 ? 0 : a % b),
  max: i32.max!,
  min: i32.min!,
  neg: a => -a >>> 0,
  abs: a => a,
  sign: a => (a === 0 ? 0 : 1),
  and: (a, b) => (a & b) >>> 0,
  or: (a, b) => (a | b) >>> 0,
  xor: (a, b) => (a ^ b) >>> 0,
  not: a => ~a >>> 0,
  shl: (a, b) => (a << b) >>> 0,
  shr: (a, b) => a >>> b,
  toF32: a => a,
  toI32: a => a | 0,
  toU32: a => a,
  toBool: i32.toBool!,
};
const bool: Table = {
  ...comparisons,
  max: (a, b) => a | b,
  min: (a, b) => a & b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: a => a ^ 1,
  toF32: a => a,
  toI32: a => a,
  toU32: a => a,
  toBool: a => a,
};
const doubles: Table = {
  ...comparisons,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  pow: (a, b) => a ** b,
  neg: a => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: a => 1 / Math.sqrt(a),
  tanh: Math.tanh,
  erf,
  sin: Math.sin,
  cos: Math.cos,
  toF32: a => a,
  toI32: a => saturate(a, -2147483648, 2147483647),
  toU32: a => saturate(a, 0, 4294967295),
  toBool: a => (a === 0 ? 0 : 1),
  bits: bitsOf,
  roundF16: roundToHalf,
};

const exact = new Set<Prim>(['lt', 'le', 'eq', 'select', 'toI32', 'toU32', 'toBool', 'bits']);
const singles: Table = Object.fromEntries(
  Object.entries(doubles).map(([prim, f]): [string, Apply] => [prim, exact.has(prim as Prim) ? f : (a, b, c) => Math.fround(f(a, b, c))]),
);

const modulus = 10007;
const mod = (x: number): number => ((x % modulus) + modulus) % modulus;
const residues: Table = {
  ...comparisons,
  add: (a, b) => mod(a + b),
  sub: (a, b) => mod(a - b),
  mul: (a, b) => mod(a * b),
  neg: a => mod(-a),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  // nothing below means what it is called; each is only some function, the same everywhere
  div: (a, b) => mod(a * (b + 2)),
  pow: (a, b) => mod(a * a + b * 3 + 1),
  abs: a => mod(a * 3 + 2),
  sign: a => mod(a * 5 + 7),
  floor: a => mod(a * a + 17),
  ceil: a => mod(a * a + 19),
  exp: a => mod(a * a + 3),
  log: a => mod(a * 7 + 1),
  sqrt: a => mod(mod(a * a) * a + 5),
  rsqrt: a => mod(a * a + a + 11),
  tanh: a => mod(a * 29 + 6),
  erf: a => mod(a * 13 + 4),
  sin: a => mod(a * 31 + 8),
  cos: a => mod(a * 37 + 9),
  roundF16: a => mod(a * 41 + 10),
  toF32: a => a,
  toI32: a => a,
  toU32: a => a,
  toBool: a => (a === 0 ? 0 : 1),
  bits: a => a,
};

interface Floats {
  readonly name: Arith['name'];
  readonly table: Table;
  readonly constant: (value: number) => number;
  /** From an integer or a bool to f32, and from bits. */
  readonly from: (x: number) => number;
  readonly lowest: number;
  readonly highest: number;
}
function arith(floats: Floats): Arith {
  const tables: Record<ScalarType, Table> = { f32: floats.table, i32, u32, bool };
  const toF32: Apply = a => floats.from(a);
  const fromBits: Apply = a => floats.from(floats.name === 'ring' ? a : ofBits(a));
  return {
    name: floats.name,
    constant: (value, type) => {
      switch (type) {
        case 'f32':
          return floats.constant(value);
        case 'i32':
          return value | 0;
        case 'u32':
          return value >>> 0;
        case 'bool':
          return value === 0 ? 0 : 1;
      }
    },
    primitive: (prim, operands) => {
      const f = prim === 'toF32' && operands !== 'f32' ? toF32 : prim === 'fromBits' ? fromBits : tables[operands][prim];
      if (!f) throw new Error(`no ${prim} of ${operands}`);
      return f;
    },
    lowest: type => ({ f32: floats.lowest, i32: -2147483648, u32: 0, bool: 0 })[type],
    highest: type => ({ f32: floats.highest, i32: 2147483647, u32: 4294967295, bool: 1 })[type],
  };
}

export const float64: Arith = arith({ name: 'float64', table: doubles, constant: x => x, from: x => x, lowest: -maxF32, highest: maxF32 });
export const float32: Arith = arith({ name: 'float32', table: singles, constant: Math.fround, from: Math.fround, lowest: -maxF32, highest: maxF32 });
/** Inputs of the ring are integers 0 ≤ x < 10007. */
export const ring: Arith = arith({
  name: 'ring',
  table: residues,
  constant: x => mod(Math.round(x * 1000)),
  from: mod,
  lowest: -1,
  highest: modulus,
});
