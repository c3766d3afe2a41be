// The order of kernels where buffers are written in place: whatever reads a state comes before the kernel that assigns it, whatever
// reads a flat after all that is written there. Without assignments the order of the graph is one already.
import { CompileError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { type Flats, stateOf } from './flat.ts';
import type { LoopNest } from './types.ts';

/** The kernels so that each comes after those that it must wait for; of those that could come next the one that is first in `kernels`.
 *  @throws CompileError HC206 where an assignment and a reader of the old value wait for each other. */
export function inOrder<K extends { readonly nest: LoopNest }>(graph: Graph, kernels: readonly K[], flats: Flats): readonly K[] {
  const writers = new Map<number, number[]>();
  const readers = new Map<number, number[]>();
  const note = (map: Map<number, number[]>, node: number, kernel: number): void => {
    const list = map.get(node);
    if (list) list.push(kernel);
    else map.set(node, [kernel]);
  };
  kernels.forEach(({ nest }, k) => {
    for (const b of nest.buffers) note(b.written ? writers : readers, b.node, k);
  });
  for (const [home, { flat }] of flats.places) for (const k of writers.get(home) ?? []) note(writers, flat, k);
  const waits = kernels.map(() => new Set<number>());
  for (const [node, list] of readers) for (const k of list) for (const w of writers.get(node) ?? []) waits[k]!.add(w);
  for (const [node, list] of writers)
    if (graph.node(node).op === 'assign')
      for (const state of stateOf(graph, node)) for (const r of readers.get(state) ?? []) for (const w of list) waits[w]!.add(r);

  const out: K[] = [];
  const done = new Set<number>();
  while (out.length < kernels.length) {
    const next = kernels.findIndex((_, k) => !done.has(k) && [...waits[k]!].every(w => w === k || done.has(w)));
    if (next < 0)
      throw new CompileError('HC206', 'a state is assigned from what reads its value of before: compute that first, or read the new value');
    done.add(next);
    out.push(kernels[next]!);
  }
  return out;
}
