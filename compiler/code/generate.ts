// L1 and a schedule → L2. The grid's axes are cut into tiles that are numbered, batch outermost, so that nothing is ever divided
// by the batch; a lane (or a whole group) finds its tile from its number, loops over the axes that it keeps for itself, and stores.
// Everything else is values.ts (what is computed where), reduce.ts (parts) and vectorise.ts (which memories are vectors).
import type { Grid } from '../../common/program.ts';
import { isDynamic, isMultiple, type Size, timesSize } from '../../common/size.ts';
import { CompileError } from '../errors.ts';
import type { LoopNest, Store } from '../loops/types.ts';
import { Scratch } from './epilogue.ts';
import { dividedBy, group, int, lane, less, modulo, operation, plus, sizeExpr, times } from './expressions.ts';
import { checkLimits } from './limits.ts';
import { Reducer } from './reduce.ts';
import type { AxisPlan, Schedule } from './schedule.ts';
import { type Binding, define, Scope } from './scope.ts';
import { Stores } from './stores.ts';
import { teamOf } from './teams.ts';
import type { Capability, Code, Expr, Memory, Statement } from './types.ts';
import { Values } from './values.ts';
import { chooseVectorMemories } from './vectorise.ts';

export interface GenerateOptions {
  /** Where a run-time scalar stands in the uniform block (element 0 is the batch). */
  readonly scalarIndex: (name: string) => number;
}

/** Structured code for a nest under a schedule.
 *  @throws CompileError HC30 when the batch stands in the grid twice, HC31, HC32, HC36 when the target cannot take the kernel (limits.ts). */
export function generate(nest: LoopNest, schedule: Schedule, capability: Capability, options: GenerateOptions): Code {
  const code = codeOf(nest, schedule, options);
  checkLimits(code, capability);
  return code;
}
/** The same, whatever its size. */
export const codeOf = (nest: LoopNest, schedule: Schedule, options: GenerateOptions): Code => new Generator(nest, schedule, options).code();

class Generator {
  private readonly nest: LoopNest;
  private readonly schedule: Schedule;
  private readonly values: Values;
  private readonly reducer: Reducer;
  private readonly writes: Stores;
  private readonly memories: Memory[];

  constructor(nest: LoopNest, schedule: Schedule, options: GenerateOptions) {
    this.nest = nest;
    this.schedule = schedule;
    this.memories = nest.buffers.map((b): Memory => ({ space: 'storage', dtype: b.dtype, written: b.written, vector: false }));
    this.reducer = new Reducer(schedule, this.memories);
    this.values = new Values(nest, options.scalarIndex, (part, at) => this.reducer.reduce(part, at));
    this.reducer.values = this.values;
    this.writes = new Stores(schedule, this.values, new Scratch(this.memories));
  }

  code(): Code {
    const { lanes, team } = this.schedule;
    const grid = this.schedule.axes.filter(a => a.place === 'grid');
    const together = team.size > 1;
    const teams = lanes / team.size; // tiles of a group
    const numbered = (first: Expr): Expr => (teams === 1 ? first : plus(times(first, teams), together ? teamOf(team, lanes) : lane));
    const body: Statement[] = [];
    const outer = grid[0];
    const bindings = new Map<number, Binding>();
    let total: Size;
    let point: Expr;
    let size: Grid;
    if (outer && this.isRagged(outer)) {
      // the tiles of the batch axis are no multiple of the batch: they are counted over groups, the others over groups and lanes
      const inner = grid.slice(1).reduce((n, a) => n * (this.tiles(a) as number), 1);
      const count = Math.ceil(inner / teams);
      const at = define(this.values.names, body, times(dividedBy(group, Math.max(count, 1)), outer.tile));
      bindings.set(outer.axis, this.binding(outer, at, body));
      point = numbered(modulo(group, Math.max(count, 1)));
      total = inner;
      size = { count, of: this.nest.axes[outer.axis]!.extent, per: outer.tile };
    } else {
      total = grid.reduce<Size>((n, a) => tilesTimes(n, this.tiles(a)), 1);
      point = numbered(group);
      size = { count: 1, of: total, per: teams };
    }
    point = define(this.values.names, body, point);
    const ragged = teams > 1 && !isMultiple(total, teams);
    const guarded = ragged && !together;
    const isThere = less(point, sizeExpr(total));
    if (ragged && together) {
      // teams that have no point meet at that of the last one, and store nothing
      this.writes.guard = isThere;
      point = define(this.values.names, body, operation('min', point, plus(sizeExpr(total), int(-1))));
    }
    const inRange: Statement[] = guarded ? [] : body;
    this.decode(outer && bindings.has(outer.axis) ? grid.slice(1) : grid, point, inRange, bindings);
    const root = new Scope(undefined, bindings, inRange);
    if (together) this.reducer.together = root;
    this.stores(
      root,
      this.schedule.axes.filter(a => a.place !== 'grid'),
      this.nest.stores,
    );
    if (guarded) body.push({ kind: 'if', condition: isThere, body: inRange });
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
      this.writes.put(at, stores);
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
    this.writes.put(
      at,
      stores.filter(s => !inside.includes(s)),
    );
  }
}

function tilesTimes(a: Size, b: Size): Size {
  const product = timesSize(a, b);
  if (product === undefined) throw new CompileError('HC30', 'the batch stands in a kernel twice: compile with --batch to make it a number');
  return product;
}
