// Where values live. A scope is a list of statements and the axes that its loop (or the grid) binds; a value is put into the
// outermost scope that binds an axis it depends on, so that what doesn't change in a loop is computed before it. A binding may
// stand for several neighbouring positions (a register tile: unroll-and-jam, Callahan, Carr & Kennedy 1990): a value exists once
// for each combination of the offsets that it depends on, so that in x[n, k]·w[o, k] a tile of 4×4 loads x four times, not sixteen.
import type { Size } from '../../common/size.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import type { AxisSet } from '../loops/facts.ts';
import { exprKey, int, named, operation, plus } from './expressions.ts';
import type { Expr, Statement } from './types.ts';

/** An axis in a scope: positions base … base + tile − 1. */
export interface Binding {
  readonly base: Expr;
  readonly tile: number;
  /** Values along the axis are 4-wide; base and tile are multiples of 4. */
  readonly vector: boolean;
  readonly extent: Size;
  /** The last position (of a vector: its start), when the tile may reach beyond it: positions are clamped to it, and stores guarded. */
  readonly last: Expr | undefined;
}

/** Offset of a point within the register tile, by axis. */
export type Offsets = readonly number[];

export class Scope {
  readonly up: Scope | undefined;
  readonly depth: number;
  readonly body: Statement[];
  readonly axes: AxisSet;
  private readonly bindings: ReadonlyMap<number, Binding>;
  /** Values by number and offsets. */
  readonly memo = new Map<string, Expr>();
  private readonly kept = new Map<string, Expr>();

  constructor(up: Scope | undefined, bindings: ReadonlyMap<number, Binding>, body: Statement[]) {
    this.up = up;
    this.depth = up ? up.depth + 1 : 0;
    this.bindings = bindings;
    this.body = body;
    this.axes = [...bindings.keys()].reduce((set, a) => set | (1 << a), 0);
  }

  /** The outermost scope in which something that depends on these axes can stand. */
  placeOf(axes: AxisSet): Scope {
    let at: Scope = this;
    while (at.up && (at.axes & axes) === 0) at = at.up;
    return at;
  }
  binding(axis: number): Binding {
    const found = this.findBinding(axis);
    if (!found) throw new Error(`axis ${axis} is bound by no loop`);
    return found;
  }
  findBinding(axis: number): Binding | undefined {
    for (let at: Scope | undefined = this; at; at = at.up) {
      const found = at.bindings.get(axis);
      if (found) return found;
    }
    return undefined;
  }
  /** Names the expression here; equal ones get one name. Literals and names stay as they are. */
  keep(e: Expr, names: Names, prefix = 'i'): Expr {
    if (e.kind === 'literal' || e.kind === 'name') return e;
    const key = exprKey(e);
    let name = this.kept.get(key);
    if (!name) {
      name = names.define(this.body, e, prefix);
      this.kept.set(key, name);
    }
    return name;
  }
}

/** Fresh names: a letter, an underscore and a number, which is nobody's keyword. */
export class Names {
  private next = 0;
  fresh(prefix: string): string {
    return `${prefix}_${this.next++}`;
  }
  /** `let` of an expression. */
  define(body: Statement[], value: Expr, prefix = 'v'): Expr {
    const name = this.fresh(prefix);
    body.push({ kind: 'let', name, value });
    return named(name, value.type, value.width);
  }
  variable(body: Statement[], value: Expr, prefix = 'a'): Expr & { readonly kind: 'name' } {
    const name = this.fresh(prefix);
    body.push({ kind: 'var', name, value });
    return { kind: 'name', name, type: value.type, width: value.width };
  }
  loop(): Expr & { readonly kind: 'name' } {
    return { kind: 'name', name: this.fresh('k'), type: 'i32' satisfies ScalarType, width: 1 };
  }
}

/** The steps of a tile: each position, or each vector of four. */
export const tileSteps = (b: Binding): readonly number[] =>
  b.vector ? Array.from({ length: b.tile / 4 }, (_, i) => 4 * i) : Array.from({ length: b.tile }, (_, i) => i);

/** A position of a binding as an expression, clamped to the extent. */
export function positionOf(b: Binding, offset: number): Expr {
  const at = plus(b.base, int(offset));
  return b.last && offset > 0 ? operation('min', at, b.last) : at;
}

/** A name for what is used more than once; literals, names and the group's number stay as they are. */
export const define = (names: Names, body: Statement[], e: Expr): Expr =>
  e.kind === 'literal' || e.kind === 'name' || e.kind === 'group' ? e : names.define(body, e, 'g');
