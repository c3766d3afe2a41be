// Rules of ops on two operands, either of which may be a number. A mistake sits on the operand that makes it: a wrong element type of
// the left one on the left one, a disagreement on the right one.
import type { Shape } from '../dim.ts';
import { fail } from '../errors.ts';
import { isPlaceholder } from '../sizes.ts';
import { type DType, dtypeOf, isTensor, type Tensor } from '../tensor.ts';
import type { Say } from '../words.ts';
import { type Broadcast, broadcast, type Where, type WhereFirst, where, whereFirst } from './broadcast.ts';
import { type Agree, agree, type Common, common, type Kind, type NumberFor, numberFor, type Plain, plain, type Wants, wants } from './dtype.ts';

export type Operand = Tensor | number;
/** What came as an operand, checked at run time: a size that is still a placeholder says so in its own words. */
export function operand(x: unknown, op: string): Operand {
  if (typeof x === 'number' || isTensor(x)) return x;
  if (isPlaceholder(x)) Number(x);
  return fail('operand', op, x === null ? 'null' : `a value of type ${typeof x}`);
}

// ---------------------------------------------------------------- binary
export type Left<X, Y, K extends Kind, Op extends string> =
  X extends Tensor<infer _, infer D>
    ? Wants<D, K, Op>
    : X extends number
      ? Y extends Tensor<infer _, infer E>
        ? Wants<E, K, Op> extends string
          ? true
          : NumberFor<E, X, Op>
        : true
      : true;
export type Right<X, Y, K extends Kind, Op extends string> =
  X extends Tensor<infer A, infer D>
    ? Y extends Tensor<infer B, infer E>
      ? Agree<D, E, Op> extends infer M extends string
        ? M
        : Broadcast<A, B, Op>
      : Y extends number
        ? NumberFor<D, Y, Op> extends infer M extends string
          ? M
          : A
        : Shape
    : X extends number
      ? Y extends Tensor<infer B, infer E>
        ? Wants<E, K, Op> extends infer M extends string
          ? M
          : B
        : Y extends number
          ? Say<'noTensor', [Op]>
          : Shape
      : Shape;
/** The element type of what is computed: an index becomes an i32. */
export type BinaryDType<X, Y> = X extends Tensor<infer _, infer D> ? Plain<D> : Y extends Tensor<infer _, infer E> ? Plain<E> : DType;

export interface BinaryPlan {
  readonly shape: Shape;
  readonly dtype: ReturnType<typeof plain>;
}
const shapeOf = (x: Operand): Shape => (isTensor(x) ? x.node.shape : []);
export function binary(a: Operand, b: Operand, kind: Kind, op: string): BinaryPlan {
  for (const x of [a, b]) operand(x, op);
  if (isTensor(a)) {
    wants(dtypeOf(a), kind, op);
    if (isTensor(b)) agree(dtypeOf(a), dtypeOf(b), op);
    else numberFor(dtypeOf(a), b, op);
    return { shape: broadcast(shapeOf(a), shapeOf(b), op), dtype: plain(dtypeOf(a)) };
  }
  if (!isTensor(b)) fail('noTensor', op);
  wants(dtypeOf(b), kind, op);
  numberFor(dtypeOf(b), a, op);
  return { shape: shapeOf(b), dtype: plain(dtypeOf(b)) };
}

// ---------------------------------------------------------------- where(condition, a, b)
type ShapeOf<X> = X extends Tensor<infer S, DType> ? S : [];
export type WhereThen<C extends Shape, X, Y> =
  X extends Tensor<infer A, DType>
    ? WhereFirst<C, A>
    : X extends number
      ? Y extends Tensor<infer _, infer E>
        ? NumberFor<E, X, 'where'>
        : true
      : true;
type WhereAgree<X, Y> =
  X extends Tensor<infer _, infer D>
    ? Y extends Tensor<infer _, infer E>
      ? Agree<D, E, 'where'>
      : Y extends number
        ? NumberFor<D, Y, 'where'>
        : true
    : true;
export type WhereElse<C extends Shape, X, Y> = WhereAgree<X, Y> extends infer M extends string ? M : Where<C, ShapeOf<X>, ShapeOf<Y>>;
export type WhereShape<C extends Shape, D, X, Y> =
  Wants<D, 'bool', 'where'> extends infer M extends string ? M : WhereThen<C, X, Y> extends infer M extends string ? M : WhereElse<C, X, Y>;
export type WhereDType<X, Y> =
  X extends Tensor<infer _, infer D>
    ? Y extends Tensor<infer _, infer E>
      ? Common<D, E>
      : Plain<D>
    : Y extends Tensor<infer _, infer E>
      ? Plain<E>
      : 'f32';
export function whereRule(c: Tensor, a: Operand, b: Operand): { readonly shape: Shape; readonly dtype: DType } {
  for (const x of [a, b]) operand(x, 'where');
  wants(dtypeOf(c), 'bool', 'where');
  if (!isTensor(a) && isTensor(b)) numberFor(dtypeOf(b), a, 'where');
  whereFirst(shapeOf(c), shapeOf(a));
  if (isTensor(a)) {
    if (isTensor(b)) agree(dtypeOf(a), dtypeOf(b), 'where');
    else numberFor(dtypeOf(a), b, 'where');
  }
  const shape = where(shapeOf(c), shapeOf(a), shapeOf(b));
  const dtype = isTensor(a) ? (isTensor(b) ? common(dtypeOf(a), dtypeOf(b)) : plain(dtypeOf(a))) : isTensor(b) ? plain(dtypeOf(b)) : 'f32';
  return { shape, dtype };
}

// ---------------------------------------------------------------- clamp
type Bound<O, K extends string> = O extends { readonly [k in K]: infer V } ? V : undefined;
export type Clamp<D, O> = [Bound<O, 'min'>, Bound<O, 'max'>] extends [undefined, undefined]
  ? Say<'clampBounds', []>
  : BoundFor<D, Bound<O, 'min'>> extends infer M extends string
    ? M
    : BoundFor<D, Bound<O, 'max'>>;
export type ClampShape<S, D, O> = Wants<D, 'number', 'clamp'> extends infer M extends string ? M : Clamp<D, O> extends infer M extends string ? M : S;
type BoundFor<D, V> = V extends number ? NumberFor<D, V, 'clamp'> : true;
