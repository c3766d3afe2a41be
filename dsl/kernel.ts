// kernel(fn): a scalar function in plain TypeScript as an elementwise op. The language only keeps the function, its text and where it
// stands; compiler/source reads the text (it needs the TypeScript package, so nothing here may import it) and registers itself as
// the reader. A function is read at its first call on tensors, which is when a program is traced, never at import.
//   const softplus = kernel((x: f32) => Math.log(1 + Math.exp(x)));   softplus(t)
import type { Place } from '../common/errors.ts';
import { type Shape, showShape } from './dim.ts';
import type { ShowShape } from './dim-types.ts';
import { callSite, fail, placeOf } from './errors.ts';
import { constant, expandTo, map } from './ops/nodes.ts';
import { resultType, type ScalarFn, type ScalarType } from './scalar.ts';
import { type Arg, type DType, dtypeName, dtypeOf, type Index, isTensor, type Tensor, trailing, type Wide } from './tensor.ts';
import type { Say } from './words.ts';

/** A user's scalar function as it was written. */
export interface KernelSource {
  /** For people: the function's own name, or 'kernel'. */
  readonly name: string;
  /** TypeScript, types blanked out where Node stripped them: the same text at the same line and column as the file. */
  readonly text: string;
  /** Where kernel(…) was called. */
  readonly place: Place | undefined;
  /** The function itself: its reference on numbers. */
  readonly fn: (...args: never) => unknown;
}
/** Makes a scalar function of a source. @throws HeddleError HK… at the construct that it cannot read */
export type KernelReader = (source: KernelSource) => ScalarFn;
let reader: KernelReader | null = null;
/** Registers who reads kernels: the compiler, or a table of functions compiled ahead. */
export function readKernelsWith(read: KernelReader): void {
  reader = read;
}

// ---------------------------------------------------------------- types
type Num = number | boolean;
type Operand = Tensor | number;
type KernelOperand<A extends Shape, O> =
  O extends Tensor<infer B>
    ? Wide<A> extends true
      ? O
      : Wide<B> extends true
        ? O
        : B extends readonly []
          ? O
          : [A, B] extends [B, A]
            ? O
            : Loose<A, B> extends true
              ? O
              : Say<'kernelShape', [ShowShape<A>, ShowShape<B>]>
    : O;
/** equal but for sizes that only the trace knows */
type Loose<A, B> = A extends readonly [infer a, ...infer ar]
  ? B extends readonly [infer b, ...infer br]
    ? [a] extends [b]
      ? Loose<ar, br>
      : number extends a | b
        ? Loose<ar, br>
        : false
    : false
  : B extends readonly []
    ? true
    : false;
/** bool of a predicate; else the element type of the first operand whose parameter is a number */
type Gives<R, P, D> = R extends boolean ? 'bool' : FirstNumber<P, D>;
type FirstNumber<P, D> = P extends readonly [infer p, ...infer pr]
  ? D extends readonly [infer d, ...infer dr]
    ? p extends boolean
      ? FirstNumber<pr, dr>
      : d extends Index
        ? 'i32'
        : d extends DType
          ? d
          : FirstNumber<pr, dr>
    : 'f32'
  : 'f32';
type TypeOf<O> = O extends Tensor<Shape, infer D> ? D : null;

type Kernel1<P, R> = <S extends Shape, D extends DType>(x: Tensor<S, D>) => Tensor<S, Gives<R, P, [D]>>;
type Kernel2<P, R> = <S extends Shape, D extends DType, const Y extends Operand>(
  x: Tensor<S, D>,
  y: Arg<Y, KernelOperand<S, Y>>,
) => Tensor<S, Gives<R, P, [D, TypeOf<Y>]>>;
type Kernel3<P, R> = <S extends Shape, D extends DType, const Y extends Operand, const Z extends Operand>(
  x: Tensor<S, D>,
  y: Arg<Y, KernelOperand<S, Y>>,
  z: Arg<Z, KernelOperand<S, Z>>,
) => Tensor<S, Gives<R, P, [D, TypeOf<Y>, TypeOf<Z>]>>;
type Kernel4<P, R> = <S extends Shape, D extends DType, const Y extends Operand, const Z extends Operand, const W extends Operand>(
  x: Tensor<S, D>,
  y: Arg<Y, KernelOperand<S, Y>>,
  z: Arg<Z, KernelOperand<S, Z>>,
  w: Arg<W, KernelOperand<S, W>>,
) => Tensor<S, Gives<R, P, [D, TypeOf<Y>, TypeOf<Z>, TypeOf<W>]>>;

