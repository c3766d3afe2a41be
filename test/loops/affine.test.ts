// Canonical indices: equal functions that reshapes can make have equal forms, and division is floor division on every point.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addIndex,
  axisIndex,
  compareIndices,
  constantIndex,
  divModIndex,
  flatIndex,
  IndexTable,
  indexRange,
  valueIndex,
  zeroIndex,
} from '../../compiler/loops/affine.ts';
import type { Atom, Index } from '../../compiler/loops/types.ts';

const extents = [3, 4, 5];
const upper = (atom: Atom): number => {
  switch (atom.kind) {
    case 'axis':
      return extents[atom.axis]! - 1;
    case 'value':
      return 6;
    case 'div':
      return Math.floor(indexRange(atom.of, upper)[1] / atom.by);
    case 'mod':
      return atom.by - 1;
  }
};
/** As a device evaluates it: truncating division. */
const at = (x: Index, point: readonly number[]): number =>
  x.terms.reduce((sum, { times, atom }) => {
    const value =
      atom.kind === 'axis'
        ? point[atom.axis]!
        : atom.kind === 'value'
          ? 6
          : atom.kind === 'div'
            ? Math.trunc(at(atom.of, point) / atom.by)
            : at(atom.of, point) % atom.by;
    return sum + times * value;
  }, x.constant);
const points = extents.reduce<number[][]>((all, n) => all.flatMap(p => [...Array(n).keys()].map(i => [...p, i])), [[]]);
const linear = fc
  .record({
    constant: fc.integer({ min: -30, max: 30 }),
    times: fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 })),
  })
  .map(({ constant, times }) => times.reduce((x, k, a) => addIndex(x, axisIndex(a), k), constantIndex(constant)));
const split = (flat: Index, shape: readonly number[]): readonly Index[] => {
  let rest = flat;
  const index: Index[] = [];
  for (let i = shape.length - 1; i > 0; i--) [rest, index[i]] = divModIndex(rest, shape[i]!, upper)!;
  index[0] = rest;
  return index;
};

describe('indices', () => {
  test('sums and multiples are those of the numbers, in any order', () => {
    fc.assert(
      fc.property(linear, linear, fc.integer({ min: -4, max: 4 }), (x, y, k) => {
        const sum = addIndex(x, y, k);
        for (const p of points) if (at(sum, p) !== at(x, p) + k * at(y, p)) return false;
        return compareIndices(addIndex(y, x), addIndex(x, y)) === 0 && compareIndices(addIndex(sum, y, -k), x) === 0;
      }),
    );
  });
  test('div and mod are floor division wherever the numerator goes, and divide nothing negative', () => {
    fc.assert(
      fc.property(linear, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), (x, by, again) => {
        const [q, r] = divModIndex(x, by, upper)!;
        const [q2, r2] = divModIndex(q, again, upper)!;
        for (const p of points) {
          const want = Math.floor(at(x, p) / by);
          if (at(q, p) !== want || at(r, p) !== at(x, p) - want * by) return false;
          if (at(q2, p) !== Math.floor(want / again) || at(r2, p) !== want - Math.floor(want / again) * again) return false;
        }
        const nothingNegative = (y: Index): boolean =>
          y.terms.every(
            t => (t.atom.kind !== 'div' && t.atom.kind !== 'mod') || (indexRange(t.atom.of, upper)[0] >= 0 && nothingNegative(t.atom.of)),
          );
        return [q, r, q2, r2].every(nothingNegative);
      }),
    );
  });
  test('div and mod are put together only where their factors say so', () => {
    const factor = fc.integer({ min: -12, max: 12 });
    fc.assert(
      fc.property(linear, fc.integer({ min: 2, max: 6 }), factor, factor, (x, by, k, l) => {
        const [q, r] = divModIndex(x, by, upper)!;
        const any = addIndex(addIndex(zeroIndex, q, k), r, l);
        const whole = addIndex(addIndex(zeroIndex, q, k * by), r, k);
        return points.every(p => at(any, p) === k * at(q, p) + l * at(r, p)) && compareIndices(whole, addIndex(zeroIndex, x, k)) === 0;
      }),
    );
  });
  test('a range holds every value', () => {
    fc.assert(
      fc.property(linear, x => {
        const [low, high] = indexRange(x, upper);
        return points.every(p => low <= at(x, p) && at(x, p) <= high);
      }),
    );
  });
  test('reshape there and back is the identity', () => {
    const flat = flatIndex([axisIndex(0), axisIndex(1), axisIndex(2)], [20, 5, 1]);
    for (const shape of [[60], [2, 30], [6, 10], [4, 3, 5], [5, 4, 3], [2, 2, 15], [30, 2]]) {
      const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
      expect(compareIndices(flatIndex(split(flat, shape), strides), flat), `${shape}`).toBe(0);
    }
  });
  test('a quotient of a quotient is one division, and still goes back together', () => {
    const flat = flatIndex([axisIndex(0), axisIndex(1)], [7, 1]); // odd strides: nothing divides evenly
    const [q, r] = divModIndex(flat, 2, upper)!;
    const [qq, qr] = divModIndex(q, 3, upper)!;
    expect(qq.terms).toEqual([{ times: 1, atom: { kind: 'div', of: flat, by: 6 } }]);
    expect(compareIndices(flatIndex([qq, qr, r], [6, 2, 1]), flat)).toBe(0);
  });
  test('no division is left where axes line up', () => {
    const flat = flatIndex([axisIndex(0), axisIndex(1), axisIndex(2)], [20, 5, 1]);
    expect(split(flat, [12, 5])).toEqual([addIndex(axisIndex(1), axisIndex(0), 4), axisIndex(2)]);
  });
  test('the table numbers equal indices alike and others not', () => {
    const table = new IndexTable();
    const make = () => divModIndex(addIndex(axisIndex(0), valueIndex(7), 3), 4, upper)!;
    const [q, r] = make();
    const [p, s] = make();
    expect([table.id(p), table.id(s)]).toEqual([table.id(q), table.id(r)]);
    expect(new Set([q, r, zeroIndex, constantIndex(1), axisIndex(0), axisIndex(1), valueIndex(0), valueIndex(1)].map(x => table.id(x))).size).toBe(8);
  });
});
