// The cost of a kernel under its best legal tile: what fusion compares. A kernel's cost is a sum over its loads, stores and arithmetic, each
// slowed by how few groups do it, plus a launch. The schedule found here is the one that code is made from: there is no second opinion.
//   bytes = Σ over loads of (what one group reads) · groups, plus what is stored
import { isDynamic, sizeAt } from '../../../common/size.ts';
import type { Prim } from '../../../dsl/scalar.ts';
import { indexValues } from '../affine.ts';
import { type AxisSet, axesOf, axisSet, operands, scope } from '../facts.ts';
import type { LoopNest } from '../types.ts';
import { chunkAxes, factsByChunk, followed, repeatsDecision, type Sweeps, sweepsOf } from './chunk.ts';
import type { Machine } from './machine.ts';
import { type Facts, factsOf, type Place, placeByChunk, placeParts } from './placement.ts';

/** How a fused kernel is cut: a tile of each grid axis a group, and a place for each part. */
export interface TileSchedule {
  /** By axis; 0 for axes that no store binds, but for that of the chunks. */
  readonly tile: readonly number[];
  readonly places: readonly Place[];
  /** The axis that is cut into chunks, or −1. */
  readonly chunk: number;
  readonly cost: number;
  /** Of the model, at the batch that tiles were chosen for. */
  readonly bytes: number;
  readonly operations: number;
  /** Numbers in tables. */
  readonly tables: number;
  readonly groups: number;
}

/** Operations in units of an addition, as GPUs and CPUs roughly agree. */
const weights: Partial<Record<Prim, number>> = {
  exp: 8,
  log: 8,
  tanh: 16,
  erf: 20,
  sin: 8,
  cos: 8,
  pow: 16,
  div: 4,
  sqrt: 4,
  rsqrt: 4,
  quo: 4,
  rem: 4,
};
/** Of one operation. */
export const weightOf = (prim: Prim): number => weights[prim] ?? 1;

/** constant · Π tile of some axes · Π number of tiles of others. */
interface Term {
  readonly constant: number;
  readonly tiled: readonly number[];
  readonly repeated: readonly number[];
}
/** Arithmetic: what register tiles add at the ends of some axes comes on top, for axes that run whole and by tile of the others. */
interface Work extends Term {
  readonly whole: number;
  readonly partial: readonly number[];
}
interface LoadUse {
  readonly value: number;
  readonly swept: AxisSet;
  under: AxisSet;
  readonly phases: Set<number>;
  /** Sweeps over chunks in which it is read; 0: outside of them. */
  readonly sweeps: Set<number>;
}
/** A footprint that a group keeps close is read once, whichever loops want it. */
const heldBytes = 16_384;
/** Where an operand is used again by many lanes it is staged this deep. */
const stagedDepth = 8;

/** Chunks are tried in these sizes. */
const chunkSizes = [2, 4, 8, 16, 32, 64, 128, 256, 512];
const noSweeps: Pick<Sweeps, 'sweep' | 'chunked'> = { sweep: [], chunked: [] };

/** The best tile, or undefined when no tile is legal. Tiles are chosen for `batch` and valid at any. */
export function scheduleNest(nest: LoopNest, machine: Machine, batch: number): TileSchedule | undefined {
  if (!isWithinLimits(nest, machine)) return undefined;
  const facts = factsOf(nest);
  const extent = nest.axes.map(a => sizeAt(a.extent, batch));
  const places = placeParts(nest, facts, machine, extent);
  return places && new Search(nest, machine, facts, extent, places).best();
}

/** The same for a kernel that keeps tables of chunks of an axis, where whole rows are too long for tables. */
export function scheduleByChunk(nest: LoopNest, machine: Machine, batch: number): TileSchedule | undefined {
  if (machine.tables === 0 || !isWithinLimits(nest, machine)) return undefined;
  const whole = factsOf(nest);
  const extent = nest.axes.map(a => sizeAt(a.extent, batch));
  let best: TileSchedule | undefined;
  for (const axis of chunkAxes(nest, whole)) {
    const sweeps = sweepsOf(nest, whole, axis);
    if (repeatsDecision(nest, sweeps)) continue;
    const facts = factsByChunk(whole, axis);
    const places = placeByChunk(nest, facts, sweeps);
    const found = places && new Search(nest, machine, facts, extent, places, sweeps).best();
    if (found && !(best && best.cost <= found.cost)) best = found;
  }
  return best;
}

/** Chunks add a loop and a table: they must save half. (JavaScript, attention of 64 channels over 50 to 2,000 tokens, chunks against rows
 *  at estimates from 1.006 to 0.98: 0.95 to 1.09 of the time.) */
