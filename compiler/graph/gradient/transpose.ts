// Reverse mode, one rule an op: the cotangents of a node's operands from the node's own. No rule scatters: a gather by a permutation
// transposes to a gather by its inverse, any other gather to a sum with a predicate, so results are deterministic on every device.
// A slice gives a piece, not a padded whole: pieces that tile their operand become one concat (reverse.ts).

import { isDynamic, type Size } from '../../../common/size.ts';
import { scalar } from '../../../dsl/scalar.ts';
import { type Graph, type GraphNode, numel, sameShape } from '../graph.ts';
import { transposeScalar } from './scalar.ts';

/** What one reader contributes to an operand's cotangent: all of it, or a range along an axis. */
export type Contribution =
  | { readonly kind: 'whole'; readonly value: number }
  | { readonly kind: 'piece'; readonly axis: number; readonly from: number; readonly value: number };
const whole = (value: number): Contribution => ({ kind: 'whole', value });

export const multiply = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
export const add = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const toF32 = scalar('toF32', ['bool'], (b, x) => b.op('toF32', x));
const equal = scalar('equal', ['f32', 'f32'], (b, x, y) => b.op('eq', x, y));
const share = scalar('share', ['f32', 'f32', 'f32'], (b, hit, g, count) => b.op('div', b.op('mul', hit, g), count));
/** g where the index is this position. */
const atPosition = scalar('atPosition', ['f32', 'i32', 'i32'], (b, g, index, position) =>
  b.op('select', b.op('eq', index, position), g, b.constant(0)),
);
/** Position p where the permutation has this value. */
const placed = scalar('placed', ['i32', 'i32', 'i32'], (b, value, permutation, position) =>
  b.op('select', b.op('eq', permutation, value), position, b.constant(0, 'i32')),
);

/** Contributions to operand k of node n, whose cotangent is g; undefined when no gradient flows there. */
export function transpose(graph: Graph, n: GraphNode, k: number, g: number): Contribution | undefined {
  const x = n.ins[k]!;
  const shape = graph.shape(x);
  switch (n.op) {
    case 'map': {
      const fn = transposeScalar(n.fn, k);
      return fn && whole(graph.map(fn, [...n.ins, g], graph.node(x).dtype));
    }
    case 'reduce':
      return whole(n.kind === 'sum' ? spread(graph, g, shape, n.axes) : ties(graph, n, g));
    case 'contract': {
      const [mine, other] = k === 0 ? [n.labels[0], n.labels[1]] : [n.labels[1], n.labels[0]];
      const kept = [...mine].filter(c => n.out.includes(c) || other.includes(c)).join('');
      const dx = graph.contract([n.out, other], kept, g, n.ins[1 - k]!);
      return whole(
        expandTo(
          graph,
          dx,
          shape,
          [...kept].map(c => mine.indexOf(c)),
        ),
      );
    }
    case 'view':
      return view(graph, n, g, shape);
    case 'pad':
      return whole(n.low.reduce((v, low, axis) => (sameShape([n.shape[axis]!], [shape[axis]!]) ? v : graph.slice(v, axis, low, shape[axis]!)), g));
    case 'concat': {
      const from = n.ins.slice(0, k).reduce((sum, i) => sum + (graph.shape(i)[n.axis] as number), 0);
      return whole(graph.slice(g, n.axis, from, shape[n.axis]!));
    }
    case 'gather':
      return k === 0 ? whole(ungather(graph, n, g, shape)) : undefined;
    default:
      return undefined;
  }
}

/** g at every position of the reduced axes. */
function spread(graph: Graph, g: number, shape: readonly Size[], axes: readonly number[]): number {
  return expandTo(
    graph,
    g,
    shape,
    shape.flatMap((_, i) => (axes.includes(i) ? [] : [i])),
  );
}
const expandTo = (graph: Graph, x: number, shape: readonly Size[], at: readonly number[]): number =>
  at.length === shape.length && sameShape(graph.shape(x), shape) ? x : graph.expand(x, shape, at);

/** All elements that reach the maximum share its cotangent equally. */
function ties(graph: Graph, n: GraphNode & { readonly op: 'reduce' }, g: number): number {
  const x = n.ins[0]!;
  const shape = graph.shape(x);
  const hit = graph.map(toF32, [graph.map(equal, [x, spread(graph, n.id, shape, n.axes)])]);
  const count = graph.reduce('sum', hit, n.axes);
  return graph.map(share, [hit, spread(graph, g, shape, n.axes), spread(graph, count, shape, n.axes)]);
}

function view(graph: Graph, n: GraphNode & { readonly op: 'view' }, g: number, shape: readonly Size[]): Contribution {
  switch (n.view) {
    case 'reshape':
      return whole(graph.reshape(g, shape));
    case 'permute':
      return whole(
        graph.permute(
          g,
          n.order.map((_, i) => n.order.indexOf(i)),
        ),
      );
    case 'expand': {
      const grown = n.at.filter((at, i) => !sameShape([n.shape[at]!], [shape[i]!]));
      const axes = n.shape.flatMap((_, i) => (n.at.includes(i) && !grown.includes(i) ? [] : [i]));
      const sum = axes.length > 0 ? graph.reduce('sum', g, axes) : g;
      return whole(graph.reshape(sum, shape));
    }
    case 'slice': {
      if (n.step === 1) return { kind: 'piece', axis: n.axis, from: n.from, value: g };
      const spaced = dilate(graph, g, n.axis, n.step, shape[n.axis] as number, n.from);
      return whole(spaced);
    }
    case 'flip':
      return whole(graph.flip(g, n.axis));
    case 'window':
      return whole(unwindow(graph, n, g, shape));
  }
}

