// Flats: values that lie side by side in one buffer (parameters, gradients, moments), so that one kernel goes through all of them. A
// flat costs nothing: each operand is written where it lies in the flat. What has another place already was copied before (graph/simplify.ts).
import { type Graph, homeOf } from '../graph/graph.ts';

/** Where a value lies in a flat, in elements. */
export interface Place {
  readonly flat: number;
  readonly offset: number;
}
export interface Flats {
  readonly ids: readonly number[];
  /** Values that are written, or given, in a flat. */
  readonly places: ReadonlyMap<number, Place>;
}

/** The flats that some values need. */
export function findFlats(graph: Graph, wanted: readonly number[]): Flats {
  const places = new Map<number, Place>();
  const ids: number[] = [];
  for (const id of graph.needed(wanted)) {
    const node = graph.node(id);
    if (node.op !== 'flat') continue;
    ids.push(id);
    node.ins.forEach((operand, k) => {
      const home = homeOf(graph, operand);
      if (places.has(home)) throw new Error(`%${home} lies in two places of flats`);
      places.set(home, { flat: id, offset: node.offsets[k]! });
    });
  }
  return { ids, places };
}

/** Would a kernel that binds these nodes bind some bytes twice: a flat, or the assignment of one, and a value that lies in it? */
export function overlap(graph: Graph, flats: Flats, bound: Iterable<number>): boolean {
  if (flats.ids.length === 0) return false;
  const whole = new Set<number>();
  const inside = new Set<number>();
  for (const id of bound) {
    const node = graph.node(id);
    if (node.op === 'assign') whole.add(node.ins[0]!);
    else if (node.op === 'flat') whole.add(id);
    else if (flats.places.has(id)) inside.add(flats.places.get(id)!.flat);
  }
  return [...inside].some(flat => whole.has(flat));
}

/** The state that an assignment is stored to: the flat or input, and the inputs in it. */
export function stateOf(graph: Graph, assign: number): readonly number[] {
  const state = graph.node(graph.node(assign).ins[0]!);
  return state.op === 'flat' ? [state.id, ...state.ins] : [state.id];
}
