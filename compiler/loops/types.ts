// L1: a kernel is a DAG of scalar values over named axes. An axis has no role of its own: a store binds its axes in parallel, a
// part binds its own (one reduction), and an inner binder shadows an outer one, so that `d` in a LayerNorm is reduced twice and
// then stored over. What a value depends on is derived (facts.ts) and says where it may be computed; views have vanished into
// canonical indices (index.ts).
//   axes n:50 d:192
//   for d: p0[n] sum= x[192n + d]
//   for d: v4 = x[192n + d] − p0/192 ; p1[n] sum= v4·v4
//   store n d: y[192n + d] = v4·rsqrt(p1/192 + 1e-6)
import type { DType } from '../../common/dtype.ts';
import type { Size } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';

export interface Axis {
  readonly name: string;
  readonly extent: Size;
}

/** Index in normal form: constant + Σ times·atom. Terms sorted by key, no term twice, no zero. Nothing negative ever stands under
 *  div or mod, so a target's truncating division is right. Equal indices have equal keys. */
export interface Index {
  readonly constant: number;
  readonly terms: readonly { readonly times: number; readonly atom: Atom }[];
}
export type Atom =
  | { readonly kind: 'axis'; readonly axis: number }
  | { readonly kind: 'value'; readonly value: number } // a gathered index: an i32 value of the kernel, clamped by its lowering to a known bound
  | { readonly kind: 'div'; readonly of: Index; readonly by: number }
  | { readonly kind: 'mod'; readonly of: Index; readonly by: number };

/** A value; its operands have smaller numbers. */
export type Val = { readonly type: ScalarType } & (
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'size'; readonly size: Size } // an i32
  | { readonly kind: 'scalar'; readonly name: string } // a run-time scalar of the program
  | { readonly kind: 'index'; readonly at: Index } // an i32
  | { readonly kind: 'load'; readonly buffer: number; readonly at: Index; readonly when: number; readonly other: number } // when: a bool value, or −1: always in range; else the number `other`
  | { readonly kind: 'op'; readonly prim: Prim; readonly args: readonly number[] }
  | { readonly kind: 'part'; readonly part: number }
);
/** A reduction of value `of` over `axes`. rescale: a max part m; whenever m moves, this sum is multiplied by exp(m_old − m_new), so
 *  that both run in one loop; −1 for none. */
export interface Part {
  readonly kind: ReduceKind;
  readonly of: number;
  readonly axes: readonly number[];
  readonly rescale: number;
}
export interface Store {
  readonly buffer: number;
  readonly at: Index;
  readonly value: number;
  readonly axes: readonly number[];
}
/** A stored tensor of the graph that the kernel reads or writes. dtype f16 is rounded at the store by the functions themselves. */
export interface Buffer {
  /** Graph node id. */
  readonly node: number;
  readonly elements: Size;
  readonly dtype: DType;
  readonly written: boolean;
}
/** loops: which parts run together (equal axes); only a grouping, so that merging loops renumbers nothing. */
export interface LoopNest {
  readonly axes: readonly Axis[];
  readonly buffers: readonly Buffer[];
  readonly values: readonly Val[];
  readonly parts: readonly Part[];
  readonly loops: readonly (readonly number[])[];
  readonly stores: readonly Store[];
}
