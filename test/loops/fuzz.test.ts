// Random programs: the graph's interpreter = its unfused kernels = kernels with everything inlined, exactly (integers modulo a prime).
// FUZZ_RUNS and FUZZ_SEED ask for more, or others.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Counts, fault } from './fault.ts';
import { choices, familyNames } from './programs.ts';

const step = fc.tuple(fc.nat(choices.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 14, size: 'max' });
const numRuns = Number(process.env.FUZZ_RUNS ?? 500);
const seed = Number(process.env.FUZZ_SEED ?? 1);

for (const dynamic of [false, true])
  test(`random programs${dynamic ? ' over a free batch' : ''}: graph = unfused = inlined`, () => {
    const counts: Counts = { kernels: 0, pairs: new Map() };
    fc.assert(
      fc.property(programs, program => {
        const wrong = fault(program, dynamic, counts);
        if (wrong !== undefined) throw new Error(`${wrong}\n${JSON.stringify(program)}`);
      }),
      { numRuns, seed },
    );
    const all = familyNames.length ** 2;
    console.log(`${numRuns} programs, ${counts.kernels} unfused kernels, ${counts.pairs.size} of ${all} pairs of ops`);
    expect(counts.kernels).toBeGreaterThan(numRuns);
    if (numRuns >= 500) expect(counts.pairs.size).toBeGreaterThan(0.9 * all);
  });
