// Forward mode on the tensor graph, one rule an op: the tangent of some values along given tangents of others. Calls are entered, so
// that derivatives written by hand are judged against the generic ones. The proof of reverse mode (⟨v, Ju⟩ = ⟨Jᵀv, u⟩) rests on it.
import { scalar } from '../../../dsl/scalar.ts';
import { type Graph, type GraphNode, type GraphOp, scalarType } from '../graph.ts';
import { tangentScalar } from './scalar.ts';
import { hitsOf } from './transpose.ts';
import { add, contract, map, sum, zeros } from './values.ts';

const multiply = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const divide = scalar('div', ['f32', 'f32'], (b, x, y) => b.op('div', x, y));

/** Tangents of `outs` (zeros where nothing moves) when each of `wrt` moves along its tangent. */
export function tangents(graph: Graph, outs: readonly number[], wrt: readonly number[], along: readonly number[]): number[] {
  const moving = new Map<number, number>(wrt.map((id, i) => [id, along[i]!]));
  for (const id of graph.needed(outs)) {
    const t = moving.has(id) ? undefined : tangent(graph, graph.node(id), moving);
    if (t !== undefined) moving.set(id, t);
  }
  return outs.map(id => moving.get(id) ?? zeros(graph, graph.shape(id), graph.node(id).dtype));
}

function tangent(graph: Graph, n: GraphNode, moving: ReadonlyMap<number, number>): number | undefined {
  if (scalarType(n.dtype) !== 'f32') return undefined;
  const of = (k: number): number | undefined => moving.get(n.ins[k]!);
  const orZero = (k: number): number => of(k) ?? zeros(graph, graph.shape(n.ins[k]!), graph.node(n.ins[k]!).dtype);
  const t = of(0);
  switch (n.op) {
    case 'map': {
      const parts = n.ins.flatMap((_, k) => (of(k) === undefined ? [] : [k]));
      const fn = parts.length === 0 ? undefined : tangentScalar(n.fn, parts);
      return fn && map(graph, fn, [...n.ins, ...parts.map(k => of(k)!)], n.dtype);
    }
    case 'reduce': {
      if (t === undefined) return undefined;
      if (n.kind === 'sum') return sum(graph, t, n.axes);
      const hit = hitsOf(graph, n); // those that tie move the result by their mean
      return map(graph, divide, [sum(graph, map(graph, multiply, [hit, t], n.dtype), n.axes), sum(graph, hit, n.axes)], n.dtype);
    }
    case 'contract': {
      const second = of(1);
      const left = t === undefined ? undefined : contract(graph, n.labels, n.out, t, n.ins[1]!);
      const right = second === undefined ? undefined : contract(graph, n.labels, n.out, n.ins[0]!, second);
      return left === undefined || right === undefined ? (left ?? right) : add(graph, left, right);
    }
    case 'view':
      return t === undefined ? undefined : graph.put(viewOp(n), n.shape, n.dtype, [t]);
    case 'call':
      return t;
    case 'pad':
      return t === undefined ? undefined : graph.put({ op: 'pad', low: n.low, value: 0 }, n.shape, n.dtype, [t]);
    case 'concat':
      return n.ins.some(i => moving.has(i))
        ? graph.concat(
            n.axis,
            n.ins.map((_, k) => orZero(k)),
          )
        : undefined;
    case 'gather':
      return t === undefined ? undefined : graph.gather(t, n.ins[1]!, n.axis);
    default:
      return undefined;
  }
}
/** The node's own view, for another operand. */
function viewOp({ id: _id, shape: _shape, dtype: _dtype, ins: _ins, ...op }: GraphNode & { readonly op: 'view' }): GraphOp {
  return op;
}
