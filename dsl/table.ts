// The op table: one row an op, from which docs/ops.md, the value tests, the error tests (trace and types) and the random differential
// test of the two halves of every rule are made. Adding an op is adding its function and its row.
import { contractRows } from './table/contract.ts';
import { einopsRows } from './table/einops.ts';
import { elementwiseRows } from './table/elementwise.ts';
import { indexRows } from './table/indices.ts';
import { makeRows } from './table/make.ts';
import { nnRows } from './table/nn.ts';
import { partRows } from './table/parts.ts';
import { reduceRows } from './table/reduce.ts';
import type { Row } from './table/row.ts';
import { viewRows } from './table/views.ts';

export type { Call, Family, Mistake, NdArray, NdResult, Row, Sample, Values } from './table/row.ts';
export { Random } from './table/row.ts';

export const table: readonly Row[] = [
  ...elementwiseRows,
  ...contractRows,
  ...reduceRows,
  ...viewRows,
  ...partRows,
  ...nnRows,
  ...indexRows,
  ...makeRows,
  ...einopsRows,
];
