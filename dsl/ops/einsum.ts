// einsum of one to three operands, on `contract` nodes: diagonals and sums that concern one operand come first, then pairs, cheapest
// first. The labels say how axes meet, so nothing is transposed before a product.
import { type Dim, evalDim, type Shape, symbolsOf } from '../dim.ts';
import type { Agree, OkType, Wants } from '../rules/dtype.ts';
import {
  type CountOf,
  type Einsum,
  type EinsumA,
  type EinsumB,
  type EinsumC,
  type EinsumPattern,
  type EinsumPlan,
  einsum as einsumRule,
} from '../rules/einsum.ts';
import type { First } from '../rules/first.ts';
import { scalar } from '../scalar.ts';
import { type Arg, type DType, dtypeOf, type Ok, record, type Tensor, trailing } from '../tensor.ts';
import { contractOf, iotaOf, map, permuteTo, reduceOf, shapeOf } from './nodes.ts';

type EinsumShape<P extends string, A extends Shape, B extends Shape, C extends Shape, D> = First<Wants<D, 'float', 'einsum'>, Einsum<P, A, B, C>>;
/**
 * A sum of products by letters: einsum('bhqd,bhkd->bhqk', q, k). One letter an axis; letters that the output lacks are summed; a letter
 * twice in one operand is its diagonal. A letter has one size: nothing broadcasts. Floats of one dtype; torch.einsum without '...'.
 */
export function einsum<
  const P extends string,
  A extends Shape,
  D extends DType,
  B extends Shape = never,
  E extends DType = D,
  C extends Shape = never,
  F extends DType = D,
>(
  pattern: Arg<P, EinsumPattern<P, CountOf<B, C>>>,
  a: Arg<Tensor<A, D>, First<Wants<D, 'float', 'einsum'>, EinsumA<P, CountOf<B, C>, A>>>,
  b?: Arg<Tensor<B, E>, First<Agree<D, E, 'einsum'>, EinsumB<P, CountOf<B, C>, A, B>>>,
  c?: Arg<Tensor<C, F>, First<Agree<D, F, 'einsum'>, EinsumC<P, CountOf<B, C>, A, B, C>>>,
): Tensor<Ok<EinsumShape<P, A, B, C, D>>, OkType<EinsumShape<P, A, B, C, D>, D>>;
export function einsum(pattern: string, a: Tensor, b?: Tensor, c?: Tensor): Tensor {
  const operands = [a, b, c].filter(x => x !== undefined);
  const plan = einsumRule(
    pattern,
    operands.map(x => ({ shape: shapeOf(x), dtype: dtypeOf(x) })),
  );
  return trailing(einsum, () => {
    let terms = operands.map((x, i) => alone({ x, letters: plan.inputs[i]! }, keptOf(plan, i)));
    while (terms.length > 1) terms = joinCheapest(terms, plan);
    const [{ x, letters }] = terms as [Term];
    return permuteTo(
      x,
      [...plan.output].map(c => letters.indexOf(c)),
    );
  });
}

interface Term {
  readonly x: Tensor;
  readonly letters: string;
}
const union = (a: string, b: string): string => [...new Set(a + b)].join('');
/** The letters of operand i that somebody else reads. */
const keptOf = (plan: EinsumPlan, i: number): string => plan.output + plan.inputs.filter((_, k) => k !== i).join('');

/** One operand with each letter once, summed over those that nobody else reads. */
function alone(term: Term, kept: string): Term {
  const { x, letters } = diagonal(term);
  const lost = [...letters].map((_, i) => i).filter(i => !kept.includes(letters[i]!));
  return { x: reduceOf('sum', x, lost), letters: [...letters].filter(c => kept.includes(c)).join('') };
}
const where = scalar('diagonal', ['f32', 'i32', 'i32'], (b, value, i, j) => b.op('select', b.op('eq', i, j), value, b.constant(0)));
/** Sums x over the second of two equal letters where both positions are equal, until no letter stands twice. */
function diagonal({ x, letters }: Term): Term {
  const second = [...letters].findIndex((c, i) => letters.indexOf(c) < i);
  if (second < 0) return { x, letters };
  const first = letters.indexOf(letters[second]!);
  const shape = shapeOf(x);
  const on = record(map, { op: 'map', fn: where, nested: true }, [x, iotaOf(shape, first), iotaOf(shape, second)], shape, x.node.dtype);
  return diagonal({ x: reduceOf('sum', on, [second]), letters: letters.slice(0, second) + letters.slice(second + 1) });
}

/** Joins the pair that makes the whole cheapest, counted in products. */
function joinCheapest(terms: readonly Term[], plan: EinsumPlan): Term[] {
  const options = terms.flatMap((a, i) =>
    terms.slice(i + 1).map(b => {
      const rest = terms.filter(t => t !== a && t !== b);
      const read = rest.map(t => t.letters).join('') + plan.output;
      const both = union(a.letters, b.letters);
      const letters = [...both].filter(c => read.includes(c)).join('');
      const later = rest.length === 0 ? 0 : count(union(letters, rest[0]!.letters), plan);
      return { a, b, rest, letters, cost: count(both, plan) + later };
    }),
  );
  const { a, b, rest, letters } = options.reduce((best, o) => (o.cost < best.cost ? o : best));
  const out = rest.length === 0 ? plan.output : letters;
  return [{ x: contractOf([a.letters, b.letters], out, a.x, b.x), letters: out }, ...rest];
}
/** What a symbol counts for where the cheapest order is chosen: its size is not known yet. */
const typicalSize = 64;
const count = (letters: string, plan: EinsumPlan): number => [...letters].reduce((n, c) => n * estimate(plan.size(c)), 1);
const estimate = (d: Dim): number => Number(evalDim(d, new Map(symbolsOf(d).map(s => [s, typicalSize]))));
