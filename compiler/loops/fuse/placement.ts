// Where the parts of a kernel live. A group works on a tile of the store axes:
//   inline  worked out by the lane that reads it, in its registers
//   row     a table of the group, worked out once, over the tile of its grid axes and all of the axes that its readers sweep
//   chunk   a table of the group over a chunk of an axis that its readers sweep, worked out in each round of a loop over the chunks (chunk.ts)
// Facts that no tile changes are derived once a nest.
import { isDynamic } from '../../../common/size.ts';
import { indexValues } from '../affine.ts';
import { type AxisSet, axesOf, axisSet, freeAxes, partsRead, phases } from '../facts.ts';
import type { LoopNest } from '../types.ts';
import type { Sweeps } from './chunk.ts';
import type { Machine } from './machine.ts';

export type Place = 'inline' | 'row' | 'chunk';

export interface Facts {
  /** Axes that each value depends on. */
  readonly free: readonly AxisSet[];
  /** Axes over which each part is computed. */
  readonly own: readonly AxisSet[];
  /** Union of the stores' axes. */
  readonly grid: readonly number[];
  /** Parts and stores that read each part. */
  readonly users: readonly (readonly number[])[];
  readonly stores: readonly (readonly number[])[];
  /** Own axes that some reader's loop sweeps: a table holds all of them. */
  readonly full: readonly AxisSet[];
  /** Grid axes of the stores that each part feeds: its work repeats over their tiles. */
  readonly under: readonly AxisSet[];
  readonly phase: readonly number[];
}

export function factsOf(nest: LoopNest): Facts {
  const { parts, stores: allStores, values } = nest;
  const free = freeAxes(nest);
  const own = parts.map(p => free[p.of]! & ~axisSet(p.axes));
  const users: number[][] = parts.map(() => []);
  const stores: number[][] = parts.map(() => []);
  parts.forEach((p, reader) => {
    for (const q of partsRead(values, [p.of])) users[q]!.push(reader);
  });
  allStores.forEach((s, i) => {
    for (const q of partsRead(values, [s.value, ...indexValues(s.at)])) stores[q]!.push(i);
  });
  const full = parts.map(() => 0);
  const under = parts.map(() => 0);
  const order = [...parts.keys()].sort((a, b) => parts[b]!.of - parts[a]!.of); // readers before what they read
  for (const p of order) {
    for (const s of stores[p]!) under[p]! |= axisSet(allStores[s]!.axes);
    for (const r of users[p]!) {
      full[p]! |= own[p]! & (axisSet(parts[r]!.axes) | full[r]!);
      under[p]! |= under[r]!;
    }
  }
  const grid = axesOf(allStores.reduce((set, s) => set | axisSet(s.axes), 0));
  return { free, own, grid, users, stores, full, under, phase: phases(nest) ?? parts.map(() => 0) };
}

/** Reductions without tables may be worked out this often for each of their values. */
const mostRecomputation = 4;

/** The place of each part, or undefined when the nest cannot be one kernel on the machine. `extent` has every axis in numbers. */
export function placeParts(nest: LoopNest, facts: Facts, machine: Machine, extent: readonly number[]): readonly Place[] | undefined {
  return machine.tables === 0 ? withoutTables(nest, facts, extent) : withTables(nest, facts);
}
const withTables = (nest: LoopNest, facts: Facts): readonly Place[] | undefined =>
  fitting(
    nest,
    facts,
    nest.parts.map((_, p) => (isAlone(nest, facts, p) ? 'inline' : 'row')),
  );
/** The same when an axis is cut into chunks; `facts` are those of tables that hold one chunk. What is summed up over the axis outlives each
 *  chunk. */
export const placeByChunk = (nest: LoopNest, facts: Facts, { sweep, chunked }: Sweeps): readonly Place[] | undefined =>
  fitting(
    nest,
    facts,
    nest.parts.map((_, p) => (chunked[p]!.size > 0 ? 'chunk' : sweep[p] === 0 && isAlone(nest, facts, p) ? 'inline' : 'row')),
  );
/** Does each lane read only what it works out itself? */
const isAlone = (nest: LoopNest, facts: Facts, p: number): boolean =>
  facts.users[p]!.length === 0 && facts.stores[p]!.every(s => axisSet(nest.stores[s]!.axes) === facts.own[p]);
/** A table cannot grow with the batch. */
function fitting(nest: LoopNest, facts: Facts, places: readonly Place[]): readonly Place[] | undefined {
  const fits = (p: number): boolean => axesOf(facts.full[p]!).every(a => !isDynamic(nest.axes[a]!.extent));
  return places.every((place, p) => place === 'inline' || fits(p)) ? places : undefined;
}
function withoutTables(nest: LoopNest, facts: Facts, extent: readonly number[]): readonly Place[] | undefined {
  // one reduction alone can be cut no further, however often it is read
  if (nest.parts.length === 1) return ['inline'];
  const size = (axes: AxisSet): number => axesOf(axes).reduce((n, a) => n * extent[a]!, 1);
  const evaluations = nest.parts.map(() => 0);
  for (const p of [...nest.parts.keys()].sort((a, b) => nest.parts[b]!.of - nest.parts[a]!.of)) {
    for (const s of facts.stores[p]!) evaluations[p]! += size(axisSet(nest.stores[s]!.axes));
    for (const r of facts.users[p]!) evaluations[p]! += evaluations[r]! * size(facts.own[p]! & axisSet(nest.parts[r]!.axes));
    if (evaluations[p]! > mostRecomputation * size(facts.own[p]!)) return undefined;
  }
  return nest.parts.map(() => 'inline');
}
