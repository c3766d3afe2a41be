// A schedule is data: where the axes of a nest run (over the grid, in a loop of a lane, over the lanes of a group), how many
// neighbouring positions a lane keeps in registers, which axis is 4-wide, which sums the lanes of a group share. It is chosen from
// the nest and the target's capability record alone; no operation has a schedule of its own.
//   points   every store axis that all parts depend on: tiles over the grid, a lane a tile (elementwise, contractions, plain sums)
//   rows     some store axis that a part doesn't depend on: one point of the others at a time, its parts once (row statistics)
import { type AxisSet, axisSet, partAxes, scope as reach, storeReads } from '../loops/facts.ts';
import { machineOf } from '../loops/fuse/machine.ts';
import type { LoopNest } from '../loops/types.ts';
import { Facts, isWideAlong } from './facts.ts';
import { chooseStaging, type Stage } from './staging.ts';
import { dependsOn, isContiguous, loadsOf, plainStride, strideIn } from './strides.ts';
import { alone, chooseTeam, type Team, timeAlone } from './teams.ts';
import { chooseTile, type TileChoice } from './tiles.ts';
import type { Capability } from './types.ts';

export interface AxisPlan {
  readonly axis: number;
  /** grid: tiles are numbered over groups and lanes; loop: each lane goes through them; lanes: the lanes of a group share them. */
  readonly place: 'grid' | 'loop' | 'lanes';
  /** Neighbouring positions at once, in registers. */
  readonly tile: number;
  /** Values along the axis are 4-wide; tile is a multiple of 4. */
  readonly vector: boolean;
}
export interface PartPlan {
  /** The part's axes, outermost loop first. */
  readonly order: readonly number[];
  /** The one along which values are 4-wide, or −1. */
  readonly vector: number;
  /** The one that the lanes of a group share, or −1. */
  readonly split: number;
  /** Positions of the innermost axis that are reduced by themselves before they join the rest; 0: all at once. */
  readonly block: number;
  /** Parts of one loop of the nest run together if they have the same turn: their accumulators all fit in registers. */
  readonly turn: number;
  /** What is copied into workgroup memory a chunk of the innermost axis at a time. */
  readonly stage?: Stage | undefined;
}
export interface Schedule {
  readonly lanes: number;
  /** The lanes of a team stand at the same point of the grid, and share sums. */
  readonly team: Team;
  /** Stores write four neighbours at once where they can. */
  readonly vectorStores: boolean;
  /** Every axis that a store binds: those of the grid first, outermost first. */
  readonly axes: readonly AxisPlan[];
  /** One a part of the nest. */
  readonly parts: readonly PartPlan[];
}

/** A JavaScript group should do this many points, so that finding its place is not felt. */
const pointsPerGroup = 1024;
/** About the square root of the longest sums there are; a multiple of 4. */
const blockLength = 256;

export function schedule(nest: LoopNest, capability: Capability): Schedule {
  const facts = new Facts(nest);
  if (nest.parts.length === 0) return elementwise(facts, capability);
  return inTurns(facts.rowAxes.length > 0 ? rows(facts, capability) : points(facts, capability), facts, capability);
}

/** Parts that would run in one loop take turns where their accumulators are more than the registers. */
function inTurns(whole: Schedule, { nest, free }: Facts, { registers }: Capability): Schedule {
  const turn = nest.parts.map(() => 0);
  for (const loop of nest.loops) {
    let held = 0;
    let now = 0;
    for (const p of loop) {
      const axes = partAxes(nest.parts[p]!, free);
      const points = whole.axes.reduce((n, a) => ((axes >> a.axis) & 1 ? n * a.tile : n), whole.parts[p]!.vector >= 0 ? 4 : 1);
      if (held > 0 && held + points > registers) {
        held = 0;
        now++;
      }
      held += points;
      turn[p] = now;
    }
  }
  return { ...whole, parts: whole.parts.map((plan, p) => ({ ...plan, turn: turn[p]! })) };
}

const grid = (axis: number): AxisPlan => ({ axis, place: 'grid', tile: 1, vector: false });

/** No parts: four neighbours a lane where the innermost axis is contiguous for the store and for every load; in JavaScript, one
 *  loop a group over enough of the inner axes. */
