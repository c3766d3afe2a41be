// Cuts an axis that is only ever looked at in two halves. Where indices take a div m and a mod m of an axis, it becomes two axes, a =
// m·high + low, and the divisions disappear: heads that a reshape has merged into a width are axes again, so a store over the width
// can share a kernel, and its tables, with work that is done head by head. The inverse of collapse.ts, and run before it.
import { addIndex, axisIndex, divModIndex, type UpperBound, valueIndex, zeroIndex } from './affine.ts';
import { allBounds, upperBound } from './bounds.ts';
import { maxAxes } from './facts.ts';
import type { Index, LoopNest } from './types.ts';

/** The nest without divisions of single axes by divisors of their extents; itself where there are none. */
export function splitAxes(nest: LoopNest): LoopNest {
  let current = nest;
  for (let cut = nextCut(current); cut !== undefined && current.axes.length < maxAxes; cut = nextCut(current)) {
    const now = split(current, cut.axis, cut.by);
    if (!now) break;
    current = now;
  }
  return current;
}

const indicesOf = (nest: LoopNest): readonly Index[] => [
  ...nest.stores.map(s => s.at),
  ...nest.values.flatMap(v => (v.kind === 'load' || v.kind === 'index' ? [v.at] : [])),
];

function nextCut(nest: LoopNest): { readonly axis: number; readonly by: number } | undefined {
  let found: { axis: number; by: number } | undefined;
  const look = (x: Index): void => {
    for (const { atom } of x.terms) {
      if (atom.kind !== 'div' && atom.kind !== 'mod') continue;
      const only = atom.of.constant === 0 && atom.of.terms.length === 1 ? atom.of.terms[0]! : undefined;
      if (only && only.times === 1 && only.atom.kind === 'axis') {
        const { extent } = nest.axes[only.atom.axis]!;
        // the finest cut first: what remains is divided again by what is left
        if (typeof extent === 'number' && extent % atom.by === 0 && (!found || atom.by < found.by)) found = { axis: only.atom.axis, by: atom.by };
      } else look(atom.of);
    }
  };
  for (const x of indicesOf(nest)) look(x);
  return found;
}

function split(nest: LoopNest, axis: number, by: number): LoopNest | undefined {
  const high = nest.axes.length;
  const { name, extent } = nest.axes[axis]!;
  const axes = nest.axes.map((a, i) => (i === axis ? { name, extent: by } : a));
  axes.push({ name: `${name}h`, extent: (extent as number) / by });
  const bounds = allBounds(nest);
  const upper: UpperBound = atom => upperBound(atom, axes, bounds);
  const both = (list: readonly number[]): readonly number[] => list.flatMap(a => (a === axis ? [high, axis] : [a]));
  let failed = false;
  const index = (x: Index): Index =>
    x.terms.reduce(
      (sum, { times, atom }) => {
        switch (atom.kind) {
          case 'axis':
            return atom.axis === axis
              ? addIndex(addIndex(sum, axisIndex(high), times * by), axisIndex(axis), times)
              : addIndex(sum, axisIndex(atom.axis), times);
          case 'value':
            return addIndex(sum, valueIndex(atom.value), times);
          default: {
            const cut = divModIndex(index(atom.of), atom.by, upper);
            if (!cut) {
              failed = true;
              return sum;
            }
            return addIndex(sum, cut[atom.kind === 'div' ? 0 : 1], times);
          }
        }
      },
      { ...zeroIndex, constant: x.constant },
    );
  const result: LoopNest = {
    ...nest,
    axes,
    values: nest.values.map(v => (v.kind === 'load' || v.kind === 'index' ? { ...v, at: index(v.at) } : v)),
    parts: nest.parts.map(p => ({ ...p, axes: both(p.axes) })),
    stores: nest.stores.map(s => ({ ...s, at: index(s.at), axes: both(s.axes) })),
  };
  return failed ? undefined : result;
}
