// Patterns of rearrange, repeat and reduce (Rogozhnikov, "Einops", ICLR 2022), read once by the type checker and once by the trace:
// 'n c (h p) (w q) -> n (h w) (p q c)'. Both halves read a pattern by the same steps and judge it in the same order.
import { type Dim, dimDiv, dimMul, type Shape } from '../dim.ts';
import type { Canon, DimDiv, DimEq, DimMul, ShowDim } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { Wide } from '../tensor.ts';
import type { Say } from '../words.ts';

export type EinopsOp = 'rearrange' | 'repeat' | 'reduce';

// ---------------------------------------------------------------- types: text → groups of names, one group an axis
type Words<S extends string, R extends string[] = []> = S extends ` ${infer t}`
  ? Words<t, R>
  : S extends `${infer a} ${infer b}`
    ? Words<b, [...R, a]>
    : S extends ''
      ? R
      : [...R, S];
type Paren = `${string}${'(' | ')'}${string}`;
/** [['n'], ['h', 'w']] of 'n (h w)'; null when the parentheses do not pair. */
type Groups<S extends string, R extends string[][] = []> = S extends ` ${infer t}`
  ? Groups<t, R>
  : S extends `(${infer g})${infer t}`
    ? g extends Paren
      ? null
      : Groups<t, [...R, Words<g>]>
    : S extends `${infer a} ${infer t}`
      ? a extends Paren
        ? null
        : Groups<t, [...R, [a]]>
      : S extends ''
        ? R
        : S extends Paren
          ? null
          : [...R, [S]];
type Flat<G extends string[][], R extends string[] = []> = G extends [infer g extends string[], ...infer t extends string[][]]
  ? Flat<t, [...R, ...g]>
  : R;
type Join<L extends string[], R extends string = ''> = L extends [infer h extends string, ...infer t extends string[]]
  ? Join<t, R extends '' ? h : `${R} ${h}`>
  : R;
/** The first name of L that is not in the union Known ('1' is no name); never when there is none. */
type FirstOutside<L extends string[], Known> = L extends [infer h extends string, ...infer t extends string[]]
  ? h extends Known | '1'
    ? FirstOutside<t, Known>
    : h
  : never;
type FirstTwice<L extends string[], Seen = never> = L extends [infer h extends string, ...infer t extends string[]]
  ? h extends '1'
    ? FirstTwice<t, Seen>
    : h extends Seen
      ? h
      : FirstTwice<t, Seen | h>
  : never;

// ---------------------------------------------------------------- types: what each op lets a pattern say
type Judge<Op extends EinopsOp, P extends string, L extends string[], R extends string[], Z> = [FirstTwice<L>] extends [never]
  ? [FirstTwice<R>] extends [never]
    ? [Lost<Op, L, R>] extends [never]
      ? [Invented<Op, L, R, Z>] extends [never]
        ? [Exclude<keyof Z, L[number] | R[number]>] extends [never]
          ? true
          : Say<'einopsUnknown', [Op, Exclude<keyof Z, L[number] | R[number]>, P]>
        : Say<Op extends 'repeat' ? 'einopsNewSize' : 'einopsInvented', [Op, Invented<Op, L, R, Z>, P]>
      : Say<'einopsLost', [Op, Lost<Op, L, R>, P]>
    : Say<'einopsTwice', [Op, FirstTwice<R>, P]>
  : Say<'einopsTwice', [Op, FirstTwice<L>, P]>;
type Lost<Op, L extends string[], R extends string[]> = Op extends 'reduce' ? never : FirstOutside<L, R[number]>;
type Invented<Op, L extends string[], R extends string[], Z> = FirstOutside<R, L[number] | (Op extends 'repeat' ? keyof Z : never)>;

// ---------------------------------------------------------------- types: names → dims
/** The environment with the names of the left side bound, or a message. */
type Bind<Op extends string, G extends string[][], S, E, P extends string, G0 extends string[][], S0 extends Shape> = G extends [
  infer g extends string[],
  ...infer gr extends string[][],
]
  ? S extends readonly [infer d, ...infer dr]
    ? Open<g, E> extends [infer open, infer known]
      ? open extends []
        ? DimEq<d, known> extends true
          ? Bind<Op, gr, dr, E, P, G0, S0>
          : g extends [infer a extends string]
            ? Say<'einopsAxis', [Op, a, ShowDim<known>, ShowDim<d>, P]>
            : Say<'einopsGroup', [Op, Join<g>, ShowDim<known>, ShowDim<d>, P]>
        : open extends [infer a extends string]
          ? DimDiv<d, known> extends infer q extends Dim
            ? Bind<Op, gr, dr, E & { [k in a]: q }, P, G0, S0>
            : Say<'einopsDivide', [Op, ShowDim<d>, ShowDim<known>, a, P]>
          : Say<'einopsOpen', [Op, Join<g>, P]>
      : never
    : Say<'einopsRank', [Op, P, G0['length'], S0['length']]>
  : S extends readonly []
    ? E
    : Say<'einopsRank', [Op, P, G0['length'], S0['length']]>;
