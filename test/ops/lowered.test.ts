// Every sample of the op table as loop nests, one kernel a stored value: the interpreter of nests against the graph's, in doubles. NaN and
// infinities must come out alike.
import { describe, expect, it } from 'vitest';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { interpret } from '../../compiler/graph/interpret.ts';
import { homeOf, lowerUnfused } from '../../compiler/loops/unfused.ts';
import { table } from '../../dsl/table.ts';
import { runKernels } from '../loops/run.ts';
import { graphOfSample } from './evaluate.ts';

for (const row of table) {
  describe(row.name, () => {
    it.each(row.samples.map(s => [`${s.call} with ${JSON.stringify(s.inputs)}`, s] as const))('%s', (_, sample) => {
      const { graph, outputs, feeds } = graphOfSample(sample, 11);
      const expected = interpret(graph, outputs, feeds);
      const memory = runKernels(graph, lowerUnfused(graph, outputs), feeds, { arith: float64 });
      for (const output of outputs) {
        const want = expected.get(output)!;
        if (want.length === 0) continue; // no kernel writes nothing
        const got = [...memory.get(homeOf(graph, output))!];
        expect(got.length).toBe(want.length);
        const wrong = got.flatMap((x, i) => {
          const same = Object.is(x, want[i]) || Math.abs(x - want[i]!) <= 1e-12 * (1 + Math.abs(want[i]!));
          return same || x === want[i] ? [] : [`${i}: ${x} for ${want[i]}`];
        });
        expect(wrong).toEqual([]);
      }
    });
  });
}
