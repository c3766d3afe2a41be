// Joins two axes that are used as one. Where a·(k·E) + b·k (E = extent of b) is all that is ever read of a and b, and every binder
// binds both or neither, a·E + b is one axis: the rows of [B,N,D] become one axis of B·N, so that tiles cross samples and a free
// batch costs nothing.
import { timesSize } from '../../common/size.ts';
import { mapIndex } from './affine.ts';
import { prune } from './prune.ts';
import type { Axis, Index, LoopNest } from './types.ts';

/** The nest with as few axes as possible; itself if none can go. */
export function collapse(nest: LoopNest): LoopNest {
  let current = nest;
  for (let pair = joinable(current); pair !== undefined; pair = joinable(current)) current = join(current, ...pair);
  return current === nest ? nest : { ...prune(current), loops: current.loops };
}

/** The first pair (outer, inner) that can be joined. */
function joinable(nest: LoopNest): readonly [number, number] | undefined {
  const binders = [...nest.stores, ...nest.parts].map(x => x.axes);
  const indices = [...nest.stores.map(s => s.at), ...nest.values.flatMap(v => (v.kind === 'load' || v.kind === 'index' ? [v.at] : []))];
  for (let outer = 0; outer < nest.axes.length; outer++)
    for (let inner = 0; inner < nest.axes.length; inner++) {
      const { extent } = nest.axes[inner]!;
      if (outer === inner || typeof extent !== 'number') continue;
      if (!binders.some(axes => axes.includes(outer)) || !binders.every(axes => axes.includes(outer) === axes.includes(inner))) continue;
      if (indices.every(x => usedAsOne(x, outer, inner, extent))) return [outer, inner];
    }
  return undefined;
}
function usedAsOne(x: Index, outer: number, inner: number, extent: number): boolean {
  let timesOuter = 0;
  let timesInner = 0;
  for (const { times, atom } of x.terms) {
    if (atom.kind === 'div' || atom.kind === 'mod') {
      if (!usedAsOne(atom.of, outer, inner, extent)) return false;
    } else if (atom.kind === 'axis' && atom.axis === outer) timesOuter = times;
    else if (atom.kind === 'axis' && atom.axis === inner) timesInner = times;
  }
  return timesOuter === timesInner * extent;
}
/** `inner` becomes the joined axis; nothing binds or mentions `outer` any more. */
function join(nest: LoopNest, outer: number, inner: number): LoopNest {
  const joined = (axis: Axis): Axis => ({
    name: nest.axes[outer]!.name + axis.name,
    extent: timesSize(nest.axes[outer]!.extent, axis.extent)!, // inner is a number
  });
  const without = (axes: readonly number[]) => axes.filter(a => a !== outer);
  const index = (x: Index): Index =>
    mapIndex(
      x,
      a => (a === outer ? undefined : a),
      v => v,
    );
  return {
    ...nest,
    axes: nest.axes.map((axis, a) => (a === inner ? joined(axis) : axis)),
    values: nest.values.map(v => (v.kind === 'load' || v.kind === 'index' ? { ...v, at: index(v.at) } : v)),
    parts: nest.parts.map(p => ({ ...p, axes: without(p.axes) })),
    stores: nest.stores.map(s => ({ ...s, at: index(s.at), axes: without(s.axes) })),
  };
}
