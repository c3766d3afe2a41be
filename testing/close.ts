// Comparison of tensors as numpy's assert_allclose does it: |actual − expected| ≤ atol + rtol·|expected|, with a report that says how
// many elements fail and where the worst one is, by axis name.
import type { TypedArray } from '../common/dtype.ts';

/** A tensor outside the devices: row-major data and its shape. What `session.run` returns by name. */
export interface HostTensor {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export interface Comparison {
  /** Elements outside the tolerance; two NaN are equal, two infinities of one sign too. */
  readonly failures: number;
  readonly elements: number;
  /** Largest |actual − expected|, and the flat index where it stands (−1 when there are no elements). */
  readonly maxError: number;
  readonly worst: number;
}

/** Compares element by element in double precision. Shapes are not looked at: the lengths must be equal. */
export function compare(actual: ArrayLike<number>, expected: ArrayLike<number>, { atol, rtol }: Tolerance): Comparison {
  let [failures, maxError, worst] = [0, -1, -1];
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    const equal = a === e || Object.is(a, e);
    // A NaN or an infinity on one side alone is infinitely wrong.
    const error = equal ? 0 : Number.isFinite(a - e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
    if (!equal && !(error <= atol + rtol * Math.abs(e) && Number.isFinite(error))) failures++;
    if (error > maxError) [maxError, worst] = [error, i];
  }
  return { failures, elements: expected.length, maxError: Math.max(0, maxError), worst };
}

/** `[image 1, patch 3, pixel 7]` for a flat index; axes without a name are numbers. */
export function indexByAxis(flat: number, shape: readonly number[], axes: readonly string[] = []): string {
  const parts: string[] = [];
  let rest = flat;
  for (let i = shape.length - 1; i >= 0; i--) {
    parts.unshift(axes[i] === undefined ? `${rest % shape[i]!}` : `${axes[i]} ${rest % shape[i]!}`);
    rest = Math.floor(rest / shape[i]!);
  }
  return `[${parts.join(', ')}]`;
}

/**
 * Throws unless `actual` has the shape of `expected` and every element is within atol + rtol·|expected|. The message counts the
 * elements that fail and names the worst by axis:
 * `pred: 3 of 48 elements outside atol 1e-5, rtol 1e-4; worst at [image 0, patch 2, pixel 1]: 0.5 instead of 0.25`.
 * @returns the largest absolute difference, for reports.
 */
export function assertAllClose(
  actual: HostTensor,
  expected: HostTensor,
  { name = 'tensor', axes, atol, rtol }: Tolerance & { readonly name?: string; readonly axes?: readonly string[] },
): number {
  sameShape(name, actual, expected);
  const c = compare(actual.data, expected.data, { atol, rtol });
  if (c.failures > 0)
    throw new Error(
      `${name}: ${c.failures} of ${c.elements} elements outside atol ${atol}, rtol ${rtol}; worst at ` +
        `${indexByAxis(c.worst, expected.shape, axes)}: ${actual.data[c.worst]} instead of ${expected.data[c.worst]}`,
    );
  return c.maxError;
}

/** Throws unless two tensors are equal bit for bit (−0 is not 0, a NaN equals the same NaN). */
export function assertSameBits(
  actual: HostTensor,
  expected: HostTensor,
  { name = 'tensor', axes }: { readonly name?: string; readonly axes?: readonly string[] } = {},
): void {
  sameShape(name, actual, expected);
  const [a, e] = [bits(actual), bits(expected)];
  const differ = [...e.keys()].filter(i => a[i] !== e[i]);
  const first = differ[0];
  if (first !== undefined)
    throw new Error(
      `${name}: ${differ.length} of ${e.length} elements differ; the first at ${indexByAxis(first, expected.shape, axes)}: ` +
        `${actual.data[first]} instead of ${expected.data[first]}`,
    );
}
function sameShape(name: string, actual: HostTensor, expected: HostTensor): void {
  if (actual.shape.length !== expected.shape.length || actual.shape.some((d, i) => d !== expected.shape[i]))
    throw new Error(`${name}: shape [${actual.shape}] instead of [${expected.shape}]`);
  if (actual.data.length !== expected.data.length) throw new Error(`${name}: ${actual.data.length} elements instead of ${expected.data.length}`);
}
const bits = ({ data }: HostTensor): Uint32Array | Uint8Array =>
  data instanceof Uint8Array ? data : new Uint32Array(data.buffer, data.byteOffset, data.length);

/** The element at a multi-index. */
export function at(t: HostTensor, ...index: readonly number[]): number {
  return t.data[index.reduce((flat, i, axis) => flat * t.shape[axis]! + i, 0)]!;
}

/** A tensor element by element: what a formula with indices says. */
export function build(shape: readonly number[], element: (...index: number[]) => number): HostTensor {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  for (let flat = 0; flat < data.length; flat++) {
    const index: number[] = [];
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    data[flat] = element(...index);
  }
  return { data, shape };
}
