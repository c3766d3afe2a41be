// How a kernel lies in groups: which axes are cut into tiles, what its tables hold, and where. Tiled axes are strip-mined, a = tile·high + a,
// where `high` numbers the tiles and is fixed for a group: addresses in a kernel's buffers count from the beginning of the whole axis, those
// in tables from the beginning of the tile. A table has a dim for each axis that its part is computed over: all of the axis where readers
// sweep it, else its tile.
import { isDynamic } from '../../common/size.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { addIndex, axisIndex, constantIndex, valueIndex } from '../loops/affine.ts';
import { type AxisSet, axesOf } from '../loops/facts.ts';
import { followed, type Sweeps } from '../loops/fuse/chunk.ts';
import type { Tiling } from '../loops/fuse/cost.ts';
import type { Facts } from '../loops/fuse/placement.ts';
import type { Axis, Buffer, Index, LoopNest } from '../loops/types.ts';
import { plainStride } from './strides.ts';

/** An axis that is cut into tiles: groups are numbered by those of the grid, a sweep goes over its own, the chunks. */
export interface CutAxis {
  readonly axis: number;
  readonly tile: number;
  /** Axis of the phases that numbers the tiles; the axis itself where a tile is one position. */
  readonly high: number;
}
export interface Table {
  readonly type: ScalarType;
  readonly length: number;
}

export class Layout {
  readonly nest: LoopNest;
  readonly schedule: Tiling;
  readonly facts: Facts;
  readonly grid: readonly CutAxis[];
  /** The axis that is cut into chunks. */
  readonly chunk: CutAxis | undefined;
  /** Those of the nest, then those that number tiles. */
  readonly axes: readonly Axis[];
  /** Parts that have a table. */
  readonly rows: readonly number[];
  /** Maxima that have a table for how far they moved in a chunk. */
  readonly movers: readonly number[];

  /** facts: those of tables that hold one chunk, where there are sweeps. */
  constructor(nest: LoopNest, schedule: Tiling, facts: Facts, sweeps: Sweeps | undefined) {
    this.nest = nest;
    this.schedule = schedule;
    this.facts = facts;
    this.rows = nest.parts.flatMap((_, p) => (schedule.places[p] === 'inline' ? [] : [p]));
    this.movers = sweeps ? followed(sweeps) : [];
    const axes = [...nest.axes];
    const cutInTiles = (axis: number): CutAxis => {
      const tile = schedule.tile[axis]!;
      return { axis, tile, high: tile === 1 ? axis : axes.push({ name: `${nest.axes[axis]!.name}t`, extent: 1 }) - 1 };
    };
    this.grid = gridOrder(nest, facts.grid).flatMap(axis => (this.isWhole(axis) ? [] : [cutInTiles(axis)]));
    this.chunk = sweeps && cutInTiles(sweeps.axis);
    this.axes = axes;
  }
  isWhole(axis: number): boolean {
    const { extent } = this.nest.axes[axis]!;
    return !isDynamic(extent) && this.schedule.tile[axis]! >= extent;
  }

  // ---- tables: a kernel's buffers come first, then those of its parts, then those of maxima
  tables(): readonly Table[] {
    return this.owners().map(p => ({ type: this.typeOf(p), length: Math.max(1, this.lengthOf(p)) }));
  }
  /** Tables as the buffers that phases read and write. */
  tableBuffers(): readonly Buffer[] {
    return this.owners().map(p => ({ node: -1 - p, elements: this.lengthOf(p), dtype: this.typeOf(p), written: true }));
  }
  bufferOf(part: number): number {
    return this.nest.buffers.length + this.rows.indexOf(part);
  }
  moverOf(max: number): number {
    return this.nest.buffers.length + this.rows.length + this.movers.indexOf(max);
  }
  private owners(): readonly number[] {
    return [...this.rows, ...this.movers];
  }
  private typeOf(part: number): ScalarType {
    return this.nest.values[this.nest.parts[part]!.of]!.type;
  }
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

  // ---- addresses; `tiled` axes run within their tile
  /** In a part's table at a point. */
  address(part: number, tiled: AxisSet): Index {
    let stride = 1;
    let at = constantIndex(0);
    for (const { axis, extent, whole } of [...this.dims(part)].reverse()) {
      if (extent > 1) at = addIndex(at, whole ? this.position(axis, tiled) : axisIndex(axis), stride);
      stride *= extent;
    }
    return at;
  }
  /** An address of the nest, or another index, with the positions of tiled axes in their whole extent. */
  stripped(x: Index, tiled: AxisSet): Index {
    return x.terms.reduce<Index>((sum, { times, atom }) => {
      switch (atom.kind) {
        case 'axis':
          return addIndex(sum, this.position(atom.axis, tiled), times);
        case 'value':
          return addIndex(sum, valueIndex(atom.value), times);
        default:
          return addIndex(sum, { constant: 0, terms: [{ times: 1, atom: { ...atom, of: this.stripped(atom.of, tiled) } }] }, times);
      }
    }, constantIndex(x.constant));
  }
  /** An axis' position in its whole extent. */
  private position(axis: number, tiled: AxisSet): Index {
    const cuts = this.chunk ? [...this.grid, this.chunk] : this.grid;
    const cut = ((tiled >> axis) & 1) === 1 ? cuts.find(g => g.axis === axis && g.tile > 1) : undefined;
    return cut ? addIndex(axisIndex(axis), axisIndex(cut.high), cut.tile) : axisIndex(axis);
  }
}

/** The batch outermost, then by falling stride of what is stored. */
function gridOrder(nest: LoopNest, axes: readonly number[]): readonly number[] {
  const main = nest.stores.reduce((a, b) => (b.axes.length > a.axes.length ? b : a));
  const rank = (a: number): number => (isDynamic(nest.axes[a]!.extent) ? Number.NEGATIVE_INFINITY : -plainStride(main.at, a));
  return [...axes].sort((a, b) => (rank(a) === rank(b) ? a - b : rank(a) - rank(b)));
}
