// L1 and a tile schedule → L2: a group finds its tile, then runs the phases of the kernel (phases.ts) one after the other. Lanes that
// share workgroup memory deal out the points of each phase and meet at a barrier where one reads what another wrote; where a lane is
// its own group, tables are its own arrays and points are loops.
import type { Grid } from '../../common/program.ts';
import { isDynamic, isMultiple, type Size } from '../../common/size.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { axisSet } from '../loops/facts.ts';
import type { Tiling } from '../loops/fuse/cost.ts';
import { machineOf } from '../loops/fuse/machine.ts';
import { scheduleNest } from '../loops/fuse/search.ts';
import type { LoopNest } from '../loops/types.ts';
import { inBlocks } from './blocks.ts';
import { Scratch } from './epilogue.ts';
import { dividedBy, group, int, lane, less, modulo, operation, plus, sizeExpr, times } from './expressions.ts';
import { codeOf, type GenerateOptions, generate } from './generate.ts';
import type { CutAxis } from './layout.ts';
import { checkLimits } from './limits.ts';
import { PanelMemories, Panels } from './panels.ts';
import { type Phase, type Phases, phasesOf, type Sweep, tablesOf } from './phases.ts';
import { pointsOf } from './points.ts';
import { Reducer } from './reduce.ts';
import type { Span } from './rounds.ts';
import { isStaged, phaseSchedule, schedule } from './schedule.ts';
import { type Binding, define, Names, Scope } from './scope.ts';
import { Stores } from './stores.ts';
import type { Capability, Code, Expr, Memory, Statement } from './types.ts';
import { Values } from './values.ts';
import { chooseVectorMemories } from './vectorise.ts';
import { countStatements } from './walk.ts';

/** Structured code for a fused nest. Register tiles shrink until the text is within the target's limit.
 *  @throws CompileError HC31, HC32, HC36 when the target cannot take the kernel (limits.ts). */
export function generateFused(nest: LoopNest, tiles: Tiling, capability: Capability, options: GenerateOptions): Code {
  const blocks = tiles.places.every(p => p === 'inline') ? inBlocks(nest, capability) : undefined;
  const isOneLoop = !blocks && isPlain(nest, tiles);
  const phases = isOneLoop && !mayStage(nest, capability) ? undefined : phasesOf(nest, blocks ?? tiles);
  for (let { registers } = capability; ; registers = Math.floor(registers / 2)) {
    const narrow = { ...capability, registers };
    const inPhases = phases && inPhasesOf(nest, phases, narrow, options);
    const code = inPhases && (inPhases.staged || !isOneLoop) ? inPhases.code : codeOf(nest, schedule(nest, narrow), options);
    if (registers > 1 && countStatements(code.body) > capability.statements) continue;
    checkLimits(code, capability);
    return code;
  }
}

/** Structured code for a nest that fusion has not seen, in blocks as a fused one. Where lanes meet and it is one loop over its points, it may be staged, with the
 *  tiles that a fused kernel of it would have.
 *  @throws CompileError as `generate` does. */
export function generateUnfused(nest: LoopNest, capability: Capability, options: GenerateOptions): Code {
  const blocks = inBlocks(nest, capability);
  if (blocks) return generateFused(nest, blocks, capability, options);
  const tiles = mayStage(nest, capability) ? scheduleNest(nest, machineOf(capability), tilingBatch) : undefined;
  return tiles && isPlain(nest, tiles)
    ? generateFused(nest, tiles, capability, options)
    : generate(nest, schedule(nest, capability), capability, options);
}
/** The batch that tiles are chosen for; they are valid at any. */
const tilingBatch = 8;
const mayStage = (nest: LoopNest, { sharedBytes, lanes }: Capability): boolean => sharedBytes > 0 && lanes > 1 && nest.parts.length > 0;

/** A kernel in phases; staged: do lanes copy operands into workgroup memory? */
function inPhasesOf(
  nest: LoopNest,
  phases: Phases,
  capability: Capability,
  options: GenerateOptions,
): { readonly code: Code; readonly staged: boolean } {
  const generator = new FusedGenerator(nest, phases, capability, options);
  return { code: generator.code(), staged: generator.staged };
}

/** One loop over its points is all that the kernel is: nothing to keep between loops, and nothing that only some groups do. */
const isPlain = (nest: LoopNest, tiles: Tiling): boolean =>
  tiles.places.every(p => p === 'inline') && nest.stores.every(s => axisSet(s.axes) === axisSet(nest.stores[0]!.axes));

