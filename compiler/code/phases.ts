// A fused kernel as a sequence of small kernels: L1 → L1. A group works on one tile of the store axes; a part that is read more than
// once a group is a table of the group. Each loop of the nest becomes a phase: a nest of its own whose store goes into a table and
// whose loads of earlier parts are loads from tables. Tiled axes are strip-mined, a = tile·high + a, where `high` numbers the tiles
// and is fixed for a group. What makes code of a small kernel (register tiles, vectors, loops) thereby makes code of a phase.
//   attention, a tile of 16 q and all c:   p0[q,k] = Σ_c q·k   ·   p1[q] = max_k p0   ·   p0 ← exp(p0 − p1)   ·   p2[q] = Σ_k p0
//                                          store q c: (Σ_k p0·v) / p2[q]
// The third is no loop of the nest: what all later readers want is written over what it was made from, once instead of once for each
// c (a softmax' weights; the same in the gradients of attention).
// Where an axis is cut into chunks (fuse/chunk.ts) some of the phases are a sweep: a loop runs them for each chunk in turn, and numbers
// the chunks as the grid numbers tiles. With 64 of the k at a time, t being how far the max moved:
//   m[q] = −∞, l[q] = o[q,c] = 0; for each chunk:   p0[q,k] = Σ_c q·k   ·   m, t = max(m, max_k p0), exp(m − …)   ·   p0 ← exp(p0 − m)
//                                                   l = l·t + Σ_k p0   ·   o = o·t + Σ_k p0·v
import { isDynamic } from '../../common/size.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';
import { addIndex, axisIndex, constantIndex, indexValues, valueIndex } from '../loops/affine.ts';
import { type AxisSet, axesOf, axisSet, liveValues, loopOrder, operands, scope } from '../loops/facts.ts';
import { factsByChunk, followed, type Sweeps, sweepsOf } from '../loops/fuse/chunk.ts';
import { type TileSchedule, weightOf } from '../loops/fuse/cost.ts';
import { type Facts, factsOf } from '../loops/fuse/placement.ts';
import { neutral } from '../loops/neutral.ts';
import type { Axis, Buffer, Index, LoopNest, Store, Val } from '../loops/types.ts';
import { plainStride } from './strides.ts';

/** An axis that is cut into tiles: groups are numbered by those of the grid, a sweep goes over its own, the chunks. */
export interface CutAxis {
  readonly axis: number;
  readonly tile: number;
  /** Axis of the phases that numbers the tiles; the axis itself where a tile is one position. */
  readonly high: number;
}
export interface Phase {
  /** Buffers: those of the kernel, then its tables. */
  readonly nest: LoopNest;
  /** Positions that it is worked out for; the same for all of its stores. Those that are tiled run within their tile. */
  readonly points: readonly number[];
  /** Grid axes that its results don't depend on: only the first tile along them does the work. */
  readonly first: readonly number[];
}
/** Phases that run for each chunk of an axis in turn. */
export interface Sweep {
  readonly over: CutAxis;
  readonly phases: readonly Phase[];
}
export interface Table {
  readonly type: ScalarType;
  readonly length: number;
}
export interface Phases {
  readonly grid: readonly CutAxis[];
  readonly tables: readonly Table[];
  readonly steps: readonly (Phase | Sweep)[];
}

/** The phases of a nest in the order in which they run. */
export const phasesOf = (nest: LoopNest, schedule: TileSchedule): Phases => new Cutter(nest, schedule).cut();

/** A phase's reads and writes of tables, by table number. */
export function tablesOf(phase: Phase, buffers: number): { readonly reads: ReadonlySet<number>; readonly writes: ReadonlySet<number> } {
  const live = liveValues(phase.nest);
  const loads = phase.nest.values.flatMap((v, i) => (live.has(i) && v.kind === 'load' ? [v.buffer] : []));
  const of = (list: readonly number[]): ReadonlySet<number> => new Set(list.filter(b => b >= buffers).map(b => b - buffers));
  return { reads: of(loads), writes: of(phase.nest.stores.map(s => s.buffer)) };
}

/** A value that takes the place of the part from which it is made: from `time` (a loop's number) on, nobody reads the part. */
interface Settled {
  readonly part: number;
  readonly value: number;
  readonly time: number;
}

