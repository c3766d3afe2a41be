// What each pass of the compiler costs, by V8's sampling profiler: a sample belongs to the innermost function on its stack that is the
// door of a pass. So nothing in the compiler knows that it is measured, and nothing here repeats what it does.
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import type { Program } from '../common/program.ts';

/** Doors of the passes in compiler/compile.ts: function → pass. */
const doors: Readonly<Record<string, string>> = {
  trace: 'trace',
  intern: 'intern',
  withGradients: 'gradients',
  withStep: 'gradients',
  simplify: 'simplify',
  fuse: 'fuse',
  lowerUnfused: 'fuse',
  generate: 'generate',
  generateFused: 'generate',
  renderWgsl: 'render',
  renderJs: 'render',
  assemble: 'memory',
};
export const passes = [...new Set(Object.values(doors))];

export interface PassTimes {
  /** Of the thread's own time. */
  readonly milliseconds: number;
  /** By pass; their sum is `milliseconds`. */
  readonly byPass: Readonly<Record<string, number>>;
}

/** Milliseconds that this thread has computed: on a machine that others use too, the time to count. */
const busy = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** Compiles once and says where the time went. Samples every 0.2 ms, which costs a few per cent. */
export async function timePasses(compile: () => Program): Promise<PassTimes> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
    const start = busy();
    compile();
    const milliseconds = busy() - start;
    const { profile } = await session.post('Profiler.stop');
    const passOf = passOfEachNode(profile.nodes);
    const counts = new Map<string, number>();
    for (const id of profile.samples ?? []) counts.set(passOf.get(id)!, (counts.get(passOf.get(id)!) ?? 0) + 1);
    // samples before and after lie in no pass
    const inside = passes.reduce((n, p) => n + (counts.get(p) ?? 0), 0);
    const per = milliseconds / Math.max(1, inside);
    return { milliseconds, byPass: Object.fromEntries(passes.map(p => [p, (counts.get(p) ?? 0) * per])) };
  } finally {
    session.disconnect();
  }
}

function passOfEachNode(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map(n => [n.id, n]));
  const out = new Map<number, string>();
  const visit = [{ node: nodes[0]!, pass: '' }];
  while (visit.length > 0) {
    const { node, pass } = visit.pop()!;
    const { functionName, url } = node.callFrame;
    const own = (/\/(compiler|dsl)\//.test(url) ? doors[functionName] : undefined) ?? pass;
    out.set(node.id, own);
    for (const id of node.children ?? []) visit.push({ node: byId.get(id)!, pass: own });
  }
  return out;
}
