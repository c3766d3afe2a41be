// What a session promises, on the js device: checks before anything runs, outputs by need, queueing, state, memory.
import { describe, expect, test } from 'vitest';
import type { Program, TypedProgram } from '../../common/program.ts';
import { DeviceError, InputError, LimitError, StateError } from '../../runtime/errors.ts';
import { JsDevice, openJs } from '../../runtime/js/device.ts';
import { type OpenOptions, open, type Session } from '../../runtime/session.ts';
import type { InputValue, WeightTensor } from '../../runtime/tensor.ts';
import { disposed } from '../disposed.ts';
import { accumulate, dtypes, rows, rowsReference, twice } from './programs.ts';

const w = Float32Array.of(1, 2, 3, 4);
const v = Float32Array.of(10, 0, 0, 0);
const tensor = (data: WeightTensor['data'], dtype = 'f32', shape = [data.length]): WeightTensor => ({ dtype, shape, data });
const weights = new Map([
  ['block.w', tensor(w)],
  ['head.v', tensor(v)],
]);
const x2 = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const pick2 = Int32Array.of(0, 3);
const given = { x: x2, pick: pick2 };
const gain = { scalars: { gain: 2 } };
const openRows = (options: OpenOptions = {}) => open(rows('js'), { device: openJs(), weights, ...options });

async function failure(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (e) {
    if (e instanceof Error) return e;
  }
  throw new Error('nothing was thrown');
}

describe('results', () => {
  test('all outputs, with shapes, at several batches with one session', async () => {
    const session = disposed(await openRows());
    for (const batch of [2, 1, 3, 2]) {
      const x = Float32Array.from({ length: 4 * batch }, (_, i) => i - 3);
      const pick = Int32Array.from({ length: batch }, (_, i) => (3 * i) % 4);
      const out = await session.run({ x, pick }, gain);
      const reference = rowsReference(x, pick, 2, w, v);
      for (const [name, data] of Object.entries(reference)) expect(out[name]!.data, name).toEqual(data);
      expect(out.scaled!.shape).toEqual([batch, 4]);
      expect(out.total!.shape).toEqual([]);
      expect(out.picked!.shape).toEqual([batch]);
    }
  });
  test('a batch of zero gives empty outputs and an empty sum', async () => {
    const session = disposed(await openRows());
    const out = await session.run({ x: new Float32Array(0), pick: new Int32Array(0) }, gain);
    expect(out.scaled).toEqual({ data: new Float32Array(0), shape: [0, 4] });
    expect(out.total!.data).toEqual(Float32Array.of(0));
  });
  test('the device executes exactly the planned kernels', async () => {
    const device = openJs();
    const session = disposed(await openRows({ device }));
    await session.run(given, gain);
    expect(device.executedKernels).toBe(session.program.steps.length);
    await session.run(given, { ...gain, outputs: ['total'] });
    expect(device.executedKernels).toBe(session.program.steps.length + 2);
    await session.run({ x: x2 }, { ...gain, outputs: ['echo'] });
    expect(device.executedKernels).toBe(session.program.steps.length + 2);
  });
});

test('a typed program gives typed names: a misspelt output is a compile error', async () => {
  const program: TypedProgram<{ scaled: unknown; total: unknown }> = rows('js');
  const session = disposed(await open(program, { device: openJs(), weights }));
  const untyped: Session = session;
  const { scaled } = await session.run(given, { ...gain, outputs: ['scaled'] });
  expect(scaled.shape).toEqual([2, 4]); // no undefined to rule out
  // @ts-expect-error: no such output
  await failure(() => session.run(given, { ...gain, outputs: ['scale'] }));
  // @ts-expect-error: it was not asked for
  expect((await session.run(given, { ...gain, outputs: ['scaled'] })).total).toBeUndefined();
  expect((await untyped.run(given, gain)).total?.shape).toEqual([]);
});

