// einops and einsum against plain index arithmetic on random patterns, and what their graphs cost.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node } from '../../dsl/graph.ts';
import { rearrange, reduce, repeat } from '../../dsl/ops/einops.ts';
import { einsum } from '../../dsl/ops/einsum.ts';
import { f32 } from '../../dsl/tensor.ts';
import { evaluateSample } from './evaluate.ts';
import { valuesOf } from './run.ts';

const nodesOf = (root: Node): Node[] => {
  const seen = new Set([root]);
  for (const n of seen) for (const i of n.inputs) seen.add(i);
  return [...seen];
};
/** A permutation of `list` from some naturals. */
const shuffle = <T>(list: readonly T[], picks: readonly number[]): T[] =>
  list.reduce<T[]>((out, x, i) => out.toSpliced((picks[i] ?? 0) % (out.length + 1), 0, x), []);
/** Groups of names from some naturals: a name joins the group before it when its natural is odd. */
const grouped = (names: readonly string[], picks: readonly number[]): string[][] => {
  const groups: string[][] = [];
  for (const [i, a] of names.entries())
    if ((picks[i] ?? 0) % 2 === 1 && groups.length > 0) groups.at(-1)!.push(a);
    else groups.push([a]);
  return groups;
};
const side = (groups: readonly (readonly string[])[]): string => groups.map(g => (g.length === 1 ? g[0] : `(${g.join(' ')})`)).join(' ');
const naturals = fc.array(fc.nat({ max: 7 }), { minLength: 4, maxLength: 4 });

describe('einops', () => {
  it('agrees with a naive indexer on random patterns', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        naturals,
        naturals,
        naturals,
        fc.constantFrom('rearrange', 'repeat', 'reduce'),
        (dims, left, order, right, op) => {
          const names = [...'abcd'].slice(0, dims.length);
          const groups = grouped(names, left);
          const shape = groups.map(g => g.reduce((n, a) => n * dims[names.indexOf(a)]!, 1));
          const kept = op === 'reduce' ? names.filter((_, i) => order[i]! % 3 > 0) : names;
          const out = grouped(shuffle([...kept, ...(op === 'repeat' ? ['z'] : [])], order), right);
          const sizes = [...names.map((a, i) => `${a}: ${dims[i]}`), ...(op === 'repeat' ? ['z: 2'] : [])].join(', ');
          const kind = op === 'reduce' ? "'max', " : '';
          const sample = { inputs: { x: `f32(${shape})` }, call: `${op}(x, '${side(groups)} -> ${side(out)}', ${kind}{ ${sizes} })` };
          const { got, expected } = evaluateSample(sample, 3);
          expect(got).toEqual(expected);
        },
      ),
    );
  });
  it('is views only, and nothing at all for the identity', () => {
    const x = f32('B', 3, 'G*P', 'W*P');
    const patches = rearrange(x, 'n c (h p) (w q) -> n (h w) (p q c)', { p: 'P', q: 'P' });
    expect(patches.node.shape).toEqual(['B', 'G*W', '3*P*P']);
    expect(nodesOf(patches.node).filter(n => n.op !== 'view' && n.op !== 'input')).toEqual([]);
    expect(rearrange(x, 'a b c d -> a b c d').node).toBe(x.node);
    expect(nodesOf(repeat(f32(2), 'a -> a b', { b: 3 }).node).map(n => n.op)).toEqual(['view', 'input']);
  });
  it('undoes itself', () => {
    const x = f32(2, 3, 4);
    const values = Array.from({ length: 24 }, (_, i) => i);
    const there = rearrange(x, 'a b (c d) -> d (b a) c', { d: 2 });
    expect(valuesOf(rearrange(there, 'd (b a) c -> a b (c d)', { a: 2 }), [x, values])).toEqual(values);
  });
  it('reduces to a scalar', () => {
    const x = f32(2, 2);
    expect(valuesOf(reduce(x, 'a b ->', 'mean'), [x, [1, 2, 3, 6]])).toEqual([3]);
  });
});

describe('einsum', () => {
  const letters = [...'abcd'];
  const dims: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 4 };
  it('agrees with a naive sum over all letters on random patterns of one to three operands', () => {
    const operand = fc.array(fc.constantFrom(...letters), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(operand, { minLength: 1, maxLength: 3 }), naturals, fc.nat({ max: 4 }), (operands, order, kept) => {
        const output = shuffle([...new Set(operands.flat())], order).slice(0, kept);
        const inputs = Object.fromEntries(operands.map((list, i) => [`x${i}`, `f32(${list.map(c => dims[c]).join(', ')})`]));
        const call = `einsum('${operands.map(list => list.join('')).join(',')}->${output.join('')}', ${Object.keys(inputs).join(', ')})`;
        const { got, expected } = evaluateSample({ inputs, call }, 5);
        expect(got[0]!.shape).toEqual(expected[0]!.shape);
        got[0]!.data.forEach((v, i) => {
          expect(v).toBeCloseTo(expected[0]!.data[i]!, 8);
        });
      }),
    );
  });
  it('contracts the cheapest pair first: a matrix product chain by its narrow middle', () => {
    const [x, y, z] = [f32(100, 2), f32(2, 100), f32(100, 100)];
    const chain = einsum('ab,bc,cd->ad', x, y, z);
    const products = nodesOf(chain.node).filter(n => n.op === 'contract');
    expect(products.map(n => n.shape)).toEqual([
      [100, 100],
      [2, 100], // y·z first: 20,000 products, then 20,000; x·y first would be 1,020,000
    ]);
  });
  it('transposes nothing before a product', () => {
    const scores = einsum('bqhd,bkhd->bhqk', f32('B', 5, 3, 4), f32('B', 6, 3, 4));
    expect(scores.node.shape).toEqual(['B', 3, 5, 6]);
    expect(nodesOf(scores.node).map(n => n.op)).toEqual(['contract', 'input', 'input']);
  });
});
