// The bracket around an op whose derivative is written by hand: a `call` node [body, ...saved, ...args] has the value of its body. What
// the derivative of each needs, in order; numbers of the call are constants of shape [], arguments are f32:
//   softmax, logSoftmax   saved: —            args: x, axis (i32, from 0)
//   layerNorm             saved: mean, 1/σ    args: x, weight, bias (statistics have x's axes but the last)
//   attention             saved: lse          args: q, k, v, scale, bias if there is one (not yet broadcast)
//   crossEntropy          saved: lse          args: logits, labels, smoothing
//   permutation           saved: its inverse, where it is known. It has no derivative; a gather by it transposes to a gather by its inverse
// Between `call` and its args the compiler sees the body as any other graph: whether scores are stored is decided there.
import { record, type Tensor } from '../tensor.ts';
import { derivatives } from './derivatives.ts';
import { map, shapeOf } from './nodes.ts';
import { convert, scalarOf } from './scalar-ops.ts';

type CallName = keyof typeof derivatives;

/** The value of `body`, marked as the named op of `args`; `saved` are values of the body that its derivative reads again. */
export function callOf(name: CallName, body: Tensor, saved: readonly Tensor[], args: readonly Tensor[]): Tensor {
  return record(
    callOf,
    { op: 'call', name, saved: saved.length, derivative: derivatives[name] },
    [body, ...saved, ...args],
    shapeOf(body),
    body.node.dtype,
  );
}

/** Marks an index over the last axis as a permutation. */
export function permutationOf(body: Tensor, inverse?: Tensor): Tensor {
  const saved = inverse ? [inverse] : [];
  return record(permutationOf, { op: 'call', name: 'permutation', saved: saved.length }, [body, ...saved], shapeOf(body), 'i32', body.node.over);
}

/** Halves are computed as f32 inside an op and rounded once, at its end, as PyTorch does. */
export const widen = (x: Tensor): Tensor => (x.node.dtype === 'f16' ? map(scalarOf('cast', convert('f32'), ['f32'], 'f32'), [x], 'f32') : x);
/** `y` in the element type of `like`. */
export const narrow = (y: Tensor, like: Tensor): Tensor =>
  like.node.dtype === 'f16' ? map(scalarOf('cast', convert('f32'), ['f32'], 'f32'), [y], 'f16') : y;
