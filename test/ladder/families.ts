// One way or more to call each op of the language on what a random program has so far. A family gets the program and three naturals, i and j
// to choose operands from the end and k for everything else; it calls ops, or skips where nothing fits. Domains are kept (no logarithm
// of 0, no mean of nothing), so that a number that is not finite is a bug.
import type { Arg, Value } from './calls.ts';
import { elementsOf, type Maker, rankOf, sameShape, shapeOf, sizeOf, skip, typeOf } from './maker.ts';

export type Family = (p: Maker, i: number, j: number, k: number) => unknown;

const letters = 'abcdefgh';
const axesOf = (v: Value): number[] => [...Array(rankOf(v)).keys()];
const log2 = (n: number): number => Math.ceil(Math.log2(Math.max(1, n)));
const pickOf = <T>(list: readonly T[], k: number): T => list[k % list.length]!;
const noZero = (v: Value): boolean => elementsOf(shapeOf(v)) > 0;
/** |x| + ½ (or + 1), away from 0. */
const positive = (p: Maker, x: Value): Value => p.one('add', x.size + 1, p.one('abs', x.size, x), p.exact ? 1 : 0.5);
/** Not too large for exp. */
const small = (p: Maker, x: Value): Value => (x.size <= 3 ? x : p.one('clamp', 3, x, { min: -8, max: 8 }));
/** A number to meet x, whole for integers. */
const literal = (p: Maker, x: Value, k: number): number =>
  typeOf(x) === 'u32' ? pickOf([1, 2, 7], k) : p.exact || !/^f/.test(typeOf(x)) ? pickOf([2, -1, 3, 0], k) : pickOf([2, -1, 0.5, 3, -0.25], k);
/** An order of n axes. */
const orderOf = (n: number, k: number): number[] => {
  const left = [...Array(n).keys()];
  return Array.from({ length: n }, (_, i) => left.splice((k >> i) % left.length, 1)[0]!);
};
/** Axes of a reduction: one, two, all by leaving them out; with `fits` of each. Undefined stands for all. */
function reducedAxes(p: Maker, x: Value, k: number, fits: (size: number) => boolean = () => true): number | number[] | undefined {
  if (k % 8 === 7 && shapeOf(x).every(d => fits(sizeOf(d)))) return undefined;
  const axis = p.anyAxis(x, k >> 3, fits);
  const other = ((axis + rankOf(x)) % rankOf(x)) + 1;
  return k % 8 === 6 && other < rankOf(x) && fits(sizeOf(shapeOf(x)[other]!)) ? [axis, other] : axis;
}
const counted = (x: Value, axes: number | number[] | undefined): number =>
  (axes === undefined ? axesOf(x) : [axes].flat()).reduce((n, a) => n * sizeOf(shapeOf(x).at(a)!), 1);
const keep = (k: number): Arg => (k % 3 === 0 ? { keepDims: true } : undefined);

// ---------------------------------------------------------------- elementwise
const sum: (a: number, b: number) => number = (a, b) => Math.max(a, b) + 1;
const product: (a: number, b: number) => number = (a, b) => a + b;
const larger: (a: number, b: number) => number = Math.max;
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

