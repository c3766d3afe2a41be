// Makes a program call by call: operands are addressed from the end, calls that grow too large are taken back, and values that grow too
// large in magnitude are scaled down when they are read.
import { CompileError } from '../../compiler/errors.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { evalDim } from '../../dsl/dim.ts';
import * as ops from '../../dsl/ops/index.ts';
import { type Dim, dtypeName, dtypeOf, type Shape, ShapeError, type Tensor } from '../../dsl/tensor.ts';
import { type Arg, type Call, operands, partsOf, runCall, Value } from './calls.ts';

export const language: Readonly<Record<string, unknown>> = { ...ops };
/** The batch that free programs are run and counted at. */
export const batch = 3;
const mostElements = 400;
const mostAxes = 5;

export type Kind = 'f32' | 'float' | 'number' | 'bool' | 'index' | 'i32' | 'u32' | 'any';
const kinds: Readonly<Record<Kind, (t: Tensor) => boolean>> = {
  f32: t => t.node.dtype === 'f32',
  float: t => t.node.dtype === 'f32' || t.node.dtype === 'f16',
  number: t => t.node.dtype !== 'bool',
  bool: t => t.node.dtype === 'bool',
  index: t => t.node.over !== undefined,
  i32: t => t.node.dtype === 'i32' && t.node.over === undefined,
  u32: t => t.node.dtype === 'u32',
  any: () => true,
};
export const sizeOf = (d: Dim): number => (typeof d === 'number' ? d : (evalDim(d, new Map([['B', batch]])) as number));
export const shapeOf = (v: Value): Shape => v.tensor.node.shape;
export const rankOf = (v: Value): number => shapeOf(v).length;
export const elementsOf = (shape: Shape): number => shape.reduce<number>((n, d) => n * sizeOf(d), 1);
export const typeOf = (v: Value): string => dtypeName(dtypeOf(v.tensor));
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
export const newest = <T>(list: readonly T[], i: number): T => list[list.length - 1 - (i % 2 === 0 ? 0 : (i >> 1) % list.length)]!;

/** From positive values these make positive values. */
const keepsPositive = new Set(
  'sqrt rsqrt add maximum minimum max min mean cumsum reshape broadcastTo squeeze expandDims permute transpose flip roll slice split unbind concat stack rearrange repeat gather topk stopGradient'.split(
    ' ',
  ),
);
function isPositive(op: string, args: readonly Arg[], result: Tensor): boolean {
  if (result.node.dtype !== 'f32') return false;
  if (op === 'exp') return true; // of what is not small, see `small`
  if (op === 'add' && args[0] instanceof Value && args[0].op === 'abs') return typeof args[1] === 'number' && args[1] >= 0.5;
  const joins = ['add', 'maximum', 'minimum'].includes(op);
  const floats = args.flatMap(operands).filter(v => v.tensor.node.dtype === 'f32');
  return keepsPositive.has(op) && floats.length > 0 && floats.every(v => v.positive) && (!joins || args.every(a => typeof a !== 'number'));
}

/** A step that makes nothing of what there is. */
export class Skip extends Error {}
export const skip = (): never => {
  throw new Skip();
};

export class Maker {
  readonly calls: Call[] = [];
  readonly values: Value[] = [];
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Whole numbers only: what cannot be worked out exactly has no place. */
  readonly exact: boolean;
  readonly dynamic: boolean;
  /** Calls that the language or the compiler refused because of the free batch. */
  refused = 0;
  /** The op whose values the next operand is taken from, where one fits; then undefined. */
  #wanted: string | undefined;
  readonly #known = new Map<string, unknown>();
  constructor(inputs: ReadonlyMap<string, Tensor>, exact: boolean, dynamic: boolean) {
    this.inputs = inputs;
    this.exact = exact;
    this.dynamic = dynamic;
    let i = 0;
    for (const [name, tensor] of inputs) {
      this.#known.set(name, tensor);
      this.values.push(new Value(--i, name, tensor, 'input', tensor.node.dtype === 'u32' ? 32 : 3));
    }
  }