class Cutter {
  private readonly nest: LoopNest;
  private readonly schedule: TileSchedule;
  private readonly facts: Facts;
  private readonly order: readonly (readonly number[])[];
  private readonly grid: readonly CutAxis[];
  private readonly axes: readonly Axis[];
  private readonly sweeps: Sweeps | undefined;
  /** The axis that is cut into chunks. */
  private readonly chunk: CutAxis | undefined;
  /** Maxima that have a table for how far they moved in a chunk. */
  private readonly movers: readonly number[];
  /** Parts that have a table, and the table of each. */
  private readonly rows: readonly number[];
  /** Values that tables hold now: parts, and what was written over them. */
  private readonly held = new Map<number, number>();
  private readonly overwritten = new Set<number>();
  /** The axis of the sweep whose phases are being made: they see one chunk of it. */
  private open: AxisSet = 0;

  constructor(nest: LoopNest, schedule: TileSchedule) {
    this.nest = nest;
    this.schedule = schedule;
    const facts = factsOf(nest);
    this.sweeps = schedule.chunk < 0 ? undefined : sweepsOf(nest, facts, schedule.chunk);
    this.facts = this.sweeps ? factsByChunk(facts, schedule.chunk) : facts;
    this.movers = this.sweeps ? followed(this.sweeps) : [];
    const order = loopOrder(nest);
    if (!order) throw new Error('loops wait for each other');
    this.order = order;
    this.rows = nest.parts.flatMap((_, p) => (schedule.places[p] === 'inline' ? [] : [p]));
    const axes = [...nest.axes];
    const cutInTiles = (axis: number): CutAxis => {
      const tile = schedule.tile[axis]!;
      return { axis, tile, high: tile === 1 ? axis : axes.push({ name: `${nest.axes[axis]!.name}t`, extent: 1 }) - 1 };
    };
    this.grid = gridOrder(nest, this.facts.grid).flatMap(axis => (this.isWhole(axis) ? [] : [cutInTiles(axis)]));
    this.chunk = this.sweeps && cutInTiles(this.sweeps.axis);
    this.axes = axes;
  }
  private isWhole(axis: number): boolean {
    const { extent } = this.nest.axes[axis]!;
    return !isDynamic(extent) && this.schedule.tile[axis]! >= extent;
  }

  cut(): Phases {
    const { nest } = this;
    const steps: (Phase | Sweep)[] = this.sweeps ? this.swept(this.sweeps) : this.inOrder(this.order, this.rows, this.readers());
    for (const stores of Map.groupBy(nest.stores, s => axisSet(s.axes)).values()) {
      const points = axisSet(stores[0]!.axes);
      steps.push(this.phase(points, 0, points, [], () => stores));
    }
    const table = (p: number): Table => ({ type: nest.values[nest.parts[p]!.of]!.type, length: Math.max(1, this.lengthOf(p)) });
    return { grid: this.grid, tables: [...this.rows, ...this.movers].map(table), steps };
  }
  /** The parts of some loops that have tables, and what takes the place of those of `settling`. */
  private inOrder(loops: readonly (readonly number[])[], settling: readonly number[], readers: readonly Reader[]): Phase[] {
    const phases: Phase[] = [];
    const settled = this.settle(loops, settling, readers);
    const settleAt = (time: number): void => {
      for (const s of settled) if (s.time === time) phases.push(this.settlePhase(s));
    };
    loops.forEach((loop, time) => {
      settleAt(time);
      for (const parts of this.alike(loop.filter(p => this.rows.includes(p))))
        phases.push(this.adds(parts) ? this.addPhase(parts) : this.partPhase(parts));
    });
    settleAt(loops.length);
    return phases;
  }
  /** Sweep by sweep, each after what it reads. */
  private swept(sweeps: Sweeps): (Phase | Sweep)[] {
    const { sweep, chunked, ready, count } = sweeps;
    const loopsOf = (isIn: (p: number) => boolean): readonly (readonly number[])[] => this.order.map(loop => loop.filter(isIn));
    const steps: (Phase | Sweep)[] = [];
    for (let s = 1; s <= count + 1; s++) {
      steps.push(
        ...this.inOrder(
          loopsOf(p => sweep[p] === 0 && chunked[p]!.size === 0 && ready[p] === s),
          [],
          [],
        ),
      );
      if (s > count) break;
      for (const sums of this.alike(sweep.flatMap((of, p) => (of === s ? [p] : [])))) steps.push(this.startPhase(sums));
      for (const [value, p] of this.held) if (chunked[p]!.size > 0) this.held.delete(value); // of the last chunk of an earlier sweep
      const loops = loopsOf(p => sweep[p] === s || chunked[p]!.has(s));
      const readers = loops.flatMap((loop, time) => loop.map(p => this.readerOf(p, time)));
      this.open = 1 << sweeps.axis;
      const phases = this.inOrder(
        loops,
        this.rows.filter(p => chunked[p]!.has(s)),
        readers,
      );
      this.open = 0;
      steps.push({ over: this.chunk!, phases });
    }
    return steps;
  }
  /** Are they summed up over chunks? */
  private adds([first]: readonly number[]): boolean {
    return first !== undefined && (this.sweeps?.sweep[first] ?? 0) > 0;
  }
  /** Parts that are worked out over the same positions. */
  private alike(parts: readonly number[]): readonly (readonly number[])[] {
    const { own, full, under } = this.facts;
    return [...Map.groupBy(parts, p => `${own[p]} ${full[p]} ${under[p]} ${this.nest.parts[p]!.axes}`).values()];
  }

