// Views as index arithmetic: the index at which a view reads its operand. None of them costs a kernel.
import { type Size, sameSize, timesSize } from '../../common/size.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { addIndex, constantIndex, divModIndex, flatIndex, type UpperBound, zeroIndex } from './affine.ts';
import { batchRefusal } from './refuse.ts';
import type { Index } from './types.ts';

/** One index an axis. */
export type Position = readonly Index[];

/** Row-major strides. An axis of 1 has stride 0: its index is 0. Undefined where a stride would hold the batch. */
export function stridesOf(shape: readonly Size[]): readonly number[] | undefined {
  const strides = shape.map(() => 0);
  let below: Size = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size === 1) continue;
    if (typeof below !== 'number') return undefined;
    strides[i] = below;
    below = timesSize(below, size)!;
  }
  return strides;
}
/** The address of a position in a node's row-major layout. Throws CompileError where the batch is not outermost. */
export function addressOf(graph: Graph, node: GraphNode, at: Position): Index {
  const strides = stridesOf(node.shape);
  if (strides === undefined)
    throw batchRefusal(graph, node, 'the batch is not the outermost axis of a tensor that is stored or reshaped', node.shape);
  return flatIndex(at, strides);
}

/** The index at which a view reads its operand. Throws CompileError where that depends on the batch. */
export function throughView(graph: Graph, node: Extract<GraphNode, { op: 'view' }>, at: Position, upper: UpperBound): Position {
  const operand = graph.node(node.ins[0]!);
  const from = operand.shape;
  switch (node.view) {
    case 'reshape':
      return splitAddress(graph, operand, addressOf(graph, node, at), upper);
    case 'permute': {
      const to: Index[] = [];
      node.order.forEach((axis, i) => {
        to[axis] = at[i]!;
      });
      return to;
    }
    case 'expand':
      return node.at.map((axis, i) => (from[i] === 1 ? zeroIndex : at[axis]!));
    case 'slice':
      return at.map((x, i) => (i === node.axis ? addIndex(constantIndex(node.from), x, node.step) : x));
    case 'flip': {
      const size = from[node.axis]!;
      if (typeof size !== 'number') throw batchRefusal(graph, node, 'a flip along the batch', from);
      return at.map((x, i) => (i === node.axis ? addIndex(constantIndex(size - 1), x, -1) : x));
    }
    case 'window': {
      const { axis, stride } = node;
      return from.map((_, i) => (i < axis ? at[i]! : i > axis ? at[i + 1]! : addIndex(at[axis + 1]!, at[axis]!, stride)));
    }
  }
}
/** The inverse of `addressOf`: div and mod from the innermost axis outwards; the outermost needs neither. */
function splitAddress(graph: Graph, node: GraphNode, address: Index, upper: UpperBound): Position {
  const { shape } = node;
  const at = shape.map(() => zeroIndex);
  const outermost = shape.findIndex(s => s !== 1);
  let rest = address;
  for (let i = shape.length - 1; i > outermost; i--) {
    const size = shape[i]!;
    if (size === 1) continue;
    const divided = typeof size === 'number' ? divModIndex(rest, size, upper) : undefined;
    if (divided === undefined) throw batchRefusal(graph, node, 'the batch is not the outermost axis of a tensor that is stored or reshaped', shape);
    [rest, at[i]] = divided;
  }
  if (outermost >= 0) at[outermost] = rest;
  return at;
}

type ViewNode = Extract<GraphNode, { op: 'view' }>;
/** Is every position of the operand seen at one position of the view: a permutation, or a reshape that joins neighbouring axes? */
export const isMerge = (graph: Graph, view: ViewNode): boolean =>
  view.view === 'permute' || (view.view === 'reshape' && joinedAxes(view.shape, graph.shape(view.ins[0]!)) !== undefined);

/** Where the operand's element at `at` stands in such a view. */
export function outOf(graph: Graph, view: ViewNode, at: Position): Position {
  if (view.view === 'permute') return view.order.map(axis => at[axis]!);
  const from = graph.shape(view.ins[0]!);
  return joinedAxes(view.shape, from)!.map(axes => {
    const strides = stridesOf(axes.map(a => from[a]!))!;
    return flatIndex(
      axes.map(a => at[a]!),
      strides,
    );
  });
}
/** For each axis of `to` the neighbouring axes of `from` whose product it is; undefined where an axis is cut. */
function joinedAxes(to: readonly Size[], from: readonly Size[]): readonly (readonly number[])[] | undefined {
  const groups: number[][] = [];
  let next = 0;
  for (const size of to) {
    const group: number[] = [];
    let product: Size = 1;
    while (!sameSize(product, size)) {
      const more: Size | undefined = next < from.length ? timesSize(product, from[next]!) : undefined;
      if (more === undefined || countOf(more) > countOf(size)) return undefined;
      product = more;
      group.push(next++);
    }
    if (stridesOf(group.map(a => from[a]!)) === undefined) return undefined;
    groups.push(group);
  }
  return from.slice(next).every(s => s === 1) ? groups : undefined;
}
const countOf = (s: Size): number => (typeof s === 'number' ? s : s.batch);
