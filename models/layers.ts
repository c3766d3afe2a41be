// The layers of a vision transformer (Dosovitskiy et al. 2020) in timm's form, which MAE and its family share: pre-norm blocks, one
// biased matrix for q, k and v, exact GELU. A class holds parameters: its fields are named as in the official checkpoints, so that
// official weights load with no renaming.
import {
  add,
  attention,
  type DimArg,
  type F32,
  f32,
  fn,
  gelu,
  type InitArg,
  layerNorm,
  linear,
  number,
  param,
  rearrange,
  size,
  split,
  times,
} from 'heddle';

// ---------------------------------------------------------------- parameters, initialised as models_mae.py's _init_weights does:
// matrices by Xavier's rule as in JAX's ViT, biases 0, norms 1
/** weight [O,I], bias [O]. */
export class Linear<O extends DimArg, I extends DimArg> {
  weight;
  bias;
  constructor(out: O, inp: I, init: InitArg = 'xavier') {
    this.weight = param([out, inp], init);
    this.bias = param([out], 'zeros');
  }
}
/** weight [D], bias [D]. */
export class Norm<D extends DimArg> {
  weight;
  bias;
  constructor(width: D) {
    this.weight = param([width], 'ones');
    this.bias = param([width], 'zeros');
  }
}
/** qkv maps D to 3·D: the rows of q, then k, then v, each head by head. */
export class Attn<D extends DimArg> {
  qkv;
  proj;
  constructor(width: D, init: InitArg = 'xavier') {
    this.qkv = new Linear(times(3, width), width, init);
    this.proj = new Linear(width, width, init);
  }
}
export class Mlp<D extends DimArg, M extends DimArg> {
  fc1;
  fc2;
  constructor(width: D, hidden: M, init: InitArg = 'xavier') {
    this.fc1 = new Linear(hidden, width, init);
    this.fc2 = new Linear(width, hidden, init);
  }
}
export class Block<D extends DimArg, M extends DimArg> {
  norm1;
  attn;
  norm2;
  mlp;
  constructor(width: D, hidden: M, init: InitArg = 'xavier') {
    this.norm1 = new Norm(width);
    this.attn = new Attn(width, init);
    this.norm2 = new Norm(width);
    this.mlp = new Mlp(width, hidden, init);
  }
}

// ---------------------------------------------------------------- layers
/** x·Wᵀ + b: [B,N,I] → [B,N,O]. */
export const dense = fn('dense', new Linear('O', 'I'), f32('B', 'N', 'I'), (p, x) => linear(x, p.weight, p.bias));

/** Layer normalisation over the width (Ba et al. 2016): [B,N,D] → [B,N,D]. */
export const norm = fn('norm', { layerNormEps: number() }, new Norm('D'), f32('B', 'N', 'D'), (c, p, x) =>
  layerNorm(x, p.weight, p.bias, { eps: c.layerNormEps }),
);

/** softmax(q·kᵀ/√K)·v in H heads of width K (Vaswani et al. 2017, §3.2): [B,N,H*K] → [B,N,H*K]. */
export const selfAttention = fn('selfAttention', { heads: size('H') }, new Attn('H*K'), f32('B', 'N', 'H*K'), (c, p, x) => {
  const [q, k, v] = split(dense(p.qkv, x), -1, 3);
  const heads = (t: F32<'B N H*K'>) => rearrange(t, 'b n (h k) -> b h n k', { h: c.heads });
  return dense(p.proj, rearrange(attention(heads(q), heads(k), heads(v)), 'b h n k -> b n (h k)'));
});

/** Two linear layers with a GELU between them: [B,N,D] → [B,N,D]. */
export const mlp = fn('mlp', new Mlp('D', 'M'), f32('B', 'N', 'D'), (p, x) => dense(p.fc2, gelu(dense(p.fc1, x))));

/** A pre-norm transformer block (ViT, eq. 2 and 3): [B,N,H*K] → [B,N,H*K]. */
export const block = fn('block', { heads: size('H'), layerNormEps: number() }, new Block('H*K', 'M'), f32('B', 'N', 'H*K'), (c, p, x) => {
  const y = add(x, selfAttention(c, p.attn, norm(c, p.norm1, x)));
  return add(y, mlp(p.mlp, norm(c, p.norm2, y)));
});

/** Blocks one after the other: [B,N,H*K] → [B,N,H*K]. */
export const encoder = fn('encoder', { heads: size('H'), layerNormEps: number() }, [new Block('H*K', 'M')], f32('B', 'N', 'H*K'), (c, blocks, x) => {
  let y = x;
  for (const p of blocks) y = block(c, p, y);
  return y;
});