function elementwise(facts: Facts, capability: Capability): Schedule {
  const { nest, free, axes } = facts;
  const inner = axes.at(-1);
  const loads = loadsOf(nest, reach(nest.values, storeReads(nest)));
  const fits = (a: number): boolean =>
    facts.contiguousStore(a) &&
    loads.every(l => strideIn(l.at, a, free) === 0 || (isContiguous(l.at, a, free) && (l.when < 0 || ((free[l.when]! >> a) & 1) === 0)));
  const vector = capability.vectors && inner !== undefined && fits(inner);
  const looped = capability.lanes === 1 ? loopAxes(facts, axes) : [];
  const plans = axes.map((axis): AxisPlan => {
    const wide = vector && axis === inner;
    return { axis, place: looped.includes(axis) ? 'loop' : 'grid', tile: wide ? 4 : 1, vector: wide };
  });
  return { lanes: capability.lanes, team: alone, vectorStores: vector, axes: plans, parts: [] };
}
/** Inner axes that one JavaScript group goes through. */
function loopAxes(facts: Facts, axes: readonly number[]): readonly number[] {
  const looped: number[] = [];
  let count = 1;
  for (const a of [...axes].reverse()) {
    if (facts.dynamic(a) || count >= pointsPerGroup) break;
    looped.push(a);
    count *= facts.atOnce(a);
  }
  return looped;
}

/** Lanes at different points: register tiles where a load is used again along an axis, vectors where loads are contiguous. */
function points(facts: Facts, capability: Capability): Schedule {
  const { nest, axes } = facts;
  const choice = chooseTile(facts, capability);
  const parts = nest.parts.map((_, p) => partPlan(facts, p, choice, capability));
  const shared =
    meets(capability) && isStreamed(facts) ? teamFor(facts, capability, choice, capability.lanes * machineOf(capability).groups) : undefined;
  if (shared) return shared;
  const plans = axes.map((axis): AxisPlan => ({ axis, place: 'grid', tile: choice.tiles.get(axis) ?? 1, vector: axis === choice.along }));
  if (capability.lanes === 1) {
    // the innermost axis as a loop, so that a group is a row of tiles
    const inner = axes.at(-1);
    const looped = inner !== undefined && !facts.dynamic(inner) && axes.length > 1 ? inner : -1;
    const serial = plans.filter(p => p.axis !== looped);
    const last = plans.filter(p => p.axis === looped).map((p): AxisPlan => ({ ...p, place: 'loop' }));
    return { lanes: 1, team: alone, vectorStores: false, axes: [...serial, ...last], parts };
  }
  return { lanes: capability.lanes, team: alone, vectorStores: capability.vectors, axes: plans, parts };
}

/** Loops of one part: its axes by falling stride of its first load that moves along them; vectors along the contiguous one. */
function partPlan(facts: Facts, part: number, choice: TileChoice, capability: Capability): PartPlan {
  const { nest } = facts;
  const p = nest.parts[part]!;
  const loads = loadsOf(nest, facts.below([p.of]));
  const stride = (a: number): number => Math.min(...loads.map(l => Math.abs(plainStride(l.at, a)) || Infinity));
  const order = [...p.axes].sort((a, b) => (stride(a) === stride(b) ? 0 : stride(b) - stride(a)));
  const wide = choice.vectorParts && choice.along < 0 ? order.find(a => isWideAlong(facts, part, a)) : undefined;
  // the vector axis runs innermost
  const sorted = wide === undefined ? order : [...order.filter(a => a !== wide), wide];
  return { order: sorted, vector: wide ?? -1, split: -1, block: blockOf(facts, part, sorted.at(-1), choice, capability), turn: 0 };
}
/** Long sums of f32 in few accumulators run in blocks; JavaScript's doubles need none. */
function blockOf(facts: Facts, part: number, axis: number | undefined, choice: TileChoice, capability: Capability): number {
  const { kind, of } = facts.nest.parts[part]!;
  if (axis === undefined || capability.language === 'js' || kind !== 'sum' || facts.nest.values[of]!.type !== 'f32') return 0;
  const accumulators = [...choice.tiles].reduce((n, [a, t]) => n * (a === choice.along ? t / 4 : t), 1);
  return accumulators <= 4 && (facts.dynamic(axis) || facts.atOnce(axis) > 2 * blockLength) ? blockLength : 0;
}

/** Can the lanes of a group meet? */
const meets = ({ lanes, sharedBytes }: Capability): boolean => lanes > 1 && sharedBytes >= 4 * lanes && (lanes & (lanes - 1)) === 0;

/** Does each sum read something that no other point wants? Then no register tile spares what takes the time. */
const isStreamed = ({ nest, free, axes }: Facts): boolean =>
  nest.parts.every(p => loadsOf(nest, reach(nest.values, [p.of])).some(l => axes.every(a => dependsOn(l.at, a, free))));

/** Teams for the sums of a nest, a point a team at a time, where that takes less time than register tiles of lanes alone. */
function teamFor(facts: Facts, capability: Capability, choice: TileChoice, busy: number): Schedule | undefined {
  const { lanes } = capability;
  const found = chooseTeam(facts, lanes, busy);
  if (!found || found.time >= timeAlone(facts, choice, busy)) return undefined;
  const single: TileChoice = { tiles: new Map(), along: -1, vectorParts: capability.vectors };
  return {
    lanes,
    team: found.team,
    vectorStores: false,
    axes: facts.axes.map(grid),
    parts: facts.nest.parts.map((_, p) => ({ ...partPlan(facts, p, single, capability), split: found.axis })),
  };
}

