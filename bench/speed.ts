// Fused against unfused, with the same targets and devices, in one process: the two run in turn, round after round, and a ratio is taken
// within its round. Where the device is this very processor (JavaScript, a software adapter) what counts is processor time, so that
// whatever else the machine does is left out; on a real GPU it is the clock on the wall.
import { targetFor } from '../cli/run.ts';
import { amountAt, type Program } from '../common/program.ts';
import { sizeAt } from '../common/size.ts';
import { type Device, type Inputs, open, type Session } from '../runtime/index.ts';
import { compileCase } from './cases.ts';
import { median } from './statistics.ts';
import type { Workload } from './workloads.ts';

export interface Speed {
  readonly workload: string;
  readonly bound: Workload['bound'];
  readonly device: string;
  /** Milliseconds a run, the median of the rounds. */
  readonly fused: number;
  readonly unfused: number;
  /** Unfused through fused: over 1 where fusion pays. Median, least and most of the rounds. */
  readonly ratio: readonly [median: number, least: number, most: number];
  readonly kernels: readonly [fused: number, unfused: number];
  /** GFLOP/s of the fused program. */
  readonly rate: number;
}
interface Runner {
  readonly program: Program;
  readonly session: Session;
  readonly once: () => Promise<unknown>;
  /** Runs a sample. */
  repeat: number;
}

/** Samples last at least this long, because processor time is counted in coarse steps. */
const sampleMilliseconds = 40;
const longMilliseconds = 10_000;
const warmUps = 4;

export async function compareFusion(workload: Workload, device: Device, rounds: number): Promise<Speed> {
  const clock = clockOf(device);
  const [fused, unfused] = [await prepare(workload, device, 'all'), await prepare(workload, device, 'none')];
  try {
    for (const runner of [fused, unfused]) {
      // the first run compiles and uploads; an engine optimises kernels over the next few
      let took = await sample(runner, clock);
      for (let i = 0; i < warmUps && took < longMilliseconds; i++) took = await sample(runner, clock);
      runner.repeat = Math.max(1, Math.ceil(sampleMilliseconds / Math.max(0.1, took)));
    }
    const times: { readonly fused: number; readonly unfused: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      // each is first in half of the rounds
      const order = round % 2 === 0 ? [fused, unfused] : [unfused, fused];
      const [a, b] = [await sample(order[0]!, clock), await sample(order[1]!, clock)];
      times.push(round % 2 === 0 ? { fused: a, unfused: b } : { fused: b, unfused: a });
    }
    const ratios = times.map(t => t.unfused / t.fused);
    const milliseconds = median(times.map(t => t.fused));
    const flops = fused.program.steps.reduce((n, s) => n + amountAt(s.flops, workload.batch), 0);
    return {
      workload: workload.name,
      bound: workload.bound,
      device: device.kind,
      fused: milliseconds,
      unfused: median(times.map(t => t.unfused)),
      ratio: [median(ratios), Math.min(...ratios), Math.max(...ratios)],
      kernels: [fused.program.steps.length, unfused.program.steps.length],
      rate: flops / milliseconds / 1e6,
    };
  } finally {
    fused.session.dispose();
    unfused.session.dispose();
  }
}

async function prepare(workload: Workload, device: Device, fuse: 'all' | 'none'): Promise<Runner> {
  const program = compileCase(workload.case, workload.pass, { target: targetFor(device), fuse });
  const session = await open(program, { device, seed: 1 });
  const inputs = inputsOf(program, workload.batch);
  let step = 0;
  const once = (): Promise<unknown> =>
    workload.pass === 'step' ? session.run(inputs, { scalars: { lr: 1e-4, decay: 1, step: ++step } }) : session.run(inputs);
  return { program, session, once, repeat: 1 };
}
async function sample({ once, repeat }: Runner, clock: () => number): Promise<number> {
  const start = clock();
  for (let i = 0; i < repeat; i++) await once();
  return (clock() - start) / repeat;
}

/** Numbers in [0, 1) for every input, the same every time. */
export function inputsOf(program: Program, batch: number): Inputs {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Object.fromEntries(
    program.inputs.map(i => {
      const shape = i.shape.map(s => sizeAt(s, batch));
      return [i.name, { data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next), shape }];
    }),
  );
}

/** Milliseconds. */
function clockOf(device: Device): () => number {
  if (device.kind === 'webgpu' && !device.software) return () => performance.now();
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
}
