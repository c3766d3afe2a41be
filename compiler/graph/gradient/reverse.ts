// Reverse mode on the tensor graph: the gradient of a scalar in some values, as new nodes of the same graph. Nodes are visited from
// the scalar down (an operand's id is below its reader's), each once, when all of its readers have contributed. A `call` that
// brings its own derivative is asked for it instead of being entered.
import { CompileError } from '../../errors.ts';
import { type Graph, type GraphNode, scalarType } from '../graph.ts';
import { add, type Contribution, transpose, zeros } from './transpose.ts';

/** Puts a derivative that the language wrote into the graph: [saved…, args…], value and cotangent are ids; one id or null an argument. */
export type WrittenDerivative = (call: GraphNode & { readonly op: 'call' }, cotangent: number) => readonly (number | null)[];

/** d of/d each of `wrt`, of the shapes of `wrt`. `of` has shape []. A value that does not reach `of` has the gradient zero.
 *  @throws CompileError HC12 when `of` is no f32 scalar or a value is no float */
export function gradient(graph: Graph, of: number, wrt: readonly number[], written: WrittenDerivative): number[] {
  const target = graph.node(of);
  if (target.shape.length > 0 || scalarType(target.dtype) !== 'f32')
    throw new CompileError('HC12', `a gradient is of an f32 scalar, this value is ${target.dtype} of rank ${target.shape.length}: sum it first`);
  for (const id of wrt)
    if (scalarType(graph.node(id).dtype) !== 'f32') throw new CompileError('HC12', `a gradient is in floats, this value is ${graph.node(id).dtype}`);
  const flows = reaching(graph, of, wrt);
  const pending = new Map<number, Contribution[]>([[of, [{ kind: 'whole', value: graph.constant(1) }]]]);
  const result = new Map<number, number>();
  for (let id = of; id >= 0 && pending.size > 0; id--) {
    const parts = pending.get(id);
    if (!parts) continue;
    pending.delete(id);
    graph.current = graph.origins.get(id);
    const g = collect(graph, graph.shape(id), parts);
    if (wrt.includes(id)) result.set(id, g);
    const node = graph.node(id);
    for (const [operand, part] of contributions(graph, node, g, flows, written)) {
      const list = pending.get(operand);
      if (list) list.push(part);
      else pending.set(operand, [part]);
    }
  }
  graph.current = undefined;
  return wrt.map(id => result.get(id) ?? zeros(graph, graph.shape(id)));
}

function contributions(
  graph: Graph,
  node: GraphNode,
  g: number,
  flows: ReadonlySet<number>,
  written: WrittenDerivative,
): (readonly [number, Contribution])[] {
  if (node.op === 'call') {
    if (node.derivative) {
      const values = written(node, g);
      const args = node.ins.slice(1 + node.saved);
      return args.flatMap((arg, i) => {
        const value = values[i];
        return value === null || value === undefined || !flows.has(arg) ? [] : [[arg, { kind: 'whole', value }] as const];
      });
    }
    return flows.has(node.ins[0]!) ? [[node.ins[0]!, { kind: 'whole', value: g }]] : [];
  }
  return node.ins.flatMap((operand, k) => {
    const part = flows.has(operand) ? transpose(graph, node, k, g) : undefined;
    return part ? [[operand, part] as const] : [];
  });
}

/** Values on a path from one of `wrt` to `of` along which a gradient can flow. */
function reaching(graph: Graph, of: number, wrt: readonly number[]): ReadonlySet<number> {
  const set = new Set(wrt);
  const least = Math.min(...wrt);
  for (let id = least + 1; id <= of; id++) {
    const n = graph.node(id);
    if (n.op === 'stop' || scalarType(n.dtype) !== 'f32') continue;
    const operands = n.op !== 'call' ? n.ins : n.derivative ? n.ins.slice(1 + n.saved) : n.ins.slice(0, 1);
    if (operands.some(i => set.has(i))) set.add(id);
  }
  return set;
}

/** The sum of contributions. Pieces along one axis that tile the value become one concat; what is left between them is zero. */
function collect(graph: Graph, shape: GraphNode['shape'], parts: readonly Contribution[]): number {
  const values = parts.flatMap(p => (p.kind === 'whole' ? [p.value] : []));
  const byAxis = Map.groupBy(
    parts.flatMap(p => (p.kind === 'piece' ? [p] : [])),
    p => p.axis,
  );
  for (const [axis, pieces] of byAxis) {
    const sorted = [...pieces].sort((a, b) => a.from - b.from);
    while (sorted.length > 0) values.push(tile(graph, shape, axis, sorted));
  }
  return values.reduce((a, b) => graph.map(add, [a, b]));
}
/** Takes pieces from the list that do not overlap and lays them side by side. */
function tile(graph: Graph, shape: GraphNode['shape'], axis: number, sorted: { readonly from: number; readonly value: number }[]): number {
  const size = shape[axis]!;
  const lengthOf = (value: number): number => graph.shape(value)[axis] as number;
  if (typeof size !== 'number') {
    const only = sorted.shift()!;
    return only.value; // along the batch a slice takes everything
  }
  const chosen: { from: number; value: number }[] = [];
  let end = 0;
  for (let i = 0; i < sorted.length; ) {
    if (sorted[i]!.from < end) i++;
    else {
      const [piece] = sorted.splice(i, 1) as [{ from: number; value: number }];
      chosen.push(piece);
      end = piece.from + lengthOf(piece.value);
    }
  }
  const gap = (length: number): number =>
    zeros(
      graph,
      shape.map((s, i) => (i === axis ? length : s)),
    );
  const strip: number[] = [];
  let at = 0;
  for (const { from, value } of chosen) {
    if (from > at) strip.push(gap(from - at));
    if (lengthOf(value) > 0) strip.push(value);
    at = from + lengthOf(value);
  }
  if (at < size) strip.push(gap(size - at));
  return strip.length === 1 ? strip[0]! : graph.concat(axis, strip);
}
