// The WebGPU device on whatever adapter there is (SwiftShader from npm at least): equal to js, and every failure typed.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelHash } from '../../common/hash.ts';
import type { Kernel, Program } from '../../common/program.ts';
import { listDevices } from '../../runtime/auto.ts';
import { LimitError } from '../../runtime/errors.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { openWebGpu } from '../../runtime/webgpu/adapter.ts';
import { WebGpuDevice } from '../../runtime/webgpu/device.ts';
import { disposed } from '../disposed.ts';
import { accumulate, dtypes, rows, twice } from './programs.ts';

let device: WebGpuDevice;
beforeAll(async () => {
  device = await openWebGpu({ software: true });
});
afterAll(() => device.dispose());

const gain = { scalars: { gain: 1.5 } };
const inputsAt = (batch: number) => ({
  x: Float32Array.from({ length: 4 * batch }, (_, i) => ((i * 37) % 11) - 5),
  pick: Int32Array.from({ length: batch }, (_, i) => i % 4),
});
async function failure(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (e) {
    if (e instanceof Error) return e;
  }
  throw new Error('nothing was thrown');
}

describe('results', () => {
  test('equal those of js: uniforms, weights, indices, reductions, several batches, none', async () => {
    const onGpu = disposed(await open(rows('wgsl'), { device, seed: 3 }));
    const onJs = disposed(await open(rows('js'), { device: openJs(), seed: 3 }));
    for (const batch of [2, 1, 0, 5]) {
      const [a, b] = [await onGpu.run(inputsAt(batch), gain), await onJs.run(inputsAt(batch), gain)];
      for (const [name, { data, shape }] of Object.entries(b)) {
        expect(a[name]!.shape, name).toEqual(shape);
        expect(a[name]!.data.length).toBe(data.length);
        data.forEach((e, i) => {
          expect(Math.abs(a[name]!.data[i]! - e), `${name}[${i}]`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(e)));
        });
      }
    }
  });
  test('every dtype goes in and out as on js: bool, rounded halves, wrapping integers, integer uniforms', async () => {
    const inputs = {
      flags: Uint8Array.of(0, 1, 255, 0),
      halves: Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65520, -1e-9),
      counts: Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1, 7),
    };
    const scalars = { down: -3, up: 4_000_000_000 };
    const expected = {
      not: Uint8Array.of(1, 0, 0, 1),
      halves: Float32Array.of(1, 1 + 2 ** -9, Number.POSITIVE_INFINITY, -0),
      shifted: Int32Array.of(-3, -2, -2, -3),
      wrapped: Uint32Array.of(4_000_000_000, 1_852_516_352, 3_999_999_999, 4_000_000_007),
    };
    for (const on of [openJs(), device]) {
      const session = disposed(await open(dtypes(on.language), { device: on }));
      const out = await session.run(inputs, { scalars });
      expect(Object.fromEntries(Object.entries(out).map(([name, t]) => [name, t.data])), on.name).toEqual(expected);
    }
  });
  test('state persists, is read after its update, and can be read between runs', async () => {
    const session = disposed(await open(accumulate('wgsl'), { device }));
    const x = Float32Array.of(1, 2, 3, 4);
    for (let k = 1; k <= 3; k++) expect((await session.run({ x })).sum!.data).toEqual(x.map(e => k * e));
    expect((await session.readState(['sum'])).sum!.data).toEqual(x.map(e => 3 * e));
  });
  test('a grid over the limit of one dimension is folded', async () => {
    const n = device.limits.workgroupsPerDimension * 2 + 5;
    const session = disposed(await open(twice('wgsl', n), { device }));
    const x = Float32Array.from({ length: n }, (_, i) => i);
    expect((await session.run({ x })).y!.data).toEqual(x.map(e => 2 * e));
  });
  test('GPUBuffers in and out', async () => {
    const n = 16;
    const { gpu } = device;
    const session = disposed(await open(twice('wgsl', n), { device }));
    const x = gpu.createBuffer({ size: 4 * n, usage: 4 | 8 });
    gpu.queue.writeBuffer(
      x,
      0,
      Float32Array.from({ length: n }, (_, i) => i),
    );
    const { y } = await session.run({ x: { data: x, shape: [n] } }, { output: 'gpu' });
    expect(y!.shape).toEqual([n]);
    const again = await session.run({ x: y!.data });
    expect(again.y!.data).toEqual(Float32Array.from({ length: n }, (_, i) => 4 * i));
    const small = gpu.createBuffer({ size: 4, usage: 4 | 8 });
    expect((await failure(() => session.run({ x: small }))).message).toBe("input 'x': 1 elements does not fit [16]");
    expect((await failure(() => session.run({ x: { data: small, shape: [n] } }))).message).toContain('the buffer holds 4 bytes');
    const unreadable = gpu.createBuffer({ size: 4 * n, usage: 8 });
    expect(await failure(() => session.run({ x: unreadable }))).toMatchObject({ code: 'HD11' });
    for (const b of [x, y!.data, small, unreadable]) b.destroy();
  });
  test('equal kernels share one pipeline, across programs', async () => {
    const program = twice('wgsl', 8);
    const repeated: Program = { ...program, kernels: [program.kernels[0]!, program.kernels[0]!] };
    const first = disposed(await open(repeated, { device }));
    const second = disposed(await open(twice('wgsl', 8), { device }));
    expect(first.compiled.pipelines).toBe(1);
    expect(second.compiled.milliseconds).toBeLessThan(5);
  });
  test("runs on a GPUDevice of the caller's, which stays open", async () => {
    const mine = new WebGpuDevice(device.gpu);
    const session = await open(twice('wgsl', 4), { device: mine });
    expect((await session.run({ x: Float32Array.of(1, 2, 3, 4) })).y!.data).toEqual(Float32Array.of(2, 4, 6, 8));
    session.dispose();
    expect(mine.liveBuffers).toBe(0);
    mine.dispose();
    const still = disposed(await open(twice('wgsl', 4), { device }));
    expect((await still.run({ x: Float32Array.of(1, 2, 3, 4) })).y!.data).toEqual(Float32Array.of(2, 4, 6, 8));
  });
});

