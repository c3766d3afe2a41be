// Staging: operands of sums that many lanes of a group want are copied into workgroup memory once, a chunk of the reduced axis at a time,
// and every lane reads its own from there. What is staged is found by counting alone: the largest values of a term that some axis of the
// group's tile does not move, so that lanes along it would each fetch (and work out) the same. For a product of two matrices these are
// both operands; with normalised rows on one side, the normalised value. (For panels in fast memory see Goto & van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008; for GPUs Volkov & Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008: most
// of a tile belongs into registers.)
// A schedule with staging is chosen with its register tile, by an estimate of instructions; panels.ts writes it.
import { type AxisSet, axisSet, operands, partAxes, scope as reach } from '../loops/facts.ts';
import { weightOf } from '../loops/fuse/weights.ts';
import type { Facts } from './facts.ts';
import { dependsOn, isContiguous, loadsOf, strideIn } from './strides.ts';
import type { TileChoice } from './tiles.ts';
import type { Capability } from './types.ts';

/** A staged value: its positions in the group's tile, for each position of a chunk. */
export interface Panel {
  readonly value: number;
  /** Axes of the tile along which it differs, the last with stride 1; extents are multiples of the register tile. */
  readonly dims: readonly { readonly axis: number; readonly extent: number; readonly stride: number }[];
  /** From one position of the chunk to the next. */
  readonly pitch: number;
  /** Four neighbours along the last dim are read, and copied, at once. */
  readonly four: boolean;
  /** Along which axis vectors are fetched: the reduced one (four positions are then turned round in registers), the last dim, or none. */
  readonly wide: 'reduced' | 'last' | 'none';
}
export interface Stage {
  /** Positions of the innermost reduced axis that are staged at a time. */
  readonly chunk: number;
  readonly panels: readonly Panel[];
}
export interface StagedChoice {
  readonly tile: TileChoice;
  /** One a part; undefined where nothing of it is used again. */
  readonly stages: readonly (Stage | undefined)[];
}

/** Instructions' time, in additions: of a load from storage, from workgroup memory, of a barrier. */
const storageTime = 8;
const sharedTime = 2;
const barrierTime = 16;
const chunks = [8, 16, 32];
const registerTiles = [1, 2, 4, 8];

/** The fastest staged form of a nest whose points a group of lanes shares; undefined where lanes had better load for themselves.
 *  orders: the loops of each part, outermost first; fits: is there workgroup memory for a stage? */
export function chooseStaging(
  facts: Facts,
  capability: Capability,
  direct: TileChoice,
  orders: readonly (readonly number[])[],
  lanes: number,
  fits: (stage: Stage) => boolean,
): StagedChoice | undefined {
  const { nest, axes } = facts;
  const sizes = axes.map(a => facts.atOnce(a));
  if (sizes.some(n => n === 0) || nest.parts.some(p => p.axes.some(a => facts.atOnce(a) === 0))) return undefined;
  const loops = nest.loops.filter(l => l.length > 0);
  let best: { readonly time: number; readonly choice: StagedChoice } | undefined;
  let limit = loops.reduce((n, l) => n + directTime(facts, l, direct, lanes), 0);
  for (const tile of tileChoices(facts, capability)) {
    for (const chunk of chunks) {
      const plan = new Plan(facts, tile, capability.vectors, chunk, lanes);
      const stages = loops.map(l => plan.stage(l, orders));
      if (stages.every(s => s === undefined)) break;
      if (stages.some(s => s && !fits(s))) break;
      const time = loops.reduce((n, l, i) => n + plan.time(l, stages[i], orders), 0);
      if (time >= limit) continue;
      limit = time;
      best = { time, choice: { tile, stages: nest.parts.map((_, p) => stages[loops.findIndex(l => l.includes(p))]) } };
    }
  }
  return best?.choice;
}
/** Register tiles over up to two axes, with vectors along one of them where the axis can have them. */
function tileChoices(facts: Facts, capability: Capability): readonly TileChoice[] {
  const out: TileChoice[] = [];
  const long = facts.axes.filter(a => facts.atOnce(a) > 1);
  const sizesOf = (a: number): readonly number[] => registerTiles.filter(t => t === 1 || t < 2 * facts.atOnce(a));
  const parts = Math.max(...facts.nest.loops.map(l => l.length));
  type Pair = readonly [number, number];
  const pairs: readonly Pair[] = long.length === 1 ? [[long[0]!, -1]] : long.flatMap((a, i) => long.slice(i + 1).map((b): Pair => [a, b]));
  for (const [a, b] of pairs)
    for (const s of sizesOf(a))
      for (const t of b < 0 ? [1] : sizesOf(b)) {
        if (s * t * parts > capability.registers) continue;
        const tiles = new Map([[a, s] as const, [b, t] as const].filter(([axis, n]) => axis >= 0 && n > 1));
        const along = capability.vectors
          ? ([...tiles.keys()].filter(x => tiles.get(x)! % 4 === 0 && facts.byFour(x)).sort(byStore(facts))[0] ?? -1)
          : -1;
        out.push({ tiles, along, vectorParts: false });
      }
  return out;
}
/** Axes along which the main store is contiguous first. */
const byStore =
  (facts: Facts) =>
  (a: number, b: number): number =>
    Number(facts.contiguousStore(b)) - Number(facts.contiguousStore(a));

