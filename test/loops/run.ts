// Runs the kernels of a graph in the interpreter of loop nests and compares them with the graph's own interpreter.
import type { Size } from '../../common/size.ts';
import { type Arith, ring } from '../../compiler/graph/arithmetic.ts';
import { type Graph, numel } from '../../compiler/graph/graph.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { runNest } from '../../compiler/loops/interpret.ts';
import { isGiven, type Lowered, lowerKernel } from '../../compiler/loops/lower.ts';
import { homeOf, lowerUnfused, type UnfusedOptions } from '../../compiler/loops/unfused.ts';
import { verifyNest } from '../../compiler/loops/verify.ts';

export type Feeds = Readonly<Record<string, Values>>;
export interface Setting {
  readonly batch?: number;
  readonly arith?: Arith;
}

/** Values by node id after the kernels have run; every nest is verified, as lowered and collapsed. */
export function runKernels(
  graph: Graph,
  kernels: readonly Lowered[],
  feeds: Feeds,
  { batch = 1, arith = ring }: Setting = {},
): Map<number, Float64Array> {
  const memory = new Map<number, Float64Array>();
  const scalars: Record<string, number> = {};
  for (const node of graph.nodes) {
    if (node.op === 'data')
      memory.set(
        node.id,
        Float64Array.from(node.data, x => arith.constant(x, node.dtype === 'f16' ? 'f32' : node.dtype)),
      );
    if (node.op !== 'input') continue;
    if (isGiven(node)) memory.set(node.id, Float64Array.from(feeds[node.name]!));
    else scalars[node.name] = feeds[node.name]![0]!;
  }
  for (const { nest } of kernels) {
    verifyNest(nest);
    const flat = collapse(nest);
    verifyNest(flat);
    runNest(flat, { memory, batch, arith, scalars });
  }
  return memory;
}

/** What differs between the graph's interpreter and kernels, in words; undefined if nothing does. */
export function difference(
  graph: Graph,
  outputs: readonly number[],
  kernels: readonly Lowered[],
  feeds: Feeds,
  setting: Setting = {},
  tolerance = 0,
): string | undefined {
  const expected = interpret(graph, outputs, feeds, { batch: setting.batch ?? 1, arith: setting.arith ?? ring });
  const memory = runKernels(graph, kernels, feeds, setting);
  for (const output of outputs) {
    const want = expected.get(output)!;
    if (want.length === 0) continue;
    const got = memory.get(homeOf(graph, output));
    if (got === undefined) return `%${output} is nowhere`;
    if (got.length !== want.length) return `%${output} has ${got.length} elements, not ${want.length}`;
    for (const [i, x] of got.entries()) if (!(Math.abs(x - want[i]!) <= tolerance)) return `%${output}[${i}] is ${x}, not ${want[i]}`;
  }
  return undefined;
}
export const unfusedDifference = (
  graph: Graph,
  outputs: readonly number[],
  feeds: Feeds,
  setting: Setting = {},
  options: UnfusedOptions = {},
  tolerance = 0,
) => difference(graph, outputs, lowerUnfused(graph, outputs, options), feeds, setting, tolerance);

/** One kernel an output, with everything inside that can be. */
export const lowerInlined = (graph: Graph, outputs: readonly number[], rescale = false): readonly Lowered[] =>
  [...new Set(outputs.map(o => homeOf(graph, o)))]
    .filter(id => !isGiven(graph.node(id)) && numel(graph.shape(id)) !== 0)
    .map(id => lowerKernel(graph, [{ node: id, piece: -1 }], () => false, { rescale }));

/** Small whole numbers, different everywhere, in the range of the ring. */
export const ramp = (shape: readonly Size[], batch = 1, seed = 1): Float64Array =>
  Float64Array.from({ length: elements(shape, batch) }, (_, i) => (i * 7919 + seed * 104729 + 17) % 10007);
/** Floats in −2 … 2. */
export const waves = (shape: readonly Size[], batch = 1, seed = 1): Float64Array =>
  Float64Array.from({ length: elements(shape, batch) }, (_, i) => 2 * Math.sin(i * 12.9898 + seed * 78.233));
export function elements(shape: readonly Size[], batch: number): number {
  const n = numel(shape);
  return typeof n === 'number' ? n : n.batch * batch;
}
