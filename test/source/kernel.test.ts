// Scalar functions read from TypeScript: each construct against the plain function, random functions against JavaScript's own
// evaluation, each refusal by its words and place, the checked-in table in sync, and TypeScript loaded only when it must be.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { interpret, type Values, valuesOf } from '../../compiler/graph/interpret.ts';
import { scalarFault } from '../../compiler/graph/verify.ts';
import { fromCache, toCache } from '../../compiler/source/cache.ts';
import type { KernelSourceError } from '../../compiler/source/errors.ts';
import { kernelErrors, prepareKernels, scalarOf } from '../../compiler/source/prepare.ts';
import { readExports, readKernels } from '../../compiler/source/read.ts';
import { tableText } from '../../compiler/source/table.ts';
import { bool, f32, i32, traced } from '../../dsl/index.ts';
import { resultType, type ScalarFn, type ScalarType } from '../../dsl/scalar.ts';
import { scalars } from '../../dsl/scalars/table.ts';
import * as fixtures from './kernels.ts';
import { exactGelu, leaky, mixed, program } from './model.ts';

const plain: Readonly<Record<string, (...args: never) => number | boolean>> = { ...fixtures };
const root = fileURLToPath(new URL('../..', import.meta.url));
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'heddle-kernels-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A function at many points, in doubles. */
function evaluate(fn: ScalarFn, columns: readonly (readonly number[])[]): number[] {
  const g = new Graph();
  const n = columns[0]!.length;
  const feeds: Record<string, Values> = {};
  const ins = fn.params.map((type, k) => {
    feeds[`p${k}`] = valuesOf(type, n).map((_, i) => columns[k]![i]!);
    return g.input(`p${k}`, [n], type);
  });
  const y = g.map(fn, ins, resultType(fn));
  return [...interpret(g, [y], feeds, { arith: float64 }).get(y)!];
}
/** The body of one function, read. */
const readOne = (text: string): ScalarFn =>
  readExports('one.ts', `import { erf, type f32, type i32, type u32, type bool } from 'heddle';\n${text}`).get('f')!;