/** g's elements `step` apart from `from` on, zeros between and around, `size` in all. */
function dilate(graph: Graph, g: number, axis: number, step: number, size: number, from: number): number {
  const s = graph.shape(g);
  const count = s[axis] as number;
  if (count === 0)
    return zeros(
      graph,
      s.map((d, i) => (i === axis ? size : d)),
    );
  // [.., count] → [.., count, 1] → [.., count, step] → [.., count·step], cut or padded to the size
  const split = graph.reshape(
    g,
    s.flatMap((d, i) => (i === axis ? [d, 1] : [d])),
  );
  const low = s.flatMap(() => [0]);
  const wide = graph.pad(
    split,
    [...low, 0],
    [...low, 0].map((_, i) => (i === axis + 1 ? step - 1 : 0)),
  );
  const flat = graph.reshape(
    wide,
    s.map((d, i) => (i === axis ? count * step : d)),
  );
  const length = Math.min(count * step, size - from);
  const cut = graph.slice(flat, axis, 0, length);
  return graph.pad(
    cut,
    s.map((_, i) => (i === axis ? from : 0)),
    s.map((_, i) => (i === axis ? size - from - length : 0)),
  );
}
export const zeros = (graph: Graph, shape: readonly Size[]): number => graph.expand(graph.constant(0), shape, []);

/** Out [i, k] read i·stride + k. Windows that do not overlap lie side by side; others are summed, one shift a k. */
function unwindow(graph: Graph, n: GraphNode & { readonly op: 'view'; readonly view: 'window' }, g: number, shape: readonly Size[]): number {
  const { axis, stride } = n;
  const size = n.shape[axis + 1] as number;
  const count = n.shape[axis] as number;
  const length = shape[axis] as number;
  if (size === stride) {
    const flat = graph.reshape(
      g,
      shape.map((d, i) => (i === axis ? count * size : d)),
    );
    return graph.pad(
      flat,
      shape.map(() => 0),
      shape.map((_, i) => (i === axis ? length - count * size : 0)),
    );
  }
  const parts = Array.from({ length: size }, (_, k) => {
    const column = graph.slice(g, axis + 1, k, 1);
    return dilate(
      graph,
      graph.reshape(
        column,
        shape.map((d, i) => (i === axis ? count : d)),
      ),
      axis,
      stride,
      length,
      k,
    );
  });
  return parts.length === 0 ? zeros(graph, shape) : parts.reduce((a, b) => graph.map(add, [a, b]));
}

/** dx of a gather along its axis. */
function ungather(graph: Graph, n: GraphNode & { readonly op: 'gather' }, g: number, shape: readonly Size[]): number {
  const { axis } = n;
  const index = n.ins[1]!;
  const inverse = inverseOf(graph, index, axis);
  if (inverse) {
    // position p of x was read as out element inverse[p], if that one was kept
    const size = shape[axis]!;
    const taken = n.shape[axis]!;
    const { from, ids } = inverse;
    const padded = sameShape([size], [taken])
      ? g
      : graph.pad(
          g,
          shape.map((_, i) => (i === axis ? from : 0)),
          shape.map((_, i) => (i === axis ? (size as number) - from - (taken as number) : 0)),
        );
    return graph.gather(padded, ids, axis);
  }
  // Σ_m g[.., m, ..] where index[.., m] = p, over [.., p, m, ..]
  const wide = shape.flatMap((s, i) => (i === axis ? [s, n.shape[axis]!] : [s]));
  const skip = (at: number): number => (at >= axis ? at + 1 : at);
  const values = graph.expand(
    g,
    wide,
    shape.map((_, i) => skip(i)),
  );
  const places = graph.expand(
    index,
    wide,
    graph.shape(index).map((_, i) => skip(i)),
  );
  const terms = graph.map(atPosition, [values, places, graph.iota(wide, axis)]);
  graph.nested.add(terms);
  return graph.reduce('sum', terms, [axis + 1]);
}

/** For an index that is a permutation, or consecutive elements of one: the inverse permutation, and which element it starts at. */
function inverseOf(graph: Graph, index: number, axis: number): { readonly ids: number; readonly from: number } | undefined {
  let node = graph.node(index);
  let from = 0;
  while (node.op === 'view' && node.view === 'slice' && node.axis === axis && node.step === 1) {
    from += node.from;
    node = graph.node(node.ins[0]!);
  }
  if (node.op !== 'call' || node.name !== 'permutation' || axis !== node.shape.length - 1) return undefined;
  if (node.saved > 0) return { ids: node.ins[1]!, from };
  const { shape } = node;
  const last = shape.length;
  const pairs = [...shape, shape[axis]!];
  const lead = shape.map((_, i) => i);
  const spreadIndex = graph.expand(
    node.id,
    pairs,
    lead.map(i => (i === axis ? last : i)),
  );
  const terms = graph.map(placed, [graph.iota(pairs, axis), spreadIndex, graph.iota(pairs, last)]);
  graph.nested.add(terms);
  return { ids: graph.reduce('sum', terms, [last]), from };
}

/** Is it empty at every batch? */
export const isEmpty = (shape: readonly Size[]): boolean => {
  const n = numel(shape);
  return !isDynamic(n) && n === 0;
};
