// Random programs: the graph's interpreter = its unfused kernels = kernels with everything inlined, exactly (integers modulo a prime).
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CompileError } from '../../compiler/errors.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { nestKey } from '../../compiler/loops/key.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { build, familyNames, feedsFor, type Program } from './programs.ts';
import { difference, lowerInlined } from './run.ts';

const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 14, size: 'max' });
const numRuns = Number(process.env.FUZZ_RUNS ?? 400);
const seed = Number(process.env.FUZZ_SEED ?? 1);

/** What is wrong with a program's kernels. */
function fault(program: Program, dynamic: boolean, count: { kernels: number; pairs: Map<string, number> }): string | undefined {
  const { graph, outputs, pairs } = build(program, dynamic);
  verify(graph);
  const batch = dynamic ? 3 : 1;
  const feeds = feedsFor(graph, batch);
  for (const pair of pairs) count.pairs.set(pair, (count.pairs.get(pair) ?? 0) + 1);
  const unfused = lowerUnfused(graph, outputs);
  count.kernels += unfused.length;
  const wrong = difference(graph, outputs, unfused, feeds, { batch });
  if (wrong) return `unfused: ${wrong}`;
  if (lowerUnfused(graph, outputs).some((k, i) => nestKey(k.nest) !== nestKey(unfused[i]!.nest))) return 'lowered twice, it differs';
  const narrow = lowerUnfused(graph, outputs, { maxBuffers: 3 });
  if (narrow.some(k => k.nest.buffers.length > 3)) return 'more than 3 buffers';
  const split = difference(graph, outputs, narrow, feeds, { batch });
  if (split) return `3 buffers a kernel: ${split}`;
  try {
    const inlined = difference(graph, outputs, lowerInlined(graph, outputs), feeds, { batch });
    return inlined && `inlined: ${inlined}`;
  } catch (e) {
    if (e instanceof CompileError && e.code === 'HC201') return undefined; // too many axes for one kernel
    throw e;
  }
}

for (const dynamic of [false, true])
  test(`random programs${dynamic ? ' over a free batch' : ''}: graph = unfused = inlined`, () => {
    const count = { kernels: 0, pairs: new Map<string, number>() };
    fc.assert(
      fc.property(programs, program => {
        const wrong = fault(program, dynamic, count);
        if (wrong !== undefined) throw new Error(`${wrong}\n${JSON.stringify(program)}`);
      }),
      { numRuns, seed },
    );
    const all = familyNames.length ** 2;
    console.log(`${numRuns} programs, ${count.kernels} unfused kernels, ${count.pairs.size} of ${all} pairs of ops`);
    expect(count.kernels).toBeGreaterThan(numRuns);
    if (numRuns >= 400) expect(count.pairs.size).toBeGreaterThan(0.9 * all);
  });
