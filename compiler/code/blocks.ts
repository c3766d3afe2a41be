// Long sums of a lane alone, in blocks. Where the operands of a sum stride over whole lines of the cache (both sides of a weight's gradient:
// Σ over all tokens of x[t,i]·dy[t,j]), every register tile fetches the same lines anew, for they are more than the first cache holds. So
// the sums become tables that a loop over blocks of the axis adds to, and within a block the lines stay close (Goto & van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008). A block is a chunk that was chosen for locality instead of room
// (loops/fuse/chunk.ts). JavaScript, 64×256 over 3,200 tokens: 0.7 of the time.
import { isDynamic } from '../../common/size.ts';
import { axesOf, scope } from '../loops/facts.ts';
import { sweepsOf } from '../loops/fuse/chunk.ts';
import type { Tiling } from '../loops/fuse/cost.ts';
import { type Facts, factsOf } from '../loops/fuse/placement.ts';
import type { LoopNest } from '../loops/types.ts';
import { lineElements, plainStride } from './strides.ts';
import type { Capability } from './types.ts';

/** Lines of two operands, this many positions deep, are half of a first cache of 32 KiB. */
const blockLength = 128;
/** Fewer sums than this are no tile worth a block, in numbers of a lane's memory. */
const leastRoom = 1024;

/** The tiles of a nest whose sums run in blocks of the axis that all of them are over; undefined where that brings nothing. */
export function inBlocks(nest: LoopNest, capability: Capability): Tiling | undefined {
  const room = capability.laneBytes / 4;
  const { parts, axes } = nest;
  if (capability.lanes !== 1 || parts.some(p => p.kind !== 'sum' || p.axes.length !== 1 || p.axes[0] !== parts[0]!.axes[0])) return undefined;
  const axis = parts[0]?.axes[0];
  if (axis === undefined || room < leastRoom || !isLong(nest, axis)) return undefined;
  const facts = factsOf(nest);
  if (!parts.some((_, p) => stridesBothSides(nest, facts, p, axis))) return undefined;
  if (facts.grid.some(a => a === axis || isDynamic(axes[a]!.extent))) return undefined;
  if (sweepsOf(nest, facts, axis).count !== 1) return undefined;
  const tile = axes.map((a, i) => (i === axis ? blockLength : facts.grid.includes(i) ? (a.extent as number) : 0));
  const tablesOf = (): number => facts.own.reduce((n, own) => n + axesOf(own).reduce((m, a) => m * tile[a]!, 1), 0);
  while (tablesOf() > room) {
    const longest = facts.grid.reduce((a, b) => (tile[b]! > tile[a]! ? b : a));
    tile[longest] = Math.ceil(tile[longest]! / 2);
  }
  return { tile, places: parts.map(() => 'row'), chunk: axis, tables: tablesOf() };
}

const isLong = ({ axes }: LoopNest, axis: number): boolean => {
  const { extent } = axes[axis]!;
  return isDynamic(extent) || extent > 2 * blockLength;
};
/** Do two loads of a term stride over lines along the axis, and are both fetched again along an axis of their own that they lack? */
function stridesBothSides(nest: LoopNest, { free, own }: Facts, part: number, axis: number): boolean {
  const values = scope(nest.values, [nest.parts[part]!.of]);
  const again = values.filter(v => {
    const value = nest.values[v]!;
    if (value.kind !== 'load' || Math.abs(plainStride(value.at, axis)) < lineElements) return false;
    return axesOf(own[part]! & ~free[v]!).some(a => nest.axes[a]!.extent !== 1);
  });
  return again.length >= 2;
}
