// `npm run bench`: ratios measured in one run, the machine named.
//   node bench/run.ts [--json] [--rounds 5] [--only speed,compile,start,size,peers] [--quick] [--device js] [--match digits]
// BENCH_PEERS=<folder> adds the JavaScript peers that are installed there (peers.ts).
import os from 'node:os';
import { parseArgs } from 'node:util';
import { type Device, DeviceError, openDevice } from '../runtime/index.ts';
import { coldStart, inProcess, type RuntimeSize, runtimeSize } from './footprint.ts';
import { type PassTimes, passes } from './passes.ts';
import { comparePeers, type PeerRow } from './peers.ts';
import { compareFusion, type Speed } from './speed.ts';
import { geometricMean } from './statistics.ts';
import { workloads } from './workloads.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    match: { type: 'string', default: '' },
    device: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
/** Of workloads that take JavaScript many seconds. */
const slowRounds = 2;
const wanted = (section: string): boolean => flags.only === undefined || flags.only.split(',').includes(section);
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

interface Report {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly load: number; readonly node: string; readonly adapter: string };
  speed: Speed[];
  compile: { readonly case: string; readonly pass: string; readonly times: PassTimes }[];
  start?: number;
  size?: RuntimeSize;
  peers: readonly PeerRow[];
}

const devices = await openDevices();
const report: Report = {
  machine: {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    load: os.loadavg()[0]!,
    node: process.versions.node,
    adapter: devices.find(d => d.kind === 'webgpu')?.name ?? 'none',
  },
  speed: [],
  compile: [],
  peers: [],
};
if (wanted('speed'))
  for (const device of devices)
    for (const workload of workloads) {
      if (((device.software || flags.quick) && workload.heavy) || !workload.name.includes(flags.match)) continue;
      const speed = await compareFusion(workload, device, device.kind === 'js' && workload.heavy ? slowRounds : rounds);
      progress(
        `${device.kind} ${workload.name}: ${speed.fused.toFixed(1)} ms fused, ${speed.unfused.toFixed(1)} not, ratio ${speed.ratio[0].toFixed(2)}`,
      );
      report.speed.push(speed);
    }
for (const d of devices) d.dispose();
if (wanted('compile'))
  for (const pass of ['forward', 'step'])
    report.compile.push({ case: 'mae base', pass, times: inProcess<PassTimes>('compile.ts', ['mae base', pass, 'webgpu']) });
if (wanted('start')) report.start = await coldStart(rounds);
if (wanted('size')) report.size = runtimeSize();
const folder = process.env.BENCH_PEERS;
if (folder && wanted('peers')) report.peers = comparePeers(folder, Math.min(rounds, 3), progress, { match: flags.match, on: flags.device });
process.stdout.write(flags.json ? `${JSON.stringify(report, null, 1)}\n` : `${asText(report)}\n`);

async function openDevices(): Promise<Device[]> {
  const found = flags.device === 'webgpu' ? [] : [(await openDevice('js')).device];
  if (flags.device === 'js') return found;
  try {
    found.push((await openDevice('webgpu')).device);
  } catch (e) {
    if (!(e instanceof DeviceError)) throw e;
    progress(`webgpu is left out: ${e.message}`);
  }
  return found;
}

// ---------------------------------------------------------------- text
function asText({ machine, speed, compile, start, size, peers }: Report): string {
  const parts = [`${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)}, Node ${machine.node}, adapter ${machine.adapter}`];
  if (speed.length > 0) {
    parts.push(
      `\nFused against unfused (processor time where the device is the processor)\n${table(
        ['device', 'workload', 'fused ms', 'unfused ms', 'ratio', 'least–most', 'kernels', 'GFLOP/s'],
        speed.map(s => [
          s.device,
          s.workload,
          s.fused.toFixed(1),
          s.unfused.toFixed(1),
          s.ratio[0].toFixed(2),
          `${s.ratio[1].toFixed(2)}–${s.ratio[2].toFixed(2)}`,
          `${s.kernels[0]} / ${s.kernels[1]}`,
          s.rate.toFixed(2),
        ]),
      )}`,
    );
    for (const device of new Set(speed.map(s => s.device)))
      for (const bound of ['arithmetic', 'memory', 'model'] as const) {
        const ratios = speed.filter(s => s.device === device && s.bound === bound).map(s => s.ratio[0]);
        if (ratios.length > 0) parts.push(`${device}, ${bound === 'model' ? 'models' : `bound by ${bound}`}: ${geometricMean(ratios).toFixed(2)}`);
      }
  }
  if (compile.length > 0)
    parts.push(
      `\nCompiling for webgpu, cold, without pipelines (milliseconds of the thread)\n${table(
        ['', 'all', ...passes],
        compile.map(c => [`${c.case} ${c.pass}`, c.times.milliseconds.toFixed(0), ...passes.map(p => c.times.byPass[p]!.toFixed(0))]),
      )}`,
    );
  if (start !== undefined) parts.push(`\nheddle run, cold: ${start.toFixed(0)} ms (MAE tiny on js, a process)`);
  if (size) parts.push(`runtime alone: ${(size.gzip / 1024).toFixed(1)} KiB gzip, ${(size.bytes / 1024).toFixed(1)} KiB, ${size.files} files`);
  if (peers.length > 0)
    parts.push(
      `\nAgainst peers (clock on the wall, one thread; over 1: Heddle is faster)\n${table(
        ['workload', 'device', 'heddle ms', 'peer', 'its ms', 'ratio'],
        peers.map(p => [
          p.workload,
          p.device,
          p.heddle.toFixed(1),
          p.peer,
          typeof p.theirs === 'number' ? p.theirs.toFixed(1) : p.theirs,
          p.ratio?.toFixed(2) ?? '',
        ]),
      )}`,
    );
  return parts.join('\n');
}
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = head.map((h, i) => Math.max(h.length, ...rows.map(r => r[i]!.length)));
  const line = (r: readonly string[]): string =>
    r
      .map((c, i) => (/^[\d.–]+$/.test(c) ? c.padStart(width[i]!) : c.padEnd(width[i]!)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
