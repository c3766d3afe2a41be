// What becomes one kernel on any WebGPU adapter, from the plan alone. No rule knows these operations: each is here because it once took
// more.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { withGradients } from '../../compiler/graph/gradient/parameters.ts';
import { numel } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { add, attention, concat, f32, gelu, layerNorm, linear, mean, mul, param, softmax, sub } from '../../dsl/index.ts';
import { type Traced, trace, traced } from '../../dsl/model.ts';
import { mae, normalisePatches, patchify, reconstructionLoss } from '../../models/index.ts';

/** Kernels, and elements of every value that is stored, at a batch. */
function plan(t: Traced, grad?: string, batch = 1): { kernels: number; stored: number[] } {
  const recorded = intern(t);
  const { graph, outputs } = simplify(grad === undefined ? recorded : withGradients(recorded, grad));
  const kernels = fuse(
    graph,
    outputs.map(([, id]) => id),
    machineOf(capabilities.webgpu),
  );
  const stored = kernels.flatMap(k => k.nest.buffers.filter(b => b.written).map(b => sizeAt(numel(graph.shape(b.node)), batch)));
  return { kernels: kernels.length, stored };
}

describe('one kernel each', () => {
  test('layer normalisation', () => {
    const t = traced({ x: f32('B', 197, 768), w: f32(768), b: f32(768) }, ({ x, w, b }) => layerNorm(x, w, b));
    expect(plan(t).kernels).toBe(1);
  });
  test('softmax', () => expect(plan(traced({ x: f32('B', 12, 197, 197) }, ({ x }) => softmax(x, -1))).kernels).toBe(1));
  test('attention, and attention with a bias', () => {
    const heads = { q: f32('B', 12, 197, 64), k: f32('B', 12, 197, 64), v: f32('B', 12, 197, 64) };
    expect(plan(traced(heads, ({ q, k, v }) => attention(q, k, v))).kernels).toBe(1);
    expect(plan(traced({ ...heads, bias: f32(12, 197, 197) }, ({ q, k, v, bias }) => attention(q, k, v, { bias }))).kernels).toBe(1);
  });
  test('a matrix with bias, scale, GELU and residual', () => {
    const t = traced({ x: f32('B', 197, 192), w: f32(768, 192), b: f32(768), r: f32('B', 197, 768) }, ({ x, w, b, r }) =>
      add(r, mul(gelu(linear(x, w, b)), 0.5)),
    );
    expect(plan(t).kernels).toBe(1);
  });
  test('the loss of each patch: the patches, their normalisation and the error', () => {
    const t = traced({ pred: f32('B', 196, 768), imgs: f32('B', 3, 224, 224) }, ({ pred, imgs }) => {
      const error = sub(pred, normalisePatches(patchify({ patchSize: 16 }, imgs)));
      return mean(mul(error, error), -1);
    });
    expect(plan(t).kernels).toBe(1);
  });
  test('the loss of all patches is one more, because groups of lanes cannot wait for each other', () => {
    const t = traced({ pred: f32('B', 196, 768), imgs: f32('B', 3, 224, 224), mask: f32('B', 196) }, ({ pred, imgs, mask }) =>
      reconstructionLoss(pred, normalisePatches(patchify({ patchSize: 16 }, imgs)), mask),
    );
    expect(plan(t).kernels).toBe(2);
  });
  test('a join of what is computed with what is given: each writes its own range', () => {
    const t = traced({ first: f32('B', 1, 768), x: f32('B', 49, 192), w: f32(768, 192), b: f32(768) }, ({ first, x, w, b }) =>
      concat([first, gelu(linear(x, w, b))], 1),
    );
    expect(plan(t).kernels).toBe(1);
  });
});

it('attention never stores its scores, forward or back', () => {
  const tokens = fc.integer({ min: 20, max: 300 });
  fc.assert(
    fc.property(tokens, fc.constantFrom(1, 3, 12), fc.constantFrom(16, 64), fc.boolean(), fc.boolean(), (n, heads, width, biased, differentiated) => {
      fc.pre(n > width); // else q itself is as large as the scores
      const shape = [heads, n, width] as const;
      const p = { q: param(shape, 'zeros'), k: param(shape, 'zeros'), v: param(shape, 'zeros') };
      const t = traced({ bias: f32(1, n) }, ({ bias }) => ({ y: biased ? attention(p.q, p.k, p.v, { bias }) : attention(p.q, p.k, p.v) }), p);
      for (const elements of plan(t, differentiated ? 'y' : undefined).stored) expect(elements).toBeLessThan(heads * n * n);
    }),
    { numRuns: 30 },
  );
});

it('rows that reach no output are not computed: no pixel of the class token is predicted', () => {
  const t = trace(mae, 'tiny');
  const [patches, pixels] = [16, 4 * 4 * 3];
  const { stored } = plan(t);
  expect(stored).toContain(patches * pixels);
  expect(stored).not.toContain((patches + 1) * pixels);
  const loss = plan({ ...t, outputs: t.outputs.filter(([name]) => name === 'loss') });
  expect(loss.stored).not.toContain((patches + 1) * pixels);
});