/** All lanes' time for a loop's parts when each loads what it needs. */
function directTime(facts: Facts, loop: readonly number[], choice: TileChoice, lanes: number): number {
  return new Plan(facts, choice, false, 1, lanes).time(loop, undefined, []);
}

class Plan {
  private readonly facts: Facts;
  private readonly choice: TileChoice;
  private readonly vectors: boolean;
  private readonly chunk: number;
  private readonly lanes: number;

  constructor(facts: Facts, choice: TileChoice, vectors: boolean, chunk: number, lanes: number) {
    this.facts = facts;
    this.choice = choice;
    this.vectors = vectors;
    this.chunk = chunk;
    this.lanes = lanes;
  }
  private tile(axis: number): number {
    return this.choice.tiles.get(axis) ?? 1;
  }
  /** Register tiles along an axis. */
  private tilesAlong(axis: number): number {
    return Math.ceil(this.facts.atOnce(axis) / this.tile(axis));
  }
  private get rounds(): number {
    return Math.ceil(this.facts.axes.reduce((n, a) => n * this.tilesAlong(a), 1) / this.lanes);
  }

  /** What is staged of the parts of one loop. */
  stage(loop: readonly number[], orders: readonly (readonly number[])[]): Stage | undefined {
    const inner = orders[loop[0]!]!.at(-1);
    const { nest, free } = this.facts;
    const isAlike = (p: number): boolean =>
      `${orders[p]}` === `${orders[loop[0]!]}` && partAxes(nest.parts[p]!, free) === partAxes(nest.parts[loop[0]!]!, free);
    if (inner === undefined || !loop.every(isAlike)) return undefined;
    const values = this.reused(loop, inner);
    return values.length === 0 ? undefined : { chunk: this.chunk, panels: values.map(v => this.panel(v, inner)) };
  }
  /** The largest values in the terms that differ along the chunk and are the same for several lanes. */
  private reused(loop: readonly number[], inner: number): readonly number[] {
    const { nest, free, axes } = this.facts;
    const found = new Set<number>();
    const seen = new Set<number>();
    const stack = loop.map(p => nest.parts[p]!.of);
    while (stack.length > 0) {
      const v = stack.pop()!;
      if (seen.has(v)) continue;
      seen.add(v);
      if (((free[v]! >> inner) & 1) === 0) continue;
      const isShared = axes.some(a => ((free[v]! >> a) & 1) === 0 && this.tilesAlong(a) > 1) && axes.some(a => (free[v]! >> a) & 1);
      if (isShared && this.isWorthIt(v)) found.add(v);
      else stack.push(...operands(nest.values[v]!));
    }
    return [...found].sort((a, b) => a - b);
  }
  /** Fetched from storage, and a number of its own. */
  private isWorthIt(v: number): boolean {
    const { nest } = this.facts;
    const inside = reach(nest.values, [v]);
    const { type } = nest.values[v]!;
    return type === 'f32' && inside.every(u => nest.values[u]!.kind !== 'part') && loadsOf(nest, inside).some(l => !isTable(this.facts, l.buffer));
  }
  private panel(value: number, inner: number): Panel {
    const { axes, free, nest } = this.facts;
    const { along } = this.choice;
    const own = axes.filter(a => (free[value]! >> a) & 1);
    const rank = (a: number): number => (a === along ? 2 : this.tile(a) % 4 === 0 ? 1 : 0);
    const last = own.reduce((a, b) => (rank(b) >= rank(a) ? b : a));
    const four = this.vectors && this.tile(last) % 4 === 0;
    const sorted = [...own.filter(a => a !== last), last];
    const loads = loadsOf(nest, reach(nest.values, [value]));
    const isWide = (a: number): boolean =>
      this.vectors &&
      this.facts.byFour(a) &&
      loads.every(l => l.when < 0 || ((free[l.when]! >> a) & 1) === 0) &&
      loads.every(l => strideIn(l.at, a, free) === 0 || isContiguous(l.at, a, free));
    const wide = four && isWide(last) ? 'last' : isWide(inner) ? 'reduced' : 'none';
    let stride = 1;
    const dims = [...sorted].reverse().map(axis => {
      const extent = this.tilesAlong(axis) * this.tile(axis);
      const dim = { axis, extent, stride };
      stride *= extent;
      return dim;
    });
    // lanes that turn blocks of four round write at distances of four pitches, which should not be the same bank
    const pad = four && wide === 'reduced' && stride % 8 === 0 ? 4 : 0;
    return { value, dims: dims.reverse(), pitch: stride + pad, four, wide };
  }

