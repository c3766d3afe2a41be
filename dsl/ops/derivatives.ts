// Derivatives written in the language, of the ops that record a `call`. Each reads what its op saved (dsl/ops/call.ts says what) and is
// tested against the generic derivative of its body. Attention's works from the log-sum-exp and rowsum(do·o), as in FlashAttention
// (Dao et al. 2022), so that no value of N·M elements needs to be kept from the forward pass.
import { prod } from '../dim.ts';
import type { Derivative, Node } from '../graph.ts';
import { type ScalarFn, scalar } from '../scalar.ts';
import { type Tensor, wrap } from '../tensor.ts';
import { constant, contractOf, expandAt, expandTo, fleeting, iotaOf, map, over, reduceOf, reshapeTo, shapeOf } from './nodes.ts';

/** The same over tensors. */
type OverTensors = (call: {
  readonly value: Tensor;
  readonly saved: readonly Tensor[];
  readonly args: readonly Tensor[];
  readonly cotangent: Tensor;
}) => readonly (Tensor | null)[];
export const derivative =
  (rule: OverTensors): Derivative =>
  ({ value, saved, args, cotangent }) =>
    rule({ value: wrap(value), saved: saved.map(wrap), args: args.map(wrap), cotangent: wrap(cotangent) }).map(t => t?.node ?? null);

const f32 = (n: number): 'f32'[] => Array.from({ length: n }, () => 'f32');
const fn = (name: string, n: number, build: Parameters<typeof scalar>[2]): ScalarFn => scalar(name, f32(n), build);
const multiply = fn('mul', 2, (b, x, y) => b.op('mul', x!, y!));

const lastOf = (x: Tensor): number => shapeOf(x).length - 1;
/** A statistic along axis k, which it lost, at every element of x. */
const along = (statistic: Tensor, x: Tensor, k: number): Tensor =>
  expandAt(
    statistic,
    shapeOf(x),
    [...shapeOf(x).keys()].filter(a => a !== k),
  );
const sumAlong = (x: Tensor, k: number): Tensor => along(reduceOf('sum', x, [k]), x, k);
function numberOf(node: Node): number {
  if (node.op !== 'const') throw new Error(`a number of a call is a constant, not ${node.op}`);
  return node.value;
}

/** y·(g − Σ g·y) */
const softmax = fn('softmax gradient', 3, (b, y, g, total) => b.op('mul', y!, b.op('sub', g!, total!)));
/** g − exp(y)·Σ g */
const logSoftmax = fn('logSoftmax gradient', 3, (b, y, g, total) => b.op('sub', g!, b.op('mul', b.op('exp', y!), total!)));

const normalised = fn('normalised', 3, (b, x, mean, r) => b.op('mul', b.op('sub', x!, mean!), r!));
/** r·(h − mean h − x̂·mean(h·x̂)) with h = g·weight */
const layerNorm = fn('layerNorm gradient', 5, (b, r, h, xhat, meanH, meanHx) =>
  b.op('mul', r!, b.op('sub', b.op('sub', h!, meanH!), b.op('mul', xhat!, meanHx!))),
);

const probability = fn('probability', 3, (b, score, scale, lse) => b.op('exp', b.op('sub', b.op('mul', score!, scale!), lse!)));
const probabilityBiased = fn('probability', 4, (b, score, scale, lse, bias) =>
  b.op('exp', b.op('sub', b.op('add', b.op('mul', score!, scale!), bias!), lse!)),
);
const scoreGradient = fn('score gradient', 3, (b, p, dp, d) => b.op('mul', p!, b.op('sub', dp!, d!)));

/** (p − target)·g with the target's share 1 − ε at the label and ε/C everywhere */
const crossEntropy = (smoothing: number): ScalarFn =>
  scalar('crossEntropy gradient', ['f32', 'f32', 'i32', 'i32', 'f32', 'f32'], (b, x, lse, label, position, even, g) => {
    const atLabel = b.op('select', b.op('eq', label, position), b.constant(1 - smoothing), b.constant(0));
    const distance = b.op('sub', b.op('exp', b.op('sub', x, lse)), atLabel);
    return b.op('mul', smoothing === 0 ? distance : b.op('sub', distance, even), g);
  });

