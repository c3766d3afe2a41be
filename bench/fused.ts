// Fused against unfused, in one process and interleaved: node bench/fused.ts [rounds]. Ratios are medians over rounds of CPU time
// (all threads of the process, so that other work on the machine is not felt); below 1, fused is faster.
import os from 'node:os';
import type { Program } from '../common/program.ts';
import { sizeAt } from '../common/size.ts';
import { compile } from '../compiler/compile.ts';
import type { Model } from '../dsl/model.ts';
import mae from '../models/mae.ts';
import vit from '../models/vit.ts';
import { openDevice } from '../runtime/auto.ts';
import type { Device } from '../runtime/device.ts';
import { openJs } from '../runtime/js/device.ts';
import { open } from '../runtime/session.ts';

const digits = {
  imageSize: 28,
  patchSize: 4,
  channels: 1,
  width: 96,
  depth: 6,
  heads: 4,
  decoderWidth: 64,
  decoderDepth: 2,
  decoderHeads: 4,
  mlpRatio: 4,
  maskRatio: 0.75,
  normPixLoss: false,
} as const;
const blocks = { imageSize: 28, patchSize: 4, channels: 1, width: 192, depth: 2, heads: 3, mlpRatio: 4, classes: 10, pool: 'cls' } as const;

interface Workload {
  readonly name: string;
  readonly batch: number;
  readonly compile: (target: 'js' | 'webgpu' | 'webgpu-software', fuse: 'all' | 'none') => Program;
}
function workload<M extends Model>(name: string, model: M, config: Parameters<typeof compile<M>>[1], batch: number, grad?: string): Workload {
  return { name, batch, compile: (target, fuse) => compile(model, config, { target, fuse, ...(grad === undefined ? {} : { grad }) }) };
}
const workloads: readonly Workload[] = [
  workload('MAE of digits, batch 64, forward', mae, digits, 64),
  workload('MAE of digits, batch 64, gradients', mae, digits, 64, 'loss'),
  workload('two blocks of (1,50,192), forward', vit, blocks, 1),
  workload('two blocks of (1,50,192), gradients', vit, blocks, 1, 'logits'),
];

const median = (x: readonly number[]): number => [...x].sort((a, b) => a - b)[x.length >> 1]!;
async function cpuTime(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function compare({ name, batch, compile: made }: Workload, device: Device, rounds: number): Promise<void> {
  const target = device.kind === 'js' ? 'js' : device.software ? 'webgpu-software' : 'webgpu';
  const programs = [made(target, 'none'), made(target, 'all')] as const;
  const sessions = await Promise.all(programs.map(p => open(p, { device, seed: 1 })));
  const inputs = Object.fromEntries(
    programs[0].inputs.map(i => {
      const length = i.shape.reduce<number>((n, s) => n * sizeAt(s, batch), 1);
      return [i.name, Float32Array.from({ length }, (_, k) => ((k * 7919) % 1009) / 1009)];
    }),
  );
  for (const s of sessions) await s.run(inputs);
  const times: number[][] = [[], []];
  for (let r = 0; r < rounds; r++) for (const [i, s] of sessions.entries()) times[i]!.push(await cpuTime(() => s.run(inputs)));
  for (const s of sessions) s.dispose();
  const ratio = median(times[1]!.map((t, r) => t / times[0]![r]!));
  const [none, all] = programs.map(p => p.steps.length);
  console.log(
    `${device.kind.padEnd(7)} ${name.padEnd(36)} ${`${none} → ${all} kernels`.padEnd(20)} ${median(times[0]!).toFixed(1)} → ${median(times[1]!).toFixed(1)} ms  ratio ${ratio.toFixed(2)}`,
  );
}

const rounds = Number(process.argv[2] ?? 5);
const { device: webgpu } = await openDevice('webgpu');
console.log(`${os.cpus()[0]?.model ?? 'cpu'}, Node ${process.version}; webgpu: ${webgpu.name}; ${rounds} rounds`);
for (const w of workloads) for (const device of [openJs(), webgpu]) await compare(w, device, rounds);
webgpu.dispose();
