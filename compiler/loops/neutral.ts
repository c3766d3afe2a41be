// Least and largest numbers of the scalar types, and what reductions over nothing give. Floats are finite everywhere: an infinity is
// no literal of WGSL.
import type { ReduceKind } from '../../dsl/graph.ts';
import type { ScalarType } from '../../dsl/scalar.ts';

/** Least and largest number. */
export const limits: Record<ScalarType, readonly [number, number]> = {
  f32: [-3.4028234663852886e38, 3.4028234663852886e38],
  i32: [-2147483648, 2147483647],
  u32: [0, 4294967295],
  bool: [0, 1],
};
/** The value of a reduction over nothing. */
export function neutral(kind: ReduceKind, type: ScalarType): number {
  if (kind === 'sum') return 0;
  const [lowest, highest] = limits[type];
  return kind === 'max' ? lowest : highest;
}