describe('leaks', () => {
  test('no buffer is left after 100 runs and 20 failed ones', async () => {
    const before = device.liveBuffers;
    const session = await open(rows('wgsl'), { device });
    await session.run(inputsAt(3), gain);
    const live = device.liveBuffers;
    for (let k = 0; k < 100; k++) await session.run(inputsAt(1 + (k % 3)), gain);
    for (let k = 0; k < 20; k++) await failure(() => session.run({ ...inputsAt(2), x: new Float32Array(k % 2 ? 3 : 12) }, gain));
    expect(device.liveBuffers).toBe(live);
    session.dispose();
    expect(device.liveBuffers).toBe(before);
  });
});

describe('failures', () => {
  const withText = (text: string): Program => {
    const program = twice('wgsl', 4);
    const kernel: Kernel = { ...program.kernels[0]!, text };
    return { ...program, kernels: [{ ...kernel, hash: kernelHash(kernel) }] };
  };
  test('kernel text that does not compile', async () => {
    const e = await failure(() => open(withText('fn main() { let x: f32 = 1; '), { device }));
    expect(e).toMatchObject({ code: 'HD11' });
    expect(e.message).toMatch(/^kernel [0-9a-f]{12} does not compile: 1:\d+ /);
    expect(e.message).not.toContain('\n');
  });
  test('kernel text whose bindings are not the declared ones', async () => {
    const text = twice('wgsl', 4).kernels[0]!.text.replace('@binding(1)', '@binding(7)');
    expect(await failure(() => open(withText(text), { device }))).toMatchObject({ code: 'HD11' });
  });
  test('a buffer over the limit, before anything is allocated', async () => {
    const e = await failure(() => open(twice('wgsl', device.limits.bufferBytes / 2), { device }));
    expect(e).toBeInstanceOf(LimitError);
    expect(e.message).toContain(`offers ${device.limits.bindingBytes}`);
  });
  test('memory that is not there: only the session that asked for it fails, and it goes on', async () => {
    const own = await openWebGpu({ software: true });
    const program = twice('wgsl', 4);
    // an arena of the size that the adapter reports as its limit, which SwiftShader then refuses
    const large: Program = { ...program, slots: [program.slots[0]!, { kind: 'arena', bytes: own.limits.bufferBytes }] };
    const greedy = await open(large, { device: own });
    const modest = await open(program, { device: own });
    const x = Float32Array.of(1, 2, 3, 4);
    const [failed, passed] = await Promise.allSettled([greedy.run({ x }), modest.run({ x })]);
    expect(passed).toMatchObject({ value: { y: { data: Float32Array.of(2, 4, 6, 8) } } });
    if (own.software) {
      expect(failed).toMatchObject({ reason: { code: 'HD2', message: expect.not.stringContaining('\n') } });
      expect(own.liveBuffers).toBe(2); // the modest session's
      expect(await failure(() => greedy.run({ x }))).toMatchObject({ code: 'HD2' });
    }
    greedy.dispose();
    modest.dispose();
    expect(own.liveBuffers).toBe(0);
    own.dispose();
  });
  test('a device lost before a run, and in the middle of one', async () => {
    for (const during of [false, true]) {
      const lost = await openWebGpu({ software: true });
      const session = await open(accumulate('wgsl'), { device: lost });
      const x = Float32Array.of(1, 2, 3, 4);
      await session.run({ x });
      const run = during ? session.run({ x }) : undefined;
      lost.gpu.destroy();
      const e = await failure(() => run ?? session.run({ x }));
      expect(e, `${during}`).toMatchObject({ code: 'HD1' });
      expect(e.message).toContain('was lost (destroyed');
      expect(await failure(() => session.run({ x }))).toMatchObject({ code: 'HD8' });
      await session.resetState();
      expect(await failure(() => session.run({ x }))).toMatchObject({ code: 'HD1' });
      expect(await failure(() => open(twice('wgsl', 4), { device: lost }))).toMatchObject({ code: 'HD1' });
      expect(lost.liveBuffers).toBe(0); // the failed run let go of them
      session.dispose();
      lost.dispose();
    }
  });
  test('used after dispose', async () => {
    const own = await openWebGpu({ software: true });
    const session = disposed(await open(twice('wgsl', 4), { device: own }));
    own.dispose();
    expect(await failure(() => session.run({ x: new Float32Array(4) }))).toMatchObject({ code: 'HD5' });
    expect(own.liveBuffers).toBe(0);
  });
  test('devices are listed with their limits, and the choice of auto', async () => {
    const { devices, auto } = await listDevices();
    expect(devices.map(d => d.kind)).toEqual(['js', 'webgpu']);
    expect(devices[1]).toMatchObject({ software: device.software, limits: device.limits });
    expect(auto.kind).toBe(device.software ? 'js' : 'webgpu');
  });
  test('a software adapter when a real one is asked for', async () => {
    if (!device.software) return expect((await openWebGpu({ software: false })).software).toBe(false);
    expect(await failure(() => openWebGpu({ software: false }))).toMatchObject({ code: 'HD4' });
  });
  test('limits of a kernel', async () => {
    const program = twice('wgsl', 4);
    const e = await failure(() => open({ ...program, needs: { ...program.needs, workgroupBytes: 1 << 30 } }, { device }));
    expect(e).toBeInstanceOf(LimitError);
  });
});

