// How programs are drawn, and the counts that the tests ask of them.
import fc from 'fast-check';
import { Random } from '../../dsl/table/row.ts';
import { table } from '../../dsl/table.ts';
import { wholeOps } from './families/index.ts';
import { chained, pairCount } from './pairs.ts';
import { aimed, build, type Draw, type Program, pairsOf, type Step, show } from './programs.ts';

const step = fc.tuple(fc.nat(aimed + pairCount - 1), fc.nat(63), fc.nat(63), fc.nat(1023));
/** How draws shrink. */
const draws: fc.Arbitrary<Draw> = fc.record({
  steps: fc.array(step, { maxLength: 40 }),
  sizes: fc.nat(9),
  dynamic: fc.boolean(),
  exact: fc.boolean(),
  of: fc.constantFrom('all', 'moving', 'smooth'),
  turn: fc.nat(59),
});

const isWhole = (op: string): boolean => wholeOps.includes(op);
/** Pairs for programs of whole numbers, and those that only floats make. */
const wholePairs: readonly number[] = chained((a, b) => isWhole(a) && isWhole(b));
const floatPairs: readonly number[] = chained((a, b) => !(isWhole(a) && isWhole(b)));
export const feasible: number = wholePairs.length + floatPairs.length;
/** Pairs that a program of all ops aims at. */
const aims = 8;

/** Program n of a seed, by itself: programs of all ops go through the pairs, a window each. */
export function drawOf(seed: number, n: number): Draw {
  const random = new Random(seed * 1_000_003 + n);
  const exact = n % 2 === 0;
  const of = (['all', 'moving', 'all', 'smooth'] as const)[(n >> 1) % 4]!;
  const free = (): Step => [random.int(aimed), random.int(64), random.int(64), random.int(1024)];
  const pairs = exact ? wholePairs : floatPairs;
  const from = (n >> 2) * aims;
  const pair = (at: number): Step => [aimed + pairs[(from + at) % pairs.length]!, random.int(64), random.int(64), random.int(1024)];
  const steps: Step[] = [];
  if (of === 'all') for (let at = 0; at < aims; at++) steps.push(...(random.chance(0.4) ? [free()] : []), pair(at));
  else steps.push(...Array.from({ length: 2 + random.int(11) }, free));
  return { steps, sizes: random.int(10), dynamic: random.chance(0.5), exact, of, turn: random.int(60) };
}

/** Programs of the long runs; unset, the suite's own number. */
export const asked = process.env.HEDDLE_LADDER === undefined ? undefined : Number(process.env.HEDDLE_LADDER);
export const seed = Number(process.env.HEDDLE_LADDER_SEED ?? 1);

/** How often each op was called, and which op read which. */
export class Coverage {
  readonly ops = new Map<string, number>();
  readonly pairs = new Set<string>();
  add(program: Program): void {
    for (const { op } of program.calls) this.ops.set(op, (this.ops.get(op) ?? 0) + 1);
    for (const pair of pairsOf(program)) this.pairs.add(pair);
  }
  /** Ops of the table that were called less often than this. */
  rare(least: number): string[] {
    return table.map(row => row.name).filter(name => (this.ops.get(name) ?? 0) < least);
  }
  toString(): string {
    const counts = [...this.ops.values()];
    return `${counts.reduce((a, b) => a + b, 0)} calls of ${this.ops.size} ops, each ${Math.min(...counts)} to ${Math.max(...counts)} times, ${this.pairs.size} of ${feasible} pairs that can be (of ${pairCount})`;
  }
}

/** Makes programs and holds each to what `wrong` says of it; a failure shrinks and prints source that makes it again. */
export async function holds(
  numRuns: number,
  coverage: Coverage,
  wrong: (draw: Draw, program: Program) => Promise<string | undefined>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(draws, async draw => {
      const program = build(draw);
      coverage.add(program);
      let what: string | undefined;
      try {
        what = await wrong(draw, program);
      } catch (e) {
        throw new Error(`${e instanceof Error ? e.stack : String(e)}\n${show(program)}`);
      }
      if (what !== undefined) throw new Error(`${what}\n${show(program)}`);
    }),
    { numRuns, examples: Array.from({ length: numRuns }, (_, n) => [drawOf(seed, n)]) },
  );
}
