// Heddle beside its JavaScript peers, where they are installed: a process a peer, a workload and a round, one after another, and a ratio
// taken within its round. The folder holds `setup.json` and `peers/<folder>/bench/peers/<file>` as the peers' suite leaves them; every
// peer speaks the protocol of bench/peer.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.ts';

interface Peer {
  readonly name: string;
  readonly against: 'js' | 'webgpu';
  readonly folder: string;
  readonly file: string;
  readonly options: object;
}
const peers: readonly Peer[] = [
  { name: 'jax-js wasm', against: 'js', folder: 'jax-js', file: 'jax-js.mjs', options: { device: 'wasm', threads: 1 } },
  { name: 'onnxruntime-web wasm', against: 'js', folder: 'ort-web', file: 'ort-web.mjs', options: { threads: 1 } },
  { name: 'tfjs wasm', against: 'js', folder: 'tfjs', file: 'tfjs.mjs', options: { backend: 'wasm' } },
  { name: 'jax-js webgpu', against: 'webgpu', folder: 'jax-js', file: 'jax-js.mjs', options: { device: 'webgpu', threads: 1 } },
  { name: 'onnxruntime-web webgpu', against: 'webgpu', folder: 'ort-web', file: 'ort-web.mjs', options: { device: 'webgpu', threads: 1 } },
];
const workloads = ['matmul-197', 'block-192', 'mnist-64', 'train-64', 'cold-8'];

interface Result {
  readonly median_ms?: number;
  readonly total_ms?: number;
  readonly ok?: boolean;
  readonly error?: string;
  readonly unsupported?: string;
}
export interface PeerRow {
  readonly workload: string;
  readonly device: 'js' | 'webgpu';
  readonly peer: string;
  readonly heddle: number;
  /** Milliseconds of the peer, or why there are none. */
  readonly theirs: number | string;
  /** The peer's time through Heddle's: over 1 where Heddle is faster. */
  readonly ratio?: number;
}

/** `folder`: where the peers are; `match`: a part of the names of workloads; `on`: one device, or both. Peers that run a workload longer
 *  than `limit` seconds are ended. */
export function comparePeers(
  folder: string,
  rounds: number,
  log: (line: string) => void,
  { match = '', on, limit = 120 }: { readonly match?: string; readonly on?: string | undefined; readonly limit?: number } = {},
): readonly PeerRow[] {
  const setup = `${folder}/setup.json`;
  if (!existsSync(setup)) throw new Error(`BENCH_PEERS=${folder}: no setup.json there`);
  const { node, cache, swiftshader } = JSON.parse(readFileSync(setup, 'utf8')) as Record<'node' | 'cache' | 'swiftshader', string>;
  const run = (command: string, args: readonly string[]): Result => {
    const env = { ...process.env, BENCH_SWIFTSHADER: swiftshader, BENCH_SPAWNED_AT: String(performance.timeOrigin + performance.now()) };
    const { stdout, signal } = spawnSync(command, args, { env, encoding: 'utf8', timeout: limit * 1000, killSignal: 'SIGKILL' });
    if (signal === 'SIGKILL') return { error: `not done in ${limit} s` };
    try {
      return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result;
    } catch {
      return { error: 'it fails' };
    }
  };
  const rows: PeerRow[] = [];
  for (const workload of workloads)
    for (const device of ['js', 'webgpu'] as const) {
      if (!workload.includes(match) || (on !== undefined && on !== device)) continue;
      const chosen = peers.filter(p => p.against === device);
      const own: number[] = [];
      const theirs = new Map<Peer, (number | string)[]>(chosen.map(p => [p, []]));
      for (let round = 0; round < rounds; round++) {
        const mine = run(process.execPath, [fileURLToPath(new URL('peer.ts', import.meta.url)), device, workload, cache, '{"seconds":1}']);
        own.push(millisecondsOf(mine) as number);
        log(`${workload} heddle ${device} ${millisecondsOf(mine)}${mine.ok ? '' : ' WRONG'}`);
        for (const p of chosen) {
          if (typeof theirs.get(p)!.at(-1) === 'string') continue; // it cannot, or takes too long
          const result = run(node, [
            `${folder}/peers/${p.folder}/bench/peers/${p.file}`,
            workload,
            cache,
            JSON.stringify({ ...p.options, seconds: 1 }),
          ]);
          theirs.get(p)!.push(millisecondsOf(result));
          log(`${workload} ${p.name} ${millisecondsOf(result)}`);
        }
      }
      for (const [p, list] of theirs) {
        const numbers = list.filter(x => typeof x === 'number');
        const failed = list.find(x => typeof x === 'string');
        rows.push(
          failed === undefined
            ? { workload, device, peer: p.name, heddle: median(own), theirs: median(numbers), ratio: median(numbers.map((x, i) => x / own[i]!)) }
            : { workload, device, peer: p.name, heddle: median(own), theirs: failed },
        );
      }
    }
  return rows;
}
const millisecondsOf = (r: Result): number | string => r.median_ms ?? r.total_ms ?? r.unsupported ?? r.error ?? 'no answer';
