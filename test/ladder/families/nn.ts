// Softmax and its relations, normalisation, attention, the classifier's loss.
import type { Value } from '../calls.ts';
import { rankOf, sameShape, shapeOf, sizeOf } from '../maker.ts';
import { type Family, log2, noZero } from './common.ts';

const alongAxis =
  (op: string, grows: (size: number) => number): Family =>
  (p, i, _, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0 && noZero(v));
    return p.one(op, grows(x.size), x, p.anyAxis(x, k));
  };
export const nn: Readonly<Record<string, Family>> = {
  softmax: alongAxis('softmax', () => 0),
  logSoftmax: alongAxis('logSoftmax', s => s + 4),
  logsumexp: alongAxis('logsumexp', s => s + 4),
  layerNorm: (p, i, j, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0 && noZero(v) && typeof shapeOf(v).at(-1) === 'number');
    const n = shapeOf(x).at(-1) as number;
    const vector = (seed: number): Value =>
      p.find(
        'f32',
        j + seed,
        v => sameShape(shapeOf(v), [n]),
        () => p.weights([n], seed),
      );
    const [w, b] = [vector(k % 4), vector(k % 5)];
    return p.one('layerNorm', w.size + log2(n) + 2, x, w, b, k % 3 === 0 ? { eps: 0.5 } : { eps: 0.01 });
  },
  attention: (p, i, j, k) => {
    const q = p.pick('f32', i, v => rankOf(v) > 1 && noZero(v));
    const lead = shapeOf(q).slice(0, -2);
    const like = (v: Value): boolean => rankOf(v) === rankOf(q) && noZero(v) && sameShape(shapeOf(v).slice(0, -2), lead);
    const key = p.find(
      'f32',
      j,
      v => like(v) && shapeOf(v).at(-1) === shapeOf(q).at(-1),
      () => q,
    );
    const value = p.find(
      'f32',
      j >> 2,
      v => like(v) && shapeOf(v).at(-2) === shapeOf(key).at(-2),
      () => key,
    );
    const [n, m] = [shapeOf(q).at(-2)!, shapeOf(key).at(-2)!];
    const bias = k % 2 && typeof n === 'number' && typeof m === 'number' ? { bias: p.weights(k % 4 === 1 ? [n, m] : [1, m], k) } : {};
    // scores up to 16: kernels that work out x − m anew know m to half a unit of its last place, and an exp makes that an error of the whole row
    const scores = q.size + key.size + log2(sizeOf(shapeOf(q).at(-1)!));
    const scale = scores > 5 ? 2 ** (4 - Math.ceil(scores)) : k % 5 === 0 ? 0.5 : undefined;
    const options = { ...bias, ...(scale === undefined ? {} : { scale }) };
    return p.one('attention', value.size, q, key, value, Object.keys(options).length > 0 ? options : undefined);
  },
  crossEntropy: (p, i, j, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0 && noZero(v));
    const [lead, classes] = [shapeOf(x).slice(0, -1), shapeOf(x).at(-1)!];
    const labels = p.find(
      'index',
      j,
      v => v.tensor.node.over === classes && sameShape(shapeOf(v), lead),
      () => p.one('argmin', 3, x, -1),
    );
    return p.one('crossEntropy', x.size + 3, x, labels, k % 2 ? { smoothing: 0.25 } : undefined);
  },
};
