// A size as a value: size('H') stands for a number that a call or a config will give. It is no number, so arithmetic and comparisons on
// it throw in words instead of becoming NaN or picking a branch in silence. (`===` and truth cannot be trapped.)
import { canon, type Dim, type DimArg } from './dim.ts';
import type { Canon } from './dim-types.ts';
import { fail } from './errors.ts';

/** A plain number whose type remembers its symbol: inside a call a size is the number, in a signature it is a placeholder. */
export type Size<N extends Dim = Dim> = number & { readonly dim: N };

export class SizePlaceholder {
  readonly dim: Dim;
  constructor(dim: Dim) {
    this.dim = dim;
  }
  [Symbol.toPrimitive](): never {
    return fail('placeholder', this.dim);
  }
}
/** The formal of a size argument, 'H' or a product of symbols 'H*K'. */
export function size<const N extends DimArg>(dim: N): Size<Canon<N> & Dim>;
export function size(dim: DimArg): unknown {
  return new SizePlaceholder(canon(dim));
}
export const isPlaceholder = (x: unknown): x is SizePlaceholder => x instanceof SizePlaceholder;
/** A dim as a user sees it: its number, or a placeholder for its symbols. */
export const sizeValue = (d: Dim): number | Size => (typeof d === 'number' ? d : size(d));
