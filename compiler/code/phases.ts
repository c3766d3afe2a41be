// A fused kernel as a sequence of small kernels: L1 → L1. A group works on one tile of the store axes; a part that is read more than
// once a group is a table of the group (layout.ts). Each loop of the nest becomes a phase: a nest of its own whose store goes into a table
// and whose loads of earlier parts are loads from tables. What makes code of a small kernel (register tiles, vectors, loops) thereby makes
// code of a phase.
//   attention, a tile of 16 q and all c:   p0[q,k] = Σ_c q·k   ·   p1[q] = max_k p0   ·   p0 ← exp(p0 − p1)   ·   p2[q] = Σ_k p0
//                                          store q c: (Σ_k p0·v) / p2[q]
// The third is no loop of the nest: what all later readers want is written over what it was made from (settle.ts).
// Where an axis is cut into chunks (fuse/chunk.ts) some of the phases are a sweep: a loop runs them for each chunk in turn, and numbers
// the chunks as the grid numbers tiles. With 64 of the k at a time, t being how far the max moved:
//   m[q] = −∞, l[q] = o[q,c] = 0; for each chunk:   p0[q,k] = Σ_c q·k   ·   m, t = max(m, max_k p0), exp(m − …)   ·   p0 ← exp(p0 − m)
//                                                   l = l·t + Σ_k p0   ·   o = o·t + Σ_k p0·v
import type { Prim } from '../../dsl/scalar.ts';
import { type AxisSet, axesOf, axisSet, liveValues, loopOrder } from '../loops/facts.ts';
import { factsByChunk, type Sweeps, sweepsOf } from '../loops/fuse/chunk.ts';
import type { Tiling } from '../loops/fuse/cost.ts';
import { type Facts, factsOf } from '../loops/fuse/placement.ts';
import { neutral } from '../loops/neutral.ts';
import type { LoopNest, Store, Val } from '../loops/types.ts';
import { type CutAxis, Layout, type Table } from './layout.ts';
import { partValue, type Reader, readerOf, readersOf, type Settled, settle } from './settle.ts';

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
export interface Phases {
  readonly grid: readonly CutAxis[];
  readonly tables: readonly Table[];
  readonly steps: readonly (Phase | Sweep)[];
}

/** The phases of a nest in the order in which they run. */
export const phasesOf = (nest: LoopNest, schedule: Tiling): Phases => new Cutter(nest, schedule).cut();

/** A phase's reads and writes of tables, by table number. */
export function tablesOf(phase: Phase, buffers: number): { readonly reads: ReadonlySet<number>; readonly writes: ReadonlySet<number> } {
  const live = liveValues(phase.nest);
  const loads = phase.nest.values.flatMap((v, i) => (live.has(i) && v.kind === 'load' ? [v.buffer] : []));
  const of = (list: readonly number[]): ReadonlySet<number> => new Set(list.filter(b => b >= buffers).map(b => b - buffers));
  return { reads: of(loads), writes: of(phase.nest.stores.map(s => s.buffer)) };
}

class Cutter {
  private readonly nest: LoopNest;
  private readonly facts: Facts;
  private readonly layout: Layout;
  private readonly order: readonly (readonly number[])[];
  private readonly sweeps: Sweeps | undefined;
  /** Parts that have a table. */
  private readonly rows: readonly number[];
  /** Values that tables hold now: parts, and what was written over them. */
  private readonly held = new Map<number, number>();
  private readonly overwritten = new Set<number>();
  /** The axis of the sweep whose phases are being made: they see one chunk of it. */
  private open: AxisSet = 0;

  constructor(nest: LoopNest, schedule: Tiling) {
    this.nest = nest;
    const facts = factsOf(nest);
    this.sweeps = schedule.chunk < 0 ? undefined : sweepsOf(nest, facts, schedule.chunk);
    this.facts = this.sweeps ? factsByChunk(facts, schedule.chunk) : facts;
    this.layout = new Layout(nest, schedule, this.facts, this.sweeps);
    this.rows = this.layout.rows;
    const order = loopOrder(nest);
    if (!order) throw new Error('loops wait for each other');
    this.order = order;
  }

