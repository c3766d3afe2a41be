// Rules of element types, as a type (true or a ✗ message) and as a function (nothing or a ShapeError). After a mistake a dtype is the
// whole union `DType`: every rule lets it pass, so that one mistake stays one error.
import { fail } from '../errors.ts';
import { type DType, dtypeName, type Index, type ShowDType } from '../tensor.ts';
import type { Say } from '../words.ts';

/** What an op may ask of its operand, and its name in messages. */
interface Kinds {
  float: 'f32' | 'f16';
  number: 'f32' | 'f16' | 'i32' | 'u32' | Index;
  bool: 'bool';
  any: DType;
}
export type Kind = keyof Kinds;
const kindNames = { float: 'f32 or f16', number: 'numbers', bool: 'bool', any: 'anything' } as const;
type KindNames = typeof kindNames;
const kinds: { readonly [K in Kind]: readonly string[] } = {
  float: ['f32', 'f16'],
  number: ['f32', 'f16', 'i32', 'u32'],
  bool: ['bool'],
  any: ['f32', 'f16', 'i32', 'u32', 'bool'],
};

export type Wants<D, K extends Kind, Op extends string> = [DType] extends [D]
  ? true
  : [D] extends [Kinds[K]]
    ? true
    : Say<'wants', [Op, KindNames[K], ShowDType<D>]>;
export function wants(d: DType, kind: Kind, op: string): void {
  if (!kinds[kind].includes(plain(d))) fail('wants', op, kindNames[kind], dtypeName(d));
}

/** S, or the message of an operand that is not of the kind. */
export type Elementwise<S, D, K extends Kind, Op extends string> = Wants<D, K, Op> extends infer M extends string ? M : S;
/** The element type D of a result under the rule R; open after a mistake. */
export type OkType<R, D> = R extends string ? DType : D extends DType ? D : DType;

/** An index is an i32 once it is computed with. */
export type Plain<D> = D extends Index ? 'i32' : D;
export const plain = (d: DType): Exclude<DType, Index> => (typeof d === 'object' ? 'i32' : d);

/** Equal element types (an index counts as i32), or one is not known. */
export type SameDType<D, E> = [Plain<D>, Plain<E>] extends [Plain<E>, Plain<D>]
  ? true
  : [DType] extends [D]
    ? true
    : [DType] extends [E]
      ? true
      : false;
export type Agree<D, E, Op extends string> = SameDType<D, E> extends true ? true : Say<'dtypes', [Op, ShowDType<D>, ShowDType<E>]>;
export function agree(d: DType, e: DType, op: string): void {
  if (plain(d) !== plain(e)) fail('dtypes', op, dtypeName(d), dtypeName(e));
}
/** The common type of operands that agree: an index only when both are over the same extent. */
export type Common<D, E> = [D, E] extends [E, D] ? D : Plain<D>;
export function common(d: DType, e: DType): DType {
  return dtypeName(d) === dtypeName(e) ? d : plain(d);
}

/** May the number N stand beside a tensor of D? */
export type NumberFor<D, N, Op extends string> = [DType] extends [D]
  ? true
  : Plain<D> extends 'f32' | 'f16'
    ? true
    : D extends 'bool'
      ? Say<'numberOfBool', [Op, ShowNumber<N>]>
      : number extends N
        ? true
        : N extends { readonly dim: unknown } // a size: whole, and from 0
          ? true
          : `${N & number}` extends `${bigint}`
            ? Plain<D> extends 'u32'
              ? `${N & number}` extends `-${string}`
                ? Say<'negativeUnsigned', [Op, N, 'u32']>
                : true
              : true
            : Say<'wholeNumber', [Op, N, Plain<D>]>;
type ShowNumber<N> = number extends N ? 'the number' : N;
export function numberFor(d: DType, n: number, op: string): void {
  const p = plain(d);
  if (p === 'f32' || p === 'f16') return;
  if (p === 'bool') fail('numberOfBool', op, n);
  if (!/^-?\d+$/.test(`${n}`)) fail('wholeNumber', op, n, p);
  if (p === 'u32' && n < 0) fail('negativeUnsigned', op, n, p);
}
