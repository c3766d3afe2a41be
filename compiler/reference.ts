// A model on the reference: outputs by name, from inputs and parameters by name. The judge of every device.
import { sizeAt } from '../common/size.ts';
import type { DType } from '../common/dtype.ts';
import { CompileError } from './errors.ts';
import { intern, type TracedGraph } from './graph/intern.ts';
import { interpret, type Values } from './graph/interpret.ts';

export interface ReferenceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Doubles for floats: not rounded. */
  readonly data: Values;
}
export interface ReferenceOptions {
  /** Only these outputs; default all. */
  readonly outputs?: readonly string[];
  /** The free symbol's value; default 1. */
  readonly batch?: number;
}

/** Runs a trace in doubles. `feeds` holds inputs, run-time scalars and parameters by name, flat.
 *  @throws CompileError HC9 for an unknown output, HC10 for a feed that is missing or of another size. */
export function runReference(traced: TracedGraph, feeds: Readonly<Record<string, Values>>, options: ReferenceOptions = {}): Record<string, ReferenceTensor> {
  const { batch = 1, outputs } = options;
  const { graph, outputs: all } = intern(traced);
  for (const name of outputs ?? [])
    if (!all.some(([n]) => n === name)) throw new CompileError('HC9', `no output '${name}': the model's outputs are ${all.map(o => o[0]).join(', ')}`);
  const wanted = all.filter(([name]) => !outputs || outputs.includes(name));
  const values = interpret(graph, wanted.map(o => o[1]), feeds, { batch });
  return Object.fromEntries(
    wanted.map(([name, id]) => {
      const node = graph.node(id);
      return [name, { dtype: node.dtype, shape: node.shape.map(s => sizeAt(s, batch)), data: values.get(id)! }];
    }),
  );
}