describe('missing adapter, in a process of its own', () => {
  const child = async (code: string, env: Record<string, string> = {}): Promise<string> => {
    const options = { cwd: import.meta.dirname, env: { ...process.env, ...env } };
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], options)).stdout;
  };
  const openIt = (choice: string) => `import { openDevice } from '../../runtime/index.ts';
    try { const { device, why } = await openDevice('${choice}'); console.log(why); device.dispose(); } catch (e) { console.log(e.code, e.message); }`;
  test('VK_DRIVER_FILES that names no file: HD4, which says so', async () => {
    const said = await child(openIt('webgpu'), { VK_DRIVER_FILES: '/nowhere/icd.json' });
    expect(said).toBe('HD4 no WebGPU adapter: VK_DRIVER_FILES=/nowhere/icd.json names no driver that works; correct or unset it, or use device js\n');
  });
  test('auto then takes js and says why', async () => {
    expect(await child(openIt('auto'), { VK_DRIVER_FILES: '/nowhere/icd.json' })).toBe(
      'device js: no WebGPU adapter: VK_DRIVER_FILES=/nowhere/icd.json names no driver that works\n',
    );
  });
  test('a process that leaves its devices open ends by itself, cleanly', async () => {
    const code = `import { openDevice } from '../../runtime/index.ts';
      const { device } = await openDevice('webgpu'); device.allocate(64); console.log(device.kind);`;
    expect(await child(code)).toBe('webgpu\n');
  });
});
