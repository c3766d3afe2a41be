// The specification of structured code refuses what is wrong, in words; limits are errors of the compiler, before anything runs.
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { element, group, int, lane, literal, load, named, operation, splat, vector } from '../../compiler/code/expressions.ts';
import { generate } from '../../compiler/code/generate.ts';
import { checkLimits } from '../../compiler/code/limits.ts';
import { printCode } from '../../compiler/code/print.ts';
import { schedule } from '../../compiler/code/schedule.ts';
import type { Capability, Code, Expr, Statement } from '../../compiler/code/types.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { CompileError } from '../../compiler/errors.ts';
import { bell, normalised, rowsByRows } from './nests.ts';

const { webgpu, js } = capabilities;
const code = (...body: Statement[]): Code => ({
  memories: [
    { space: 'storage', dtype: 'f32', written: false, vector: false },
    { space: 'storage', dtype: 'f32', written: true, vector: false },
    { space: 'storage', dtype: 'f32', written: true, vector: true },
    { space: 'shared', type: 'f32', length: 64, vector: false },
  ],
  lanes: 64,
  grid: { count: 1, of: 4, per: 1 },
  body,
});
const check =
  (capability: Capability, ...body: Statement[]) =>
  () =>
    verifyCode(code(...body), capability);
const put = (value: Expr, memory = 1, at: Expr = int(0)): Statement => ({ kind: 'store', memory, at, value });
const define = (name: string, value: Expr): Statement => ({ kind: 'let', name, value });
const barrier: Statement = { kind: 'barrier' };
const one = literal(1, 'f32');

describe('verifier', () => {
  test('takes what is right', () => {
    check(webgpu, define('v_0', load(0, int(0), 'f32')), put(named('v_0', 'f32')), put(splat(one), 2), barrier, put(one, 3, lane))();
    check(webgpu, { kind: 'for', name: 'k_0', from: int(0), to: int(4), step: 1, body: [barrier] })();
    check(webgpu, { kind: 'if', condition: operation('lt', group, int(2)), body: [barrier] })();
  });
  const wrong: readonly (readonly [string, RegExp, () => void])[] = [
    ['a name from nowhere', /v_0 is not defined/, check(webgpu, put(named('v_0', 'f32')))],
    [
      'a name out of its block',
      /v_0 is not defined/,
      check(webgpu, { kind: 'if', condition: literal(1, 'bool'), body: [define('v_0', one)] }, put(named('v_0', 'f32'))),
    ],
    ['a name twice', /defined twice/, check(webgpu, define('v_0', one), define('v_0', one))],
    ["a user's word as a name", /is no name/, check(webgpu, define('main', one))],
    ['a name of another type', /another type/, check(webgpu, define('v_0', one), put(operation('toF32', named('v_0', 'i32'))))],
    ['a let that is set', /no variable/, check(webgpu, define('v_0', one), { kind: 'set', name: 'v_0', value: one })],
    [
      'a variable set to another type',
      /another type/,
      check(webgpu, { kind: 'var', name: 'v_0', value: one }, { kind: 'set', name: 'v_0', value: int(1) }),
    ],
    ['i32 plus f32', /different types/, check(webgpu, put({ kind: 'op', prim: 'add', args: [one, int(1)], type: 'f32', width: 1 }))],
    ['a sum that claims to be an integer', /is no i32/, check(webgpu, put({ kind: 'op', prim: 'add', args: [one, one], type: 'i32', width: 1 }))],
    ['exp of an integer', /no meaning/, check(webgpu, put({ kind: 'op', prim: 'exp', args: [int(1)], type: 'i32', width: 1 }))],
    ['select without a bool', /wants a bool/, check(webgpu, put({ kind: 'op', prim: 'select', args: [one, one, one], type: 'f32', width: 1 }))],
    ['widths that differ', /widths differ/, check(webgpu, put({ kind: 'op', prim: 'add', args: [splat(one), one], type: 'f32', width: 4 }, 2))],
    ['a vector into scalars', /4 wide access of a memory of scalars/, check(webgpu, put(splat(one)))],
    ['a scalar into vectors', /1 wide access of a memory of vectors/, check(webgpu, put(one, 2))],
    ['a store to what is only read', /not declared written/, check(webgpu, put(one, 0))],
    ['a store of another type', /takes f32/, check(webgpu, put(int(1)))],
    ['a load of another type', /holds f32/, check(webgpu, put(load(0, int(0), 'i32')))],
    ['an address that is a float', /an address is an i32/, check(webgpu, put(one, 1, one))],
    ['a memory that is not there', /no memory 9/, check(webgpu, put(one, 9))],
    ['an element of a scalar', /no vector/, check(webgpu, put({ kind: 'element', of: one, at: 0, type: 'f32', width: 1 }))],
    ['a vector of vectors', /four scalars/, check(webgpu, put({ kind: 'vector', of: [splat(one), one, one, one], type: 'f32', width: 4 }, 2))],
    ['a loop that stands still', /steps by 0/, check(webgpu, { kind: 'for', name: 'k_0', from: int(0), to: int(1), step: 0, body: [] })],
    ['a condition that is a number', /one bool/, check(webgpu, { kind: 'if', condition: int(1), body: [] })],
    ['a literal beyond its type', /is no i32/, check(webgpu, define('v_0', int(2 ** 31)))],
    ['scalar 0', /element 0 is the batch/, check(webgpu, put({ kind: 'scalar', index: 0, type: 'f32', width: 1 }))],
    ['a barrier for some lanes', /barrier/, check(webgpu, { kind: 'if', condition: operation('lt', lane, int(2)), body: [barrier] })],
    ['a barrier in a loop of lanes', /barrier/, check(webgpu, { kind: 'for', name: 'k_0', from: lane, to: int(4), step: 1, body: [barrier] })],
    [
      'a barrier under what was loaded by lane',
      /barrier/,
      check(webgpu, define('v_0', load(0, lane, 'f32')), { kind: 'if', condition: operation('lt', named('v_0', 'f32'), one), body: [barrier] }),
    ],
    [
      'a barrier under a variable',
      /barrier/,
      check(
        webgpu,
        { kind: 'var', name: 'v_0', value: int(0) },
        { kind: 'set', name: 'v_0', value: lane },
        { kind: 'if', condition: operation('lt', named('v_0', 'i32'), int(1)), body: [barrier] },
      ),
    ],
    [
      'vectors for JavaScript',
      /a vector on target 'js'/,
      () => verifyCode({ ...code(put(splat(one), 2)), lanes: 1, memories: code().memories.slice(0, 3) }, js),
    ],
  ];
  test.each(wrong)('refuses %s', (_, message, run) => {
    expect(run).toThrow(message);
  });
});

