// The scalar functions of elementwise ops that depend on the element type (i32 and u32 wrap, comparisons give bool) or hold a number
// of the call. Formulas of floats are written in TypeScript (dsl/scalars) and spliced in by `formula`.
import type { DType } from '../../common/dtype.ts';
import { type Prim, type ScalarBuilder, type ScalarFn, type ScalarType, scalar } from '../scalar.ts';

/** Writes one function into a builder: operands to operand. */
export type Build = (b: ScalarBuilder, ...operands: number[]) => number;

/** f16 is computed as f32. */
export const scalarType = (d: DType): ScalarType => (d === 'f16' ? 'f32' : d);
/** A number of the user's call, as the element type holds it: integers wrap. */
export const literal = (value: number, type: ScalarType): number => (type === 'i32' ? value | 0 : type === 'u32' ? value >>> 0 : value);

export const prim =
  (name: Prim): Build =>
  (b, ...operands) =>
    b.op(name, ...operands);
/** The instructions of a finished function. */
export const formula =
  (fn: ScalarFn): Build =>
  (b, ...operands) => {
    const at = [...operands];
    for (const i of fn.body) at.push(i.prim === 'const' ? b.constant(i.value, i.type) : b.op(i.prim, ...i.args.map(k => at[k]!)));
    return at[fn.result]!;
  };
const zero = (b: ScalarBuilder, like: number): number => b.constant(0, b.type(like));
const one = (b: ScalarBuilder, like: number): number => b.constant(1, b.type(like));

/** u32 has no sign below zero. */
export const sign: Build = (b, x) => (b.type(x) === 'u32' ? b.op('min', x, one(b, x)) : b.op('sign', x));
export const abs: Build = (b, x) => (b.type(x) === 'u32' ? x : b.op('abs', x));
/** max(x, 0) of integers. */
export const relu: Build = (b, x) => b.op('max', x, zero(b, x));
export const greater: Build = (b, x, y) => b.op('lt', y!, x!);
export const greaterEqual: Build = (b, x, y) => b.op('le', y!, x!);

/** The conversions of `cast`: floats lose their fraction, bool is what differs from 0. */
const conversions: Record<ScalarType, Prim> = { f32: 'toF32', i32: 'toI32', u32: 'toU32', bool: 'toBool' };
export const convert =
  (to: ScalarType): Build =>
  (b, x) =>
    b.type(x) === to ? x : b.op(conversions[to], x);

/** xⁿ for a whole n by repeated squaring: pow(x, 2) is x·x, and a negative base is as good as any. */
export const wholePower =
  (n: number): Build =>
  (b, x) => {
    let square = x;
    let power: number | undefined;
    for (let e = Math.abs(n); e > 0; e = Math.floor(e / 2)) {
      if (e % 2 === 1) power = power === undefined ? square : b.op('mul', power, square);
      if (e > 1) square = b.op('mul', square, square);
    }
    if (power === undefined) return one(b, x);
    return n < 0 ? b.op('div', one(b, x), power) : power;
  };

/** A float that is not a number, by its bits: the only test that every device answers truly. Integers never are. */
export const notANumber: Build = (b, x) => {
  if (b.type(x) !== 'f32') return b.constant(0, 'bool');
  const magnitude = b.op('and', b.op('bits', x), b.constant(0x7fffffff, 'i32'));
  return b.op('lt', b.constant(0x7f800000, 'i32'), magnitude);
};

/** A function of parameters and numbers: a number among the operands becomes a constant of `numberType`. */
export function scalarOf(name: string, build: Build, operands: readonly (ScalarType | number)[], numberType: ScalarType): ScalarFn {
  const params = operands.filter(o => typeof o !== 'number');
  return scalar(name, params, b => {
    let next = 0;
    return build(b, ...operands.map(o => (typeof o === 'number' ? b.constant(literal(o, numberType), numberType) : next++)));
  });
}
