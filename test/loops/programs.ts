// Random tensor programs. A program is a list of steps of four naturals, read modulo what exists and with operands addressed from the
// end, so that any part of a program is a program and shrinking is deletion. Half of all operands are the newest value: chains are
// where index bugs live.
import type { DType } from '../../common/dtype.ts';
import { isDynamic, type Size, sameSize, showSizes } from '../../common/size.ts';
import { Graph, numel } from '../../compiler/graph/graph.ts';
import { stridesOf } from '../../compiler/loops/views.ts';
import { type ScalarFn, scalar } from '../../dsl/scalar.ts';
import { elements, type Feeds } from './run.ts';

export type Step = readonly [number, number, number, number];
export type Program = readonly Step[];
export interface Built {
  readonly graph: Graph;
  readonly outputs: readonly number[];
  /** 'flip pad': the second read the first. */
  readonly pairs: readonly string[];
}

const unary: readonly ScalarFn[] = [
  scalar('exp', ['f32'], (b, x) => b.op('exp', x)),
  scalar('square', ['f32'], (b, x) => b.op('mul', x, x)),
  scalar('shift', ['f32'], (b, x) => b.op('sub', x, b.constant(3))),
];
const binary: readonly ScalarFn[] = [
  scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y)),
  scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y)),
  scalar('weight', ['f32', 'f32'], (b, x, y) => b.op('exp', b.op('sub', x, y))),
  scalar('larger', ['f32', 'f32'], (b, x, y) => b.op('select', b.op('lt', y, x), x, b.op('add', y, b.constant(1)))),
];
const toFloat = scalar('toFloat', ['i32'], (b, i) => b.op('toF32', b.op('add', b.op('mul', i, b.constant(3, 'i32')), b.constant(1, 'i32'))));
/** −1 … size: so that both ends are clamped. */
const toIndex = (size: number) =>
  scalar('toIndex', ['f32'], (b, x) => b.op('sub', b.op('rem', b.op('toI32', x), b.constant(size + 2, 'i32')), b.constant(1, 'i32')));

const conversions: readonly (readonly [ScalarFn, DType])[] = [
  [scalar('whole', ['f32'], (b, x) => b.op('sub', b.op('toI32', x), b.constant(5000, 'i32'))), 'i32'],
  [scalar('natural', ['f32'], (b, x) => b.op('mul', b.op('toU32', x), b.constant(4000001, 'u32'))), 'u32'],
  [scalar('odd', ['f32'], (b, x) => b.op('toBool', b.op('and', b.op('toI32', x), b.constant(1, 'i32')))), 'bool'],
  [scalar('half', ['f32'], (b, x) => b.op('roundF16', x)), 'f16'],
];
const back: Partial<Record<DType, ScalarFn>> = {
  i32: scalar('fromWhole', ['i32'], (b, x) => b.op('toF32', x)),
  u32: scalar('fromNatural', ['u32'], (b, x) => b.op('toF32', b.op('rem', b.op('shr', x, b.constant(3, 'u32')), b.constant(1009, 'u32')))),
  bool: scalar('fromBool', ['bool'], (b, x) => b.op('toF32', x)),
  f16: scalar('fromHalf', ['f32'], (b, x) => b.op('neg', x)),
};

