// What a kernel does, counted once for all tiles: its arithmetic, loads, stores and tables as products of extents, in which those of tiles
// and of their numbers are left open. Putting in a tile (cost.ts) is then a few multiplications.
//   a row's sum over k of x[i,k], i in tiles:   4·K bytes · tile i · tiles i
import { indexValues } from '../affine.ts';
import { type AxisSet, axesOf, axisSet, scope } from '../facts.ts';
import type { LoopNest } from '../types.ts';
import { followed, type Sweeps } from './chunk.ts';
import type { Machine } from './machine.ts';
import type { Facts, Place } from './placement.ts';
import { weightOf } from './weights.ts';

/** A kernel of which everything is known but its tiles. */
export interface Untiled {
  readonly nest: LoopNest;
  readonly machine: Machine;
  readonly facts: Facts;
  /** Of every axis, in numbers. */
  readonly extent: readonly number[];
  readonly places: readonly Place[];
  /** Where an axis is cut into chunks. */
  readonly sweeps?: Sweeps;
}
/** constant · Π tile of some axes · Π number of tiles of others. */
export interface Term {
  readonly constant: number;
  readonly tiled: readonly number[];
  readonly repeated: readonly number[];
}
/** Arithmetic: what register tiles add at the ends of some axes comes on top, for axes that run whole and by tile of the others. */
export interface Work extends Term {
  readonly whole: number;
  readonly partial: readonly number[];
}
/** One way in which a load is used. */
export interface Load {
  /** Bytes that it reads in one group (of chunks, in one chunk), and in all groups. */
  readonly here: Term;
  readonly all: Term;
  readonly phases: ReadonlySet<number>;
  /** Sweeps over chunks in which it is read; 0: outside of them. */
  readonly sweeps: ReadonlySet<number>;
  /** With the chunks. */
  readonly moves: boolean;
}
export interface Counts {
  /** Bytes of each store. */
  readonly stores: readonly Term[];
  /** By loaded value. */
  readonly loads: readonly (readonly Load[])[];
  readonly arithmetic: readonly Work[];
  /** What each chunk does again: adding to the sums. */
  readonly rounds: readonly Term[];
  /** Numbers in tables, and what staged operands take beside them. */
  readonly tables: readonly Term[];
  readonly staged: readonly Term[];
  /** By loop. */
  readonly accumulators: readonly (readonly Term[])[];
}

/** Where an operand is used again by many lanes it is staged this deep. */
const stagedDepth = 8;
const noSweeps: Pick<Sweeps, 'sweep' | 'chunked'> = { sweep: [], chunked: [] };

export function countsOf(kernel: Untiled): Counts {
  const counter = new Counter(kernel);
  return {
    stores: kernel.nest.stores.map(s => counter.term(4, axisSet(s.axes), 0, axisSet(s.axes))),
    ...counter.loads(),
    arithmetic: counter.arithmetic(),
    rounds: counter.rounds(),
    tables: counter.tables(),
    accumulators: counter.accumulators(),
  };
}

/** Positions that register tiles take for so many, against that many: tiles of `registerTile` or one more, whichever fit better. */
export function roundedUp(positions: number, registerTile: number): number {
  if (positions < registerTile) return 1;
  const taken = (tile: number): number => Math.ceil(positions / tile) * tile;
  return Math.min(taken(registerTile), taken(registerTile + 1)) / positions;
}

interface LoadUse {
  readonly value: number;
  readonly swept: AxisSet;
  under: AxisSet;
  readonly phases: Set<number>;
  readonly sweeps: Set<number>;
}

class Counter {
  private readonly kernel: Untiled;
  private readonly chunkBit: AxisSet;
  /** Maxima that sums follow. */
  private readonly maxima: readonly number[];

  constructor(kernel: Untiled) {
    this.kernel = kernel;
    this.chunkBit = kernel.sweeps ? 1 << kernel.sweeps.axis : 0;
    this.maxima = kernel.sweeps ? followed(kernel.sweeps) : [];
  }

