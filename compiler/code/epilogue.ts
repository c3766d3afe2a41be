// What is done to the sums of a register tile before they are stored, when that is long (GELU after a matmul). Written out for each
// point it makes the kernel's text, and the time to compile it, many times longer; V8 stops inlining calls after a few of them, and
// each further one allocates its results. So there is one copy of the text for four points, as a vector, where vectors pay; elsewhere
// one copy for all: the sums go into an array of the lane, which a loop runs over.
import type { ScalarType } from '../../dsl/scalar.ts';
import { type AxisSet, axisSet, scope as reach, storeReads } from '../loops/facts.ts';
import { weightOf } from '../loops/fuse/weights.ts';
import type { LoopNest, Store } from '../loops/types.ts';
import { int, load, operation, plus, times, vector } from './expressions.ts';
import { type Binding, define, type Offsets, Scope } from './scope.ts';
import type { Expr, Memory, Statement } from './types.ts';
import { type Values, withOffset } from './values.ts';

/** Operations a point, in units of an addition, from which on text is not repeated: the cheapest function that is a call. */
const longText = 8;

/** A scope in which the same stores have shorter text; `close` puts what was written there into the scope around it. */
export interface Epilogue {
  readonly scope: Scope;
  readonly close: () => void;
}

/** Axes of the tile that all of the stores run over; none when they differ, or when what they store is short. */
export function epilogueAxes(nest: LoopNest, stores: readonly Store[], values: Values, at: Scope): readonly number[] {
  const tiledOf = (s: Store): AxisSet => axisSet(s.axes.filter(a => at.binding(a).tile > 1 && !at.binding(a).vector));
  const [first, ...rest] = stores;
  if (!first) return [];
  const tiled = tiledOf(first);
  if (tiled === 0 || rest.some(s => tiledOf(s) !== tiled)) return [];
  const inside = reach(nest.values, storeReads({ stores }));
  const isTiled = (v: number): boolean => (values.free[v]! & tiled) !== 0;
  if (!inside.some(v => nest.values[v]!.kind === 'part' && isTiled(v))) return [];
  const work = inside.reduce((n, v) => {
    const value = nest.values[v]!;
    return n + (value.kind === 'op' && value.type === 'f32' && isTiled(v) ? weightOf(value.prim) : 0);
  }, 0);
  return work >= longText ? first.axes.filter(a => (tiled >> a) & 1) : [];
}

/** Values of parts that the stores read at their own point. */
const partValues = (values: Values, stores: readonly Store[]): readonly number[] =>
  reach(values.nest.values, storeReads({ stores })).filter(v => values.nest.values[v]!.kind === 'part');

/** Four points at once along an axis of which all stores can write four neighbours. */
export function asVectors(values: Values, stores: readonly Store[], at: Scope, axis: number): Epilogue {
  const b = at.binding(axis);
  const last = b.last && define(values.names, at.body, plus(b.last, int(-3)));
  const scope = new Scope(at, new Map([[axis, { ...b, vector: true, last }]]), at.body);
  for (const v of partValues(values, stores)) {
    if (((values.free[v]! >> axis) & 1) === 0) continue;
    for (const offsets of values.combinations(tiledAxes(values, v, at, axis), at, []))
      for (let start = 0; start < b.tile; start += 4) {
        const of = [0, 1, 2, 3].map(j => values.value(v, at, withOffset(offsets, axis, start + j)));
        const name = values.names.define(at.body, vector(of));
        scope.memo.set(values.key(v, scope, withOffset(offsets, axis, start)), name);
      }
  }
  return { scope, close: () => {} };
}
/** Axes along which a value differs from point to point of the tile. */
function tiledAxes(values: Values, v: number, at: Scope, but = -1): readonly number[] {
  const all = [...values.nest.axes.keys()];
  return all.filter(a => a !== but && (values.free[v]! >> a) & 1 && at.binding(a).tile > 1);
}

/** Arrays of a lane, one a type, that outlive no statement: each user has them for itself while it runs. */
export class Scratch {
  private readonly memories: Memory[];
  private readonly known = new Map<ScalarType, number>();
  constructor(memories: Memory[]) {
    this.memories = memories;
  }
  /** The memory of that type, which has at least so many numbers. */
  of(type: ScalarType, length: number): number {
    const memory = this.known.get(type) ?? this.memories.length;
    const old = this.memories[memory];
    const longest = old && old.space !== 'storage' ? Math.max(old.length, length) : length;
    this.memories[memory] = { space: 'private', type, length: longest };
    this.known.set(type, memory);
    return memory;
  }
}

/** One point at a time: loops over the points of the tile that are inside the extents, in which the sums are read from an array. */
export function asLoop(values: Values, stores: readonly Store[], at: Scope, axes: readonly number[], scratch: Scratch): Epilogue {
  const { names } = values;
  const sums = partValues(values, stores).flatMap(v => {
    const own = axes.filter(a => (values.free[v]! >> a) & 1);
    return own.length > 0 ? [{ v, own, points: values.combinations(own, at, []) as readonly Offsets[] }] : [];
  });
  const used = new Map<ScalarType, number>();
  const places = sums.map(({ v, points }) => {
    const { type } = values.nest.values[v]!;
    const start = used.get(type) ?? 0;
    used.set(type, start + points.length);
    return { type, start };
  });
  sums.forEach(({ v, points }, i) => {
    const { type, start } = places[i]!;
    const memory = scratch.of(type, used.get(type)!);
    for (const [k, offsets] of points.entries()) at.body.push({ kind: 'store', memory, at: int(start + k), value: values.value(v, at, offsets) });
  });
  const loops: { outer: Scope; statement: Statement }[] = [];
  const counters = new Map<number, Expr>();
  let scope = at;
  for (const axis of axes) {
    const b = at.binding(axis);
    const counter = names.loop();
    const body: Statement[] = [];
    const to = b.last ? define(names, scope.body, operation('min', int(b.tile), plus(plus(b.last, times(b.base, -1)), int(1)))) : int(b.tile);
    loops.push({ outer: scope, statement: { kind: 'for', name: counter.name, from: int(0), to, step: 1, body } });
    const binding: Binding = { base: define(names, body, plus(b.base, counter)), tile: 1, vector: false, extent: b.extent, last: undefined };
    scope = new Scope(scope, new Map([[axis, binding]]), body);
    counters.set(axis, counter);
  }
  sums.forEach(({ v, own }, i) => {
    const { type, start } = places[i]!;
    const address = own.reduce<Expr>((sum, a) => plus(times(sum, at.binding(a).tile), counters.get(a)!), int(0));
    const place = scope.placeOf(values.free[v]!);
    const sum = names.define(place.body, load(scratch.of(type, 0), plus(address, int(start)), type));
    place.memo.set(values.key(v, place, []), sum);
  });
  return {
    scope,
    close: () => {
      for (const { outer, statement } of loops.reverse()) outer.body.push(statement);
    },
  };
}