const elementwise: Readonly<Record<string, Family>> = {
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

// ---------------------------------------------------------------- reductions
const reduction =
  (op: string, kind: 'any' | 'number' | 'bool' | 'float', grows: (size: number, n: number) => number, fits: (n: number) => boolean): Family =>
  (p, i, _, k) => {
    const x = p.pick(kind, i);
    const axes = reducedAxes(p, x, k, fits);
    return p.one(op, grows(x.size, counted(x, axes)), x, axes, keep(k >> 4));
  };
const some = (n: number): boolean => n > 0;
const always = (): boolean => true;
const reductions: Readonly<Record<string, Family>> = {
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

// ---------------------------------------------------------------- views and parts
const views: Readonly<Record<string, Family>> = {
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
    return p.one('slice', x.size, x, axis, from, Math.max(from, n - ((j >> 3) % 2)), 1 + ((k >> 4) % 3));
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

// ---------------------------------------------------------------- einops and products
const named = (x: Value): string[] => axesOf(x).map(a => letters[a]!);
/** A split of one axis on the left side, and its sizes. */
function splitSide(x: Value, k: number): { left: string; names: string[]; sizes: Record<string, Arg> } {
  const at = shapeOf(x).findIndex(d => typeof d === 'number' && d > 0 && d % 2 === 0);
  if (at < 0 || k % 3 === 0) return { left: named(x).join(' '), names: named(x), sizes: {} };
  const names = named(x).flatMap((c, a) => (a === at ? [c, 'z'] : [c]));
  return {
    left: named(x)
      .map((c, a) => (a === at ? `(${c} z)` : c))
      .join(' '),
    names,
    sizes: { z: 2 },
  };
}
const optional = (sizes: Record<string, Arg>): Arg => (Object.keys(sizes).length > 0 ? sizes : undefined);
/** Axes on the right side, now and then two in one group. */
const side = (names: readonly string[], k: number): string => {
  if (names.length < 2 || k % 2) return names.join(' ');
  const at = k % (names.length - 1);
  return names.flatMap((c, a) => (a === at ? [`(${c} ${names[a + 1]})`] : a === at + 1 ? [] : [c])).join(' ');
};
const einops: Readonly<Record<string, Family>> = {
  rearrange: (p, i, j, k) => {
    const x = p.pick('any', i, v => rankOf(v) > 0 && noZero(v));
    const { left, names, sizes } = splitSide(x, k);
    return p.one(
      'rearrange',
      x.size,
      x,
      `${left} -> ${side(
        orderOf(names.length, j).map(a => names[a]!),
        k >> 2,
      )}`,
      optional(sizes),
    );
  },
  repeat: (p, i, j, k) => {
    const x = p.pick('any', i, noZero);
    const names = named(x);
    const at = p.dynamic ? 1 + (k % names.length || 0) : k % (names.length + 1);
    const right = [...names.slice(0, at), 'r', ...names.slice(at)];
    return p.one('repeat', x.size, x, `${names.join(' ')} -> ${side(right, j)}`, { r: 2 + (j % 2) });
  },
  reduce: (p, i, j, k) => {
    const kind = pickOf(['sum', 'max', 'mean', 'min'], k >> 2);
    const x = p.pick(kind === 'mean' ? 'float' : 'number', i, v => rankOf(v) > 0 && noZero(v));
    const { left, names, sizes } = splitSide(x, k);
    const gone = j % names.length;
    const kept = orderOf(names.length - 1, j >> 2).map(a => names.filter((_, n) => n !== gone)[a]!);
    return p.one('reduce', x.size + 5, x, `${left} -> ${kept.join(' ')}`, kind, optional(sizes));
  },
  einsum: (p, i, j, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0 && rankOf(v) < 4);
    const grown = (v: Value): number => x.size + v.size + log2(elementsOf(shapeOf(x)));
    const own = named(x);
    if (k % 5 === 0)
      return p.one(
        'einsum',
        x.size + log2(elementsOf(shapeOf(x))),
        `${own.join('')}->${orderOf(own.length, k)
          .slice(0, own.length - (k % 2))
          .map(a => own[a]!)
          .join('')}`,
        x,
      );
    const y = p.find(
      'f32',
      j,
      v => rankOf(v) > 0 && rankOf(v) < 4,
      () => x,
    );
    // an axis of y takes the letter of an axis of x of its size, each once; others are new
    const free = own.map((c, a) => [c, shapeOf(x)[a]!] as const);
    const other = shapeOf(y).map((d, a) => {
      const hit = free.findIndex(([, size]) => size === d);
      return hit >= 0 && ((k >> (a + 3)) & 1 || typeof d !== 'number') ? free.splice(hit, 1)[0]![0] : 'wxyz'[a]!;
    });
    const all = [...new Set([...own, ...other])];
    const shared = own.filter(c => other.includes(c));
    const out = all.filter(c => !(shared.includes(c) && c === shared.at(-1)) && !(k % 3 === 0 && c === all.at(-1)));
    const [pattern, list] =
      k % 7 === 0 ? [`${own.join('')},${other.join('')},${own.join('')}`, [x, y, x]] : [`${own.join('')},${other.join('')}`, [x, y]];
    return p.one('einsum', grown(y) + (list.length > 2 ? x.size : 0), `${pattern}->${k % 2 ? out.toReversed().join('') : out.join('')}`, ...list);
  },
  matmul: (p, i, j, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 1);
    const [rank, inner] = [rankOf(x), shapeOf(x).at(-1)!];
    const lead = shapeOf(x).slice(0, -2);
    const fits = (v: Value): boolean => rankOf(v) > 1 && shapeOf(v).at(-2) === inner && (rankOf(v) === 2 || sameShape(shapeOf(v).slice(0, -2), lead));
    const y = p.find('f32', j, fits, () =>
      k % 2 && typeof inner === 'number' ? p.weights([inner, 1 + (k % 4)], k) : p.one('transpose', x.size, x, rank - 1, rank - 2),
    );
    return p.one('matmul', x.size + y.size + log2(sizeOf(inner)), x, y);
  },
  linear: (p, i, j, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0);
    const inner = shapeOf(x).at(-1)!;
    const w = p.find(
      'f32',
      j,
      v => rankOf(v) === 2 && shapeOf(v)[1] === inner && typeof shapeOf(v)[0] === 'number',
      () => (typeof inner === 'number' ? p.weights([1 + (k % 4), inner], k) : skip()),
    );
    const out = shapeOf(w)[0] as number;
    const bias =
      k % 3 === 0
        ? undefined
        : p.find(
            'f32',
            j,
            v => sameShape(shapeOf(v), [out]),
            () => p.weights([out], k),
          );
    return p.one('linear', x.size + w.size + log2(sizeOf(inner)) + 1, x, w, bias);
  },
  conv2d: (p, i, j, k) => {
    const given = p.pick(
      'f32',
      i,
      v =>
        rankOf(v) > 1 &&
        rankOf(v) < 5 &&
        shapeOf(v)
          .slice(1)
          .every(d => typeof d === 'number'),
    );
    const x =
      rankOf(given) === 4
        ? given
        : rankOf(given) === 3
          ? p.one('expandDims', given.size, given, 1)
          : p.one('reshape', given.size, given, [shapeOf(given)[0]!, 1, 1, shapeOf(given)[1]!]);
    const [, c, h, w] = shapeOf(x) as [number, number, number, number];
    const pad = [j % 2, (j >> 1) % 2] as const;
    const kernel = [Math.min(1 + (k % 3), h + 2 * pad[0]), Math.min(1 + ((k >> 2) % 3), w + 2 * pad[1])] as const;
    if (kernel[0] === 0 || kernel[1] === 0) return skip();
    const out = 1 + (j % 3);
    const stride = pickOf<Arg>([undefined, 2, [1, 2]], k >> 4);
    const options = {
      ...(stride === undefined ? {} : { stride }),
      ...(j % 4 === 0 ? {} : { pad: [...pad] }),
      ...(k % 2 ? { bias: p.weights([out], j) } : {}),
    };
    return p.one('conv2d', x.size + log2(c * kernel[0] * kernel[1]) + 2, x, p.weights([out, c, ...kernel], k), options);
  },
};

