// `heddle run` and its neighbours where all is well: the masked autoencoder against its golden file on every device, what is written,
// what is said and where.
import { beforeAll, describe, expect, test } from 'vitest';
import type { SafeTensor } from '../../runtime/files/safetensors.ts';
import { assertAllClose } from '../../testing/index.ts';
import { bin, change, execute, f32, golden, heddle, leftOf, load, mae, modelText, save, type Tensors, there, write } from './heddle.ts';

const tiny = ['--config', 'tiny', '--weights', 'w.safetensors'];
const tolerance = { atol: 2e-5, rtol: 1e-4 };
let inputs: Tensors;
let expected: Tensors;

const half = (t: SafeTensor): SafeTensor => ({
  dtype: 'F16',
  shape: t.shape,
  data: new Uint16Array(Float16Array.from(t.data as Float32Array).buffer),
});
const brain = (t: SafeTensor): SafeTensor => ({
  dtype: 'BF16',
  shape: t.shape,
  data: Uint16Array.from(new Uint32Array(Float32Array.from(t.data as Float32Array).buffer), bits => bits >>> 16),
});
beforeAll(async () => {
  inputs = await golden('in');
  expected = await golden('out');
  const weights = await golden('w');
  await save('w.safetensors', weights);
  await save('in.safetensors', inputs);
  await save('in-16.safetensors', change(change(inputs, 'imgs', half(inputs.get('imgs')!)), 'noise', brain(inputs.get('noise')!)));
  await save('w-16.safetensors', new Map([...weights].map(([name, t]) => [name, half(t)])));
  await save('w-part.safetensors', change(weights, 'cls_token', undefined));
  write('small.ts', modelText('(_, p, { x, i }) => ({ y: matmul(x, p.w), g: gather(x, 1, i) })'));
  const index: SafeTensor = { dtype: 'I32', shape: [2, 1], data: Int32Array.of(3, 0) };
  await save(
    'small.safetensors',
    new Map([
      ['x', f32([2, 4], [0, 1, 2, 3, 4, 5, 6, 7])],
      ['i', index],
    ]),
  );
});

