// Interval bounds of integer values and of the atoms of indices: what makes divisions disappear, guards certain and gathers safe.
// The batch counts as unbounded.
import { indexRange } from './affine.ts';
import type { Atom, Axis, LoopNest, Val } from './types.ts';

/** Least and largest value. */
export type Bounds = readonly [number, number];
const anything: Bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** Largest value of an atom; the least is 0 (an axis counts from 0, a gathered value is clamped, nothing negative is divided). */
export function upperBound(atom: Atom, axes: readonly Axis[], bounds: readonly Bounds[]): number {
  switch (atom.kind) {
    case 'axis': {
      const { extent } = axes[atom.axis]!;
      return typeof extent === 'number' ? extent - 1 : Number.POSITIVE_INFINITY;
    }
    case 'value':
      return bounds[atom.value]![1];
    case 'div':
      return Math.floor(indexRange(atom.of, a => upperBound(a, axes, bounds))[1] / atom.by);
    case 'mod':
      return atom.by - 1;
  }
}

/** Bounds of a value, given those of the values before it. Floats are anything. */
export function valueBounds(value: Val, nest: Pick<LoopNest, 'axes' | 'values' | 'parts'>, bounds: readonly Bounds[]): Bounds {
  if (value.type === 'bool') return [0, 1];
  if (value.type !== 'i32') return anything;
  switch (value.kind) {
    case 'const':
      return [value.value, value.value];
    case 'size':
      return typeof value.size === 'number' ? [value.size, value.size] : [0, Number.POSITIVE_INFINITY];
    case 'index':
      return indexRange(value.at, atom => upperBound(atom, nest.axes, bounds));
    case 'part': {
      const part = nest.parts[value.part]!;
      return part.kind === 'sum' ? anything : bounds[part.of]!;
    }
    case 'op': {
      const [a, b, c] = value.args.map(i => bounds[i]!);
      switch (value.prim) {
        case 'min':
          return [Math.min(a![0], b![0]), Math.min(a![1], b![1])];
        case 'max':
          return [Math.max(a![0], b![0]), Math.max(a![1], b![1])];
        case 'select':
          return [Math.min(b![0], c![0]), Math.max(b![1], c![1])];
        case 'toI32':
          return nest.values[value.args[0]!]!.type === 'bool' ? [0, 1] : anything;
        default:
          return anything; // sums may wrap
      }
    }
    default:
      return anything;
  }
}
export function allBounds(nest: Pick<LoopNest, 'axes' | 'values' | 'parts'>): readonly Bounds[] {
  const bounds: Bounds[] = [];
  for (const value of nest.values) bounds.push(valueBounds(value, nest, bounds));
  return bounds;
}
