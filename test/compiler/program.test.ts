// Programs as data: deterministic, sound at any batch, and explained without a device.
import { expect, test } from 'vitest';
import { gridSize, type Program, type Range } from '../../common/program.ts';
import { sizeAt } from '../../common/size.ts';
import { CompileError, compile, compileTraced, explain, explainTable, programDigest } from '../../compiler/index.ts';
import { add, constant, f32, full, mul, reshape, slice, sum, traced } from '../../dsl/index.ts';
import mae from '../../models/mae.ts';
import { openJs } from '../../runtime/index.ts';
import { open } from '../../runtime/session.ts';

const targets = ['webgpu', 'webgpu-large', 'webgpu-software', 'js'] as const;

/** Values of one slot that are alive at one step share no byte. */
function checkLives(program: Program, batch: number): void {
  const at = (r: Range): readonly [number, number] => [sizeAt(r.offset, batch), sizeAt(r.offset, batch) + sizeAt(r.bytes, batch)];
  program.values.forEach((a, i) => {
    const [from, to] = at(a);
    expect(from % 256).toBe(0);
    expect(to).toBeLessThanOrEqual(sizeAt(program.slots[a.slot]!.bytes, batch));
    for (const b of program.values.slice(0, i)) {
      if (a.slot !== b.slot || a.last < b.first || b.last < a.first) continue;
      const [x, y] = at(b);
      expect(to <= x || y <= from, `${a.name} and ${b.name} at batch ${batch}`).toBe(true);
    }
  });
}

test.each(targets)('one model, the same bytes twice; a plan of memory for any batch: %s', target => {
  for (const fuse of ['none', 'all'] as const) {
    const program = compile(mae, 'tiny', { target, fuse });
    expect(programDigest(compile(mae, 'tiny', { target, fuse }))).toBe(programDigest(program));
    for (const batch of [1, 3, 8]) checkLives(program, batch);
    expect(JSON.parse(JSON.stringify(program))).toEqual(program);
  }
});

test('a batch that is a number gives the plan of that batch', () => {
  const free = explain(compile(mae, 'tiny', { target: 'js', fuse: 'none' }), 3);
  const fixed = explain(compile(mae, 'tiny', { target: 'js', fuse: 'none', batch: 3 }), 3);
  const { distinct: _, ...totals } = free.totals;
  expect(fixed.totals).toMatchObject(totals);
  expect(fixed.kernels.map(k => k.ops)).toEqual(free.kernels.map(k => k.ops));
});

test('explain has an entry a dispatch, every stored value, and the bytes that a session allocates', async () => {
  const program = compile(mae, 'tiny', { target: 'js' });
  const plan = explain(program, 2);
  expect(plan.kernels).toHaveLength(program.steps.length);
  expect(plan.totals.distinct).toBe(program.kernels.length);
  expect(plan.arena.tensors).toHaveLength(program.values.length);
  for (const [i, k] of plan.kernels.entries()) {
    expect(k.kernel).toMatch(/^[0-9a-f]{64}$/);
    expect(k.origin).toMatch(/^models\/\w+\.ts:\d+:\d+$/);
    expect(k.workgroups).toBe(gridSize(program.steps[i]!.grid, 2));
    expect(k.bytesWritten).toBeGreaterThan(0);
  }
  const device = openJs();
  const allocated: number[] = [];
  const allocate = device.allocate.bind(device);
  device.allocate = bytes => {
    allocated.push(bytes);
    return allocate(bytes);
  };
  const session = await open(program, { device });
  await session.run({ imgs: new Float32Array(2 * 3 * 16 * 16), noise: new Float32Array(2 * 16) });
  session.dispose();
  const arenas = program.slots.flatMap(s => (s.kind === 'arena' ? [sizeAt(s.bytes, 2)] : []));
  expect(arenas.reduce((a, b) => a + b, 0)).toBe(plan.arena.bytes);
  for (const bytes of arenas) expect(allocated).toContain(bytes);
  expect(explainTable(plan).split('\n')).toHaveLength(plan.kernels.length + 4);
});

test('an output runs only the steps that it needs', () => {
  const program = compile(mae, 'tiny', { target: 'js', fuse: 'none' });
  const steps = (name: string): number => program.outputs.find(o => o.name === name)!.steps.length;
  expect(steps('mask')).toBeLessThan(steps('latent'));
  expect(steps('latent')).toBeLessThan(steps('pred'));
  expect(steps('loss')).toBeGreaterThan(steps('pred'));
});

test('outputs that are inputs, constants, views, each other, or empty', async () => {
  const t = traced({ x: f32('B', 4) }, ({ x }) => {
    const y = mul(x, 2);
    return {
      x,
      y,
      same: y,
      flat: reshape(y, ['B', 2, 2]),
      part: slice(y, 1, 1, 3),
      seven: full([2], 7),
      list: constant([1, 2, 3], [3]),
      none: slice(x, 1, 2, 2),
      total: sum(add(x, y)),
    };
  });
  for (const fuse of ['none', 'all'] as const) {
    const session = await open(compileTraced(t, { target: 'js', fuse }), { device: openJs() });
    const r = await session.run({ x: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    session.dispose();
    expect([...r.x!.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...r.same!.data]).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    expect(r.flat!.shape).toEqual([2, 2, 2]);
    expect([...r.part!.data]).toEqual([4, 6, 12, 14]);
    expect([...r.seven!.data]).toEqual([7, 7]);
    expect([...r.list!.data]).toEqual([1, 2, 3]);
    expect(r.none).toMatchObject({ shape: [2, 0] });
    expect(r.total!.data[0]).toBe(108);
  }
});

test.each([
  ['a target', { target: 'cuda' as never }, "target 'cuda' is not known"],
  ['a batch', { batch: 0 }, 'batch 0 is no positive integer'],
  ['an output', { outputs: ['los'] }, "no output 'los': the model's outputs are loss, pred, mask, ids_restore, latent"],
  ['a gradient', { grad: 'los' }, "no output 'los'"],
  ['a way of fusing', { fuse: 'some' as never }, "fuse 'some' is not known"],
])('what is not known is refused in words: %s', (_, options, words) => {
  expect(() => compile(mae, 'tiny', options)).toThrow(CompileError);
  expect(() => compile(mae, 'tiny', options)).toThrow(words);
});
