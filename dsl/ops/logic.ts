// Comparisons, which give bool, and what is made of bools.
import type { Shape } from '../dim.ts';
import { type OkType, plain, type Wants } from '../rules/dtype.ts';
import { type Operand, type WhereDType, type WhereElse, type WhereShape, type WhereThen, whereRule } from '../rules/elementwise.ts';
import { type Arg, type DType, isTensor, type Ok, type Tensor, trailing } from '../tensor.ts';
import { binaryOp, unaryOp } from './elementwise.ts';
import { expandTo, map } from './nodes.ts';
import { greaterEqual as greaterEqualOf, greater as greaterOf, prim, scalarOf, scalarType } from './scalar-ops.ts';

/** a = b, of one dtype; bools too. NaN equals nothing. */
export const equal = binaryOp('equal', 'any', prim('eq'), { gives: 'bool' });
/** a < b; false where either is NaN. */
export const less = binaryOp('less', 'number', prim('lt'), { gives: 'bool' });
/** a ≤ b. */
export const lessEqual = binaryOp('lessEqual', 'number', prim('le'), { gives: 'bool' });
/** a > b. */
export const greater = binaryOp('greater', 'number', greaterOf, { gives: 'bool' });
/** a ≥ b. */
export const greaterEqual = binaryOp('greaterEqual', 'number', greaterEqualOf, { gives: 'bool' });

/** Both hold. */
export const and = binaryOp('and', 'bool', prim('and'));
/** One holds, or both. */
export const or = binaryOp('or', 'bool', prim('or'));
/** It does not hold. */
export const not = unaryOp('not', 'bool', prim('not'));

/** a where the condition holds, else b. All three broadcast to the shape of one of them; a and b have one dtype, or are numbers (two
 *  numbers make an f32). An index stays one when both are over the same extent. */
export function where<C extends Shape, B extends DType, const X extends Operand, const Y extends Operand>(
  condition: Arg<Tensor<C, B>, Wants<B, 'bool', 'where'>>,
  a: Arg<X, WhereThen<C, X, Y>>,
  b: Arg<Y, WhereElse<C, X, Y>>,
): Tensor<Ok<WhereShape<C, B, X, Y>>, OkType<WhereShape<C, B, X, Y>, WhereDType<X, Y>>>;
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const { shape, dtype } = whereRule(condition, a, b);
  return trailing(where, () => {
    const operands = [condition, a, b];
    const type = scalarType(plain(dtype));
    const fn = scalarOf(
      'where',
      prim('select'),
      operands.map((x, i) => (isTensor(x) ? (i === 0 ? 'bool' : type) : x)),
      type,
    );
    const over = typeof dtype === 'object' ? dtype.over : undefined;
    return map(
      fn,
      operands.filter(isTensor).map(x => expandTo(x, shape)),
      plain(dtype),
      over,
    );
  });
}