  // ---- tables
  /** Positions along each dim of a part's table: a whole axis, or its tile. */
  private dims(part: number): readonly { readonly axis: number; readonly extent: number; readonly whole: boolean }[] {
    const { own, full } = this.facts;
    const whole = (a: number): boolean => ((full[part]! >> a) & 1) === 1 || this.isWhole(a);
    // what readers sweep innermost, for their loops go along it
    const sorted = [...axesOf(own[part]! & ~full[part]!), ...axesOf(full[part]!)];
    return sorted.map(axis => ({
      axis,
      whole: whole(axis),
      extent: whole(axis) ? (this.nest.axes[axis]!.extent as number) : this.schedule.tile[axis]!,
    }));
  }
  private lengthOf(part: number): number {
    return this.dims(part).reduce((n, d) => n * d.extent, 1);
  }
  /** Address in a part's table at a point; positions of tiled axes count from the tile's beginning. */
  private address(part: number, points: AxisSet): Index {
    let stride = 1;
    let at = constantIndex(0);
    for (const { axis, extent, whole } of [...this.dims(part)].reverse()) {
      if (extent > 1) at = addIndex(at, whole ? this.position(axis, points) : axisIndex(axis), stride);
      stride *= extent;
    }
    return at;
  }
  /** An axis' position in its whole extent. */
  private position(axis: number, points: AxisSet): Index {
    const cuts = this.chunk ? [...this.grid, this.chunk] : this.grid;
    const cut = ((points >> axis) & 1) === 1 ? cuts.find(g => g.axis === axis && g.tile > 1) : undefined;
    return cut ? addIndex(axisIndex(axis), axisIndex(cut.high), cut.tile) : axisIndex(axis);
  }
  private stripped(x: Index, points: AxisSet): Index {
    return x.terms.reduce<Index>((sum, { times, atom }) => {
      switch (atom.kind) {
        case 'axis':
          return addIndex(sum, this.position(atom.axis, points), times);
        case 'value':
          return addIndex(sum, valueIndex(atom.value), times);
        default:
          return addIndex(sum, { constant: 0, terms: [{ times: 1, atom: { ...atom, of: this.stripped(atom.of, points) } }] }, times);
      }
    }, constantIndex(x.constant));
  }

  // ---- phases
  private partPhase(parts: readonly number[]): Phase {
    const { own, full, under } = this.facts;
    const first = parts[0]!;
    const phase = this.phase(own[first]!, full[first]!, under[first]!, parts, tiled =>
      parts.map(p => ({ buffer: this.bufferOf(p), at: this.address(p, tiled), value: this.valueOf(p), axes: axesOf(own[p]!) })),
    );
    for (const p of parts) this.held.set(this.valueOf(p), p);
    return phase;
  }
  /** Sums over chunks before the first: nothing. */
  private startPhase(parts: readonly number[]): Phase {
    const { own, full, under } = this.facts;
    const first = parts[0]!;
    return this.phase(own[first]!, full[first]!, under[first]!, [], (tiled, more) =>
      parts.map(p => {
        const { kind, of } = this.nest.parts[p]!;
        const { type } = this.nest.values[of]!;
        const value = more({ kind: 'const', type, value: neutral(kind, type) });
        return { buffer: this.bufferOf(p), at: this.address(p, tiled), value, axes: axesOf(own[p]!) };
      }),
    );
  }
  /** What a chunk adds to sums. A max notes how far it moved, and a sum that follows it moves first. */
  private addPhase(parts: readonly number[]): Phase {
    const { own, full, under } = this.facts;
    const first = parts[0]!;
    const phase = this.phase(own[first]!, full[first]!, under[first]!, parts, (tiled, more) =>
      parts.flatMap((p): Store[] => {
        const { kind, of } = this.nest.parts[p]!;
        const { type } = this.nest.values[of]!;
        const op = (prim: Prim, ...args: readonly number[]): number => more({ kind: 'op', type, prim, args });
        const table = (buffer: number, part: number): number =>
          more({ kind: 'load', type, buffer, at: this.address(part, tiled), when: -1, other: 0 });
        const max = this.sweeps!.rescale[p]!;
        const before = table(this.bufferOf(p), p);
        const moved = max < 0 ? before : op('mul', before, table(this.moverOf(max), max));
        const after = op(kind === 'sum' ? 'add' : kind, moved, this.valueOf(p));
        const to = { at: this.address(p, tiled), axes: axesOf(own[p]!) };
        const sum: Store = { ...to, buffer: this.bufferOf(p), value: after };
        return this.movers.includes(p) ? [sum, { ...to, buffer: this.moverOf(p), value: op('exp', op('sub', before, after)) }] : [sum];
      }),
    );
    for (const p of parts) this.held.set(this.valueOf(p), p);
    return phase;
  }
  private settlePhase({ part, value }: Settled): Phase {
    const { own, full, under } = this.facts;
    const phase = this.phase(own[part]!, full[part]!, under[part]!, [], tiled => [
      { buffer: this.bufferOf(part), at: this.address(part, tiled), value, axes: axesOf(own[part]!) },
    ]);
    this.overwritten.add(part);
    this.held.delete(this.valueOf(part));
    this.held.set(value, part);
    return phase;
  }

