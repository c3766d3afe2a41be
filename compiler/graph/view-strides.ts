// What a view reads, as strides over its operand: out index → offset + Σ index·stride. (A reshape of a row-major tensor is the
// tensor itself and has no row here.)
import type { GraphView } from './graph.ts';
import { stridesOf } from './strided.ts';

export interface Strided {
  readonly strides: readonly number[];
  readonly offset: number;
}

export function viewStrides(view: Exclude<GraphView, { view: 'reshape' }>, dims: readonly number[], outDims: readonly number[]): Strided {
  const strides = stridesOf(dims);
  switch (view.view) {
    case 'permute':
      return { strides: view.order.map(i => strides[i]!), offset: 0 };
    case 'expand':
      return {
        strides: outDims.map((_, o) => {
          const i = view.at.indexOf(o);
          return i < 0 || dims[i] === 1 ? 0 : strides[i]!;
        }),
        offset: 0,
      };
    case 'slice':
      return { strides: strides.map((s, i) => (i === view.axis ? s * view.step : s)), offset: view.from * strides[view.axis]! };
    case 'flip':
      return { strides: strides.map((s, i) => (i === view.axis ? -s : s)), offset: (dims[view.axis]! - 1) * strides[view.axis]! };
    case 'window':
      return { strides: strides.flatMap((s, i) => (i === view.axis ? [s * view.stride, s] : [s])), offset: 0 };
  }
}
