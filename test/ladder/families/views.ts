// Views, parts and joins.
import type { Arg, Value } from '../calls.ts';
import { rankOf, shapeOf, sizeOf, skip, typeOf } from '../maker.ts';
import { axesOf, type Family, larger, literal, noZero, orderOf, pickOf, some } from './common.ts';

export const views: Readonly<Record<string, Family>> = {
  reshape: (p, i, _, k) => {
    const x = p.pick('any', i);
    const shape = shapeOf(x);
    if (k % 4 === 0 && shape.length > 0 && noZero(x)) return p.one('reshape', x.size, x, typeof shape[0] === 'number' ? [-1] : [shape[0]!, -1]);
    const at = shape.findIndex((d, a) => typeof d === 'number' && d > 1 && a >= k % 3);
    const size = shape[at] as number | undefined;
    const by = [2, 3, 4, 5, 7].find(d => size !== undefined && size % d === 0 && size > d);
    if (by !== undefined && k % 4 < 3) return p.one('reshape', x.size, x, [...shape.slice(0, at), size! / by, by, ...shape.slice(at + 1)]);
    const merge = shape.findIndex((d, a) => a > 0 && typeof d === 'number' && typeof shape[a - 1] === 'number');
    if (merge < 0) return p.one('reshape', x.size, x, [...shape, 1]);
    return p.one('reshape', x.size, x, [
      ...shape.slice(0, merge - 1),
      (shape[merge - 1] as number) * (shape[merge] as number),
      ...shape.slice(merge + 1),
    ]);
  },
  broadcastTo: (p, i, j, k) => {
    const x = p.pick('any', i);
    const one = shapeOf(x).indexOf(1);
    if (k % 2 && one >= 0)
      return p.one(
        'broadcastTo',
        x.size,
        x,
        shapeOf(x).map((d, a) => (a === one ? 2 + (k % 3) : d)),
      );
    if (p.dynamic && shapeOf(x).some(d => typeof d !== 'number')) return skip();
    return p.one('broadcastTo', x.size, x, [p.dynamic && j % 2 ? 'B' : 1 + (j % 3), ...shapeOf(x)]);
  },
  squeeze: (p, i, _, k) => {
    const x = p.pick('any', i);
    const ones = shapeOf(x).flatMap((d, a) => (d === 1 ? [a] : []));
    if (ones.length === 0) return p.one('squeeze', x.size, p.one('expandDims', x.size, x, k % (rankOf(x) + 1)), k % (rankOf(x) + 1));
    return p.one('squeeze', x.size, x, k % 3 === 0 ? ones : pickOf(ones, k));
  },
  expandDims: (p, i, _, k) => {
    const x = p.pick('any', i);
    const at = (k >> 1) % (rankOf(x) + 1);
    return p.one('expandDims', x.size, x, k % 2 ? at : at - rankOf(x) - 1);
  },
  permute: (p, i, _, k) => {
    const x = p.pick('any', i);
    const order = orderOf(rankOf(x), k);
    return p.one('permute', x.size, x, k % 5 === 0 ? order.map(a => a - rankOf(x)) : order);
  },
  transpose: (p, i, _, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 1);
    return k % 2 ? p.one('transpose', x.size, x) : p.one('transpose', x.size, x, k % rankOf(x), -1 - ((k >> 3) % rankOf(x)));
  },
  flip: (p, i, _, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k);
    return p.one('flip', x.size, x, k % 5 === 0 ? [axis] : axis);
  },
  roll: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    return p.one('roll', x.size, x, (j % 9) - 4, p.axis(x, k));
  },
  slice: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k);
    const n = sizeOf(shapeOf(x).at(axis)!);
    if (k % 16 === 15) return p.one('slice', x.size, x, axis, j % (n + 1), j % (n + 1));
    // most of the axis is left, so that there is something to cut again
    const from = Math.min((j >> 1) % 3, n);
    if (k % 5 === 0) return p.one('slice', x.size, x, axis, from);
    const once = p.one('slice', x.size, x, axis, from, Math.max(from, n - ((j >> 3) % 2)), 1 + ((k >> 4) % 3));
    // now and then what is left is cut again, along the same axis
    return k % 4 === 1 && sizeOf(shapeOf(once).at(axis)!) > 1 ? p.one('slice', x.size, once, axis, 1, undefined, 1 + (j % 2)) : once;
  },
  split: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k, some);
    const n = sizeOf(shapeOf(x).at(axis)!);
    const parts = [2, 3, 4, 1].find(d => n % d === 0)!;
    const cut = j % (n + 1);
    return p.many('split', x.size, x, axis, j % 2 && parts > 1 ? parts : [cut, n - cut]);
  },
  unbind: (p, i, _, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    return p.many(
      'unbind',
      x.size,
      x,
      p.axis(x, k, n => n > 0 && n <= 3),
    );
  },
  concat: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const axis = p.axis(x, k);
    const at = (axis + rankOf(x)) % rankOf(x);
    const fits = (v: Value): boolean =>
      typeOf(v) === typeOf(x) && rankOf(v) === rankOf(x) && shapeOf(v).every((d, a) => a === at || d === shapeOf(x)[a]);
    const y = p.find(
      'any',
      j,
      v => fits(v) && typeof shapeOf(v)[at] === 'number',
      () => x,
    );
    const list = k % 3 === 0 ? [y, x] : k % 3 === 1 ? [x, y] : [x, y, x];
    return p.one('concat', larger(x.size, y.size), list, axis);
  },
  stack: (p, i, j, k) => {
    const x = p.pick('any', i);
    const y = p.mate(x, j, false);
    return p.one('stack', larger(x.size, y.size), k % 3 ? [x, y] : [y, x, x], (k % (rankOf(x) + 1)) - (k & 16 ? rankOf(x) + 1 : 0));
  },
  pad: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0);
    const at = (p.axis(x, k) + rankOf(x)) % rankOf(x);
    const width = (a: number): Arg =>
      a === at ? [j % 3, (j >> 2) % 3] : a === at + 1 && k & 64 && typeof shapeOf(x)[a] === 'number' ? [1, 0] : [0, 0];
    const value = typeOf(x) === 'bool' || k % 3 === 0 ? undefined : { value: Math.abs(literal(p, x, k >> 3)) };
    return p.one('pad', x.size + 1, x, axesOf(x).map(width), value);
  },
};
