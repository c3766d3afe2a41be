// Source text of random dims, shapes and placeholders for the `calls` of the op table.
import type { Call, Random } from './row.ts';

/** As it is written in source: a number, or a quoted dim of symbols. */
export type DimText = number | string;
const dims: readonly DimText[] = [1, 2, 3, 4, 6, 'N', 'M', 'H*K'];

export const dimText = (r: Random): DimText => r.pick(dims);
export const shapeOf = (r: Random, rank: number = r.int(4)): DimText[] => Array.from({ length: rank }, () => dimText(r));
const write = (d: DimText): string => (typeof d === 'number' ? `${d}` : `'${d}'`);
export const list = (shape: readonly DimText[]): string => `[${shape.map(write).join(', ')}]`;
/** `f32(2, 'N')` */
export const placeholder = (shape: readonly DimText[], dtype = 'f32'): string => `${dtype}(${shape.map(write).join(', ')})`;
/** An axis of `rank` axes, now and then one outside. */
export const axisText = (r: Random, rank: number): number =>
  r.chance(0.2) ? r.pick([rank, -rank - 1]) : r.int(2 * Math.max(rank, 1)) - Math.max(rank, 1);
/** `shape` with one dim changed, one lost or one added: about every second time as it was. */
export function nearly(r: Random, shape: readonly DimText[]): DimText[] {
  const at = r.int(Math.max(shape.length, 1));
  switch (r.int(6)) {
    case 0:
      return shape.map((d, i) => (i === at ? dimText(r) : d));
    case 1:
      return shape.filter((_, i) => i !== at);
    case 2:
      return [...shape.slice(0, at), dimText(r), ...shape.slice(at)];
    default:
      return [...shape];
  }
}

/** A call on one tensor x of any element type. */
export const oneTensor = (r: Random, shape: readonly DimText[], call: string): Call => ({
  inputs: { x: placeholder(shape, r.chance(0.8) ? 'f32' : r.pick(['i32', 'bool', 'u32', 'index(5)'])) },
  call,
});