  /** All lanes' time for the parts of a loop. */
  time(loop: readonly number[], stage: Stage | undefined, orders: readonly (readonly number[])[]): number {
    const { nest } = this.facts;
    const { axes } = nest.parts[loop[0]!]!;
    const terms = axes.reduce((n, a) => n * this.facts.atOnce(a), 1);
    let time = terms * this.stepTime(loop, new Map(stage?.panels.map(p => [p.value, p] as const)));
    if (stage) {
      const inner = orders[loop[0]!]!.at(-1)!;
      const length = this.facts.atOnce(inner);
      const times = (terms / length) * Math.ceil(length / stage.chunk);
      time += times * (2 * barrierTime + stage.panels.reduce((n, p) => n + this.copyTime(p, stage.chunk, inner), 0));
    }
    return this.rounds * time;
  }
  /** A lane's instructions for one term of each part, of all points of its register tile. */
  private stepTime(loop: readonly number[], staged: ReadonlyMap<number, Panel>): number {
    const { nest, free } = this.facts;
    const summed = axisSet(nest.parts[loop[0]!]!.axes);
    const seen = new Set<number>();
    const stack = loop.map(p => nest.parts[p]!.of);
    let time = 0;
    while (stack.length > 0) {
      const v = stack.pop()!;
      if (seen.has(v) || (free[v]! & summed) === 0) continue;
      seen.add(v);
      const value = nest.values[v]!;
      const copies = this.copies(free[v]!);
      const panel = staged.get(v);
      if (panel) {
        time += (sharedTime * copies) / (panel.four ? 4 : 1);
        continue;
      }
      if (value.kind === 'op') time += weightOf(value.prim) * copies;
      if (value.kind === 'load') time += this.loadTime(value, copies, summed);
      stack.push(...operands(value));
    }
    return time + loop.reduce((n, p) => n + this.copies(partAxes(nest.parts[p]!, free)), 0);
  }
  /** Values of a register tile that differ. */
  private copies(axes: AxisSet): number {
    let n = 1;
    for (const [a, t] of this.choice.tiles) if ((axes >> a) & 1) n *= t;
    return n;
  }
  private loadTime(load: ReturnType<typeof loadsOf>[number], copies: number, summed: AxisSet): number {
    const { free } = this.facts;
    const { along, vectorParts } = this.choice;
    if (isTable(this.facts, load.buffer)) return sharedTime * copies;
    const isWide = vectorParts ? summed !== 0 : along >= 0 && dependsOn(load.at, along, free) && isContiguous(load.at, along, free);
    return (storageTime * copies) / (isWide ? 4 : 1);
  }
  /** A lane's share of copying one chunk of a panel. */
  private copyTime(panel: Panel, chunk: number, inner: number): number {
    const { nest, free } = this.facts;
    const positions = panel.dims.reduce((n, d) => n * d.extent, 1);
    const across = panel.four ? 4 : 1;
    const atOnce = across * (panel.wide === 'reduced' ? 4 : 1);
    const inside = reach(nest.values, [panel.value]);
    const loads = loadsOf(nest, inside).reduce((n, l) => n + (isTable(this.facts, l.buffer) ? sharedTime : storageTime), 0);
    const work = inside.reduce((n, u) => {
      const x = nest.values[u]!;
      return n + (x.kind === 'op' ? weightOf(x.prim) * ((free[u]! >> inner) & 1 ? atOnce : across) : 0);
    }, 0);
    const fetches = panel.wide === 'none' ? atOnce : atOnce / 4;
    const writes = panel.four ? atOnce / 4 : atOnce;
    return Math.ceil((positions * chunk) / atOnce / this.lanes) * (loads * fetches + work + sharedTime * writes);
  }
}
/** Tables are in workgroup memory already. */
const isTable = ({ nest }: Facts, buffer: number): boolean => nest.buffers[buffer]!.node < 0;
