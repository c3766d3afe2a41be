// Fixed two-dimensional sine-cosine positions (MAE paper, appendix A.1; facebookresearch/mae, util/pos_embed.py).
// Of D channels the first half holds the patch's column, the second half its row (the official code builds its grid "w goes first").
// Each half is [sin(x·ω_0) … sin(x·ω_{D/4−1}), cos(x·ω_0) … cos(x·ω_{D/4−1})], ω_k = 10000^(−k/(D/4)); the class token's row is zero.
import { type DimArg, HeddleError, param } from 'heddle';

/**
 * A position table [1,N,D] as a parameter that is loaded and saved but not trained; N = G·W + 1 tokens. `field` is the width's name in
 * messages.
 * @throws HeddleError HS3 when width is not a multiple of 4
 */
export const fixedPositions = <N extends DimArg, D extends DimArg>(tokens: N, width: D, gridHeight: DimArg, gridWidth: DimArg, field = 'width') => {
  if (typeof width === 'number') checkWidth(width, field);
  const values = () => sinCosTable(Number(width), Number(gridHeight), Number(gridWidth));
  return param([1, tokens, width], { values }, { trainable: false });
};

/**
 * The table of a grid of patches with a zero row before it, for the class token: row-major [gridHeight·gridWidth + 1, width],
 * computed in double precision and then rounded, as numpy does for the official code.
 * @throws HeddleError HS3 when width is not a multiple of 4: two halves, each half of it sines and half cosines.
 */
export function sinCosTable(width: number, gridHeight: number, gridWidth: number = gridHeight): Float32Array {
  checkWidth(width, 'width');
  const quarter = width / 4;
  const table = new Float32Array((gridHeight * gridWidth + 1) * width);
  for (let row = 0; row < gridHeight; row++)
    for (let column = 0; column < gridWidth; column++)
      for (let k = 0; k < quarter; k++) {
        const at = (1 + row * gridWidth + column) * width + k;
        const omega = 1 / 10000 ** (k / quarter);
        table[at] = Math.sin(column * omega);
        table[at + quarter] = Math.cos(column * omega);
        table[at + 2 * quarter] = Math.sin(row * omega);
        table[at + 3 * quarter] = Math.cos(row * omega);
      }
  return table;
}

function checkWidth(width: number, field: string): void {
  if (width % 4 !== 0)
    throw new HeddleError(
      'HS3',
      `✗ positions: ${field} ${width} is not divisible by 4: the table is a quarter each of column sines and cosines, row sines and cosines`,
    );
}