const worthChunks = 0.5;
/** A kernel's schedule, or that of chunks where it is much cheaper: rows that just fit leave room for small tiles only. Asked of kernels that
 *  are decided on, so that what is stored is chosen by rows alone wherever rows fit. */
export function orByChunk(nest: LoopNest, rows: TileSchedule, machine: Machine, batch: number): TileSchedule {
  const chunks = rows.chunk < 0 && rows.tables > 0 ? scheduleByChunk(nest, machine, batch) : undefined;
  return chunks && chunks.cost < worthChunks * rows.cost ? chunks : rows;
}

function isWithinLimits(nest: LoopNest, machine: Machine): boolean {
  const written = nest.buffers.filter(b => b.written).length;
  if (nest.buffers.length > machine.bindings || written > machine.outputs || nest.stores.length > machine.outputs) return false;
  return statementsOf(nest) <= machine.statements;
}
/** About this many statements are the kernel's text without unrolling: each loop and store works out what it needs by itself, and what is
 *  used once stands inside the expression that uses it (code/values.ts names one in eight of those). */
function statementsOf(nest: LoopNest): number {
  const around = 8; // loops, positions, guards
  const deepest = 8;
  const uses = nest.values.map(() => 0);
  for (const v of nest.values) for (const a of operands(v)) uses[a]!++;
  const named = (v: number): number => {
    const { kind } = nest.values[v]!;
    if (kind === 'load') return 1;
    return kind === 'op' ? (uses[v] === 1 ? 1 / deepest : 1) : 0;
  };
  const text = (roots: readonly number[]): number => scope(nest.values, roots).reduce((n, v) => n + named(v), 0);
  return (
    nest.parts.reduce((n, p) => n + text([p.of]) + around, 0) + nest.stores.reduce((n, s) => n + text([s.value, ...indexValues(s.at)]) + around, 0)
  );
}

class Search {
  private readonly nest: LoopNest;
  private readonly machine: Machine;
  private readonly facts: Facts;
  private readonly extent: readonly number[];
  private readonly places: readonly Place[];
  private readonly arithmetic: Work[] = [];
  private readonly tables: Term[] = [];
  private readonly staged: Term[] = [];
  private readonly accumulators: Term[][] = [];
  private readonly stores: Term[];
  private readonly loads: (Pick<LoadUse, 'phases' | 'sweeps'> & {
    readonly here: Term;
    readonly all: Term;
    /** With the chunks. */
    readonly moves: boolean;
  })[][];
  private readonly tile: number[];
  private readonly tiles: number[];
  private readonly sweeps: Sweeps | undefined;
  /** What each chunk does again: adding to the sums. */
  private readonly rounds: Term[] = [];

  constructor(nest: LoopNest, machine: Machine, facts: Facts, extent: readonly number[], places: readonly Place[], sweeps?: Sweeps) {
    this.sweeps = sweeps;
    this.nest = nest;
    this.machine = machine;
    this.facts = facts;
    this.extent = extent;
    this.places = places;
    this.tile = extent.map(() => 0);
    this.tiles = extent.map(() => 1);
    this.stores = nest.stores.map(s => this.term(4, axisSet(s.axes), 0, axisSet(s.axes)));
    this.loads = this.countLoads();
    this.countParts();
  }

  /** Axes in `swept` count whole, other axes by their tile; the work repeats over the tiles of `under`. */
  private term(constant: number, axes: AxisSet, swept: AxisSet, under: AxisSet): Term {
    return {
      constant: axesOf(axes & swept).reduce((n, a) => n * this.extent[a]!, constant),
      tiled: axesOf(axes & ~swept),
      repeated: axesOf(under),
    };
  }
  private operations(roots: readonly number[]): number {
    return scope(this.nest.values, roots).reduce((n, v) => {
      const value = this.nest.values[v]!;
      return n + (value.kind === 'op' && value.type === 'f32' ? weightOf(value.prim) : 0);
    }, 0);
  }

