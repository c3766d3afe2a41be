// Sorts by counting: argsort and rank are inverse permutations whatever the data (ties, −0, infinities, NaN), and agree with a sort.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../../compiler/graph/arithmetic.ts';
import type { Node } from '../../dsl/graph.ts';
import { argsort, cumsum, gather, rank, topk } from '../../dsl/ops/index-ops.ts';
import { f32, i32, u32 } from '../../dsl/tensor.ts';
import { run, valuesOf } from './run.ts';

/** Every f32 there is, with many ties and special values. */
const float = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -149, -(2 ** -149)),
  fc.float({ noNaN: false }),
);
const floats = fc.array(float, { maxLength: 12 });
/** The order of bits, by their sign and magnitude, with −0 as 0. */
function orderOfBits(values: readonly number[]): number[] {
  const key = (x: number): number => {
    const bits = bitsOf(x);
    if (bits === -(2 ** 31)) return 0;
    return bits < 0 ? -(2 ** 31) - bits - 1 : bits;
  };
  return [...values.keys()].sort((i, j) => key(values[i]!) - key(values[j]!) || i - j);
}
const isPermutation = (p: readonly number[]): boolean => p.toSorted((a, b) => a - b).every((v, i) => v === i);

describe('argsort and rank', () => {
  it('are inverse permutations, stable, in the total order of floats', () => {
    fc.assert(
      fc.property(floats, fc.boolean(), (values, descending) => {
        const x = f32(values.length);
        const [order, place] = run([argsort(x, 0, { descending }), rank(x, 0, { descending })], [[x, values]]).map(v => [...v]) as [
          number[],
          number[],
        ];
        expect(isPermutation(order)).toBe(true);
        order.forEach((at, p) => {
          expect(place[at]).toBe(p);
        });
        if (!descending) expect(order).toEqual(orderOfBits(values));
      }),
    );
  });
  it('descending reverses the values but not the order of equal ones', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 12 }), values => {
        const x = f32(values.length);
        const expected = [...values.keys()].sort((i, j) => values[j]! - values[i]! || i - j);
        expect(valuesOf(argsort(x, 0, { descending: true }), [x, values])).toEqual(expected);
      }),
    );
  });
  it('take integers as they are', () => {
    const signed = i32(4);
    expect(valuesOf(argsort(signed), [signed, [0, -(2 ** 31), 2 ** 31 - 1, -1]])).toEqual([1, 3, 0, 2]);
    const unsigned = u32(4);
    expect(valuesOf(argsort(unsigned), [unsigned, [2 ** 31, 0, 2 ** 32 - 1, 2 ** 31 - 1]])).toEqual([1, 3, 0, 2]);
  });
  it('undo each other through gather, along any axis and over trailing axes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 4 }), rows => {
        const [noise, x] = [f32(rows.length, 5), f32(rows.length, 5, 2)];
        const values = Array.from({ length: rows.length * 10 }, (_, i) => i);
        const back = gather(gather(x, 1, argsort(noise, 1)), 1, rank(noise, 1));
        expect(valuesOf(back, [noise, rows.flat()], [x, values])).toEqual(values);
      }),
    );
  });
  it('store no value of N² elements: the comparisons are nested', () => {
    const x = f32('B', 196);
    const seen = new Set<Node>();
    const visit = (n: Node): void => {
      if (seen.has(n)) return;
      seen.add(n);
      n.inputs.forEach(visit);
    };
    visit(argsort(x, 1).node);
    const maps = [...seen].filter(n => n.op === 'map' && n.shape.length === 3);
    expect(maps.length).toBe(2);
    expect(maps.every(n => n.nested)).toBe(true);
  });
});

describe('topk', () => {
  it('gives the first k of the descending order, with their values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 9 }), fc.nat(), (values, n) => {
        const k = n % (values.length + 1);
        const x = f32(values.length);
        const { values: best, indices } = topk(x, k);
        const [v, i] = run([best, indices], [[x, values]]);
        const expected = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, k);
        expect([...i!]).toEqual(expected);
        expect([...v!]).toEqual(expected.map(at => values[at]!));
      }),
    );
  });
});

describe('cumsum', () => {
  it('lets no later element through, not even a NaN', () => {
    const x = f32(3);
    expect(valuesOf(cumsum(x, 0), [x, [1, 2, Number.NaN]])).toEqual([1, 3, Number.NaN]);
  });
});
