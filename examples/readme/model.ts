import { add, config, count, type DimArg, f32, fn, gelu, layerNorm, linear, model, param, size, times } from 'heddle';

class Mlp<D extends DimArg, M extends DimArg> {
  norm;
  fc1;
  fc2;
  constructor(d: D, hidden: M) {
    this.norm = { weight: param([d], 'ones'), bias: param([d], 'zeros') };
    this.fc1 = { weight: param([hidden, d], 'xavier'), bias: param([hidden], 'zeros') };
    this.fc2 = { weight: param([d, hidden], 'xavier'), bias: param([d], 'zeros') };
  }
}
// a layer, written once over symbols: B sequences of N tokens of width D
const mlp = fn('mlp', new Mlp('D', 'M'), f32('B', 'N', 'D'), (p, x) => {
  const h = linear(layerNorm(x, p.norm.weight, p.norm.bias), p.fc1.weight, p.fc1.bias);
  return add(x, linear(gelu(h), p.fc2.weight, p.fc2.bias));
});
const sizes = config({ tokens: size('N'), width: size('D'), depth: count() });
export default model({
  config: sizes,
  presets: { small: { tokens: 16, width: 64, depth: 2 } },
  params: c => ({ blocks: Array.from({ length: c.depth }, () => new Mlp(c.width, times(4, c.width))) }),
  inputs: c => ({ x: f32('B', c.tokens, c.width) }),
  forward: (_, p, { x }) => ({ y: p.blocks.reduce((h, block) => mlp(block, h), x) }),
});
