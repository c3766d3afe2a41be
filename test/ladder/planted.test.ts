// How good is the ladder? Each bug of the bank is one edit of a copy of the sources; random programs must find it within 500. An edit that no
// longer applies is an error, so the bank follows the code. By default a sample runs, a bug of each kind; HEDDLE_LADDER asks for all.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { openWebGpu } from '../../runtime/webgpu/adapter.ts';
import type { WebGpuDevice } from '../../runtime/webgpu/device.ts';
import { type Bug, bugs, survivors } from './bugs.ts';
import { asked } from './draws.ts';
import type { programsToFind as Search } from './search.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copied = ['common', 'compiler', 'dsl', 'runtime', 'test/ladder', 'test/loops/run.ts'];
const most = 500;

let webgpu: Promise<WebGpuDevice> | undefined;
const found: number[] = [];
afterAll(async () => {
  (await webgpu)?.dispose();
  const sorted = found.toSorted((a, b) => a - b);
  console.log(
    `${found.length} planted bugs, found after ${sorted[0]} to ${sorted.at(-1)} programs, half of them within ${sorted[sorted.length >> 1]}`,
  );
});

async function programsToFind(bug: Bug | undefined, programs = most): Promise<number> {
  const copy = mkdtempSync(join(tmpdir(), 'heddle-planted-'));
  try {
    for (const path of copied) cpSync(join(root, path), join(copy, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    if (bug) plant(copy, bug);
    const { programsToFind: search } = (await import(pathToFileURL(join(copy, 'test/ladder/search.ts')).href)) as { programsToFind: typeof Search };
    return await search(programs, bug?.[3] === 'webgpu' ? (await (webgpu ??= openWebGpu({ software: true }))).gpu : undefined);
  } finally {
    rmSync(copy, { recursive: true });
  }
}
function plant(copy: string, [file, from, to]: Bug): void {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const at = text.split(from);
  expect(at, `${file} says once: ${from}`).toHaveLength(2);
  writeFileSync(path, at.join(to));
}

test('every edit of the bank applies', () => {
  for (const [file, from] of [...Object.values(bugs), ...Object.values(survivors)].flat())
    expect(readFileSync(join(root, file), 'utf8').split(from), `${file} says once: ${from}`).toHaveLength(2);
});
test('without a bug nothing is found', { timeout: 600_000 }, async () =>
  expect(await programsToFind(undefined, asked === undefined ? 30 : most)).toBe(Number.POSITIVE_INFINITY),
);
for (const [kind, list] of Object.entries(bugs))
  describe(kind, () => {
    for (const bug of asked === undefined ? list.slice(0, 1) : list)
      test(`${bug[0]}: ${bug[2] === '' ? `no ${bug[1]}` : bug[2]}`, { timeout: 600_000 }, async () => {
        const programs = await programsToFind(bug);
        found.push(programs);
        if (asked !== undefined) console.log(`${programs} programs: ${bug[0]}: ${bug[1]} → ${bug[2]}`);
        expect(programs).toBeLessThanOrEqual(most);
      });
  });
if (asked !== undefined)
  describe('survivors', () => {
    for (const [why, list] of Object.entries(survivors))
      for (const bug of list)
        test(`${bug[0]}: ${bug[2]}`, { timeout: 600_000 }, async () =>
          console.log(`${await programsToFind(bug)} programs: ${bug[0]}: ${bug[1]} → ${bug[2]} (${why})`),
        );
  });