class FusedGenerator {
  private readonly nest: LoopNest;
  private readonly cut: Phases;
  private readonly capability: Capability;
  private readonly options: GenerateOptions;
  private readonly memories: Memory[];
  private readonly meetings = new Map<ScalarType, number>();
  private readonly scratch: Scratch;
  private readonly names = new Names();
  private readonly highs = new Map<number, Binding>();
  private readonly spans = new Map<number, Span>();
  /** Tables that lanes read and wrote since they last met. */
  private readonly pending = { reads: new Set<number>(), writes: new Set<number>() };
  /** Lanes that share the points of a group; 1: each lane is a group. */
  private readonly sharing: number;
  /** Lanes can meet inside sums: they do so in memory of their own, one a type. */
  private readonly meets: boolean;
  private readonly panels: PanelMemories;
  /** Has some phase copied operands into workgroup memory? */
  staged = false;

  constructor(nest: LoopNest, cut: Phases, capability: Capability, options: GenerateOptions) {
    this.nest = nest;
    this.cut = cut;
    this.capability = capability;
    this.options = options;
    this.sharing = capability.sharedBytes > 0 ? capability.lanes : 1;
    this.memories = [
      ...nest.buffers.map((b): Memory => ({ space: 'storage', dtype: b.dtype, written: b.written, vector: false })),
      ...cut.tables.map((t): Memory => (this.sharing > 1 ? { space: 'shared', ...t, vector: false } : { space: 'private', ...t })),
    ];
    this.scratch = new Scratch(this.memories);
    const left = capability.sharedBytes / 4 - cut.tables.reduce((n, t) => n + t.length, 0);
    const meetings = this.sharing * new Set(nest.parts.map(p => nest.values[p.of]!.type)).size;
    this.meets = left >= meetings;
    this.panels = new PanelMemories(this.memories, this.meets ? left - meetings : left);
  }

  code(): Code {
    const body: Statement[] = [];
    const { grid, inside } = this.place(body);
    for (const step of this.cut.steps) {
      if ('over' in step) this.sweep(step, inside);
      else this.step(step, inside);
    }
    return chooseVectorMemories({ memories: this.memories, lanes: this.capability.lanes, grid, body });
  }

  // ---- the grid
  /** Finds the tile of this group; statements of the kernel go `inside`. Nothing is divided by the batch: its axis is outermost. */
  private place(body: Statement[]): { grid: Grid; inside: Statement[] } {
    const { lanes } = this.capability;
    const alone = this.sharing > 1 || lanes === 1; // a group is one tile
    const [outer, ...rest] = this.cut.grid;
    const dynamic = outer !== undefined && isDynamic(this.extent(outer));
    const fixed = dynamic ? rest : this.cut.grid;
    if (fixed.some(g => isDynamic(this.extent(g))))
      throw new CompileError('HC30', 'the batch stands in a kernel twice: compile with --batch to make it a number');
    const count = fixed.reduce((n, g) => n * this.tilesOf(g), 1);
    let at: Expr;
    let grid: Grid;
    let guard: Expr | undefined;
    if (dynamic) {
      // lanes that are groups go along the batch, for its number of tiles is known only at run time
      const tile = count === 1 ? group : define(this.names, body, dividedBy(group, count));
      const outermost = define(this.names, body, alone ? tile : plus(times(tile, lanes), lane));
      grid = { count, of: this.extent(outer), per: alone ? outer.tile : outer.tile * lanes };
      at = modulo(group, count);
      if (!alone) guard = less(times(outermost, outer.tile), sizeExpr(this.extent(outer)));
      this.highs.set(outer.high, bound(outermost));
    } else {
      at = alone ? group : plus(times(group, lanes), lane);
      grid = { count: 1, of: count, per: alone ? 1 : lanes };
      if (!alone && count % lanes !== 0) guard = less(at, int(count));
    }
    at = define(this.names, body, at);
    const inside: Statement[] = guard ? [] : body;
    [...fixed].reverse().forEach((g, i) => {
      const tiles = this.tilesOf(g);
      const last = i === fixed.length - 1;
      this.highs.set(g.high, bound(define(this.names, inside, last ? at : modulo(at, tiles))));
      if (!last) at = define(this.names, inside, dividedBy(at, tiles));
    });
    for (const g of this.cut.grid) this.spans.set(g.axis, this.span(g, inside));
    if (guard) body.push({ kind: 'if', condition: guard, body: inside });
    return { grid, inside };
  }
  private extent(g: CutAxis): Size {
    return this.nest.axes[g.axis]!.extent;
  }
  private tilesOf(g: CutAxis): number {
    return Math.max(1, Math.ceil((this.extent(g) as number) / g.tile));
  }
  private chunksOf(over: CutAxis): Expr {
    const extent = this.extent(over);
    return isDynamic(extent) ? dividedBy(plus(sizeExpr(extent), int(over.tile - 1)), over.tile) : int(this.tilesOf(over));
  }
  private span(g: CutAxis, body: Statement[]): Span {
    const extent = this.extent(g);
    const { tile, high } = g;
    if (isMultiple(extent, tile)) return { tile, extent, count: int(tile) };
    const left = plus(sizeExpr(extent), times(this.highs.get(high)!.base, -tile));
    return { tile, extent, count: define(this.names, body, operation('min', int(tile), left)) };
  }

