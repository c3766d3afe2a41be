// The sum of what the readers of a value contribute to its cotangent. Pieces along one axis that tile the value, as the parts of a split
// do, become one concat with zeros in the gaps; pieces that overlap go to further concats, which are added.
import type { Size } from '../../../common/size.ts';
import type { Graph, GraphNode } from '../graph.ts';
import { add, zeros } from './values.ts';
import type { Contribution } from './views.ts';

interface Piece {
  readonly from: number;
  /** The position behind its last. */
  readonly to: number;
  readonly value: number;
}

/** The cotangent of a value from the contributions to it. */
export function collect(graph: Graph, { shape, dtype }: GraphNode, parts: readonly Contribution[]): number {
  const values = parts.flatMap(p => (p.kind === 'whole' ? [p.value] : []));
  const pieces = parts.flatMap(p => (p.kind === 'piece' ? [p] : []));
  for (const [axis, along] of Map.groupBy(pieces, p => p.axis)) {
    const sorted = along
      .map(({ from, value }): Piece => ({ from, to: from + (graph.shape(value)[axis] as number), value }))
      .filter(p => p.to > p.from)
      .sort((a, b) => a.from - b.from);
    for (const strip of strips(sorted)) values.push(concatOf(graph, shape, axis, strip));
  }
  return values.length === 0 ? zeros(graph, shape, dtype) : values.reduce((a, b) => add(graph, a, b));
}

/** Sorted pieces in as few rows without overlaps as a greedy choice finds: each goes to the first row that ends before it. */
function strips(sorted: readonly Piece[]): Piece[][] {
  const rows: Piece[][] = [];
  for (const piece of sorted) {
    const row = rows.find(r => r.at(-1)!.to <= piece.from);
    if (row) row.push(piece);
    else rows.push([piece]);
  }
  return rows;
}

/** Pieces side by side, zeros where there is none. */
function concatOf(graph: Graph, shape: readonly Size[], axis: number, strip: readonly Piece[]): number {
  const { dtype } = graph.node(strip[0]!.value);
  const out: number[] = [];
  let at = 0;
  const fill = (to: number): void => {
    if (to > at) out.push(zeros(graph, shape.with(axis, to - at), dtype));
  };
  for (const { from, to, value } of strip) {
    fill(from);
    out.push(value);
    at = to;
  }
  fill(shape[axis] as number);
  return out.length === 1 ? out[0]! : graph.concat(axis, out);
}
