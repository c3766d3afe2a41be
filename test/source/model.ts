// A user's model file with kernels, for kernel.test.ts: the import is the package's own name.
import { erf, f32, type i32, kernel, mul, rsqrt, select, traced } from 'heddle';

const SLOPE = 0.1;
export const leaky = kernel((x: f32) => (x > 0 ? x : SLOPE * x));
export const exactGelu = kernel((x: f32): f32 => 0.5 * x * (1 + erf(x * Math.SQRT1_2)));
export const mixed = kernel((x: f32, n: i32, flag: boolean) => select(flag, x * rsqrt(x * x + 1), n > 2 ? 1 : -1));
export const positive = kernel((x: f32) => x > 0);

export const program = () => traced({ x: f32(2, 3), y: f32(3) }, ({ x }) => ({ gelu: exactGelu(mul(leaky(x), 2)), positive: positive(x) }));
