// Register tiles by counting. A load that doesn't depend on an axis is used again along it, so a tile over up to two store axes
// divides what is loaded; vectors of four run along the reduction where loads are contiguous there, else along the store axis
// where they are. Both are chosen by one estimate: instructions a useful multiply-add. (For the two-axis tile see Goto & van de
// Geijn, "Anatomy of high-performance matrix multiplication", 2008; here the counts alone decide, for any loads and any axes.)
import { scope as reach } from '../loops/facts.ts';
import { type Facts, isWideAlong } from './facts.ts';
import { dependsOn, isContiguous, lineElements, loadsOf, plainStride } from './strides.ts';
import type { Capability } from './types.ts';

export interface TileChoice {
  /** Tiles over 1, by axis. */
  readonly tiles: ReadonlyMap<number, number>;
  /** Store axis along which values are vectors, or −1. */
  readonly along: number;
  /** Parts may have vectors along their own axes. */
  readonly vectorParts: boolean;
}

/** A load against an arithmetic instruction, and a load from a line of the cache that the last step did not touch. */
const loadCost = 2;
const lineCost = 5;
const longestTile = 8;

type Load = ReturnType<typeof loadsOf>[number];
interface Mode {
  readonly along: number;
  readonly vectorParts: boolean;
}

/** sharing: lanes that the tiles of all points are dealt out to; 1 where there are more than enough of them. */
export function chooseTile(facts: Facts, capability: Capability, sharing = 1): TileChoice {
  const loads = loadsOf(facts.nest, facts.below(facts.nest.parts.map(p => p.of)));
  const vectors = capability.vectors;
  const wide = vectors && facts.nest.parts.every((_, p) => facts.nest.parts[p]!.axes.some(a => isWideAlong(facts, p, a)));
  const modes: Mode[] = [{ along: -1, vectorParts: false }];
  if (wide) modes.push({ along: -1, vectorParts: true });
  if (vectors) for (const a of facts.axes) if (facts.byFour(a) && isEveryLoadWide(facts, loads, a)) modes.push({ along: a, vectorParts: false });
  // neighbouring lanes read neighbours in memory; a lane alone must do so by itself
  const across = new Map(capability.lanes === 1 ? loads.map(l => [l, axisAcross(facts, l)]) : []);
  let best: { cost: number; choice: TileChoice } | undefined;
  for (const mode of modes) {
    for (const tiles of tileOptions(facts, loads, across, capability, mode)) {
      const cost = estimate(facts, loads, across, tiles, mode) * idle(facts, tiles, sharing);
      if (!best || cost < best.cost * 0.999) best = { cost, choice: { tiles, ...mode } };
    }
  }
  return best!.choice;
}

/** Contiguous or constant along the axis, and some load moves. */
function isEveryLoadWide(facts: Facts, loads: readonly Load[], axis: number): boolean {
  const moving = loads.filter(l => dependsOn(l.at, axis, facts.free));
  return moving.length > 0 && moving.every(l => isContiguous(l.at, axis, facts.free)) && isContiguous(facts.main.at, axis, facts.free);
}

/** The store axis along which a load's neighbours in memory lie, when its reduction strides over whole lines of the cache; else −1. */
function axisAcross(facts: Facts, load: Load): number {
  const strides = facts.nest.parts.flatMap(p => p.axes.map(a => Math.abs(plainStride(load.at, a)))).filter(s => s > 0);
  const isStriding = strides.length > 0 && strides.every(s => s >= lineElements);
  return isStriding ? (facts.axes.find(a => plainStride(load.at, a) === 1) ?? -1) : -1;
}

/** Tiles of at most two axes, within the register budget. */
function tileOptions(
  facts: Facts,
  loads: readonly Load[],
  across: ReadonlyMap<Load, number>,
  capability: Capability,
  mode: Mode,
): ReadonlyMap<number, number>[] {
  const isReused = (a: number): boolean => loads.some(l => !dependsOn(l.at, a, facts.free) || across.get(l) === a);
  const reused = facts.axes.filter(a => facts.atOnce(a) > 1 && (a === mode.along || isReused(a)));
  const budget = Math.max(1, Math.min(capability.registers / (mode.vectorParts ? 4 : 1), statementBudget(facts, capability)));
  const sizes = (a: number): readonly number[] => {
    const most = Math.min(longestTile, facts.atOnce(a));
    const whole = a === mode.along || (capability.vectors && facts.contiguousStore(a));
    return Array.from({ length: most }, (_, i) => i + 1).filter(t => (whole ? t % 4 === 0 || (t === 1 && a !== mode.along) : true));
  };
  const options: Map<number, number>[] = mode.along < 0 ? [new Map()] : [];
  for (const a of [...reused].reverse()) {
    for (const t of sizes(a)) {
      if (t > budget) continue;
      if (mode.along < 0 || a === mode.along) options.push(tileMap([a, t]));
      for (const b of reused) {
        if (b === a || (mode.along >= 0 && a !== mode.along)) continue;
        for (const s of sizes(b)) if (s > 1 && t > 1 && s * t <= budget) options.push(tileMap([a, t], [b, s]));
      }
    }
  }
  return options;
}
const tileMap = (...entries: readonly (readonly [number, number])[]): Map<number, number> => new Map(entries.filter(([, t]) => t > 1));

/** Points of a tile that keep the kernel's text within the target's limit. */
function statementBudget(facts: Facts, capability: Capability): number {
  const body = reach(
    facts.nest.values,
    facts.nest.parts.map(p => p.of),
  );
  const ops = body.filter(v => facts.nest.values[v]!.kind === 'op').length + facts.nest.stores.length + 2 * facts.nest.parts.length;
  return Math.floor(capability.statements / ops);
}

/** Instructions a useful step: loads and arithmetic of four steps of the reduction, over the points that are inside the extents. */
function estimate(facts: Facts, loads: readonly Load[], across: ReadonlyMap<Load, number>, tiles: ReadonlyMap<number, number>, mode: Mode): number {
  let points = 1;
  let useful = 1;
  for (const [a, t] of tiles) {
    points *= t;
    const extent = facts.atOnce(a);
    useful *= extent / (Math.ceil(extent / t) * t);
  }
  let instructions = points * 4;
  for (const l of loads) {
    let count = 1;
    for (const [a, t] of tiles) if (dependsOn(l.at, a, facts.free)) count *= a === mode.along ? t / 4 : t;
    instructions += loadCost * count * (mode.vectorParts ? 1 : 4);
    const line = across.get(l) ?? -1;
    if (line >= 0) instructions += (lineCost * count * 4) / Math.min(lineElements, tiles.get(line) ?? 1);
  }
  return instructions / (points * useful);
}

/** Rounds of all lanes against those that tiles would fill. */
function idle(facts: Facts, tiles: ReadonlyMap<number, number>, lanes: number): number {
  if (lanes === 1) return 1;
  const count = facts.axes.reduce((n, a) => n * Math.ceil(facts.atOnce(a) / (tiles.get(a) ?? 1)), 1);
  return (Math.ceil(count / lanes) * lanes) / Math.max(1, count);
}
