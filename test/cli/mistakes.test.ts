// Everything that goes wrong is one line in tsc's form with its exit code: 1 the user's model, data or files, 2 the command line, 3 the
// environment, 130 interrupted. No usage text and no stack follow, and no output file is left.
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SafeTensor } from '../../runtime/files/safetensors.ts';
import { change, f32, golden, heddle, inFolder, leftOf, mae, modelText, save, there, write } from './heddle.ts';

const good = '(_, p, { x, i }) => ({ y: matmul(x, p.w), g: gather(x, 1, i) })';
const bigInts = (shape: readonly number[], ...data: bigint[]): SafeTensor => ({ dtype: 'I64', shape, data: BigInt64Array.from(data) });
const ints = (shape: readonly number[], ...data: number[]): SafeTensor => ({ dtype: 'I32', shape, data: Int32Array.from(data) });

beforeAll(async () => {
  const inputs = await golden('in');
  const weights = await golden('w');
  const noise = inputs.get('noise')!;
  await save('in.safetensors', inputs);
  await save('w.safetensors', weights);
  await save('i-missing.safetensors', change(inputs, 'noise', undefined));
  await save('i-extra.safetensors', change(inputs, 'other', noise));
  await save('i-shape.safetensors', change(inputs, 'noise', f32([4, 15])));
  await save('i-dtype.safetensors', change(inputs, 'noise', ints([4, 1], 1, 2, 3, 4)));
  await save('i-batch.safetensors', change(inputs, 'noise', f32([3, 16])));
  await save('w-missing.safetensors', change(weights, 'cls_token', undefined));
  await save('w-extra.safetensors', change(weights, 'other', noise));
  await save('w-shape.safetensors', change(weights, 'cls_token', f32([1, 1, 31])));
  await save('w-dtype.safetensors', change(weights, 'cls_token', ints([1, 1, 1], 0)));
  await save('w-none.safetensors', new Map([...weights].map(([name, t]) => [`module.${name}`, t])));
  writeFileSync(inFolder('torn.safetensors'), Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 1));
  const x = f32([2, 4]);
  await save(
    'x.safetensors',
    new Map([
      ['x', x],
      ['i', ints([2, 1], 3, 0)],
    ]),
  );
  await save(
    'x-range.safetensors',
    new Map([
      ['x', x],
      ['i', ints([2, 1], 3, 4)],
    ]),
  );
  await save(
    'x-i64.safetensors',
    new Map([
      ['x', x],
      ['i', bigInts([2, 1], 3n, 0n)],
    ]),
  );

  write('good.ts', modelText(good));
  write('shape.ts', modelText('(_, p, { x, i }) => ({ y: matmul(p.w, gather(x, 1, i)) })'));
  write('async.ts', modelText('async (_, p, { x }) => ({ y: matmul(x, p.w) })'));
  write(
    'throws.ts',
    modelText('(_, p, { x }) => {\n    const nothing: typeof p = JSON.parse("null");\n    return { y: matmul(x, nothing.w) };\n  }'),
  );
  write('syntax.ts', "import { f32 } from 'heddle';\nexport default model({ config: , });\n");
  write('enum.ts', 'enum Kind { A }\nexport default Kind.A;\n');
  write('none.ts', 'export const x = 3;\n');
  write('other.ts', 'export default { kind: "other" };\n');
  write('name.ts', "import { nothere } from 'heddle';\nexport default nothere;\n");
  write('import.ts', "import x from './nowhere.ts';\nexport default x;\n");
  write('module.ts', 'const x: { y: number } | undefined = JSON.parse("null");\nexport default x!.y;\n');
  write('kernel.ts', "import { f32, kernel } from 'heddle';\nexport const f = kernel((x: f32) => {\n  while (x > 0) x = x - 1;\n  return x;\n});\n");
  write('bad.json', '{ "width": 4,, }');
  write('list.json', '[1]');
  mkdirSync(inFolder('full'));
  write('full/file', '');
});