describe('every construct computes what the plain function computes', () => {
  const functions = readExports(here('kernels.ts'), readFileSync(here('kernels.ts'), 'utf8'));
  test('all of them are read', () => expect([...functions.keys()].sort()).toEqual(Object.keys(plain).sort()));
  const samples: Record<ScalarType, fc.Arbitrary<number>> = {
    f32: fc.oneof(fc.double({ min: -4, max: 4, noNaN: true }), fc.integer({ min: -3, max: 3 })),
    i32: fc.integer({ min: -100, max: 100 }),
    u32: fc.nat(1_000_000),
    bool: fc.nat(1),
  };
  test.each(Object.keys(plain))('%s', name => {
    const fn = functions.get(name)!;
    expect(scalarFault(fn)).toBeUndefined();
    const run = plain[name]! as (...args: (number | boolean)[]) => number | boolean;
    fc.assert(
      fc.property(fc.array(fc.tuple(...fn.params.map(p => samples[p])), { minLength: 1, maxLength: 20 }), rows => {
        const got = evaluate(
          fn,
          fn.params.map((_, k) => rows.map(r => r[k]!)),
        );
        rows.forEach((r, i) => {
          const want = Number(run(...r.map((x, k) => (fn.params[k] === 'bool' ? x === 1 : x))));
          expect(Math.abs(got[i]! - want), `${name}(${r}) is ${want}, not ${got[i]}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(want)));
        });
      }),
      { numRuns: 200 },
    );
  });
});

test('random functions agree with JavaScript itself', () => {
  // naturals become an expression or a statement; what runs out is a leaf
  const text = (picks: Iterator<number>, depth: number): string => {
    const pick = (n: number): number => (picks.next().value ?? 0) % n;
    const e = (): string => text(picks, depth - 1);
    if (depth === 0) return ['x', 'y', '0.5', '2', 'a', '-1.25'][pick(6)]!;
    switch (pick(10)) {
      case 0:
        return `(${e()} + ${e()})`;
      case 1:
        return `(${e()} * ${e()})`;
      case 2:
        return `(${e()} - ${e()})`;
      case 3:
        return `Math.max(${e()}, ${e()})`;
      case 4:
        return `(${e()} < ${e()} ? ${e()} : ${e()})`;
      case 5:
        return `Math.tanh(${e()})`;
      case 6:
        return `((${e()} >= ${e()} || !(${e()} > ${e()})) && ${e()} !== ${e()} ? ${e()} : ${e()})`;
      case 7:
        return `(-(${e()}))`;
      case 8:
        return `(${e()} / (1 + Math.abs(${e()})))`;
      default:
        return e();
    }
  };
  const body = (picks: Iterator<number>, depth: number): string => {
    const pick = (n: number): number => (picks.next().value ?? 0) % n;
    const e = (): string => text(picks, 2);
    const statement = (left: number): string => {
      switch (pick(left === 0 ? 2 : 6)) {
        case 0:
          return `a = ${e()};`;
        case 1:
          return `a += ${e()};`;
        case 2:
          return `if (${e()} > ${e()}) { ${statement(left - 1)} ${statement(left - 1)} }`;
        case 3:
          return `if (${e()} > ${e()}) ${statement(left - 1)} else { ${statement(left - 1)} }`;
        case 4:
          return `if (${e()} < ${e()}) { ${statement(left - 1)} if (${e()} > 0) return ${e()}; }`;
        default:
          return `for (let i = 0; i < ${1 + pick(3)}; i++) { a = a * 0.5 + i; ${statement(left - 1)} }`;
      }
    };
    return `let a = 1; ${Array.from({ length: 1 + pick(4) }, () => statement(depth)).join(' ')} return a + ${e()};`;
  };
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { maxLength: 120 }),
      fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.double({ min: -2, max: 2, noNaN: true })), { minLength: 1, maxLength: 8 }),
      (picks, rows) => {
        const code = body(picks[Symbol.iterator](), 2);
        const fn = readOne(`export function f(x: f32, y: f32): f32 { ${code} }`);
        expect(scalarFault(fn)).toBeUndefined();
        const want = new Function('x', 'y', code) as (x: number, y: number) => number;
        const got = evaluate(fn, [rows.map(r => r[0]), rows.map(r => r[1])]);
        rows.forEach((r, i) => {
          const w = want(...r);
          if (Number.isFinite(w)) expect(Math.abs(got[i]! - w), code).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(w)));
        });
      },
    ),
    { numRuns: 1000 },
  );
});

describe('what comes out', () => {
  const instructions = (text: string): string[] => readOne(text).body.flatMap(i => (i.prim === 'const' ? [] : [i.prim]));
  test('integer powers multiply out by squaring, others are pow', () => {
    expect(instructions('export function f(x: f32): f32 { return x ** 8; }')).toEqual(['mul', 'mul', 'mul']);
    expect(instructions('export function f(x: f32): f32 { return x ** 0.5; }')).toEqual(['pow']);
    expect(instructions('export function f(x: i32): i32 { return x ** 3; }')).toEqual(['mul', 'mul']);
  });
  test('constants fold, dead branches and equal terms are gone', () => {
    expect(instructions('export function f(x: f32): f32 { if (1 > 2) return Math.exp(x); return x * (2 * 3 + Math.sqrt(4)); }')).toEqual(['mul']);
    expect(instructions('export function f(x: f32): f32 { return Math.exp(x) / (1 + Math.exp(x)); }')).toEqual(['exp', 'add', 'div']);
    expect(instructions('export function f(x: f32): f32 { const unused = Math.exp(x); return x; }')).toEqual([]);
  });
  test('i32 and u32 have their own instructions', () => {
    expect(instructions('export function f(a: i32, b: i32): i32 { return a / b; }')).toEqual(['quo']);
    expect(instructions('export function f(a: u32): u32 { return a & (1 << 4); }')).toEqual(['and']);
    expect(instructions('export function f(a: i32): u32 { return a >>> 1; }')).toEqual(['toU32', 'shr']);
  });
});

describe('refusals say what, where and what to do', () => {
  test.each<[string, string, string]>([
    [
      'a loop without bounds',
      '¦while (x > 0) x -= 1; return x;',
      'a while statement cannot be read: only let, const, if, for, assignments and return',
    ],
    [
      'a run-time bound',
      'let s = 0; for (let i = 0; i < ¦x; i++) s += 1; return s;',
      'the bounds of a loop are literals and constants, and x may change',
    ],
    [
      'a bound that changes',
      'let n = 3; for (let i = 0; i < ¦n; i++) n = 2; return n;',
      'the bounds of a loop are literals and constants, and n may change',
    ],
    ['another loop', '¦for (const i of [1]) return x; return x;', 'a for of statement cannot be read'],
    ['an endless loop', '¦for (let i = 0; i < 1; i += 0) x += 1; return x;', 'more than 1024 rounds'],
    ['a counter that the body changes', 'for (let i = 0; i < 3; i++) ¦i = 2; return x;', 'i is constant here'],
    ['a captured variable', 'return x * ¦scale;', 'scale is declared with let or var: only constants of this module are read'],
    ['an unknown name', 'return x * ¦unknown;', 'unknown is no parameter and no constant of this module: pass it as a parameter'],
    ['an imported constant', 'return x * ¦other;', "other is imported from './other.ts'"],
    ['an imported function', 'return ¦helper(x);', "helper is imported from './other.ts'"],
    ['an unknown function', 'return ¦Math.random() * x;', "Math.random is no function that kernels know: Math's (abs sign"],
    ['an unknown constant', 'return x * ¦Math.TAU;', 'Math.TAU is no constant that kernels know'],
    ['a method', 'return ¦x.valueOf();', 'x.valueOf is no function that kernels know'],
    ['a field', 'return ¦point.x;', 'fields cannot be read: pass the number as a parameter'],
    ['a string', "return x + ¦'1';", 'a string literal cannot be read'],
    ['an array', 'const v = ¦[x]; return x;', 'an array literal expression cannot be read'],
    ['a closure', 'const g = ¦(a: f32) => a; return g(x);', 'an arrow function cannot be read'],
    ['recursion', 'return again(x);', 'again calls itself'],
    ['a constant defined by itself', 'return x + LOOP;', 'LOOP is defined by itself'],
    ['infinity', 'return ¦x * INFINITE;', 'Infinity is no number that every device can hold: use a large finite one'],
    ['a missing return', 'if (x > 0) return 1;', 'not every path returns a value'],
    ['a variable without a value', 'let y: f32; return ¦y;', 'y is read before it has a value'],
    ['destructuring', 'const ¦[a] = x; return a;', 'a variable has one name: no destructuring'],
    ['var', '¦var a = x; return a;', 'var is not read: let or const'],
    ['an effect outside', '¦scale = 2; return x;', 'scale is no local variable: a kernel changes nothing outside itself'],
    ['a constant assigned', 'const a = x; ¦a = 2; return a;', 'a is constant here'],
    ['an assignment inside', 'let a = x; return (a ¦= 2);', 'an assignment inside an expression'],
    ['an expression without effect', '¦x + 1; return x;', 'an expression without effect'],
    ['a number as condition', 'return ¦x ? 1 : 2;', 'a condition is a bool, not f32'],
    ['a number in logic', 'return ¦x && x > 0 ? 1 : 2;', '&& and || take bools, not f32: compare it with something'],
    ['f32 with i32', 'return ¦x + n;', 'f32 and i32 do not mix: convert one with toF32, toI32 or toU32'],
    ['a fraction as i32', 'return x * 0 + toF(¦n + 0.5);', '0.5 is no i32'],
    ['floor of an integer', 'return x + toF(¦Math.floor(n));', 'floor does not take i32'],
    ['bits of floats', 'return ¦x & 1;', 'bits are of i32 and u32, not of f32'],
    ['a type assertion', 'return (¦n as f32);', 'a type assertion converts nothing: toF32, toI32 or toU32 do'],
    ['too few arguments', 'return ¦Math.pow(x);', 'Math.pow takes 2 arguments, not 1'],
    ['arguments of a local function', 'return ¦toF(1, 2);', 'toF takes 1 arguments, not 2'],
    ['a result of another type', 'return x > 0;', 'bool where f32 is wanted'],
  ])('%s', (_, marked, words) => {
    const head = [
      "import { kernel, toF32, type f32, type i32 } from 'heddle';",
      "import { other, helper } from './other.ts';",
      'let scale = 1;',
      'const point = { x: 1 };',
      'const LOOP = LOOP + 1;',
      'const INFINITE = 1 / 0;',
      'const toF = (n: i32): f32 => toF32(n);',
      'function again(x: f32): f32 { return again(x); }',
      '',
    ].join('\n');
    const start = 'const k = kernel((x: f32, n: i32): f32 => { ';
    const [found] = readKernels('m.ts', `${head}${start}${marked.replace('¦', '')} });\n`);
    expect(found).toHaveProperty('error');
    const { error } = found as { error: KernelSourceError };
    expect(error.message).toContain(`kernel: `);
    expect(error.message).toContain(words);
    expect(error.code).toMatch(/^HK[12]$/);
    expect(error.message).not.toContain('\n');
    if (marked.includes('¦')) expect(error.place).toEqual({ file: 'm.ts', line: 9, column: start.length + marked.indexOf('¦') + 1 });
  });
  test.each<[string, string]>([
    ['(x) => x', 'x has no type: f32, i32, u32 or bool'],
    ['(x: number) => x', 'number does not say how it is held: f32, i32 or u32'],
    ['(x: string) => x', 'string is no scalar type'],
    ['({ x }: f32) => x', 'a parameter has one name: no destructuring'],
    ['(x: f32 = 1) => x', 'x: parameters are neither optional nor rest'],
    ['async (x: f32) => x', 'k is async or a generator: kernels are plain functions'],
    ['Math.exp', 'kernel takes a function written here, or the name of one of this module'],
    ['(x: f32) => x, 2', 'kernel takes one function'],
  ])('kernel(%s)', (argument, words) => {
    const [found] = readKernels('m.ts', `import { kernel, type f32 } from 'heddle';\nconst k = kernel(${argument});\n`);
    expect((found as { error: KernelSourceError }).error.message).toContain(words);
  });
});

describe('kernel(…) calls of a file', () => {
  const text = [
    "import { kernel as k, type f32 } from 'heddle';",
    "import * as h from 'heddle';",
    'function gate(x: f32): f32 { return x > 0 ? x : 0.1 * x; }',
    'export const leaky = k(gate);',
    '  const half = h.kernel((x: h.f32) => x / 2), twice = k(function two(x: f32) { return 2 * x; });',
    'const kernel = (f: unknown) => f; kernel((x: f32) => x.y);',
  ].join('\n');
  test('are found under any name, at the place that a stack trace names', () => {
    const found = readKernels('m.ts', text).map(r => [r.line, r.column, 'fn' in r ? r.fn.name : r.error.message]);
    expect(found).toEqual([
      [4, 22, 'gate'],
      [5, 18, 'half'],
      [5, 55, 'two'],
    ]);
  });
  test("a user's own kernel and erf are not heddle's", () => {
    expect(readKernels('m.ts', "import { kernel } from './kernel.ts';\nkernel((x) => x);")).toEqual([]);
    const [found] = readKernels(
      'm.ts',
      "import { kernel, type f32 } from 'heddle';\nimport { erf } from './language.ts';\nkernel((x: f32) => erf(x));",
    );
    expect((found as { error: KernelSourceError }).error.message).toContain("erf is imported from './language.ts'");
  });
  test('are found by place; what is not there is HK3', () => {
    const file = path.join(folder, 'places.ts');
    writeFileSync(file, text);
    const source = (line: number, column: number) => ({ name: 'k', text: '', fn: () => 0, place: { file, line, column } });
    expect(scalarOf(source(5, 18)).name).toBe('half');
    expect(() => scalarOf(source(5, 17))).toThrow("the file has no call of heddle's kernel here");
    expect(() => scalarOf({ ...source(1, 1), place: undefined })).toThrow('the place of its call is unknown');
    expect(() => scalarOf({ ...source(1, 1), place: { file: `${file}.gone`, line: 1, column: 1 } })).toThrow('cannot be read');
  });
  test('a file with a mistake is refused ahead, with all its mistakes for check', async () => {
    const file = path.join(folder, 'wrong.ts');
    writeFileSync(
      file,
      "import { kernel, type f32 } from 'heddle';\nkernel((x: f32) => x.y);\nkernel((x: f32) => x);\nkernel((x: f32) => eval(x));\n",
    );
    await expect(prepareKernels(file)).rejects.toMatchObject({ code: 'HK1', place: { file, line: 2, column: 20 } });
    expect(kernelErrors(file).map(e => e.place?.line)).toEqual([2, 4]);
  });
});

describe('the cache', () => {
  const fn: ScalarFn = { name: 'k', params: ['f32'], body: [{ prim: 'const', value: -0, type: 'f32' }], result: 1 };
  test('gives back what was put, −0 too, and nothing that is damaged', () => {
    const at = path.join(folder, 'cache');
    expect(fromCache('text', at)).toBeUndefined();
    toCache('text', [{ line: 1, column: 2, fn }], at);
    expect(fromCache('text', at)).toEqual([{ line: 1, column: 2, fn }]);
    expect(fromCache('text ', at)).toBeUndefined();
    const [entry] = readdirSync(at);
    expect(readdirSync(at)).toHaveLength(1);
    writeFileSync(path.join(at, entry!), readFileSync(path.join(at, entry!), 'utf8').replace('"line":1', '"line":9'));
    expect(fromCache('text', at)).toBeUndefined();
  });
  test('a folder that cannot be written is no error', () => {
    writeFileSync(path.join(folder, 'plain'), '');
    expect(() => toCache('text', [], path.join(folder, 'plain'))).not.toThrow();
  });
});

describe('built-in functions', () => {
  test('the checked-in table is what elementwise.ts says', () => {
    const source = path.join(root, 'dsl/scalars/elementwise.ts');
    const made = readExports(source, readFileSync(source, 'utf8'));
    expect(readFileSync(path.join(root, 'dsl/scalars/table.ts'), 'utf8'), 'run: node scripts/gen-scalars.ts').toBe(tableText(made));
    expect(Object.fromEntries(made)).toEqual(scalars);
    for (const f of made.values()) expect(scalarFault(f)).toBeUndefined();
  });
  test('against published values', () => {
    const at = (fn: ScalarFn, ...x: number[]): number =>
      evaluate(
        fn,
        x.map(v => [v]),
      )[0]!;
    expect(at(scalars.gelu, 1)).toBeCloseTo(0.841344746068543, 14);
    expect(at(scalars.gelu, -3)).toBeCloseTo(-0.00404969409489031, 14);
    expect(at(scalars.geluTanh, 1)).toBeCloseTo(0.841191990608276, 12);
    expect(at(scalars.sigmoid, 2)).toBeCloseTo(0.880797077977882, 14);
    expect(at(scalars.sigmoid, -800)).toBe(0);
    expect(at(scalars.silu, -1)).toBeCloseTo(-0.268941421369995, 14);
    expect(at(scalars.relu, -1)).toBe(0);
    expect(at(scalars.clamp, 5, -1, 1)).toBe(1);
  });
});

describe('kernel(fn) as an op', () => {
  test('of a model that imports heddle: read, traced, interned and run', () => {
    const made = intern(program());
    const [gelu, positive] = made.outputs.map(([, id]) => id) as [number, number];
    const x = [-2, -1, 0, 1, 2, 3];
    const got = interpret(made.graph, [gelu, positive], { x: Float32Array.from(x), y: new Float32Array(3) });
    const leak = (v: number) => (v > 0 ? v : 0.1 * v);
    const want = x.map(v => evaluate(scalars.gelu, [[2 * leak(v)]])[0]!);
    for (const [i, v] of got.get(gelu)!.entries()) expect(v).toBeCloseTo(want[i]!, 14);
    expect([...got.get(positive)!]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(made.graph.node(positive).dtype).toBe('bool');
    expect(made.graph.origins.get(gelu)?.trail).toEqual(['exactGelu']);
  });
  test('operands of several types', () => {
    const made = intern(traced({ x: f32(2), n: i32(2), on: bool(2) }, ({ x, n, on }) => ({ y: mixed(x, n, on) })));
    const y = made.outputs[0]![1];
    const got = interpret(made.graph, [y], { x: Float32Array.of(1, 5), n: Int32Array.of(0, 3), on: Uint8Array.of(1, 0) }).get(y)!;
    expect(got[0]).toBeCloseTo(Math.SQRT1_2, 14);
    expect(got[1]).toBe(1);
  });
  test("mistakes of a call are the language's", () => {
    expect(() => leaky(i32(2))).toThrow(/✗ kernel/);
    expect(() => exactGelu(f32('B', 2)).shape).not.toThrow();
  });
});

test('TypeScript is loaded for a new kernel, and not for one that the cache knows', () => {
  const file = path.join(folder, 'fresh.ts');
  const unique = path.basename(folder).replace(/\W/g, '');
  writeFileSync(
    file,
    `import { kernel, type f32 } from ${JSON.stringify(pathToFileURL(path.join(root, 'dsl/kernel.ts')).href)};\n// ${unique}\nexport const k = kernel((x: f32) => x * 2);\n`,
  );
  const program = `
    import { createRequire } from 'node:module';
    import { prepareKernels } from ${JSON.stringify(pathToFileURL(path.join(root, 'compiler/source/prepare.ts')).href)};
    await prepareKernels(${JSON.stringify(file)});
    console.log(Object.keys(createRequire(${JSON.stringify(path.join(root, 'package.json'))}).cache).some(k => /node_modules.typescript/.test(k)));`;
  const run = () => spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' });
  const [first, second] = [run(), run()];
  expect(first.stdout.trim(), first.stderr).toBe('true');
  expect(second.stdout.trim(), second.stderr).toBe('false');
});
