// Fused kernels as WGSL, on whatever WebGPU there is: lanes that share tables and lanes that have their own; layers with ragged tiles,
// then random programs.
import fc from 'fast-check';
import { attention, f32, fn, layerNorm, linear } from 'heddle';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { Capability } from '../../compiler/code/types.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import type { Graph } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { trace } from '../../dsl/model.ts';
import { asModel } from '../../testing/layer.ts';
import { Gpu } from '../code/gpu.ts';
import { runReference, smallFeeds } from '../code/run.ts';
import { build, familyNames, type Program } from '../loops/programs.ts';
import { runKernels, waves } from '../loops/run.ts';
import { codeOf, scalarsOf } from './fault.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open();
});
afterAll(() => gpu.dispose());

/** The largest error of all kernels against their nests, each relative to the largest number that the kernel stores. */
async function worst(
  graph: Graph,
  outputs: readonly number[],
  capability: Capability,
  feeds: Readonly<Record<string, Float64Array>>,
  batch: number,
): Promise<number> {
  const scalars = scalarsOf(graph, feeds);
  const kernels = fuse(graph, outputs, machineOf(capability), { batch });
  const memory = runKernels(graph, kernels, feeds, { batch, arith: float64 });
  for (const [node, values] of memory) memory.set(node, values.map(Math.fround)); // what a device would have stored
  let error = 0;
  for (const kernel of kernels) {
    const setting = { batch, scalars };
    const want = runReference(kernel.nest, memory, setting);
    if ([...memory.values(), ...want.values()].some(v => v.some(x => Math.abs(x) > 1e6))) continue; // whole numbers are exact no longer
    const got = await gpu.runNest(kernel.nest, capability, memory, setting, -77, codeOf(kernel, capability, scalars));
    for (const [node, values] of want) {
      const scale = 1 + values.reduce((m, x) => Math.max(m, Number.isFinite(x) ? Math.abs(x) : 0), 0);
      values.forEach((x, i) => {
        if (Number.isNaN(x)) return; // nothing is stored there
        const difference = Math.abs(got.get(node)![i]! - x) / scale;
        if (!(difference <= error)) error = difference;
      });
    }
  }
  return error;
}

const records: readonly Capability[] = [capabilities.webgpu, capabilities['webgpu-software']];
const attend = fn('attend', f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), (q, k, v) => attention(q, k, v));
const normed = fn('normed', f32('B', 'N', 'D'), f32('D'), f32('D'), f32('O', 'D'), (x, w, b, o) => linear(layerNorm(x, w, b), o));
const layers: readonly (readonly [string, Parameters<typeof asModel>])[] = [
  ['attention', [attend, ['q', 'k', 'v'], { H: 2, N: 50, K: 16 }]],
  ['attention, nothing divides', [attend, ['q', 'k', 'v'], { H: 1, N: 37, K: 7 }]],
  ['a projection of normalised rows', [normed, ['x', 'w', 'b', 'o'], { N: 19, D: 64, O: 20 }]],
];
for (const capability of records)
  test.each(layers)(`${capability.name}: %s`, async (_, args) => {
    const { graph, outputs, inputs } = simplify(intern(trace(asModel(...args), {})));
    const batch = 3;
    const feeds = Object.fromEntries([...inputs].map(([name, id]) => [name, waves(graph.shape(id), batch, id + 1)]));
    const ids = outputs.map(([, id]) => id);
    expect(await worst(graph, ids, capability, feeds, batch)).toBeLessThan(3e-6);
  });

const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 4, maxLength: 10, size: 'max' });
const numRuns = Number(process.env.GPU_FUZZ_RUNS ?? 10);
for (const capability of records)
  for (const dynamic of [false, true])
    test(`random programs${dynamic ? ' over a free batch' : ''}, fused for ${capability.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(programs, async (program: Program) => {
          const { graph, outputs } = build(program, dynamic);
          const batch = dynamic ? 3 : 1;
          const error = await worst(graph, outputs, capability, smallFeeds(graph, batch), batch);
          if (!(error < 1e-5)) throw new Error(`off by ${error}\n${JSON.stringify(program)}`);
        }),
        { numRuns, seed: Number(process.env.FUZZ_SEED ?? 1) },
      );
    });
