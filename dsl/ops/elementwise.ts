// The elementwise ops: a map each. Operands are expanded to one shape first (index arithmetic, no kernel); a number of the call becomes
// a constant inside the function. f32 and f16 follow IEEE on CPU devices; i32 and u32 wrap.
import type { Shape } from '../dim.ts';
import { type Elementwise, type Kind, numberFor, type OkType, type Plain, plain, type Wants, wants } from '../rules/dtype.ts';
import { type BinaryDType, binary, type Clamp, type ClampShape, type Left, type Operand, type Right } from '../rules/elementwise.ts';
import type { First } from '../rules/first.ts';
import type { ScalarType } from '../scalar.ts';
import { erf as erfOf } from '../scalars/language.ts';
import { scalars } from '../scalars/table.ts';
import { type Arg, type DType, dtypeOf, fail, isTensor, type Ok, record, type Tensor, trailing } from '../tensor.ts';
import { expandTo, map, shapeOf } from './nodes.ts';
import {
  abs as absolute,
  type Build,
  convert,
  formula,
  literal,
  prim,
  relu as reluOfIntegers,
  scalarOf,
  scalarType,
  sign as signOf,
  wholePower,
} from './scalar-ops.ts';

// ---------------------------------------------------------------- makers
/** Gives a function the name of its op: origins and trails read it. */
function named<F extends (...args: never) => unknown>(name: string, op: F): F {
  return Object.defineProperty(op, 'name', { value: name });
}

/** An op of two operands, either of which may be a number; its shape is one operand's, to which the other broadcasts. */
export type BinaryOp<Op extends string, K extends Kind, Gives extends DType | null = null> = <
  const X extends Operand,
  const Y extends Operand,
  L = Left<X, Y, K, Op>,
  R = Right<X, Y, K, Op>,
>(
  a: Arg<X, L>,
  b: Arg<Y, R>,
) => Tensor<Ok<First<L, R>>, OkType<First<L, R>, Gives extends null ? BinaryDType<X, Y> : Gives>>;
/** `special` may write the function otherwise when b is a number. */
export function binaryOp<Op extends string, K extends Kind, Gives extends 'bool' | null = null>(
  name: Op,
  kind: K,
  build: Build,
  options: { gives?: Gives; special?: (b: number) => Build | undefined } = {},
): BinaryOp<Op, K, Gives> {
  const op = named(name, (a: Operand, b: Operand): Tensor => {
    const { shape, dtype } = binary(a, b, kind, name);
    return trailing(op, () => {
      const special = isTensor(b) ? undefined : options.special?.(b);
      const operands = special ? [a] : [a, b];
      const type = scalarType(dtype);
      const fn = scalarOf(
        name,
        special ?? build,
        operands.map(x => (isTensor(x) ? type : x)),
        type,
      );
      return map(
        fn,
        operands.filter(isTensor).map(x => expandTo(x, shape)),
        options.gives ?? dtype,
      );
    });
  });
  return op as BinaryOp<Op, K, Gives>;
}

/** An op of one tensor that keeps its shape and element type (an index becomes an i32). */
export type UnaryOp<Op extends string, K extends Kind> = <S extends Shape, D extends DType, R = Wants<D, K, Op>>(
  x: Arg<Tensor<S, D>, R>,
) => Tensor<Ok<First<R, S>>, OkType<R, Plain<D>>>;
export function unaryOp<Op extends string, K extends Kind>(name: Op, kind: K, build: Build, ofIntegers: Build = build): UnaryOp<Op, K> {
  const op = named(name, (x: Tensor): Tensor => {
    wants(dtypeOf(x), kind, name);
    return trailing(op, () => mapOne(name, build, ofIntegers, x));
  });
  return op as UnaryOp<Op, K>;
}

/** An op that kernel(fn) knows by the same name: there, and on plain numbers, it is the scalar function. */
export type UnaryOrScalar<Op extends string, K extends Kind> = <X extends Tensor | number>(
  x: X extends Tensor<Shape, infer D> ? Arg<X, Wants<D, K, Op>> : X,
) => X extends Tensor<infer S, infer D> ? Tensor<Ok<Elementwise<S, D, K, Op>>, OkType<Wants<D, K, Op>, Plain<D>>> : number;
function orScalar<Op extends string, K extends Kind>(tensors: UnaryOp<Op, K>, numbers: (x: number) => number): UnaryOrScalar<Op, K> {
  const op = named(tensors.name, (x: Tensor | number): Tensor | number => (typeof x === 'number' ? numbers(x) : tensors(x)));
  return op as UnaryOrScalar<Op, K>;
}
function mapOne(name: string, build: Build, ofIntegers: Build, x: Tensor): Tensor {
  const dtype = plain(dtypeOf(x));
  const type = scalarType(dtype);
  return map(scalarOf(name, type === 'i32' || type === 'u32' ? ofIntegers : build, [type], type), [x], dtype);
}

// ---------------------------------------------------------------- arithmetic
/** a + b; numbers of one dtype. A number may stand on either side. */
export const add = binaryOp('add', 'number', prim('add'));
/** a − b. */
export const sub = binaryOp('sub', 'number', prim('sub'));
/** a · b. */
export const mul = binaryOp('mul', 'number', prim('mul'));
/** a / b of floats; integers have no division. */
export const div = binaryOp('div', 'float', prim('div'));
/** The larger of both; NaN where either is. */
export const maximum = binaryOp('maximum', 'number', prim('max'));
/** The smaller of both; NaN where either is. */
export const minimum = binaryOp('minimum', 'number', prim('min'));
/** aᵇ of floats. A whole number b multiplies out: pow(x, 2) is x·x, also for negative x. */
export const pow = binaryOp('pow', 'float', prim('pow'), { special: n => (Number.isSafeInteger(n) ? wholePower(n) : undefined) });