  /** points: axes of the phase's stores; full: those of them that are not tiled here; under: grid axes that its results depend on;
   *  parts: those that it writes tables of; `more` adds a value to those of the nest. */
  private phase(
    points: AxisSet,
    full: AxisSet,
    under: AxisSet,
    parts: readonly number[],
    storesOf: (tiled: AxisSet, more: (value: Val) => number) => readonly Store[],
  ): Phase {
    const { nest } = this;
    const tiled = (points & ~full) | this.open;
    const bound = this.grid.filter(g => g.tile === 1).reduce((set, g) => set | (1 << g.axis), 0);
    const values = nest.values.map((v, i): Val => {
      const row = this.held.get(i);
      if (row !== undefined) return { kind: 'load', type: v.type, buffer: this.bufferOf(row), at: this.address(row, tiled), when: -1, other: 0 };
      return v.kind === 'load' || v.kind === 'index' ? { ...v, at: this.stripped(v.at, tiled) } : v;
    });
    const stores = storesOf(tiled, v => values.push(v) - 1).map((s): Store => {
      const at = s.buffer < nest.buffers.length ? this.stripped(s.at, tiled) : s.at;
      return { ...s, at, axes: s.axes.filter(a => !(((tiled & bound) >> a) & 1)) };
    });
    const live = liveValues({ values, parts: nest.parts, stores });
    const mine = nest.parts.flatMap((_, p) => (values.some((v, i) => live.has(i) && v.kind === 'part' && v.part === p) ? [p] : []));
    for (const p of mine)
      if (this.rows.includes(p) && !parts.includes(p))
        throw new Error(`part ${p} is read ${this.overwritten.has(p) ? 'after it was overwritten' : 'before it is there'}`);
    const clean = values.map((v, i): Val => {
      if (!live.has(i)) return { kind: 'const', type: v.type, value: 0 };
      return v.kind === 'part' ? { ...v, part: mine.indexOf(v.part) } : v;
    });
    return {
      nest: {
        axes: this.axes.map((a, i) => ((tiled >> i) & 1 && !this.isWhole(i) ? { ...a, extent: this.schedule.tile[i]! } : a)),
        buffers: [...nest.buffers, ...[...this.rows, ...this.movers].map(p => this.tableBuffer(p))],
        values: clean,
        parts: mine.map(p => nest.parts[p]!),
        loops: nest.loops.map(l => l.filter(p => mine.includes(p)).map(p => mine.indexOf(p))).filter(l => l.length > 0),
        stores,
      },
      points: axesOf(points & ~(tiled & bound)),
      first: this.grid.filter(g => !((under >> g.axis) & 1)).map(g => g.high),
    };
  }
  private bufferOf(part: number): number {
    return this.nest.buffers.length + this.rows.indexOf(part);
  }
  private moverOf(max: number): number {
    return this.nest.buffers.length + this.rows.length + this.movers.indexOf(max);
  }
  private tableBuffer(part: number): Buffer {
    const { type } = this.nest.values[this.nest.parts[part]!.of]!;
    return { node: -1 - part, elements: this.lengthOf(part), dtype: type, written: true };
  }
  private valueOf(part: number): number {
    return this.nest.values.findIndex(v => v.kind === 'part' && v.part === part);
  }

