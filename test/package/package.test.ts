// The package as others get it: built, packed, installed from the tarball into an empty folder, and used from there with every entry
// point, by TypeScript 6 and 7, and by its command on a model outside node_modules. Nothing of this checkout is on its path.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const execute = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-package-'));
const app = path.join(folder, 'app');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
async function run(command: string, args: readonly string[], cwd = app): Promise<Ran> {
  try {
    return { code: 0, ...(await execute(command, args, { cwd, env: { ...process.env, NODE_PATH: '' } })) };
  } catch (e) {
    const { code, stdout, stderr } = e as Ran & Error;
    return { code, stdout, stderr };
  }
}
const node = (...args: string[]): Promise<Ran> => run(process.execPath, args);
const heddle = (...args: string[]): Promise<Ran> => run(path.join(app, 'node_modules/.bin/heddle'), args);
const write = (name: string, text: string): void => writeFileSync(path.join(app, name), text);

beforeAll(async () => {
  const dist = path.join(folder, 'dist');
  const built = await run(process.execPath, [path.join(root, 'scripts/build.ts'), dist], root);
  if (built.code !== 0) throw new Error(`the build failed: ${built.stdout}${built.stderr}`);
  await execute('npm', ['pack', dist, '--silent', '--pack-destination', folder], { cwd: folder });
  const tarball = readdirSync(folder).find(f => f.endsWith('.tgz'))!;
  mkdirSync(app);
  cpSync(path.join(root, 'examples/readme/model.ts'), path.join(app, 'model.ts'));
  write('package.json', '{ "name": "app", "private": true, "type": "module" }\n');
  const installed = await run('npm', ['install', '--no-audit', '--no-fund', path.join(folder, tarball)]);
  if (installed.code !== 0) throw new Error(`npm install failed (is the registry there?): ${installed.stderr}`);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('brings two small dependencies and no more', async () => {
  const brought = readdirSync(path.join(app, 'node_modules')).filter(f => !f.startsWith('.'));
  expect(brought).toContain('heddle');
  expect(brought.length).toBeLessThanOrEqual(10);
  console.log((await node(path.join(root, 'scripts/size.ts'), path.join(app, 'node_modules/heddle'))).stdout);
});

describe('imports', () => {
  test('language, compiler, runtime and models work together', async () => {
    write(
      'use.ts',
      `import { f32, type F32 } from 'heddle';
import { compile, explain } from 'heddle/compiler';
import { mae } from 'heddle/models';
import { open } from 'heddle/runtime';
const program = compile(mae, 'tiny', { target: 'js' });
const session = await open(program, { device: 'js' });
const { loss, pred } = await session.run({ imgs: new Float32Array(3 * 256), noise: new Float32Array(16) }, { outputs: ['loss', 'pred'] });
const x: F32<'2 3'> = f32(2, 3);
console.log(JSON.stringify([explain(program).totals.kernels > 0, Number.isFinite(loss.data[0]), pred.shape, x.shape]));
`,
    );
    const { stdout, stderr } = await node('use.ts');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([true, true, [1, 16, 48], [2, 3]]);
  });
  test('heddle/testing says what it needs, and works once that is there', async () => {
    const load = ['-e', "import('heddle/testing').then(m => console.log(typeof m.assertAllClose), e => console.log(e.message))"];
    expect((await node(...load)).stdout).toContain("Cannot find package 'fast-check'");
    const peers = path.join(root, 'node_modules');
    for (const name of ['fast-check', 'pure-rand']) symlinkSync(path.join(peers, name), path.join(app, 'node_modules', name));
    expect((await node(...load)).stdout.trim()).toBe('function');
  });
});

describe.each(['typescript', 'typescript7'])('types under %s', version => {
  const check = (...files: string[]): Promise<Ran> =>
    node(
      path.join(root, 'node_modules', version, 'bin/tsc'),
      ...'--noEmit --strict --target es2024 --lib es2024,esnext.disposable,dom --module nodenext --skipLibCheck'.split(' '),
      ...files,
    );
  test('a model and a program that uses it are fine', async () => {
    write(
      'fine.ts',
      "import { compile } from 'heddle/compiler';\nimport model from './model.js';\nexport const program = compile(model, 'small');\n",
    );
    expect(await check('fine.ts', 'model.ts')).toMatchObject({ code: 0, stdout: '' });
  });
  test('a mistake is told in words', async () => {
    write('mistake.ts', "import { f32, matmul } from 'heddle';\nexport const y = matmul(f32('B', 197, 768), f32(512, 768));\n");
    const { code, stdout } = await check('mistake.ts');
    expect(code).toBeGreaterThan(0);
    expect(stdout).toContain('✗ matmul: inner dimensions differ: 768 and 512 (left [B,197,768], right [512,768])');
  });
});

describe('the command', () => {
  test('explains a model outside node_modules', async () => {
    const { stdout, stderr, code } = await heddle('explain', 'model.ts', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).kernels.length).toBeGreaterThan(0);
    expect(JSON.parse(stdout).kernels[0].origin).toMatch(/^model\.ts:\d+:\d+$/);
  });
  test('names the package that a subcommand needs', async () => {
    for (const [args, name] of [
      [['compile', 'model.ts', '--out', 'program'], 'ts-morph'],
      [['check', 'model.ts'], 'typescript@6'],
    ] as const) {
      const { code, stderr } = await heddle(...args);
      expect(code).toBe(3);
      expect(stderr).toMatch(new RegExp(`^error H[CK]\\d+: .*npm install ${name}\\n$`));
    }
  });
});
