// Plans depend on structure alone: not on how an author cut functions, not on the run, not on the number of equal blocks.
import { expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { withGradients } from '../../compiler/graph/gradient/parameters.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { type FusedKernel, fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { nestKey } from '../../compiler/loops/key.ts';
import { add, argsort, attention, exp, f32, gather, gelu, layerNorm, linear, mul, rearrange, split, type Tensor } from '../../dsl/index.ts';
import { type Traced, traced } from '../../dsl/model.ts';
import { Block, block } from '../../models/layers.ts';

const [N, D, H] = [50, 192, 3] as const;
const machine = machineOf(capabilities.webgpu);

function plan(t: Traced, grad?: string): readonly FusedKernel[] {
  const recorded = intern(t);
  const { graph, outputs } = simplify(grad === undefined ? recorded : withGradients(recorded, grad));
  return fuse(
    graph,
    outputs.map(o => o[1]),
    machine,
  );
}
const texts = (kernels: readonly FusedKernel[]): string[] => kernels.map(k => `${nestKey(k.nest)} ${JSON.stringify(k.schedule)}`);

/** models/layers.ts's block without a single layer function. */
function byHand(p: Block<number, number>, x: Tensor): Tensor {
  const n1 = layerNorm(x as never, p.norm1.weight as never, p.norm1.bias as never) as Tensor;
  const [q, k, v] = split(linear(n1 as never, p.attn.qkv.weight as never, p.attn.qkv.bias as never), -1, 3) as unknown as [Tensor, Tensor, Tensor];
  const heads = (t: Tensor): never => rearrange(t as never, 'b n (h k) -> b h n k' as never, { h: H }) as never;
  const o = rearrange(attention(heads(q), heads(k), heads(v)) as never, 'b h n k -> b n (h k)' as never) as never;
  const y = add(x as never, linear(o, p.attn.proj.weight as never, p.attn.proj.bias as never) as never) as never;
  const n2 = layerNorm(y, p.norm2.weight as never, p.norm2.bias as never) as never;
  const h = gelu(linear(n2, p.mlp.fc1.weight as never, p.mlp.fc1.bias as never) as never);
  return add(y, linear(h as never, p.mlp.fc2.weight as never, p.mlp.fc2.bias as never) as never) as Tensor;
}
const stack = (depth: number, layer: (p: Block<number, number>, x: Tensor) => Tensor): Traced => {
  const blocks = Array.from({ length: depth }, () => new Block<number, number>(D, 4 * D));
  return traced({ x: f32('B', N, D) }, ({ x }) => ({ y: blocks.reduce((h: Tensor, p) => layer(p, h), x) }), { blocks });
};
const layered = (p: Block<number, number>, x: Tensor): Tensor => block({ heads: H, layerNormEps: 1e-6 }, p as never, x as never) as Tensor;

test('a block inlined by hand has the plan of one made of layers, with gradients too', () => {
  expect(texts(plan(stack(2, byHand)))).toEqual(texts(plan(stack(2, layered))));
  expect(texts(plan(stack(2, byHand), 'y'))).toEqual(texts(plan(stack(2, layered), 'y')));
});

test('a plan is the same every time', () => {
  expect(texts(plan(stack(2, layered), 'y'))).toEqual(texts(plan(stack(2, layered), 'y')));
});

test('twelve equal blocks share the kernels of the inner ones', () => {
  const distinct = (depth: number): number => new Set(plan(stack(depth, layered), 'y').map(k => nestKey(k.nest))).size;
  expect(distinct(12)).toBeLessThanOrEqual(distinct(4));
});

test('what an order is decided by is worked out once', () => {
  const t = traced({ x: f32(8, 64), y: f32(8, 64) }, ({ x, y }) => {
    const noise = exp(mul(x, y));
    return { sorted: gather(noise, 1, argsort(noise, 1)), noise: add(noise, x) };
  });
  const recorded = simplify(intern(t));
  const kernels = fuse(
    recorded.graph,
    recorded.outputs.map(o => o[1]),
    machine,
  );
  const makes = (k: FusedKernel): boolean => k.nest.values.some(v => v.kind === 'op' && v.prim === 'exp');
  expect(kernels.filter(makes)).toHaveLength(1);
});