describe('outputs by need', () => {
  /** Counts what goes up and comes back. */
  class CountingDevice extends JsDevice {
    readonly uploads: number[] = [];
    reads = 0;
    override upload(...args: Parameters<JsDevice['upload']>): void {
      this.uploads.push(args[2].byteLength);
      super.upload(...args);
    }
    override read(...args: Parameters<JsDevice['read']>): Promise<ArrayBuffer> {
      this.reads++;
      return super.read(...args);
    }
  }
  test('only asked outputs come back; inputs and weights that only others need may be left out and stay here', async () => {
    const device = new CountingDevice();
    const session = disposed(await openRows({ device }));
    const out = await session.run({ x: x2 }, { ...gain, outputs: ['scaled'] });
    expect(Object.keys(out)).toEqual(['scaled']);
    expect(device.reads).toBe(1);
    expect(device.uploads).toEqual([32, 16, 4]); // x, block.w, the constant; neither pick nor head.v
    await session.run(given, { ...gain, outputs: ['picked'] });
    expect(device.uploads.slice(3)).toEqual([32, 8, 16]); // x, pick, head.v: once each
  });
  test('an unknown output is refused by name', async () => {
    const session = disposed(await openRows());
    const e = await failure(() => session.run(given, { ...gain, outputs: ['scale'] }));
    expect(e).toBeInstanceOf(InputError);
    expect(e.message).toBe("output 'scale' is unknown; the outputs are 'scaled', 'total', 'picked', 'echo', 'again'");
  });
});

describe('bad inputs are refused in words', () => {
  const cases: [string, Record<string, InputValue>, string][] = [
    ['missing', { x: x2 }, "input 'pick' is missing; pass i32 [B]"],
    ['unknown', { ...given, y: x2 }, "input 'y' is unknown; the inputs are 'x', 'pick'"],
    ['dtype', { ...given, pick: Float32Array.of(0, 1) }, "input 'pick' is Float32Array, but i32 takes Int32Array"],
    ['float64', { ...given, x: new Float64Array(8) as never }, "input 'x' is Float64Array, but f32 takes Float32Array"],
    ['plain array', { ...given, x: [1, 2, 3, 4] as never }, "input 'x' is a plain array, but f32 takes Float32Array"],
    ['null', { ...given, x: null as never }, "input 'x' is null, but f32 takes Float32Array"],
    ['elements', { ...given, x: new Float32Array(7) }, "input 'x': 7 elements does not fit [B,4]"],
    ['shape', { ...given, x: { data: x2, shape: [4, 2] } }, "input 'x': shape [4,2] does not fit [B,4]"],
    ['rank', { ...given, x: { data: x2, shape: [8] } }, "input 'x': shape [8] does not fit [B,4]"],
    ['shape against data', { ...given, x: { data: x2, shape: [3, 4] } }, "input 'x': 8 elements, but its shape [3,4] has 12"],
    ['fractional shape', { ...given, x: { data: x2, shape: [2.5, 4] } }, "input 'x': its shape is not a list of sizes"],
    ['batch', { x: x2, pick: Int32Array.of(0, 1, 2) }, "batch differs: 'x' gives 2, 'pick' gives 3"],
    ['index above', { ...given, pick: Int32Array.of(0, 4) }, "input 'pick': index 4 at element 1 is outside 0 ≤ index < 4"],
    ['index below', { ...given, pick: Int32Array.of(-1, 0) }, "input 'pick': index -1 at element 0 is outside 0 ≤ index < 4"],
  ];
  test.each(cases)('%s', async (_, inputs, message) => {
    const device = openJs();
    const session = disposed(await openRows({ device }));
    const e = await failure(() => session.run(inputs, gain));
    expect(e).toBeInstanceOf(InputError);
    expect(e.message).toBe(message);
    expect(device.liveBuffers).toBe(0); // nothing was touched
    expect((await session.run(given, gain)).scaled!.data).toEqual(rowsReference(x2, pick2, 2, w, v).scaled);
  });
  test('scalars: missing, unknown', async () => {
    const session = disposed(await openRows());
    expect((await failure(() => session.run(given))).message).toBe("scalar 'gain' is missing; pass scalars: { gain: … } as f32");
    expect((await failure(() => session.run(given, { scalars: { gain: 1, lr: 1 } }))).message).toBe("scalar 'lr' is unknown; the scalars are 'gain'");
  });
  test('scalars: whole numbers of their dtype', async () => {
    const session = disposed(await open(dtypes('js'), { device: openJs() }));
    const inputs = { flags: new Uint8Array(4), halves: new Float32Array(4), counts: new Uint32Array(4) };
    expect((await failure(() => session.run(inputs, { scalars: { down: 0.5, up: 0 } }))).message).toBe("scalar 'down' is 0.5, not an i32");
    expect((await failure(() => session.run(inputs, { scalars: { down: 0, up: -1 } }))).message).toBe("scalar 'up' is -1, not a u32");
  });
  test('the batch option must agree, and is needed where no input holds the batch', async () => {
    const session = disposed(await openRows());
    expect((await failure(() => session.run(given, { ...gain, batch: 3 }))).message).toBe("batch differs: the batch option gives 3, 'x' gives 2");
    expect((await failure(() => session.run({}, { ...gain, outputs: [] }))).message).toBe('no input given here holds the batch B; pass { batch: n }');
  });
});