  private countParts(): void {
    const { nest, facts, machine, places } = this;
    nest.parts.forEach((p, i) => {
      const swept = axisSet(p.axes) | facts.full[i]! | this.chunkBit;
      // without tables a part is worked out over its readers' axes
      const readers = [
        ...facts.users[i]!.map(r => facts.own[r]! | axisSet(nest.parts[r]!.axes)),
        ...facts.stores[i]!.map(s => axisSet(nest.stores[s]!.axes)),
      ];
      const space = (machine.tables > 0 ? facts.own[i]! : readers.reduce((a, b) => a | b, 0)) | axisSet(p.axes);
      const points = facts.own[i]!;
      this.arithmetic.push({
        ...this.term((this.operations([p.of]) + 1) * Math.max(1, this.sweepsWith(i).length), space, swept, facts.under[i]!),
        whole: axesOf(points & swept).reduce((n, a) => n * this.roundedUp(this.extent[a]!), 1),
        partial: axesOf(points & ~swept),
      });
      if (places[i] !== 'inline') this.tables.push(this.term(1, facts.own[i]!, facts.full[i]!, 0));
    });
    this.countRounds();
    for (const loop of nest.loops) {
      const inline = loop.filter(i => places[i] === 'inline').map(i => this.term(1, facts.own[i]!, facts.full[i]!, 0));
      if (inline.length > 0) this.accumulators.push(inline);
    }
    for (const s of nest.stores) {
      const axes = axisSet(s.axes);
      this.arithmetic.push({ ...this.term(this.operations([s.value]), axes, 0, axes), whole: 1, partial: [] });
    }
  }
  private get chunkBit(): AxisSet {
    return this.sweeps ? 1 << this.sweeps.axis : 0;
  }
  /** Sweeps over chunks in which a part is worked out. */
  private sweepsWith(part: number): readonly number[] {
    const { sweep, chunked } = this.sweeps ?? noSweeps;
    return sweep[part] ? [sweep[part]] : [...(chunked[part] ?? [])];
  }
  private countRounds(): void {
    const { facts, sweeps } = this;
    if (!sweeps) return;
    const maxima = followed(sweeps);
    sweeps.sweep.forEach((s, i) => {
      if (s === 0) return;
      const exp = maxima.includes(i) ? weightOf('exp') : 0;
      this.rounds.push(this.term(exp + (sweeps.rescale[i]! < 0 ? 1 : 2), facts.own[i]!, facts.full[i]!, facts.under[i]!));
    });
    for (const max of maxima) this.tables.push(this.term(1, facts.own[max]!, facts.full[max]!, 0));
  }
  /** Positions that register tiles take for so many, against that many: tiles of `registerTile` or one more, whichever fit better. */
  private roundedUp(positions: number): number {
    const { registerTile } = this.machine;
    if (positions < registerTile) return 1;
    const taken = (tile: number): number => Math.ceil(positions / tile) * tile;
    return Math.min(taken(registerTile), taken(registerTile + 1)) / positions;
  }

  /** Distinct loads and footprints, with the groups that do them and the phases in which they do. */
  private countLoads(): Search['loads'] {
    const { nest, facts, places } = this;
    const uses = new Map<string, LoadUse>();
    const visit = (roots: readonly number[], swept: AxisSet, under: AxisSet, phase: number, staging: AxisSet, sweep = 0): void => {
      for (const v of scope(nest.values, roots)) {
        if (nest.values[v]!.kind !== 'load') continue;
        const key = `${v}|${facts.free[v]! & swept}`;
        const old = uses.get(key);
        if (old) {
          old.under |= under;
          old.phases.add(phase);
          old.sweeps.add(sweep);
        } else uses.set(key, { value: v, swept, under, phases: new Set([phase]), sweeps: new Set([sweep]) });
        if ((staging & ~facts.free[v]!) !== 0) this.staged.push(this.term(stagedDepth, facts.free[v]! & staging, swept, 0));
      }
    };
    nest.parts.forEach((p, i) => {
      const staging = places[i] === 'inline' ? facts.own[i]! : 0;
      const sweeps = this.sweepsWith(i);
      for (const s of sweeps.length > 0 ? sweeps : [0])
        visit(
          [p.of],
          axisSet(p.axes) | facts.full[i]! | (s > 0 ? this.chunkBit : 0),
          facts.under[i]!,
          facts.phase[i]! + s * nest.parts.length,
          staging,
          s,
        );
    });
    for (const s of nest.stores) visit([s.value, ...indexValues(s.at)], 0, axisSet(s.axes), Number.MAX_SAFE_INTEGER, 0);
    return [...Map.groupBy(uses.values(), u => u.value).values()].map(list =>
      list.map(u => {
        const free = facts.free[u.value]!;
        const all = this.term(4, free, u.swept, u.under);
        const here = this.term(4, free, u.swept & ~this.chunkBit, 0);
        return { here, all, phases: u.phases, sweeps: u.sweeps, moves: (free & u.swept & this.chunkBit) !== 0 };
      }),
    );
  }

