// What follows the sums of a register tile: long expressions are written once for all points or for four of them, short ones for each;
// and the code does what the nest says, at extents that tiles divide and at others.
import { f32, fn, gelu, linear, relu } from 'heddle';
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { Capability, Code } from '../../compiler/code/types.ts';
import { walkExpressions } from '../../compiler/code/walk.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { trace } from '../../dsl/model.ts';
import { asModel } from '../../testing/layer.ts';
import { codeOf } from '../fuse/fault.ts';
import { runKernels, waves } from '../loops/run.ts';
import { differs, runCode, runReference } from './run.ts';

const smooth = fn('smooth', f32('N', 'D'), f32('M', 'D'), f32('M'), (x, w, b) => gelu(linear(x, w, b)));
const sharp = fn('sharp', f32('N', 'D'), f32('M', 'D'), f32('M'), (x, w, b) => relu(linear(x, w, b)));

function kernelOf(layer: typeof smooth | typeof sharp, N: number, D: number, M: number, capability: Capability) {
  const { graph, outputs, inputs } = simplify(intern(trace(asModel(layer, ['x', 'w', 'b'], { N, D, M }), {})));
  const kernels = fuse(
    graph,
    outputs.map(([, id]) => id),
    machineOf(capability),
  );
  expect(kernels.length).toBe(1);
  const feeds = Object.fromEntries([...inputs].map(([name, id]) => [name, waves(graph.shape(id), 1, id + 1)]));
  const memory = runKernels(graph, kernels, feeds, { batch: 1, arith: float64 });
  return { nest: kernels[0]!.nest, memory, code: codeOf(kernels[0]!, capability) };
}
function count(code: Code, prim: string): number {
  let n = 0;
  walkExpressions(code.body, e => {
    if (e.kind === 'op' && e.prim === prim && e.type === 'f32') n++;
  });
  return n;
}

const { js, webgpu, 'webgpu-software': software } = capabilities;
test('JavaScript has one copy of a long expression, and one of a short one a point', () => {
  const { code } = kernelOf(smooth, 48, 16, 48, js);
  expect(count(code, 'erf')).toBe(1);
  expect(code.memories.at(-1)).toEqual({ space: 'private', type: 'f32', length: 9 });
  expect(count(kernelOf(sharp, 48, 16, 48, js).code, 'select')).toBe(9);
});
test.each([webgpu, software])('$name has a copy for four points', capability => {
  const { code } = kernelOf(smooth, 48, 16, 48, capability);
  const points = count(kernelOf(sharp, 48, 16, 48, capability).code, 'select');
  expect(points % 4).toBe(0);
  expect(count(code, 'erf')).toBe(points / 4);
});
describe.each([js, webgpu, software])('$name', capability => {
  test.each([
    [48, 16, 48],
    [13, 7, 20],
    [5, 3, 7],
    [1, 4, 10],
  ])('GELU of a product, %d by %d by %d', (N, D, M) => {
    const { nest, memory, code } = kernelOf(smooth, N, D, M, capability);
    const setting = { batch: 1, scalars: {} };
    expect(differs(runCode(nest, capability, memory, setting, code), runReference(nest, memory, setting), 1e-9)).toBeUndefined();
  });
});
