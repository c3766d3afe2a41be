// The error for a node of the graph: led by the name of the user's operation, at the place where it was called.
import { type Size, showSizes } from '../../common/size.ts';
import { placeOf } from '../../dsl/errors.ts';
import { CompileError } from '../errors.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

export function refusal(graph: Graph, node: GraphNode, code: CompileError['code'] & `HC${number}`, words: string): CompileError {
  const origin = graph.origins.get(node.id);
  const name = origin?.trail.at(-1) ?? (node.op === 'map' ? node.fn.name : node.op === 'view' ? node.view : node.op);
  return new CompileError(code, `${name}: ${words}`, { place: origin && placeOf(origin) });
}
/** For what needs a free batch to be a number. */
export const batchRefusal = (graph: Graph, node: GraphNode, what: string, shape: readonly Size[]): CompileError =>
  refusal(graph, node, 'HC203', `${what}, ${showSizes(shape)}: fix the batch with --batch n, or keep it outermost`);
