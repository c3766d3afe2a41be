// Values of a nest as expressions: each is computed once in the outermost scope where it can stand, for each combination of the
// register offsets that it depends on. Values used once stay inside the expression of their user. Parts are handed to `reduce`.

import { indexValues } from '../loops/affine.ts';
import { type AxisSet, freeAxes, indexAxes, operands, scope as reach } from '../loops/facts.ts';
import type { Index, LoopNest, Val } from '../loops/types.ts';
import { dividedBy, element, folded, int, literal, load, modulo, operation, plus, sizeExpr, times, vector } from './expressions.ts';
import { Names, type Offsets, positionOf, type Scope, tileSteps } from './scope.ts';
import { isContiguous, strideIn } from './strides.ts';
import type { Expr } from './types.ts';

/** Expressions deeper than this are named, whatever they are used for: text stays readable and renderers' recursion short. */
const deepest = 8;
const ofPart = -2;

export class Values {
  readonly nest: LoopNest;
  readonly free: readonly AxisSet[];
  readonly names: Names;
  private readonly uses: readonly number[];
  /** The one op that uses a value; `ofPart` when that is a part; −1 when there is none or more. */
  private readonly user: readonly number[];
  private needs = new Map<number, readonly number[]>();
  private given: ReadonlySet<number> = new Set();
  private readonly depth = new WeakMap<Expr, number>();
  private readonly scalarIndex: (name: string) => number;
  private readonly reduce: (part: number, at: Scope, offsets: Offsets) => void;

  /** reduce: puts a part (for all register offsets that it depends on) into a scope's memo, under `key`. */
  constructor(
    nest: LoopNest,
    scalarIndex: (name: string) => number,
    reduce: (part: number, at: Scope, offsets: Offsets) => void,
    names = new Names(),
  ) {
    this.nest = nest;
    this.names = names;
    this.free = freeAxes(nest);
    this.scalarIndex = scalarIndex;
    this.reduce = reduce;
    const uses = nest.values.map(() => 0);
    const user = nest.values.map(() => -1);
    nest.values.forEach((v, i) => {
      for (const a of operands(v)) {
        uses[a]!++;
        if (v.kind === 'op') user[a] = i;
      }
    });
    for (const p of nest.parts) {
      uses[p.of]!++;
      user[p.of] = ofPart;
    }
    for (const s of nest.stores) for (const v of [s.value, ...indexValues(s.at)]) uses[v]!++;
    this.uses = uses;
    this.user = user.map((u, v) => (uses[v] === 1 ? u : -1));
  }

  /** The value at a point of the tile: width 4 where it depends on a vector axis and isn't the same along it. */
  value(v: number, at: Scope, offsets: Offsets): Expr {
    const known = this.find(v, at, offsets);
    if (known) return known;
    let needs = this.needs.get(v);
    if (!needs) {
      needs = reach(this.nest.values, [v], this.given);
      this.needs.set(v, needs);
    }
    for (const u of needs) if (!this.find(u, at, offsets)) this.compute(u, at, offsets);
    return this.find(v, at, offsets)!;
  }

  /** Computes something where scopes know some values already: what those are made from is not asked for. */
  assuming(given: ReadonlySet<number>, compute: () => void): void {
    const { given: before, needs } = this;
    this.given = given;
    this.needs = new Map();
    compute();
    this.given = before;
    this.needs = needs;
  }

  /** Names a value by the offsets that it depends on, at the place where it stands. */
  key(v: number, place: Scope, offsets: Offsets): string {
    let key = `${v}`;
    for (let a = 0; this.free[v]! >>> a !== 0; a++) {
      if (((this.free[v]! >> a) & 1) === 0 || !offsets[a]) continue;
      const { vector } = place.binding(a);
      key += `,${a}+${vector ? offsets[a]! - (offsets[a]! % 4) : offsets[a]}`;
    }
    return key;
  }
  private find(v: number, at: Scope, offsets: Offsets): Expr | undefined {
    const place = at.placeOf(this.free[v]!);
    return place.memo.get(this.key(v, place, offsets));
  }

  private compute(v: number, at: Scope, offsets: Offsets): void {
    const value = this.nest.values[v]!;
    const place = at.placeOf(this.free[v]!);
    if (value.kind === 'part') {
      this.reduce(value.part, place, offsets);
      return;
    }
    const e = this.expression(value, place, this.free[v]!, offsets);
    place.memo.set(this.key(v, place, offsets), this.staysInline(v, value, e, at, place) ? e : this.names.define(place.body, e));
  }
  private staysInline(v: number, value: Val, e: Expr, at: Scope, place: Scope): boolean {
    if (e.kind === 'literal' || e.kind === 'name') return true;
    const depth = value.kind === 'op' ? 1 + Math.max(...(e.kind === 'op' ? e.args : []).map(a => this.depth.get(a) ?? 0)) : 1;
    this.depth.set(e, depth);
    const user = this.user[v]!;
    if (value.kind === 'load' || this.uses[v] !== 1 || user === -1 || depth >= deepest) return false;
    if (user === ofPart) return at === place; // asked for once at each point of the loop
    // computed as often as its user is, not more often
    return at.placeOf(this.free[user]!) === place && this.tiled(this.free[user]!, place) === this.tiled(this.free[v]!, place);
  }
  /** Those of the axes that have register tiles. */
  private tiled(axes: AxisSet, at: Scope): AxisSet {
    let set = 0;
    for (let a = 0; axes >>> a !== 0; a++) if ((axes >> a) & 1 && at.binding(a).tile > 1) set |= 1 << a;
    return set;
  }

