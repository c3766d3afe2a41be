// The nodes that rules of differentiation are made of, in the element type of what is differentiated: f16 is rounded wherever a function
// or a sum gives it, as the language does.
import type { DType } from '../../../common/dtype.ts';
import type { Size } from '../../../common/size.ts';
import { resultType, rounded, type ScalarFn, scalar } from '../../../dsl/scalar.ts';
import { type Graph, sameShape } from '../graph.ts';

const plus = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const round: ScalarFn = { name: 'round', params: ['f32'], body: [], result: 0 };
const half = (graph: Graph, x: number): number => (graph.node(x).dtype === 'f16' ? graph.map(rounded(round), [x], 'f16') : x);

export const map = (graph: Graph, fn: ScalarFn, ins: readonly number[], dtype: DType = resultType(fn)): number =>
  graph.map(dtype === 'f16' ? rounded(fn) : fn, ins, dtype);
export const add = (graph: Graph, a: number, b: number): number => map(graph, plus, [a, b], graph.node(a).dtype);
export const sum = (graph: Graph, x: number, axes: readonly number[]): number => (axes.length === 0 ? x : half(graph, graph.reduce('sum', x, axes)));
export const contract = (graph: Graph, labels: readonly [string, string], out: string, a: number, b: number): number =>
  half(graph, graph.contract(labels, out, a, b));
export const zeros = (graph: Graph, shape: readonly Size[], dtype: DType): number => graph.expand(graph.constant(0, dtype), shape, []);

/** x at every position of the axes of `shape` that it lacks: its axes, in order, are all but `lacking`. */
export function spread(graph: Graph, x: number, shape: readonly Size[], lacking: readonly number[]): number {
  return graph.expand(
    x,
    shape,
    shape.flatMap((_, i) => (lacking.includes(i) ? [] : [i])),
  );
}
/** Zeros before and behind x along one axis. */
export function padAxis(graph: Graph, x: number, axis: number, low: number, high: number): number {
  if (low === 0 && high === 0) return x;
  const along = (n: number): number[] => graph.shape(x).map((_, i) => (i === axis ? n : 0));
  return graph.pad(x, along(low), along(high));
}
/** Elements of x along one axis; x itself where that is all of them. */
export const sliceAxis = (graph: Graph, x: number, axis: number, from: number, size: Size): number =>
  sameShape([size], [graph.shape(x)[axis]!]) ? x : graph.slice(x, axis, from, size);