/** Sums what broadcasting repeated: g to the shape of `like`, which broadcasts to g's trailing axes. */
function sumTo(g: Tensor, like: Tensor): Tensor {
  const lead = shapeOf(g).length - shapeOf(like).length;
  const axes = shapeOf(g).flatMap((d, i) => (i < lead || (shapeOf(like)[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshapeTo(reduceOf('sum', g, axes), shapeOf(like));
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

export const derivatives = {
  softmax: derivative(({ value: y, args, cotangent: g }) => {
    const k = numberOf(args[1]!.node);
    return [map(softmax, [y, g, sumAlong(map(multiply, [g, y]), k)]), null];
  }),
  logSoftmax: derivative(({ value: y, args, cotangent: g }) => {
    const k = numberOf(args[1]!.node);
    return [map(logSoftmax, [y, g, sumAlong(g, k)]), null];
  }),
  layerNorm: derivative(({ saved, args, cotangent: g }) => {
    const [centre, r] = saved as readonly [Tensor, Tensor];
    const [x, weight] = args as readonly [Tensor, Tensor];
    const k = lastOf(x);
    const mean = (t: Tensor): Tensor => along(over(reduceOf('sum', t, [k]), shapeOf(x)[k]!), x, k);
    const xhat = map(normalised, [x, along(centre, x, k), along(r, x, k)]);
    const h = map(multiply, [g, expandTo(weight, shapeOf(x))]);
    const dx = map(layerNorm, [along(r, x, k), h, xhat, mean(h), mean(map(multiply, [h, xhat]))]);
    const rows = [...shapeOf(x).keys()].slice(0, -1);
    return [dx, reduceOf('sum', map(multiply, [g, xhat]), rows), reduceOf('sum', g, rows)];
  }),
  attention: derivative(({ value: o, saved, args, cotangent: g }) => {
    const [lse] = saved as readonly [Tensor];
    const [q, k, v, scale, bias] = args as readonly [Tensor, Tensor, Tensor, Tensor, Tensor | undefined];
    const rank = shapeOf(q).length;
    const lead = letters.slice(0, rank - 2);
    const [qk, kk, mv, nv, nm] = [`${lead}NK`, `${lead}MK`, `${lead}MV`, `${lead}NV`, `${lead}NM`];
    const products = fleeting(contractOf([qk, kk], nm, q, k));
    const wide = shapeOf(products);
    const p = fleeting(
      bias
        ? map(probabilityBiased, [products, expandTo(scale, wide), along(lse, products, rank - 1), expandTo(bias, wide)])
        : map(probability, [products, expandTo(scale, wide), along(lse, products, rank - 1)]),
    );
    const d = reduceOf('sum', map(multiply, [g, o]), [rank - 1]);
    const ds = fleeting(map(scoreGradient, [p, fleeting(contractOf([nv, mv], nm, g, v)), along(d, products, rank - 1)]));
    const scaledBy = (x: Tensor): Tensor => map(multiply, [x, expandTo(scale, shapeOf(x))]);
    const dq = scaledBy(contractOf([nm, kk], qk, ds, k));
    const dk = scaledBy(contractOf([nm, qk], kk, ds, q));
    const dv = contractOf([nm, nv], mv, p, g);
    return [dq, dk, dv, null, ...(bias ? [sumTo(ds, bias)] : [])];
  }),
  crossEntropy: derivative(({ saved, args, cotangent: g }) => {
    const [lse] = saved as readonly [Tensor];
    const [x, labels, smoothing] = args as readonly [Tensor, Tensor, Tensor];
    const k = lastOf(x);
    const at = (t: Tensor): Tensor => expandTo(t, shapeOf(x));
    const epsilon = numberOf(smoothing.node);
    const even = over(constant(epsilon, 'f32'), shapeOf(x)[k]!);
    const share = over(g, prod(shapeOf(lse)));
    return [map(crossEntropy(epsilon), [x, along(lse, x, k), along(labels, x, k), iotaOf(shapeOf(x), k), at(even), at(share)]), null, null];
  }),
} as const satisfies Record<string, Derivative>;