const families: Record<string, (p: Maker, x: number, j: number, k: number) => number | undefined> = {
  binary: (p, x, j, k) => p.graph.map(binary[k % 4]!, [x, p.mate(x, j, k)]),
  unary: (p, x, _, k) => p.graph.map(unary[k % 3]!, [x]),
  reduce: (p, x, j, k) => {
    const shape = p.graph.shape(x);
    if (shape.length === 0) return undefined;
    const axis = k % shape.length;
    const axes = shape.length > 1 && k & 8 ? [axis, (axis + 1) % shape.length] : [axis];
    // in the ring, the max of nothing is no constant of the program
    const empty = axes.some(a => shape[a] === 0);
    return p.graph.reduce(empty ? 'sum' : (['sum', 'max', 'min', 'sum'] as const)[j % 4]!, x, axes);
  },
  contract: (p, x, j, k) => {
    const y = p.fromEnd(j);
    const [s, t] = [p.graph.shape(x), p.graph.shape(y)];
    if (s.length === 0 || t.length === 0 || s.length + t.length > 6) return undefined;
    const axis = k % s.length;
    const hit = t.findIndex(size => sameSize(size, s[axis]!));
    if (hit < 0) return undefined;
    const share = hit !== 0 && axis !== 0 && sameSize(s[0]!, t[0]!) && (k & 16 || isDynamic(s[0]!));
    const left = s.map((_, i) => (i === axis ? 'k' : 'abcde'[i]!));
    const right = t.map((_, i) => (i === hit ? 'k' : i === 0 && share ? 'a' : 'vwxyz'[i]!));
    const out = [...new Set([...left, ...right])].filter(c => c !== 'k' && !(k & 32 && c === 'b'));
    return p.graph.contract([left.join(''), right.join('')], out.join(''), x, y);
  },
  permute: (p, x, _, k) => {
    const rank = p.graph.shape(x).length;
    return rank < 2
      ? undefined
      : p.graph.permute(
          x,
          [...Array(rank).keys()].map(i => (i + 1 + (k % (rank - 1))) % rank),
        );
  },
  reshape: (p, x, _, k) => {
    const n = numel(p.graph.shape(x));
    const count = typeof n === 'number' ? n : n.batch;
    const of = (c: number): Size => (typeof n === 'number' ? c : { batch: c });
    const by = [2, 3, 4, 5].filter(d => count % d === 0)[k % 3];
    return p.graph.reshape(x, k % 4 === 0 || by === undefined ? [n] : k % 4 === 1 ? [of(count / by), by] : [of(count / by), 1, by]);
  },
  slice: (p, x, j, k) => {
    const { shape, axis, size } = p.numberAxis(x, k);
    if (size === undefined) return undefined;
    const step = 1 + (j % 2);
    const from = Math.min(size, (j >> 1) % 3);
    const left = Math.ceil((size - from) / step);
    return shape.length === 0 ? undefined : p.graph.slice(x, axis, from, j % 32 === 31 ? 0 : Math.max(left - (k & 1), Math.min(left, 1)), step);
  },
  flip: (p, x, _, k) => {
    const { axis, size } = p.numberAxis(x, k);
    return size === undefined ? undefined : p.graph.flip(x, axis);
  },
  pad: (p, x, j, k) => {
    const { shape, axis, size } = p.numberAxis(x, k);
    const at = (n: number) => shape.map((_, i) => (i === axis ? n : 0));
    return size === undefined ? undefined : p.graph.pad(x, at(j % 3), at(k % 2), k & 8 ? 2 : 0);
  },
  concat: (p, x, j, k) => {
    const { axis, size } = p.numberAxis(x, k);
    return size === undefined ? undefined : p.graph.concat(axis, [x, p.mate(x, j, k), p.graph.map(unary[2]!, [x])]);
  },
  gather: (p, x, j, k) => {
    const { shape, axis, size } = p.numberAxis(x, k);
    if (size === undefined) return undefined;
    const index = p.index([...shape.slice(0, axis), 1 + (j % 4)], size, j, k);
    return p.graph.gather(x, index, axis);
  },
  expand: (p, x, j, k) => {
    const shape = p.graph.shape(x);
    const one = shape.indexOf(1);
    if (k % 2 && one >= 0)
      return p.graph.expand(
        x,
        shape.map((s, i) => (i === one ? 3 : s)),
        [...shape.keys()],
      );
    const at = shape.length === 0 ? 0 : isDynamic(shape[0]!) ? 1 + (j % shape.length) : j % (shape.length + 1);
    return p.graph.expand(
      x,
      [...shape.slice(0, at), 2, ...shape.slice(at)],
      [...shape.keys()].map(i => (i < at ? i : i + 1)),
    );
  },
  window: (p, x, j, k) => {
    const { axis, size } = p.numberAxis(x, k);
    return size === undefined || size < 2 ? undefined : p.graph.window(x, axis, 2, 1 + (j % 2));
  },
  iota: (p, x, _, k) => {
    const shape = p.graph.shape(x);
    return shape.length === 0 ? undefined : p.graph.map(toFloat, [p.graph.iota(shape, k % shape.length)]);
  },
  compare: (p, x, j, k) => {
    const less = p.graph.map(
      scalar('less', ['f32', 'f32'], (b, a, c) => b.op('le', a, c)),
      [x, p.mate(x, j, k)],
    );
    const shape = p.graph.shape(x);
    const any =
      shape.length > 0 && k & 4
        ? p.graph.expand(
            p.graph.reduce(k & 8 ? 'max' : 'min', less, [k % shape.length]),
            shape,
            [...shape.keys()].filter(i => i !== k % shape.length),
          )
        : less;
    return p.graph.map(
      scalar('pick', ['bool', 'f32'], (b, c, y) => b.op('select', c, y, b.op('toF32', b.op('not', c)))),
      [any, x],
    );
  },
  /** To another element type, reduced or moved there, and back. */
  convert: (p, x, j, k) => {
    const shape = p.graph.shape(x);
    const axis = k % Math.max(1, shape.length);
    const [there, type] = conversions[j % 4]!;
    const y = p.graph.map(there, [x], type);
    if (shape.length === 0 || k & 4) return p.graph.map(back[type]!, [typeof shape[axis] === 'number' ? p.graph.flip(y, axis) : y], 'f32');
    if (type === 'f16' && shape[axis] === 0) return undefined; // as in reduce
    const kinds = type === 'bool' ? (['max', 'min'] as const) : (['sum', 'max', 'min'] as const);
    return p.graph.map(back[type]!, [p.graph.reduce(kinds[(j >> 2) % kinds.length]!, y, [axis])], 'f32');
  },
  constant: (p, x, j, k) => {
    const shape = p.graph.shape(x);
    const from =
      k % 3 === 0
        ? p.graph.constant(j)
        : k % 3 === 1
          ? p.graph.input('rate', [], 'f32', 'scalar')
          : p.graph.map(toFloat, [p.graph.extent(shape[0] ?? 7)]);
    return p.graph.expand(from, shape, []);
  },
  nested: (p, x, _, k) => {
    const y = p.graph.map(unary[k % 3]!, [x]);
    p.graph.nested.add(y);
    return y;
  },
  bracket: (p, x, j, k) => (k % 2 ? p.graph.stop(x) : p.graph.call('layer', x, [], [p.fromEnd(j)])),
};
export const familyNames = Object.keys(families);
/** What the first natural of a step chooses from: index arithmetic more often, since that is where bugs hide. */
export const choices: readonly string[] = [
  ...familyNames,
  'reshape',
  'reshape',
  'reshape',
  'pad',
  'pad',
  'flip',
  'slice',
  'permute',
  'concat',
  'concat',
];