  /** Axes in `swept` count whole, other axes by their tile; the work repeats over the tiles of `under`. */
  term(constant: number, axes: AxisSet, swept: AxisSet, under: AxisSet): Term {
    return {
      constant: axesOf(axes & swept).reduce((n, a) => n * this.kernel.extent[a]!, constant),
      tiled: axesOf(axes & ~swept),
      repeated: axesOf(under),
    };
  }
  /** Numbers that a group has of a part. */
  private held(part: number): Term {
    const { own, full } = this.kernel.facts;
    return this.term(1, own[part]!, full[part]!, 0);
  }
  /** Sweeps over chunks in which a part is worked out. */
  private sweepsWith(part: number): readonly number[] {
    const { sweep, chunked } = this.kernel.sweeps ?? noSweeps;
    return sweep[part] ? [sweep[part]] : [...(chunked[part] ?? [])];
  }

  tables(): readonly Term[] {
    const { nest, places } = this.kernel;
    const rows = nest.parts.flatMap((_, i) => (places[i] === 'inline' ? [] : [i]));
    return [...rows, ...this.maxima].map(p => this.held(p));
  }
  accumulators(): readonly (readonly Term[])[] {
    const { nest, places } = this.kernel;
    return nest.loops.map(loop => loop.filter(i => places[i] === 'inline').map(i => this.held(i))).filter(inline => inline.length > 0);
  }

  arithmetic(): readonly Work[] {
    const { nest, facts, machine, extent } = this.kernel;
    const ofParts = nest.parts.map((p, i): Work => {
      const swept = axisSet(p.axes) | facts.full[i]! | this.chunkBit;
      // without tables a part is worked out over its readers' axes
      const readers = [
        ...facts.users[i]!.map(r => facts.own[r]! | axisSet(nest.parts[r]!.axes)),
        ...facts.stores[i]!.map(s => axisSet(nest.stores[s]!.axes)),
      ];
      const space = (machine.tables > 0 ? facts.own[i]! : readers.reduce((a, b) => a | b, 0)) | axisSet(p.axes);
      const points = facts.own[i]!;
      return {
        ...this.term((this.operations([p.of]) + 1) * Math.max(1, this.sweepsWith(i).length), space, swept, facts.under[i]!),
        whole: axesOf(points & swept).reduce((n, a) => n * roundedUp(extent[a]!, machine.registerTile), 1),
        partial: axesOf(points & ~swept),
      };
    });
    const ofStores = nest.stores.map((s): Work => {
      const axes = axisSet(s.axes);
      return { ...this.term(this.operations([s.value]), axes, 0, axes), whole: 1, partial: [] };
    });
    return [...ofParts, ...ofStores];
  }
  private operations(roots: readonly number[]): number {
    const { values } = this.kernel.nest;
    return scope(values, roots).reduce((n, v) => {
      const value = values[v]!;
      return n + (value.kind === 'op' && value.type === 'f32' ? weightOf(value.prim) : 0);
    }, 0);
  }
  rounds(): readonly Term[] {
    const { facts, sweeps } = this.kernel;
    if (!sweeps) return [];
    return sweeps.sweep.flatMap((s, i) => {
      if (s === 0) return [];
      const exp = this.maxima.includes(i) ? weightOf('exp') : 0;
      return [this.term(exp + (sweeps.rescale[i]! < 0 ? 1 : 2), facts.own[i]!, facts.full[i]!, facts.under[i]!)];
    });
  }

  /** Distinct loads and footprints, with the groups that do them and the phases in which they do. */
  loads(): Pick<Counts, 'loads' | 'staged'> {
    const { nest, facts, places } = this.kernel;
    const staged: Term[] = [];
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
        if ((staging & ~facts.free[v]!) !== 0) staged.push(this.term(stagedDepth, facts.free[v]! & staging, swept, 0));
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
    const loads = [...Map.groupBy(uses.values(), u => u.value).values()].map(list =>
      list.map((u): Load => {
        const free = facts.free[u.value]!;
        const all = this.term(4, free, u.swept, u.under);
        const here = this.term(4, free, u.swept & ~this.chunkBit, 0);
        return { here, all, phases: u.phases, sweeps: u.sweeps, moves: (free & u.swept & this.chunkBit) !== 0 };
      }),
    );
    return { loads, staged };
  }
}