describe('limits are errors that name the target', () => {
  const nest = normalised(8, 256);
  const made = (capability: Capability): Code => generate(nest, schedule(nest, capability), capability, { scalarIndex: () => 1 });
  const tries: readonly (readonly [string, string, Partial<Capability>])[] = [
    ['bindings', 'HC31', { bindings: 1 }],
    ['statements', 'HC32', { statements: 10 }],
  ];
  test.each(tries)('%s', (_, errorCode, limit) => {
    const capability = { ...webgpu, ...limit };
    try {
      made(capability);
      expect.unreachable();
    } catch (e) {
      expect(e).toBeInstanceOf(CompileError);
      expect((e as CompileError).code).toBe(errorCode);
      expect((e as CompileError).message).toContain("target 'webgpu'");
    }
  });
  test('workgroup memory and lanes', () => {
    expect(() => checkLimits(made(webgpu), { ...webgpu, sharedBytes: 16 })).toThrow(/shares 256 bytes/);
    expect(() => checkLimits(made(webgpu), { ...webgpu, maxLanes: 32 })).toThrow(/64 lanes/);
  });
  test('tiles shrink until the text fits', () => {
    const wide = rowsByRows(64, 64, 64);
    const small = { ...webgpu, statements: 60 };
    expect(generate(wide, schedule(wide, small), small, { scalarIndex: () => 1 }).body.length).toBeGreaterThan(0);
  });
  test('workgroup memory that is too small means lanes alone', () => {
    expect(made({ ...webgpu, sharedBytes: 128 }).memories.every(m => m.space === 'storage')).toBe(true);
  });
});

test('code prints, deterministically', () => {
  const nest = bell({ batch: 3 }, 5);
  const made = () => printCode(generate(nest, schedule(nest, webgpu), webgpu, { scalarIndex: () => 1 }));
  expect(made()).toBe(made());
  expect(made()).toMatchInlineSnapshot(`
    "groups 15B / 64, lanes 64
    m0: f32
    m1: f32 written
    g_0 = ((group * 64) + lane)
    if (g_0 < (batch * 15))
      v_1 = m0[g_0]
      v_2 = ((0.5 * v_1) * (1 + erf((v_1 * 0.7071067811865476))))
      m1[g_0] := v_2"
  `);
});

test('constructors keep what is known', () => {
  const v = named('v_0', 'f32', 4);
  expect(vector([0, 1, 2, 3].map(i => element(v, i)))).toBe(v);
  expect(element(splat(one), 2)).toBe(one);
});
