// Elementwise functions, comparisons, conditions and casts.
import type { Arg, Value } from '../calls.ts';
import { type Maker, sameShape, shapeOf, skip, typeOf } from '../maker.ts';
import { type Family, larger, literal, pickOf, positive, product, small, sum } from './common.ts';

function binary(op: string, grows: (a: number, b: number) => number, kind: 'number' | 'float' = 'number'): Family {
  return (p, i, j, k) => {
    const x = p.pick(kind, i);
    if (k % 5 === 0) {
      const n = literal(p, x, k >> 3);
      return p.one(op, grows(x.size, 2), ...(k % 2 ? [n, x] : [x, n]));
    }
    const y = p.mate(x, j);
    return p.one(op, grows(x.size, y.size), ...(k % 2 ? [y, x] : [x, y]));
  };
}
const unary =
  (op: string, grows: (size: number) => number, guard: (p: Maker, x: Value) => Value = (_, x) => x, options: readonly Arg[] = [undefined]): Family =>
  (p, i, _, k) => {
    const x = guard(p, p.pick(k % 7 === 0 ? 'float' : 'f32', i));
    return p.one(op, grows(x.size), x, pickOf(options, k));
  };
const numeric =
  (op: string): Family =>
  (p, i) => {
    const x = p.pick('number', i, v => typeOf(v) !== 'u32');
    return p.one(op, x.size, x);
  };
const comparison =
  (op: string): Family =>
  (p, i, j, k) => {
    const x = p.pick(op === 'equal' && k % 4 === 0 ? 'any' : 'number', i);
    if (k % 3 === 0 && typeOf(x) !== 'bool') return p.one(op, 0, x, literal(p, x, k));
    const y = p.mate(x, j);
    return p.one(op, 0, ...(k % 2 ? [y, x] : [x, y]));
  };
const connective =
  (op: string): Family =>
  (p, i, j) => {
    const x = p.pick('bool', i);
    return p.one(op, 0, x, p.mate(x, j));
  };
/** A condition of the shape of x. */
const conditionFor = (p: Maker, x: Value, j: number): Value =>
  p.find(
    'bool',
    j,
    v => sameShape(shapeOf(v), shapeOf(x)),
    () =>
      p.one(
        'greater',
        0,
        p.find(
          'number',
          j,
          v => sameShape(shapeOf(v), shapeOf(x)),
          () => skip(),
        ),
        0,
      ),
  );

export const elementwise: Readonly<Record<string, Family>> = {
  add: binary('add', sum),
  sub: binary('sub', sum),
  mul: binary('mul', product),
  maximum: binary('maximum', larger),
  minimum: binary('minimum', larger),
  div: (p, i, j, k) => {
    const x = p.pick('f32', i);
    const y = positive(p, p.mate(x, j));
    return k % 3 === 0 ? p.one('div', x.size, x, pickOf([2, 3, -0.5], k >> 2)) : p.one('div', x.size + 1, x, y);
  },
  pow: (p, i, j, k) => {
    const x = p.pick('f32', i);
    if (k % 3 < 2) return p.one('pow', x.size * 3, x, pickOf([2, 3, 0, 1], k >> 2));
    const base = positive(p, small(p, x));
    if (k % 2) return p.one('pow', 8, base, pickOf([-1, 0.5, -2], k >> 2));
    return p.one('pow', 8, base, p.one('clamp', 1, p.mate(x, j, false), { min: -2, max: 2 }));
  },
  exp: unary('exp', () => 12, small),
  log: unary('log', () => 4, positive),
  sqrt: unary('sqrt', s => s / 2 + 1, positive),
  rsqrt: unary('rsqrt', () => 1, positive),
  tanh: unary('tanh', () => 0),
  erf: unary('erf', () => 0),
  sin: unary('sin', () => 0, small),
  cos: unary('cos', () => 0, small),
  sigmoid: unary('sigmoid', () => 0),
  silu: unary('silu', s => s),
  relu: unary('relu', s => s),
  gelu: unary('gelu', s => s, undefined, [undefined, { approximate: 'tanh' }]),
  abs: numeric('abs'),
  neg: numeric('neg'),
  sign: unary('sign', () => 0),
  floor: unary('floor', s => s + 1),
  clamp: (p, i, _, k) => {
    const x = p.pick('number', i, v => typeOf(v) !== 'u32' && v.tensor.node.over === undefined);
    return p.one('clamp', x.size, x, pickOf<Arg>([{ min: -1, max: 2 }, { min: 0 }, { max: 3 }, { min: 1, max: 1 }], k));
  },
  equal: comparison('equal'),
  less: comparison('less'),
  lessEqual: comparison('lessEqual'),
  greater: comparison('greater'),
  greaterEqual: comparison('greaterEqual'),
  and: connective('and'),
  or: connective('or'),
  not: (p, i) => p.one('not', 0, p.pick('bool', i)),
  where: (p, i, j, k) => {
    const x = p.pick('any', i);
    const c = conditionFor(p, x, j);
    if (k % 4 === 0 && typeOf(x) !== 'bool' && x.tensor.node.over === undefined) return p.one('where', x.size + 1, c, literal(p, x, k >> 2), x);
    const y = p.mate(x, j);
    return p.one('where', larger(x.size, y.size), c, ...(k % 2 ? [y, x] : [x, y]));
  },
  cast: (p, i, _, k) => {
    const x = p.pick('any', i);
    const to = pickOf(['f32', 'i32', 'f32', 'bool', 'f16', 'u32', 'f32'], k);
    // a half holds 11 bits; integers that wrap are no whole floats
    const narrow = to === 'f16' && x.size > 10 ? p.one('clamp', 8, p.pick('f32', i), { min: -200, max: 200 }) : x;
    return p.one('cast', to === 'u32' ? 32 : narrow.size, narrow, to);
  },
  stopGradient: (p, i) => {
    const x = p.pick('any', i);
    return p.one('stopGradient', x.size, x);
  },
};
