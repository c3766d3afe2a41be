// What a kernel costs on paper: floating-point operations and bytes of distinct elements, as multiples of the batch where they are.
// A value is worked out once for each point of the axes that it depends on; a multiply-add counts as two.
import { bytesPerElement } from '../common/dtype.ts';
import type { Step } from '../common/program.ts';
import { timesSize, type Size } from '../common/size.ts';
import { axesOf, axisSet, freeAxes, type AxisSet } from './loops/facts.ts';
import type { LoopNest } from './loops/types.ts';

/** a + k·batch */
interface Affine {
  readonly fixed: number;
  readonly batch: number;
}
const zero: Affine = { fixed: 0, batch: 0 };
const plus = (a: Affine, s: Size): Affine => (typeof s === 'number' ? { ...a, fixed: a.fixed + s } : { ...a, batch: a.batch + s.batch });
/** Work beside that of the batch (tables, row constants) is folded into one image's share. */
const toSize = (a: Affine): Size => (a.batch === 0 ? a.fixed : { batch: a.batch + a.fixed });

export function traffic(nest: LoopNest): Pick<Step, 'flops' | 'bytesRead' | 'bytesWritten'> {
  const free = freeAxes(nest);
  const points = (axes: AxisSet): Size => axesOf(axes).reduce<Size>((n, a) => timesSize(n, nest.axes[a]!.extent) ?? n, 1);
  const smaller = (a: Size, b: Size): Size => {
    if (typeof a === 'number') return typeof b === 'number' ? Math.min(a, b) : a;
    return typeof b === 'number' ? b : { batch: Math.min(a.batch, b.batch) };
  };
  let flops = zero;
  nest.values.forEach((v, i) => {
    if (v.kind === 'op' && v.type === 'f32') flops = plus(flops, points(free[i]!));
  });
  for (const p of nest.parts) flops = plus(flops, points(free[p.of]! | axisSet(p.axes)));
  let read = zero;
  let written = zero;
  nest.buffers.forEach((b, k) => {
    const bytes = (touched: Size): Size => timesSize(smaller(touched, b.elements), bytesPerElement)!;
    if (b.written) {
      for (const s of nest.stores) if (s.buffer === k) written = plus(written, bytes(points(axisSet(s.axes))));
      return;
    }
    // distinct loads of one buffer may overlap: the sum is held by the buffer's size
    let touched: Affine = zero;
    nest.values.forEach((v, i) => {
      if (v.kind === 'load' && v.buffer === k) touched = plus(touched, points(free[i]!));
    });
    read = plus(read, bytes(toSize(touched)));
  });
  return { flops: toSize(flops), bytesRead: toSize(read), bytesWritten: toSize(written) };
}
