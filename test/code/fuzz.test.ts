// Random programs, kernel by kernel: rendered JavaScript, and the code of GPUs
// as it is written, = the interpreter of loop nests, for unfused kernels and for kernels with
// everything inlined (parts inside parts, rows, rescaled sums), on records that force every kind of schedule.
import fc from 'fast-check';
import { test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { Capability } from '../../compiler/code/types.ts';
import { CompileError } from '../../compiler/errors.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { isGiven } from '../../compiler/loops/lower.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { build, familyNames, type Program } from '../loops/programs.ts';
import { lowerInlined, runKernels } from '../loops/run.ts';
import { differs, runCode, runJs, runReference, smallFeeds } from './run.ts';

const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 14, size: 'max' });
const numRuns = Number(process.env.FUZZ_RUNS ?? 60);
const seed = Number(process.env.FUZZ_SEED ?? 1);

type Runner = typeof runJs;
/** Every kernel of a program, as lowered and with its axes joined: `run` = the interpreter of nests. */
function fault(program: Program, dynamic: boolean, capability: Capability, run: Runner): string | undefined {
  const { graph, outputs } = build(program, dynamic);
  const batch = dynamic ? 3 : 1;
  const given = smallFeeds(graph, batch);
  const scalars = Object.fromEntries(graph.nodes.flatMap(n => (n.op === 'input' && !isGiven(n) ? [[n.name, given[n.name]![0]!]] : [])));
  const setting = { batch, scalars };
  const unfused = lowerUnfused(graph, outputs);
  const memory = runKernels(graph, unfused, given, { batch, arith: float64 });
  for (const { nest } of [...unfused, ...inlined(graph, outputs)])
    for (const n of [nest, collapse(nest)]) {
      const wrong = differs(run(n, capability, memory, setting), runReference(n, memory, setting), 1e-9);
      if (wrong) return wrong;
    }
  return undefined;
}
function inlined(graph: Parameters<typeof lowerInlined>[0], outputs: readonly number[]): ReturnType<typeof lowerInlined> {
  try {
    return lowerInlined(graph, outputs, true);
  } catch (e) {
    if (e instanceof CompileError && e.code === 'HC201') return []; // too many axes for one kernel
    throw e;
  }
}

const { js, webgpu } = capabilities;
const software = capabilities['webgpu-software'];
const unlimited = { statements: 1e6, bindings: 1e3 };
const cases: readonly (readonly [string, Capability, Runner])[] = [
  ['rendered JavaScript', { ...js, ...unlimited }, runJs],
  ['rendered JavaScript, no tiles', { ...js, ...unlimited, registers: 1 }, runJs],
  ['lanes that share', { ...webgpu, ...unlimited, lanes: 4 }, runCode],
  ['lanes alone', { ...software, ...unlimited }, runCode],
  ['lanes alone, no vectors', { ...software, ...unlimited, vectors: false, lanes: 3 }, runCode],
];
for (const [name, capability, run] of cases)
  for (const dynamic of [false, true])
    test(`random programs${dynamic ? ' over a free batch' : ''}: ${name}`, () => {
      fc.assert(
        fc.property(programs, program => {
          const wrong = fault(program, dynamic, capability, run);
          if (wrong !== undefined) throw new Error(`${wrong}\n${JSON.stringify(program)}`);
        }),
        { numRuns, seed },
      );
    });
