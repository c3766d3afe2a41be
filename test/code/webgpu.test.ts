// WGSL on whatever WebGPU there is: nests of every kind of schedule, random programs, grids folded over three dimensions.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { generateFused } from '../../compiler/code/fused.ts';
import type { Capability, Memory } from '../../compiler/code/types.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { scheduleNest } from '../../compiler/loops/fuse/search.ts';
import { isGiven } from '../../compiler/loops/lower.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { build, familyNames, type Program } from '../loops/programs.ts';
import { runKernels } from '../loops/run.ts';
import { Gpu } from './gpu.ts';
import { anyOfRows, batched, bell, columnSums, normalised, projected, rowSums, rowsByColumns, rowsByRows } from './nests.ts';
import { runReference, smallFeeds } from './run.ts';

let gpu: Gpu;
let folded: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open();
  folded = await Gpu.open(3);
});
afterAll(() => {
  gpu.dispose();
  folded.dispose();
});

/** Inputs of a nest: f32 in −1 … 1. */
const waves = (nest: LoopNest, batch: number): Map<number, Float64Array> =>
  new Map(
    nest.buffers.map(b => [b.node, Float64Array.from({ length: sizeAt(b.elements, batch) }, (_, i) => Math.fround(Math.sin(i * 1.1 + b.node)))]),
  );
/** The largest difference, against the largest number. */
function error(got: ReadonlyMap<number, Float64Array>, want: ReadonlyMap<number, Float64Array>): number {
  let worst = 0;
  for (const [node, values] of want) {
    const finite = values.map(Math.abs).filter(x => x < 1e30);
    const scale = 1 + finite.reduce((a, b) => Math.max(a, b), 0);
    values.forEach((x, i) => {
      if (!(Math.abs(x) < 1e30)) return; // beyond single precision, or not stored
      const difference = Math.abs(got.get(node)![i]! - x) / scale;
      if (!(difference <= worst)) worst = difference;
    });
  }
  return worst;
}

const nests: readonly (readonly [string, LoopNest])[] = [
  ['rows by rows', rowsByRows(33, 64, 48)],
  ['rows by rows over a batch, ragged', rowsByRows({ batch: 17 }, 32, 12)],
  ['rows by columns', rowsByColumns(33, 64, 48)],
  ['rows by columns, nothing divides', rowsByColumns(13, 31, 7)],
  ['batched', batched({ batch: 1 }, 3, 17, 16)],
  ['row sums', rowSums(5, 512)],
  ['row sums over a batch', rowSums({ batch: 5 }, 131)],
  ['column sums', columnSums(19, 64)],
  ['column sums over a batch', columnSums({ batch: 3 }, 20)],
  ['long row sums in blocks', rowSums(3, 1100)],
  ['long column sums in blocks', columnSums(601, 8)],
  ['any of a row', anyOfRows(5, 300)],
  ['normalised rows', normalised(19, 256)],
  ['normalised rows, nothing divides', normalised({ batch: 5 }, 77)],
  ['elements', bell({ batch: 19 }, 64)],
  ['elements, nothing divides', bell({ batch: 19 }, 31)],
];
const records: readonly (readonly [string, Capability])[] = [
  ['webgpu', capabilities.webgpu],
  ['webgpu-software', capabilities['webgpu-software']],
];
for (const [name, capability] of records)
  test.each(nests)(`${name}: %s`, async (_, nest) => {
    const batch = 3;
    const memory = waves(nest, batch);
    expect(error(await gpu.runNest(nest, capability, memory, { batch }), runReference(nest, memory, { batch }))).toBeLessThan(3e-6);
  });

/** Panels in workgroup memory: of vectors, of scalars, of values worked out from tables. */
const staged: readonly (readonly [string, LoopNest, readonly number[]])[] = [
  ['rows by rows', rowsByRows({ batch: 13 }, 32, 64), [32, 64, 0]],
  ['rows by columns, nothing divides', rowsByColumns(37, 23, 41), [32, 16, 0]],
  ['a projection of normalised rows', projected({ batch: 17 }, 32, 64), [16, 64, 0]],
];
test.each(staged)('staged: %s', async (_, nest, tile) => {
  const { webgpu } = capabilities;
  const batch = 3;
  const memory = waves(nest, batch);
  const tiles = { ...scheduleNest(nest, machineOf(webgpu), batch)!, tile };
  const code = generateFused(nest, tiles, webgpu, { scalarIndex: () => 1 });
  const isPanel = (m: Memory): boolean => m.space === 'shared' && m.length > 2 * webgpu.lanes;
  expect(code.memories.some(isPanel)).toBe(true);
  expect(error(await gpu.runNest(nest, webgpu, memory, { batch }, -77, code), runReference(nest, memory, { batch }))).toBeLessThan(3e-6);
});

test('a grid beyond the limit of a dimension is folded over y and z', async () => {
  const nest = bell({ batch: 7 }, 31); // at batch 3: 651 points, 82 groups, and 3 a dimension would hold only 27
  const narrow = { ...capabilities['webgpu-software'], lanes: 32 };
  const memory = waves(nest, 3);
  expect(error(await folded.runNest(nest, narrow, memory, { batch: 3 }), runReference(nest, memory, { batch: 3 }))).toBeLessThan(3e-6);
});

test.each(records)('%s: the error of a long sum does not grow with its length', async (_, capability) => {
  const nest = rowSums(1, 100_000); // added up one by one in single precision, a tenth is off by 1e-4 in the end
  const out = await gpu.runNest(nest, capability, new Map([[nest.buffers[0]!.node, new Float64Array(100_000).fill(0.1)]]));
  expect(Math.abs([...out.values()][0]![0]! / 10_000 - 1)).toBeLessThan(3e-6);
});

test('a batch of nothing runs nothing', async () => {
  const nest = rowsByRows({ batch: 17 }, 32, 12);
  const out = await gpu.runNest(nest, capabilities.webgpu, waves(nest, 0), { batch: 0 });
  expect([...out.values()].map(v => v.length)).toEqual([0]);
});

const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 8, size: 'max' });
const numRuns = Number(process.env.GPU_FUZZ_RUNS ?? 12);
for (const [name, capability] of records)
  for (const dynamic of [false, true])
    test(`random programs${dynamic ? ' over a free batch' : ''}: ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(programs, async (program: Program) => {
          const { graph, outputs } = build(program, dynamic);
          const batch = dynamic ? 3 : 1;
          const given = smallFeeds(graph, batch);
          const scalars = Object.fromEntries(graph.nodes.flatMap(n => (n.op === 'input' && !isGiven(n) ? [[n.name, given[n.name]![0]!]] : [])));
          const kernels = lowerUnfused(graph, outputs, { maxBuffers: capability.bindings });
          const memory = runKernels(graph, kernels, given, { batch, arith: float64 });
          for (const [node, values] of memory) memory.set(node, values.map(Math.fround)); // what a device would have stored
          if ([...memory.values()].some(v => v.some(x => Math.abs(x) > 1e6))) return; // integers are exact no longer
          for (const { nest } of kernels) {
            const flat = collapse(nest);
            const worst = error(await gpu.runNest(flat, capability, memory, { batch, scalars }), runReference(flat, memory, { batch, scalars }));
            if (!(worst < 1e-5)) throw new Error(`off by ${worst}\n${JSON.stringify(program)}`);
          }
        }),
        { numRuns, seed: Number(process.env.FUZZ_SEED ?? 1) },
      );
    });
