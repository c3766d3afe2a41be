// What is wrong with the fused kernels of a random program: the interpreter of loop nests = the graph's interpreter, exactly; and the
// code of each kernel, as it is written and as JavaScript, = the interpreter of its nest.

import { generateFused } from '../../compiler/code/fused.ts';
import type { Capability, Code } from '../../compiler/code/types.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import type { Graph } from '../../compiler/graph/graph.ts';
import { type FusedKernel, type FuseOptions, fuse } from '../../compiler/loops/fuse/fuse.ts';
import { type Machine, machineOf } from '../../compiler/loops/fuse/machine.ts';
import { isGiven } from '../../compiler/loops/lower.ts';
import { differs, type runCode, type runJs, runReference, scalarIndexIn, smallFeeds } from '../code/run.ts';
import { build, feedsFor, type Program } from '../loops/programs.ts';
import { difference, runKernels } from '../loops/run.ts';

export function codeOf({ nest, schedule }: FusedKernel, capability: Capability, scalars: Readonly<Record<string, number>> = {}): Code {
  const code = generateFused(nest, schedule, capability, { scalarIndex: scalarIndexIn(scalars) });
  verifyCode(code, capability);
  return code;
}
export const scalarsOf = (graph: Graph, given: Readonly<Record<string, ArrayLike<number>>>): Record<string, number> =>
  Object.fromEntries(graph.nodes.flatMap(n => (n.op === 'input' && !isGiven(n) ? [[n.name, given[n.name]![0]!]] : [])));

/** In the interpreters, integers modulo a prime. */
export function nestFault(program: Program, dynamic: boolean, machine: Machine, options: FuseOptions = {}): string | undefined {
  const { graph, outputs } = build(program, dynamic);
  const batch = dynamic ? 3 : 1;
  return difference(graph, outputs, fuse(graph, outputs, machine, { batch, ...options }), feedsFor(graph, batch), { batch });
}
/** The code of each kernel against its nest, in doubles. Counts kernels, those with tables, and those with tables of chunks. */
export function codeFault(
  program: Program,
  dynamic: boolean,
  capability: Capability,
  run: typeof runJs | typeof runCode,
  counts: { kernels: number; tables: number; chunks: number },
  machine = machineOf(capability),
  options: FuseOptions = {},
): string | undefined {
  const { graph, outputs } = build(program, dynamic);
  const batch = dynamic ? 3 : 1;
  const given = smallFeeds(graph, batch);
  const scalars = scalarsOf(graph, given);
  const kernels = fuse(graph, outputs, machine, { batch, ...options });
  const memory = runKernels(graph, kernels, given, { batch, arith: float64 });
  for (const kernel of kernels) {
    counts.kernels++;
    if (kernel.schedule.places.includes('row')) counts.tables++;
    if (kernel.schedule.places.includes('chunk')) counts.chunks++;
    const setting = { batch, scalars };
    const got = run(kernel.nest, capability, memory, setting, codeOf(kernel, capability, scalars));
    const wrong = differs(got, runReference(kernel.nest, memory, setting), 1e-9);
    if (wrong) return wrong;
  }
  return undefined;
}
