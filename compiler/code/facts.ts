// What schedules and tiles look at in a nest: its largest store's axes in order, their extents, and what is read at a point.
import { isDynamic, type Size } from '../../common/size.ts';
import { type AxisSet, freeAxes, partAxes, partsRead, scope as reach, storeReads } from '../loops/facts.ts';
import type { LoopNest, Store } from '../loops/types.ts';
import { isContiguous, loadsOf, plainStride, strideIn } from './strides.ts';

/** What schedules look at. */
export class Facts {
  readonly nest: LoopNest;
  readonly free: readonly AxisSet[];
  /** The store with the most axes. */
  readonly main: Store;
  /** Its axes, the batch outermost, then by falling stride of the address. */
  readonly axes: readonly number[];
  /** Axes of it that some part, read at a point, doesn't depend on. */
  readonly rowAxes: readonly number[];

  private readonly ragged: AxisSet;

  /** ragged: axes of which a tile may end at no multiple of four. */
  constructor(nest: LoopNest, ragged: AxisSet = 0) {
    this.nest = nest;
    this.ragged = ragged;
    this.free = freeAxes(nest);
    this.main = nest.stores.reduce((a, b) => (b.axes.length > a.axes.length ? b : a));
    const rank = (a: number): number => (this.dynamic(a) ? -Infinity : -(plainStride(this.main.at, a) || Infinity));
    this.axes = [...this.main.axes].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
    const read = partsRead(nest.values, storeReads(nest)).map(p => partAxes(nest.parts[p]!, this.free));
    this.rowAxes = this.axes.filter(a => !this.dynamic(a) && this.atOnce(a) > 1 && read.some(axes => ((axes >> a) & 1) === 0));
  }
  extent(axis: number): Size {
    return this.nest.axes[axis]!.extent;
  }
  dynamic(axis: number): boolean {
    return isDynamic(this.extent(axis));
  }
  /** The extent at batch 1. */
  atOnce(axis: number): number {
    const e = this.extent(axis);
    return isDynamic(e) ? e.batch : e;
  }
  /** Four divides the axis at every batch. */
  byFour(axis: number): boolean {
    return this.atOnce(axis) % 4 === 0 && this.atOnce(axis) > 0 && ((this.ragged >> axis) & 1) === 0;
  }
  contiguousStore(axis: number): boolean {
    return this.byFour(axis) && isContiguous(this.main.at, axis, this.free);
  }
  /** Values at the point of a root, and those in the bodies of parts below it. */
  below(roots: readonly number[]): readonly number[] {
    const all = new Set<number>();
    const todo = [...roots];
    const entered = new Set<number>();
    while (todo.length > 0) {
      for (const v of reach(this.nest.values, todo.splice(0))) {
        all.add(v);
        const value = this.nest.values[v]!;
        if (value.kind !== 'part' || entered.has(value.part)) continue;
        entered.add(value.part);
        todo.push(this.nest.parts[value.part]!.of);
      }
    }
    return [...all].sort((a, b) => a - b);
  }
}

/** Is the axis contiguous for every load of the part that moves along it, at its own point? */
export function isWideAlong(facts: Facts, part: number, axis: number): boolean {
  const { nest, free } = facts;
  const own = loadsOf(nest, reach(nest.values, [nest.parts[part]!.of]));
  const moving = own.filter(l => strideIn(l.at, axis, free) !== 0);
  return facts.byFour(axis) && moving.length > 0 && moving.every(l => isContiguous(l.at, axis, free));
}
