// rearrange, repeat and reduce (Rogozhnikov, "Einops", ICLR 2022): reshapes, transposes and reductions whose layout is written down.
// 'b (h w) c -> b c h w' takes groups apart, moves the named axes and groups them again: views, but for the reduction.
import type { DimArg, Shape } from '../dim.ts';
import { type OkType, type Plain, type Wants, wants } from '../rules/dtype.ts';
import { type Einops, type EinopsOp, type EinopsPlan, einops } from '../rules/einops.ts';
import type { First } from '../rules/first.ts';
import { type Arg, type DType, dtypeOf, type Ok, resolve, type Tensor, trailing } from '../tensor.ts';
import { expandAt, permuteTo, reshapeTo, shapeOf } from './nodes.ts';
import { max, mean, min, sum } from './reduce.ts';

type Given = Readonly<Record<string, DimArg>>;
type NoSizes = Record<never, never>;
function plan(op: EinopsOp, x: Tensor, pattern: string, given: Readonly<Record<string, unknown>>): EinopsPlan {
  return einops(op, pattern, shapeOf(x), Object.fromEntries(Object.entries(given).map(([name, size]) => [name, resolve(size)])));
}
/** x with one axis a name of the left side. */
const apart = (x: Tensor, { left, size }: EinopsPlan): Tensor => reshapeTo(x, left.map(size));
/** Axes named `from` in the order of `to`. */
const ordered = (x: Tensor, from: readonly string[], to: readonly string[]): Tensor =>
  permuteTo(
    x,
    to.map(a => from.indexOf(a)),
  );

/** Another layout of the same elements: rearrange(x, 'b n (h k) -> b h n k', { h: 12 }). Sizes give what the pattern leaves open. */
export function rearrange<
  S extends Shape,
  D extends DType,
  const P extends string,
  const Z extends Given = NoSizes,
  R = Einops<'rearrange', P, S, Z>,
>(x: Tensor<S, D>, pattern: Arg<P, R>, sizes?: Z): Tensor<Ok<R>, D>;
export function rearrange(x: Tensor, pattern: string, sizes: Given = {}): Tensor {
  const p = plan('rearrange', x, pattern, sizes);
  return trailing(rearrange, () => reshapeTo(ordered(apart(x, p), p.left, p.right), p.shape));
}
/** rearrange with new axes on the right, along which x repeats: repeat(x, 'h w -> h w c', { c: 3 }). */
export function repeat<S extends Shape, D extends DType, const P extends string, const Z extends Given = NoSizes, R = Einops<'repeat', P, S, Z>>(
  x: Tensor<S, D>,
  pattern: Arg<P, R>,
  sizes?: Z,
): Tensor<Ok<R>, D>;
export function repeat(x: Tensor, pattern: string, sizes: Given = {}): Tensor {
  const p = plan('repeat', x, pattern, sizes);
  return trailing(repeat, () => {
    const old = p.right.filter(a => p.left.includes(a));
    const grown = expandAt(
      ordered(apart(x, p), p.left, old),
      p.right.map(p.size),
      old.map(a => p.right.indexOf(a)),
    );
    return reshapeTo(grown, p.shape);
  });
}

/** How `reduce` joins the elements of the axes that the right side leaves out. */
export type Reduction = 'sum' | 'mean' | 'max' | 'min';
const reductions = { sum, mean, max, min } as const;
type KindOf<R> = R extends 'mean' ? 'float' : 'number';
type ReduceShape<S extends Shape, D, P extends string, R, Z> = First<Wants<D, KindOf<R>, 'reduce'>, Einops<'reduce', P, S, Z>>;
/** rearrange without some axes, which are reduced: reduce(x, 'b (h p) (w q) c -> b h w c', 'mean', { p: 2, q: 2 }) is a 2×2 pooling. */
export function reduce<S extends Shape, D extends DType, const P extends string, const R extends Reduction, const Z extends Given = NoSizes>(
  x: Arg<Tensor<S, D>, Wants<D, KindOf<R>, 'reduce'>>,
  pattern: Arg<P, Einops<'reduce', P, S, Z>>,
  reduction: R,
  sizes?: Z,
): Tensor<Ok<ReduceShape<S, D, P, R, Z>>, OkType<ReduceShape<S, D, P, R, Z>, Plain<D>>>;
export function reduce(x: Tensor, pattern: string, reduction: Reduction, sizes: Given = {}): Tensor {
  wants(dtypeOf(x), reduction === 'mean' ? 'float' : 'number', 'reduce');
  const p = plan('reduce', x, pattern, sizes);
  return trailing(reduce, () => {
    const kept = p.left.filter(a => p.right.includes(a));
    const lost = [...p.left.keys()].filter(i => !p.right.includes(p.left[i]!));
    return reshapeTo(ordered(reductions[reduction](apart(x, p), lost), kept, p.right), p.shape);
  });
}
