// How programs are drawn, and the counts that the tests ask of them.
import fc from 'fast-check';
import { table } from '../../dsl/table.ts';
import { build, type Draw, type Program, pairsOf, show } from './programs.ts';

const step = fc.tuple(fc.nat(9999), fc.nat(63), fc.nat(63), fc.nat(1023));
export const draws: fc.Arbitrary<Draw> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 16, size: 'max' }),
  sizes: fc.nat(9),
  dynamic: fc.boolean(),
  exact: fc.boolean(),
  of: fc.constantFrom('all', 'moving', 'smooth'),
  turn: fc.nat(59),
});

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
    return `${counts.reduce((a, b) => a + b, 0)} calls of ${this.ops.size} ops, each ${Math.min(...counts)} to ${Math.max(...counts)} times, ${this.pairs.size} of ${table.length ** 2} pairs`;
  }
}

/** Draws programs and holds each to what `wrong` says of it; a failure shrinks and prints source that makes it again. */
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
    { numRuns, seed },
  );
}
