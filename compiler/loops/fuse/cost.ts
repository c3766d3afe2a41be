// The cost of a kernel under a tile, in the time that one byte takes: a sum over its loads, stores and arithmetic (count.ts), each slowed by
// how few groups do it, plus a launch. It is what fusion compares.
//   bytes = Σ over loads of (what one group reads) · groups, plus what is stored
import { type Counts, countsOf, type Load, roundedUp, type Term, type Untiled } from './count.ts';
import type { Place } from './placement.ts';

/** How a fused kernel is cut: a tile of each grid axis a group, and a place for each part. Code is made from this alone. */
export interface Tiling {
  /** By axis; 0 for axes that no store binds, but for that of the chunks. */
  readonly tile: readonly number[];
  readonly places: readonly Place[];
  /** The axis that is cut into chunks, or −1. */
  readonly chunk: number;
  /** Numbers in tables. */
  readonly tables: number;
}
/** The same with what it costs. */
export interface TileSchedule extends Tiling {
  readonly cost: number;
  /** Of the model, at the batch that tiles were chosen for. */
  readonly bytes: number;
  readonly operations: number;
  readonly groups: number;
}

/** A footprint that a group keeps close is read once, whichever loops want it. */
const heldBytes = 16_384;

/** A kernel with a tile that can be changed axis by axis. */
export class Tiled {
  private readonly kernel: Untiled;
  private readonly counts: Counts;
  private readonly tile: number[];
  private readonly tiles: number[];

  constructor(kernel: Untiled) {
    this.kernel = kernel;
    this.counts = countsOf(kernel);
    this.tile = kernel.extent.map(() => 0);
    this.tiles = kernel.extent.map(() => 1);
  }

  cut(axis: number, tile: number): void {
    this.tile[axis] = tile;
    this.tiles[axis] = Math.ceil(this.kernel.extent[axis]! / tile);
  }

  /** The schedule of the tile as it is, unless it is illegal or costs `limit` or more. points: positions of the grid axes in a tile. */
  measure(points: number, limit: number): TileSchedule | undefined {
    const { counts, tiles } = this;
    const { machine, nest, facts, places, sweeps } = this.kernel;
    const tables = this.sum(counts.tables);
    if (!this.fits(tables)) return undefined;
    let bytes = 0;
    let operations = 0;
    let time = 0;
    const spend = (t: Term, times: number, perByte: number): number => {
      const x = this.value(t) * times;
      time += (x * this.idle(t)) / perByte;
      return x;
    };
    for (const t of counts.stores) bytes += spend(t, 1, 1);
    for (const uses of counts.loads) {
      const left = [...uses].sort((a, b) => this.value(b.all) - this.value(a.all));
      while (left.length > 0) {
        const first = left.shift()!;
        const footprint = this.value(first.here);
        const same = left.filter(u => this.value(u.here) === footprint);
        for (const u of same) left.splice(left.indexOf(u), 1);
        bytes += spend(first.all, this.timesRead([first, ...same], footprint <= heldBytes), 1);
      }
    }
    for (const t of counts.arithmetic) {
      let padding = t.whole;
      if (machine.registerTile > 1) for (const a of t.partial) padding *= roundedUp(this.tile[a]!, machine.registerTile);
      operations += spend(t, padding, machine.operationsPerByte) / padding;
    }
    for (const t of counts.rounds) operations += spend(t, tiles[sweeps!.axis]!, machine.operationsPerByte);
    const cost = machine.launchBytes + time / (nest.parts.length > 0 ? 1 : Math.min(1, points / machine.lanes));
    if (cost >= limit) return undefined;
    const groups = facts.grid.reduce((n, a) => n * tiles[a]!, 1);
    return { tile: [...this.tile], places, chunk: sweeps?.axis ?? -1, cost, bytes, operations, tables, groups };
  }
  /** Do tables and staged operands fit a group's memory, and accumulators a lane's registers? */
  private fits(tables: number): boolean {
    const { machine } = this.kernel;
    const cooperative = machine.lanes > 1;
    const staging = cooperative ? this.counts.staged.reduce((m, t) => Math.max(m, this.value(t)), 0) : 0;
    if (machine.tables > 0 && tables + staging > machine.tables) return false;
    if (!cooperative && machine.tables > 0) return true;
    return this.counts.accumulators.every(loop => this.sum(loop) <= machine.accumulators * (cooperative ? machine.lanes : 1));
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
    const { machine } = this.kernel;
    let groups = 1;
    for (const a of t.repeated) groups *= this.tiles[a]!;
    if (machine.tables === 0) for (const a of t.tiled) groups *= this.tile[a]!;
    return Math.max(1, machine.groups / groups);
  }
  /** How often a group reads what some uses of a load share: once if that is held, in chunks once a sweep. */
  private timesRead(uses: readonly Load[], isHeld: boolean): number {
    const { sweeps } = this.kernel;
    const of = (key: 'phases' | 'sweeps'): number => new Set(uses.flatMap(u => [...u[key]])).size;
    if (uses.some(u => u.moves)) return of(isHeld ? 'sweeps' : 'phases');
    const again = sweeps && uses.some(u => [...u.sweeps].some(s => s > 0)) ? this.tiles[sweeps.axis]! : 1;
    return isHeld ? 1 : of('phases') * again;
  }
}
