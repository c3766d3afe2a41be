// Sorts, gathers and running sums.
import type { Arg, Value } from '../calls.ts';
import { type Maker, rankOf, sameShape, shapeOf, sizeOf } from '../maker.ts';
import { type Family, some } from './common.ts';

/** An index over an axis of x, of x's leading axes and another length. */
function indexFor(p: Maker, x: Value, axis: number, j: number, k: number): Value {
  const at = (axis + rankOf(x)) % rankOf(x);
  const n = shapeOf(x)[at]!;
  const lead = shapeOf(x).slice(0, at);
  const fits = (v: Value): boolean => v.tensor.node.over === n && rankOf(v) === at + 1 && sameShape(shapeOf(v).slice(0, at), lead);
  return p.find('index', j, fits, () => {
    if (at === rankOf(x) - 1 && k % 3 === 0) return p.one('argsort', 4, x, -1);
    if (at === rankOf(x) - 1 && k % 3 === 1) return p.one('rank', 4, x);
    const positions = p.one('iota', 4, n);
    const turned = k % 2 ? p.one('flip', 4, positions, 0) : p.one('roll', 4, positions, 1 + (k % 3), 0);
    return p.one('broadcastTo', 4, turned, [...lead, n]);
  });
}
const descending = (k: number): Arg => (k % 3 === 0 ? { descending: true } : undefined);
export const indices: Readonly<Record<string, Family>> = {
  argsort: (p, i, _, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    return p.one('argsort', 4, x, p.axis(x, k), descending(k >> 3));
  },
  rank: (p, i, _, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    return p.one('rank', 4, x, p.axis(x, k), descending(k >> 3));
  },
  topk: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k, some);
    return p.many('topk', Math.max(x.size, 4), x, 1 + (j % sizeOf(shapeOf(x).at(axis)!)), axis);
  },
  gather: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k, some);
    return p.one('gather', x.size, x, axis, indexFor(p, x, axis, j, k >> 3));
  },
  cumsum: (p, i, _, k) => {
    const x = p.pick('number', i, v => rankOf(v) > 0);
    return p.one('cumsum', x.size + 4, x, p.anyAxis(x, k));
  },
  oneHot: (p, i, _, k) => {
    if (k % 2)
      return p.one(
        'oneHot',
        0,
        p.pick('index', i, v => typeof v.tensor.node.over === 'number'),
      );
    return p.one('oneHot', 0, p.pick('i32', i), 1 + (k % 5));
  },
  iota: (p, _, j) => p.one('iota', 3, 1 + (j % 6)),
};
