// Dims of the language become sizes of a program: a number, or a multiple of the one symbol that stays free, the batch.
//   sizeOf('3*B', 'B') = { batch: 3 }; sizeOf(7, 'B') = 7; sizeOf('B+1', 'B') = an explanation
import { type Size, sameSize } from '../../common/size.ts';
import type { Dim } from '../../dsl/graph.ts';

/** A size, or the words that say why this dim cannot be one. */
export type SizeOrWhy = { readonly size: Size } | { readonly why: string };

const cure = 'compile with --batch n, which makes the batch a number';

/** Reads a canonical polynomial ('G*G-V+1') whose only symbol may be `batch`. */
export function sizeOf(dim: Dim, batch: string | null): SizeOrWhy {
  if (typeof dim === 'number')
    return Number.isSafeInteger(dim) && dim >= 0 ? { size: dim } : { why: `${dim} is no size: sizes are integers from 0 to 2^53` };
  let constant = 0;
  let multiple = 0;
  for (const term of dim.match(/[+-]?[^+-]+/g) ?? []) {
    const sign = term.startsWith('-') ? -1 : 1;
    const factors = term
      .replace(/^[+-]/, '')
      .split('*')
      .map(f => f.trim());
    const symbols = factors.filter(f => !/^\d+$/.test(f));
    const coefficient = factors.filter(f => /^\d+$/.test(f)).reduce((p, f) => p * Number(f), sign);
    const stranger = symbols.find(s => s !== batch);
    if (stranger !== undefined)
      return {
        why:
          batch === null
            ? `${stranger} has no value in the size ${dim}: give it one where the model's inputs are declared`
            : `the size ${dim} needs ${stranger}, but only the batch ${batch} may stay free: give ${stranger} a value, or ${cure}`,
      };
    if (symbols.length > 1) return { why: `the size ${dim} is no multiple of the batch ${batch}: ${cure}` };
    if (symbols.length === 1) multiple += coefficient;
    else constant += coefficient;
  }
  if (multiple === 0) return sizeOf(constant, batch);
  if (constant !== 0 || multiple < 0) return { why: `the size ${dim} is no multiple of the batch ${batch}: ${cure}` };
  return { size: { batch: multiple } };
}

/** Why an operation may not have these sizes, or undefined. The batch is outermost in what is stored (lowering checks that), occurs
 *  once in a shape, and no index arithmetic moves along it. */
export function batchTwice(shape: readonly Size[], batch: string | null): string | undefined {
  const dynamic = shape.filter(s => typeof s !== 'number');
  return dynamic.length > 1 && !shape.some(s => sameSize(s, 0)) ? `two axes hold the batch ${batch}: ${cure}` : undefined;
}
export const alongBatch = (what: string, batch: string | null): string => `${what} along the batch ${batch} has no fixed position: ${cure}`;
