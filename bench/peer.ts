// Heddle as one of the peers of a side-by-side benchmark: a process runs one workload once and prints one line of JSON.
//   node bench/peer.ts js|webgpu WORKLOAD CACHE '{"seconds":1}'
// setup_ms: from the start of the process until all is compiled and the weights are there; first_ms: the first call, results in ordinary
// memory; median_ms, min_ms, n: calls after warming up; err: the largest error against the largest right value.

import { targetFor } from '../cli/run.ts';
import { readSafetensors } from '../runtime/files/safetensors.ts';
import { type Device, type Inputs, open, openDevice, type Tensor, type Weights, type WeightTensor } from '../runtime/index.ts';
import { compileCase } from './cases.ts';
import { median } from './statistics.ts';
import { type PeerWorkload, peerWorkloads } from './workloads.ts';

const now = (): number => performance.timeOrigin + performance.now();

const [kind = 'js', name = '', cache = '', json = '{}'] = process.argv.slice(2);
const seconds = (JSON.parse(json) as { readonly seconds?: number }).seconds ?? 1;
const began = Number(process.env.BENCH_SPAWNED_AT) || performance.timeOrigin;
try {
  const workload = peerWorkloads[name];
  console.log(JSON.stringify(workload ? await measure(workload) : { unsupported: `no workload ${name}` }));
  process.exit(0);
} catch (e) {
  console.log(JSON.stringify({ error: String(e instanceof Error ? e.message : e).slice(0, 300) }));
  process.exit(1);
}

async function measure(workload: PeerWorkload): Promise<Record<string, unknown>> {
  const file = await readSafetensors(`${cache}/${workload.data}.safetensors`);
  const part = (prefix: string): ReadonlyMap<string, WeightTensor> =>
    new Map([...file.tensors].flatMap(([key, t]) => (key.startsWith(prefix) && t.dtype === 'F32' ? [[key.slice(prefix.length), t] as const] : [])));
  const [inputs, right] = [Object.fromEntries(part('in.')) as Inputs, part('ref.')];
  const { device } = await openDevice(kind === 'webgpu' ? 'webgpu' : 'js');
  const call = await prepare(workload, device, part('w.'), inputs);
  const ready = now();
  let out = await call();
  const first = now() - ready;
  const losses = [out.loss?.data[0]];
  const timed = async (): Promise<number> => {
    const start = now();
    out = await call();
    losses.push(out.loss?.data[0]);
    return now() - start;
  };
  const times = workload.cold ? [] : await repeat(timed, first);
  while (workload.pass === 'step' && losses.length < 5) await timed();
  const err =
    workload.pass === 'step'
      ? relativeError(losses.slice(0, 5) as number[], right.get('losses')!.data)
      : Math.max(...[...right].filter(([key]) => key !== 'losses').map(([key, t]) => relativeError(out[key]?.data ?? [], t.data)));
  return {
    setup_ms: round(ready - began),
    first_ms: round(first),
    total_ms: round(ready - began + first),
    ...(times.length > 0 ? { median_ms: round(median(times)), min_ms: round(Math.min(...times)) } : {}),
    n: times.length,
    rss_mb: round(process.resourceUsage().maxRSS / 1024),
    err: Number(err.toPrecision(3)),
    ok: err <= workload.tolerance,
    note: device.name,
  };
}
function round(x: number): number {
  return Number(x.toPrecision(5));
}

/** Compiled, opened, and ready to be called. */
async function prepare(workload: PeerWorkload, device: Device, weights: Weights, inputs: Inputs): Promise<() => Promise<Record<string, Tensor>>> {
  const outputs = workload.pass === 'forward' && 'mae' === workload.case.model.name ? { outputs: ['loss', 'pred', 'mask'] } : {};
  const program = compileCase(workload.case, workload.pass, { target: targetFor(device), fuse: 'all', ...outputs });
  const session = await open(program, { device, weights });
  let step = 0;
  return () => session.run(inputs, workload.pass === 'step' ? { scalars: { lr: 1e-3, decay: 1, step: ++step }, outputs: ['loss'] } : {});
}
/** Warm-up for 0.4 of the time, then calls for all of it; at least one and three. */
async function repeat(timed: () => Promise<number>, first: number): Promise<number[]> {
  const budget = seconds * 1000;
  let warm = first;
  const warmUntil = now() + budget * 0.4;
  do warm = await timed();
  while (warm < 20_000 && now() < warmUntil);
  const times: number[] = [];
  const least = warm < 1500 ? 3 : 1;
  for (const end = now() + budget; now() < end || times.length < least; ) times.push(await timed());
  return times;
}
function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = 1e-30;
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
    scale = Math.max(scale, Math.abs(want[i]!));
  }
  return worst / scale;
}
