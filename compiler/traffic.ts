// What a kernel costs on paper: floating-point operations and bytes of distinct elements, a fixed share and one of each image.
// A value is worked out once for each point of the axes that it depends on; a multiply-add counts as two.
import { bytesPerElement } from '../common/dtype.ts';
import type { Amount, Step } from '../common/program.ts';
import { type Size, timesSize } from '../common/size.ts';
import { type AxisSet, axesOf, axisSet, freeAxes } from './loops/facts.ts';
import type { LoopNest } from './loops/types.ts';

const nothing: Amount = { fixed: 0, perBatch: 0 };
const plus = (a: Amount, s: Size): Amount => (typeof s === 'number' ? { ...a, fixed: a.fixed + s } : { ...a, perBatch: a.perBatch + s.batch });
const bytes = (a: Amount): Amount => ({ fixed: a.fixed * bytesPerElement, perBatch: a.perBatch * bytesPerElement });

export function traffic(nest: LoopNest): Pick<Step, 'flops' | 'bytesRead' | 'bytesWritten'> {
  const free = freeAxes(nest);
  const points = (axes: AxisSet): Size => axesOf(axes).reduce<Size>((n, a) => timesSize(n, nest.axes[a]!.extent) ?? n, 1);
  const smaller = (a: Size, b: Size): Size => {
    if (typeof a === 'number') return typeof b === 'number' ? Math.min(a, b) : a;
    return typeof b === 'number' ? b : { batch: Math.min(a.batch, b.batch) };
  };
  let flops = nothing;
  nest.values.forEach((v, i) => {
    if (v.kind === 'op' && v.type === 'f32') flops = plus(flops, points(free[i]!));
  });
  for (const p of nest.parts) flops = plus(flops, points(free[p.of]! | axisSet(p.axes)));
  let read = nothing;
  let written = nothing;
  nest.buffers.forEach((b, k) => {
    if (b.written) for (const s of nest.stores) if (s.buffer === k) written = plus(written, smaller(points(axisSet(s.axes)), b.elements));
    // distinct loads of one buffer may overlap: what is read is held by the buffer's size
    const loads = nest.values.flatMap((v, i): readonly Size[] => (v.kind === 'load' && v.buffer === k ? [points(free[i]!)] : []));
    if (loads.length > 0) read = plus(read, smaller(loads.reduce(sumOf), b.elements));
  });
  return { flops, bytesRead: bytes(read), bytesWritten: bytes(written) };
}
/** At least the larger: a load beside the batch is small against those along it. */
function sumOf(a: Size, b: Size): Size {
  if (typeof a === 'number') return typeof b === 'number' ? a + b : b;
  return typeof b === 'number' ? a : { batch: a.batch + b.batch };
}