  // ---- phases
  /** A phase, after lanes have met if it reads what another one wrote, or writes what another one reads. */
  private step(phase: Phase, body: Statement[]): void {
    const { pending } = this;
    const { reads, writes } = tablesOf(phase, this.nest.buffers.length);
    const waits = [...reads, ...writes].some(t => pending.writes.has(t)) || [...writes].some(t => pending.reads.has(t));
    if (waits) this.meet(body);
    for (const t of reads) pending.reads.add(t);
    for (const t of writes) pending.writes.add(t);
    body.push(...this.phase(phase));
  }
  private meet(body: Statement[]): void {
    if (this.sharing > 1) body.push({ kind: 'barrier' });
    this.pending.reads.clear();
    this.pending.writes.clear();
  }
  /** A loop over the chunks of an axis; lanes meet before each, for it fills the tables that the last one read. */
  private sweep({ over, phases }: Sweep, outer: Statement[]): void {
    const counter = this.names.loop();
    const body: Statement[] = [];
    this.highs.set(over.high, bound(counter));
    this.spans.set(over.axis, this.span(over, body));
    this.meet(body);
    for (const phase of phases) this.step(phase, body);
    outer.push({ kind: 'for', name: counter.name, from: int(0), to: this.chunksOf(over), step: 1, body });
  }
  private phase(phase: Phase): readonly Statement[] {
    const { nest } = phase;
    const tiled = (axis: number): Span | undefined => (nest.axes[axis]!.extent !== this.nest.axes[axis]!.extent ? this.spans.get(axis) : undefined);
    const ragged = [...this.spans].reduce((set, [a, { extent }]) => (tiled(a) && !isMultiple(extent, 4) ? set | (1 << a) : set), 0);
    const plan = phaseSchedule(nest, this.capability, ragged, this.sharing, { meets: this.meets, fits: stage => this.panels.fits(stage) });
    const reducer = new Reducer(plan, this.memories, this.meetings, axis => tiled(axis)?.count);
    const values = new Values(nest, this.options.scalarIndex, (part, at) => reducer.reduce(part, at), this.names);
    reducer.values = values;
    const tables = new Set(this.cut.tables.map((_, t) => this.nest.buffers.length + t));
    const { reads, writes: written } = tablesOf(phase, this.nest.buffers.length);
    const rewrites = [...written].some(t => reads.has(t));
    const writes = new Stores(plan, values, this.scratch, tables, rewrites);

    const body: Statement[] = [];
    const root = new Scope(undefined, this.highs, body);
    const spanOf = (axis: number): Span => {
      const { extent } = nest.axes[axis]!;
      return tiled(axis) ?? { tile: extent as number, extent, count: int(extent as number) };
    };
    const points = pointsOf(root, plan, spanOf, this.names, this.sharing);
    if (plan.team.size > 1) reducer.together = points.scope;
    if (isStaged(plan)) {
      this.staged = true;
      reducer.panels = new Panels(values, this.panels, spanOf, points.starts!, this.sharing);
    }
    writes.guard = points.guard;
    writes.put(points.scope, nest.stores);
    points.close();
    const conditions = phase.first.map(high => operation('eq', this.highs.get(high)!.base, int(0)));
    return conditions.length > 0 ? [{ kind: 'if', condition: conditions.reduce((a, b) => operation('and', a, b)), body }] : body;
  }
}
const bound = (base: Expr): Binding => ({ base, tile: 1, vector: false, extent: 1, last: undefined });
