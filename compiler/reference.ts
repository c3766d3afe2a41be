// A model on the reference: outputs by name, from inputs and parameters by name. The judge of every device.
import type { DType } from '../common/dtype.ts';
import { sizeAt } from '../common/size.ts';
import { CompileError } from './errors.ts';
import { withGradients } from './graph/gradient/parameters.ts';
import { intern, type TracedGraph } from './graph/intern.ts';
import { interpretSteps, type Values } from './graph/interpret.ts';

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
  /** An output whose sum is differentiated: outputs `grad.<parameter>` are added. */
  readonly grad?: string;
}
type Feeds = Readonly<Record<string, Values>>;
type Results = Record<string, ReferenceTensor>;

/** Runs a trace in doubles. `feeds` holds inputs, run-time scalars and parameters by name, flat.
 *  @throws CompileError HC9 for an unknown output, HC10 for a feed that is missing or of another size. */
export function runReference(traced: TracedGraph, feeds: Feeds, options: ReferenceOptions = {}): Results {
  const steps = referenceSteps(traced, feeds, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, giving way to the event loop after 50 ms, so that Ctrl-C and a progress line work. */
export async function runReferenceSliced(
  traced: TracedGraph,
  feeds: Feeds,
  options: ReferenceOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Results> {
  const steps = referenceSteps(traced, feeds, options);
  for (let since = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < 50) continue;
    onProgress(step.value.done, step.value.total);
    await new Promise(resolve => setTimeout(resolve));
    since = performance.now();
  }
}

function* referenceSteps(
  traced: TracedGraph,
  feeds: Feeds,
  { batch = 1, outputs, grad }: ReferenceOptions,
): Generator<{ readonly done: number; readonly total: number }, Results> {
  if (traced.step) throw new CompileError('HC13', 'a training step has state: on the reference runReferenceStep runs it');
  const whole = intern(traced);
  const { graph, outputs: all } = grad === undefined ? whole : withGradients(whole, grad);
  for (const name of outputs ?? [])
    if (!all.some(([n]) => n === name))
      throw new CompileError('HC9', `no output '${name}': the model's outputs are ${all.map(o => o[0]).join(', ')}`);
  const wanted = all.filter(([name]) => !outputs || outputs.includes(name));
  const ids = wanted.map(([, id]) => id);
  const values = yield* interpretSteps(graph, ids, feeds, { batch });
  return Object.fromEntries(
    wanted.map(([name, id]) => {
      const node = graph.node(id);
      return [name, { dtype: node.dtype, shape: node.shape.map(s => sizeAt(s, batch)), data: values.get(id)! }];
    }),
  );
}
