// A compiled folder on its own: its loader runs from another folder with the runtime alone, its types hold under TypeScript 6 and 7, and
// JavaScript kernels run only for who trusts them.
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { execute, golden, heddle, inFolder, mae, type Ran, root, save, write } from './heddle.ts';

beforeAll(async () => {
  mkdirSync(inFolder('node_modules'));
  symlinkSync(root, inFolder('node_modules/heddle'));
  write('package.json', '{ "type": "module" }\n');
  await save('in.safetensors', await golden('in'));
  await save('w.safetensors', await golden('w'));
  const compiled = await Promise.all(
    ['js', 'webgpu-software'].map(t => heddle(['compile', mae, '--config', 'tiny', '--target', t, '--out', t, '--json'])),
  );
  for (const ran of compiled) expect(ran.code, ran.stderr).toBe(0);
  // again over itself, as after an edit of the model
  expect((await heddle(['compile', mae, '--config', 'tiny', '--target', 'js', '--out', 'js'])).stdout).toMatch(
    /^js: \d+ kernels, \d+ distinct, for js\n$/,
  );
});

/** Opens a folder through its loader, runs the golden inputs, and prints the loss and every module that was loaded. */
const program = (folder: string, options: string): string => `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
const { load } = await import('./${folder}/index.js');
const { readSafetensors } = await import('${path.join(root, 'runtime/files/safetensors.ts')}');
const inputs = Object.fromEntries((await readSafetensors('in.safetensors')).tensors);
const weights = (await readSafetensors('w.safetensors')).tensors;
const session = await load({ weights, ${options} });
const { loss, pred } = await session.run(inputs, { outputs: ['loss', 'pred'] });
session.dispose();
console.log(JSON.stringify({ loss: loss.data[0], shape: pred.shape, loaded }));
`;
const run = (name: string, text: string): Promise<Ran> => {
  write(name, text);
  return execute(process.execPath, [name]);
};

describe.concurrent('the loader', () => {
  test.each([
    ['js', "device: 'js', trust: true"],
    ['webgpu-software', "device: 'webgpu'"],
  ])('runs the %s folder with neither the language nor the compiler', async (folder, options) => {
    const ran = await run(`run-${folder}.mjs`, program(folder, options));
    expect(ran.code, ran.stderr).toBe(0);
    const { loss, shape, loaded } = JSON.parse(ran.stdout);
    expect(loss).toBeCloseTo((await golden('out')).get('loss')!.data[0] as number, 4);
    expect(shape).toEqual([4, 16, 48]);
    expect(loaded.some((url: string) => url.includes('/runtime/session.ts'))).toBe(true);
    expect(loaded.filter((url: string) => /\/(dsl|compiler|models|cli)\/|\/(typescript|ts-morph)\//.test(url))).toEqual([]);
  });
  test('refuses JavaScript that nobody trusts', async () => {
    const ran = await run('distrust.mjs', program('js', "device: 'js'"));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('its kernels are JavaScript, which runs as code; pass trust: true');
  });
});

const fine = `import { load } from './js/index.js';
const session = await load({ trust: true });
const { loss, pred } = await session.run({ imgs: new Float32Array(768), noise: { data: new Float32Array(16), shape: [1, 16] } }, { outputs: ['loss', 'pred'] });
export const shape: readonly [number, 16, 48] = pred.shape;
export const value: readonly [] = loss.shape;
`;
const call = (inputs: string, options = ''): string =>
  `import { load } from './js/index.js';\nawait (await load({ trust: true })).run(${inputs}${options});\n`;
const wrong: readonly (readonly [string, string])[] = [
  ['a wrong name', call('{ images: new Float32Array(768), noise: new Float32Array(16) }')],
  ['a wrong dtype', call('{ imgs: new Int32Array(768), noise: new Float32Array(16) }')],
  ['a wrong shape', call('{ imgs: new Float32Array(768), noise: { data: new Float32Array(16), shape: [1, 15] } }')],
  ['a missing input', call('{ imgs: new Float32Array(768) }')],
  ['an unknown output', call('{ imgs: new Float32Array(768), noise: new Float32Array(16) }', ", { outputs: ['los'] }")],
  ['an output that was not asked for', `${fine.replace("['loss', 'pred']", "['loss']")}`],
  ['JavaScript without trust', "import { load } from './js/index.js';\nawait load();\n"],
];
describe.concurrent.each(['typescript', 'typescript7'])('types under %s', version => {
  const check = (...files: string[]): Promise<Ran> => {
    const options =
      '--noEmit --strict --target es2024 --lib es2024,esnext.disposable,dom --module nodenext --allowImportingTsExtensions --skipLibCheck';
    // heddle is the checkout's own sources here, which know Node; the package's declarations are tested with the package
    const ambient = ['--typeRoots', path.join(root, 'node_modules/@types'), '--types', 'node'];
    return execute(process.execPath, [path.join(root, 'node_modules', version, 'bin/tsc'), ...options.split(' '), ...ambient, ...files]);
  };
  test('a right call is fine, each wrong one is an error in its own file', async () => {
    write('fine.ts', fine);
    for (const [i, [, text]] of wrong.entries()) write(`wrong${i}.ts`, text);
    const { stdout } = await check('fine.ts', ...wrong.map((_, i) => `wrong${i}.ts`));
    expect(stdout).not.toContain('fine.ts');
    for (const [i, [what]] of wrong.entries()) expect(stdout, `${what}\n${stdout}`).toMatch(new RegExp(`^wrong${i}\\.ts\\(`, 'm'));
    expect(stdout.match(/^(?!wrong)\S+\(\d+,\d+\): error .*/gm)).toBe(null);
  });
});
