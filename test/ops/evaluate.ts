// Evaluates the source text of the op table's calls: with the ops over placeholders, traced and run by the graph interpreter, and with
// the references over plain arrays.
import type { Graph } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { interpret } from '../../compiler/graph/interpret.ts';
import { evalDim } from '../../dsl/dim.ts';
import type { Node } from '../../dsl/graph.ts';
import * as ops from '../../dsl/ops/index.ts';
import { count } from '../../dsl/table/arrays.ts';
import type { Call, NdArray } from '../../dsl/table/row.ts';
import { Random, type Sample, table, type Values } from '../../dsl/table.ts';
import { bool, f16, f32, i32, index, isTensor, type Tensor, u32 } from '../../dsl/tensor.ts';

const placeholders = { f32, f16, i32, u32, bool, index };
/** An expression over the names of `scope`. The texts are the table's own. */
export function evaluate(text: string, scope: Readonly<Record<string, unknown>>): unknown {
  return new Function(...Object.keys(scope), `return (${text});`)(...Object.values(scope));
}
/** Ops and placeholders by name. */
export const language: Readonly<Record<string, unknown>> = { ...placeholders, ...ops };
export function trace(call: Call): { readonly inputs: ReadonlyMap<string, Tensor>; readonly result: unknown } {
  const inputs = new Map(Object.entries(call.inputs).map(([name, text]) => [name, evaluate(text, placeholders) as Tensor]));
  return { inputs, result: evaluate(call.call, { ...language, ...Object.fromEntries(inputs) }) };
}

/** The leaves of a tensor, a tuple of tensors or a record of them, in order. */
export function leaves<T>(result: unknown, isLeaf: (x: unknown) => x is T): T[] {
  if (isLeaf(result)) return [result];
  return Object.values(result as object).flatMap(x => leaves(x, isLeaf));
}
const isArray = (x: unknown): x is NdArray => typeof x === 'object' && x !== null && 'data' in x;
export const tensorsOf = (result: unknown): Tensor[] => leaves(result, isTensor);

/** The values of an input, drawn by its name. */
function draw(how: Values | undefined, x: Node, random: Random): NdArray {
  const shape = x.shape as readonly number[];
  const n = count(shape);
  const over = x.over as number | undefined;
  const one = (): number => {
    if (x.dtype === 'bool') return random.int(2);
    if (over !== undefined) return random.int(over);
    switch (how) {
      case 'positive':
        return 0.1 + 3.9 * random.unit();
      case 'integer':
        return x.dtype === 'u32' ? random.int(9) : random.int(9) - 4;
      case 'unit':
        return random.unit();
      default:
        return x.dtype === 'f32' || x.dtype === 'f16' ? random.normal() : random.int(x.dtype === 'u32' ? 100 : 201) - (x.dtype === 'u32' ? 0 : 100);
    }
  };
  const data = Array.isArray(how) ? how : Array.from({ length: n }, one);
  if (data.length !== n) throw new Error(`${data.length} values for ${n} elements`);
  const round = x.dtype === 'f16' ? halfOf : x.dtype === 'f32' ? Math.fround : (v: number) => v;
  return { shape, dtype: x.dtype, data: data.map(round), ...(over === undefined ? {} : { over }) };
}
/** Inputs of f16 hold halves, as a device would round them. */
const halfOf = (v: number): number => Math.round(v * 256) / 256;

export interface Evaluated {
  /** By the interpreter, and by the reference. */
  readonly got: readonly NdArray[];
  readonly expected: readonly NdArray[];
}
const references: Readonly<Record<string, unknown>> = referenceScope();
/** References by name; 'random.uniform' stands in an object, as it is imported. */
function referenceScope(): Record<string, unknown> {
  const scope: Record<string, Record<string, unknown> | unknown> = {};
  for (const row of table) {
    const [group, member] = row.name.split('.') as [string, string | undefined];
    if (member === undefined) scope[group] = row.reference;
    else scope[group] = { ...(scope[group] as object | undefined), [member]: row.reference };
  }
  return scope;
}

type Traced = ReturnType<typeof trace>;
/** The compiler's graph of a traced call; a symbol `batch` may stay free. */
export function graphOf({ inputs, result }: Traced, batch: string | null = null): { readonly graph: Graph; readonly outputs: readonly number[] } {
  const { graph, outputs } = intern({
    inputs: [...inputs].map(([name, x]) => [name, x.node] as const),
    outputs: tensorsOf(result).map((x, i) => [`${i}`, x.node] as const),
    names: new Map(),
    batch,
  });
  return { graph, outputs: outputs.map(([, id]) => id) };
}
/** Runs a traced call by the graph interpreter; a symbol `batch` may stay free, of the given size. */
export function interpretCall(traced: Traced, feeds: ReadonlyMap<string, readonly number[]>, batch?: readonly [string, number]): NdArray[] {
  const { graph, outputs } = graphOf(traced, batch?.[0]);
  const values = interpret(graph, outputs, feedsOf(feeds), batch ? { batch: batch[1] } : {});
  const tensors = tensorsOf(traced.result);
  const size = (d: number | string): number => (typeof d === 'number' ? d : (evalDim(d, new Map([batch!])) as number));
  return outputs.map((id, i): NdArray => {
    const { shape, dtype, over } = tensors[i]!.node;
    return { shape: shape.map(size), dtype, data: [...values.get(id)!], ...(over === undefined ? {} : { over: size(over) }) };
  });
}
const feedsOf = (values: ReadonlyMap<string, readonly number[]>): Record<string, Float64Array> =>
  Object.fromEntries([...values].map(([name, data]) => [name, Float64Array.from(data)]));
/** Arrays for the inputs of a sample. */
function drawn(sample: Sample, { inputs }: Traced, seed: number): Map<string, NdArray> {
  const random = new Random(seed);
  return new Map([...inputs].map(([name, x]) => [name, draw(sample.values?.[name], x.node, random)]));
}
const dataOf = (values: ReadonlyMap<string, NdArray>): Map<string, readonly number[]> => new Map([...values].map(([name, x]) => [name, x.data]));
/** A traced sample, values to feed it, and what the reference makes of them. */
export function drawnSample(
  sample: Sample,
  seed: number,
): { readonly traced: Traced; readonly values: ReadonlyMap<string, NdArray>; readonly expected: NdArray[] } {
  const traced = trace(sample);
  const values = drawn(sample, traced, seed);
  return { traced, values, expected: reference(sample.call, Object.fromEntries(values)) };
}
/** A sample as a graph, with values to feed it. */
export function graphOfSample(sample: Sample, seed: number): ReturnType<typeof graphOf> & { readonly feeds: Readonly<Record<string, Float64Array>> } {
  const traced = trace(sample);
  return { ...graphOf(traced), feeds: feedsOf(dataOf(drawn(sample, traced, seed))) };
}
export function evaluateSample(sample: Sample, seed: number): Evaluated {
  const { traced, values, expected } = drawnSample(sample, seed);
  return { got: interpretCall(traced, dataOf(values)), expected };
}
/** The references by name, for arrays of one's own. */
export const reference = (call: string, arrays: Readonly<Record<string, NdArray>>): NdArray[] =>
  leaves(evaluate(call, { ...references, ...arrays }), isArray);
