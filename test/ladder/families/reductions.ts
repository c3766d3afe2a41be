// Reductions over one axis, two or all.
import { always, counted, type Family, keep, log2, reducedAxes, some } from './common.ts';

const reduction =
  (op: string, kind: 'any' | 'number' | 'bool' | 'float', grows: (size: number, n: number) => number, fits: (n: number) => boolean): Family =>
  (p, i, _, k) => {
    const x = p.pick(kind, i);
    const axes = reducedAxes(p, x, k, fits);
    return p.one(op, grows(x.size, counted(x, axes)), x, axes, keep(k >> 4));
  };
export const reductions: Readonly<Record<string, Family>> = {
  sum: reduction('sum', 'any', (s, n) => s + log2(n), always),
  mean: reduction('mean', 'float', s => s, some),
  max: reduction('max', 'number', s => s, some),
  min: reduction('min', 'number', s => s, some),
  any: reduction('any', 'bool', () => 0, always),
  all: reduction('all', 'bool', () => 0, always),
  argmax: reduction('argmax', 'number', (_, n) => log2(n), some),
  argmin: reduction('argmin', 'number', (_, n) => log2(n), some),
  variance: (p, i, _, k) => {
    const x = p.pick('float', i);
    const axes = reducedAxes(p, x, k, some);
    const correction = counted(x, axes) > 1 && k % 2 === 0 ? {} : { correction: 0 };
    return p.one('variance', 2 * x.size + 2, x, axes, { ...correction, ...(k & 64 ? { keepDims: true } : {}) });
  },
};
