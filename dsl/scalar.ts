// Scalar functions: the body of every map. A list of typed instructions over parameters (SSA), made from TypeScript by
// compiler/source (user kernels and, ahead of time, the built-in elementwise ops) or by `scalar` below.
// Semantics of a primitive are those of its type: i32 and u32 wrap, f32 is IEEE on CPU devices and finite-math on WebGPU.

export type ScalarType = 'f32' | 'i32' | 'u32' | 'bool';

/** Primitives. `div` is f32; `quo` and `rem` are truncating, of integers. Shifts take the count mod 32. `select`: (condition, then, else).
 *  `bits` and `fromBits` reinterpret f32 as i32 and back; `roundF16` rounds an f32 to the nearest half. */
export type Prim =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'quo'
  | 'rem'
  | 'max'
  | 'min'
  | 'pow'
  | 'neg'
  | 'abs'
  | 'sign'
  | 'floor'
  | 'ceil'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'tanh'
  | 'erf'
  | 'sin'
  | 'cos'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shl'
  | 'shr'
  | 'lt'
  | 'le'
  | 'eq'
  | 'select'
  | 'toF32'
  | 'toI32'
  | 'toU32'
  | 'toBool'
  | 'bits'
  | 'fromBits'
  | 'roundF16';

/** Operand k < params.length is parameter k; else it is instruction k − params.length. */
export type Instruction =
  | { readonly prim: 'const'; readonly value: number; readonly type: ScalarType }
  | { readonly prim: Prim; readonly args: readonly number[]; readonly type: ScalarType };

export interface ScalarFn {
  /** For people: 'gelu', or the user's name of the function. */
  readonly name: string;
  readonly params: readonly ScalarType[];
  readonly body: readonly Instruction[];
  /** The operand that is the result. */
  readonly result: number;
}

export const typeOf = (fn: ScalarFn, operand: number): ScalarType =>
  operand < fn.params.length ? fn.params[operand]! : fn.body[operand - fn.params.length]!.type;
export const resultType = (fn: ScalarFn): ScalarType => typeOf(fn, fn.result);

/** The type of a primitive's result, given its operands' types. */
export function primType(prim: Prim, args: readonly ScalarType[]): ScalarType {
  switch (prim) {
    case 'lt':
    case 'le':
    case 'eq':
    case 'toBool':
      return 'bool';
    case 'toF32':
    case 'fromBits':
    case 'roundF16':
      return 'f32';
    case 'toI32':
    case 'bits':
      return 'i32';
    case 'toU32':
      return 'u32';
    case 'select':
      return args[1]!;
    default:
      return args[0]!;
  }
}

/** Builds a scalar function; equal instructions are shared. `scalar('square', ['f32'], (b, x) => b.op('mul', x, x))` */
export class ScalarBuilder {
  readonly params: readonly ScalarType[];
  readonly body: Instruction[] = [];
  private readonly seen = new Map<string, number>();
  constructor(params: readonly ScalarType[]) {
    this.params = params;
  }
  type(operand: number): ScalarType {
    return operand < this.params.length ? this.params[operand]! : this.body[operand - this.params.length]!.type;
  }
  constant(value: number, type: ScalarType = 'f32'): number {
    return this.put({ prim: 'const', value, type });
  }
  op(prim: Prim, ...args: number[]): number {
    return this.put({
      prim,
      args,
      type: primType(
        prim,
        args.map(a => this.type(a)),
      ),
    });
  }
  private put(i: Instruction): number {
    const key = i.prim === 'const' ? `c${i.type}${Object.is(i.value, -0) ? '-0' : i.value}` : `${i.prim}(${(i as { args: readonly number[] }).args})`;
    let at = this.seen.get(key);
    if (at === undefined) {
      at = this.params.length + this.body.length;
      this.body.push(i);
      this.seen.set(key, at);
    }
    return at;
  }
}
export function scalar(name: string, params: readonly ScalarType[], build: (b: ScalarBuilder, ...params: number[]) => number): ScalarFn {
  const b = new ScalarBuilder(params);
  const result = build(b, ...params.map((_, i) => i));
  return { name, params, body: b.body, result };
}
/** The same, its result rounded to the nearest half. */
export const rounded = (fn: ScalarFn): ScalarFn => ({
  ...fn,
  body: [...fn.body, { prim: 'roundF16', args: [fn.result], type: 'f32' }],
  result: fn.params.length + fn.body.length,
});
