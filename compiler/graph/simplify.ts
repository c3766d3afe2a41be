// Rewrites that are obviously worth it, as a table of small named rules: views of views, views that do nothing, what is constant.
// A rule looks at one node over operands that are simple already and either gives the id of a simpler value or undefined; rules
// are tried in order until none applies. Anything that weighs costs belongs to fusion, not here.
import { isDynamic, sameSize } from '../../common/size.ts';
import { type ScalarFn, typeOf } from '../../dsl/scalar.ts';
import { float64 } from './arithmetic.ts';
import { Graph, type GraphNode, type GraphOp, homeOf, isStateFlat, sameShape, scalarType } from './graph.ts';
import type { Interned } from './intern.ts';

export interface Rule {
  readonly name: string;
  /** A simpler value equal to node n of graph g, or undefined. */
  readonly apply: (g: Graph, n: GraphNode) => number | undefined;
}

const own = (g: Graph, n: GraphNode): GraphNode => g.node(n.ins[0]!);
const doesNothing = (g: Graph, n: GraphNode): number | undefined => (sameShape(n.shape, own(g, n).shape) ? n.ins[0] : undefined);

/** The number that every element of a value is: a constant, or an expanded one. */
function uniform(g: Graph, id: number): number | undefined {
  const n = g.node(id);
  if (n.op === 'const') return n.value;
  if (n.op === 'extent' && typeof n.size === 'number') return n.size;
  return n.op === 'view' && n.view === 'expand' ? uniform(g, n.ins[0]!) : undefined;
}
/** A value whose elements are all `value`. */
const filled = (g: Graph, value: number, n: GraphNode): number => g.expand(g.constant(value, n.dtype), n.shape, []);

function fold(fn: ScalarFn, args: readonly number[]): number {
  const values = [...args];
  for (const i of fn.body) {
    if (i.prim === 'const') values.push(float64.constant(i.value, i.type));
    else {
      const [a = 0, b = 0, c = 0] = i.args.map(k => values[k]!);
      values.push(float64.primitive(i.prim, typeOf(fn, i.args[i.prim === 'select' ? 1 : 0]!))(a, b, c));
    }
  }
  return values[fn.result]!;
}

export const rules: readonly Rule[] = [
  { name: 'extent of a number', apply: (g, n) => (n.op === 'extent' && !isDynamic(n.size) ? g.constant(n.size, 'i32') : undefined) },
  { name: 'reshape to the same shape', apply: (g, n) => (n.op === 'view' && n.view === 'reshape' ? doesNothing(g, n) : undefined) },
  { name: 'permute in order', apply: (_, n) => (n.op === 'view' && n.view === 'permute' && n.order.every((a, i) => a === i) ? n.ins[0] : undefined) },
  { name: 'expand to the same shape', apply: (g, n) => (n.op === 'view' && n.view === 'expand' ? doesNothing(g, n) : undefined) },
  {
    name: 'slice of everything',
    apply: (g, n) => (n.op === 'view' && n.view === 'slice' && n.from === 0 && n.step === 1 ? doesNothing(g, n) : undefined),
  },
  { name: 'flip of one', apply: (_, n) => (n.op === 'view' && n.view === 'flip' && sameSize(n.shape[n.axis]!, 1) ? n.ins[0] : undefined) },
  { name: 'pad by nothing', apply: (g, n) => (n.op === 'pad' ? doesNothing(g, n) : undefined) },
  { name: 'concat of one', apply: (_, n) => (n.op === 'concat' && n.ins.length === 1 ? n.ins[0] : undefined) },
  { name: 'reduce over no axis', apply: (_, n) => (n.op === 'reduce' && n.axes.length === 0 ? n.ins[0] : undefined) },
  {
    name: 'reduce over axes of one',
    apply: (g, n) => (n.op === 'reduce' && n.axes.every(a => sameSize(own(g, n).shape[a]!, 1)) ? g.reshape(n.ins[0]!, n.shape) : undefined),
  },
  {
    name: 'concat without empty operands',
    apply: (g, n) => {
      if (n.op !== 'concat') return undefined;
      const kept = n.ins.filter(i => !sameSize(g.shape(i)[n.axis]!, 0));
      return kept.length === 0 || kept.length === n.ins.length ? undefined : g.concat(n.axis, kept);
    },
  },
  {
    name: 'reshape of reshape',
    apply: (g, n) => {
      const x = own2(g, n, 'reshape');
      return x ? g.reshape(x.ins[0]!, n.shape) : undefined;
    },
  },
  {
    name: 'permute of permute',
    apply: (g, n) => {
      const x = own2(g, n, 'permute');
      return x && n.op === 'view' && n.view === 'permute'
        ? g.permute(
            x.ins[0]!,
            n.order.map(a => x.order[a]!),
          )
        : undefined;
    },
  },
  {
    name: 'expand of expand',
    apply: (g, n) => {
      const x = own2(g, n, 'expand');
      return x && n.op === 'view' && n.view === 'expand'
        ? g.expand(
            x.ins[0]!,
            n.shape,
            x.at.map(a => n.at[a]!),
          )
        : undefined;
    },
  },
  {
    name: 'slice of slice along one axis',
    apply: (g, n) => {
      const x = own2(g, n, 'slice');
      return x && n.op === 'view' && n.view === 'slice' && n.axis === x.axis
        ? g.slice(x.ins[0]!, n.axis, x.from + n.from * x.step, n.shape[n.axis]!, n.step * x.step)
        : undefined;
    },
  },
  {
    name: 'flip of flip along one axis',
    apply: (g, n) => {
      const x = own2(g, n, 'flip');
      return x && n.op === 'view' && n.view === 'flip' && n.axis === x.axis ? x.ins[0] : undefined;
    },
  },
  {
    name: 'stop of stop, or of what has no gradient',
    apply: (g, n) =>
      n.op === 'stop' && (own(g, n).op === 'stop' || scalarType(n.dtype) !== 'f32' || uniform(g, n.ins[0]!) !== undefined) ? n.ins[0] : undefined,
  },
  {
    name: 'view of a constant',
    apply: (g, n) => {
      if (n.op !== 'view') return undefined;
      const value = uniform(g, n.ins[0]!);
      const plain = value === undefined || (n.view === 'expand' && own(g, n).op === 'const');
      return plain ? undefined : filled(g, value, n);
    },
  },
  {
    name: 'map of constants',
    apply: (g, n) => {
      if (n.op !== 'map') return undefined;
      const args = n.ins.map(i => uniform(g, i));
      if (args.some(a => a === undefined)) return undefined;
      const value = fold(n.fn, args as number[]);
      return Number.isFinite(value) ? filled(g, value, n) : undefined; // no kernel language can write the others down
    },
  },
];