// ---------------------------------------------------------------- layers
const alongAxis =
  (op: string, grows: (size: number) => number): Family =>
  (p, i, _, k) => {
    const x = p.pick('f32', i, v => rankOf(v) > 0 && noZero(v));
    return p.one(op, grows(x.size), x, p.anyAxis(x, k));
  };
const nn: Readonly<Record<string, Family>> = {
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
    const options = { ...bias, ...(k % 5 === 0 ? { scale: 0.5 } : {}) };
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

// ---------------------------------------------------------------- indices
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
const indices: Readonly<Record<string, Family>> = {
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

// ---------------------------------------------------------------- from nothing
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
const made: Readonly<Record<string, Family>> = {
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

export const families: Readonly<Record<string, Family>> = { ...elementwise, ...reductions, ...views, ...einops, ...nn, ...indices, ...made };
/** What rounds: left out where all must stay whole. */
const inexact = new Set(
  'div pow exp log sqrt rsqrt tanh erf sin cos sigmoid silu gelu mean variance softmax logSoftmax logsumexp layerNorm attention crossEntropy random.uniform random.normal'.split(
    ' ',
  ),
);
export const allOps: readonly string[] = Object.keys(families);
export const wholeOps: readonly string[] = allOps.filter(op => !inexact.has(op));
/** What moves elements and little else: programs of these alone are where index arithmetic meets itself. */
export const movingOps: readonly string[] = [
  ...Object.keys(views),
  ...'reshape permute flip slice slice pad pad concat gather split roll broadcastTo'.split(' '),
  ...'rearrange repeat reduce einsum matmul conv2d gather argsort topk cumsum sum max argmax add mul maximum where less cast neg relu'.split(' '),
];
