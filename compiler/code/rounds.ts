// Register tiles of a group's tile, numbered together and taken by lanes (or by teams of them) in rounds that all of them go through: what
// stands inside may have barriers. Who has no tile in the last round, or one beyond the end of an axis, does the work of the last one
// again and stores nothing.
import { isMultiple, type Size } from '../../common/size.ts';
import { dividedBy, int, less, modulo, operation, plus, times } from './expressions.ts';
import type { AxisPlan } from './schedule.ts';
import { type Binding, define, type Names, Scope } from './scope.ts';
import type { Expr, Statement } from './types.ts';

/** Where a group stands along a grid axis: positions 0 ≤ axis < count of its tile. */
export interface Span {
  readonly tile: number;
  readonly extent: Size;
  readonly count: Expr;
}
/** Do register tiles of so many positions end where the span does? */
export const isWholeIn = (span: Span, tile: number): boolean => span.tile % tile === 0 && isMultiple(span.extent, tile);

export interface Rounds {
  readonly scope: Scope;
  /** Where the tile of a lane begins on each axis, beyond the end of the span or not. */
  readonly starts: ReadonlyMap<number, Expr>;
  /** What must hold for the tile to be stored. */
  readonly guard: Expr | undefined;
  readonly close: () => void;
}

/** taker: the number of a lane, or of its team, of `takers`. */
export function inRounds(root: Scope, axes: readonly AxisPlan[], spanOf: (axis: number) => Span, names: Names, taker: Expr, takers: number): Rounds {
  const count = axes.reduce((n, a) => n * Math.ceil(spanOf(a.axis).tile / a.tile), 1);
  const body: Statement[] = count > takers ? [] : root.body;
  const counter = count > takers ? names.loop() : undefined;
  const conditions: Expr[] = [];
  let rest = takers === 1 && counter ? counter : counter ? define(names, body, plus(counter, taker)) : taker;
  if (count % takers !== 0) {
    conditions.push(less(rest, int(count)));
    rest = define(names, body, operation('min', rest, int(count - 1)));
  }
  const bindings = new Map<number, Binding>();
  const starts = new Map<number, Expr>();
  [...axes].reverse().forEach(({ axis, tile, vector }, i) => {
    const span = spanOf(axis);
    const tiles = Math.ceil(span.tile / tile);
    const isLast = i === axes.length - 1;
    const start = define(names, body, times(isLast ? rest : modulo(rest, tiles), tile));
    if (!isLast) rest = define(names, body, dividedBy(rest, tiles));
    const isRagged = !isWholeIn(span, tile);
    const isCut = span.count.kind !== 'literal';
    // the last position, of a vector its start; where all tiles are whole, the start of the last one
    const last = isRagged || isCut ? define(names, body, plus(span.count, int(isRagged ? (vector ? -4 : -1) : -tile))) : undefined;
    if (isCut) conditions.push(less(start, span.count));
    const base = isCut ? define(names, body, operation('min', start, last!)) : start;
    starts.set(axis, start);
    bindings.set(axis, { base, tile, vector, extent: span.extent, last: tile > 1 && isRagged ? last : undefined });
  });
  // what depends on no axis stands in the scope around all of them
  const scope = axes.length === 0 ? root : new Scope(root, bindings, body);
  return {
    scope,
    starts,
    guard: conditions.length > 0 ? conditions.reduce((a, b) => operation('and', a, b)) : undefined,
    close: () => {
      if (counter) root.body.push({ kind: 'for', name: counter.name, from: int(0), to: int(count), step: takers, body });
    },
  };
}
