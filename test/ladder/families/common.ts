// What the families share: choices by naturals, bounds of magnitudes, and operands kept where a function is defined.
import type { Arg, Value } from '../calls.ts';
import { elementsOf, type Maker, rankOf, shapeOf, sizeOf, typeOf } from '../maker.ts';

export type Family = (p: Maker, i: number, j: number, k: number) => unknown;

export const letters = 'abcdefgh';
export const axesOf = (v: Value): number[] => [...Array(rankOf(v)).keys()];
export const log2 = (n: number): number => Math.ceil(Math.log2(Math.max(1, n)));
export const pickOf = <T>(list: readonly T[], k: number): T => list[k % list.length]!;
export const noZero = (v: Value): boolean => elementsOf(shapeOf(v)) > 0;
/** |x| + ½ (or + 1), away from 0, unless x is so. */
export const positive = (p: Maker, x: Value): Value => (x.positive ? x : p.one('add', x.size + 1, p.one('abs', x.size, x), p.exact ? 1 : 0.5));
/** Not too large for exp. */
export const small = (p: Maker, x: Value): Value => (x.size <= 3 ? x : p.one('clamp', 3, x, { min: -8, max: 8 }));
/** A number to meet x, whole for integers. */
export const literal = (p: Maker, x: Value, k: number): number =>
  typeOf(x) === 'u32' ? pickOf([1, 2, 7], k) : p.exact || !/^f/.test(typeOf(x)) ? pickOf([2, -1, 3, 0], k) : pickOf([2, -1, 0.5, 3, -0.25], k);
/** An order of n axes. */
export const orderOf = (n: number, k: number): number[] => {
  const left = [...Array(n).keys()];
  return Array.from({ length: n }, (_, i) => left.splice((k >> i) % left.length, 1)[0]!);
};
/** Axes of a reduction: one, two, all by leaving them out; with `fits` of each. Undefined stands for all. */
export function reducedAxes(p: Maker, x: Value, k: number, fits: (size: number) => boolean = () => true): number | number[] | undefined {
  if (k % 8 === 7 && shapeOf(x).every(d => fits(sizeOf(d)))) return undefined;
  const axis = p.anyAxis(x, k >> 3, fits);
  const other = ((axis + rankOf(x)) % rankOf(x)) + 1;
  return k % 8 === 6 && other < rankOf(x) && fits(sizeOf(shapeOf(x)[other]!)) ? [axis, other] : axis;
}
export const counted = (x: Value, axes: number | number[] | undefined): number =>
  (axes === undefined ? axesOf(x) : [axes].flat()).reduce((n, a) => n * sizeOf(shapeOf(x).at(a)!), 1);
export const keep = (k: number): Arg => (k % 3 === 0 ? { keepDims: true } : undefined);

/** How magnitudes (log₂) join. */
export const sum: (a: number, b: number) => number = (a, b) => Math.max(a, b) + 1;
export const product: (a: number, b: number) => number = (a, b) => a + b;
export const larger: (a: number, b: number) => number = Math.max;
/** Extents that an op takes. */
export const some = (n: number): boolean => n > 0;
export const always = (): boolean => true;