  /** The i-th value of a kind from the end; every second i is the newest. */
  pick(kind: Kind, i: number, also: (v: Value) => boolean = () => true): Value {
    const fits = this.values.filter(v => kinds[kind](v.tensor) && also(v));
    return fits.length === 0 ? skip() : this.tamed(this.#choose(fits, i));
  }
  #choose(fits: readonly Value[], i: number): Value {
    const wanted = fits.findLast(v => v.op === this.#wanted);
    if (wanted === undefined) return newest(fits, i);
    this.#wanted = undefined;
    return wanted;
  }
  /** Floats that grew are scaled down: by a power of two, or, where all must stay whole, to a remainder. */
  tamed(v: Value): Value {
    const limit = this.exact ? 8 : 12;
    if (v.size <= limit || typeOf(v) !== 'f32') return v;
    if (!this.exact) return this.one('mul', 3, v, 2 ** (3 - Math.ceil(v.size)));
    const whole = this.one('floor', v.size, this.one('mul', v.size, v, 1 / 16));
    return this.one('sub', 4, v, this.one('mul', v.size, whole, 16));
  }
  /** A second operand for x: a value of its shape, or one that broadcasts to it, else x itself. */
  mate(x: Value, i: number, grows = true): Value {
    const fits = this.values.filter(
      v => typeOf(v) === typeOf(x) && (sameShape(shapeOf(v), shapeOf(x)) || (grows && broadcasts(shapeOf(v), shapeOf(x)))),
    );
    return this.tamed(this.#choose(fits.length > 0 ? fits : [x], i));
  }
  /** A value with these properties, or what else there is. */
  find(kind: Kind, i: number, fits: (v: Value) => boolean, or: () => Value): Value {
    const found = this.values.filter(v => kinds[kind](v.tensor) && fits(v));
    return found.length > 0 ? this.tamed(this.#choose(found, i)) : or();
  }
  /** Small constants of a fixed shape. */
  weights(shape: readonly number[], seed: number): Value {
    const n = shape.reduce((a, b) => a * b, 1);
    const data = Array.from({ length: n }, (_, i) => (((i + seed) * 7) % 5) - 2).map(x => (this.exact ? x : x / 2));
    return this.one('constant', 1, data, shape);
  }
  /** An axis whose size is a number and fits; written from the end as often as not. */
  axis(x: Value, k: number, fits: (size: number) => boolean = () => true): number {
    const axes = shapeOf(x).flatMap((d, i) => (typeof d === 'number' && fits(d) ? [i] : []));
    if (axes.length === 0) return skip();
    const axis = axes[(k >> 1) % axes.length]!;
    return k % 2 === 0 ? axis : axis - rankOf(x);
  }
  /** Any axis, the batch too, with `fits` of its size. */
  anyAxis(x: Value, k: number, fits: (size: number) => boolean = () => true): number {
    const axes = shapeOf(x).flatMap((d, i) => (fits(sizeOf(d)) ? [i] : []));
    if (axes.length === 0) return skip();
    const axis = axes[(k >> 1) % axes.length]!;
    return k % 2 === 0 ? axis : axis - rankOf(x);
  }

  /** One call that gives one value. */
  one(op: string, size: number, ...args: readonly Arg[]): Value {
    return this.many(op, size, ...args)[0]!;
  }
  /** A call and its parts. `size` bounds the results. */
  many(op: string, size: number, ...args: readonly Arg[]): Value[] {
    const i = this.calls.length;
    const call: Call = { name: `v${i}`, op, args };
    const parts = this.#run(call);
    for (const [, tensor] of parts) if (elementsOf(tensor.node.shape) > mostElements || tensor.node.shape.length > mostAxes) return skip();
    if (this.dynamic) this.#compilable(parts.map(([, t]) => t));
    this.calls.push(call);
    return parts.map(([path, tensor]) => {
      const value = new Value(i, `${call.name}${path}`, tensor, op, size, isPositive(op, args, tensor));
      this.#known.set(value.name, tensor);
      this.values.push(value);
      return value;
    });
  }
  #run(call: Call): (readonly [string, Tensor])[] {
    try {
      return partsOf(runCall(call, language, this.#known)) as (readonly [string, Tensor])[];
    } catch (e) {
      if (!(this.dynamic && e instanceof ShapeError)) throw e;
      return this.#refuse();
    }
  }
  /** Refuses what moves the batch (HC1), or leaves it behind another axis. */
  #compilable(tensors: readonly Tensor[]): void {
    if (!tensors.every(({ node }) => batchOutermost(node.shape))) this.#refuse();
    try {
      intern({
        inputs: [...this.inputs].map(([name, t]) => [name, t.node]),
        outputs: tensors.map((t, i) => [`${i}`, t.node]),
        names: new Map(),
        batch: 'B',
      });
    } catch (e) {
      if (!(e instanceof CompileError && e.code === 'HC1')) throw e;
      this.#refuse();
    }
  }
  #refuse(): never {
    this.refused++;
    return skip();
  }
  /** Runs a step. What a step called before it gave up is of no use. */
  step(make: () => unknown): boolean {
    const before = this.calls.length;
    try {
      make();
      return true;
    } catch (e) {
      if (!(e instanceof Skip)) throw e;
      this.calls.length = before;
      while (this.values.length > 0 && this.values.at(-1)!.call >= before) this.#known.delete(this.values.pop()!.name);
      return false;
    }
  }
  /** A step that reads what an op gave, else it gives up. */
  reading(op: string, make: () => unknown): void {
    const before = this.calls.length;
    this.#wanted = op;
    try {
      make();
    } finally {
      this.#wanted = undefined;
    }
    if (!this.calls.slice(before).some(c => c.args.flatMap(operands).some(v => v.op === op))) skip();
  }
}
function batchOutermost(shape: Shape): boolean {
  const at = shape.findIndex(d => typeof d !== 'number');
  return at < 0 || shape.slice(0, at).every(d => d === 1);
}
function broadcasts(from: Shape, to: Shape): boolean {
  if (from.length > to.length) return false;
  return from.every((d, i) => d === 1 || d === to[to.length - from.length + i]);
}
