// The cost model and the generator count the same tables: what fusion takes for legal is what the code asks the device for.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { phasesOf } from '../../compiler/code/phases.ts';
import type { Capability, Statement } from '../../compiler/code/types.ts';
import { withGradients } from '../../compiler/graph/gradient/parameters.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { type FusedKernel, fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { type Traced, trace } from '../../dsl/model.ts';
import mae from '../../models/mae.ts';
import vit from '../../models/vit.ts';
import { build, familyNames, type Program } from '../loops/programs.ts';
import { codeOf } from './fault.ts';

/** Holds the kernels' code against their schedules; how many of them have tables. */
function check(kernels: readonly FusedKernel[], capability: Capability): number {
  let withTables = 0;
  for (const kernel of kernels) {
    const { nest, schedule } = kernel;
    const scalars = Object.fromEntries(nest.values.flatMap(v => (v.kind === 'scalar' ? [[v.name, 1]] : [])));
    const code = codeOf(kernel, capability, scalars);
    if (capability.lanes === 1) expect(mostAccumulators(code.body)).toBeLessThanOrEqual(capability.registers);
    const own = code.memories.slice(nest.buffers.length);
    const isShared = capability.sharedBytes > 0;
    const shared = own.reduce((n, m) => n + (m.space === 'shared' ? m.length : 0), 0);
    expect(4 * shared).toBeLessThanOrEqual(capability.sharedBytes);
    if (!schedule.places.includes('row')) {
      expect(schedule.tables).toBe(0);
      continue;
    }
    withTables++;
    const { tables, steps } = phasesOf(nest, schedule);
    // what is read from a table is written to no other: both readers could read the first
    for (const phase of steps.flatMap(step => ('over' in step ? step.phases : [step])))
      for (const s of phase.nest.stores) {
        const value = phase.nest.values[s.value]!;
        expect(s.buffer >= nest.buffers.length && value.kind === 'load' && value.buffer >= nest.buffers.length).toBe(false);
      }
    expect(tables.reduce((n, t) => n + t.length, 0)).toBe(schedule.tables);
    expect(own.slice(0, tables.length)).toMatchObject(tables.map(t => ({ space: isShared ? 'shared' : 'private', ...t })));
    // beside the tables: where lanes meet, and panels, in what is left over; and what a lane keeps of its register tile
    for (const m of own.slice(tables.length)) {
      if (m.space === 'storage') throw new Error('a binding that the nest lacks');
      if (m.space === 'private') expect(m.length).toBeLessThanOrEqual(4 * capability.registers);
    }
  }
  return withTables;
}

/** Accumulators of one loop. */
function mostAccumulators(body: readonly Statement[]): number {
  const here = body.filter(s => s.kind === 'set').length;
  return body.reduce((most, s) => (s.kind === 'for' || s.kind === 'if' ? Math.max(most, mostAccumulators(s.body)) : most), here);
}

const tiny = { imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool: 'mean' } as const;
const models: readonly (readonly [string, Traced, string])[] = [
  ['MAE tiny', trace(mae, 'tiny'), 'loss'],
  ['ViT tiny', trace(vit, tiny), 'logits'],
];
const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 4, maxLength: 12, size: 'max' });

describe.each(Object.values(capabilities).filter(c => machineOf(c).tables > 0))('$name', capability => {
  const machine = machineOf(capability);
  for (const [name, traced, output] of models)
    test(`${name}, forward and with gradients`, () => {
      const withTables = [undefined, output].map(grad => {
        const whole = intern(traced);
        const { graph, outputs } = simplify(grad === undefined ? whole : withGradients(whole, grad));
        const ids = outputs.map(([, id]) => id);
        return check(fuse(graph, ids, machine), capability);
      });
      expect(Math.min(...withTables)).toBeGreaterThan(0);
    });
  test('random programs', () => {
    let withTables = 0;
    fc.assert(
      fc.property(programs, fc.boolean(), (program: Program, dynamic) => {
        const { graph, outputs } = build(program, dynamic);
        withTables += check(fuse(graph, outputs, machine, { batch: dynamic ? 3 : 1 }), capability);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 25), seed: Number(process.env.FUZZ_SEED ?? 1) },
    );
    expect(withTables).toBeGreaterThan(0);
  });
});