type ViewNode<V> = GraphNode & { readonly op: 'view'; readonly view: V };
/** The operand, when it and the node are both this kind of view. */
function own2<V extends 'reshape' | 'permute' | 'expand' | 'slice' | 'flip'>(g: Graph, n: GraphNode, view: V): ViewNode<V> | undefined {
  if (n.op !== 'view' || n.view !== view) return undefined;
  const x = own(g, n);
  return x.op === 'view' && x.view === view ? (x as ViewNode<V>) : undefined;
}

/** The same program with every rule applied to a fixed point and without what its outputs do not need (inputs and parameters stay). */
export function simplify(program: Interned, table: readonly Rule[] = rules): Interned {
  return rebuild(rebuild(program, table), [placed()]); // the second time also drops what the first one left behind
}

/** Values lie in one flat, once: a copy stands for what lies in another place too. It comes last, when it is known which values are one. */
function placed(): Rule {
  const taken = new Set<number>();
  const done = new Set<number>();
  return {
    name: 'flat of values with places of their own',
    apply: (g, n) => {
      if (n.op !== 'flat' || done.has(n.id) || isStateFlat(g, n.id)) return undefined;
      const ins = n.ins.map(i => {
        const home = homeOf(g, i);
        const { op } = g.node(home);
        const elsewhere = taken.has(home) || op === 'input' || op === 'data' || op === 'flat' || op === 'assign';
        taken.add(home);
        return elsewhere ? g.copy(i) : i;
      });
      const flat = g.flat(ins, n.offsets, n.shape as readonly number[]); // n itself where nothing was copied
      done.add(flat);
      return flat;
    },
  };
}

function rebuild(program: Interned, table: readonly Rule[]): Interned {
  const from = program.graph;
  const graph = new Graph();
  const inputs = from.nodes.filter(n => n.op === 'input').map(n => n.id);
  const to = new Map<number, number>();
  for (const id of from.needed([...inputs, ...program.outputs.map(([, o]) => o), ...program.updates], n => n.ins)) {
    const node = from.node(id);
    const origin = from.origins.get(id);
    const ins = node.ins.map(i => to.get(i)!);
    const copy = node.op === 'map' ? graph.map(node.fn, ins, node.dtype, origin) : graph.put(opOf(node), node.shape, node.dtype, ins, origin);
    const now = simplest(graph, copy, table);
    if (origin && !graph.origins.has(now)) graph.origins.set(now, origin);
    if (from.nested.has(id) && graph.node(now).op === node.op) graph.nested.add(now);
    if (from.fleeting.has(id) && graph.node(now).op === node.op) graph.fleeting.add(now);
    to.set(id, now);
  }
  const renamed = (names: ReadonlyMap<string, number>): Map<string, number> => new Map([...names].map(([name, id]) => [name, to.get(id)!]));
  return {
    graph,
    inputs: renamed(program.inputs),
    params: renamed(program.params),
    scalars: renamed(program.scalars),
    state: renamed(program.state),
    outputs: program.outputs.map(([name, id]) => [name, to.get(id)!] as const),
    updates: program.updates.map(id => to.get(id)!),
    over: new Map([...program.over].map(([id, size]) => [to.get(id)!, size])),
  };
}
function simplest(graph: Graph, id: number, table: readonly Rule[]): number {
  for (const rule of table) {
    const better = rule.apply(graph, graph.node(id));
    if (better !== undefined && better !== id) return simplest(graph, better, table); // as deep as one node has rules to apply
  }
  return id;
}
function opOf(node: GraphNode): GraphOp {
  const { id: _id, shape: _shape, dtype: _dtype, ins: _ins, ...op } = node;
  return op;
}
