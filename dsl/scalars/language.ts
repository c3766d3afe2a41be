// The words of a scalar kernel beside TypeScript's own: types that say how a number is held, and functions that Math lacks.
// They run as they stand, so a kernel can be called and tested as the plain function that it is; compiler/source reads the
// same text and makes a ScalarFn of it.
//   kernel((x: f32) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)))

/** A 32-bit float. */
export type f32 = number;
/** A signed 32-bit integer; arithmetic wraps in kernels. */
export type i32 = number;
/** An unsigned 32-bit integer; arithmetic wraps in kernels. */
export type u32 = number;
export type bool = boolean;

/** The error function, 2/√π ∫₀ˣ exp(−t²) dt, to a few 1e-16: below 3 the series of positive terms (Abramowitz and Stegun 7.1.6),
 *  above it the continued fraction of erfc (7.1.14). */
export function erf(x: f32): f32 {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return ((2 * Math.exp(-a * a)) / Math.sqrt(Math.PI)) * sum;
  }
  if (a > 6) return Math.sign(x); // erfc(6) is 2e-17
  let tail = 0;
  for (let n = 60; n > 0; n--) tail = n / 2 / (a + tail);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + tail));
}

/** 1 / √x. */
export const rsqrt = (x: f32): f32 => 1 / Math.sqrt(x);

/** a where the condition holds, else b; both are computed. */
export function select<T extends number | boolean>(condition: bool, a: T, b: T): T {
  return condition ? a : b;
}

/** An integer or bool as a float. */
export const toF32 = (x: number | boolean): f32 => Number(x);
/** Toward zero, to the nearest end of the range where it does not fit; NaN is 0. */
export const toI32 = (x: number | boolean): i32 => saturated(Number(x), -2147483648, 2147483647);
/** The same, unsigned. */
export const toU32 = (x: number | boolean): u32 => saturated(Number(x), 0, 4294967295);
const saturated = (x: number, low: number, high: number): number => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high));
