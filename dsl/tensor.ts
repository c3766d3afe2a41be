// Tensors: a node of the graph whose shape and element type the type checker knows. A signature is a tensor over symbols, so one
// value is the formal of a layer, the graph's placeholder and the pattern that the run-time unifier matches.
// biome-ignore-all lint/suspicious/noRedeclare: f32, i32, u32 and bool are placeholders as values and scalars as types
import type { DType as NodeDType } from '../common/dtype.ts';
import type { Dim, DimArg, Shape } from './dim.ts';
import type { Canon, ShowDim } from './dim-types.ts';
import { callSite, fail } from './errors.ts';
import type { Node, Op, Origin } from './graph.ts';
import { layerTrail, resolvePlaceholder } from './scope.ts';
import { type Size, sizeValue } from './sizes.ts';

// ---------------------------------------------------------------- types
/** i32 with 0 ≤ value < N: the positions of an axis. */
export interface Index<out N extends Dim = Dim> {
  readonly over: N;
}
/** Element types as the type checker sees them. A node's own dtype is 'i32' for an index, with `over` beside it. */
export type DType = NodeDType | Index;

/** For messages: 'f32', 'index over 197'. */
export type ShowDType<D> = D extends Index<infer N> ? `index over ${ShowDim<N>}` : D & string;
export const dtypeName = (d: DType): string => (typeof d === 'object' ? `index over ${d.over}` : d);

declare const dims: unique symbol;
declare const kind: unique symbol;
type SizesOf<S> = { readonly [K in keyof S]: SizeOf<S[K]> };
// distributive: a size of unknown shape is a number or a placeholder
type SizeOf<D> = D extends number ? D : D extends Dim ? Size<D> : never;
export interface Tensor<out S extends Shape = Shape, out D extends DType = DType> {
  readonly [dims]: S;
  readonly [kind]: D;
  /** Its sizes: numbers, or placeholders for symbols. x.shape[0] of a Tensor<['B','N']> is a Size<'B'>. */
  readonly shape: SizesOf<S>;
  readonly node: Node;
}

/** ['1','N'] of '1 N', canonical */
type Names<S extends string, R extends Dim[] = []> = S extends `${infer h} ${infer t}`
  ? Names<t, [...R, Canon<h>]>
  : S extends ''
    ? R
    : [...R, Canon<S>];
/** Annotations: F32<'B N 3*D'> is Tensor<['B','N','3*D'], 'f32'>; F32<''> is a scalar. */
export type F32<S extends string> = Tensor<Names<S>, 'f32'>;
export type F16<S extends string> = Tensor<Names<S>, 'f16'>;
export type I32<S extends string> = Tensor<Names<S>, 'i32'>;
export type U32<S extends string> = Tensor<Names<S>, 'u32'>;
export type Bool<S extends string> = Tensor<Names<S>, 'bool'>;
/** IndexOf<'N', 'B V'> is Tensor<['B','V'], Index<'N'>>. */
export type IndexOf<N extends DimArg, S extends string> = Tensor<Names<S>, Index<Canon<N> & Dim>>;

/** The type of an argument under a rule: T, or the rule's message. NoInfer, or the compiler infers into the whole rule. */
export type Arg<T, R> = R extends string ? NoInfer<R> : T;
/** What follows a mistake: it passes every later rule, so that one mistake is one error. */
// biome-ignore lint/suspicious/noExplicitAny: no other type passes every rule
export type Open = any;
/** The shape that a rule gave; open after a mistake, or where the rank is unknown. The trace still checks what follows.
 *  R is inferred anew, so that a call's rule, a type parameter with a default, is never inferred from what its result is used for. */
export type Ok<R> = R extends infer S extends Shape ? (number extends S['length'] ? Open : S) : Open;
/** is the rank unknown? */
export type Wide<S extends Shape> = number extends S['length'] ? true : false;

// ---------------------------------------------------------------- values
class Handle {
  readonly node: Node;
  constructor(node: Node) {
    this.node = node;
  }
  get shape(): readonly (number | Size)[] {
    return this.node.shape.map(sizeValue);
  }
}
export const isTensor = (x: unknown): x is Tensor => x instanceof Handle;
/** The element type of a tensor: its node's, or { over } for an index. */
export const dtypeOf = (t: Tensor): DType => (t.node.over === undefined ? t.node.dtype : { over: t.node.over });
/** The tensor of a node. The one place where a recorded value takes the type that a rule computed for it: hence `any`. */
// biome-ignore lint/suspicious/noExplicitAny: the rule's type is not known to the code that records
export const wrap = (node: Node): any => new Handle(node);

/** Stack frames kept a node: the op's own few, then the user's call. */
const originFrames = 10;
class CallOrigin implements Origin {
  readonly trail: readonly string[];
  readonly #site: { readonly stack?: string };
  constructor(trail: readonly string[], site: { readonly stack?: string }) {
    this.trail = trail;
    this.#site = site;
  }
  get stack(): string {
    return this.#site.stack ?? '';
  }
}
/** The op that is being recorded as several nodes, when there is one: they share its call. */
let composite: CallOrigin | null = null;
/** Runs the nodes of one op as that op: their origin is its call, their trail ends in its name.
 *  `softmax = (x, axis) => trailing(softmax, () => div(exp(…), …))` */
