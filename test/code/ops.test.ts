// Every sample of the op table as code of GPUs, lane by lane: each unfused kernel against the interpreter of nests, and under the limits
// of the record. (The JavaScript device runs the samples as whole programs.)
import { expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { nestKey } from '../../compiler/loops/key.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { table } from '../../dsl/table.ts';
import { runKernels } from '../loops/run.ts';
import { graphOfSample } from '../ops/evaluate.ts';
import { differs, runCode, runReference } from './run.ts';

test.each([capabilities.webgpu, capabilities['webgpu-software']])('$name', capability => {
  const seen = new Set<string>();
  for (const row of table)
    for (const sample of row.samples) {
      const { graph, outputs, feeds } = graphOfSample(sample, 11);
      const kernels = lowerUnfused(graph, outputs, { maxBuffers: capability.bindings });
      const memory = runKernels(graph, kernels, feeds, { arith: float64 });
      for (const { nest } of kernels) {
        const flat = collapse(nest);
        const key = nestKey(flat);
        if (seen.has(key)) continue;
        seen.add(key);
        expect(differs(runCode(flat, capability, memory), runReference(flat, memory), 1e-9), `${row.name}: ${sample.call}`).toBeUndefined();
      }
    }
  expect(seen.size).toBeGreaterThan(200);
});
