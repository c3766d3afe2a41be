// How a computed array differs from the expected one.
import type { NdArray } from '../../dsl/table.ts';

const head = (x: NdArray): string => `${x.dtype}[${x.shape}]${x.over === undefined ? '' : ` over ${x.over}`}`;
/** The first element that differs by more than the tolerance (relative to 1 + |expected|), in words; null when none does. NaN equals NaN;
 *  integers and bools are exact. */
export function difference(got: NdArray, expected: NdArray, tolerance: number): string | null {
  if (head(got) !== head(expected)) return `${head(got)} for ${head(expected)}`;
  if (got.data.length !== expected.data.length) return `${got.data.length} elements for ${expected.data.length}`;
  const exact = expected.dtype !== 'f32' && expected.dtype !== 'f16';
  const at = expected.data.findIndex((want, i) => {
    const value = got.data[i]!;
    if (Object.is(value, want) || value === want) return false;
    return exact || !(Math.abs(value - want) <= tolerance * (1 + Math.abs(want)));
  });
  return at < 0 ? null : `element ${at}: ${got.data[at]} for ${expected.data[at]}`;
}
