// Tensors from numbers: full and constant. iota is with the index ops, random tensors in random.ts.
import { arrayOf, type DType as NodeDType, type TypedArray } from '../../common/dtype.ts';
import { roundToHalf } from '../../common/half.ts';
import type { DimArg } from '../dim.ts';
import { fail } from '../errors.ts';
import {
  type ConstantData,
  type ConstantDType,
  type ConstantShape,
  constantDType,
  constantShape,
  type Data,
  dataShape,
  isTyped,
  type Made,
  madeShape,
  type Nested,
} from '../rules/make.ts';
import { type Arg, type Ok, record, type Tensor, trailing } from '../tensor.ts';
import { constant as constantNode, expandTo } from './nodes.ts';

/** `shape` filled with one number (f32 unless said otherwise). torch.full. */
export function full<const S extends readonly DimArg[], const D extends NodeDType = 'f32', R = Made<S, 'full'>>(
  shape: Arg<S, R>,
  value: number,
  dtype?: D,
): Tensor<Ok<R>, NoInfer<D>>;
export function full(shape: readonly unknown[], value: number, dtype: NodeDType = 'f32'): Tensor {
  const sizes = madeShape(shape, 'full');
  return trailing(full, () => expandTo(constantNode(element(value, dtype, 'full'), dtype), sizes));
}

/**
 * Data that is known when the program is compiled: nested lists ([[1, 2], [3, 4]]; booleans too), or a flat list or typed array with
 * its shape. The dtype is that of the typed array or the booleans, else f32, unless said otherwise. The data is copied.
 */
export function constant<
  const T extends Data,
  const S extends readonly DimArg[] | undefined = undefined,
  const D extends NodeDType = ConstantDType<T>,
>(data: Arg<T, ConstantData<T>>, shape?: Arg<S, ConstantShape<T, S>>, dtype?: D): Tensor<Ok<ConstantShape<T, S>>, NoInfer<D>>; // NoInfer: an argument of another op says nothing of D
export function constant(data: Data, shape?: readonly unknown[], dtype: NodeDType = constantDType(data)): Tensor {
  const own = dataShape(data);
  const flat = isTyped(data) ? data : leaves(data);
  const sizes = shape === undefined ? own : constantShape(flat.length, madeShape(shape, 'constant'));
  const values: TypedArray = arrayOf(dtype, flat.length);
  for (let i = 0; i < flat.length; i++) values[i] = element(Number(flat[i]), dtype, 'constant');
  return trailing(constant, () => record(constant, { op: 'data', data: values }, [], sizes, dtype));
}

function leaves(data: Nested): readonly (number | boolean)[] {
  return typeof data === 'object' ? data.flatMap(leaves) : [data];
}
/** A value as the element type holds it. @throws ShapeError where the type cannot hold it: 1.5 as i32, −1 as u32, 2 as bool */
function element(value: number, dtype: NodeDType, op: string): number {
  const whole = { f32: true, f16: true, i32: (value | 0) === value, u32: value >>> 0 === value, bool: value === 0 || value === 1 };
  if (!whole[dtype]) fail('elementValue', op, value, dtype);
  return dtype === 'f16' ? roundToHalf(value) : value;
}
