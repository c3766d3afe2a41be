// What a few noisy numbers say.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
/** Product's root, the mean of ratios. */
export const geometricMean = (values: readonly number[]): number => Math.exp(values.reduce((n, x) => n + Math.log(x), 0) / values.length);
