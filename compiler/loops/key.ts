// The structure of a nest as a string: which tensors it reads is left out, in which order it meets them is not. Nests of one key have
// one kernel text (the twelve equal blocks of a ViT).
import type { LoopNest } from './types.ts';

export const nestKey = (nest: LoopNest): string =>
  JSON.stringify(
    [nest.axes.map(a => a.extent), nest.buffers.map(b => [b.elements, b.dtype, b.written]), nest.values, nest.parts, nest.loops, nest.stores],
    exactNumbers,
  );
/** JSON has neither −0 nor infinities nor NaN. */
const exactNumbers = (_: string, x: unknown): unknown =>
  typeof x === 'number' && (Object.is(x, -0) || !Number.isFinite(x)) ? `#${x === 0 ? '-0' : x}` : x;
