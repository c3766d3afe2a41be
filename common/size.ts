// Sizes of a compiled program: a number, or a multiple of its one run-time symbol, the batch.

/** n, or `batch` times the batch. Never a sum: the batch is outermost wherever it stands, so strides never contain it. */
export type Size = number | { readonly batch: number };

export const sizeAt = (s: Size, batch: number): number => (typeof s === 'number' ? s : s.batch * batch);
export const isDynamic = (s: Size): s is { readonly batch: number } => typeof s !== 'number';
export const sameSize = (a: Size, b: Size): boolean => (typeof a === 'number' || typeof b === 'number' ? a === b : a.batch === b.batch);
/** Divisible by a number at every batch. */
export const isMultiple = (s: Size, of: number): boolean => (isDynamic(s) ? s.batch : s) % of === 0;
/** a·b; undefined when both hold the batch. */
export function timesSize(a: Size, b: Size): Size | undefined {
  if (typeof a === 'number') return typeof b === 'number' ? a * b : a === 0 ? 0 : { batch: a * b.batch };
  if (typeof b === 'number') return b === 0 ? 0 : { batch: a.batch * b };
  return undefined;
}
export const showSize = (s: Size): string => (typeof s === 'number' ? `${s}` : s.batch === 1 ? 'B' : `${s.batch}B`);
export const showSizes = (s: readonly Size[]): string => `[${s.map(showSize).join(',')}]`;
