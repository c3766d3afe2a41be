// Indices in normal form: constant + Σ times·atom over axes, gathered values, div and mod of other indices. Reshape after reshape
// cancels, a stride can be read off, equal indices are structurally equal (their terms are sorted by `compareAtoms`).
// The constant is split at every division so that nothing negative stands under div or mod: interval bounds are then exact enough
// to drop divisions, and a target's truncating division is floor division.
//   [6,4] read as [3,8]: 8i + j → row (8i + j) div 4 = 2i + j div 4, column j mod 4
import type { Atom, Index } from './types.ts';

type Term = Index['terms'][number];
/** Largest value of an atom (its least is 0); Infinity where it depends on the batch. */
export type UpperBound = (atom: Atom) => number;

export const constantIndex = (constant: number): Index => ({ constant, terms: [] });
export const zeroIndex = constantIndex(0);
const atomIndex = (atom: Atom): Index => ({ constant: 0, terms: [{ times: 1, atom }] });
export const axisIndex = (axis: number): Index => atomIndex({ kind: 'axis', axis });
export const valueIndex = (value: number): Index => atomIndex({ kind: 'value', value });

const rank = { axis: 0, value: 1, div: 2, mod: 3 };
/** A total order of atoms: axes by number, then values by number, then div, then mod. */
export function compareAtoms(a: Atom, b: Atom): number {
  if (a === b) return 0;
  if (a.kind === 'axis' && b.kind === 'axis') return a.axis - b.axis;
  if (a.kind === 'value' && b.kind === 'value') return a.value - b.value;
  if ((a.kind === 'div' && b.kind === 'div') || (a.kind === 'mod' && b.kind === 'mod')) return a.by - b.by || compareIndices(a.of, b.of);
  return rank[a.kind] - rank[b.kind];
}
/** A total order of indices; 0 exactly when they are equal. */
export function compareIndices(x: Index, y: Index): number {
  if (x === y) return 0;
  let order = x.terms.length - y.terms.length || x.constant - y.constant;
  for (let i = 0; order === 0 && i < x.terms.length; i++) {
    const s = x.terms[i]!;
    const t = y.terms[i]!;
    order = compareAtoms(s.atom, t.atom) || s.times - t.times;
  }
  return order;
}

/** x + times·y. */
export function addIndex(x: Index, y: Index, times = 1): Index {
  if (times === 0 || (y.constant === 0 && y.terms.length === 0)) return x;
  const terms: Term[] = [];
  for (let i = 0, j = 0; i < x.terms.length || j < y.terms.length; ) {
    const s = x.terms[i];
    const t = y.terms[j];
    const order = !s ? 1 : !t ? -1 : compareAtoms(s.atom, t.atom);
    const sum = (order <= 0 ? s!.times : 0) + (order >= 0 ? t!.times * times : 0);
    if (sum !== 0) terms.push({ times: sum, atom: order <= 0 ? s!.atom : t!.atom });
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return recombine({ constant: x.constant + y.constant * times, terms });
}
/** k·by·(r div by) + k·(r mod by) = k·r: what a reshape took apart, its inverse puts together. */
function recombine(x: Index): Index {
  for (const rest of x.terms) {
    const { atom } = rest;
    if (atom.kind !== 'mod') continue;
    const quotient = divAtom(atom.of, atom.by);
    const whole = x.terms.find(t => t.times === rest.times * atom.by && compareAtoms(t.atom, quotient) === 0);
    if (whole) return addIndex({ constant: x.constant, terms: x.terms.filter(t => t !== whole && t !== rest) }, atom.of, rest.times);
  }
  return x;
}
/** x div by, for x ≥ 0; a quotient of a quotient is one division. */
function divAtom(x: Index, by: number): Atom {
  const [only] = x.terms;
  return x.constant === 0 && x.terms.length === 1 && only!.times === 1 && only!.atom.kind === 'div'
    ? { kind: 'div', of: only!.atom.of, by: only!.atom.by * by }
    : { kind: 'div', of: x, by };
}
/** The address of a position in a layout: Σ stride·index. */
export const flatIndex = (at: readonly Index[], strides: readonly number[]): Index =>
  at.reduce((sum, x, i) => addIndex(sum, x, strides[i]!), zeroIndex);

/** Least and largest value. */
export function indexRange(x: Index, upper: UpperBound): readonly [number, number] {
  let low = x.constant;
  let high = x.constant;
  for (const { times, atom } of x.terms) {
    const most = times * upper(atom);
    if (times > 0) high += most;
    else low += most;
  }
  return [low, high];
}

/** Floor division by a constant ≥ 1: [x div by, x mod by], divisions dropped where the bounds allow. Undefined when x has no lower bound. */
export function divModIndex(x: Index, by: number, upper: UpperBound): readonly [Index, Index] | undefined {
  if (by === 1) return [x, zeroIndex];
  const odd = x.terms.filter(t => t.times % by !== 0);
  const even = x.terms.filter(t => t.times % by === 0);
  const constant = Math.floor(indexRange({ constant: x.constant, terms: odd }, upper)[0] / by);
  if (!Number.isFinite(constant)) return undefined;
  const rest: Index = { constant: x.constant - constant * by, terms: odd };
  const whole: Index = { constant, terms: even.map(t => ({ times: t.times / by, atom: t.atom })) };
  if (indexRange(rest, upper)[1] < by) return [whole, rest];
  return [addIndex(whole, atomIndex(divAtom(rest, by))), atomIndex({ kind: 'mod', of: rest, by })];
}

/** Gathered values in an index, in order. */
export function indexValues(x: Index): readonly number[] {
  return x.terms.flatMap(({ atom }) => {
    switch (atom.kind) {
      case 'axis':
        return [];
      case 'value':
        return [atom.value];
      default:
        return indexValues(atom.of);
    }
  });
}
/** The same index with its axes and values replaced; an axis that becomes undefined is 0. In normal form again if no two atoms become one. */
export function mapIndex(x: Index, axis: (a: number) => number | undefined, value: (v: number) => number): Index {
  const terms = x.terms.flatMap(({ times, atom }): readonly Term[] => {
    switch (atom.kind) {
      case 'axis': {
        const to = axis(atom.axis);
        return to === undefined ? [] : [{ times, atom: { kind: 'axis', axis: to } }];
      }
      case 'value':
        return [{ times, atom: { kind: 'value', value: value(atom.value) } }];
      default:
        return [{ times, atom: { ...atom, of: mapIndex(atom.of, axis, value) } }];
    }
  });
  return { constant: x.constant, terms: terms.sort((s, t) => compareAtoms(s.atom, t.atom)) };
}

/** Numbers for indices, equal exactly for equal indices: short keys for everything that is looked up by index. */
export class IndexTable {
  private readonly known = new WeakMap<Index, number>();
  private readonly table = new Map<string, number>();
  id(x: Index): number {
    let id = this.known.get(x);
    if (id === undefined) {
      const key = `${x.constant}${x.terms.map(t => `+${t.times}${this.atomKey(t.atom)}`).join('')}`;
      id = this.table.get(key);
      if (id === undefined) {
        id = this.table.size;
        this.table.set(key, id);
      }
      this.known.set(x, id);
    }
    return id;
  }
  private atomKey(atom: Atom): string {
    switch (atom.kind) {
      case 'axis':
        return `a${atom.axis}`;
      case 'value':
        return `v${atom.value}`;
      default:
        return `${atom.kind === 'div' ? 'd' : 'm'}${atom.by}(${this.id(atom.of)})`;
    }
  }
}
