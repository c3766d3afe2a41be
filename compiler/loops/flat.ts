// Flats: values that lie side by side in one buffer (parameters, gradients, moments), so that one kernel goes through all of them. A
// flat costs nothing where each operand can be written where it lies in the flat; what has another place (an operand that is there
// twice, an input, constant data) is copied into it.
import type { Graph } from '../graph/graph.ts';
import { isGiven } from './lower.ts';

/** Where a value lies in a flat, in elements. */
export interface Place {
  readonly flat: number;
  readonly offset: number;
}
export interface Flats {
  readonly ids: readonly number[];
  /** Values that are written, or given, in a flat. */
  readonly places: ReadonlyMap<number, Place>;
  /** Operands that are copied: [flat, operand]. */
  readonly copies: readonly (readonly [flat: number, piece: number])[];
}

/** The flats that some values need. `homeOf` gives the node in whose buffer an operand is. */
export function findFlats(graph: Graph, wanted: readonly number[], homeOf: (id: number) => number): Flats {
  const places = new Map<number, Place>();
  const copies: (readonly [number, number])[] = [];
  const nodes = graph.needed(wanted).flatMap(id => {
    const node = graph.node(id);
    return node.op === 'flat' ? [{ ...node, homes: node.ins.map(homeOf) }] : [];
  });
  const uses = new Map<number, number>();
  for (const home of nodes.flatMap(n => n.homes)) uses.set(home, (uses.get(home) ?? 0) + 1);
  for (const { id: flat, homes, offsets } of nodes) {
    const ofState = isStateFlat(graph, flat);
    homes.forEach((home, piece) => {
      const node = graph.node(home);
      const elsewhere = (isGiven(node) && !ofState) || node.op === 'flat' || node.op === 'assign';
      if (uses.get(home) === 1 && !elsewhere) places.set(home, { flat, offset: offsets[piece]! });
      else copies.push([flat, piece]);
    });
  }
  return { ids: nodes.map(n => n.id), places, copies };
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

/** Is it a flat of state, which is in memory from run to run? */
export function isStateFlat(graph: Graph, flat: number): boolean {
  return graph.node(flat).ins.every(i => {
    const n = graph.node(i);
    return n.op === 'input' && (n.role === 'state' || n.role === 'parameter');
  });
}

/** The state that an assignment is stored to: the flat or input, and the inputs in it. */
export function stateOf(graph: Graph, assign: number): readonly number[] {
  const state = graph.node(graph.node(assign).ins[0]!);
  return state.op === 'flat' ? [state.id, ...state.ins] : [state.id];
}
