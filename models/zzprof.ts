import { add, attention, f32, size, split, rearrange, linear, layerNorm, type Tensor } from 'heddle';
import { selfAttention, Attn, norm, Norm, mlp, Mlp, Block, block, dense, Linear } from './layers.ts';
const x = f32('B', 'N', 'H*K');
const c = { heads: size('H'), layerNormEps: 1 };
const at = new Attn('H*K');
export {};
