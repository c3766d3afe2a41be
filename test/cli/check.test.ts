// `heddle check`: mistakes in tsc's form with Heddle's words, wide dims with their places, kernels that cannot be read. Nothing is run.
import { beforeAll, describe, expect, test } from 'vitest';
import { heddle, mae, modelText, write } from './heddle.ts';

beforeAll(() => {
  write('fine.ts', modelText('(_, p, { x, i }) => ({ y: matmul(x, p.w), g: gather(x, 1, i) })'));
  write('wrong.ts', modelText("(_, p, { x }) => ({ y: matmul(x, p.w), z: matmul(x, f32('B', 7)) })"));
  write('wide.ts', "import { exp, f32 } from 'heddle';\nexport const y = (n: number) => exp(f32(n, 3));\nthrow new Error('run');\n");
  write('kernel.ts', "import { f32, kernel } from 'heddle';\nexport const f = kernel((x: f32) => {\n  while (x > 0) x = x - 1;\n  return x;\n});\n");
  write('syntax.ts', 'export default {;\n');
  write('part.ts', "import { f32, matmul } from 'heddle';\nexport const part = matmul(f32(2, 3), f32(2, 3));\n");
  write('parts.ts', "import { part } from './part.ts';\nexport default part;\n");
});

describe.concurrent('check', () => {
  test("the masked autoencoder's types are fine and know every dim", async () => {
    const { code, stdout, stderr } = await heddle(['check', mae]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/models\/mae\.ts: 0 errors, 0 of \d{3} dims are wide\n$/);
  });
  test('a model anywhere on disk', async () => {
    expect(await heddle(['check', 'fine.ts'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^fine\.ts: 0 errors, 0 of \d+ dims are wide\n$/),
      stderr: '',
    });
  });
  test('a mistake is placed on its argument, in words', async () => {
    const { code, stdout } = await heddle(['check', 'wrong.ts']);
    expect(stdout).toMatch(/^wrong\.ts:14:\d+ - error TS2345: ✗ matmul: inner dimensions differ: D and B \(left \[B,D\], right \[B,7\]\)$/m);
    expect(stdout).toMatch(/^wrong\.ts: 1 error, /m);
    expect(code).toBe(1);
  });
  test('as JSON', async () => {
    const { code, stdout } = await heddle(['check', 'wrong.ts', '--json']);
    expect(code).toBe(1);
    const { mistakes, dims, wideDims } = JSON.parse(stdout);
    expect(mistakes).toEqual([
      { code: 'TS2345', message: expect.stringMatching(/^✗ matmul: /), place: { file: 'wrong.ts', line: 14, column: expect.any(Number) } },
    ]);
    expect(wideDims).toBeLessThan(dims);
  });
  test('wide dims are counted and listed, and nothing of the file is run', async () => {
    const { code, stdout, stderr } = await heddle(['check', 'wide.ts']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^wide\.ts:2:33 - wide: exp\(f32\(n, 3\)\) is Tensor<\[number, 3\], "f32">$/m);
    expect(stdout).toMatch(/wide\.ts: 0 errors, 2 of 4 dims are wide: the trace checks them\n$/);
  });
  test('a kernel that cannot be read', async () => {
    const { code, stdout } = await heddle(['check', 'kernel.ts']);
    expect(stdout).toMatch(/^kernel\.ts:3:3 - error HK1: kernel: /m);
    expect(code).toBe(1);
  });
  test('syntax, and files that the model imports', async () => {
    const [syntax, parts] = await Promise.all([heddle(['check', 'syntax.ts']), heddle(['check', 'parts.ts'])]);
    expect(syntax).toMatchObject({ code: 1, stdout: expect.stringMatching(/^syntax\.ts:1:17 - error TS\d+: /) });
    expect(parts).toMatchObject({ code: 1, stdout: expect.stringMatching(/^part\.ts:2:\d+ - error TS2345: ✗ matmul: /) });
  });
});
