// biome-ignore-all lint/suspicious/noTemplateCurlyInString: edits of source text that has templates
// How good is the fuzz? Each bug here is one edit of a copy of the sources; random programs must find it. An edit that no longer applies
// is an error, so the bank follows the code.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { fault as Fault } from './fault.ts';
import { choices, type Program } from './programs.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copied = [
  'common',
  'compiler/errors.ts',
  'compiler/graph',
  'compiler/loops',
  'dsl',
  'test/loops/fault.ts',
  'test/loops/programs.ts',
  'test/loops/run.ts',
];
const most = 500;

/** file, what it says, what the bug makes of it. */
const bugs: readonly (readonly [string, string, string])[] = [
  ['affine', 'Math.floor(indexRange({ constant: x.constant, terms: odd }, upper)[0] / by)', 'Math.floor(x.constant / by)'],
  ['affine', '[1] < by) return [whole, rest]', '[1] <= by) return [whole, rest]'],
  ['affine', 'const constant = Math.floor(', 'const constant = Math.trunc('],
  ['affine', 't.times % by === 0)', 't.times % by === 0 || t.times > by)'],
  ['affine', 't!.times * times : 0', 't!.times : 0'],
  ['affine', 'by: only!.atom.by * by', 'by: only!.atom.by + by'],
  ['affine', 't.times === rest.times * atom.by && ', ''],
  ['bounds', "typeof extent === 'number' ? extent - 1", "typeof extent === 'number' ? extent - 2"],
  ['bounds', 'return atom.by - 1', 'return atom.by - 2'],
  ['bounds', 'Math.min(a![1], b![1])', 'Math.min(a![1], b![1]) - 1'],
  ['bounds', '[Math.max(a![0], b![0])', '[Math.min(a![0], b![0])'],
  ['lower', 'if (low < 0) w =', 'if (low < -1) w ='],
  ['lower', 'if (high >= size) w', 'if (high > size) w'],
  ['lower', "b.constant(size, 'i32')", "b.constant(size + 1, 'i32')"],
  ['views', 'constantIndex(size - 1), x, -1', 'constantIndex(size - 1), x, 1'],
  ['views', 'constantIndex(node.from), x, node.step', 'constantIndex(node.from), x'],
  ['views', 'at[axis + 1]!, at[axis]!, stride)', 'at[axis + 1]!, at[axis]!)'],
  ['views', 'to[axis] = at[i]!', 'to[i] = at[axis]!'],
  ['lower', 'taken |= 1 << axis;\n        axes.push', 'axes.push'],
  ['lower', 'let taken = at.reduce((set, x) => set | b.indexAxes(x), guard === always ? 0 : b.free[guard]!)', 'let taken = 0'],
  ['lower', 'b.bounds[v]![1] >= size', 'false'],
  ['lower', "if (b.bounds[v]![0] < 0) v = b.op('max', v, b.constant(0, 'i32'))", ''],
  ['lower', 'node.ins.slice(0, piece)', 'node.ins.slice(0, piece - 1)'],
  ['lower', "b.op('select', inner, value, result)", "b.op('select', inner, result, value)"],
  ['lower', 'high < 0 || low >= size) return', 'high < 0 || low >= size - 1) return'],
  ['lower', 'loaded.at, inner, node.value)', 'loaded.at, inner, 0)'],
  ['lower', 'at.map(x => this.builder.indices.id(x))}|${guard}`', 'at.map(x => this.builder.indices.id(x))}`'],
  ['views', 'from[i] === 1 ? zeroIndex : at[axis]!', 'at[axis]!'],
  ['views', 'i > outermost; i--', 'i > 0 && i > outermost + 1; i--'],
  ['lower', 'at.slice(0, node.axis + 1), guard)', 'at.slice(0, node.axis + 1), always)'],
  ['build', '`l${buffer},${this.indices.id(at)},${when},', '`l${buffer},${this.indices.id(at)},'],
  ['build', 'if (!((taken >> a) & 1) && sameSize', 'if (sameSize'],
  ['facts', 'value.when < 0 ? 0 : free[value.when]!', '0'],
  ['facts', 'free[part.of]! & ~axisSet(part.axes)', 'free[part.of]!'],
  ['collapse', 'timesOuter === timesInner * extent', 'timesOuter === 0 || timesOuter === timesInner * extent'],
  ['collapse', 'if (!usedAsOne(atom.of, outer, inner, extent)) return false;', ''],
  ['collapse', 'axes.includes(outer) === axes.includes(inner)', 'axes.includes(outer) || !axes.includes(inner)'],
  ['prune', 'when: x.when < 0 ? -1 : value.to[x.when]!', 'when: x.when'],
  ['../graph/graph', "(node.op === 'view' && node.view === 'reshape')", "(node.op === 'view' && node.view !== 'expand')"],
];

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};
function randomProgram(seed: number): Program {
  const next = random(seed * 7919 + 13);
  const nat = (below: number) => Math.floor(next() * below);
  return Array.from({ length: 3 + nat(12) }, () => [nat(choices.length), nat(64), nat(64), nat(64)] as const);
}

async function programsToFind(bug: (typeof bugs)[number] | undefined): Promise<number> {
  const copy = mkdtempSync(join(tmpdir(), 'heddle-planted-'));
  try {
    for (const path of copied) cpSync(join(root, path), join(copy, path), { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    if (bug) {
      const path = join(copy, 'compiler/loops', `${bug[0]}.ts`);
      const text = readFileSync(path, 'utf8');
      expect(text.split(bug[1]), `${bug[0]}.ts says once: ${bug[1]}`).toHaveLength(2);
      writeFileSync(
        path,
        text.replace(bug[1], () => bug[2]),
      );
    }
    const { fault } = (await import(pathToFileURL(join(copy, 'test/loops/fault.ts')).href)) as { fault: typeof Fault };
    for (let n = 0; n < most; n++) {
      try {
        if (fault(randomProgram(n), n % 2 === 1, { kernels: 0, pairs: new Map() }) !== undefined) return n + 1;
      } catch {
        return n + 1;
      }
    }
    return Number.POSITIVE_INFINITY;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const found: number[] = [];
afterAll(() => {
  found.sort((a, b) => a - b);
  console.log(`${bugs.length} planted bugs, found after ${found[0]} to ${found.at(-1)} programs, half of them within ${found[found.length >> 1]}`);
});
test('without a bug nothing is found', async () => expect(await programsToFind(undefined)).toBe(Number.POSITIVE_INFINITY));
for (const bug of bugs)
  test(`${bug[0]}: ${bug[2] === '' ? `no ${bug[1]}` : bug[2]}`, async () => {
    found.push(await programsToFind(bug));
    expect(found.at(-1)).toBeLessThanOrEqual(most);
  });
