// Patterns of einsum, read once by the type checker and once by the trace: 'bhqd,bhkd->bhqk', one letter an axis, spaces ignored, the
// output always written. A letter has one size everywhere: nothing broadcasts. A letter twice in one operand is its diagonal.
import { type Dim, type Shape, showShape } from '../dim.ts';
import type { DimEq, ShowDim, ShowShape } from '../dim-types.ts';
import { fail } from '../errors.ts';
import type { DType, Wide } from '../tensor.ts';
import type { Say } from '../words.ts';
import { agree, wants } from './dtype.ts';

// ---------------------------------------------------------------- types
type Lower =
  | 'a'
  | 'b'
  | 'c'
  | 'd'
  | 'e'
  | 'f'
  | 'g'
  | 'h'
  | 'i'
  | 'j'
  | 'k'
  | 'l'
  | 'm'
  | 'n'
  | 'o'
  | 'p'
  | 'q'
  | 'r'
  | 's'
  | 't'
  | 'u'
  | 'v'
  | 'w'
  | 'x'
  | 'y'
  | 'z';
type Letter = Lower | Uppercase<Lower>;
/** ['b','h'] of 'b h'; null when something else is in it. */
type Letters<S extends string, R extends string[] = []> = S extends ` ${infer t}`
  ? Letters<t, R>
  : S extends `${infer h extends Letter}${infer t}`
    ? Letters<t, [...R, h]>
    : S extends ''
      ? R
      : null;
type Terms<S extends string, R extends (string[] | null)[] = []> = S extends `${infer a},${infer b}`
  ? Terms<b, [...R, Letters<a>]>
  : [...R, Letters<S>];
type Parsed<P extends string> = P extends `${infer l}->${infer r}`
  ? [Terms<l>, Letters<r>] extends [infer I extends string[][], infer O extends string[]]
    ? [I, O]
    : null
  : null;
type FirstUnknown<O extends string[], Known> = O extends [infer h extends string, ...infer t extends string[]]
  ? h extends Known
    ? FirstUnknown<t, Known>
    : h
  : never;
type FirstTwice<O extends string[], Seen = never> = O extends [infer h extends string, ...infer t extends string[]]
  ? h extends Seen
    ? h
    : FirstTwice<t, Seen | h>
  : never;

/** The number of operands; B and C are never when they were not given. */
export type CountOf<B, C> = [B] extends [never] ? 1 : [C] extends [never] ? 2 : 3;
/** true, or the message about the pattern in itself. */
export type EinsumPattern<P extends string, N extends number> = string extends P
  ? true
  : Parsed<P> extends [infer I extends string[][], infer O extends string[]]
    ? I['length'] extends N
      ? [FirstTwice<O>] extends [never]
        ? [FirstUnknown<O, I[number][number]>] extends [never]
          ? true
          : Say<'einsumUnknown', [FirstUnknown<O, I[number][number]>, P]>
        : Say<'einsumTwice', [FirstTwice<O>, P]>
      : Say<'einsumCount', [P, I['length'], N]>
    : Say<'einsumArrow', [P]>;

type Join<L, R extends string = ''> = L extends [infer h extends string, ...infer t] ? Join<t, `${R}${h}`> : R;
/** The sizes of the letters after an operand of letters L and shape S, or a message. */
type Bind<L, S, E, P extends string, L0, S0 extends Shape> = L extends [infer l extends string, ...infer lr]
  ? S extends readonly [infer d, ...infer dr]
    ? l extends keyof E
      ? DimEq<d, E[l]> extends true
        ? Bind<lr, dr, E, P, L0, S0>
        : Say<'einsumLetter', [l, ShowDim<E[l]>, ShowDim<d>, P]>
      : Bind<lr, dr, E & { [k in l]: d }, P, L0, S0>
    : RankError<L0, P, S0>
  : S extends readonly []
    ? E
    : RankError<L0, P, S0>;
type RankError<L0, P extends string, S0 extends Shape> = Say<'einsumRank', [Join<L0>, LengthOf<L0>, ShowShape<S0>, S0['length'], P]>;
type LengthOf<L> = L extends readonly unknown[] ? L['length'] : never;
/** Open when the rank of an operand is unknown: its letters are left to the trace. */
type Operand<I, N extends number, S extends Shape, E, P extends string> = E extends string
  ? null
  : E extends null
    ? null
    : Wide<S> extends true
      ? null
      : Bind<At<I, N>, S, E, P, At<I, N>, S>;