const sizes = {
  ...{ imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, decoderWidth: 24, decoderDepth: 1, decoderHeads: 3 },
  ...{ mlpRatio: 4, maskRatio: 0.75, normPixLoss: true },
};
const json = (changes: object): string => JSON.stringify({ ...sizes, ...changes });
const explain = (...args: string[]): string[] => ['explain', ...args];
const run = (...args: string[]): string[] => ['run', ...args, '--out', 'out.safetensors', '--device', 'js'];
const tiny = ['--config', 'tiny', '--weights', 'w.safetensors'];
const withInputs = (inputs: string): string[] => run(mae, ...tiny, '--inputs', inputs);
const withWeights = (weights: string): string[] => run(mae, '--config', 'tiny', '--weights', weights, '--inputs', 'in.safetensors');

type Mistake = readonly [what: string, args: readonly string[], code: number, says: RegExp];
const mistakes: readonly Mistake[] = [
  // the model's file
  ['a file that is not there', explain('nowhere.ts'), 1, /^error HU2: nowhere\.ts: no such file; /],
  ['a folder', explain('full'), 1, /^error HU2: full: is a folder; /],
  ['no default export', explain('none.ts'), 1, /^error HU2: none\.ts: its default export is no model: end the file with /],
  ['a default export of something else', explain('other.ts'), 1, /^error HU2: other\.ts: its default export is no model/],
  ['a syntax error', explain('syntax.ts'), 1, /^syntax\.ts:2:32 - error HU2: Expression expected/],
  ['syntax that Node cannot strip', explain('enum.ts'), 1, /^enum\.ts:1:1 - error HU2: .*enum/],
  ['a name that heddle does not export', explain('name.ts'), 1, /^name\.ts:1:10 - error HU2: .*'nothere'/],
  ['an import of a file that is not there', explain('import.ts'), 1, /^error HU2: import\.ts: cannot be imported: .*nowhere\.ts/],
  ['a module that throws', explain('module.ts'), 1, /^module\.ts:2:19 - error HU4: the model threw TypeError: /],
  ['a forward that throws', explain('throws.ts'), 1, /^throws\.ts:16:35 - error HU4: the model threw TypeError: /],
  ['a mistake in a shape', explain('shape.ts'), 1, /^shape\.ts:14:\d+ - error HS5: ✗ matmul: inner dimensions differ: 4 and B/],
  ['a forward that is async', explain('async.ts'), 1, /^error HS2: ✗ small: the body returned a Promise/],
  ['a kernel that cannot be read', explain('kernel.ts'), 1, /^kernel\.ts:3:3 - error HK1: kernel: /],
  // the configuration
  ['an unknown preset', explain(mae, '--config', 'nope'), 2, /^error HU1: --config nope: neither a preset \(base, large, huge, tiny\) nor a file/],
  ['bad JSON', explain(mae, '--config', '{"width":'), 1, /^error HU2: --config: no JSON: /],
  ['a file of bad JSON', explain('good.ts', '--config', 'bad.json'), 1, /^error HU2: bad\.json: no JSON: /],
  ['JSON that is no object', explain('good.ts', '--config', 'list.json'), 1, /^error HU2: list\.json: a configuration is a JSON object/],
  ['an unknown field', explain(mae, '--config', json({ widht: 3 })), 1, /^error HS3: ✗ config: .*widht/],
  ['a string for a number', explain(mae, '--config', json({ width: '32' })), 1, /^error HS2: ✗ config: width must be a number, got "32"/],
  ['a prototype key', explain(mae, '--config', '{"__proto__":{"width":4}}'), 1, /^error HS3: ✗ config: .*__proto__/],
  ['a mask ratio of 0', explain(mae, '--config', json({ maskRatio: 0 })), 1, /^error HS2: ✗ config: maskRatio must be above 0 and below 1, got 0/],
  ['a mask that keeps nothing', explain(mae, '--config', json({ maskRatio: 0.99 })), 1, /^error HS3: ✗ config: maskRatio 0\.99 keeps none of 16/],
  ['heads that do not divide', explain(mae, '--config', json({ heads: 5 })), 1, /^error HS\d: ✗ .*\b32\b.*\b5\b/],
  // inputs
  [
    'an input that is missing',
    withInputs('i-missing.safetensors'),
    1,
    /^error HD6: i-missing\.safetensors: input 'noise' is missing; pass f32 \[B,16\]/,
  ],
  ['an input too many', withInputs('i-extra.safetensors'), 1, /^error HU2: i-extra\.safetensors: tensor "other" is no input of mae/],
  ['a shape', withInputs('i-shape.safetensors'), 1, /^error HD6: i-shape\.safetensors: input 'noise': shape \[4,15\] does not fit \[B,16\]/],
  ['a dtype', withInputs('i-dtype.safetensors'), 1, /^error HU2: i-dtype\.safetensors: tensor "noise" is I32, the program takes F32/],
  ['two batches', withInputs('i-batch.safetensors'), 1, /^error HD6: i-batch\.safetensors: batch differs: 'imgs' gives 4, 'noise' gives 3/],
  ['another batch than said', [...withInputs('in.safetensors'), '--batch', '3'], 1, /^error HD6: .*shape \[4,3,16,16\] does not fit \[3,3,16,16\]/],
  ['a torn file', withInputs('torn.safetensors'), 1, /^error HF1: torn\.safetensors: /],
  ['no file', withInputs('nowhere.safetensors'), 1, /^error HF2: nowhere\.safetensors: cannot be read: /],
  [
    'an index out of range',
    run('good.ts', '--inputs', 'x-range.safetensors'),
    1,
    /^error HD7: .*input 'i': index 4 at element 1 is outside 0 ≤ index < 4/,
  ],
  ['indices of 64 bits', run('good.ts', '--inputs', 'x-i64.safetensors'), 1, /^error HU2: .*tensor "i" is I64, the program takes I32 \(i32\)/],
  // weights
  [
    'a weight that is missing',
    withWeights('w-missing.safetensors'),
    1,
    /^error HD9: w-missing\.safetensors: .*\n {2}missing cls_token: .*f32 \[1,1,32\]/,
  ],
  ['a weight too many', withWeights('w-extra.safetensors'), 1, /^error HD9: .*\n {2}extra other: the weights have f32 \[4,16\]/],
  ["a weight's shape", withWeights('w-shape.safetensors'), 1, /\n {2}shape of cls_token: the program has \[1,1,32\], the weights \[1,1,31\]/],
  ["a weight's dtype", withWeights('w-dtype.safetensors'), 1, /^error HD9: .*\n.*cls_token.*(i32|\[1,1,1\])/],
  ["another model's weights", withWeights('w-none.safetensors'), 1, /^error HD9: .*100 differences[\s\S]* {2}and 92 more/],
  ['torn weights', withWeights('torn.safetensors'), 1, /^error HF1: torn\.safetensors: /],
  // outputs
  [
    'an output that there is not',
    [...withInputs('in.safetensors'), '--outputs', 'los'],
    2,
    /^error HU1: --outputs los: mae has no such output: its outputs are /,
  ],
  ['a gradient of no output', [...withInputs('in.safetensors'), '--grad', 'los'], 2, /^error HC9: no output 'los': /],
  ['--out that is a folder', ['run', mae, ...tiny, '--inputs', 'in.safetensors', '--out', 'full'], 1, /^error HU2: --out full: is a folder/],
  [
    '--out below a file',
    ['run', 'good.ts', '--inputs', 'x.safetensors', '--out', 'good.ts/o', '--device', 'js'],
    1,
    /^error HF2: good\.ts\/o: cannot be/,
  ],
  ['--out where nothing can be', ['run', 'good.ts', '--inputs', 'x.safetensors', '--out', '/proc/no/o', '--device', 'js'], 1, /^error HF2: /],
  [
    "a folder that is no program's",
    ['compile', 'good.ts', '--out', 'full'],
    1,
    /^error HF2: full exists and holds no program; name an empty or a new folder/,
  ],
  // the command line
  ['no subcommand', [], 2, /^error HU1: say what to do: run, compile, explain, check or devices/],
  ['an unknown subcommand', ['explian', mae], 2, /^error HU1: unknown command 'explian' \(Did you mean explain\?\)/],
  ['an unknown option', explain(mae, '--jsn'), 2, /^error HU1: unknown option '--jsn'/],
  ['a missing option', ['run', mae], 2, /^error HU1: required option '--inputs <file>' not specified/],
  ['too many arguments', explain(mae, mae), 2, /^error HU1: too many arguments/],
  ['an unknown target', explain(mae, '--target', 'metal'), 2, /^error HU1: --target metal: one of /],
  ['an unknown device', run(mae, '--inputs', 'x', '--device', 'gpu'), 2, /^error HU1: .*'gpu' is invalid.*auto, reference, js, webgpu/],
  ['a batch of nothing', explain(mae, '--batch', '0'), 2, /^error HU1: --batch '0' is no positive whole number/],
  ['a seed that is none', [...withInputs('in.safetensors'), '--seed', '1.5'], 2, /^error HU1: --seed '1\.5' is no whole number/],
];