  // ---- values that take the place of parts
  /** What is written over some of the parts once the loops before have run. */
  private settle(loops: readonly (readonly number[])[], parts: readonly number[], readers: readonly Reader[]): readonly Settled[] {
    const done = new Map(loops.flatMap((loop, time) => loop.map(p => [p, time] as const)));
    const taken = new Set<number>();
    return parts.flatMap((part): Settled[] => {
      const mine = this.valueOf(part);
      const { type } = this.nest.values[mine]!;
      let best: (Settled & { readonly gain: number }) | undefined;
      this.nest.values.forEach((v, value) => {
        if (value <= mine || v.kind !== 'op' || v.type !== type || this.facts.free[value] !== this.facts.own[part]) return;
        const inside = scope(this.nest.values, [value]);
        if (!inside.includes(mine)) return;
        const needs = inside.flatMap(u => {
          const x = this.nest.values[u]!;
          return x.kind === 'part' ? [x.part] : [];
        });
        if (needs.some(p => !this.rows.includes(p) || !covers(this.facts, p, part))) return;
        const time = 1 + Math.max(...needs.map(p => done.get(p) ?? -1));
        const later = readers.filter(r => r.time >= time && this.reaches(r.roots, mine));
        if (later.length === 0 || later.some(r => this.reaches(r.roots, mine, value))) return;
        const gain = this.gainOf(inside, part, later);
        if (gain > (best?.gain ?? 0)) best = { part, value, time, gain };
      });
      // a value made from two parts is written over one of them
      if (!best || taken.has(best.value)) return [];
      taken.add(best.value);
      return [best];
    });
  }
  /** What is saved by working out a value once at each position of a part instead of wherever it is read, less reading and writing it. */
  private gainOf(inside: readonly number[], part: number, readers: readonly Reader[]): number {
    const own = this.facts.own[part]!;
    const work = inside.reduce((n, u) => {
      const x = this.nest.values[u]!;
      return n + (x.kind === 'op' && this.facts.free[u] === own ? weightOf(x.prim) : 0);
    }, 0);
    // a register tile shares it between a few positions
    const often = (r: Reader): number => axesOf(r.space & ~own).reduce((n, a) => n * Math.max(1, this.positions(a) / 4), 1);
    return work * (readers.reduce((n, r) => n + often(r), 0) - 1) - 2;
  }
  private positions(axis: number): number {
    const tile = this.schedule.tile[axis]!;
    const { extent } = this.nest.axes[axis]!;
    return isDynamic(extent) ? Math.max(1, tile) : tile > 0 ? Math.min(tile, extent) : extent;
  }
  private reaches(roots: readonly number[], value: number, but = -1): boolean {
    const seen = new Set<number>();
    const stack = [...roots];
    while (stack.length > 0) {
      const v = stack.pop()!;
      if (v === but || seen.has(v)) continue;
      if (v === value) return true;
      seen.add(v);
      stack.push(...operands(this.nest.values[v]!));
    }
    return false;
  }
  /** Everything that reads: each part in its loop, then the stores, with the parts that they work out themselves. */
  private readers(): readonly Reader[] {
    const { nest } = this;
    const out = this.order.flatMap((loop, time) => loop.map(p => this.readerOf(p, this.rows.includes(p) ? time : this.order.length)));
    for (const s of nest.stores) out.push({ time: this.order.length, roots: [s.value, ...indexValues(s.at)], space: axisSet(s.axes) });
    return out;
  }
  private readerOf(part: number, time: number): Reader {
    const { of, axes } = this.nest.parts[part]!;
    return { time, roots: [of], space: this.facts.own[part]! | axisSet(axes) };
  }
}
interface Reader {
  readonly time: number;
  readonly roots: readonly number[];
  readonly space: AxisSet;
}

/** Is one part's table there wherever a value over the other's is worked out? */
const covers = (facts: Facts, part: number, other: number): boolean =>
  (facts.own[part]! & facts.full[other]! & ~facts.full[part]!) === 0 && (facts.under[other]! & ~facts.under[part]!) === 0;

/** The batch outermost, then by falling stride of what is stored. */
function gridOrder(nest: LoopNest, axes: readonly number[]): readonly number[] {
  const main = nest.stores.reduce((a, b) => (b.axes.length > a.axes.length ? b : a));
  const rank = (a: number): number => (isDynamic(nest.axes[a]!.extent) ? Number.NEGATIVE_INFINITY : -plainStride(main.at, a));
  return [...axes].sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) - rank(b)));
}
