// Parts as loops. A lane alone: accumulators for every combination of the register offsets that the part depends on, all in one
// loop (unroll-and-jam), together with the other parts of the same loop of the nest. A team of lanes: each sums its share of one
// axis, then the shares meet in workgroup memory by halves (Harris 2007); barriers stand in uniform control flow because the
// statements of the teams' own scope do.
// Long sums of f32 run in blocks, so that errors grow with the block and the number of blocks, not with the length (Higham 1993).
// `rescale` is a licence to run a sum beside its max; here the max simply runs first.
import { isMultiple } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { partAxes } from '../loops/facts.ts';
import { neutral } from '../loops/neutral.ts';
import { element, int, lane, less, literal, load, named, operation, plus, sizeExpr, splat, times } from './expressions.ts';
import type { Chunk, Panels } from './panels.ts';
import type { PartPlan, Schedule } from './schedule.ts';
import { type Binding, type Offsets, Scope } from './scope.ts';
import { firstLane, memberOf } from './teams.ts';
import type { Expr, Memory, Statement } from './types.ts';
import type { Values } from './values.ts';

const join = (kind: ReduceKind, a: Expr, b: Expr): Expr => operation(kind === 'sum' ? 'add' : kind, a, b);

/** The four elements of an accumulator as one. */
function joinElements(kind: ReduceKind, v: Expr): Expr {
  const [x, y, z, w] = [0, 1, 2, 3].map(i => element(v, i)) as [Expr, Expr, Expr, Expr];
  return join(kind, join(kind, x, y), join(kind, z, w));
}

type Name = Expr & { readonly kind: 'name' };
interface Block {
  readonly before: Statement[];
  readonly after: Statement[];
}

export class Reducer {
  private readonly schedule: Schedule;
  private readonly memories: Memory[];
  private readonly shared: Map<ScalarType, number>;
  private readonly countOf: (axis: number) => Expr | undefined;
  /** Scope in which the lanes of a team stand at one point. */
  together: Scope | undefined;
  /** Where parts that have a stage find their operands. */
  panels: Panels | undefined;
  values!: Values;

  /** shared: memories in which lanes meet, by type; added to as they are needed. countOf: positions of an axis where they are fewer than
   *  its extent, as in the last chunk of one. */
  constructor(
    schedule: Schedule,
    memories: Memory[],
    shared = new Map<ScalarType, number>(),
    countOf: (axis: number) => Expr | undefined = () => undefined,
  ) {
    this.schedule = schedule;
    this.memories = memories;
    this.shared = shared;
    this.countOf = countOf;
  }

  /** Computes a part, and those that share its loop, in the scope where it stands. */
  reduce(part: number, at: Scope): void {
    const { nest } = this.values;
    const first = nest.parts[part]!;
    const plan = this.schedule.parts[part]!;
    const split = at === this.together ? plan.split : -1;
    const free = partAxes(first, this.values.free);
    const tiled = [...Array(nest.axes.length).keys()].filter(a => (free >> a) & 1 && at.binding(a).tile > 1);
    const points = this.values.combinations(tiled, at, []);
    const members = this.members(part);

    const cells = members.flatMap(p => points.map(offsets => ({ part: p, offsets, sum: this.start(p, at, at.body, plan) })));
    const { inner, block, close } = this.loops(plan, split, at);
    const given = new Set(plan.stage?.panels.map(p => p.value));
    this.values.assuming(given, () => {
      for (const { part: p, offsets, sum } of cells) {
        const { kind, of } = nest.parts[p]!;
        const add = (to: Name, term: Expr): Statement => ({ kind: 'set', name: to.name, value: join(kind, to, to.width === 4 ? splat(term) : term) });
        const term = this.values.value(of, inner, cleared(offsets, plan.order));
        if (block) {
          const ofBlock = this.start(p, at, block.before, plan);
          inner.body.push(add(ofBlock, term));
          block.after.push(add(sum, ofBlock));
        } else inner.body.push(add(sum, term));
      }
    });
    close();
    for (const { part: p, offsets, sum } of cells) {
      const { kind } = nest.parts[p]!;
      let result: Expr = sum;
      if (plan.vector >= 0) result = this.values.names.define(at.body, joinElements(kind, sum));
      if (split >= 0) result = this.meet(kind, result, at);
      nest.values.forEach((v, i) => {
        if (v.kind === 'part' && v.part === p) at.memo.set(this.values.key(i, at, offsets), result);
      });
    }
  }

  /** Parts of the same loop that can run now: those that don't wait for one of the others. */
  private members(part: number): readonly number[] {
    const { nest, free } = this.values;
    const { parts } = nest;
    const plan = JSON.stringify(this.schedule.parts[part]);
    return (nest.loops.find(l => l.includes(part)) ?? [part]).filter(
      p =>
        parts[p]!.rescale === parts[part]!.rescale &&
        partAxes(parts[p]!, free) === partAxes(parts[part]!, free) &&
        JSON.stringify(this.schedule.parts[p]) === plan,
    );
  }

