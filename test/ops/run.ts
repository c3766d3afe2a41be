// Runs tensors on the reference: traces nothing of its own, so a test builds what it likes from placeholders and reads the values.
import type { Arith } from '../../compiler/graph/arithmetic.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import type { Tensor } from '../../dsl/tensor.ts';

/** A placeholder and what it holds. */
export type Fed = readonly [x: Tensor, values: ArrayLike<number>];

/** The values of some tensors, given those of the placeholders that they are made of. */
export function run(outputs: readonly Tensor[], fed: readonly Fed[] = [], arith?: Arith): readonly Values[] {
  const { graph, outputs: ids } = intern({
    inputs: fed.map(([x], i) => [`x${i}`, x.node] as const),
    outputs: outputs.map((x, i) => [`y${i}`, x.node] as const),
    names: new Map(),
    batch: null,
  });
  const wanted = ids.map(([, id]) => id);
  const feeds = Object.fromEntries(fed.map(([, values], i) => [`x${i}`, Float64Array.from(values)]));
  const values = interpret(graph, wanted, feeds, arith ? { arith } : {});
  return wanted.map(id => values.get(id)!);
}
/** One tensor's values as a plain list. */
export const valuesOf = (x: Tensor, ...fed: readonly Fed[]): number[] => [...run([x], fed)[0]!];
