// What fusion may not do: repeat what decides, and make kernels that no target holds.
import { CompileError } from '../../errors.ts';
import { bodyOf, type Graph } from '../../graph/graph.ts';
import { indexValues } from '../affine.ts';
import { operands, scope } from '../facts.ts';
import { refusal } from '../refuse.ts';
import type { LoopNest } from '../types.ts';
import type { Machine } from './machine.ts';

/** Values that reach a comparison, or the bits of a number, in floats: worked out twice they could be rounded differently, and two
 *  kernels would decide differently. */
export function comparedValues(graph: Graph): ReadonlySet<number> {
  const out = new Set<number>();
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const node = graph.node(id);
    const decides = node.op === 'map' && node.fn.body.some(i => i.prim === 'lt' || i.prim === 'le' || i.prim === 'eq' || i.prim === 'bits');
    if (decides || out.has(id)) for (const i of bodyOf(node)) out.add(i);
  }
  return out;
}

/** Does it bind no more than a kernel may, and is its text no longer? */
export function isWithinLimits(nest: LoopNest, machine: Machine): boolean {
  const written = nest.buffers.filter(b => b.written).length;
  if (nest.buffers.length > machine.bindings || written > machine.outputs || nest.stores.length > machine.outputs) return false;
  return statementsOf(nest) <= machine.statements;
}
/** About this many statements are the kernel's text without unrolling: each loop and store works out what it needs by itself, and what is
 *  used once stands inside the expression that uses it (code/values.ts names one in eight of those). */
function statementsOf(nest: LoopNest): number {
  const around = 8; // loops, positions, guards
  const deepest = 8;
  const uses = nest.values.map(() => 0);
  for (const v of nest.values) for (const a of operands(v)) uses[a]!++;
  const named = (v: number): number => {
    const { kind } = nest.values[v]!;
    if (kind === 'load') return 1;
    return kind === 'op' ? (uses[v] === 1 ? 1 / deepest : 1) : 0;
  };
  const text = (roots: readonly number[]): number => scope(nest.values, roots).reduce((n, v) => n + named(v), 0);
  return (
    nest.parts.reduce((n, p) => n + text([p.of]) + around, 0) + nest.stores.reduce((n, s) => n + text([s.value, ...indexValues(s.at)]) + around, 0)
  );
}

/** More axes or operations than a kernel can have (build.ts, lower.ts). */
export const isTooLarge = (e: unknown): boolean => e instanceof CompileError && (e.code === 'HC201' || e.code === 'HC202');

export const tooWide = (graph: Graph, id: number, machine: Machine): CompileError =>
  refusal(graph, graph.node(id), 'HC204', `no kernel for ${machine.name} computes it within ${machine.bindings} bindings: split the function in two`);
