// Where parameters lie side by side: one layout for parameters, gradients and moments, so that a step of the optimiser goes through flat
// arrays. A parameter begins at a row of 64 elements (256 bytes, the alignment of bindings), and a flat ends at a whole block of rows,
// which the norm sums first. Flats are cut at parameter borders where one would pass what a target can bind.
import { bytesPerElement } from '../../common/dtype.ts';
import { alignment } from '../memory.ts';

export const rowElements = alignment / bytesPerElement;
/** Rows that are summed at once. */
export const blockRows = 64;

/** Some of the parameters, in one flat of `rows` × 64 elements. */
export interface Layout {
  /** Positions in the list of parameters. */
  readonly members: readonly number[];
  /** First row of each. */
  readonly starts: readonly number[];
  readonly rows: number;
}

/** Parameters of these numbers of elements, in order, in flats of at most `limit` bytes unless one parameter alone has more. */
export function layOut(elements: readonly number[], limit: number): readonly Layout[] {
  const most = Math.floor(limit / (alignment * blockRows)) * blockRows;
  const flats: { members: number[]; starts: number[]; rows: number }[] = [];
  elements.forEach((count, member) => {
    const rows = Math.ceil(count / rowElements);
    let flat = flats.at(-1);
    if (!flat || flat.rows + rows > most) flats.push((flat = { members: [], starts: [], rows: 0 }));
    flat.members.push(member);
    flat.starts.push(flat.rows);
    flat.rows += rows;
  });
  return flats.map(f => ({ ...f, rows: Math.ceil(f.rows / blockRows) * blockRows }));
}
