// What takes the place of parts. A value that is made from a part, at each of the part's positions, and that all later readers want
// instead of the part, is worked out once and written over the part's table: the weights of a softmax over its scores, p0 ← exp(p0 − p1),
// instead of once for each channel that reads them. It must pay: the operations that readers save are weighed against a read and a write.
import { isDynamic } from '../../common/size.ts';
import { indexValues } from '../loops/affine.ts';
import { type AxisSet, axesOf, axisSet, operands, scope } from '../loops/facts.ts';
import type { Tiling } from '../loops/fuse/cost.ts';
import type { Facts } from '../loops/fuse/placement.ts';
import { weightOf } from '../loops/fuse/weights.ts';
import type { LoopNest } from '../loops/types.ts';

type Loops = readonly (readonly number[])[];

/** A kernel whose parts have their places. */
export interface Placed {
  readonly nest: LoopNest;
  readonly facts: Facts;
  readonly schedule: Tiling;
  /** Parts that have a table. */
  readonly rows: readonly number[];
}
/** A value that takes the place of the part from which it is made: from `time` (a loop's number) on, nobody reads the part. */
export interface Settled {
  readonly part: number;
  readonly value: number;
  readonly time: number;
}
/** What reads values at some time, at each point of a space. */
export interface Reader {
  readonly time: number;
  readonly roots: readonly number[];
  readonly space: AxisSet;
}

/** The value that stands for a part. */
export const partValue = (nest: LoopNest, part: number): number => nest.values.findIndex(v => v.kind === 'part' && v.part === part);

/** Everything that reads: each part in its loop, then the stores, with the parts that they work out themselves. */
export function readersOf({ nest, facts, rows }: Placed, loops: Loops): readonly Reader[] {
  const stores = loops.length;
  return [
    ...loops.flatMap((loop, time) => loop.map(p => readerOf(nest, facts, p, rows.includes(p) ? time : stores))),
    ...nest.stores.map((s): Reader => ({ time: stores, roots: [s.value, ...indexValues(s.at)], space: axisSet(s.axes) })),
  ];
}
export function readerOf(nest: LoopNest, facts: Facts, part: number, time: number): Reader {
  const { of, axes } = nest.parts[part]!;
  return { time, roots: [of], space: facts.own[part]! | axisSet(axes) };
}

/** What is written over some of the parts once the loops before have run. */
export function settle(placed: Placed, loops: Loops, parts: readonly number[], readers: readonly Reader[]): readonly Settled[] {
  const { nest, facts, rows } = placed;
  const done = new Map(loops.flatMap((loop, time) => loop.map(p => [p, time] as const)));
  const taken = new Set<number>();
  return parts.flatMap((part): Settled[] => {
    const mine = partValue(nest, part);
    const { type } = nest.values[mine]!;
    let best: (Settled & { readonly gain: number }) | undefined;
    nest.values.forEach((v, value) => {
      if (value <= mine || v.kind !== 'op' || v.type !== type || facts.free[value] !== facts.own[part]) return;
      const inside = scope(nest.values, [value]);
      if (!inside.includes(mine)) return;
      const needs = inside.flatMap(u => {
        const x = nest.values[u]!;
        return x.kind === 'part' ? [x.part] : [];
      });
      if (needs.some(p => !rows.includes(p) || !covers(facts, p, part))) return;
      const time = 1 + Math.max(...needs.map(p => done.get(p) ?? -1));
      const later = readers.filter(r => r.time >= time && reaches(nest, r.roots, mine));
      if (later.length === 0 || later.some(r => reaches(nest, r.roots, mine, value))) return;
      const gain = gainOf(placed, inside, part, later);
      if (gain > (best?.gain ?? 0)) best = { part, value, time, gain };
    });
    // a value made from two parts is written over one of them
    if (!best || taken.has(best.value)) return [];
    taken.add(best.value);
    return [best];
  });
}
/** What is saved by working out a value once at each position of a part instead of wherever it is read, less reading and writing it. */
function gainOf({ nest, facts, schedule }: Placed, inside: readonly number[], part: number, readers: readonly Reader[]): number {
  const own = facts.own[part]!;
  const work = inside.reduce((n, u) => {
    const x = nest.values[u]!;
    return n + (x.kind === 'op' && facts.free[u] === own ? weightOf(x.prim) : 0);
  }, 0);
  const positions = (axis: number): number => {
    const tile = schedule.tile[axis]!;
    const { extent } = nest.axes[axis]!;
    return isDynamic(extent) ? Math.max(1, tile) : tile > 0 ? Math.min(tile, extent) : extent;
  };
  // a register tile shares it between a few positions
  const often = (r: Reader): number => axesOf(r.space & ~own).reduce((n, a) => n * Math.max(1, positions(a) / 4), 1);
  return work * (readers.reduce((n, r) => n + often(r), 0) - 1) - 2;
}
/** Do roots read a value, by a way that does not lead through another? */
function reaches(nest: LoopNest, roots: readonly number[], value: number, but = -1): boolean {
  const seen = new Set<number>();
  const stack = [...roots];
  while (stack.length > 0) {
    const v = stack.pop()!;
    if (v === but || seen.has(v)) continue;
    if (v === value) return true;
    seen.add(v);
    stack.push(...operands(nest.values[v]!));
  }
  return false;
}
/** Is one part's table there wherever a value over the other's is worked out? */
const covers = (facts: Facts, part: number, other: number): boolean =>
  (facts.own[part]! & facts.full[other]! & ~facts.full[part]!) === 0 && (facts.under[other]! & ~facts.under[part]!) === 0;
