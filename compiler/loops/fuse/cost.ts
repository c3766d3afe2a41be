// The cost of a kernel under its best legal tile: what fusion compares. A kernel's cost is a sum over its loads, stores and arithmetic, each
// slowed by how few groups do it, plus a launch. The schedule found here is the one that code is made from: there is no second opinion.
//   bytes = Σ over loads of (what one group reads) · groups, plus what is stored
import { isDynamic, sizeAt } from '../../../common/size.ts';
import type { Prim } from '../../../dsl/scalar.ts';
import { indexValues } from '../affine.ts';
import { type AxisSet, axesOf, axisSet, operands, scope } from '../facts.ts';
import type { LoopNest } from '../types.ts';
import type { Machine } from './machine.ts';
import { type Facts, factsOf, type Place, placeParts } from './placement.ts';

/** How a fused kernel is cut: a tile of each grid axis a group, and a place for each part. */
export interface TileSchedule {
  /** By axis; 0 for axes that no store binds. */
  readonly tile: readonly number[];
  readonly places: readonly Place[];
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
}
/** A footprint that a group keeps close is read once, whichever loops want it. */
const heldBytes = 16_384;
/** Where an operand is used again by many lanes it is staged this deep. */
const stagedDepth = 8;

/** The best tile, or undefined when no tile is legal. Tiles are chosen for `batch` and valid at any. */
export function scheduleNest(nest: LoopNest, machine: Machine, batch: number): TileSchedule | undefined {
  const written = nest.buffers.filter(b => b.written).length;
  if (nest.buffers.length > machine.bindings || written > machine.outputs || nest.stores.length > machine.outputs) return undefined;
  if (statementsOf(nest) > machine.statements) return undefined;
  const facts = factsOf(nest);
  const extent = nest.axes.map(a => sizeAt(a.extent, batch));
  const places = placeParts(nest, facts, machine, extent);
  return places && new Search(nest, machine, facts, extent, places).best();
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
  private readonly loads: { readonly here: Term; readonly all: Term; readonly phases: ReadonlySet<number> }[][];
  private readonly tile: number[];
  private readonly tiles: number[];

  constructor(nest: LoopNest, machine: Machine, facts: Facts, extent: readonly number[], places: readonly Place[]) {
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
      const swept = axisSet(p.axes) | facts.full[i]!;
      // without tables a part is worked out over its readers' axes
      const readers = [
        ...facts.users[i]!.map(r => facts.own[r]! | axisSet(nest.parts[r]!.axes)),
        ...facts.stores[i]!.map(s => axisSet(nest.stores[s]!.axes)),
      ];
      const space = (machine.tables > 0 ? facts.own[i]! : readers.reduce((a, b) => a | b, 0)) | axisSet(p.axes);
      const points = facts.own[i]!;
      this.arithmetic.push({
        ...this.term(this.operations([p.of]) + 1, space, swept, facts.under[i]!),
        whole: axesOf(points & swept).reduce((n, a) => n * this.roundedUp(this.extent[a]!), 1),
        partial: axesOf(points & ~swept),
      });
      if (places[i] === 'row') this.tables.push(this.term(1, facts.own[i]!, facts.full[i]!, 0));
    });
    for (const loop of nest.loops) {
      const inline = loop.filter(i => places[i] === 'inline').map(i => this.term(1, facts.own[i]!, facts.full[i]!, 0));
      if (inline.length > 0) this.accumulators.push(inline);
    }
    for (const s of nest.stores) {
      const axes = axisSet(s.axes);
      this.arithmetic.push({ ...this.term(this.operations([s.value]), axes, 0, axes), whole: 1, partial: [] });
    }
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
    const visit = (roots: readonly number[], swept: AxisSet, under: AxisSet, phase: number, staging: AxisSet): void => {
      for (const v of scope(nest.values, roots)) {
        if (nest.values[v]!.kind !== 'load') continue;
        const key = `${v}|${facts.free[v]! & swept}`;
        const old = uses.get(key);
        if (old) {
          old.under |= under;
          old.phases.add(phase);
        } else uses.set(key, { value: v, swept, under, phases: new Set([phase]) });
        if ((staging & ~facts.free[v]!) !== 0) this.staged.push(this.term(stagedDepth, facts.free[v]! & staging, swept, 0));
      }
    };
    nest.parts.forEach((p, i) => {
      visit([p.of], axisSet(p.axes) | facts.full[i]!, facts.under[i]!, facts.phase[i]!, places[i] === 'inline' ? facts.own[i]! : 0);
    });
    for (const s of nest.stores) visit([s.value, ...indexValues(s.at)], 0, axisSet(s.axes), Number.MAX_SAFE_INTEGER, 0);
    return [...Map.groupBy(uses.values(), u => u.value).values()].map(list =>
      list.map(u => {
        const all = this.term(4, facts.free[u.value]!, u.swept, u.under);
        return { here: { ...all, repeated: [] }, all, phases: u.phases };
      }),
    );
  }

  // ---- the search: every grid axis takes a tile from a short list
  best(): TileSchedule | undefined {
    const { facts, machine } = this;
    const most = machine.lanes > 1 ? machine.accumulators * machine.lanes * 4 : Number.POSITIVE_INFINITY;
    let best: TileSchedule | undefined;
    const choose = (i: number, points: number): void => {
      if (i === facts.grid.length) {
        const found = this.measure(points, best?.cost ?? Number.POSITIVE_INFINITY);
        if (found) best = found;
        return;
      }
      const axis = facts.grid[i]!;
      for (const t of this.options(axis)) {
        if (points * t > most) continue;
        this.tile[axis] = t;
        this.tiles[axis] = Math.ceil(this.extent[axis]! / t);
        choose(i + 1, points * t);
      }
    };
    choose(0, 1);
    return best;
  }
  private options(axis: number): readonly number[] {
    const small = this.machine.tables === 0 ? [1, 4, 8] : [1, 4, 8, 16, 32, 64];
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
        bytes += spend(first.all, footprint <= heldBytes ? 1 : new Set([first, ...same].flatMap(u => [...u.phases])).size, 1);
      }
    }
    for (const t of this.arithmetic) {
      let padding = t.whole;
      if (machine.registerTile > 1) for (const a of t.partial) padding *= this.roundedUp(this.tile[a]!);
      operations += spend(t, padding, machine.operationsPerByte) / padding;
    }
    const cost = machine.launchBytes + time / (nest.parts.length > 0 ? 1 : Math.min(1, points / machine.lanes));
    if (cost >= limit) return undefined;
    const groups = facts.grid.reduce((n, a) => n * this.tiles[a]!, 1);
    return { tile: [...this.tile], places: this.places, cost, bytes, operations, tables, groups };
  }
}