describe('weights', () => {
  test('every difference is one error with both sides', async () => {
    const wrong = new Map([
      ['block.w', tensor(new Float32Array(5))],
      ['head.x', tensor(v)],
    ]);
    const e = await failure(() => openRows({ weights: wrong }));
    expect(e).toMatchObject({ code: 'HD9' });
    expect(e.message.split('\n  ')).toEqual([
      "weights do not fit program 'rows' (3 differences, 2 tensors expected):",
      'shape of block.w: the program has [4], the weights [5]',
      'missing head.v: the program has f32 [4], the weights do not',
      'extra head.x: the weights have f32 [4], the program does not',
    ]);
  });
  test('at most ten lines', async () => {
    const extra = new Map([...weights, ...Array.from({ length: 30 }, (_, i): [string, WeightTensor] => [`extra.${i}`, tensor(v)])]);
    const lines = (await failure(() => openRows({ weights: extra }))).message.split('\n');
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe('  and 22 more');
  });
  test('another dtype is an error; 16-bit floats widen, said once', async () => {
    const e = await failure(() => openRows({ weights: new Map([...weights, ['head.v', tensor(Int32Array.of(1, 2, 3, 4), 'i32')]]) }));
    expect(e.message).toContain('dtype of head.v: the program has f32, the weights i32');
    const said: string[] = [];
    const half = new Map([
      ['block.w', tensor(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400), 'F16')],
      ['head.v', tensor(Uint16Array.of(0x4120, 0, 0, 0), 'BF16')],
    ]);
    const session = disposed(await openRows({ weights: half, onNotice: text => said.push(text) }));
    const out = await session.run(given, gain);
    await session.run(given, gain);
    expect(said).toEqual(['2 tensors of 16-bit floats were widened to f32 (block.w, …)']);
    const reference = rowsReference(x2, pick2, 2, w, v);
    expect(out.scaled!.data).toEqual(reference.scaled);
    expect(out.picked!.data).toEqual(reference.picked);
  });
  test('partial allows missing ones, which take their initial values', async () => {
    const only = new Map([['block.w', tensor(w)]]);
    const first = disposed(await openRows({ weights: only, partial: true, seed: 7 }));
    const second = disposed(await openRows({ weights: only, partial: true, seed: 7 }));
    const other = disposed(await openRows({ weights: only, partial: true, seed: 8 }));
    const [a, b, c] = await Promise.all([first, second, other].map(s => s.run(given, gain)));
    expect(a!.scaled!.data).toEqual(rowsReference(x2, pick2, 2, w, v).scaled);
    expect(a!.picked!.data).toEqual(b!.picked!.data);
    expect(a!.picked!.data).not.toEqual(c!.picked!.data);
  });
});