type At<I, N extends number> = I extends readonly unknown[] ? I[N] : never;

/** The environment after the first n operands: a record of dims, a message of the last one, or null when an earlier one is in doubt. */
type After1<P extends string, A extends Shape> = Parsed<P> extends [infer I, unknown] ? Operand<I, 0, A, Record<never, never>, P> : null;
type After2<P extends string, A extends Shape, B extends Shape> = Parsed<P> extends [infer I, unknown] ? Operand<I, 1, B, After1<P, A>, P> : null;
type After3<P extends string, A extends Shape, B extends Shape, C extends Shape> =
  Parsed<P> extends [infer I, unknown] ? Operand<I, 2, C, After2<P, A, B>, P> : null;
type Right<P extends string, N extends number, M> = EinsumPattern<P, N> extends string ? true : M extends string ? M : true;
export type EinsumA<P extends string, N extends number, A extends Shape> = Right<P, N, After1<P, A>>;
export type EinsumB<P extends string, N extends number, A extends Shape, B extends Shape> = Right<P, N, After2<P, A, B>>;
export type EinsumC<P extends string, N extends number, A extends Shape, B extends Shape, C extends Shape> = Right<P, N, After3<P, A, B, C>>;

type All<P extends string, A extends Shape, B extends Shape, C extends Shape> = [B] extends [never]
  ? After1<P, A>
  : [C] extends [never]
    ? After2<P, A, B>
    : After3<P, A, B, C>;
/** The result's shape; open after a mistake. */
export type Einsum<P extends string, A extends Shape, B extends Shape, C extends Shape> = string extends P
  ? Shape
  : EinsumPattern<P, CountOf<B, C>> extends string
    ? Shape
    : [Parsed<P>, All<P, A, B, C>] extends [[unknown, infer O], infer E]
      ? E extends string | null
        ? Shape
        : Out<O, E>
      : Shape;
type Out<O, E, R extends Dim[] = []> = O extends [infer h extends string, ...infer t]
  ? h extends keyof E
    ? Out<t, E, [...R, E[h] & Dim]>
    : Shape
  : R;

// ---------------------------------------------------------------- values
export interface EinsumPlan {
  /** The letters of each operand, then of the output. */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly size: (letter: string) => Dim;
}
const first = (letters: string, test: (letter: string, at: number) => boolean): string | undefined => [...letters].find(test);

/** Reads a pattern against its operands, one after the other. */
export function einsum(pattern: string, operands: readonly { readonly shape: Shape; readonly dtype: DType }[]): EinsumPlan {
  const sides = pattern.replaceAll(' ', '').split('->');
  if (sides.length !== 2) fail('einsumArrow', pattern);
  const [inputs, output] = [sides[0]!.split(','), sides[1]!];
  if (![...inputs, output].every(letters => /^[A-Za-z]*$/.test(letters))) fail('einsumArrow', pattern);
  if (inputs.length !== operands.length) fail('einsumCount', pattern, inputs.length, operands.length);
  const twice = first(output, (c, i) => output.indexOf(c) < i);
  if (twice !== undefined) fail('einsumTwice', twice, pattern);
  const unknown = first(output, c => !inputs.some(l => l.includes(c)));
  if (unknown !== undefined) fail('einsumUnknown', unknown, pattern);

  const size = new Map<string, Dim>();
  inputs.forEach((letters, k) => {
    const { shape: s, dtype } = operands[k]!;
    if (k === 0) wants(dtype, 'float', 'einsum');
    else agree(operands[0]!.dtype, dtype, 'einsum');
    const wrongRank = (): never => fail('einsumRank', letters, letters.length, showShape(s), s.length, pattern);
    [...letters].forEach((c, i) => {
      const d = s[i] ?? wrongRank();
      const known = size.get(c);
      if (known !== undefined && known !== d) fail('einsumLetter', c, known, d, pattern);
      size.set(c, d);
    });
    if (letters.length !== s.length) wrongRank();
  });
  return { inputs, output, size: c => size.get(c)! };
}
