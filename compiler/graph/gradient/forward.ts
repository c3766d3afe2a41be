// Forward mode on the tensor graph, one rule an op: the tangent of some values along given tangents of others. Calls are entered, so
// that derivatives written by hand are judged against the generic ones. The proof of reverse mode (⟨v, Ju⟩ = ⟨Jᵀv, u⟩) rests on it.

import { scalar } from '../../../dsl/scalar.ts';
import { type Graph, type GraphNode, type GraphOp, scalarType } from '../graph.ts';
import { tangentScalar } from './scalar.ts';
import { add, multiply, zeros } from './transpose.ts';

const isMaximum = scalar('isMaximum', ['f32', 'f32'], (b, x, most) => b.op('toF32', b.op('eq', x, most)));
const divide = scalar('div', ['f32', 'f32'], (b, x, y) => b.op('div', x, y));

/** Tangents of `outs` (zeros where nothing moves) when each of `wrt` moves along its tangent. */
export function tangents(graph: Graph, outs: readonly number[], wrt: readonly number[], along: readonly number[]): number[] {
  const moving = new Map<number, number>(wrt.map((id, i) => [id, along[i]!]));
  const last = Math.max(...outs);
  for (let id = 0; id <= last; id++) {
    if (moving.has(id)) continue;
    const t = tangent(graph, graph.node(id), moving);
    if (t !== undefined) moving.set(id, t);
  }
  return outs.map(id => moving.get(id) ?? zeros(graph, graph.shape(id)));
}

function tangent(graph: Graph, n: GraphNode, moving: ReadonlyMap<number, number>): number | undefined {
  if (scalarType(n.dtype) !== 'f32') return undefined;
  const of = (k: number): number | undefined => moving.get(n.ins[k]!);
  const orZero = (k: number): number => of(k) ?? zeros(graph, graph.shape(n.ins[k]!));
  switch (n.op) {
    case 'map': {
      const parts = n.ins.flatMap((_, k) => (of(k) === undefined ? [] : [k]));
      const fn = parts.length === 0 ? undefined : tangentScalar(n.fn, parts);
      return fn && graph.map(fn, [...n.ins, ...parts.map(k => of(k)!)], n.dtype);
    }
    case 'reduce': {
      const t = of(0);
      if (t === undefined) return undefined;
      if (n.kind === 'sum') return graph.reduce('sum', t, n.axes);
      const x = n.ins[0]!;
      const hit = graph.map(isMaximum, [
        x,
        graph.expand(
          n.id,
          graph.shape(x),
          graph.shape(x).flatMap((_, i) => (n.axes.includes(i) ? [] : [i])),
        ),
      ]);
      return graph.map(divide, [graph.reduce('sum', graph.map(multiply, [hit, t]), n.axes), graph.reduce('sum', hit, n.axes)]);
    }
    case 'contract': {
      const [a, b] = [of(0), of(1)];
      const left = a === undefined ? undefined : graph.contract(n.labels, n.out, a, n.ins[1]!);
      const right = b === undefined ? undefined : graph.contract(n.labels, n.out, n.ins[0]!, b);
      return left === undefined || right === undefined ? (left ?? right) : graph.map(add, [left, right]);
    }
    case 'view':
    case 'call': {
      const t = of(0);
      return t === undefined || n.op === 'call' ? t : graph.put(viewOp(n), n.shape, n.dtype, [t]);
    }
    case 'pad': {
      const t = of(0);
      return t === undefined ? undefined : graph.put({ op: 'pad', low: n.low, value: 0 }, n.shape, n.dtype, [t]);
    }
    case 'concat':
      return n.ins.some((_, k) => of(k) !== undefined)
        ? graph.concat(
            n.axis,
            n.ins.map((_, k) => orZero(k)),
          )
        : undefined;
    case 'gather': {
      const t = of(0);
      return t === undefined ? undefined : graph.gather(t, n.ins[1]!, n.axis);
    }
    default:
      return undefined;
  }
}
/** The node's own view, for another operand. */
function viewOp({ id: _id, shape: _shape, dtype: _dtype, ins: _ins, ...op }: GraphNode & { readonly op: 'view' }): GraphOp {
  return op;
}
