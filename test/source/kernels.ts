// Scalar functions with every construct that a kernel may have; kernel.test.ts runs each as the plain function that it is and as
// the ScalarFn that was read from this file.
import { type bool, erf, type f32, type i32, rsqrt, select, toF32, toI32, toU32, type u32 } from '../../dsl/scalars/language.ts';

const TWO_PI = 2 * Math.PI;
const ROUNDS = 4;
const TABLE_SIZE = ROUNDS * 2 + 1;
const NEGATIVE = -0.5;

export function arithmetic(x: f32, y: f32): f32 {
  return ((x + y) * 2 - x / (y * y + 1)) ** 2 - -x;
}
export function mathFunctions(x: f32): f32 {
  const a = Math.abs(x) + 1;
  return (
    Math.exp(-a) + Math.log(a) + Math.sqrt(a) + Math.tanh(x) + Math.sin(x) * Math.cos(x) + Math.floor(x) - Math.ceil(x) + Math.sign(x) + a ** 1.5
  );
}
export function ofHeddle(x: f32): f32 {
  return erf(x) + rsqrt(Math.abs(x) + 1) + select(x < 0, x, 2 * x);
}
export function minMax(x: f32, y: f32): f32 {
  return Math.min(x, y, 0.5) + Math.max(x) * Math.max(x, y);
}
export function constants(x: f32): f32 {
  return x * TWO_PI + TABLE_SIZE + NEGATIVE * Math.SQRT1_2;
}
export function powers(x: f32): f32 {
  return x ** 0 + x ** 1 + x ** 2 - x ** 3 * x ** 5 + (Math.abs(x) + 1) ** -2 + x ** 4;
}
export function ternary(x: f32, y: f32): f32 {
  return x > y ? (x > 2 ? 1 : x) : y >= 0 ? y : -1;
}
export function comparisons(x: f32, y: f32): f32 {
  const all = (x < y && y <= 1) || !(x > 1) || (x >= y && x !== y) || x === 0;
  return all ? 1 : 0;
}
export function branches(x: f32, y: f32): f32 {
  let a: f32 = 1;
  let b = x;
  if (x > 0) {
    a = y;
    if (y > 0) b = b + 1;
  } else if (y < -1) {
    a += 2;
    b *= 3;
  } else b -= 1;
  return a * b;
}
export function earlyReturns(x: f32, y: f32): f32 {
  if (x < -1) return 7;
  let s = y;
  if (y > 0) {
    if (x > 1) return x * y;
    s = s + x;
  }
  const t = s * s;
  if (t > 4) return 4;
  return t;
}
export function assignedLater(x: f32): f32 {
  let y: f32;
  if (x > 0) y = x;
  else y = -x;
  return y;
}
export function loops(x: f32): f32 {
  let sum: f32 = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const term = x / (i + 1);
    sum += term;
    for (let j = 3; j > i; j -= 2) sum = sum - j;
  }
  return sum;
}
export function loopWithReturn(x: f32): f32 {
  for (let i = 1; i <= 8; i *= 2) if (x < i) return i;
  return -1;
}
export function shadowed(x: f32): f32 {
  const y = x + 1;
  let z = y;
  {
    const y = x * 2;
    z += y;
  }
  return z - y;
}
const square = (x: f32): f32 => x * x;
function fourth(x: f32): f32 {
  const y = square(x);
  return square(y);
}
export function calls(x: f32): f32 {
  return fourth(x) - square(x + 1);
}
export function integers(a: i32, b: i32): i32 {
  const c = (a & 255) + (b | 3) - (a ^ b);
  return Math.max(c << 2, -(b >> 1), ~a) + Math.abs(a % 7);
}
export function counters(x: f32, n: i32): f32 {
  let k = n;
  k++;
  if (k > 2) --k;
  return toF32(k) * x + toF32(toI32(x));
}
export function unsigned(a: u32, b: u32): u32 {
  return (a >>> 3) + (b >>> 31) + toU32(a > b);
}
export function predicate(x: f32, flag: bool): bool {
  return flag && x > 0;
}
export function ofBool(flag: boolean, x: f32): f32 {
  if (!flag) return x;
  return flag === x > 0 ? 1 : toF32(flag) * 0.25;
}