/** Lines on stderr that are no error: which device, which weights. */
const isNote = (line: string): boolean => /^(device |no --weights)/.test(line);

describe.concurrent('one line and an exit code for', () => {
  test.each(mistakes)('%s', async (_, args, code, says) => {
    const ran = await heddle(args);
    const lines = ran.stderr
      .trimEnd()
      .split('\n')
      .filter(line => !isNote(line));
    expect(lines.join('\n')).toMatch(says);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(lines.slice(1).every(line => line.startsWith('  '))).toBe(true);
  });
  test('no adapter, with its cure', async () => {
    const args = ['run', 'good.ts', '--inputs', 'x.safetensors', '--out', 'out.safetensors', '--device', 'webgpu'];
    const ran = await heddle(args, { env: { VK_DRIVER_FILES: '/nowhere.json' } });
    expect(ran.stderr).toMatch(/^error HD4: no WebGPU adapter: .*(correct or unset it|use device js)/m);
    expect(ran.code).toBe(3);
  });
  test('Ctrl-C', async () => {
    await save(
      'large.safetensors',
      new Map([
        ['imgs', f32([1, 3, 224, 224])],
        ['noise', f32([1, 196])],
      ]),
    );
    const args = ['run', mae, '--config', 'base', '--inputs', 'large.safetensors', '--out', 'large-out.safetensors', '--device', 'js'];
    const ran = await heddle(args, { onStderr: (text, kill) => void (text.includes('device js') && kill('SIGINT')) });
    expect({ code: ran.code, left: leftOf('large-out') }).toEqual({ code: 130, left: [] });
  });
  test('a stack comes with HEDDLE_DEBUG alone', async () => {
    const [plain, verbose] = await Promise.all([heddle(explain('throws.ts')), heddle(explain('throws.ts'), { env: { HEDDLE_DEBUG: '1' } })]);
    expect(plain.stderr).not.toMatch(/^ +at /m);
    expect(verbose.stderr).toMatch(/^ +at .*throws\.ts/m);
    expect(verbose.code).toBe(1);
  });
});

test('no output file is left by any of them', () => {
  expect(leftOf('out.safetensors')).toEqual([]);
  expect(leftOf('good.ts')).toEqual(['good.ts']);
  expect(leftOf('full')).toEqual(['full']);
  expect(there('nowhere.ts')).toBe(false);
});