// ---------------------------------------------------------------- values
/** An elementwise op of a scalar function of one to four numbers or booleans. Its operands have one shape; all but the first may be
 *  scalars or numbers. @throws ShapeError at a call whose shapes or element types do not fit the function */
export function kernel<A extends Num, R extends Num>(fn: (a: A) => R): Kernel1<[A], R>;
export function kernel<A extends Num, B extends Num, R extends Num>(fn: (a: A, b: B) => R): Kernel2<[A, B], R>;
export function kernel<A extends Num, B extends Num, C extends Num, R extends Num>(fn: (a: A, b: B, c: C) => R): Kernel3<[A, B, C], R>;
export function kernel<A extends Num, B extends Num, C extends Num, D extends Num, R extends Num>(
  fn: (a: A, b: B, c: C, d: D) => R,
): Kernel4<[A, B, C, D], R>;
export function kernel(fn: (...args: never) => unknown): unknown {
  if (typeof fn !== 'function') return fail('kernelFunction', typeof fn);
  const site = callSite(kernel, 10);
  const name = fn.name === '' ? 'kernel' : fn.name;
  const source: KernelSource = {
    name,
    fn,
    get text() {
      return fn.toString();
    },
    get place() {
      return placeOf(site);
    },
  };
  let scalar: ScalarFn | null = null;
  const op = (...operands: readonly unknown[]): Tensor => {
    if (!scalar) {
      scalar = (reader ?? fail('kernelReader', name))(source);
      Object.defineProperty(op, 'name', { value: scalar.name }); // an arrow function has no name; the constant that it is has
    }
    return apply(op, scalar, scalar.name, operands);
  };
  return Object.assign(Object.defineProperty(op, 'name', { value: name }), { kernel: source });
}

function apply(op: (...operands: readonly unknown[]) => Tensor, fn: ScalarFn, name: string, operands: readonly unknown[]): Tensor {
  const [first] = operands;
  if (!isTensor(first)) return fail('kernelFirst');
  if (operands.length !== fn.params.length) fail('kernelCount', name, fn.params.length, operands.length);
  const { shape } = first.node;
  for (const [i, x] of operands.entries()) checkOperand(fn, name, i, x, shape);
  const dtype = resultOf(fn, name, operands);
  return trailing(op, () =>
    map(
      fn,
      operands.map((x, i) => expandTo(isTensor(x) ? x : constant(Number(x), fn.params[i]!), shape)),
      dtype,
    ),
  );
}
function checkOperand(fn: ScalarFn, name: string, i: number, x: unknown, shape: Shape): void {
  const wanted = fn.params[i]!;
  if (isTensor(x)) {
    const given = x.node.shape;
    if (given.length > 0 && showShape(given) !== showShape(shape)) fail('kernelShape', showShape(shape), showShape(given));
    if (scalarTypeOf(x) !== wanted) fail('kernelDType', i + 1, name, wanted, dtypeName(dtypeOf(x)));
  } else if (typeof x !== 'number' || wanted === 'bool') fail('kernelDType', i + 1, name, wanted, typeof x);
}
const scalarTypeOf = (x: Tensor): ScalarType => (x.node.dtype === 'f16' ? 'f32' : x.node.dtype);
function resultOf(fn: ScalarFn, name: string, operands: readonly unknown[]): Tensor['node']['dtype'] {
  const result = resultType(fn);
  if (result === 'bool') return 'bool';
  const first = operands.find((x, i): x is Tensor => isTensor(x) && fn.params[i] !== 'bool');
  const dtype = first?.node.dtype ?? 'f32';
  return result === (dtype === 'f16' ? 'f32' : dtype) ? dtype : fail('kernelResult', name, result, dtype);
}
