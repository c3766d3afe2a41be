// Calls of layers that cannot be: every kind of message of fn, over records, parameters, tensors and lists.
import { f32, fn, i32, index, param, size } from 'heddle';
import { Attn, Block, block, dense, forward, Linear, Mlp, mlp, Norm, norm, selfAttention, tokens, Vit, vitConfig } from '../fixtures/layers.ts';
import { mistake, traceOnly } from '../mistake.ts';

const x = f32(8, 197, 768);
const s = f32('B', 'N', 'D');
const json: { heads: number; patchSize: number } = JSON.parse('{"heads":7,"patchSize":15}');

// ---------------------------------------------------------------- sizes against parameters and tensors
mistake('block: 768 is not divisible by 7 (H*K = 768, H = 7)', () => block({ heads: 7 }, /*✗*/ new Block(768), x));
mistake('block: wants [B,N,H*K] = [8,197,512], got [8,197,768]', () => block({ heads: 16 }, new Block(512), /*✗*/ x));
mistake('dense: wants [B,N,I] = [?,?,768], got [8,768]', () => dense(new Linear(512, 768), /*✗*/ f32(8, 768)));
mistake('dense: wants [B,N,I] = [8,197,512], got [8,197,768]', () => dense(new Linear(768, 512), /*✗*/ x));
mistake('norm: wants [B,N,D] = [8,197,768], got [8,197,512]', () => norm(new Norm(768), /*✗*/ f32(8, 197, 512)));
mistake('mlp: D is both 512 and 768', () => mlp(/*✗*/ { fc1: new Linear(3072, 768), fc2: new Linear(512, 3072) }, x));
mistake('norm: D is both 4 and E', () => norm(/*✗*/ { weight: param([4], 'ones'), bias: param(['E'], 'zeros') }, x));

// ---------------------------------------------------------------- what is missing or of another kind
mistake('block: "heads" is missing', () => block(/*✗*/ { head: 12 }, new Block(768), x));
mistake('selfAttention: "proj" is missing', () => selfAttention({ heads: 12 }, /*✗*/ { qkv: new Linear(2304, 768) }, x));
mistake('block: "mlp" is missing', () => block({ heads: 12 }, /*✗*/ new Attn(768), x), 'block: "norm1" is missing');
mistake('norm: wants [D] = ?, got [768,768]', () => norm(/*✗*/ new Linear(768, 768), x));
mistake('norm: wants [B,N,D] = ?, got ?', () => norm(new Norm(768), /*✗*/ 3));
mistake('norm: wants f32 [B,N,D], got i32', () => norm(new Norm(768), /*✗*/ i32(8, 197, 768)));
mistake('block: heads must be a number, got "12"', () => block(/*✗*/ { heads: '12' }, new Block(768), x));
mistake('block: heads must be a whole number from 1, got 0', () => block(/*✗*/ { heads: 0 }, new Block(768), x));
mistake('block: heads must be a whole number from 1, got 1.5', () => block(/*✗*/ { heads: 1.5 }, new Block(768), x));
mistake('block: heads must be a whole number from 1, got -12', () => block(/*✗*/ { heads: -12 }, new Block(768), x));
const stack = fn('stack', [new Norm('D')], f32('B', 'N', 'D'), (p, t) => {
  let y = t;
  for (const q of p) y = norm(q, y);
  return y;
});
mistake('stack: wants a list of layers', () => stack(/*✗*/ new Norm(768), x));
mistake('stack: D is both 512 and 768', () => stack(/*✗*/ [new Norm(768), new Norm(512)], x));
mistake('stack: wants [B,N,D] = [8,197,512], got [8,197,768]', () => stack([new Norm(512), new Norm(512)], /*✗*/ x));

// ---------------------------------------------------------------- indices
const pick = fn('pick', f32('B', 'N'), index('N')('B', 'V'), (t, i) => [t, i] as const);
mistake('pick: wants an index [B,V], got i32', () => pick(f32(2, 9), /*✗*/ i32(2, 3)));
mistake('pick: N is 9, got 8', () => pick(f32(2, 9), /*✗*/ index(8)(2, 3)));
mistake('pick: wants [B,V] = [2,3], got [4,3]', () => pick(f32(2, 9), /*✗*/ index(9)(4, 3)));