  /** An accumulator of a part that stands at `at`. */
  private start(part: number, at: Scope, body: Statement[], plan: PartPlan): Name {
    const { kind, of } = this.values.nest.parts[part]!;
    const { type } = this.values.nest.values[of]!;
    const zero = literal(neutral(kind, type), type);
    const wide = plan.vector >= 0 || this.values.vectorAxis(partAxes(this.values.nest.parts[part]!, this.values.free), at) >= 0;
    return this.values.names.variable(body, wide ? splat(zero) : zero);
  }

  /** The loops over a part's axes: statements go to `inner`, and after them `close` puts each loop into the one around it, behind what
   *  was found to stand there. `block`: what stands before and after the innermost loop when that runs over a block of its axis. */
  private loops(plan: PartPlan, split: number, at: Scope): { inner: Scope; block: Block | undefined; close: () => void } {
    const { names, nest } = this.values;
    const loops: { outer: Statement[]; statement: Statement; after: Statement[] }[] = [];
    let inner = at;
    let block: Block | undefined;
    let chunk: Chunk | undefined;
    for (const axis of plan.order) {
      const { extent } = nest.axes[axis]!;
      const counter = names.loop();
      const step = axis === plan.vector ? 4 : 1;
      const last = this.countOf(axis) ?? sizeExpr(extent);
      const { team, lanes } = this.schedule;
      let from = axis === split ? times(memberOf(team, lanes), step) : int(0);
      let to = last;
      let outer = inner.body;
      const after: Statement[] = [];
      if (plan.block > 0 && axis === plan.order.at(-1) && axis !== split) {
        const start = names.loop();
        const before: Statement[] = [];
        loops.push({ outer, statement: { kind: 'for', name: start.name, from, to: last, step: plan.block, body: before }, after: [] });
        from = start;
        to = operation('min', plus(start, int(plan.block)), last);
        outer = before;
        block = { before, after };
      }
      if (plan.stage && axis === plan.order.at(-1)) {
        const start = names.loop();
        const copies: Statement[] = [];
        const isWhole = this.countOf(axis) === undefined && isMultiple(extent, plan.stage.chunk);
        chunk = { axis, start, count: isWhole ? undefined : last };
        this.panels!.fill(plan.stage, chunk, inner, copies);
        loops.push({ outer, statement: { kind: 'for', name: start.name, from, to: last, step: plan.stage.chunk, body: copies }, after: [] });
        copies.push({ kind: 'barrier' });
        after.push({ kind: 'barrier' });
        const end = plus(start, int(plan.stage.chunk));
        from = start;
        to = isWhole ? end : operation('min', end, last);
        outer = copies;
      }
      const body: Statement[] = [];
      const statement: Statement = { kind: 'for', name: counter.name, from, to, step: axis === split ? step * team.size : step, body };
      loops.push({ outer, statement, after });
      const binding: Binding = { base: counter, tile: step, vector: axis === plan.vector, extent, last: undefined };
      inner = new Scope(inner, new Map([[axis, binding]]), body);
    }
    if (chunk) this.panels!.read(plan.stage!, chunk, inner, at);
    return {
      inner,
      block,
      close: () => {
        for (const { outer, statement, after } of loops.reverse()) outer.push(statement, ...after);
      },
    };
  }

  /** The shares of a team's lanes as one number that each of them knows. */
  private meet(kind: ReduceKind, share: Expr, at: Scope): Expr {
    const { lanes, team } = this.schedule;
    const member = at.keep(memberOf(team, lanes), this.values.names);
    const memory = this.sharedOf(share.type);
    const read = (i: Expr): Expr => load(memory, i, share.type);
    at.body.push({ kind: 'store', memory, at: lane, value: share }, { kind: 'barrier' });
    for (let half = team.size / 2; half >= 1; half /= 2) {
      const value = join(kind, read(lane), read(operation('add', lane, int(half * team.stride))));
      at.body.push({ kind: 'if', condition: less(member, int(half)), body: [{ kind: 'store', memory, at: lane, value }] }, { kind: 'barrier' });
    }
    const result = this.values.names.define(at.body, read(firstLane(team, lanes)));
    at.body.push({ kind: 'barrier' }); // the memory is used again
    return named((result as Name).name, share.type);
  }
  private sharedOf(type: ScalarType): number {
    let memory = this.shared.get(type);
    if (memory === undefined) {
      memory = this.memories.push({ space: 'shared', type, length: this.schedule.lanes, vector: false }) - 1;
      this.shared.set(type, memory);
    }
    return memory;
  }
}

/** Offsets without those of axes that a loop binds anew. */
function cleared(offsets: Offsets, axes: readonly number[]): Offsets {
  const out = [...offsets];
  for (const a of axes) out[a] = 0;
  return out;
}