describe('queueing', () => {
  test('concurrent runs give what single runs give, also when the caller reuses its arrays at once', async () => {
    const session = disposed(await openRows());
    const x = Float32Array.from(x2);
    const pick = Int32Array.from(pick2);
    const runs = Array.from({ length: 20 }, (_, k) => {
      x.fill(k);
      pick.fill(k % 4);
      const run = session.run({ x: x.subarray(0, k % 2 ? 4 : 8), pick: pick.subarray(0, k % 2 ? 1 : 2) }, gain);
      return run;
    });
    x.fill(-1);
    pick.fill(0);
    for (const [k, run] of runs.entries()) {
      const out = await run;
      const n = k % 2 ? 1 : 2;
      expect(out.picked!.data).toEqual(rowsReference(new Float32Array(4 * n).fill(k), new Int32Array(n).fill(k % 4), 2, w, v).picked);
    }
  });
  test('a failed run does not stop the queue', async () => {
    const session = disposed(await openRows());
    const results = await Promise.allSettled([session.run(given, gain), session.run({ x: x2 }, gain), session.run(given, gain)]);
    expect(results.map(r => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
  test('a long kernel lets the event loop turn', async () => {
    const session = disposed(await open(twice('js', 4_000_000), { device: openJs() }));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await session.run({ x: new Float32Array(4_000_000).fill(1) });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});

describe('state', () => {
  const x = Float32Array.of(1, 2, 3, 4);
  test('persists from run to run and is read after its update', async () => {
    const session = disposed(await open(accumulate('js'), { device: openJs() }));
    for (let k = 1; k <= 3; k++) expect((await session.run({ x })).sum!.data).toEqual(x.map(e => k * e));
    expect((await session.readState()).sum!.data).toEqual(Float32Array.of(3, 6, 9, 12));
    await session.resetState();
    expect((await session.readState()).sum!.data).toEqual(new Float32Array(4));
    expect((await session.run({ x })).sum!.data).toEqual(x);
  });
  test('runs whole also when no output is asked for', async () => {
    const session = disposed(await open(accumulate('js'), { device: openJs() }));
    expect(await session.run({ x }, { outputs: [] })).toEqual({});
    expect((await session.run({ x })).sum!.data).toEqual(x.map(e => 2 * e));
  });
  test('may come from the weights', async () => {
    const session = disposed(await open(accumulate('js'), { device: openJs(), weights: new Map([['sum', tensor(Float32Array.of(5, 5, 5, 5))]]) }));
    expect((await session.run({ x })).sum!.data).toEqual(x.map(e => e + 5));
  });
  test('is invalid after a run that failed halfway, says so, and can be reset', async () => {
    const session = disposed(await open(accumulate('js', { fail: true }), { device: openJs() }));
    await session.run({ x });
    expect(await failure(() => session.run({ x: Float32Array.of(1, 1, 1, -1) }))).toMatchObject({ code: 'HD11' });
    const e = await failure(() => session.run({ x }));
    expect(e).toBeInstanceOf(StateError);
    expect(e.message).toBe("state of 'accumulate' is invalid: a run failed halfway; call resetState(), or open the program again");
    expect(await failure(() => session.readState())).toBeInstanceOf(StateError);
    await session.resetState();
    expect((await session.run({ x })).sum!.data).toEqual(x);
  });
  test('stays valid after a run that was refused', async () => {
    const session = disposed(await open(accumulate('js'), { device: openJs() }));
    await session.run({ x });
    await failure(() => session.run({ x: new Float32Array(3) }));
    expect((await session.run({ x })).sum!.data).toEqual(x.map(e => 2 * e));
  });
});

describe('memory and disposal', () => {
  test('no buffer is left after 100 runs and 20 failed ones, at changing batches', async () => {
    const device = openJs();
    const session = await openRows({ device });
    await session.run(given, gain);
    const live = device.liveBuffers;
    for (let k = 0; k < 100; k++) await session.run({ x: new Float32Array(4 * (1 + (k % 3))), pick: new Int32Array(1 + (k % 3)) }, gain);
    for (let k = 0; k < 20; k++) await failure(() => session.run(k % 2 ? { x: x2 } : { x: x2, pick: Int32Array.of(9, 9) }, gain));
    expect(device.liveBuffers).toBe(live);
    session.dispose();
    session.dispose();
    expect(device.liveBuffers).toBe(0);
    expect(await failure(() => session.run(given, gain))).toMatchObject({ code: 'HD5' });
  });
  test('dispose waits for the run under way and refuses those that queue', async () => {
    const device = openJs();
    const session = await openRows({ device });
    const first = session.run(given, gain);
    const second = session.run(given, gain);
    session.dispose();
    const results = await Promise.allSettled([first, second]);
    expect(results.map(r => r.status)).toEqual(['fulfilled', 'rejected']);
    expect(results[1]).toMatchObject({ reason: { code: 'HD5' } });
    expect(device.liveBuffers).toBe(0);
  });
  test('a session that opened its device closes it', async () => {
    const session = await open(rows('js'), { device: 'js' });
    await session.run(given, gain);
    session.dispose();
    expect(session.device.liveBuffers).toBe(0);
    expect(await failure(() => session.device.prepare(session.program))).toMatchObject({ code: 'HD5' });
  });
  test('memoryLimit refuses a batch before anything is allocated', async () => {
    const device = openJs();
    const session = disposed(await openRows({ device, memoryLimit: 4096 }));
    const e = await failure(() => session.run({ x: new Float32Array(400), pick: new Int32Array(100) }, gain));
    expect(e).toMatchObject({ code: 'HD2' });
    expect(e.message).toContain('over the memoryLimit of 4096; the largest values are input x (1600 bytes), ');
    expect(device.liveBuffers).toBe(0);
    await session.run(given, gain);
  });
  test('memory that is not there is a typed error, and the session goes on', async () => {
    class SmallDevice extends JsDevice {
      override allocate(bytes: number) {
        if (bytes > 4096) throw new DeviceError('HD2', 'out of memory');
        return super.allocate(bytes);
      }
    }
    const device = new SmallDevice();
    const session = disposed(await openRows({ device }));
    await session.run(given, gain); // the weights are up, and must go up again after the failure
    expect(await failure(() => session.run({ x: new Float32Array(400), pick: new Int32Array(100) }, gain))).toMatchObject({ code: 'HD2' });
    expect(device.liveBuffers).toBe(0);
    expect((await session.run(given, gain)).scaled!.data).toEqual(rowsReference(x2, pick2, 2, w, v).scaled);
  });
});

describe('limits', () => {
  const withLimits = (limits: Partial<JsDevice['limits']>): JsDevice => {
    const device = openJs();
    Object.assign(device.limits, limits);
    return device;
  };
  const needing = (needs: Partial<Program['needs']>): Program => ({ ...rows('js'), needs: { ...rows('js').needs, ...needs } });
  test.each([
    ['storage buffers a kernel', rows('js'), { storageBuffers: 3 }],
    ['bytes of workgroup memory', needing({ workgroupBytes: 1024 }), { workgroupBytes: 512 }],
    ['invocations a workgroup', needing({ invocations: 2 }), {}],
  ])('%s, when the program is opened', async (what, program, limits) => {
    const e = await failure(() => open(program, { device: withLimits(limits) }));
    expect(e).toBeInstanceOf(LimitError);
    expect(e.message).toContain(what);
  });
  test.each([
    ['bytes in one binding', { bindingBytes: 512 }],
    ['bytes in one buffer', { bufferBytes: 2048 }],
  ])('%s, at the batch of a run and before it', async (what, limits) => {
    const device = withLimits(limits);
    const session = disposed(await open(rows('js'), { device }));
    const e = await failure(() => session.run({ x: new Float32Array(400), pick: new Int32Array(100) }, gain));
    expect(e).toBeInstanceOf(LimitError);
    expect(e.message).toContain(`at batch 100 needs`);
    expect(e.message).toContain(what);
    expect(device.executedKernels).toBe(0);
  });
  test('a feature that the device does not have', async () => {
    const e = await failure(() => open(needing({ features: ['shader-f16'] }), { device: openJs() }));
    expect(e).toBeInstanceOf(LimitError);
    expect(e.message).toContain("'shader-f16'");
  });
  test('another kernel language', async () => {
    expect(await failure(() => open(rows('wgsl'), { device: openJs() }))).toMatchObject({ code: 'HD10' });
  });
  test('kernel text that is no JavaScript', async () => {
    const program = twice('js', 4);
    const { kernelHash } = await import('../../common/hash.ts');
    const broken = { ...program.kernels[0]!, text: 'return (' };
    const e = await failure(() => open({ ...program, kernels: [{ ...broken, hash: kernelHash(broken) }] }, { device: openJs() }));
    expect(e).toMatchObject({ code: 'HD11' });
  });
});
