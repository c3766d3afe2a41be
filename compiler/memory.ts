// The plan of memory: where each stored value lives in an arena, aliased by lifetime. Greedy by size, largest first, each at the
// lowest offset free of every value that is alive at the same time (Pisarchyk and Lee 2020, "Efficient memory management for deep
// neural net inference"). Values whose size is a multiple of the batch and fixed ones have an arena each: then every offset is a
// multiple of the batch or a number, and the plan holds at any batch.
import { isDynamic, type Size } from '../common/size.ts';

/** Offsets of bindings must be multiples of this, in bytes. */
export const alignment = 256;
export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export interface Lifetime {
  readonly bytes: Size;
  /** First and last step that touches the value, inclusive. */
  readonly first: number;
  readonly last: number;
}
export interface Placement {
  /** Index into `arenas`. */
  readonly arena: number;
  readonly offset: Size;
}
export interface MemoryPlan {
  /** Bytes of each arena. */
  readonly arenas: readonly Size[];
  readonly placements: readonly Placement[];
}

/** Places every value; an arena of fixed values is closed when it would pass `limit` bytes and another one is begun. */
export function planMemory(values: readonly Lifetime[], limit: number): MemoryPlan {
  const arenas: Size[] = [];
  const placements: Placement[] = new Array<Placement>(values.length);
  for (const dynamic of [false, true]) {
    const ids = values.flatMap((v, i) => (isDynamic(v.bytes) === dynamic ? [i] : []));
    if (ids.length === 0) continue;
    const bytes = ids.map(i => align(coefficient(values[i]!.bytes)));
    const packed = pack(
      ids.map((i, k) => ({ first: values[i]!.first, last: values[i]!.last, bytes: bytes[k]! })),
      dynamic ? Infinity : limit,
    );
    const base = arenas.length;
    arenas.push(...packed.sizes.map((n): Size => (dynamic ? { batch: n } : n)));
    ids.forEach((i, k) => {
      const { bin, offset } = packed.places[k]!;
      placements[i] = { arena: base + bin, offset: dynamic && offset > 0 ? { batch: offset } : offset };
    });
  }
  return { arenas, placements };
}
const coefficient = (s: Size): number => (typeof s === 'number' ? s : s.batch);

interface Item {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}
function pack(items: readonly Item[], limit: number): { sizes: number[]; places: { bin: number; offset: number }[] } {
  const order = items.map((_, i) => i).sort((a, b) => items[b]!.bytes - items[a]!.bytes || items[a]!.first - items[b]!.first || a - b);
  const sizes: number[] = [];
  const places: { bin: number; offset: number }[] = [];
  const inBin: number[][] = [];
  for (const i of order) {
    const item = items[i]!;
    for (let bin = 0; ; bin++) {
      if (bin === sizes.length) {
        sizes.push(0);
        inBin.push([]);
      }
      const offset = lowestFree(
        item,
        inBin[bin]!.map(j => ({ item: items[j]!, offset: places[j]!.offset })),
      );
      if (offset + item.bytes > limit && inBin[bin]!.length > 0) continue;
      places[i] = { bin, offset };
      inBin[bin]!.push(i);
      sizes[bin] = Math.max(sizes[bin]!, offset + item.bytes);
      break;
    }
  }
  return { sizes, places };
}
function lowestFree(item: Item, placed: readonly { item: Item; offset: number }[]): number {
  const alive = placed.filter(p => p.item.first <= item.last && item.first <= p.item.last).sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const p of alive) {
    if (offset + item.bytes <= p.offset) break;
    offset = Math.max(offset, p.offset + p.item.bytes);
  }
  return offset;
}
