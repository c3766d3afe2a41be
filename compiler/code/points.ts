// The points of a phase as a lane goes through them. Where a lane is its own group it has a loop for each axis. Lanes that share a group take
// register tiles by number: each goes through its own, or, where they meet inside (teams, staged operands), all of them go in rounds.
import { dividedBy, int, lane, less, modulo, operation, plus, times } from './expressions.ts';
import { inRounds, isWholeIn, type Span } from './rounds.ts';
import { type AxisPlan, isStaged, type Schedule } from './schedule.ts';
import { type Binding, define, type Names, Scope } from './scope.ts';
import { teamOf } from './teams.ts';
import type { Expr, Statement } from './types.ts';

/** Code at a point. */
export interface Points {
  readonly scope: Scope;
  /** What must hold for the point to be stored. */
  readonly guard?: Expr | undefined;
  /** Where lanes go in rounds: the beginning of the lane's register tile on each axis. */
  readonly starts?: ReadonlyMap<number, Expr>;
  /** Puts what was written at the point into its loops, and those into the root. */
  readonly close: () => void;
}

/** sharing: lanes that share the points; 1: each lane is a group. */
export function pointsOf(root: Scope, plan: Schedule, spanOf: (axis: number) => Span, names: Names, sharing: number): Points {
  const { axes, team } = plan;
  if (sharing === 1) return looped(root, axes, spanOf, names);
  if (isStaged(plan)) return inRounds(root, axes, spanOf, names, lane, sharing);
  if (team.size === 1) return dealt(root, axes, spanOf, names, sharing);
  return inRounds(root, axes, spanOf, names, teamOf(team, sharing), sharing / team.size);
}

/** One loop an axis. */
function looped(root: Scope, axes: readonly AxisPlan[], spanOf: (axis: number) => Span, names: Names): Points {
  const loops: { outer: Scope; statement: Statement }[] = [];
  let scope = root;
  for (const axis of axes) {
    const span = spanOf(axis.axis);
    const counter = names.loop();
    const body: Statement[] = [];
    loops.push({ outer: scope, statement: { kind: 'for', name: counter.name, from: int(0), to: span.count, step: axis.tile, body } });
    scope = new Scope(scope, new Map([[axis.axis, binding(axis, span, counter, names, scope.body)]]), body);
  }
  return {
    scope,
    close: () => {
      for (const { outer, statement } of loops.reverse()) outer.body.push(statement);
    },
  };
}
/** Register tiles of all axes numbered together, and dealt out to the lanes. */
function dealt(root: Scope, axes: readonly AxisPlan[], spanOf: (axis: number) => Span, names: Names, sharing: number): Points {
  const counter = names.loop();
  const body: Statement[] = [];
  const bindings = new Map<number, Binding>();
  const conditions: Expr[] = [];
  let rest: Expr = counter;
  let count = 1;
  [...axes].reverse().forEach((axis, i) => {
    const span = spanOf(axis.axis);
    const tiles = Math.ceil(span.tile / axis.tile);
    const last = i === axes.length - 1;
    const base = define(names, body, times(last ? rest : modulo(rest, tiles), axis.tile));
    if (!last) rest = define(names, body, dividedBy(rest, tiles));
    bindings.set(axis.axis, binding(axis, span, base, names, root.body));
    if (span.count.kind !== 'literal') conditions.push(less(base, span.count));
    count *= tiles;
  });
  const guarded: Statement[] = conditions.length > 0 ? [] : body;
  if (conditions.length > 0) body.push({ kind: 'if', condition: conditions.reduce((a, b) => operation('and', a, b)), body: guarded });
  return {
    scope: new Scope(root, bindings, guarded),
    close: () => void root.body.push({ kind: 'for', name: counter.name, from: lane, to: int(count), step: sharing, body }),
  };
}
function binding({ tile, vector }: AxisPlan, span: Span, base: Expr, names: Names, body: Statement[]): Binding {
  const last = tile > 1 && !isWholeIn(span, tile) ? define(names, body, plus(span.count, int(vector ? -4 : -1))) : undefined;
  return { base, tile, vector, extent: span.extent, last };
}