export function trailing<R>(op: (...args: never) => unknown, body: () => R, name: string = op.name): R {
  if (composite) return body();
  composite = new CallOrigin([...layerTrail(), name], callSite(op, originFrames));
  try {
    return body();
  } finally {
    composite = null;
  }
}

/** Makes a node and wraps it. `op` is the public function that the user called: its name ends the trail, its frames are left out of
 *  the origin. Shapes must have been judged: nothing is checked here. */
export function record(
  op: (...args: never) => unknown,
  fields: Op & { readonly nested?: true },
  inputs: readonly Tensor[],
  shape: Shape,
  dtype: NodeDType,
  over?: Dim,
  // biome-ignore lint/suspicious/noExplicitAny: see wrap
): any {
  const origin = composite ?? new CallOrigin([...layerTrail(), op.name], callSite(op, originFrames));
  return wrap({ ...fields, shape, dtype, ...(over === undefined ? {} : { over }), inputs: inputs.map(t => t.node), origin });
}

// ---------------------------------------------------------------- placeholders
/** The sizes of a placeholder or parameter. @throws ShapeError for what is not a size */
export function placeholderShape(op: string, shape: readonly unknown[]): Dim[] {
  return shape.map((d, axis) => {
    if (typeof d === 'number' ? !(Number.isSafeInteger(d) && d >= 0) : !isSizeLike(d)) fail('badAxis', op, show(d), axis);
    return resolvePlaceholder(d);
  });
}
function placeholder(op: (...args: never) => unknown, dtype: NodeDType, shape: readonly unknown[], over?: Dim): Tensor {
  return record(op, { op: 'input', role: 'argument', name: '' }, [], placeholderShape(op.name, shape), dtype, over);
}
const isSizeLike = (d: unknown): boolean => typeof d === 'string' || (typeof d === 'object' && d !== null && 'dim' in d);
const show = (d: unknown): string =>
  typeof d === 'number' || d === undefined || d === null ? `${d}` : typeof d === 'string' ? `"${d}"` : `of type ${typeof d}`;

/** As types, the placeholders' names say how kernel(fn) holds a number: (x: f32, n: i32) => … (scalars/language.ts). */
export type f32 = number;
export type i32 = number;
export type u32 = number;
export type bool = boolean;

/** f32('B', 'N', 768): an argument, or the formal of one, canonical ('K*H' is 'H*K'). @throws ShapeError for what is not a size */
export function f32<const S extends readonly DimArg[]>(...shape: S): Tensor<PlaceholderShape<S>, 'f32'>;
export function f32(...shape: readonly unknown[]): Tensor {
  return placeholder(f32, 'f32', shape);
}
/** Half precision: rounded to the nearest half wherever it is stored. */
export function f16<const S extends readonly DimArg[]>(...shape: S): Tensor<PlaceholderShape<S>, 'f16'>;
export function f16(...shape: readonly unknown[]): Tensor {
  return placeholder(f16, 'f16', shape);
}
export function i32<const S extends readonly DimArg[]>(...shape: S): Tensor<PlaceholderShape<S>, 'i32'>;
export function i32(...shape: readonly unknown[]): Tensor {
  return placeholder(i32, 'i32', shape);
}
export function u32<const S extends readonly DimArg[]>(...shape: S): Tensor<PlaceholderShape<S>, 'u32'>;
export function u32(...shape: readonly unknown[]): Tensor {
  return placeholder(u32, 'u32', shape);
}
export function bool<const S extends readonly DimArg[]>(...shape: S): Tensor<PlaceholderShape<S>, 'bool'>;
export function bool(...shape: readonly unknown[]): Tensor {
  return placeholder(bool, 'bool', shape);
}
/** index('N')('B', 'V'): positions of an axis of size N, refused at upload unless 0 ≤ i < N. */
export function index<const N extends DimArg>(
  over: N,
): <const S extends readonly DimArg[]>(...shape: S) => Tensor<PlaceholderShape<S>, Index<Canon<N> & Dim>>;
export function index(over: unknown): unknown {
  const [n] = placeholderShape('index', [over]);
  return function index(...shape: readonly unknown[]): Tensor {
    return placeholder(index, 'i32', shape, n);
  };
}
type PlaceholderShape<S> = { -readonly [K in keyof S]: Canon<S[K]> } extends infer R extends Dim[] ? R : never;

// One door for those who write ops.
export type { Dim, DimArg, Shape } from './dim.ts';
export { fail, failAt, ShapeError } from './errors.ts';
export { resolve, within } from './scope.ts';
export { type Size, size } from './sizes.ts';
export type { Say } from './words.ts';
export { say } from './words.ts';
