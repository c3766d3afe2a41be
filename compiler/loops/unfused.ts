// The unfused form, which stays for ever as the rung that fusion is tested against (`--fuse none`): every map, reduce, contract, pad,
// gather and every operand of a concat is one kernel. Views, constants, positions and sizes are index arithmetic and literals of their
// readers; values marked nested are computed inside theirs.
import { type Graph, type GraphNode, homeOf, numel } from '../graph/graph.ts';
import { type Flats, findFlats } from './flat.ts';
import { isGiven, type Lowered, lowerKernel, type Root } from './lower.ts';
import { inOrder } from './order.ts';
import { refusal } from './refuse.ts';

export { homeOf };

export interface UnfusedOptions {
  /** Buffers that one kernel may bind. Default: any number. */
  readonly maxBuffers?: number;
}

/** Has the op a buffer of its own? The others are index arithmetic, literals, or given. */
export function isStorable(node: GraphNode): boolean {
  switch (node.op) {
    case 'map':
    case 'reduce':
    case 'contract':
    case 'pad':
    case 'concat':
    case 'gather':
    case 'copy':
    case 'flat':
    case 'assign':
      return true;
    default:
      return false;
  }
}

/** The roots that store a node: a concat is stored operand by operand, a flat where its operands are. */
export function rootsOf(graph: Graph, node: GraphNode): readonly Root[] {
  if (node.op === 'flat') return [];
  if (node.op !== 'concat') return [{ node: node.id, piece: -1 }];
  return node.ins.flatMap((operand, piece) => (numel(graph.shape(operand)) === 0 ? [] : [{ node: node.id, piece }]));
}

/** What some outputs need, and the nodes that must have a buffer: the outputs' homes and what lies in a flat. */
export function neededFor(graph: Graph, outputs: readonly number[]): { needed: readonly GraphNode[]; homes: ReadonlySet<number>; flats: Flats } {
  const own = outputs.map(id => homeOf(graph, id));
  const flats = findFlats(graph, own);
  const homes = new Set([...own, ...flats.places.keys()]);
  return { needed: graph.needed(own).map(id => graph.node(id)), homes, flats };
}

/** The kernels that compute some outputs, in an order in which they can run. Each output lies in the buffer of its home (`homeOf`): an
 *  input's or constant data's own buffer, a stored value's, or that of a copy made here (an output that is a view or a constant).
 *  Empty tensors have no kernel. Throws CompileError when a kernel binds more buffers than `maxBuffers`, or the batch is inside a
 *  stored tensor. */
export function lowerUnfused(graph: Graph, outputs: readonly number[], options: UnfusedOptions = {}): readonly Lowered[] {
  const { needed, homes, flats } = neededFor(graph, outputs);
  const stored = new Set(needed.filter(n => isStorable(n) && (!graph.nested.has(n.id) || homes.has(n.id))).map(n => n.id));
  for (;;) {
    const kernels = needed
      .filter(n => (stored.has(n.id) || (homes.has(n.id) && !isGiven(n))) && numel(n.shape) !== 0)
      .flatMap(n => rootsOf(graph, n))
      .map(root => lowerKernel(graph, [root], id => stored.has(id)));
    const wide = kernels.filter(k => k.nest.buffers.length > (options.maxBuffers ?? Number.POSITIVE_INFINITY));
    if (wide.length === 0) return needed.some(n => n.op === 'assign') ? inOrder(graph, kernels, flats) : kernels;
    for (const kernel of wide) for (const id of unnested(graph, kernel, stored, options.maxBuffers!)) stored.add(id);
  }
}

/** The nested values of a kernel that binds too much: stored, each needs only its own operands. */
function unnested(graph: Graph, kernel: Lowered, stored: ReadonlySet<number>, limit: number): readonly number[] {
  const nested = kernel.nodes.filter(id => isStorable(graph.node(id)) && !stored.has(id));
  if (nested.length > 0) return nested;
  const { length } = kernel.nest.buffers;
  throw refusal(
    graph,
    graph.node(kernel.roots[0]!.node),
    'HC204',
    `reads and writes ${length} tensors, but the target binds at most ${limit} a kernel: split the function in two`,
  );
}
