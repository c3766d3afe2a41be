// The workloads of the benchmark as models: single operations that arithmetic bounds and ones that memory does, a transformer block, and
// what peers are measured on, by the names of the peers' suite.
import { add, config, f32, gelu, layerNorm, linear, matmul, model, mul, number, optional, param, size, softmax } from '../dsl/index.ts';
import { Block, block, Linear, Norm } from '../models/index.ts';
import { type Case, cases } from './cases.ts';

const matmulConfig = config({ rows: size('M'), inner: size('K'), columns: size('N') });
const blockConfig = config({ tokens: size('T'), width: size('H*K'), heads: size('H'), hidden: size('M'), layerNormEps: optional(number(), 1e-6) });
const denseConfig = config({ tokens: size('T'), width: size('D'), out: size('O') });
const rowsConfig = config({ tokens: size('T'), width: size('D') });

/** a [M,K] · b [K,N]. */
export const matmulModel = model({
  name: 'matmul',
  config: matmulConfig,
  params: c => ({ b: param([c.inner, c.columns], { normal: 0.02 }) }),
  inputs: c => ({ a: f32(c.rows, c.inner) }),
  forward: (_, p, { a }) => ({ y: matmul(a, p.b) }),
});
/** One pre-norm block on x [B,T,H*K], with the parameter names of the official code. */
export const blockModel = model({
  name: 'block',
  config: blockConfig,
  params: c => new Block(c.width, c.hidden),
  inputs: c => ({ x: f32('B', c.tokens, c.width) }),
  forward: (c, p, { x }) => ({ y: block(c, p, x) }),
});
/** x·Wᵀ + b, GELU, scale and residual: bounded by arithmetic. */
const denseModel = model({
  name: 'dense',
  config: denseConfig,
  params: c => new Linear(c.out, c.width),
  inputs: c => ({ x: f32('B', c.tokens, c.width), r: f32('B', c.tokens, c.out) }),
  forward: (_, p, { x, r }) => ({ y: add(r, mul(gelu(linear(x, p.weight, p.bias)), 0.5)) }),
});
// rows [B,T,D], bounded by memory
const normModel = model({
  name: 'norm',
  config: rowsConfig,
  params: c => new Norm(c.width),
  inputs: c => ({ x: f32('B', c.tokens, c.width), r: f32('B', c.tokens, c.width) }),
  forward: (_, p, { x, r }) => ({ y: layerNorm(add(x, r), p.weight, p.bias) }),
});
const softmaxModel = model({
  name: 'softmax',
  config: rowsConfig,
  params: () => ({}),
  inputs: c => ({ x: f32('B', c.tokens, c.width), r: f32('B', c.tokens, c.width) }),
  forward: (_, _p, { x, r }) => ({ y: softmax(add(mul(x, 0.125), r), -1) }),
});
const geluModel = model({
  name: 'gelu',
  config: rowsConfig,
  params: () => ({}),
  inputs: c => ({ x: f32('B', c.tokens, c.width), r: f32('B', c.tokens, c.width) }),
  forward: (_, _p, { x, r }) => ({ y: add(mul(gelu(add(x, r)), 0.5), r) }),
});

export interface Workload {
  /** What it is, shapes included. */
  readonly name: string;
  /** What bounds it; 'model' for mixtures. */
  readonly bound: 'arithmetic' | 'memory' | 'model';
  readonly case: Case;
  readonly pass: 'forward' | 'step';
  readonly batch: number;
  /** Takes JavaScript many seconds a run; left out on a software adapter, where it takes minutes. */
  readonly heavy?: boolean;
}
const single = (name: string, bound: 'arithmetic' | 'memory', of: Case['model'], values: object): Workload => ({
  name,
  bound,
  case: { model: of, config: values, grad: 'y', batch: 8 },
  pass: 'forward',
  batch: 8,
});
const [smallBlock, largeBlock] = [
  { tokens: 50, width: 192, heads: 3, hidden: 768 },
  { tokens: 197, width: 768, heads: 12, hidden: 3072 },
];
export const workloads: readonly Workload[] = [
  single('dense (8,50,192→768) + GELU + residual', 'arithmetic', denseModel, { tokens: 50, width: 192, out: 768 }),
  single('layer norm of a sum (8,197,768)', 'memory', normModel, { tokens: 197, width: 768 }),
  single('softmax of scaled and biased (8,197,768)', 'memory', softmaxModel, { tokens: 197, width: 768 }),
  single('GELU between sums (8,197,768)', 'memory', geluModel, { tokens: 197, width: 768 }),
  { name: 'block (1,50,192)', bound: 'model', case: { model: blockModel, config: smallBlock, grad: 'y', batch: 1 }, pass: 'forward', batch: 1 },
  {
    name: 'block (8,197,768)',
    bound: 'model',
    case: { model: blockModel, config: largeBlock, grad: 'y', batch: 8 },
    pass: 'forward',
    batch: 8,
    heavy: true,
  },
  { name: 'MAE digits, batch 64', bound: 'model', case: cases['mae digits'], pass: 'forward', batch: 64 },
  { name: 'MAE digits, batch 64, training step', bound: 'model', case: cases['mae digits'], pass: 'step', batch: 64 },
  { name: 'MAE base, batch 1', bound: 'model', case: cases['mae base'], pass: 'forward', batch: 1, heavy: true },
  { name: 'MAE base, batch 1, training step', bound: 'model', case: cases['mae base'], pass: 'step', batch: 1, heavy: true },
];

// ---------------------------------------------------------------- the peers' suite
/** One of its workloads; inputs, weights and right answers are in `<cache>/<data>.safetensors`. */
export interface PeerWorkload {
  readonly case: Case;
  readonly pass: 'forward' | 'step';
  readonly data: string;
  /** Of the largest error against the largest right value. */
  readonly tolerance: number;
  /** Only the first call counts. */
  readonly cold?: boolean;
}
const product = (rows: number, inner: number, columns: number): Case => ({
  model: matmulModel,
  config: { rows, inner, columns },
  grad: 'y',
  batch: 1,
});
export const peerWorkloads: Readonly<Record<string, PeerWorkload>> = {
  'matmul-197': { case: product(197, 768, 768), pass: 'forward', data: 'matmul-197', tolerance: 1e-5 },
  'matmul-1024': { case: product(1024, 1024, 1024), pass: 'forward', data: 'matmul-1024', tolerance: 1e-5 },
  'block-192': { case: { model: blockModel, config: smallBlock, grad: 'y', batch: 1 }, pass: 'forward', data: 'block-192', tolerance: 2e-5 },
  'block-768': { case: { model: blockModel, config: largeBlock, grad: 'y', batch: 8 }, pass: 'forward', data: 'block-768', tolerance: 2e-5 },
  'mnist-64': { case: cases['mae digits'], pass: 'forward', data: 'mnist-64', tolerance: 1e-4 },
  'vitb-1': { case: withPlainTarget(cases['mae base']), pass: 'forward', data: 'vitb-1', tolerance: 1e-4 },
  'train-64': { case: cases['mae digits'], pass: 'step', data: 'mnist-64', tolerance: 1e-4 },
  'cold-8': { case: cases['mae digits'], pass: 'forward', data: 'mnist-8', tolerance: 1e-4, cold: true },
};
/** The suite's losses are of the pixels themselves. */
function withPlainTarget(c: Case): Case {
  return { ...c, config: { ...c.model.presets.base, normPixLoss: false } };
}
