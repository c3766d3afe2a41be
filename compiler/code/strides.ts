// How an address moves along one axis within a vector of four positions that starts at a multiple of four. Reshapes that cut or
// join the axis at multiples of four leave div and mod behind, and are seen through: in (4j + i) mod 64 the lane index i survives.

import { type AxisSet, indexAxes } from '../loops/facts.ts';
import type { Index, LoopNest } from '../loops/types.ts';

/** Numbers in a line of a processor's cache. */
export const lineElements = 16;

/** Address step from one of the four positions to the next; undefined when it isn't one number. */
export function strideIn(x: Index, axis: number, free: readonly AxisSet[]): number | undefined {
  let stride = 0;
  for (const { times, atom } of x.terms) {
    switch (atom.kind) {
      case 'axis':
        if (atom.axis === axis) stride += times;
        break;
      case 'value':
        if ((free[atom.value]! >> axis) & 1) return undefined;
        break;
      default: {
        const inner = strideIn(atom.of, axis, free);
        if (inner === 0) break;
        if (inner !== 1 || atom.by % 4 !== 0 || !isAligned(atom.of, axis)) return undefined;
        if (atom.kind === 'mod') stride += times;
      }
    }
  }
  return stride;
}

/** Is the address a multiple of four wherever the axis' position is one? */
export const isAligned = (x: Index, axis: number): boolean =>
  x.constant % 4 === 0 &&
  x.terms.every(({ times, atom }) => {
    if (times % 4 === 0) return true;
    switch (atom.kind) {
      case 'axis':
        return atom.axis === axis;
      case 'mod':
        return atom.by % 4 === 0 && isAligned(atom.of, axis);
      default:
        return false;
    }
  });

/** Can four neighbours along the axis be moved as one vector? */
export const isContiguous = (x: Index, axis: number, free: readonly AxisSet[]): boolean => strideIn(x, axis, free) === 1 && isAligned(x, axis);

/** The step that an axis makes where it stands by itself, for ordering loops; 0 where it doesn't. */
export const plainStride = (x: Index, axis: number): number =>
  x.terms.reduce((sum, { times, atom }) => (atom.kind === 'axis' && atom.axis === axis ? sum + times : sum), 0);

export const dependsOn = (x: Index, axis: number, free: readonly AxisSet[]): boolean => ((indexAxes(x, free) >> axis) & 1) === 1;

/** Loads that a value needs at its own point (bodies of parts are not entered). */
export const loadsOf = (nest: LoopNest, values: readonly number[]): readonly (LoopNest['values'][number] & { readonly kind: 'load' })[] =>
  values.flatMap(v => {
    const value = nest.values[v]!;
    return value.kind === 'load' ? [value] : [];
  });