  cut(): Phases {
    const { nest, layout } = this;
    const steps: (Phase | Sweep)[] = this.sweeps ? this.swept(this.sweeps) : this.inOrder(this.order, this.rows, readersOf(layout, this.order));
    for (const stores of Map.groupBy(nest.stores, s => axisSet(s.axes)).values()) {
      const points = axisSet(stores[0]!.axes);
      steps.push(this.phase(points, 0, points, [], () => stores));
    }
    return { grid: layout.grid, tables: layout.tables(), steps };
  }
  /** The parts of some loops that have tables, and what takes the place of those of `settling`. */
  private inOrder(loops: readonly (readonly number[])[], settling: readonly number[], readers: readonly Reader[]): Phase[] {
    const phases: Phase[] = [];
    const settled = settle(this.layout, loops, settling, readers);
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
      const readers = loops.flatMap((loop, time) => loop.map(p => readerOf(this.nest, this.facts, p, time)));
      this.open = 1 << sweeps.axis;
      const phases = this.inOrder(
        loops,
        this.rows.filter(p => chunked[p]!.has(s)),
        readers,
      );
      this.open = 0;
      steps.push({ over: this.layout.chunk!, phases });
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

  // ---- phases
  private partPhase(parts: readonly number[]): Phase {
    const { own, full, under } = this.facts;
    const first = parts[0]!;
    const phase = this.phase(own[first]!, full[first]!, under[first]!, parts, tiled =>
      parts.map(p => this.storeOf(p, tiled, partValue(this.nest, p))),
    );
    for (const p of parts) this.held.set(partValue(this.nest, p), p);
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
        return this.storeOf(p, tiled, more({ kind: 'const', type, value: neutral(kind, type) }));
      }),
    );
  }
  /** What a chunk adds to sums. A max notes how far it moved, and a sum that follows it moves first. */
  private addPhase(parts: readonly number[]): Phase {
    const { layout } = this;
    const { own, full, under } = this.facts;
    const first = parts[0]!;
    const phase = this.phase(own[first]!, full[first]!, under[first]!, parts, (tiled, more) =>
      parts.flatMap((p): Store[] => {
        const { kind, of } = this.nest.parts[p]!;
        const { type } = this.nest.values[of]!;
        const op = (prim: Prim, ...args: readonly number[]): number => more({ kind: 'op', type, prim, args });
        const table = (buffer: number, part: number): number =>
          more({ kind: 'load', type, buffer, at: layout.address(part, tiled), when: -1, other: 0 });
        const max = this.sweeps!.rescale[p]!;
        const before = table(layout.bufferOf(p), p);
        const moved = max < 0 ? before : op('mul', before, table(layout.moverOf(max), max));
        const after = op(kind === 'sum' ? 'add' : kind, moved, partValue(this.nest, p));
        const sum = this.storeOf(p, tiled, after);
        return layout.movers.includes(p) ? [sum, { ...sum, buffer: layout.moverOf(p), value: op('exp', op('sub', before, after)) }] : [sum];
      }),
    );
    for (const p of parts) this.held.set(partValue(this.nest, p), p);
    return phase;
  }
  /** Into a part's table, at each of its positions. */
  private storeOf(part: number, tiled: AxisSet, value: number): Store {
    return { buffer: this.layout.bufferOf(part), at: this.layout.address(part, tiled), value, axes: axesOf(this.facts.own[part]!) };
  }
  private settlePhase({ part, value }: Settled): Phase {
    const { own, full, under } = this.facts;
    const phase = this.phase(own[part]!, full[part]!, under[part]!, [], tiled => [this.storeOf(part, tiled, value)]);
    this.overwritten.add(part);
    this.held.delete(partValue(this.nest, part));
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
    const { nest, layout } = this;
    const tiled = (points & ~full) | this.open;
    const bound = layout.grid.filter(g => g.tile === 1).reduce((set, g) => set | (1 << g.axis), 0);
    const values = nest.values.map((v, i): Val => {
      const row = this.held.get(i);
      if (row !== undefined) return { kind: 'load', type: v.type, buffer: layout.bufferOf(row), at: layout.address(row, tiled), when: -1, other: 0 };
      return v.kind === 'load' || v.kind === 'index' ? { ...v, at: layout.stripped(v.at, tiled) } : v;
    });
    const stores = storesOf(tiled, v => values.push(v) - 1).map((s): Store => {
      const at = s.buffer < nest.buffers.length ? layout.stripped(s.at, tiled) : s.at;
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
        axes: layout.axes.map((a, i) => ((tiled >> i) & 1 && !layout.isWhole(i) ? { ...a, extent: layout.schedule.tile[i]! } : a)),
        buffers: [...nest.buffers, ...layout.tableBuffers()],
        values: clean,
        parts: mine.map(p => nest.parts[p]!),
        loops: nest.loops.map(l => l.filter(p => mine.includes(p)).map(p => mine.indexOf(p))).filter(l => l.length > 0),
        stores,
      },
      points: axesOf(points & ~(tiled & bound)),
      first: layout.grid.filter(g => !((under >> g.axis) & 1)).map(g => g.high),
    };
  }
}