describe.concurrent('run', () => {
  test.each(['reference', 'js', 'webgpu'])("gives the official code's numbers on %s", async device => {
    const out = `${device}.safetensors`;
    const ran = await heddle(['run', mae, ...tiny, '--inputs', 'in.safetensors', '--out', out, '--device', device, '--json']);
    expect(ran.code, ran.stderr).toBe(0);
    const { outputs } = JSON.parse(ran.stdout);
    expect(outputs).toEqual({ loss: [], pred: [4, 16, 48], mask: [4, 16], ids_restore: [4, 16], latent: [4, 5, 32] });
    const results = await load(out);
    for (const name of ['loss', 'pred', 'mask', 'latent']) {
      const { data, shape } = results.get(name)!;
      assertAllClose({ data: data as Float32Array, shape }, { data: expected.get(name)!.data as Float32Array, shape }, { name, ...tolerance });
    }
    expect(results.get('ids_restore')!.dtype).toBe('I32');
    if (device !== 'reference') expect(ran.stderr).toMatch(/^device \w+/m);
  });
  test('auto says which device it took; what people read names every output', async () => {
    const ran = await heddle(['run', mae, ...tiny, '--inputs', 'in.safetensors', '--out', 'auto.safetensors', '--outputs', 'loss, mask']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/^device (js|webgpu)/m);
    expect(ran.stdout).toMatch(/^loss \[\] 1\.603\d+\nmask \[4,16\]\nauto\.safetensors written, /);
    expect([...(await load('auto.safetensors')).keys()].sort()).toEqual(['loss', 'mask']);
    expect(leftOf('auto.safetensors')).toEqual(['auto.safetensors']);
  });
  test('16-bit floats widen in inputs and weights, and it is said', async () => {
    const files = ['--weights', 'w-16.safetensors', '--inputs', 'in-16.safetensors', '--out', 'o-16.safetensors'];
    const ran = await heddle(['run', mae, '--config', 'tiny', ...files, '--device', 'js']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain('input imgs is F16, widened to f32');
    expect(ran.stderr).toContain('input noise is BF16, widened to f32');
    expect(ran.stderr).toMatch(/50 tensors of 16-bit floats were widened/);
    expect((await load('o-16.safetensors')).get('loss')!.data[0]).toBeCloseTo(1.6, 1);
  });
  test('gradients are outputs, the same on a device as on the reference', async () => {
    const out = async (device: string): Promise<Tensors> => {
      const file = `g-${device}.safetensors`;
      const flags = ['--grad', 'loss', '--outputs', 'loss', '--device', device];
      const ran = await heddle(['run', mae, ...tiny, '--inputs', 'in.safetensors', '--out', file, ...flags]);
      expect(ran.code, ran.stderr).toBe(0);
      return load(file);
    };
    const [js, reference] = await Promise.all([out('js'), out('reference')]);
    expect([...js.keys()].sort()).toEqual([...reference.keys()].sort());
    expect(js.has('grad.cls_token') && !js.has('grad.pos_embed') && !js.has('pred')).toBe(true);
    for (const [name, { data, shape }] of js)
      assertAllClose({ data: data as Float32Array, shape }, { data: reference.get(name)!.data as Float32Array, shape }, { name, ...tolerance });
  });
  test('without weights the initial values are seeded, and it is said; --partial keeps them for what is missing', async () => {
    const out = async (name: string, ...args: string[]): Promise<Tensors> => {
      const ran = await heddle(['run', mae, '--config', 'tiny', '--inputs', 'in.safetensors', '--out', name, '--device', 'js', ...args]);
      expect(ran.code, ran.stderr).toBe(0);
      if (!args.includes('--weights')) expect(ran.stderr).toContain('no --weights: initial values, seed');
      return load(name);
    };
    const [a, b, c, part] = await Promise.all([
      out('s0.safetensors'),
      out('s0b.safetensors', '--seed', '0'),
      out('s1.safetensors', '--seed', '1'),
      out('part.safetensors', '--weights', 'w-part.safetensors', '--partial'),
    ]);
    expect(a.get('loss')!.data).toEqual(b.get('loss')!.data);
    expect(a.get('loss')!.data).not.toEqual(c.get('loss')!.data);
    expect(Number.isFinite(part.get('loss')!.data[0])).toBe(true);
  });
  test('a model lies anywhere on disk; its first preset is the default', async () => {
    const ran = await heddle(['run', 'small.ts', '--inputs', 'small.safetensors', '--out', 'small-out.safetensors', '--device', 'js']);
    expect(ran).toMatchObject({ code: 0, stderr: 'no --weights: initial values, seed 0\ndevice js: asked for\n' });
    expect([...(await load('small-out.safetensors')).get('g')!.data]).toEqual([3, 4]);
  });
  test('NaN in the noise still gives permutations', async () => {
    await save('nan.safetensors', change(inputs, 'noise', f32([4, 16], new Float32Array(64).fill(Number.NaN))));
    const ran = await heddle(['run', mae, ...tiny, '--inputs', 'nan.safetensors', '--out', 'nan-out.safetensors', '--device', 'js']);
    expect(ran.code, ran.stderr).toBe(0);
    const results = await load('nan-out.safetensors');
    const restore = [...results.get('ids_restore')!.data].slice(0, 16).map(Number);
    expect(restore.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect([...results.get('mask')!.data].slice(0, 16).filter(m => m === 1)).toHaveLength(12);
  });
});

describe.concurrent('the rest', () => {
  test('explain lists every dispatch and every stored value, in numbers', async () => {
    const { code, stdout, stderr } = await heddle(['explain', mae, '--config', 'tiny', '--json', '--batch', '4']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { kernels, totals, arena } = JSON.parse(stdout);
    expect(totals.kernels).toBe(kernels.length);
    for (const k of kernels)
      expect(k).toMatchObject({
        name: expect.any(String),
        kernel: expect.stringMatching(/^[0-9a-f]{64}$/),
        origin: expect.stringMatching(/^[\w/.]+\.ts:\d+:\d+$/),
        bytesRead: expect.any(Number),
        bytesWritten: expect.any(Number),
        flops: expect.any(Number),
        workgroups: expect.any(Number),
      });
    for (const t of arena.tensors) expect(t.shape.every(Number.isInteger)).toBe(true);
    expect(arena.bytes).toBeGreaterThan(0);
  });
  test('explain takes gradients, targets and a table', async () => {
    const { code, stdout } = await heddle(['explain', mae, '--config', 'tiny', '--grad', 'loss', '--target', 'js']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^kernel +reads +writes/);
    expect(stdout).toMatch(/mae for js, batch 1: \d+ kernels/);
  });
  test('devices names Node, every device and the choice', async () => {
    const { code, stdout } = await heddle(['devices', '--json']);
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    expect(said.node).toBe(process.versions.node);
    expect(said.devices.map((d: { kind: string }) => d.kind)).toEqual(['js', 'webgpu']);
    expect(said.auto.why).toMatch(/device/);
  });
  test('a reader that stops early is no error', async () => {
    const line = `"${process.execPath}" "${bin}" explain "${mae}" --config base --fuse none --json | head -c 9; echo "${'$'}{PIPESTATUS[0]}"`;
    expect(await execute('bash', ['-c', line])).toEqual({ code: 0, stdout: '{\n "progr0\n', stderr: '' });
  });
  test('run loads neither TypeScript nor ts-morph', async () => {
    const args = ['run', 'small.ts', '--inputs', 'small.safetensors', '--out', 'lazy.safetensors', '--device', 'js'];
    const ran = await heddle(args, { env: { NODE_DEBUG: 'esm,module' } });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('/cli/run.ts');
    expect(ran.stderr).not.toMatch(/node_modules\/(typescript|ts-morph|webgpu|cli-progress)\//);
    expect(there('lazy.safetensors')).toBe(true);
  });
});
