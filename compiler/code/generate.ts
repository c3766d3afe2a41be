// L1 and a schedule → L2. The grid's axes are cut into tiles that are numbered, batch outermost, so that nothing is ever divided
// by the batch; a lane (or a whole group) finds its tile from its number, loops over the axes that it keeps for itself, and stores.
// Everything else is values.ts (what is computed where), reduce.ts (parts) and vectorise.ts (which memories are vectors).
import type { Grid } from '../../common/program.ts';
import { isDynamic, type Size, timesSize } from '../../common/size.ts';
import { CompileError } from '../errors.ts';
import { axisSet } from '../loops/facts.ts';
import type { LoopNest, Store } from '../loops/types.ts';
import { dividedBy, element, group, int, lane, less, modulo, operation, plus, sizeExpr, splat, times, vector } from './expressions.ts';
import { checkLimits } from './limits.ts';
import { Reducer } from './reduce.ts';
import type { AxisPlan, Schedule } from './schedule.ts';
import { type Binding, type Offsets, Scope } from './scope.ts';
import { isContiguous } from './strides.ts';
import type { Capability, Code, Expr, Memory, Statement } from './types.ts';
import { Values, withOffset } from './values.ts';
import { chooseVectorMemories } from './vectorise.ts';

export interface GenerateOptions {
  /** Where a run-time scalar stands in the uniform block (element 0 is the batch). */
  readonly scalarIndex: (name: string) => number;
}

/** Structured code for a nest under a schedule.
 *  @throws CompileError HC30 when the batch stands in the grid twice, HC31, HC32, HC36 when the target cannot take the kernel (limits.ts). */
export function generate(nest: LoopNest, schedule: Schedule, capability: Capability, options: GenerateOptions): Code {
  const code = new Generator(nest, schedule, options).code();
  checkLimits(code, capability);
  return code;
}

class Generator {
  private readonly nest: LoopNest;
  private readonly schedule: Schedule;
  private readonly values: Values;
  private readonly reducer: Reducer;
  private readonly memories: Memory[];

  constructor(nest: LoopNest, schedule: Schedule, options: GenerateOptions) {
    this.nest = nest;
    this.schedule = schedule;
    this.memories = nest.buffers.map((b): Memory => ({ space: 'storage', dtype: b.dtype, written: b.written, vector: false }));
    this.reducer = new Reducer(schedule, this.memories);
    this.values = new Values(nest, options.scalarIndex, (part, at) => this.reducer.reduce(part, at));
    this.reducer.values = this.values;
  }

  code(): Code {
    const { lanes, together } = this.schedule;
    const grid = this.schedule.axes.filter(a => a.place === 'grid');
    const alone = together || lanes === 1; // a group is one point
    const body: Statement[] = [];
    const outer = grid[0];
    const bindings = new Map<number, Binding>();
    let total: Size;
    let point: Expr;
    let size: Grid;
    if (outer && this.isRagged(outer)) {
      // the tiles of the batch axis are no multiple of the batch: they are counted over groups, the others over groups and lanes
      const inner = grid.slice(1).reduce((n, a) => n * (this.tiles(a) as number), 1);
      const count = alone ? inner : Math.ceil(inner / lanes);
      const at = define(this.values.names, body, times(dividedBy(group, Math.max(count, 1)), outer.tile));
      bindings.set(outer.axis, this.binding(outer, at, body));
      const rest = modulo(group, Math.max(count, 1));
      point = alone ? rest : plus(times(rest, lanes), lane);
      total = inner;
      size = { count, of: this.nest.axes[outer.axis]!.extent, per: outer.tile };
    } else {
      total = grid.reduce<Size>((n, a) => tilesTimes(n, this.tiles(a)), 1);
      point = alone ? group : plus(times(group, lanes), lane);
      size = { count: 1, of: total, per: alone ? 1 : lanes };
    }
    point = define(this.values.names, body, point);
    const guarded = !alone && !isMultiple(total, lanes);
    const inRange: Statement[] = guarded ? [] : body;
    this.decode(outer && bindings.has(outer.axis) ? grid.slice(1) : grid, point, inRange, bindings);
    const root = new Scope(undefined, bindings, inRange);
    if (together) this.reducer.together = root;
    this.stores(
      root,
      this.schedule.axes.filter(a => a.place !== 'grid'),
      this.nest.stores,
    );
    if (guarded) body.push({ kind: 'if', condition: less(point, sizeExpr(total)), body: inRange });
    return chooseVectorMemories({ memories: this.memories, lanes, grid: size, body });
  }

  /** Does the batch decide whether the last tile is whole? */
  private isRagged({ axis, tile }: AxisPlan): boolean {
    const { extent } = this.nest.axes[axis]!;
    return isDynamic(extent) && !isMultiple(extent, tile);
  }
  private tiles({ axis, tile }: AxisPlan): Size {
    const { extent } = this.nest.axes[axis]!;
    return isDynamic(extent) ? { batch: extent.batch / tile } : Math.ceil(extent / tile);
  }

