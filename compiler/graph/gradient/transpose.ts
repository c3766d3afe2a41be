// Reverse mode, one rule an op: the cotangents of a node's operands from the node's own. No rule scatters.
import { scalar } from '../../../dsl/scalar.ts';
import { type Graph, type GraphNode, sameShape } from '../graph.ts';
import { transposeGather } from './gather.ts';
import { transposeScalar } from './scalar.ts';
import { contract, map, sliceAxis, spread, sum } from './values.ts';
import { type Contribution, transposeView, whole } from './views.ts';

const hits = scalar('hits', ['f32', 'f32'], (b, x, most) => b.op('toF32', b.op('eq', x, most)));
const share = scalar('share', ['f32', 'f32', 'f32'], (b, hit, g, count) => b.op('div', b.op('mul', hit, g), count));

/** Contributions to operand k of node n, whose cotangent is g; undefined when no gradient flows there. */
export function transpose(graph: Graph, n: GraphNode, k: number, g: number): Contribution | undefined {
  const x = n.ins[k]!;
  const { shape, dtype } = graph.node(x);
  switch (n.op) {
    case 'map': {
      const fn = transposeScalar(n.fn, k);
      if (!fn) return undefined;
      const made = map(graph, fn, [...n.ins, g], dtype);
      if (graph.nested.has(n.id) && made !== g) graph.nested.add(made); // as large as n, and summed where n's operand was repeated
      return whole(made);
    }
    case 'reduce':
      return whole(n.kind === 'sum' ? spread(graph, g, shape, n.axes) : ties(graph, n, g));
    case 'contract': {
      const [mine, other] = k === 0 ? n.labels : ([n.labels[1], n.labels[0]] as const);
      // a label of this operand alone was summed: its cotangent is the same all along it
      const lone = [...mine].flatMap((c, i) => (n.out.includes(c) || other.includes(c) ? [] : [i]));
      const kept = [...mine].filter((_, i) => !lone.includes(i)).join('');
      return whole(spread(graph, contract(graph, [n.out, other], kept, g, n.ins[1 - k]!), shape, lone));
    }
    case 'view':
      return transposeView(graph, n, g, shape);
    case 'pad':
      return whole(n.low.reduce((v, low, axis) => sliceAxis(graph, v, axis, low, shape[axis]!), g));
    case 'concat': {
      const from = n.ins.slice(0, k).reduce((total, i) => total + (graph.shape(i)[n.axis] as number), 0);
      return whole(sliceAxis(graph, g, n.axis, from, shape[n.axis]!));
    }
    case 'gather':
      return k === 0 ? whole(transposeGather(graph, n, g)) : undefined;
    default:
      return undefined;
  }
}

/** 1 where an element reaches the maximum (or minimum) that n found, else 0. */
export function hitsOf(graph: Graph, n: GraphNode & { readonly op: 'reduce' }): number {
  const { shape, dtype } = graph.node(n.ins[0]!);
  return map(graph, hits, [n.ins[0]!, spread(graph, n.id, shape, n.axes)], dtype);
}
/** All elements that reach it share its cotangent equally. */
function ties(graph: Graph, n: GraphNode & { readonly op: 'reduce' }, g: number): number {
  const { shape, dtype } = graph.node(n.ins[0]!);
  const hit = hitsOf(graph, n);
  const count = sum(graph, hit, n.axes);
  return map(graph, share, [hit, spread(graph, g, shape, n.axes), spread(graph, count, shape, n.axes)], dtype);
}
/** Whether two values may be the cotangent and the value of one another. */
export const sameType = (a: GraphNode, b: GraphNode): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);
