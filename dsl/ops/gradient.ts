// grad and valueAndGrad: recorded here, expanded by the compiler (reverse mode over the graph). Gradients are of a scalar in a tensor or
// a whole tree of parameters, by value: what f reads from elsewhere is a constant to it. Smooth ops can be differentiated again.
import { fail } from '../errors.ts';
import type { Derivative } from '../graph.ts';
import { isTensor, record, type Tensor, trailing } from '../tensor.ts';
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
  return (p, ...args) => valueAndGrad(f)(p, ...args).grad;
}
/** The value of f and its gradient in its first argument. */
export function valueAndGrad<P extends Tree, A extends readonly unknown[]>(
  f: Loss<P, A>,
): (p: P, ...args: A) => { readonly value: Scalar; readonly grad: Gradient<P> } {
  return (p, ...args) =>
    trailing(valueAndGrad, () => {
      const leaves: Tensor[] = [];
      // a bracket of its own for each leaf, so that only what flows through the argument counts
      const inner = mapTree(p, leaf => {
        if (leaf.node.dtype !== 'f32' && leaf.node.dtype !== 'f16') return leaf;
        const own = record(valueAndGrad, { op: 'call', name: 'argument', saved: 0 }, [leaf], shapeOf(leaf), leaf.node.dtype);
        leaves.push(own);
        return own;
      });
      const value = f(inner as P, ...args);
      if (!isTensor(value) || shapeOf(value).length > 0 || value.node.dtype !== 'f32') fail('gradScalar', describe(value));
      if (leaves.length === 0) fail('gradNothing');
      let next = 0;
      const gradient = mapTree(p, leaf => {
        if (leaf.node.dtype !== 'f32' && leaf.node.dtype !== 'f16') return leaf;
        return record(valueAndGrad, { op: 'gradient', wrt: next++ }, [value, ...leaves], shapeOf(leaf), leaf.node.dtype);
      });
      return { value, grad: gradient as Gradient<P> };
    });
}
const describe = (x: unknown): string => (isTensor(x) ? `${x.node.dtype} [${x.node.shape.join(',')}]` : typeof x);

/** A tree with each tensor replaced. */
function mapTree(tree: unknown, leaf: (t: Tensor) => Tensor): unknown {
  if (isTensor(tree)) return leaf(tree);
  if (Array.isArray(tree)) return tree.map(t => mapTree(t, leaf));
  if (typeof tree !== 'object' || tree === null) return tree;
  return Object.assign(Object.create(Object.getPrototypeOf(tree)), Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, mapTree(v, leaf)])));
}

/**
 * f with a derivative of the author's own: `backward` gives the cotangent of each argument (null: none) from the arguments, the value
 * and its cotangent, in the language. Used where the generic derivative is slow or loses digits.
 */
export function withDerivative<A extends readonly Tensor[], R extends Tensor>(
  name: string,
  f: (...args: A) => R,
  backward: (cotangent: R, value: R, ...args: A) => readonly (Tensor | null)[],
): (...args: A) => R {
  return (...args) => {
    const body = f(...args);
    const own: Derivative = derivative(c => backward(c.cotangent as R, c.value as R, ...(c.args as A)));
    return record(withDerivative, { op: 'call', name, saved: 0, derivative: own }, [body, ...args], shapeOf(body), body.node.dtype);
  };
}
