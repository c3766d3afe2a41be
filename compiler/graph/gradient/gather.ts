// The cotangent of a gather's operand, without a scatter: a gather by a permutation transposes to a gather by its inverse, any other to
// a sum with a predicate. So there are no atomics, and results are the same on every run.
import { isDynamic, type Size } from '../../../common/size.ts';
import { placeOf } from '../../../dsl/errors.ts';
import { scalar } from '../../../dsl/scalar.ts';
import { CompileError } from '../../errors.ts';
import { type Graph, type GraphNode, sameShape } from '../graph.ts';
import { map, padAxis, sum } from './values.ts';

/** The position that a gather reads: an index outside the axis is clamped to it. */
const clamped = scalar('clamped', ['i32', 'i32'], (b, index, size) => {
  const last = b.op('sub', size, b.constant(1, 'i32'));
  return b.op('max', b.op('min', index, last), b.constant(0, 'i32'));
});
/** g where the index is this position. */
const atPosition = scalar('atPosition', ['f32', 'i32', 'i32'], (b, g, index, position) =>
  b.op('select', b.op('eq', index, position), g, b.constant(0)),
);
/** Position p where the permutation has this value. */
const placed = scalar('placed', ['i32', 'i32', 'i32'], (b, value, permutation, position) =>
  b.op('select', b.op('eq', permutation, value), position, b.constant(0, 'i32')),
);

/** The cotangent of x of the gather n = gather(x, index), whose own is g. */
export function transposeGather(graph: Graph, n: GraphNode & { readonly op: 'gather' }, g: number): number {
  const [x, index] = n.ins as readonly [number, number];
  const { axis } = n;
  const [size, taken] = [graph.shape(x)[axis]!, n.shape[axis]!];
  const inverse = inverseOf(graph, index, axis, size);
  if (inverse) {
    // position p of x was read as element inverse[p] of the permutation, if that one was kept
    const all = sameShape([size], [taken]) ? g : padAxis(graph, g, axis, inverse.from, (size as number) - inverse.from - (taken as number));
    return graph.gather(all, inverse.ids, axis);
  }
  if (isDynamic(size) && isDynamic(taken))
    throw new CompileError('HC1', 'the gradient of a gather along the batch, as long as the batch: compile with --batch n, which makes it a number', {
      place: placeOf(graph.origins.get(n.id) ?? {}),
    });
  // Σ_m g[.., m, ..] where index[.., m] = p, over [.., p, m, ..]
  const wide = graph.shape(x).flatMap((s, i) => (i === axis ? [s, taken] : [s]));
  const after = (id: number): number[] => graph.shape(id).map((_, i) => (i < axis ? i : i + 1));
  const { dtype } = graph.node(g);
  const extent = graph.put({ op: 'extent', size }, [], 'i32', []);
  const read = map(graph, clamped, [index, graph.expand(extent, graph.shape(index), [])]);
  const terms = map(graph, atPosition, [graph.expand(g, wide, after(g)), graph.expand(read, wide, after(index)), graph.iota(wide, axis)], dtype);
  graph.nested.add(terms);
  return sum(graph, terms, [axis + 1]);
}

/** For an index that is a permutation of `size` positions, or consecutive elements of one: its inverse, and the element it starts at. */
function inverseOf(graph: Graph, index: number, axis: number, size: Size): { readonly ids: number; readonly from: number } | undefined {
  let node = graph.node(index);
  let from = 0;
  while (node.op === 'view' && node.view === 'slice' && node.axis === axis && node.step === 1) {
    from += node.from;
    node = graph.node(node.ins[0]!);
  }
  if (node.op !== 'call' || node.name !== 'permutation' || node.derivative) return undefined;
  const { shape } = node;
  if (axis !== shape.length - 1 || !sameShape([shape[axis]!], [size]) || (isDynamic(size) && index !== node.id)) return undefined;
  return { ids: node.saved > 0 ? node.ins[1]! : inverted(graph, node.id, shape), from };
}
/** Σ_i i where permutation[.., i] = p, over [.., p, i]. */
function inverted(graph: Graph, permutation: number, shape: readonly Size[]): number {
  const last = shape.length;
  const pairs = [...shape, shape[last - 1]!];
  const at = [...shape.keys()].map(i => (i === last - 1 ? last : i));
  const terms = map(graph, placed, [graph.iota(pairs, last - 1), graph.expand(permutation, pairs, at), graph.iota(pairs, last)]);
  graph.nested.add(terms);
  return sum(graph, terms, [last]);
}