  /** Axes of the point's tile, found by division from the innermost out. */
  private decode(grid: readonly AxisPlan[], point: Expr, body: Statement[], bindings: Map<number, Binding>): void {
    const { names } = this.values;
    let rest = point;
    [...grid].reverse().forEach((plan, i) => {
      const tiles = this.tiles(plan);
      const outermost = i === grid.length - 1;
      if (isDynamic(tiles) && !outermost) throw new Error('the batch axis must be outermost');
      const at = outermost ? rest : tiles === 1 ? int(0) : modulo(rest, Math.max(tiles as number, 1));
      if (!outermost && tiles !== 1) rest = define(names, body, dividedBy(rest, Math.max(tiles as number, 1)));
      bindings.set(plan.axis, this.binding(plan, define(names, body, times(at, plan.tile)), body));
    });
  }
  private binding({ axis, tile, vector: wide }: AxisPlan, base: Expr, body: Statement[]): Binding {
    const { extent } = this.nest.axes[axis]!;
    const ragged = tile > 1 && !isMultiple(extent, tile);
    return {
      base,
      tile,
      vector: wide,
      extent,
      last: ragged ? define(this.values.names, body, plus(sizeExpr(extent), int(wide ? -4 : -1))) : undefined,
    };
  }

  /** Loops over the axes that a lane keeps, and the stores: each as far out as its axes allow, after the loops inside. */
  private stores(at: Scope, loops: readonly AxisPlan[], stores: readonly Store[]): void {
    const [plan, ...rest] = loops;
    if (!plan) {
      this.put(at, stores);
      return;
    }
    const inside = stores.filter(s => loops.some(l => s.axes.includes(l.axis)));
    if (inside.length > 0) {
      const counter = this.values.names.loop();
      const shared = plan.place === 'lanes';
      const body: Statement[] = [];
      const inner = new Scope(at, new Map([[plan.axis, this.binding(plan, counter, body)]]), body);
      this.stores(inner, rest, inside);
      at.body.push({
        kind: 'for',
        name: counter.name,
        from: shared ? times(lane, plan.tile) : int(0),
        to: sizeExpr(this.nest.axes[plan.axis]!.extent),
        step: shared ? plan.tile * this.schedule.lanes : plan.tile,
        body,
      });
    }
    this.put(
      at,
      stores.filter(s => !inside.includes(s)),
    );
  }

  /** Stores of one point: all values first, then all writes, so that a tile may be written over what it was read from. */
  private put(at: Scope, stores: readonly Store[]): void {
    const writes = stores.flatMap(store => {
      const vectorised = this.vectorStoreAxis(store, at);
      const tiled = store.axes.filter(a => at.binding(a).tile > 1 && a !== vectorised);
      return this.values.combinations(tiled, at, []).flatMap(offsets => {
        if (vectorised < 0) return [this.write(store, at, offsets)];
        const starts = Array.from({ length: at.binding(vectorised).tile / 4 }, (_, i) => 4 * i);
        return starts.map(start => this.writeFour(store, at, withOffset(offsets, vectorised, start), vectorised));
      });
    });
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

  private write(store: Store, at: Scope, offsets: Offsets): { statements: Statement[]; conditions: Expr[] } {
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
    const inside = store.axes.flatMap(a => {
      const { last, base } = at.binding(a);
      const offset = offsets[a] ?? 0;
      return last && offset > 0 ? [operation('le', plus(base, int(offset)), last)] : [];
    });
    const first = this.schedule.axes.flatMap(({ axis, place, tile }) => {
      const base = place === 'grid' && !((own >> axis) & 1) ? at.binding(axis).base : int(0);
      return base.kind === 'literal' || tile === 0 ? [] : [operation('eq', base, int(0))];
    });
    const oneLane = this.schedule.together && !this.schedule.axes.some(a => a.place === 'lanes' && (own >> a.axis) & 1);
    return [...first, ...(oneLane ? [operation('eq', lane, int(0))] : []), ...inside];
  }
}

function define(names: Values['names'], body: Statement[], e: Expr): Expr {
  return e.kind === 'literal' || e.kind === 'name' || e.kind === 'group' ? e : names.define(body, e, 'g');
}
function tilesTimes(a: Size, b: Size): Size {
  const product = timesSize(a, b);
  if (product === undefined) throw new CompileError('HC30', 'the batch stands in a kernel twice: compile with --batch to make it a number');
  return product;
}
/** At every batch. */
const isMultiple = (s: Size, of: number): boolean => (isDynamic(s) ? s.batch : s) % of === 0;
