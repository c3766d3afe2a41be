// Attention takes memory linear in the number of tokens on every target that has tables, however many tokens there are; what is
// worked out by chunks is right on both sides of the border where rows become too long for tables.
import fc from 'fast-check';
import { attention, f32, grad, logSoftmax, logsumexp, matmul, mul, softmax, sub, sum, type Tensor } from 'heddle';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { capabilities, type Target } from '../../compiler/code/capabilities.ts';
import { compileTraced } from '../../compiler/compile.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { type FusedKernel, fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { runReference } from '../../compiler/reference.ts';
import { type Traced, traced } from '../../dsl/model.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { disposed } from '../disposed.ts';

/** Queries, keys, channels; heads of a batch. */
interface Sizes {
  readonly N: number;
  readonly M: number;
  readonly K: number;
  readonly H: number;
  readonly bias: boolean;
}
const inputsOf = ({ N, M, K, H, bias }: Sizes, batch: 'B' | 1 = 'B') => ({
  q: f32(batch, H, N, K),
  k: f32(batch, H, M, K),
  v: f32(batch, H, M, K),
  ...(bias ? { bias: f32(H, N, M) } : {}),
});
type Heads = Tensor<['B', number, number, number], 'f32'>;
type Given = { readonly q: Heads; readonly k: Heads; readonly v: Heads; readonly bias?: Tensor<[number, number, number], 'f32'> };
const attended = ({ q, k, v, bias }: Given): Heads => (bias ? attention(q, k, v, { bias }) : attention(q, k, v)) as Heads;

const forward = (s: Sizes, batch?: 1): Traced => traced(inputsOf(s, batch), given => ({ o: attended(given as Given) }));
/** Gradients in q, k and v of a weighted sum. */
const gradients = (s: Sizes, batch?: 1): Traced =>
  traced({ ...inputsOf(s, batch), g: f32(batch ?? 'B', s.H, s.N, s.K) }, given => {
    const { q, k, v, ...rest } = given as unknown as Given & { readonly g: Heads };
    const loss = (p: Pick<Given, 'q' | 'k' | 'v'>) => sum(mul(attended({ ...rest, ...p }), rest.g)) as Tensor<[], 'f32'>;
    const { q: dq, k: dk, v: dv } = grad(loss)({ q, k, v });
    return { dq, dk, dv };
  });

function plan(t: Traced, target: Target): readonly FusedKernel[] {
  const { graph, outputs } = simplify(intern(t));
  return fuse(
    graph,
    outputs.map(([, id]) => id),
    machineOf(capabilities[target]),
  );
}
/** Elements of each stored value, per image. */
const stored = (kernels: readonly FusedKernel[]): number[] =>
  kernels.flatMap(k => k.nest.buffers.flatMap(b => (b.written ? [sizeAt(b.elements, 1)] : [])));
const isChunked = (k: FusedKernel): boolean => k.schedule.places.includes('chunk');

const withTables = ['webgpu', 'webgpu-large', 'webgpu-software', 'js'] as const;
const tokens = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(2, 997, 1009, 1024, 4093, 4096, 8191, 16_384, 19_997, 20_000));
const sizes = fc
  .record({
    N: tokens,
    M: tokens,
    K: fc.constantFrom(8, 20, 64, 80, 128),
    H: fc.integer({ min: 1, max: 16 }),
    bias: fc.boolean(),
    self: fc.boolean(),
  })
  .map(({ self, ...s }): Sizes => (self ? { ...s, M: s.N } : s));

describe.each(withTables)('attention for %s', target => {
  const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 12), seed: Number(process.env.FUZZ_SEED ?? 1) };
  test('is one kernel that stores its result alone, for any number of tokens', () => {
    fc.assert(
      fc.property(sizes, s => {
        const kernels = plan(forward(s), target);
        expect(kernels.length).toBe(1);
        expect(stored(kernels)).toEqual([s.H * s.N * s.K]);
      }),
      runs,
    );
  });
  test('stores nothing larger than its results in its gradients', () => {
    fc.assert(
      fc.property(sizes, s => {
        const kernels = plan(gradients(s), target);
        expect(Math.max(...stored(kernels))).toBeLessThanOrEqual(s.H * Math.max(s.N, s.M) * s.K);
      }),
      runs,
    );
  });
  test('cuts keys into chunks where rows of scores fit no table, not where they are short', () => {
    const { tables } = machineOf(capabilities[target]);
    const places = [50, tables * 2].map(M => plan(forward({ N: 100, M, K: 32, H: 2, bias: false }), target).map(isChunked));
    expect(places).toEqual([[false], [true]]);
  });
});

// ---------------------------------------------------------------- numbers
let webgpu: Device;
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => webgpu?.dispose());