class Maker {
  readonly graph = new Graph();
  readonly values: number[];
  /** The family that made each value. */
  readonly madeBy = new Map<number, string>();
  constructor(dynamic: boolean) {
    const rows: Size = dynamic ? { batch: 1 } : 2;
    this.values = [this.graph.input('a', [3, 4]), this.graph.input('b', [4, 2]), this.graph.input('c', [rows, 3, 4])];
  }
  fromEnd(k: number): number {
    return this.values[this.values.length - 1 - (k % this.values.length)]!;
  }
  /** A second operand of x's shape: another value, expanded along an axis until it fits, else x itself. */
  mate(x: number, j: number, k: number): number {
    const shape = this.graph.shape(x);
    const y = this.fromEnd(j);
    const other = this.graph.shape(y);
    if (`${showSizes(other)}` === `${showSizes(shape)}`) return y;
    const at = [...shape.keys()].filter(i => i !== k % Math.max(1, shape.length));
    return other.length === shape.length - 1 && at.every((i, n) => sameSize(shape[i]!, other[n]!)) ? this.graph.expand(y, shape, at) : x;
  }
  numberAxis(x: number, k: number): { shape: readonly Size[]; axis: number; size: number | undefined } {
    const shape = this.graph.shape(x);
    const axis = shape.length === 0 ? 0 : k % shape.length;
    const size = shape[axis];
    return { shape, axis, size: typeof size === 'number' ? size : undefined };
  }
  /** An index from outside, from a position, or worked out from a value, with elements outside the axis. */
  index(shape: readonly Size[], size: number, j: number, k: number): number {
    const y = this.fromEnd(j >> 2);
    const from = this.graph.shape(y);
    const position = from.length - 1;
    if (k % 3 === 0) return this.graph.iota(shape, shape.length - 1);
    if (
      k % 3 === 1 &&
      from.length === shape.length &&
      typeof from[position] === 'number' &&
      from.every((s, i) => i === position || sameSize(s, shape[i]!))
    ) {
      const count = Math.min(from[position], shape[position] as number);
      const part = this.graph.pad(
        this.graph.slice(y, position, 0, count),
        shape.map(() => 0),
        shape.map((s, i) => (i === position ? (s as number) - count : 0)),
      );
      return this.graph.map(toIndex(size), [part]);
    }
    return this.graph.input(`index ${size} ${showSizes(shape)}`, shape, 'i32');
  }
}

/** A graph from a program. dynamic: one of its inputs has the batch as its leading axis. */
export function build(program: Program, dynamic = false): Built {
  const maker = new Maker(dynamic);
  const { graph, values } = maker;
  const pairs: string[] = [];
  for (const [op, i, j, k] of program) {
    const name = choices[op % choices.length]!;
    const x = maker.fromEnd(i % 2 ? 0 : i >> 1);
    const y = families[name]!(maker, x, j, k);
    if (y === undefined || y === x || !isSmall(graph.shape(y))) continue;
    const before = maker.madeBy.get(x);
    if (before !== undefined) pairs.push(`${before} ${name}`);
    maker.madeBy.set(y, name);
    values.push(y);
  }
  return { graph, outputs: [...new Set(values.slice(3).slice(-3))], pairs };
}
function isSmall(shape: readonly Size[]): boolean {
  if (shape.length > 5 || shape.filter(isDynamic).length > 1 || elements(shape, 3) > 600) return false;
  const batch = shape.findIndex(isDynamic);
  if (batch >= 0 && shape.slice(0, batch).some(s => s !== 1)) return false;
  return stridesOf(shape) !== undefined;
}
/** Values for the inputs: elements of the ring; indices −1 … size, so that both ends are clamped. */
export function feedsFor(graph: Graph, batch: number): Feeds {
  const feeds: Record<string, Float64Array> = {};
  for (const node of graph.nodes) {
    if (node.op !== 'input') continue;
    const size = /^index (\d+)/.exec(node.name)?.[1];
    const seed = [...node.name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 10007, 1);
    feeds[node.name] = Float64Array.from({ length: elements(node.shape, batch) }, (_, i) => {
      const x = ((i + 1) * 7919 + seed * (i + 3) * 131) % 10007;
      return size === undefined ? x : (x % (Number(size) + 2)) - 1;
    });
  }
  return feeds;
}
