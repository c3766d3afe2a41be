// Constants and random numbers.
import type { Arg } from '../calls.ts';
import { elementsOf, type Maker, sameShape, shapeOf, skip } from '../maker.ts';
import { type Family, pickOf } from './common.ts';

/** The shape of a value, so that what is made meets it. */
const shapeLike = (p: Maker, i: number): Arg => [...shapeOf(p.pick('any', i))];
const key = (p: Maker, j: number): Arg =>
  j % 2
    ? j
    : p.find(
        'u32',
        1,
        v => sameShape(shapeOf(v), [2]) && v.op === 'input',
        () => skip(),
      );
export const made: Readonly<Record<string, Family>> = {
  full: (p, i, _, k) => p.one('full', 2, shapeLike(p, i), pickOf([1, 0, 3, 2], k >> 2), pickOf(['f32', 'i32', undefined, 'u32', 'f32', 'f16'], k)),
  constant: (p, i, j, k) => {
    const shape = shapeOf(p.pick('any', i));
    if (shape.some(d => typeof d !== 'number') || elementsOf(shape) > 24)
      return p.one(
        'constant',
        3,
        Array.from({ length: 1 + (j % 5) }, (_, n) => (n * 3 + k) % 7),
      );
    if (k % 4 === 0)
      return p.one(
        'constant',
        0,
        Array.from({ length: elementsOf(shape) }, (_, n) => (n + k) % 3 === 0),
        shape as readonly number[],
      );
    return p.weights(shape as readonly number[], k);
  },
  'random.words': (p, i, j) => p.one('random.words', 32, key(p, j), shapeLike(p, i)),
  'random.uniform': (p, i, j) => p.one('random.uniform', 0, key(p, j), shapeLike(p, i)),
  'random.normal': (p, i, j) => p.one('random.normal', 3, key(p, j), shapeLike(p, i)),
  'random.bernoulli': (p, i, j, k) => p.one('random.bernoulli', 0, key(p, j), shapeLike(p, i), pickOf([undefined, 0.25, 0.75], k)),
};