  // ---- the search: every grid axis takes a tile from a short list
  best(): TileSchedule | undefined {
    const { facts, machine } = this;
    const most = machine.lanes > 1 ? machine.accumulators * machine.lanes * 4 : Number.POSITIVE_INFINITY;
    const chunk = this.sweeps?.axis ?? -1;
    const axes = chunk < 0 ? facts.grid : [...facts.grid, chunk];
    let best: TileSchedule | undefined;
    const choose = (i: number, points: number): void => {
      if (i === axes.length) {
        const found = this.measure(points, best?.cost ?? Number.POSITIVE_INFINITY);
        if (found) best = found;
        return;
      }
      const axis = axes[i]!;
      for (const t of axis === chunk ? chunkSizes.filter(c => c < this.extent[axis]!) : this.options(axis)) {
        const all = axis === chunk ? points : points * t;
        if (all > most) continue;
        this.tile[axis] = t;
        this.tiles[axis] = Math.ceil(this.extent[axis]! / t);
        choose(i + 1, all);
      }
    };
    choose(0, 1);
    return best;
  }
  private options(axis: number): readonly number[] {
    const { registerTile, tables } = this.machine;
    // tiles that register tiles fill
    const filled = registerTile > 1 ? registerTile : 4;
    const small = tables === 0 ? [1, 4, 8] : [1, ...[1, 2, 4, 8, 16].map(n => n * filled)];
    const { extent } = this.nest.axes[axis]!;
    // a tile along the batch fits one sample, so that the plan suits any batch
    if (isDynamic(extent)) return small.filter(t => t <= extent.batch);
    const whole = extent <= 1024 && (this.machine.tables > 0 || extent <= 8);
    return [...small.filter(t => t < extent), ...(whole ? [extent] : [])];
  }

  private value(t: Term): number {
    let x = t.constant;
    for (const a of t.tiled) x *= this.tile[a]!;
    for (const a of t.repeated) x *= this.tiles[a]!;
    return x;
  }
  private sum(terms: readonly Term[]): number {
    let x = 0;
    for (const t of terms) x += this.value(t);
    return x;
  }
  /** Work done by fewer groups than keep the device busy takes longer by that factor. */
  private idle(t: Term): number {
    let groups = 1;
    for (const a of t.repeated) groups *= this.tiles[a]!;
    if (this.machine.tables === 0) for (const a of t.tiled) groups *= this.tile[a]!;
    return Math.max(1, this.machine.groups / groups);
  }

  /** How often a group reads what some uses of a load share: once if that is held, in chunks once a sweep. */
  private timesRead(uses: readonly Search['loads'][number][number][], isHeld: boolean): number {
    const of = (key: 'phases' | 'sweeps'): number => new Set(uses.flatMap(u => [...u[key]])).size;
    if (uses.some(u => u.moves)) return of(isHeld ? 'sweeps' : 'phases');
    const again = this.sweeps && uses.some(u => [...u.sweeps].some(s => s > 0)) ? this.tiles[this.sweeps.axis]! : 1;
    return isHeld ? 1 : of('phases') * again;
  }

  private measure(points: number, limit: number): TileSchedule | undefined {
    const { machine, nest, facts } = this;
    const cooperative = machine.lanes > 1;
    const tables = this.sum(this.tables);
    const staging = cooperative ? this.staged.reduce((m, t) => Math.max(m, this.value(t)), 0) : 0;
    if (machine.tables > 0 && tables + staging > machine.tables) return undefined;
    if (cooperative || machine.tables === 0)
      for (const loop of this.accumulators) if (this.sum(loop) > machine.accumulators * (cooperative ? machine.lanes : 1)) return undefined;
    let bytes = 0;
    let operations = 0;
    let time = 0;
    const spend = (t: Term, times: number, perByte: number): number => {
      const x = this.value(t) * times;
      time += (x * this.idle(t)) / perByte;
      return x;
    };
    for (const t of this.stores) bytes += spend(t, 1, 1);
    for (const uses of this.loads) {
      const left = [...uses].sort((a, b) => this.value(b.all) - this.value(a.all));
      while (left.length > 0) {
        const first = left.shift()!;
        const footprint = this.value(first.here);
        const same = left.filter(u => this.value(u.here) === footprint);
        for (const u of same) left.splice(left.indexOf(u), 1);
        bytes += spend(first.all, this.timesRead([first, ...same], footprint <= heldBytes), 1);
      }
    }
    for (const t of this.arithmetic) {
      let padding = t.whole;
      if (machine.registerTile > 1) for (const a of t.partial) padding *= this.roundedUp(this.tile[a]!);
      operations += spend(t, padding, machine.operationsPerByte) / padding;
    }
    for (const t of this.rounds) operations += spend(t, this.tiles[this.sweeps!.axis]!, machine.operationsPerByte);
    const cost = machine.launchBytes + time / (nest.parts.length > 0 ? 1 : Math.min(1, points / machine.lanes));
    if (cost >= limit) return undefined;
    const groups = facts.grid.reduce((n, a) => n * this.tiles[a]!, 1);
    return { tile: [...this.tile], places: this.places, chunk: this.sweeps?.axis ?? -1, cost, bytes, operations, tables, groups };
  }
}