/** The largest error of an output against the reference, relative to its largest number; kernels that have chunks. */
async function run(
  t: Traced,
  target: Target,
  feeds: Readonly<Record<string, Float32Array<ArrayBuffer>>>,
): Promise<{ error: number; chunked: number }> {
  const program = compileTraced(t, { target, fuse: 'all' });
  const session = disposed(await open(program, { device: target === 'js' ? openJs() : webgpu }));
  const results = await session.run(Object.fromEntries(program.inputs.map(i => [i.name, feeds[i.name]!])));
  const want = runReference(t, feeds);
  const errors = Object.entries(want).map(([name, { data }]) => {
    const got = results[name]!.data;
    const scale = (data as Float64Array).reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 1e-3);
    return (data as Float64Array).reduce((m, x, i) => {
      const y = Number(got[i]);
      return Object.is(x, y) || Number.isNaN(x) ? m : Math.max(m, Math.abs(x - y) / scale);
    }, 0);
  });
  return { error: Math.max(...errors), chunked: plan(t, target).filter(isChunked).length };
}
function feedsOf(t: Traced): Record<string, Float32Array<ArrayBuffer>> {
  const { graph, inputs } = intern(t);
  return Object.fromEntries(
    [...inputs].map(([name, id], j) => {
      const length = graph.shape(id).reduce<number>((n, s) => n * sizeAt(s, 1), 1);
      return [name, Float32Array.from({ length }, (_, i) => 2 * Math.sin(i * 12.9898 + j * 78.233))];
    }),
  );
}
/** Keys at which rows are just short enough, just too long, prime, and much too long. */
const borders = { 'webgpu-software': [1009, 1031, 2500], webgpu: [3989, 4100, 5003], js: [16_381, 16_400, 20_011] } as const;
describe.each(Object.entries(borders) as [keyof typeof borders, readonly number[]][])('%s computes what the reference does', (target, list) => {
  test.each(list)('attention over %i keys', async M => {
    const t = forward({ N: 5, M, K: 8, H: 1, bias: M % 2 === 0 }, 1);
    const { error, chunked } = await run(t, target, feedsOf(t));
    expect(error).toBeLessThan(1e-5);
    if (M > machineOf(capabilities[target]).tables) expect(chunked).toBe(1);
  });
  const long = list.at(-1)!;
  test.each([
    ['keys', { N: 3, M: long }],
    ['queries', { N: long, M: 3 }],
  ])('gradients of attention with many %s', async (_, s) => {
    const t = gradients({ ...s, K: 8, H: 1, bias: true }, 1);
    const { error, chunked } = await run(t, target, feedsOf(t));
    expect(error).toBeLessThan(1e-5);
    expect(chunked).toBeGreaterThan(0);
  });
  test('masks: keys in front, keys behind, all but one', async () => {
    const t = forward({ N: 4, M: long, K: 8, H: 1, bias: true }, 1);
    const feeds = feedsOf(t);
    const hidden = [(j: number) => j < 700, (j: number) => j > 40, (j: number) => j !== long - 1, () => false];
    // on WebGPU a mask is a large number: infinities promise nothing there
    const mask = target === 'js' ? Number.NEGATIVE_INFINITY : -1e30;
    const bias = feeds.bias!.map((x, i) => (hidden[Math.floor(i / long)]!(i % long) ? mask : 20 * x));
    const { error, chunked } = await run(t, target, { ...feeds, bias });
    expect(error).toBeLessThan(1e-5);
    expect(chunked).toBe(1);
  });
  test('statistics of long rows that are worked out inside', async () => {
    const t = traced({ x: f32(5, 8), w: f32(8, long), t: f32(5, long) }, ({ x, w, t: target }) => {
      const logits = matmul(x, w);
      const error = sub(logits, target);
      return {
        lse: logsumexp(logits, -1),
        loss: sum(mul(logSoftmax(logits, -1), target), -1),
        error: sum(mul(error, error), -1),
        p: sum(mul(softmax(logits, -1), target), -1),
      };
    });
    expect((await run(t, target, feedsOf(t))).error).toBeLessThan(1e-5);
  });
});
test('a row without a key gives NaN, as it does when rows are whole', async () => {
  const t = forward({ N: 3, M: 20_011, K: 8, H: 1, bias: true }, 1);
  const feeds = feedsOf(t);
  const bias = feeds.bias!.map((x, i) => (Math.floor(i / 20_011) === 1 ? Number.NEGATIVE_INFINITY : x));
  const session = disposed(await open(compileTraced(t, { target: 'js', fuse: 'all' }), { device: openJs() }));
  const { o } = await session.run({ ...feeds, bias });
  const rows = [0, 1, 2].map(row => Array.from(o!.data as Float32Array).slice(8 * row, 8 * row + 8));
  expect(rows.map(r => r.every(x => Number.isNaN(x)))).toEqual([false, true, false]);
  expect(rows[0]!.concat(rows[2]!).every(x => Number.isFinite(x))).toBe(true);
});
