// Random programs of the whole language, from the references of the op table down to the JavaScript device: references = graph = simplified
// graph = loop nests, unfused and fused = kernels, unfused and fused, on memory that nothing wrote before and with every access watched.
// HEDDLE_LADDER=10000 asks for more programs, HEDDLE_LADDER_SEED for others. Half of them aim at pairs of ops that have not met (pairs.ts); what is
// printed of pairs leaves out those that element types, rank or domain forbid.
import { afterAll, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { WatchedJs } from './devices.ts';
import { asked, Coverage, holds } from './draws.ts';
import { isFeasible } from './pairs.ts';
import { fault, narrow, noCounts, type Plan, type Target } from './rungs.ts';

const device = new WatchedJs();
afterAll(() => device.dispose());
const unfused: Target = { name: 'js', device, options: { target: 'js' } };
const fused: Target = { name: 'js, fused', device, options: { target: 'js', fuse: 'all' } };
/** Fusion is most of a program's time: each program is fused once, for one machine in turn. */
const plans: readonly Plan[] = [
  { machines: [capabilities.webgpu], targets: [unfused] },
  { machines: [{ ...capabilities['webgpu-software'], laneBytes: 20 }], targets: [unfused] },
  { machines: [], targets: [unfused, fused] },
];

test('random programs of the language, down to the JavaScript device', { timeout: 36_000_000 }, async () => {
  const numRuns = asked ?? 500;
  const counts = noCounts();
  const coverage = new Coverage();
  await holds(numRuns, coverage, (draw, program) => fault(draw, plans[draw.turn % plans.length]!, counts, program));
  console.log(`${JSON.stringify(counts)}\n${coverage}`);
  expect(coverage.rare(Math.ceil(numRuns / 100))).toEqual([]);
  expect(coverage.pairs.size).toBeGreaterThan(Math.min(numRuns * 4, 4500));
  expect([...coverage.pairs].filter(pair => !isFeasible(...(pair.split(' ') as [string, string])))).toEqual([]);
  expect(counts.exact).toBeGreaterThan(numRuns / 4);
  expect(counts.gradients).toBeGreaterThan(numRuns / 10);
  expect(counts.dropped).toBeLessThanOrEqual(0.02 * counts.elements);
  expect(counts.refused).toBeLessThanOrEqual(0.02 * numRuns);
  expect(device.liveBuffers).toBe(0);
});

test('at tiny limits a program is right or refused before anything runs', { timeout: 36_000_000 }, async () => {
  const numRuns = Math.ceil((asked ?? 500) / 5);
  const counts = noCounts();
  const tiny = { ...narrow(capabilities.js), registers: 1, vectors: false };
  const plan: Plan = {
    machines: [],
    targets: [
      { name: 'js, 4 bindings', device, options: { target: tiny } },
      { name: 'js, 4 bindings, fused', device, options: { target: tiny, fuse: 'all' } },
    ],
  };
  await holds(numRuns, new Coverage(), (draw, program) => fault(draw, plan, counts, program));
  console.log(JSON.stringify(counts));
  expect(counts.refused).toBeLessThan(0.25 * numRuns);
});
