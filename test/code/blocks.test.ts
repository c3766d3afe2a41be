// Long sums in blocks: which nests get them, and that they are right at lengths around a block, at any batch.
import { describe, expect, test } from 'vitest';
import type { Size } from '../../common/size.ts';
import { inBlocks } from '../../compiler/code/blocks.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { generateFused } from '../../compiler/code/fused.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { lowerKernel } from '../../compiler/loops/lower.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { waves } from '../loops/run.ts';
import { columnSums, rowsByColumns, rowsByRows } from './nests.ts';
import { differs, runJs, runReference, scalarIndexIn } from './run.ts';

const { js, webgpu, gl } = capabilities;
const software = capabilities['webgpu-software'];

/** A weight's gradient, Σ over tokens of x[t,i]·dy[t,o], beside the gradient of its bias, Σ dy[t,o]. */
function gradients(tokens: Size, width: number, out: number): { readonly graph: Graph; readonly nest: LoopNest } {
  const graph = new Graph();
  const [x, dy] = [graph.input('x', [tokens, width]), graph.input('dy', [tokens, out])];
  const roots = [graph.contract(['ti', 'to'], 'io', x, dy), graph.reduce('sum', dy, [0])];
  const { nest } = lowerKernel(
    graph,
    roots.map(node => ({ node, piece: -1 })),
    id => graph.node(id).op === 'input',
  );
  return { graph, nest };
}

describe('chosen', () => {
  test('where both operands stride over the tokens, in JavaScript alone', () => {
    const { nest } = gradients(3200, 64, 256);
    const blocks = inBlocks(nest, js)!;
    expect(blocks.tables).toBeLessThanOrEqual(js.laneBytes / 4);
    expect(nest.parts.map(p => p.axes)).toEqual([[blocks.chunk], [blocks.chunk]]);
    for (const capability of [webgpu, gl, software]) expect(inBlocks(nest, capability)).toBe(undefined);
  });
  test('for any batch', () => {
    expect(inBlocks(gradients({ batch: 50 }, 64, 64).nest, js)).not.toBe(undefined);
  });
  test.each([
    ['operands lie along the sum', rowsByRows(64, 3200, 64)],
    ['one operand lies along the sum', rowsByColumns(64, 3200, 64)],
    ['nothing is fetched twice', columnSums(3200, 64)],
    ['the sum is short', gradients(256, 64, 64).nest],
  ] as const)('not where %s', (_, nest) => {
    expect(inBlocks(nest, js)).toBe(undefined);
  });
});

test.each([
  [257, 1, 17, 16],
  [300, 1, 64, 40],
  [{ batch: 13 }, 1, 20, 33],
  [{ batch: 13 }, 10, 20, 33],
  [{ batch: 128 }, 2, 48, 18],
  [{ batch: 129 }, 3, 150, 140],
] as const)('%o tokens at batch %i, %i × %i', (tokens, batch, width, out) => {
  const { graph, nest } = gradients(tokens, width, out);
  const code = generateFused(nest, inBlocks(nest, js)!, js, { scalarIndex: scalarIndexIn() });
  verifyCode(code, js);
  const memory = new Map([0, 1].map(id => [id, waves(graph.shape(id), batch, id + 1)]));
  expect(differs(runJs(nest, js, memory, { batch }, code), runReference(nest, memory, { batch }), 1e-9)).toBe(undefined);
});
