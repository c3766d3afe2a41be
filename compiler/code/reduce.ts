// Parts as loops. A lane alone: accumulators for every combination of the register offsets that the part depends on, all in one
// loop (unroll-and-jam), together with the other parts of the same loop of the nest. Lanes together: each sums its share of one
// axis, then the shares meet in workgroup memory by halves (Harris 2007); barriers stand in uniform control flow because the
// statements of the group's own scope do.
// `rescale` is a licence to run a sum beside its max; here the max simply runs first.
import type { ReduceKind } from '../../dsl/graph.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { partAxes } from '../loops/facts.ts';
import { element, int, lane, less, literal, load, named, operation, sizeExpr, splat, times } from './expressions.ts';
import type { PartPlan, Schedule } from './schedule.ts';
import { type Binding, type Offsets, Scope } from './scope.ts';
import type { Expr, Memory, Statement } from './types.ts';
import type { Values } from './values.ts';

const lowestF32 = -3.4028234663852886e38;

/** What a reduction over nothing gives: 0, or the type's lowest or highest finite number. */
export function identity(kind: ReduceKind, type: ScalarType): number {
  const low = { f32: lowestF32, i32: -2147483648, u32: 0, bool: 0 }[type];
  const high = { f32: -lowestF32, i32: 2147483647, u32: 4294967295, bool: 1 }[type];
  return kind === 'sum' ? 0 : kind === 'max' ? low : high;
}
const join = (kind: ReduceKind, a: Expr, b: Expr): Expr => operation(kind === 'sum' ? 'add' : kind, a, b);

/** The four elements of an accumulator as one. */
function joinElements(kind: ReduceKind, v: Expr): Expr {
  const [x, y, z, w] = [0, 1, 2, 3].map(i => element(v, i)) as [Expr, Expr, Expr, Expr];
  return join(kind, join(kind, x, y), join(kind, z, w));
}

export class Reducer {
  private readonly schedule: Schedule;
  private readonly memories: Memory[];
  private readonly shared = new Map<ScalarType, number>();
  /** Scope in which all lanes of the group stand at one point. */
  together: Scope | undefined;
  values!: Values;

  constructor(schedule: Schedule, memories: Memory[]) {
    this.schedule = schedule;
    this.memories = memories;
  }

  /** Computes a part, and those that share its loop, in the scope where it stands. */
  reduce(part: number, at: Scope): void {
    const { nest } = this.values;
    const members = this.members(part);
    const first = nest.parts[part]!;
    const plan = this.schedule.parts[part]!;
    const split = at === this.together ? plan.split : -1;
    const free = partAxes(first, this.values.free);
    const tiled = [...Array(nest.axes.length).keys()].filter(a => (free >> a) & 1 && at.binding(a).tile > 1);
    const points = this.values.combinations(tiled, at, []);

    const cells = members.flatMap(p => points.map(offsets => ({ part: p, offsets, sum: this.start(p, at, plan) })));
    const { inner, close } = this.loops(plan, split, at);
    for (const { part: p, offsets, sum } of cells) {
      const { kind, of } = nest.parts[p]!;
      const term = this.values.value(of, inner, cleared(offsets, plan.order));
      inner.body.push({ kind: 'set', name: sum.name, value: join(kind, sum, sum.width === 4 ? splat(term) : term) });
    }
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

  private start(part: number, at: Scope, plan: PartPlan): Expr & { readonly kind: 'name' } {
    const { kind, of } = this.values.nest.parts[part]!;
    const { type } = this.values.nest.values[of]!;
    const zero = literal(identity(kind, type), type);
    const wide = plan.vector >= 0 || this.values.vectorAxis(partAxes(this.values.nest.parts[part]!, this.values.free), at) >= 0;
    return this.values.names.variable(at.body, wide ? splat(zero) : zero);
  }

  /** The loops over a part's axes: statements go to `inner`, and after them `close` puts each loop into the one around it, behind what
   *  was found to stand there. */
  private loops(plan: PartPlan, split: number, at: Scope): { inner: Scope; close: () => void } {
    const loops: { outer: Scope; statement: Statement }[] = [];
    let inner = at;
    for (const axis of plan.order) {
      const { extent } = this.values.nest.axes[axis]!;
      const counter = this.values.names.loop();
      const vector = axis === plan.vector;
      const step = vector ? 4 : 1;
      const body: Statement[] = [];
      const from = axis === split ? times(lane, step) : int(0);
      loops.push({
        outer: inner,
        statement: { kind: 'for', name: counter.name, from, to: sizeExpr(extent), step: axis === split ? step * this.schedule.lanes : step, body },
      });
      const binding: Binding = { base: counter, tile: vector ? 4 : 1, vector, extent, last: undefined };
      inner = new Scope(inner, new Map([[axis, binding]]), body);
    }
    return {
      inner,
      close: () => {
        for (const { outer, statement } of loops.reverse()) outer.body.push(statement);
      },
    };
  }

  /** All lanes' shares as one number that every lane knows. */
  private meet(kind: ReduceKind, share: Expr, at: Scope): Expr {
    const { lanes } = this.schedule;
    const memory = this.sharedOf(share.type);
    const read = (i: Expr): Expr => load(memory, i, share.type);
    at.body.push({ kind: 'store', memory, at: lane, value: share }, { kind: 'barrier' });
    for (let half = lanes / 2; half >= 1; half /= 2) {
      const value = join(kind, read(lane), read(operation('add', lane, int(half))));
      at.body.push({ kind: 'if', condition: less(lane, int(half)), body: [{ kind: 'store', memory, at: lane, value }] }, { kind: 'barrier' });
    }
    const result = this.values.names.define(at.body, read(int(0)));
    at.body.push({ kind: 'barrier' }); // the memory is used again
    return named((result as Expr & { readonly kind: 'name' }).name, share.type);
  }
  private sharedOf(type: ScalarType): number {
    let memory = this.shared.get(type);
    if (memory === undefined) {
      memory = this.memories.push({ space: 'shared', type, length: this.schedule.lanes }) - 1;
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