/** One point of the outer axes at a time, its parts once, then the row: by all lanes of a group where they can meet. */
function rows(facts: Facts, capability: Capability): Schedule {
  const { nest, axes, rowAxes, free } = facts;
  const inner = rowAxes.at(-1)!;
  const loads = loadsOf(nest, reach(nest.values, storeReads(nest)));
  const vector =
    capability.vectors && facts.contiguousStore(inner) && loads.every(l => strideIn(l.at, inner, free) === 0 || isContiguous(l.at, inner, free));
  const choice: TileChoice = { tiles: new Map(), along: -1, vectorParts: capability.vectors };
  const parts = nest.parts.map((p, i): PartPlan => {
    const plan = partPlan(facts, i, choice, capability);
    const crossed = vector && (partAxes(p, free) >> inner) & 1;
    return crossed ? { ...plan, vector: -1 } : plan;
  });
  const outer = axisSet(axes.filter(a => !rowAxes.includes(a)));
  const { lanes } = capability;
  const together = meets(capability) && nest.parts.every((p, i) => (partAxes(p, free) & ~outer) !== 0 || parts[i]!.order.length > 0);
  const plans: AxisPlan[] = [
    ...axes.filter(a => !rowAxes.includes(a)).map(grid),
    ...rowAxes.map((axis): AxisPlan => {
      const last = axis === inner;
      return { axis, place: last && together ? 'lanes' : 'loop', tile: last && vector ? 4 : 1, vector: last && vector };
    }),
  ];
  return {
    lanes,
    team: together ? { size: lanes, stride: 1 } : alone,
    vectorStores: vector,
    axes: plans,
    parts: parts.map((p, i) => ({ ...p, split: together && (partAxes(nest.parts[i]!, free) & ~outer) === 0 ? (p.order.at(-1) ?? -1) : -1 })),
  };
}

/** Workgroup memory that the tables of a kernel leave over. */
export interface Room {
  /** Lanes may meet inside a sum. */
  readonly meets: boolean;
  /** Is there any for a stage's panels? */
  readonly fits: (stage: Stage) => boolean;
}
/** A phase of a fused kernel: its points are loops of a lane, or are shared by `sharing` lanes that a group has. */
export function phaseSchedule(nest: LoopNest, capability: Capability, ragged: AxisSet, sharing: number, room: Room): Schedule {
  const facts = new Facts(nest, ragged);
  const loop = (plan: AxisPlan): AxisPlan => ({ ...plan, place: 'loop' });
  if (nest.parts.length === 0) {
    const flat = elementwise(facts, capability);
    return { ...flat, lanes: sharing, axes: flat.axes.map(loop) };
  }
  const choice = chooseTile(facts, capability, sharing);
  if (sharing > 1) {
    const staged = stagedSchedule(facts, capability, choice, sharing, room.fits);
    if (staged) return staged;
    const shared = room.meets ? teamFor(facts, capability, choice, sharing) : undefined;
    if (shared) return { ...shared, axes: shared.axes.map(loop) };
  }
  const parts = nest.parts.map((_, p) => partPlan(facts, p, choice, capability));
  const plans = facts.axes.map((axis): AxisPlan => ({ axis, place: 'loop', tile: choice.tiles.get(axis) ?? 1, vector: axis === choice.along }));
  return inTurns({ lanes: sharing, team: alone, vectorStores: capability.vectors, axes: plans, parts }, facts, capability);
}
function stagedSchedule(facts: Facts, capability: Capability, direct: TileChoice, lanes: number, fits: Room['fits']): Schedule | undefined {
  const single: TileChoice = { tiles: new Map(), along: -1, vectorParts: false };
  const parts = facts.nest.parts.map((_, p) => partPlan(facts, p, single, capability));
  const found = chooseStaging(
    facts,
    capability,
    direct,
    parts.map(p => p.order),
    lanes,
    fits,
  );
  if (!found) return undefined;
  const { tile, stages } = found;
  return {
    lanes,
    team: alone,
    vectorStores: capability.vectors,
    axes: facts.axes.map((axis): AxisPlan => ({ axis, place: 'loop', tile: tile.tiles.get(axis) ?? 1, vector: axis === tile.along })),
    parts: parts.map((p, i) => ({ ...p, block: stages[i] ? 0 : p.block, stage: stages[i] })),
  };
}
/** Is anything copied into workgroup memory? */
export const isStaged = (schedule: Schedule): boolean => schedule.parts.some(p => p.stage !== undefined);
