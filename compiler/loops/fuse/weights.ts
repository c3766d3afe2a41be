// What scalar operations cost, in units of an addition, as GPUs and CPUs roughly agree.
import type { Prim } from '../../../dsl/scalar.ts';

const weights: Partial<Record<Prim, number>> = {
  exp: 8,
  log: 8,
  tanh: 16,
  erf: 20,
  sin: 8,
  cos: 8,
  pow: 16,
  div: 4,
  sqrt: 4,
  rsqrt: 4,
  quo: 4,
  rem: 4,
};
/** Of one operation. */
export const weightOf = (prim: Prim): number => weights[prim] ?? 1;