/** −x; u32 wraps. */
export const neg = unaryOp('neg', 'number', prim('neg'));
/** |x|; the lowest i32 stays what it is. */
export const abs = unaryOp('abs', 'number', absolute);
/** −1, 0 or 1. */
export const sign = unaryOp('sign', 'number', signOf);
/** The largest whole number that is not above x. */
export const floor = unaryOp('floor', 'float', prim('floor'));

// ---------------------------------------------------------------- functions of floats
/** eˣ. */
export const exp = unaryOp('exp', 'float', prim('exp'));
/** The natural logarithm. */
export const log = unaryOp('log', 'float', prim('log'));
/** √x. */
export const sqrt = unaryOp('sqrt', 'float', prim('sqrt'));
/** 1 / √x. */
export const rsqrt = orScalar(unaryOp('rsqrt', 'float', prim('rsqrt')), x => 1 / Math.sqrt(x));
/** The hyperbolic tangent. */
export const tanh = unaryOp('tanh', 'float', prim('tanh'));
/** The error function, 2/√π ∫₀ˣ exp(−t²) dt. */
export const erf = orScalar(unaryOp('erf', 'float', prim('erf')), erfOf);
/** The sine of radians. */
export const sin = unaryOp('sin', 'float', prim('sin'));
/** The cosine of radians. */
export const cos = unaryOp('cos', 'float', prim('cos'));

// ---------------------------------------------------------------- activations
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = unaryOp('sigmoid', 'float', formula(scalars.sigmoid));
/** x · sigmoid(x) (Elfwing et al. 2018). */
export const silu = unaryOp('silu', 'float', formula(scalars.silu));
/** max(x, 0). */
export const relu = unaryOp('relu', 'number', formula(scalars.relu), reluOfIntegers);
/** x · Φ(x) with the exact distribution function, as PyTorch's default; `approximate: 'tanh'` for its approximation by tanh
 *  (Hendrycks and Gimpel 2016). */
export function gelu<S extends Shape, D extends DType, R = Wants<D, 'float', 'gelu'>>(
  x: Arg<Tensor<S, D>, R>,
  options?: { readonly approximate?: 'none' | 'tanh' },
): Tensor<Ok<First<R, S>>, OkType<R, D>>;
export function gelu(x: Tensor, { approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}): Tensor {
  wants(dtypeOf(x), 'float', 'gelu');
  const build = formula(approximate === 'tanh' ? scalars.geluTanh : scalars.gelu);
  return trailing(gelu, () => mapOne('gelu', build, build, x));
}

export interface ClampBounds {
  readonly min?: number;
  readonly max?: number;
}
/** x held between min and max, either of which may be left out; max where the bounds cross, as in PyTorch. */
export function clamp<S extends Shape, D extends DType, const O extends ClampBounds>(
  x: Arg<Tensor<S, D>, Wants<D, 'number', 'clamp'>>,
  bounds: Arg<O, Clamp<D, O>>,
): Tensor<Ok<ClampShape<S, D, O>>, OkType<ClampShape<S, D, O>, Plain<D>>>;
export function clamp(x: Tensor, { min, max }: ClampBounds): Tensor {
  wants(dtypeOf(x), 'number', 'clamp');
  if (min === undefined && max === undefined) fail('clampBounds');
  for (const bound of [min, max]) if (bound !== undefined) numberFor(dtypeOf(x), bound, 'clamp');
  return trailing(clamp, () => {
    // selects, not max and min: the gradient passes at the bounds
    const held: Build = (b, operand) => {
      const constant = (n: number): number => b.constant(literal(n, b.type(operand)), b.type(operand));
      const raised = min === undefined ? operand : b.op('select', b.op('lt', operand, constant(min)), constant(min), operand);
      return max === undefined ? raised : b.op('select', b.op('lt', constant(max), raised), constant(max), raised);
    };
    return mapOne('clamp', held, held, x);
  });
}

// ---------------------------------------------------------------- element types and gradients
/** x as another element type, as PyTorch converts: floats lose their fraction on the way to integers (what does not fit becomes the
 *  nearest that does), bool is what differs from 0, f16 is the nearest half. An index becomes a plain i32. */
export function cast<S extends Shape, const D extends Exclude<DType, object>>(x: Tensor<S>, dtype: D): Tensor<S, D>;
export function cast(x: Tensor, dtype: Exclude<DType, object>): Tensor {
  return trailing(cast, () => {
    const from = scalarType(x.node.dtype);
    if (x.node.dtype === dtype && x.node.over === undefined) return x;
    return map(scalarOf('cast', convert(scalarType(dtype)), [from] satisfies ScalarType[], from), [x], dtype);
  });
}

/** The value of x, through which no gradient flows. */
export function stopGradient<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D>;
export function stopGradient(x: Tensor): Tensor {
  return record(stopGradient, { op: 'stop' }, [x], shapeOf(x), x.node.dtype, x.node.over);
}
