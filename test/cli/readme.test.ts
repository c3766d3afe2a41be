// The script that holds the README to what it shows, on a page of its own with every kind of block.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { execute, inFolder, type Ran, root, write } from './heddle.ts';

const page = readFileSync(path.join(import.meta.dirname, 'readme-fixture.md'), 'utf8');
const readme = (name: string, ...flags: string[]): Promise<Ran> =>
  execute(process.execPath, [path.join(root, 'scripts/readme.ts'), ...flags, inFolder(name)]);
const lines = ({ stdout }: Ran): number[] => [...stdout.matchAll(/^\S*\.md:(\d+):1 - error README: /gm)].map(m => Number(m[1]));

test('what is not shown as it is today is found, put in, and then holds', async () => {
  write('page.md', page);
  const before = await readme('page.md');
  expect(before.code).toBe(1);
  expect(lines(before)).toEqual([13, 20, 27]);
  expect((await readme('page.md', '--write')).code).toBe(0);
  expect(await readme('page.md')).toMatchObject({ code: 0, stdout: '' });
  const after = readFileSync(inFolder('page.md'), 'utf8');
  expect(after).toContain(readFileSync(path.join(root, 'examples/readme/model.ts'), 'utf8').trimEnd());
  expect(after).toContain('parameter of type \'"✗ matmul: inner dimensions differ: 3 and 4 (left [2,3], right [4,5])"\'.');
  expect(after).toContain('```text\none\ntwo\n```');
});
test('a command that fails, an example that does not compile or run, an error that is none', async () => {
  const blocks = [
    'sh\nfalse\nexit 0',
    "ts\nconst n: number = 'x';",
    "ts\nthrow new Error('no');",
    "ts error\nimport { f32 } from 'heddle';\nf32(2);\n```\n```text",
  ];
  write('wrong.md', `${blocks.map(b => `\`\`\`${b}\n\`\`\`\n`).join('')}`);
  const ran = await readme('wrong.md');
  expect(lines(ran)).toEqual([1, 5, 8, 11]);
  expect(ran.stdout).toMatch(/exit code 1[\s\S]*does not compile[\s\S]*does not run[\s\S]*it compiles, but is shown as an error/);
});
