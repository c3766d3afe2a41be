// Stores of the points of a scope: which neighbours are written four at once, and what must hold for a point to be written.
import { isMultiple } from '../../common/size.ts';
import { axisSet } from '../loops/facts.ts';
import type { Store } from '../loops/types.ts';
import { asLoop, asVectors, type Epilogue, epilogueAxes, type Scratch } from './epilogue.ts';
import { element, int, operation, plus, splat, vector } from './expressions.ts';
import type { Schedule } from './schedule.ts';
import type { Offsets, Scope } from './scope.ts';
import { isContiguous } from './strides.ts';
import { memberOf } from './teams.ts';
import type { Expr, Statement } from './types.ts';
import { type Values, withOffset } from './values.ts';

export class Stores {
  private readonly schedule: Schedule;
  private readonly values: Values;
  private readonly scratch: Scratch;
  private readonly tables: ReadonlySet<number>;
  private readonly rewrites: boolean;
  /** What must hold for anything to be stored. */
  guard: Expr | undefined;

  /** tables: buffers in which a position beyond the tile's end is its last one, so that writing it twice writes the same; rewrites: the
   *  stores write what their values were read from. */
  constructor(schedule: Schedule, values: Values, scratch: Scratch, tables: ReadonlySet<number> = new Set(), rewrites = false) {
    this.schedule = schedule;
    this.values = values;
    this.scratch = scratch;
    this.tables = tables;
    this.rewrites = rewrites;
  }

  /** Stores of one point: all values first, then all writes, so that a tile may be written over what it was read from. */
  put(at: Scope, stores: readonly Store[]): void {
    const inner = this.epilogue(at, stores);
    this.write(inner?.scope ?? at, stores);
    inner?.close();
  }

  private epilogue(at: Scope, stores: readonly Store[]): Epilogue | undefined {
    const axes = epilogueAxes(this.values.nest, stores, this.values, at);
    if (axes.length === 0) return undefined;
    if (!this.schedule.vectorStores) return asLoop(this.values, stores, at, axes, this.scratch);
    const [wide, ...others] = new Set(stores.map(s => this.vectorStoreAxis(s, at)));
    const isOneAxis = wide !== undefined && others.length === 0 && axes.includes(wide);
    return isOneAxis ? asVectors(this.values, stores, at, wide) : undefined;
  }

  private write(at: Scope, stores: readonly Store[]): void {
    const writes = stores.flatMap(store => {
      const vectorised = this.vectorStoreAxis(store, at);
      const tiled = store.axes.filter(a => at.binding(a).tile > 1 && a !== vectorised);
      return this.values.combinations(tiled, at, []).flatMap(offsets => {
        if (vectorised < 0) return [this.writeOne(store, at, offsets)];
        const starts = Array.from({ length: at.binding(vectorised).tile / 4 }, (_, i) => 4 * i);
        return starts.map(start => this.writeFour(store, at, withOffset(offsets, vectorised, start), vectorised));
      });
    });
    // one lane of a team writes what all have read
    if (this.schedule.team.size > 1 && this.rewrites) at.body.push({ kind: 'barrier' });
    const open: { key: string; body: Statement[] } = { key: '', body: at.body };
    for (const { statements, conditions } of writes) {
      const key = JSON.stringify(conditions);
      if (conditions.length === 0) {
        at.body.push(...statements);
        open.key = '';
        continue;
      }
      if (key !== open.key) {
        open.key = key;
        open.body = [];
        at.body.push({ kind: 'if', condition: conditions.reduce((a, b) => operation('and', a, b)), body: open.body });
      }
      open.body.push(...statements);
    }
  }

  /** The axis along which a store writes four neighbours at once; −1 when none. */
  private vectorStoreAxis(store: Store, at: Scope): number {
    const wide = store.axes.find(a => at.binding(a).vector);
    return (
      store.axes.find(a => {
        const b = at.binding(a);
        if (wide !== undefined && a !== wide) return false;
        return this.schedule.vectorStores && b.tile % 4 === 0 && isMultiple(b.extent, 4) && isContiguous(store.at, a, this.values.free);
      }) ?? -1
    );
  }

  private writeOne(store: Store, at: Scope, offsets: Offsets): { statements: Statement[]; conditions: Expr[] } {
    const wide = store.axes.find(a => at.binding(a).vector);
    const conditions = this.conditions(store, at, offsets);
    const value = this.named(this.values.value(store.value, at, offsets), at);
    if (wide === undefined)
      return { statements: [{ kind: 'store', memory: store.buffer, at: this.values.address(store.at, at, offsets), value }], conditions };
    return {
      statements: [0, 1, 2, 3].map((j): Statement => {
        const address = this.values.address(store.at, at, withOffset(offsets, wide, (offsets[wide] ?? 0) + j));
        return { kind: 'store', memory: store.buffer, at: address, value: element(value, j) };
      }),
      conditions,
    };
  }
  private writeFour(store: Store, at: Scope, offsets: Offsets, axis: number): { statements: Statement[]; conditions: Expr[] } {
    const start = offsets[axis]!;
    const value = at.binding(axis).vector
      ? splat(this.values.value(store.value, at, offsets))
      : vector([0, 1, 2, 3].map(j => this.values.value(store.value, at, withOffset(offsets, axis, start + j))));
    const address = this.values.address(store.at, at, offsets);
    return {
      statements: [{ kind: 'store', memory: store.buffer, at: address, value: this.named(value, at) }],
      conditions: this.conditions(store, at, offsets),
    };
  }
  private named(e: Expr, at: Scope): Expr {
    return e.kind === 'literal' || e.kind === 'name' || (e.kind === 'vector' && e.of.every(x => x.kind === 'name'))
      ? e
      : this.values.names.define(at.body, e);
  }

  /** What must hold for a point to be stored: inside the extents, and for an axis that the store lacks, at its first position. */
  private conditions(store: Store, at: Scope, offsets: Offsets): Expr[] {
    const own = axisSet(store.axes);
    const inside = (this.tables.has(store.buffer) ? [] : store.axes).flatMap(a => {
      const { last, base } = at.binding(a);
      const offset = offsets[a] ?? 0;
      return last && offset > 0 ? [operation('le', plus(base, int(offset)), last)] : [];
    });
    const first = this.schedule.axes.flatMap(({ axis }) => {
      const base = (own >> axis) & 1 ? undefined : at.findBinding(axis)?.base;
      return base && base.kind !== 'literal' ? [operation('eq', base, int(0))] : [];
    });
    const { team, lanes, axes } = this.schedule;
    const oneLane = team.size > 1 && !axes.some(a => a.place === 'lanes' && (own >> a.axis) & 1);
    return [...(this.guard ? [this.guard] : []), ...first, ...(oneLane ? [operation('eq', memberOf(team, lanes), int(0))] : []), ...inside];
  }
}
