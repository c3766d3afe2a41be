// The plan of every case on every target, in numbers: kernels, distinct kernels, bytes moved, operations, peak of the intermediates,
// length of the kernels' text. No device is needed. A change of test/pins/plans.json is a change of the compiler, and is reviewed as one.
//   node scripts/pins.ts            says what differs from the file
//   node scripts/pins.ts --write    writes it
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { blocks, type Case, cases, compileCase, modelOf, type Pass } from '../bench/cases.ts';
import { amountAt } from '../common/program.ts';
import { capabilities, type Target } from '../compiler/code/capabilities.ts';
import type { Capability } from '../compiler/code/types.ts';
import { explain } from '../compiler/explain.ts';
import { withGradients } from '../compiler/graph/gradient/parameters.ts';
import { intern } from '../compiler/graph/intern.ts';
import { simplify } from '../compiler/graph/simplify.ts';
import { fuse } from '../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../compiler/loops/fuse/machine.ts';
import { nestKey } from '../compiler/loops/key.ts';
import { traffic } from '../compiler/traffic.ts';
import { trace } from '../dsl/model.ts';

export interface Pin {
  readonly kernels: number;
  readonly distinct: number;
  readonly bytes: number;
  readonly flops: number;
  /** Absent where there is a plan and no program. */
  readonly arena?: number;
  readonly text?: number;
}
/** What one block adds to a stack. */
export interface BlockPin {
  readonly kernels: number;
  readonly bytes: number;
  readonly flops: number;
}
export interface Pins {
  /** `<model> <pass> <target> [unfused]` → plan at the case's batch. */
  readonly models: Readonly<Record<string, Pin>>;
  /** `<size> <pass> <target> [unfused]` → half of what depth 4 has more than depth 2. */
  readonly blocks: Readonly<Record<string, BlockPin>>;
}

/** Compiled; of `gl`, whose kernels have no renderer of their own yet, the plan is pinned alone, and of forward passes. */
const targets = (Object.keys(capabilities) as Target[]).filter(t => t !== 'gl');
const passes: readonly Pass[] = ['forward', 'gradients', 'step'];

/** A thing to pin, worked out when asked. */
interface Entry<T> {
  readonly key: string;
  readonly measure: () => T;
}
export const modelEntries: readonly Entry<Pin>[] = Object.entries(cases).flatMap(([name, c]) =>
  passes.flatMap(pass => variants(pass).map(v => ({ key: `${name} ${pass} ${v.name}`, measure: () => pinOf(c, pass, v) }))),
);
export const blockEntries: readonly Entry<BlockPin>[] = Object.entries(blocks).flatMap(([name, { at }]) =>
  (['forward', 'gradients'] as const).flatMap(pass =>
    variants(pass).map(v => ({
      key: `${name} ${pass} ${v.name}`,
      measure: () => {
        const [two, four] = [2, 4].map(depth => pinOf(at(depth), pass, v)) as [Pin, Pin];
        const half = (of: (p: Pin) => number): number => (of(four) - of(two)) / 2;
        return { kernels: half(p => p.kernels), bytes: half(p => p.bytes), flops: half(p => p.flops) };
      },
    })),
  ),
);

interface Variant {
  readonly name: string;
  readonly target: Target;
  readonly fuse: 'all' | 'none';
}
/** Every target fused, one of them unfused. */
function variants(pass: Pass): readonly Variant[] {
  return [
    ...targets.map((target): Variant => ({ name: target, target, fuse: 'all' })),
    { name: 'webgpu unfused', target: 'webgpu', fuse: 'none' },
    ...(pass === 'forward' ? [{ name: 'gl', target: 'gl', fuse: 'all' } as const] : []),
  ];
}

function pinOf(c: Case, pass: Pass, { target, fuse: how }: Variant): Pin {
  if (target === 'gl') return planOf(c, pass, capabilities.gl);
  const program = compileCase(c, pass, { target, fuse: how });
  const { totals, arena } = explain(program, c.batch);
  return {
    kernels: totals.kernels,
    distinct: totals.distinct,
    bytes: totals.bytesRead + totals.bytesWritten,
    flops: totals.flops,
    arena: arena.bytes,
    text: program.kernels.reduce((n, k) => n + k.text.replaceAll(/^\/\/.*\n/gm, '').length, 0), // comments name lines of the models
  };
}
/** The plan alone. */
function planOf(c: Case, pass: Pass, capability: Capability): Pin {
  const recorded = intern(trace(modelOf(c, pass), c.config));
  const { graph, outputs } = simplify(pass === 'gradients' ? withGradients(recorded, c.grad) : recorded);
  const kernels = fuse(
    graph,
    outputs.map(([, id]) => id),
    machineOf(capability),
  );
  const work = kernels.map(k => traffic(k.nest));
  const sum = (of: (w: (typeof work)[number]) => number): number => work.reduce((n, w) => n + of(w), 0);
  return {
    kernels: kernels.length,
    distinct: new Set(kernels.map(k => `${nestKey(k.nest)} ${k.schedule.tile}`)).size,
    bytes: sum(w => amountAt(w.bytesRead, c.batch) + amountAt(w.bytesWritten, c.batch)),
    flops: sum(w => amountAt(w.flops, c.batch)),
  };
}

export const pinsPath = fileURLToPath(new URL('../test/pins/plans.json', import.meta.url));
export const readPins = (): Pins => JSON.parse(readFileSync(pinsPath, 'utf8')) as Pins;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const measured = <T>(entries: readonly Entry<T>[]): Record<string, T> => Object.fromEntries(entries.map(e => [e.key, e.measure()]));
  const now: Pins = { models: measured(modelEntries), blocks: measured(blockEntries) };
  // one line a plan, so that a changed plan is a changed line
  const section = (of: Readonly<Record<string, object>>): string =>
    Object.entries(of)
      .map(([key, pin]) => `    ${JSON.stringify(key)}: ${JSON.stringify(pin).replaceAll(/[:,]/g, '$& ')}`)
      .join(',\n');
  const text = `{\n  "models": {\n${section(now.models)}\n  },\n  "blocks": {\n${section(now.blocks)}\n  }\n}\n`;
  if (process.argv.includes('--write')) writeFileSync(pinsPath, text);
  else {
    const old = readPins();
    for (const part of ['models', 'blocks'] as const)
      for (const key of new Set([...Object.keys(old[part]), ...Object.keys(now[part])])) {
        const [was, is] = [JSON.stringify(old[part][key]), JSON.stringify(now[part][key])];
        if (was !== is) console.log(`${key}\n  was ${was}\n  is  ${is}`);
      }
  }
}
