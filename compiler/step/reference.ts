// A training step on the reference, in doubles: the judge of the step on every device. State goes in and comes out by name.
import { sizeAt } from '../../common/size.ts';
import type { Traced } from '../../dsl/model.ts';
import { CompileError } from '../errors.ts';
import { numel } from '../graph/graph.ts';
import { intern } from '../graph/intern.ts';
import { interpret, type Values } from '../graph/interpret.ts';
import type { ReferenceTensor } from '../reference.ts';
import { withStep } from './expand.ts';

export interface ReferenceStep {
  readonly outputs: Readonly<Record<string, ReferenceTensor>>;
  /** Parameters, moments and accumulated gradients after the step. */
  readonly state: Readonly<Record<string, Values>>;
}

/** One step of a traced `trainStep`. `feeds` holds inputs, run-time scalars and weights that are not trained; `state` the parameters and
 *  what the optimiser keeps, of which the missing is zero.
 *  @throws CompileError HC10 for a feed that is missing or of another size, HC13 for what is no training step */
export function runReferenceStep(
  traced: Traced,
  state: Readonly<Record<string, Values>>,
  feeds: Readonly<Record<string, Values>>,
  { batch = 1 }: { readonly batch?: number } = {},
): ReferenceStep {
  if (!traced.step) throw new CompileError('HC13', `${traced.name} is no training step: make one with trainStep`);
  const program = withStep(intern(traced), traced.step, Number.POSITIVE_INFINITY);
  const { graph, outputs, updates } = program;
  const kept = Object.fromEntries(
    [...program.state].map(([name, id]) => {
      const node = graph.node(id);
      const zero = node.op === 'input' && node.role === 'state';
      return [name, state[name] ?? (zero ? new Float64Array(numel(node.shape) as number) : undefined)] as const;
    }),
  );
  const known = Object.fromEntries(Object.entries(kept).flatMap(([name, values]) => (values ? [[name, values] as const] : [])));
  const values = interpret(graph, [...outputs.map(o => o[1]), ...updates], { ...feeds, ...known }, { batch });
  const after = new Map<number, Values>();
  for (const id of updates) {
    const flat = graph.node(graph.node(id).ins[0]!);
    if (flat.op !== 'flat') throw new Error('a step assigns flats');
    flat.ins.forEach((input, k) => {
      after.set(input, values.get(id)!.slice(flat.offsets[k]!, flat.offsets[k]! + (numel(graph.shape(input)) as number)));
    });
  }
  return {
    outputs: Object.fromEntries(
      outputs.map(([name, id]) => {
        const node = graph.node(id);
        return [name, { dtype: node.dtype, shape: node.shape.map(s => sizeAt(s, batch)), data: values.get(id)! }];
      }),
    ),
    state: Object.fromEntries([...program.state].map(([name, id]) => [name, after.get(id)!])),
  };
}
