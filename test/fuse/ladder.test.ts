// Random programs, fused for every machine, with each move off and at tiny limits: the graph's interpreter = fused nests = their code.
// FUZZ_RUNS and FUZZ_SEED ask for more, or others.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { Capability } from '../../compiler/code/types.ts';
import type { FuseOptions } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { runCode, runJs } from '../code/run.ts';
import { familyNames } from '../loops/programs.ts';
import { codeFault, nestFault } from './fault.ts';

const step = fc.tuple(fc.nat(familyNames.length - 1), fc.nat(63), fc.nat(63), fc.nat(63));
const programs = fc.array(step, { minLength: 3, maxLength: 14, size: 'max' });
const numRuns = Number(process.env.FUZZ_RUNS ?? 60);
const seed = Number(process.env.FUZZ_SEED ?? 1);

const { js, webgpu } = capabilities;
const large = capabilities['webgpu-large'];
const software = capabilities['webgpu-software'];
const tiny: Capability = { ...webgpu, name: 'tiny', bindings: 4, sharedBytes: 1024 };
/** Tables of so few numbers that rows are cut into chunks. */
const chunky = { js: { ...js, name: 'js, 5 numbers', laneBytes: 20 }, lanes: { ...webgpu, name: 'lanes, 12 numbers', sharedBytes: 48 } };
const moves: readonly (readonly [string, FuseOptions])[] = [
  ['', {}],
  [', nothing inlined', { moves: new Set(['merge']) }],
  [', nothing merged', { moves: new Set(['inline']) }],
];
const check = (fault: (program: readonly (readonly [number, number, number, number])[]) => string | undefined, runs = numRuns): void =>
  fc.assert(
    fc.property(programs, program => {
      const wrong = fault(program);
      if (wrong !== undefined) throw new Error(`${wrong}\n${JSON.stringify(program)}`);
    }),
    { numRuns: runs, seed },
  );

for (const [about, options] of moves)
  for (const capability of [webgpu, large, software, js, tiny, chunky.js, chunky.lanes])
    test(`random programs for ${capability.name}${about}: graph = fused nests`, () => {
      for (const dynamic of [false, true]) check(p => nestFault(p, dynamic, machineOf(capability), options));
    });

const unlimited = { statements: 1e6 };
const cases: readonly (readonly [string, Capability, typeof runJs | typeof runCode])[] = [
  ['JavaScript', { ...js, ...unlimited }, runJs],
  ['JavaScript, no register tiles', { ...js, ...unlimited, registers: 1 }, runJs],
  ['lanes that share tables', { ...webgpu, ...unlimited, lanes: 4 }, runCode],
  ['lanes that share tiny tables', { ...tiny, ...unlimited, lanes: 4 }, runCode],
  ['JavaScript, 5 numbers in tables', { ...chunky.js, ...unlimited }, runJs],
  ['lanes that share 12 numbers', { ...chunky.lanes, ...unlimited, lanes: 4 }, runCode],
  ['lanes with tables of their own', { ...software, ...unlimited, lanes: 3 }, runCode],
];
for (const [name, capability, run] of cases)
  test(`random programs, fused: ${name} = nests`, () => {
    const counts = { kernels: 0, tables: 0, chunks: 0 };
    for (const dynamic of [false, true]) check(p => codeFault(p, dynamic, capability, run, counts));
    console.log(`${name}: ${counts.kernels} kernels, ${counts.tables} with tables, ${counts.chunks} of them of chunks`);
    expect(counts.tables).toBeGreaterThan(numRuns / 20);
  });
