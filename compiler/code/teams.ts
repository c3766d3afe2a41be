// Teams: the lanes of a group that share one sum. With few sums and many terms a team of many lanes works on each; with more sums than
// lanes each lane takes its own. Members of a team are neighbours where the terms are contiguous (sums of rows); teams are interleaved, so
// that neighbouring lanes are at neighbouring sums, where those are (sums of columns). Either way neighbouring lanes read neighbouring
// numbers, which a GPU fetches as one.
import { partAxes, scope as reach } from '../loops/facts.ts';
import { int, lane, operation, times } from './expressions.ts';
import { type Facts, isWideAlong } from './facts.ts';
import { dependsOn, loadsOf, strideIn } from './strides.ts';
import type { TileChoice } from './tiles.ts';
import type { Expr } from './types.ts';

export interface Team {
  /** Lanes that share a sum: a power of two. */
  readonly size: number;
  /** From one member's lane to the next: 1, or the number of teams in the group. */
  readonly stride: number;
}
export const alone: Team = { size: 1, stride: 1 };

/** Is the whole group one team? */
const isWhole = (team: Team, lanes: number): boolean => team.size === lanes;

/** A lane's place in its team. */
export function memberOf(team: Team, lanes: number): Expr {
  if (isWhole(team, lanes)) return lane;
  return team.stride === 1 ? operation('rem', lane, int(team.size)) : operation('quo', lane, int(team.stride));
}
/** The number of a lane's team in the group. */
export function teamOf(team: Team, lanes: number): Expr {
  if (isWhole(team, lanes)) return int(0);
  return team.stride === 1 ? operation('quo', lane, int(team.size)) : operation('rem', lane, int(team.stride));
}
/** The lane of a team's first member. */
export const firstLane = (team: Team, lanes: number): Expr =>
  isWhole(team, lanes) || team.stride > 1 ? teamOf(team, lanes) : times(teamOf(team, lanes), team.size);

/** A term of a sum, without fetching: in the units below. */
const termTime = 1;
/** A load, in terms. */
const loadTime = 2;
/** A halving of a team's shares, with its barrier. */
const halvingTime = 4;
/** Memory moves this many bytes at least: a sector of a line. */
const lineBytes = 32;

/** The team, and the axis of the sums that its members share. */
export interface TeamChoice {
  readonly team: Team;
  readonly axis: number;
  readonly time: number;
}

/** The team that takes the fewest steps for all points, of those with more than one member. busy: lanes that work at once; `lanes` of them
 *  are a group's. Undefined where there is nothing to share. */
export function chooseTeam(facts: Facts, lanes: number, busy: number): TeamChoice | undefined {
  const { nest } = facts;
  const [first, ...others] = nest.parts;
  if (!first || lanes === 1 || (lanes & (lanes - 1)) !== 0) return undefined;
  const points = facts.axes.reduce((n, a) => n * facts.atOnce(a), 1);
  const shared = first.axes.filter(a => others.every(p => p.axes.includes(a)));
  if (points === 0) return undefined;
  let best: TeamChoice | undefined;
  for (const axis of shared)
    for (let size = 2; size <= lanes; size *= 2) {
      if (facts.atOnce(axis) < size) break;
      const rounds = Math.ceil((points * size) / busy);
      for (const stride of new Set([1, lanes / size])) {
        const time = rounds * (nest.parts.reduce((n, _, p) => n + partTime(facts, p, axis, { size, stride }, lanes), 0) + meetingTime(facts, size));
        if (!best || time < best.time) best = { team: { size, stride }, axis, time };
      }
    }
  return best;
}
const meetingTime = (facts: Facts, size: number): number => facts.nest.parts.length * halvingTime * Math.log2(size);

/** A lane's share of one sum. */
function partTime(facts: Facts, part: number, axis: number, team: Team, lanes: number): number {
  const { nest, free } = facts;
  const { axes, of } = nest.parts[part]!;
  const share = axes.reduce((n, a) => n * (a === axis ? Math.ceil(facts.atOnce(a) / team.size) : facts.atOnce(a)), 1);
  const width = axes.some(a => isWideAlong(facts, part, a)) ? 4 : 1;
  const inner = facts.axes.findLast(a => (partAxes(nest.parts[part]!, free) >> a) & 1) ?? -1;
  const loads = loadsOf(nest, reach(nest.values, [of])).reduce((n, l) => {
    const members = team.stride === 1 && strideIn(l.at, axis, free) === 1 ? team.size : 1;
    const teams = inner >= 0 && team.stride > 1 && strideIn(l.at, inner, free) === 1 ? Math.min(lanes / team.size, facts.atOnce(inner)) : 1;
    return n + fetches(width * members * teams) / width;
  }, 0);
  return share * (termTime + loadTime * loads);
}
/** What memory moves for a load of so many neighbours, in what they are. */
const fetches = (neighbours: number): number => Math.max(1, lineBytes / (4 * neighbours));

/** The same for all points when each lane takes register tiles of its own. */
export function timeAlone(facts: Facts, { tiles, along, vectorParts }: TileChoice, busy: number): number {
  const { nest, free } = facts;
  const tileOf = (a: number): number => tiles.get(a) ?? 1;
  const units = facts.axes.reduce((n, a) => n * Math.ceil(facts.atOnce(a) / tileOf(a)), 1);
  const points = facts.axes.reduce((n, a) => n * tileOf(a), 1);
  const inner = facts.axes.at(-1) ?? -1;
  const step = nest.parts.reduce((n, { axes, of }) => {
    const terms = axes.reduce((k, a) => k * facts.atOnce(a), 1);
    const loads = loadsOf(nest, reach(nest.values, [of])).reduce((sum, l) => {
      const width = vectorParts || (along >= 0 && dependsOn(l.at, along, free)) ? 4 : 1;
      const copies = facts.axes.reduce((k, a) => (dependsOn(l.at, a, free) ? k * tileOf(a) : k), 1);
      const isCoalesced = inner >= 0 && strideIn(l.at, inner, free) === 1;
      return sum + (copies * fetches(isCoalesced ? lineBytes : width)) / width;
    }, 0);
    return n + terms * (points * termTime + loadTime * loads);
  }, 0);
  return Math.ceil(units / busy) * step;
}
