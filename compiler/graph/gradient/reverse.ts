// Reverse mode on the tensor graph: the gradient of a scalar in some values, as new nodes of the same graph. Nodes are visited from
// the scalar down (an operand's id is below its reader's), each once, when all of its readers have contributed. A `call` that
// brings its own derivative is asked for it instead of being entered.
import { showSizes } from '../../../common/size.ts';
import { placeOf } from '../../../dsl/errors.ts';
import { CompileError } from '../../errors.ts';
import { type Graph, type GraphNode, scalarType } from '../graph.ts';
import { collect } from './pieces.ts';
import { sameType, transpose } from './transpose.ts';
import { zeros } from './values.ts';
import { type Contribution, whole } from './views.ts';

type CallNode = GraphNode & { readonly op: 'call' };
/** Puts a derivative that the language wrote into the graph: the cotangent is an id, and one id or null comes back an argument. */
export type WrittenDerivative = (call: CallNode, cotangent: number) => readonly (number | null)[];

/** d of/d each of `wrt`, of the shapes and dtypes of `wrt`. A value that does not reach `of` has the gradient zero.
 *  @throws CompileError HC12 when `of` is no float of shape [], a value is no float, or a written derivative has the wrong shape */
export function gradient(graph: Graph, of: number, wrt: readonly number[], written: WrittenDerivative): number[] {
  const target = graph.node(of);
  if (target.shape.length > 0 || !isFloat(target))
    throw refuse(graph, of, `a gradient is of a floating-point scalar, this value is ${target.dtype}${showSizes(target.shape)}`);
  for (const id of wrt)
    if (!isFloat(graph.node(id))) throw refuse(graph, id, `a gradient is in floating-point values, this one is ${graph.node(id).dtype}`);
  const flows = reaching(graph, of, wrt);
  const pending = new Map<number, Contribution[]>([[of, [whole(graph.constant(1, target.dtype))]]]);
  const asked = new Set(wrt);
  const result = new Map<number, number>();
  const before = graph.current;
  try {
    for (let id = of; id >= 0 && pending.size > 0; id--) {
      const parts = pending.get(id);
      if (!parts) continue;
      pending.delete(id);
      graph.current = graph.origins.get(id);
      const g = collect(graph, graph.node(id), parts);
      if (graph.fleeting.has(id)) graph.fleeting.add(g); // a cotangent is as large as its value
      if (asked.has(id)) result.set(id, g);
      for (const [operand, part] of contributions(graph, graph.node(id), g, flows, written)) {
        const list = pending.get(operand);
        if (list) list.push(part);
        else pending.set(operand, [part]);
      }
    }
  } finally {
    graph.current = before;
  }
  return wrt.map(id => result.get(id) ?? zeros(graph, graph.shape(id), graph.node(id).dtype));
}
const isFloat = (n: GraphNode): boolean => scalarType(n.dtype) === 'f32';
const refuse = (graph: Graph, id: number, why: string): CompileError =>
  new CompileError('HC12', why, { place: placeOf(graph.origins.get(id) ?? {}) });

/** The operands along which a gradient can flow, by position. */
function differentiable(n: GraphNode): readonly number[] {
  if (n.op === 'stop' || !isFloat(n)) return [];
  if (n.op !== 'call') return [...n.ins.keys()];
  return n.derivative ? [...n.ins.keys()].slice(1 + n.saved) : [0];
}
/** Values on a path from one of `wrt` to `of` along which a gradient can flow. */
function reaching(graph: Graph, of: number, wrt: readonly number[]): ReadonlySet<number> {
  const set = new Set(wrt);
  for (let id = 0; id <= of; id++) {
    const n = graph.node(id);
    if (differentiable(n).some(k => set.has(n.ins[k]!))) set.add(id);
  }
  return set;
}

/** What a node gives to the cotangents of its operands. */
function contributions(
  graph: Graph,
  node: GraphNode,
  g: number,
  flows: ReadonlySet<number>,
  written: WrittenDerivative,
): (readonly [operand: number, Contribution])[] {
  const towards = differentiable(node).filter(k => flows.has(node.ins[k]!));
  if (towards.length === 0) return [];
  if (node.op === 'call' && node.derivative) {
    const values = asked(graph, node, written(node, g));
    return towards.flatMap(k => {
      const value = values[k - 1 - node.saved];
      return value === null || value === undefined ? [] : [[node.ins[k]!, whole(value)] as const];
    });
  }
  if (node.op === 'call') return [[node.ins[0]!, whole(g)]];
  return towards.flatMap(k => {
    const part = transpose(graph, node, k, g);
    return part ? [[node.ins[k]!, part] as const] : [];
  });
}

/** The cotangents that a written derivative gave, if they are those of its arguments. */
function asked(graph: Graph, call: CallNode, values: readonly (number | null)[]): readonly (number | null)[] {
  const args = call.ins.slice(1 + call.saved);
  if (values.length !== args.length)
    throw refuse(graph, call.id, `the derivative of ${call.name} gives ${values.length} cotangents for ${args.length} arguments`);
  values.forEach((value, i) => {
    if (value === null) return;
    const [got, want] = [graph.node(value), graph.node(args[i]!)];
    if (!sameType(got, want))
      throw refuse(
        graph,
        call.id,
        `the derivative of ${call.name} gives ${got.dtype}${showSizes(got.shape)} for argument ${i}, which is ${want.dtype}${showSizes(want.shape)}`,
      );
  });
  return values;
}
