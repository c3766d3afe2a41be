// A Program folder: the way there and back, what is refused, and that running one loads nothing of the language or the compiler.
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HeddleError } from '../../common/errors.ts';
import { loadProgram, saveProgram } from '../../runtime/folder.ts';
import { accumulate, rows, twice } from './programs.ts';

let root: string;
let folder: string;
let count = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'heddle-folder-'));
});
beforeEach(() => {
  folder = path.join(root, `program${count++}`);
});
afterAll(() => fs.rm(root, { recursive: true }));

async function refusal(run: () => Promise<unknown>): Promise<HeddleError> {
  try {
    await run();
  } catch (e) {
    return e as HeddleError;
  }
  throw new Error('nothing was thrown');
}
const edit = async (change: (json: Record<string, never>) => void): Promise<void> => {
  const file = path.join(folder, 'program.json');
  const json = JSON.parse(await fs.readFile(file, 'utf8'));
  change(json);
  await fs.writeFile(file, JSON.stringify(json));
};

test('other files lie beside the program', async () => {
  await saveProgram(folder, rows('wgsl'), new Map([['index.js', 'export {};\n']]));
  expect(await fs.readFile(path.join(folder, 'index.js'), 'utf8')).toBe('export {};\n');
  expect(await loadProgram(folder)).toEqual(rows('wgsl'));
});

test('what is saved is loaded, and a second program replaces the first', async () => {
  await saveProgram(folder, rows('wgsl'));
  expect(await loadProgram(folder)).toEqual(rows('wgsl'));
  expect((await fs.readdir(path.join(folder, 'kernels'))).sort()).toEqual(
    rows('wgsl')
      .kernels.map(k => `${k.hash}.wgsl`)
      .sort(),
  );
  await saveProgram(folder, twice('js', 4));
  expect(await loadProgram(folder, { trust: true })).toEqual(twice('js', 4));
  expect((await fs.readdir(root)).filter(name => name.includes('.'))).toEqual([]); // nothing is left beside it
});

describe('is refused', () => {
  test('a folder of something else is not overwritten', async () => {
    await fs.mkdir(folder);
    await fs.writeFile(path.join(folder, 'thesis.txt'), 'years of work');
    expect(await refusal(() => saveProgram(folder, rows('wgsl')))).toMatchObject({
      code: 'HF2',
      message: expect.stringContaining('holds no program'),
    });
    expect(await fs.readdir(folder)).toEqual(['thesis.txt']);
  });
  test('JavaScript without trust', async () => {
    await saveProgram(folder, rows('js'));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF12' });
    expect(await loadProgram(folder, { trust: true })).toEqual(rows('js'));
  });
  test('changed kernel text', async () => {
    await saveProgram(folder, rows('wgsl'));
    await fs.appendFile(path.join(folder, 'kernels', `${rows('wgsl').kernels[1]!.hash}.wgsl`), ' ');
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF13' });
  });
  test('a hash that is a path', async () => {
    await saveProgram(folder, rows('wgsl'));
    await edit(json => Object.assign(json.kernels![0]!, { hash: '../../../../etc/passwd' }));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({
      code: 'HF10',
      message: 'program: kernels[0].hash is not 64 hexadecimal digits',
    });
  });
  test('text inside the JSON', async () => {
    await saveProgram(folder, rows('wgsl'));
    await edit(json => Object.assign(json.kernels![0]!, { text: '' }));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF10' });
  });
  test('a newer version, JSON that is none, bytes that are no text, missing files', async () => {
    await saveProgram(folder, rows('wgsl'));
    await edit(json => Object.assign(json, { version: 2 }));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF11' });
    await fs.writeFile(path.join(folder, 'program.json'), '{');
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF10' });
    await fs.writeFile(path.join(folder, 'program.json'), Uint8Array.of(0xff, 0xfe));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF10', message: expect.stringContaining('is not UTF-8 text') });
    await fs.rm(path.join(folder, 'program.json'));
    expect(await refusal(() => loadProgram(folder))).toMatchObject({ code: 'HF2' });
    await saveProgram(`${folder}b`, rows('wgsl'));
    await fs.rm(path.join(`${folder}b`, 'kernels', `${rows('wgsl').kernels[0]!.hash}.wgsl`));
    expect(await refusal(() => loadProgram(`${folder}b`))).toMatchObject({ code: 'HF2' });
  });
});

test.each(['js', 'wgsl'] as const)('running a %s folder loads neither language, compiler nor TypeScript', async language => {
  await saveProgram(folder, accumulate(language));
  const code = `import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { loadProgram, open } = await import('../../runtime/index.ts');
    const program = await loadProgram(process.argv[1], { trust: true });
    const session = await open(program, { device: '${language === 'js' ? 'js' : 'webgpu'}' });
    const { sum } = await session.run({ x: Float32Array.of(1, 2, 3, 4) });
    session.dispose();
    console.log(JSON.stringify({ loaded, sum: [...sum.data] }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, folder], { cwd: import.meta.dirname });
  const { loaded, sum }: { loaded: string[]; sum: number[] } = JSON.parse(stdout);
  expect(sum).toEqual([1, 2, 3, 4]);
  const repository = new URL('../../', import.meta.url).href;
  const folders = new Set(loaded.filter(url => url.startsWith(repository)).map(url => url.slice(repository.length).split('/').slice(0, 1)[0]));
  const packages = loaded.filter(url => url.includes('/node_modules/')).map(url => url.split('/node_modules/')[1]!.split('/')[0]);
  expect([...folders].filter(name => name !== 'node_modules').sort()).toEqual(['common', 'runtime']);
  expect(packages.every(name => language === 'wgsl' && name === 'webgpu')).toBe(true);
});
