// What fusion may not do: repeat what decides, and make kernels that no target holds.
import { CompileError } from '../../errors.ts';
import { bodyOf, type Graph } from '../../graph/graph.ts';
import { refusal } from '../refuse.ts';
import type { Machine } from './machine.ts';

/** Values that reach a comparison, or the bits of a number, in floats: worked out twice they could be rounded differently, and two
 *  kernels would decide differently. */
export function comparedValues(graph: Graph): ReadonlySet<number> {
  const out = new Set<number>();
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const node = graph.node(id);
    const decides = node.op === 'map' && node.fn.body.some(i => i.prim === 'lt' || i.prim === 'le' || i.prim === 'eq' || i.prim === 'bits');
    if (decides || out.has(id)) for (const i of bodyOf(node)) out.add(i);
  }
  return out;
}

/** More axes or operations than a kernel can have (build.ts, lower.ts). */
export const isTooLarge = (e: unknown): boolean => e instanceof CompileError && (e.code === 'HC201' || e.code === 'HC202');

export const tooWide = (graph: Graph, id: number, machine: Machine): CompileError =>
  refusal(graph, graph.node(id), 'HC204', `no kernel for ${machine.name} computes it within ${machine.bindings} bindings: split the function in two`);
