// Calls of the language as data: they run with any meaning of the op names (the language's, or the references' of the op table), and they
// print as source that can be pasted into a test.
import { isTensor, type Tensor } from '../../dsl/tensor.ts';

/** What a call gave: a whole result or a part of one, by its name in the source. */
export class Value {
  /** The call that made it; inputs have the negative numbers −1, −2, …. */
  readonly call: number;
  /** `v3`, `v4[0]`, `v5.values`. */
  readonly name: string;
  readonly tensor: Tensor;
  /** The op that made it. */
  readonly op: string;
  /** log₂ of a bound of its magnitude: what keeps random programs in range. */
  readonly size: number;
  /** Positive, and well apart from 0. */
  readonly positive: boolean;
  constructor(call: number, name: string, tensor: Tensor, op: string, size: number, positive = false) {
    this.call = call;
    this.name = name;
    this.tensor = tensor;
    this.op = op;
    this.size = size;
    this.positive = positive;
  }
}
export type Arg = Value | number | string | boolean | undefined | readonly Arg[] | { readonly [key: string]: Arg };
export interface Call {
  /** What its result is called in the source: v0, v1, …. */
  readonly name: string;
  /** As it is imported: 'add', 'random.uniform'. */
  readonly op: string;
  readonly args: readonly Arg[];
}

/** Ops by name; `random` holds its own. */
export type Scope = Readonly<Record<string, unknown>>;

/** The parts of a result in order, each with its path: '', '[0]', '.values'. */
export function partsOf(result: unknown, isLeaf: (x: unknown) => boolean = isTensor): (readonly [path: string, part: unknown])[] {
  if (isLeaf(result)) return [['', result]];
  if (Array.isArray(result)) return result.map((x, i) => [`[${i}]`, x] as const);
  return Object.entries(result as object).map(([key, x]) => [`.${key}`, x] as const);
}

/** Runs one call; `values` has what is known by name. Dims with the free symbol go through `dim`. */
export function runCall(
  { op, args }: Pick<Call, 'op' | 'args'>,
  scope: Scope,
  values: ReadonlyMap<string, unknown>,
  dim: (d: string) => unknown = d => d,
): unknown {
  const filled = args.map(a => fill(a, values, dim));
  const [group, member] = op.split('.') as [string, string | undefined];
  const found = member === undefined ? scope[group] : (scope[group] as Scope)[member];
  return (found as (...args: unknown[]) => unknown)(...filled);
}
function fill(arg: Arg, values: ReadonlyMap<string, unknown>, dim: (d: string) => unknown): unknown {
  if (arg instanceof Value) return values.get(arg.name);
  if (typeof arg === 'string') return isDim(arg) ? dim(arg) : arg;
  if (Array.isArray(arg)) return arg.map(a => fill(a, values, dim));
  if (typeof arg === 'object') return Object.fromEntries(Object.entries(arg).map(([k, a]) => [k, fill(a, values, dim)]));
  return arg;
}
/** Sizes with the batch, which is always called B. */
const isDim = (text: string): boolean => /^[0-9*]*B$/.test(text);

/** Every call in order; what each name stands for at the end. */
export function runCalls(
  calls: readonly Call[],
  scope: Scope,
  inputs: ReadonlyMap<string, unknown>,
  isLeaf: (x: unknown) => boolean,
  dim?: (d: string) => unknown,
) {
  const values = new Map(inputs);
  for (const call of calls) for (const [path, part] of partsOf(runCall(call, scope, values, dim), isLeaf)) values.set(`${call.name}${path}`, part);
  return values;
}

export function showArg(arg: Arg): string {
  if (arg instanceof Value) return arg.name;
  if (Array.isArray(arg)) return `[${arg.map(showArg).join(', ')}]`;
  if (typeof arg === 'string') return `'${arg}'`;
  if (typeof arg === 'object')
    return `{ ${Object.entries(arg)
      .map(([k, a]) => `${k}: ${showArg(a)}`)
      .join(', ')} }`;
  return Object.is(arg, -0) ? '-0' : String(arg);
}
/** Values that a call reads. */
export function operands(arg: Arg): Value[] {
  if (arg instanceof Value) return [arg];
  return typeof arg === 'object' ? Object.values(arg).flatMap(operands) : [];
}
/** A line of source. */
export const showCall = ({ name, op, args }: Call): string =>
  `const ${name} = ${op}(${args
    .filter(a => a !== undefined)
    .map(showArg)
    .join(', ')});`;
