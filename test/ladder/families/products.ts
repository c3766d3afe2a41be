// Named axes and products: einops, einsum, matmul, linear, conv2d.
import type { Arg, Value } from '../calls.ts';
import { elementsOf, rankOf, sameShape, shapeOf, sizeOf, skip } from '../maker.ts';
import { axesOf, type Family, letters, log2, noZero, orderOf, pickOf } from './common.ts';

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
export const einops: Readonly<Record<string, Family>> = {
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
