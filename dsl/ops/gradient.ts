// grad and valueAndGrad: recorded here, expanded by the compiler (reverse mode over the graph). Gradients are of a scalar in a tensor or
// a whole tree of parameters, by value: what f reads from elsewhere is a constant to it. Smooth ops can be differentiated again.
import { fail } from '../errors.ts';
import { gradientArgument } from '../graph.ts';
import { isTensor, record, type Tensor } from '../tensor.ts';
import { derivative } from './derivatives.ts';
import { shapeOf } from './nodes.ts';

/** What can be differentiated in: a tensor, or records, classes and lists of them. */
export type Tree = Tensor | object;
/** The gradient of a tree: the same tree with plain tensors for leaves; what holds none is left as it is. */
export type Gradient<P> = P extends Tensor<infer S, infer D> ? Tensor<S, D> : P extends object ? { readonly [K in keyof P]: Gradient<P[K]> } : P;

type Scalar = Tensor<[], 'f32'>;
/** f of a tree and any further arguments, giving an f32 scalar. */
type Loss<P, A extends readonly unknown[]> = (p: P, ...args: A) => Scalar;

/** The gradient of f in its first argument. JAX's grad. @throws ShapeError when f gives no f32 scalar or the tree holds no floats */
export function grad<P extends Tree, A extends readonly unknown[]>(f: Loss<P, A>): (p: P, ...args: A) => Gradient<P> {
  const both = valueAndGrad(f);
  return (p, ...args) => both(p, ...args).grad;
}
/** The value of f and its gradient in its first argument; integers in it are left as they are. */
export function valueAndGrad<P extends Tree, A extends readonly unknown[]>(
  f: Loss<P, A>,
): (p: P, ...args: A) => { readonly value: Scalar; readonly grad: Gradient<P> } {
  // the name of what is recorded, and the function whose caller is its origin
  return function valueAndGrad(p: P, ...args: A) {
    const leaves: Tensor[] = [];
    // a bracket of its own for each leaf, so that only what flows through the argument counts
    const inner = mapTree(p, leaf => {
      if (!isFloat(leaf)) return leaf;
      const own = record(valueAndGrad, { op: 'call', name: gradientArgument, saved: 0 }, [leaf], shapeOf(leaf), leaf.node.dtype);
      leaves.push(own);
      return own;
    });
    if (leaves.length === 0) fail('gradNothing');
    const value = f(inner as P, ...args);
    if (!isTensor(value) || shapeOf(value).length > 0 || value.node.dtype !== 'f32') fail('gradScalar', describe(value));
    let next = 0;
    const grad = mapTree(p, leaf =>
      isFloat(leaf) ? record(valueAndGrad, { op: 'gradient', wrt: next++ }, [value, ...leaves], shapeOf(leaf), leaf.node.dtype) : leaf,
    );
    return { value, grad: grad as Gradient<P> };
  };
}
const isFloat = (x: Tensor): boolean => x.node.dtype === 'f32' || x.node.dtype === 'f16';
const describe = (x: unknown): string => (isTensor(x) ? `${x.node.dtype} [${x.node.shape.join(',')}]` : typeof x);

/** A tree with each tensor replaced; objects keep their prototype, and those in which nothing changes are themselves. */
function mapTree(tree: unknown, leaf: (t: Tensor) => Tensor): unknown {
  if (isTensor(tree)) return leaf(tree);
  if (typeof tree !== 'object' || tree === null) return tree;
  const entries = Object.entries(tree).map(([k, v]) => [k, mapTree(v, leaf), v] as const);
  if (entries.every(([, now, before]) => now === before)) return tree;
  if (Array.isArray(tree)) return entries.map(([, now]) => now);
  return Object.assign(Object.create(Object.getPrototypeOf(tree)), tree, Object.fromEntries(entries));
}

/**
 * f with a derivative of the author's own: `backward` gives the cotangent of each argument (null: none) from the value's cotangent, the
 * value and the arguments, in the language. Used where the generic derivative is slow or loses digits. What f reads beside its
 * arguments is a constant to it. Cotangents that are not of their argument's shape and dtype are refused when a gradient is compiled.
 */
export function withDerivative<A extends readonly Tensor[], R extends Tensor>(
  name: string,
  f: (...args: A) => R,
  backward: (cotangent: R, value: R, ...args: A) => readonly (Tensor | null)[],
): (...args: A) => R {
  const own = derivative(c => backward(c.cotangent as R, c.value as R, ...(c.args as A)));
  const call = (...args: A): R => {
    const body = f(...args);
    return record(call, { op: 'call', name, saved: 0, derivative: own }, [body, ...args], shapeOf(body), body.node.dtype);
  };
  return Object.defineProperty(call, 'name', { value: name });
}