/** [the names without a size, the product of the others] */
type Open<G extends string[], E, O extends string[] = [], K = 1> = G extends [infer a extends string, ...infer r extends string[]]
  ? a extends keyof E
    ? Open<r, E, O, DimMul<K, E[a]>>
    : a extends '1'
      ? Open<r, E, O, K>
      : Open<r, E, [...O, a], K>
  : [O, K];
type Out<G extends string[][], E, R extends Dim[] = []> = G extends [infer g extends string[], ...infer r extends string[][]]
  ? Open<g, E> extends [unknown, infer k extends Dim]
    ? Out<r, E, [...R, k]>
    : never
  : R;
type SizesOf<Z> = { [K in keyof Z]: Canon<Z[K]> };

/** The result's shape, or a message about the pattern and its sizes. */
export type Einops<Op extends EinopsOp, P extends string, S extends Shape, Z> = string extends P
  ? Shape
  : P extends `${infer l}->${infer r}`
    ? r extends `${string}->${string}`
      ? Say<'einopsArrow', [Op, P]>
      : [Groups<l>, Groups<r>] extends [infer L extends string[][], infer R extends string[][]]
        ? Judge<Op, P, Flat<L>, Flat<R>, Z> extends infer J extends string
          ? J
          : Wide<S> extends true
            ? Shape
            : Bind<Op, L, S, SizesOf<Z>, P, L, S> extends infer E
              ? E extends string
                ? E
                : Out<R, E>
              : never
        : Say<'einopsGroups', [Op, P]>
    : Say<'einopsArrow', [Op, P]>;

// ---------------------------------------------------------------- values
export interface EinopsPlan {
  /** The names of the left side, each an axis once the groups are taken apart. */
  readonly left: readonly string[];
  /** The names of the right side, before they are grouped. */
  readonly right: readonly string[];
  readonly shape: Shape;
  readonly size: (name: string) => Dim;
}
/** 'n (h w)' as [['n'], ['h', 'w']]; null when the parentheses do not pair. */
function groups(side: string): string[][] | null {
  const out: string[][] = [];
  let rest = side.trimStart();
  while (rest !== '') {
    const token = /^\(([^)]*)\)|^([^ ]+) ?/.exec(rest)!;
    const [text, group, name] = token;
    if (/[()]/.test(group ?? name!)) return null;
    out.push(group === undefined ? [name!] : group.split(' ').filter(w => w !== ''));
    rest = rest.slice(text.length).trimStart();
  }
  return out;
}
const named = (side: readonly string[][]): string[] => side.flat().filter(a => a !== '1');
const firstTwice = (names: readonly string[]): string | undefined => names.find((a, i) => names.indexOf(a) < i);

/** Reads a pattern against a shape. */
export function einops(op: EinopsOp, pattern: string, s: Shape, sizes: Readonly<Record<string, Dim>>): EinopsPlan {
  const sides = pattern.split('->');
  if (sides.length !== 2) fail('einopsArrow', op, pattern);
  const [left, right] = [groups(sides[0]!), groups(sides[1]!)];
  if (!left || !right) fail('einopsGroups', op, pattern);
  const [l, r] = [named(left), named(right)];
  const twice = firstTwice(l) ?? firstTwice(r);
  if (twice !== undefined) fail('einopsTwice', op, twice, pattern);
  const lost = op === 'reduce' ? undefined : l.find(a => !r.includes(a));
  if (lost !== undefined) fail('einopsLost', op, lost, pattern);
  const invented = r.find(a => !l.includes(a) && !(op === 'repeat' && Object.hasOwn(sizes, a)));
  if (invented !== undefined) fail(op === 'repeat' ? 'einopsNewSize' : 'einopsInvented', op, invented, pattern);
  const unknown = Object.keys(sizes).find(a => !l.includes(a) && !r.includes(a));
  if (unknown !== undefined) fail('einopsUnknown', op, unknown, pattern);

  const size = bind(op, pattern, left, s, sizes);
  return { left: l, right: r, shape: right.map(g => product(g, size)), size: a => size.get(a)! };
}
const product = (group: readonly string[], size: ReadonlyMap<string, Dim>): Dim => group.reduce<Dim>((k, a) => dimMul(k, size.get(a) ?? 1), 1);
function bind(op: EinopsOp, pattern: string, left: readonly string[][], s: Shape, sizes: Readonly<Record<string, Dim>>): Map<string, Dim> {
  const size = new Map(Object.entries(sizes));
  left.forEach((group, i) => {
    const d = s[i];
    if (d === undefined) fail('einopsRank', op, pattern, left.length, s.length);
    const open = group.filter(a => a !== '1' && !size.has(a));
    const known = product(group, size);
    if (open.length > 1) fail('einopsOpen', op, group.join(' '), pattern);
    if (open.length === 1) size.set(open[0]!, dimDiv(d, known) ?? fail('einopsDivide', op, d, known, open[0]!, pattern));
    else if (d !== known)
      group.length === 1 ? fail('einopsAxis', op, group[0]!, known, d, pattern) : fail('einopsGroup', op, group.join(' '), known, d, pattern);
  });
  if (left.length !== s.length) fail('einopsRank', op, pattern, left.length, s.length);
  return size;
}