// ---------------------------------------------------------------- literals stay literal, however they are written
const cfgs = { literal: { heads: 12 } as const, wide: { heads: 7 } };
mistake('block: 768 is not divisible by 10 (H*K = 768, H = 10)', () => block({ ...cfgs.literal, heads: 10 }, /*✗*/ new Block(768), x));
mistake('block: 512 is not divisible by 12 (H*K = 512, H = 12)', () => block(cfgs.literal, /*✗*/ new Block(512), x));
mistake('block: 768 is not divisible by 7 (H*K = 768, H = 7)', () =>
  block({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, heads: 7 }, /*✗*/ new Block(768), x),
);
traceOnly('block: 768 is not divisible by 7 (H*K = 768, H = 7)', () => block(cfgs.wide, new Block(768), x));
traceOnly('block: 768 is not divisible by 7 (H*K = 768, H = 7)', () => block(json, new Block(768), x));
traceOnly('tokens: 224 is not divisible by 15 (G*P = 224, P = 15)', () =>
  tokens(json, new Linear(768, json.patchSize * json.patchSize * 3), f32(8, 3, 224, 224)),
);

// ---------------------------------------------------------------- solving
mistake('tokens: 224 is not divisible by 15 (G*P = 224, P = 15)', () => tokens({ patchSize: 15 }, new Linear(768, 675), /*✗*/ f32(8, 3, 224, 240)));
const merge = fn('merge', { rows: size('R'), columns: size('S') }, f32('R*S*D'), (_, t) => t);
mistake('merge: 100 is not divisible by 12 (D*R*S = 100, R = 3, S = 4)', () => merge({ rows: 3, columns: 4 }, /*✗*/ f32(100)));
const grid = fn('grid', f32('G*W', 'D'), t => t);
mistake('grid: cannot solve G*W = 196: give its symbols as sizes', () => grid(/*✗*/ f32(196, 768)));
const appended = fn('appended', f32('N+1'), f32('N'), (a, b) => [a, b] as const);
mistake('appended: wants [N] = [196], got [197]', () => appended(f32(197), /*✗*/ f32(197)));

// ---------------------------------------------------------------- bodies are checked over the symbols
mistake('dense: wants [B,N,I] = [B,N,M], got [B,N,D]', () =>
  fn('ffn', new Mlp('D', 'M'), f32('B', 'N', 'D'), (p, t) => dense(p.fc2, /*✗*/ t))(new Mlp('D', 'M'), s),
);
mistake(
  'selfAttention: D is not divisible by H (H*K = D, H = H)',
  () =>
    fn('wrong', { heads: size('H') }, new Attn('D'), f32('B', 'N', 'D'), (c, p, t) => selfAttention(c, /*✗*/ p, t))({ heads: 12 }, new Attn('D'), s),
  'selfAttention: D is not divisible by 12 (H*K = D, H = 12)',
);

// ---------------------------------------------------------------- records: the field is named
const good = vitConfig({ imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 });
const params = new Vit(good);
const imgs = f32(8, 3, 224, 224);
const noise = f32(8, 196);
mistake('vit: imgs wants [B,C,G*P,P*W] = [8,3,224,224], got [8,1,224,224]', () => forward(good, params, /*✗*/ { imgs: f32(8, 1, 224, 224), noise }));
mistake('vit: noise wants [B,G*W] = [8,196], got [8,197]', () => forward(good, params, /*✗*/ { imgs, noise: f32(8, 197) }));
mistake('vit: noise wants f32 [B,G*W], got i32', () => forward(good, params, /*✗*/ { imgs, noise: i32(8, 196) }));
mistake('vit: B is both 4 and 8', () => forward(good, params, /*✗*/ { imgs, noise: f32(4, 196) }));
mistake('vit: "noise" is missing', () => forward(good, params, /*✗*/ { imgs }));
mistake('vit: H*K is 768, got 384', () => forward(good, /*✗*/ new Vit({ ...good, width: 384 }), { imgs, noise }));
mistake('vit: G*W+1 is 197, got 99', () => forward(good, /*✗*/ new Vit({ ...good, grid: 7 }), { imgs, noise }));
mistake('vit: width 768 is not divisible by heads 15', () => forward(/*✗*/ { ...good, heads: 15 }, params, { imgs, noise }));
mistake('vit: imageSize is 224, but G*P is 240', () => forward(/*✗*/ { ...good, grid: 15 }, params, { imgs, noise }));
mistake('vit: H*K is 512, got 768', () => forward({ ...good, width: 512, heads: 8 } as const, /*✗*/ params, { imgs, noise }));

// ---------------------------------------------------------------- what only a run sees
traceOnly('late: the body returned a Promise: a layer records its operations at once, so it must not be async', () =>
  fn('late', f32('N'), async t => t)(f32(3)),
);
