// What can be derived from a loop nest and is therefore never stored in it: which axes a value depends on (where it may be
// computed), which parts can share a loop, in which order the loops run.
import { indexValues } from './affine.ts';
import type { Index, LoopNest, Part, Val } from './types.ts';

/** A set of axes as bits; a nest has at most `maxAxes` axes. */
export type AxisSet = number;
export const maxAxes = 30;
export const axisSet = (axes: readonly number[]): AxisSet => axes.reduce((set, a) => set | (1 << a), 0);
export function axesOf(set: AxisSet): readonly number[] {
  const axes: number[] = [];
  for (let a = 0; set >>> a !== 0; a++) if ((set >>> a) & 1) axes.push(a);
  return axes;
}

/** Axes that an index depends on; `free` has those of the values before. */
export const indexAxes = (x: Index, free: readonly AxisSet[]): AxisSet =>
  x.terms.reduce((set, { atom }) => {
    switch (atom.kind) {
      case 'axis':
        return set | (1 << atom.axis);
      case 'value':
        return set | free[atom.value]!;
      default:
        return set | indexAxes(atom.of, free);
    }
  }, 0);

/** Axes that one value depends on: a part depends on those of its body that it doesn't bind itself. */
export function valueAxes(value: Val, parts: readonly Part[], free: readonly AxisSet[]): AxisSet {
  switch (value.kind) {
    case 'const':
    case 'size':
    case 'scalar':
      return 0;
    case 'index':
      return indexAxes(value.at, free);
    case 'load':
      return indexAxes(value.at, free) | (value.when < 0 ? 0 : free[value.when]!);
    case 'op':
      return value.args.reduce((set, a) => set | free[a]!, 0);
    case 'part':
      return partAxes(parts[value.part]!, free);
  }
}
/** Axes over which a part is computed: it is one number for each of their positions. */
export const partAxes = (part: Part, free: readonly AxisSet[]): AxisSet => free[part.of]! & ~axisSet(part.axes);
export function freeAxes(nest: Pick<LoopNest, 'values' | 'parts'>): readonly AxisSet[] {
  const free: AxisSet[] = [];
  for (const value of nest.values) free.push(valueAxes(value, nest.parts, free));
  return free;
}

/** Values that a value reads at its own point; the body of a part is not entered. */
export function operands(value: Val): readonly number[] {
  switch (value.kind) {
    case 'const':
    case 'size':
    case 'scalar':
    case 'part':
      return [];
    case 'index':
      return indexValues(value.at);
    case 'load':
      return value.when < 0 ? indexValues(value.at) : [...indexValues(value.at), value.when];
    case 'op':
      return value.args;
  }
}
const none: ReadonlySet<number> = new Set();
/** All values that some values need at their own point, in order; bodies of parts, and what given values are made from, are not entered. */
export function scope(values: readonly Val[], roots: readonly number[], given = none): readonly number[] {
  const seen = new Set<number>();
  const stack = [...roots];
  while (stack.length > 0) {
    const v = stack.pop()!;
    if (seen.has(v)) continue;
    seen.add(v);
    if (!given.has(v)) stack.push(...operands(values[v]!));
  }
  return [...seen].sort((a, b) => a - b);
}
/** Parts that some values read directly. */
export const partsRead = (values: readonly Val[], roots: readonly number[]): readonly number[] =>
  scope(values, roots).flatMap(v => {
    const value = values[v]!;
    return value.kind === 'part' ? [value.part] : [];
  });
/** Values that the stores read directly: their own and those in their addresses. */
export const storeReads = (nest: Pick<LoopNest, 'stores'>): readonly number[] => nest.stores.flatMap(s => [s.value, ...indexValues(s.at)]);
/** Values that the stores need, bodies of parts included. */
export function liveValues(nest: Pick<LoopNest, 'values' | 'parts' | 'stores'>): ReadonlySet<number> {
  const live = new Set<number>();
  const stack = [...storeReads(nest)];
  while (stack.length > 0) {
    const v = stack.pop()!;
    if (live.has(v)) continue;
    live.add(v);
    const value = nest.values[v]!;
    stack.push(...operands(value));
    if (value.kind === 'part') stack.push(nest.parts[value.part]!.of);
  }
  return live;
}

/** The phase of each part: 0 when it reads no part, else one more than the latest that it reads. A rescaled part runs with its max,
 *  so the two count as one. Undefined when the links make parts wait for each other. */
export function phases(nest: Pick<LoopNest, 'values' | 'parts'>): readonly number[] | undefined {
  const { values, parts } = nest;
  const unit = parts.map((p, i) => (p.rescale < 0 ? i : p.rescale));
  const reads = parts.map((p, i) => partsRead(values, [p.of]).filter(q => unit[q] !== unit[i]));
  const phase = parts.map(() => 0);
  for (let round = 0; round <= parts.length; round++) {
    let moved = false;
    for (let i = 0; i < parts.length; i++) {
      const least = reads[i]!.reduce((d, q) => Math.max(d, phase[unit[q]!]! + 1), 0);
      if (least > phase[unit[i]!]!) {
        phase[unit[i]!] = least;
        moved = true;
      }
    }
    if (!moved) return parts.map((_, i) => phase[unit[i]!]!);
  }
  return undefined;
}
/** Parts of one phase that bind the same axes and have the same free axes run in one loop; a rescaled part joins its max, alone with it. */
export function groupLoops(nest: Pick<LoopNest, 'values' | 'parts'>): readonly (readonly number[])[] {
  const free = freeAxes(nest);
  const phase = phases(nest);
  if (phase === undefined) throw new Error('parts wait for each other');
  const loops = new Map<string, number[]>();
  nest.parts.forEach((part, i) => {
    const online = part.rescale >= 0 ? part.rescale : nest.parts.some(q => q.rescale === i) ? i : -1;
    const key = online >= 0 ? `online ${online}` : `${axisSet(part.axes)} ${phase[i]} ${partAxes(part, free)}`;
    const loop = loops.get(key);
    if (loop) loop.push(i);
    else loops.set(key, [i]);
  });
  return [...loops.values()];
}
/** The loops in an order in which each comes after those that it reads. Undefined when there is none. */
export function loopOrder(nest: LoopNest): readonly (readonly number[])[] | undefined {
  const done = new Set<number>();
  const left = [...nest.loops];
  const order: (readonly number[])[] = [];
  while (left.length > 0) {
    const next = left.findIndex(loop =>
      partsRead(
        nest.values,
        loop.map(p => nest.parts[p]!.of),
      ).every(q => done.has(q) || loop.includes(q)),
    );
    if (next < 0) return undefined;
    for (const loop of left.splice(next, 1)) {
      for (const p of loop) done.add(p);
      order.push(loop);
    }
  }
  return order;
}