  private expression(value: Val, place: Scope, free: AxisSet, offsets: Offsets): Expr {
    switch (value.kind) {
      case 'const':
        return literal(value.value, value.type);
      case 'size':
        return sizeExpr(value.size);
      case 'scalar':
        return { kind: 'scalar', index: this.scalarIndex(value.name), type: value.type, width: 1 };
      case 'index':
        return this.index(value.at, place, offsets, free);
      case 'op': {
        const args: Expr[] = value.args.map(a => this.find(a, place, offsets)!);
        const known = folded(value.prim, args);
        if (known) return known;
        // WGSL evaluates what is all literals when it compiles, and refuses overflow: a name makes it run-time arithmetic
        if (!args.some(a => a.kind !== 'literal')) args[0] = this.names.define(place.body, args[0]!);
        return operation(value.prim, ...args);
      }
      case 'load':
        return this.loadOf(value, place, free, offsets);
      case 'part':
        throw new Error('parts are reduced, not computed');
    }
  }

  /** The axis of those along which values are vectors here; −1 when none. */
  vectorAxis(axes: AxisSet, at: Scope): number {
    for (let a = 0; axes >>> a !== 0; a++) if ((axes >> a) & 1 && at.binding(a).vector) return a;
    return -1;
  }

  private loadOf(value: Val & { readonly kind: 'load' }, place: Scope, free: AxisSet, offsets: Offsets): Expr {
    const when = value.when < 0 ? undefined : this.find(value.when, place, offsets)!;
    const fetch = (at: Expr, condition: Expr | undefined, width: 1 | 4): Expr => {
      if (!condition) return load(value.buffer, at, value.type, width);
      if (condition.kind === 'literal') return condition.value === 0 ? literal(value.other, value.type) : load(value.buffer, at, value.type, width);
      const safe = operation('select', condition, at, int(0));
      return operation('select', condition, load(value.buffer, safe, value.type, width), literal(value.other, value.type));
    };
    const axis = this.vectorAxis(free, place);
    if (axis < 0) return fetch(this.address(value.at, place, offsets), when, 1);
    const start = withOffset(offsets, axis, (offsets[axis] ?? 0) - ((offsets[axis] ?? 0) % 4));
    if (!when || when.width === 1) {
      if (strideIn(value.at, axis, this.free) === 0) return fetch(this.address(value.at, place, start), when, 1);
      if (isContiguous(value.at, axis, this.free)) return fetch(this.address(value.at, place, start), when, 4);
    }
    return vector(
      [0, 1, 2, 3].map(j => fetch(this.address(value.at, place, withOffset(start, axis, start[axis]! + j)), when && element(when, j), 1)),
    );
  }

  private index(x: Index, place: Scope, offsets: Offsets, free: AxisSet): Expr {
    const axis = this.vectorAxis(free, place);
    if (axis < 0 || strideIn(x, axis, this.free) === 0) return this.address(x, place, offsets);
    const start = (offsets[axis] ?? 0) - ((offsets[axis] ?? 0) % 4);
    return vector([0, 1, 2, 3].map(j => this.address(x, place, withOffset(offsets, axis, start + j))));
  }

  /** An index at one position, as a scalar. What belongs to outer scopes is summed and named there. */
  address(x: Index, at: Scope, offsets: Offsets): Expr {
    const sums = new Map<Scope, Expr>();
    let constant = x.constant;
    for (const { times: by, atom } of x.terms) {
      const place = at.placeOf(indexAxes({ constant: 0, terms: [{ times: 1, atom }] }, this.free));
      let e: Expr;
      switch (atom.kind) {
        case 'axis': {
          const b = place.binding(atom.axis);
          const offset = offsets[atom.axis] ?? 0;
          const step = b.vector ? offset - (offset % 4) : offset; // a vector is clamped as a whole
          const clamped = b.last !== undefined && step > 0;
          e = clamped ? place.keep(positionOf(b, step), this.names) : b.base;
          constant += by * (clamped ? offset - step : offset);
          break;
        }
        case 'value': {
          const gathered = this.value(atom.value, at, offsets);
          const axis = gathered.width === 1 ? -1 : this.vectorAxis(this.free[atom.value]!, place);
          e = axis < 0 ? gathered : element(gathered, (offsets[axis] ?? 0) % 4);
          break;
        }
        case 'div':
          e = place.keep(dividedBy(this.address(atom.of, place, offsets), atom.by), this.names);
          break;
        case 'mod':
          e = place.keep(modulo(this.address(atom.of, place, offsets), atom.by), this.names);
          break;
      }
      sums.set(place, plus(sums.get(place) ?? int(0), times(e, by)));
    }
    const places = [...sums.keys()].sort((a, b) => a.depth - b.depth);
    let sum: Expr = int(0);
    places.forEach((place, i) => {
      sum = plus(sum, sums.get(place)!);
      if (i + 1 < places.length || place !== at) sum = place.keep(sum, this.names);
    });
    return plus(sum, int(constant));
  }

  /** All combinations of tile offsets of some axes, the last axis fastest. */
  combinations(axes: readonly number[], at: Scope, from: Offsets): readonly Offsets[] {
    return axes.reduce<readonly Offsets[]>((all, a) => all.flatMap(o => tileSteps(at.binding(a)).map(j => withOffset(o, a, j))), [from]);
  }
}

export function withOffset(offsets: Offsets, axis: number, offset: number): Offsets {
  const out = [...offsets];
  out[axis] = offset;
  return out;
}
