// Plain arrays for the references of the op table: everything is one loop over the index of the result.
import type { DType } from '../../common/dtype.ts';
import type { NdArray } from './row.ts';

export const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** The index of the n-th element, row-major. */
export function indexOf(shape: readonly number[], n: number): number[] {
  const index: number[] = [];
  for (const size of shape.toReversed()) {
    index.unshift(n % size);
    n = Math.floor(n / size);
  }
  return index;
}
export const offsetOf = (shape: readonly number[], index: readonly number[]): number => shape.reduce((n, size, i) => n * size + index[i]!, 0);
export const at = (x: NdArray, index: readonly number[]): number => x.data[offsetOf(x.shape, index)]!;
/** The array whose element at an index is value(index). */
export function build(shape: readonly number[], dtype: DType, value: (index: number[]) => number, over?: number): NdArray {
  const data = Array.from({ length: count(shape) }, (_, n) => held(value(indexOf(shape, n)), dtype));
  return { shape, dtype, data, ...(over === undefined ? {} : { over }) };
}
/** The same element type, and the same extent of an index. */
export const like = (x: NdArray, shape: readonly number[], value: (index: number[]) => number): NdArray => build(shape, x.dtype, value, x.over);

/** What a result of this type holds: integers wrap, halves are rounded, bools are 0 and 1. */
function held(value: number, dtype: DType): number {
  switch (dtype) {
    case 'f32':
      return value;
    case 'f16':
      return nearestHalf(value);
    case 'i32':
      return Number(BigInt.asIntN(32, BigInt(value)));
    case 'u32':
      return Number(BigInt.asUintN(32, BigInt(value)));
    case 'bool':
      return value === 0 ? 0 : 1;
  }
}
/** 11 significant bits, ties to even, down to steps of 2⁻²⁴; from 65520 on infinite. */
export function nearestHalf(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  const whole = Math.floor(x / step);
  const rest = x / step - whole;
  const even = rest > 0.5 || (rest === 0.5 && whole % 2 !== 0) ? whole + 1 : whole;
  return Math.abs(even * step) >= 65520 ? Math.sign(x) * Number.POSITIVE_INFINITY : even * step;
}

/** a · b as integers wrap it: exact beyond 2⁵³. */
export const product = (dtype: DType, a: number, b: number): number =>
  dtype === 'i32' || dtype === 'u32' ? Number(BigInt.asIntN(32, BigInt(a) * BigInt(b))) : a * b;

const shapeOf = (x: NdArray | number): readonly number[] => (typeof x === 'number' ? [] : x.shape);
/** The element of x that meets an index of a shape to which x broadcasts. */
export function meeting(x: NdArray | number, index: readonly number[]): number {
  if (typeof x === 'number') return x;
  const lead = index.length - x.shape.length;
  return at(
    x,
    x.shape.map((size, i) => (size === 1 ? 0 : index[lead + i]!)),
  );
}
/** The shape of operands that broadcast. */
export function joined(...xs: readonly (NdArray | number)[]): number[] {
  const rank = Math.max(...xs.map(x => shapeOf(x).length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = xs.map(x => shapeOf(x)[i - rank + shapeOf(x).length] ?? 1);
    return sizes.find(size => size !== 1) ?? 1;
  });
}
export const fromEnd = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
