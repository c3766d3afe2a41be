// How many kernels things take, from the plan alone: layers that are one kernel, attention that stores no scores, a block of a ViT.
import fc from 'fast-check';
import { add, attention, f32, fn, gelu, layerNorm, linear, mean, mul, softmax, sub } from 'heddle';
import { describe, expect, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { withGradients } from '../../compiler/graph/gradient/parameters.ts';
import { gradient } from '../../compiler/graph/gradient/reverse.ts';
import { sum } from '../../compiler/graph/gradient/values.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { type FusedKernel, fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { type Traced, trace } from '../../dsl/model.ts';
import { normalisePatches } from '../../models/mae.ts';
import vit from '../../models/vit.ts';
import { asModel } from '../../testing/layer.ts';

const machine = machineOf(capabilities.webgpu);
function plan(traced: Traced, batch: number, grad?: string): readonly FusedKernel[] {
  const whole = intern(traced);
  const { graph, outputs } = simplify(grad === undefined ? whole : withGradients(whole, grad));
  return fuse(
    graph,
    outputs.map(([, id]) => id),
    machine,
    { batch },
  );
}
/** Layers with the batch free, unless it is among the sizes. */
const planOf = (...args: Parameters<typeof asModel>): readonly FusedKernel[] => plan(trace(asModel(...args), {}), 8);

const norm = fn('norm', f32('B', 'N', 'D'), f32('D'), f32('D'), (x, w, b) => layerNorm(x, w, b));
const rows = fn('rows', f32('B', 'N', 'D'), x => softmax(x, -1));
/** Of each patch; the sum of all of them may be a kernel of its own, for one group would do it alone. */
const patchLoss = fn('patchLoss', f32('B', 'N', 'F'), f32('B', 'N', 'F'), f32('B', 'N'), (pred, target, mask) => {
  const error = sub(pred, normalisePatches(target));
  return mul(mean(mul(error, error), -1), mask);
});
const sizes = { N: 50, D: 192, F: 48 };
test.each([
  ['layerNorm', planOf(norm, ['x', 'w', 'b'], sizes)],
  ['softmax', planOf(rows, ['x'], sizes)],
  ['the loss against normalised targets', planOf(patchLoss, ['pred', 'target', 'mask'], sizes)],
])('%s is one kernel', (_, kernels) => {
  expect(kernels.length).toBe(1);
});

const hidden = fn('hidden', f32('B', 'N', 'D'), f32('M', 'D'), f32('M'), (x, w, b) => gelu(linear(x, w, b)));
const residual = fn('residual', f32('B', 'N', 'D'), f32('B', 'N', 'M'), f32('D', 'M'), f32('D'), f32('D'), (x, y, w, b, scale) =>
  add(x, mul(linear(y, w, b), scale)),
);
test.each([
  ['bias and GELU', planOf(hidden, ['x', 'w', 'b'], { N: 50, D: 192, M: 768 })],
  ['bias, scaling and residual', planOf(residual, ['x', 'y', 'w', 'b', 's'], { N: 50, D: 192, M: 768 })],
])("%s are inside the matmul's kernel", (_, kernels) => {
  expect(kernels.length).toBe(1);
});

const attend = fn('attend', f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), (q, k, v) => attention(q, k, v));
const biased = fn('biased', f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), f32('B', 'H', 'N', 'K'), f32('H', 'N', 'N'), (q, k, v, bias) =>
  attention(q, k, v, { bias }),
);
const shapes = fc.record({ N: fc.integer({ min: 2, max: 400 }), H: fc.integer({ min: 1, max: 6 }), K: fc.constantFrom(8, 20, 32, 64) });
const stored = (kernels: readonly FusedKernel[], batch: number): readonly number[] =>
  kernels.flatMap(k => k.nest.buffers.filter(b => b.written).map(b => sizeAt(b.elements, batch)));
describe.each([
  ['without bias', attend, ['q', 'k', 'v']],
  ['with bias', biased, ['q', 'k', 'v', 'bias']],
] as const)('attention %s', (_, layer, names) => {
  test('is one kernel and stores nothing but its result, for any N', () => {
    fc.assert(
      fc.property(shapes, ({ N, H, K }) => {
        const kernels = planOf(layer, names, { N, H, K });
        expect(kernels.length).toBe(1);
        expect(stored(kernels, 8)).toEqual([8 * H * N * K]);
      }),
      { numRuns: 40, seed: 1 },
    );
  });
  test('stores no scores in its gradients either', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 65, max: 300 }), ({ H, K }, N) => {
        const whole = intern(trace(asModel(layer, names, { N, H, K }), {}));
        const { graph: raw, inputs } = whole;
        const [, out] = whole.outputs[0]!;
        const wrt = ['q', 'k', 'v'].map(name => inputs.get(name)!);
        const of = sum(raw, out, [...raw.shape(out).keys()]);
        const { graph, outputs } = simplify({ ...whole, outputs: gradient(raw, of, wrt, whole.written).map((id, i) => [names[i]!, id]) });
        const ids = outputs.map(([, id]) => id);
        const kernels = fuse(graph, ids, machine, { batch: 2 });
        expect(Math.max(...stored(kernels, 2))).toBe(2 * H * N * K);
      }),
      { numRuns: 10, seed: 1 },
    );
  });
});

describe.each([
  ['(1,50,192) of 3 heads', 1, { imageSize: 28, patchSize: 4, channels: 1, width: 192, heads: 3 }],
  ['(8,197,768) of 12 heads', 8, { imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12 }],
] as const)('a block of a ViT, %s', (_, batch, size) => {
  const config = { ...size, mlpRatio: 4, classes: 10, pool: 'cls' } as const;
  const perBlock = (grad?: string): number => {
    const at = (depth: number): number => plan(trace(vit, { ...config, depth }), batch, grad).length;
    return (at(4) - at(2)) / 2;
  };
  test('is 7 kernels', () => {
    expect(perBlock()).toBe(7);
  });
  test('is at most 21 kernels with its gradients', () => {
    expect(perBlock('logits')).toBeLessThanOrEqual(21);
  });
});
