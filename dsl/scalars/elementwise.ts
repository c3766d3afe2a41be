// The built-in elementwise functions, written as a user writes a kernel: scalar functions in plain TypeScript. They are compiled
// ahead into table.ts (`node scripts/gen-scalars.ts`; a test holds the two in sync), so a running program never reads TypeScript.
// Each is written so that nothing overflows on the way (WebGPU may assume that infinities do not exist) and so that its
// derivative, taken branch by branch, is PyTorch's at the joints too: relu's is 0 at 0, clamp's is 1 at its bounds.
import { erf, type f32 } from './language.ts';

/** max(x, 0); NaN stays NaN. */
export function relu(x: f32): f32 {
  return x <= 0 ? 0 : x;
}

/** x between low and high; high where the bounds cross, as in PyTorch; NaN stays NaN. */
export function clamp(x: f32, low: f32, high: f32): f32 {
  const raised = x < low ? low : x;
  return raised > high ? high : raised;
}

/** 1 / (1 + exp(−x)), with the exponential of −|x| only. */
export function sigmoid(x: f32): f32 {
  const e = Math.exp(x >= 0 ? -x : x);
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** x · sigmoid(x) (Elfwing et al. 2018), also called swish. */
export function silu(x: f32): f32 {
  return x * sigmoid(x);
}

/** x · Φ(x) with the exact normal distribution function (Hendrycks and Gimpel 2016); PyTorch's default. */
export function gelu(x: f32): f32 {
  return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
}

const SQRT_2_OVER_PI = Math.SQRT2 / Math.sqrt(Math.PI);

/** Their approximation with tanh: PyTorch's approximate="tanh". */
export function geluTanh(x: f32): f32 {
  return 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x ** 3)));
}
