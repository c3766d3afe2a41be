// The interpreter's one loop that has to be quick: a contraction as batches of matrix products. Both operands are packed with the
// summed labels innermost, so that every layout runs the same dot products, four by four (0.1 s for ViT-B's largest layer).
import type { ScalarType } from '../../dsl/scalar.ts';
import type { Arith } from './arithmetic.ts';
import { offsets, stridesOf } from './strided.ts';

interface Numbers {
  readonly length: number;
  [i: number]: number;
}
interface Operand {
  readonly values: { readonly [i: number]: number };
  readonly dims: readonly number[];
}

/** out[…] = Σ a·b over the labels that `out` lacks; a label of one operand alone may be among them. */
export function contract<Y extends Numbers>(
  labels: readonly [string, string],
  out: string,
  a: Operand,
  b: Operand,
  dims: readonly number[],
  y: Y,
  type: ScalarType,
  arith: Arith,
): Y {
  const [inA, inB] = labels;
  const extent = new Map([
    ...[...inA].map((c, i): [string, number] => [c, a.dims[i]!]),
    ...[...inB].map((c, i): [string, number] => [c, b.dims[i]!]),
  ]);
  const kept = [...out];
  const both = kept.filter(c => inA.includes(c) && inB.includes(c));
  const rows = kept.filter(c => !inB.includes(c));
  const columns = kept.filter(c => !inA.includes(c));
  const summed = [...extent.keys()].filter(c => !out.includes(c));
  /** Where each index over `over` lies in a tensor with the axes `axes`. */
  const table = (over: readonly string[], axes: string, shape: readonly number[]): Int32Array => {
    const strides = stridesOf(shape);
    return offsets(
      over.map(c => extent.get(c)!),
      over.map(c => (axes.includes(c) ? strides[axes.indexOf(c)]! : 0)),
    );
  };
  const at = (over: readonly string[]) => ({ a: table(over, inA, a.dims), b: table(over, inB, b.dims), y: table(over, out, dims) });
  const [batches, ms, ns, ks] = [at(both), at(rows), at(columns), at(summed)];
  const m = ms.y.length;
  const n = ns.y.length;
  const k = ks.a.length;
  const left = new Float64Array(m * k);
  const right = new Float64Array(n * k);
  const product = new Float64Array(m * n);
  for (let i = 0; i < batches.y.length; i++) {
    pack(a.values, batches.a[i]!, ms.a, ks.a, left);
    pack(b.values, batches.b[i]!, ns.b, ks.b, right);
    if (type === 'f32' && arith.name === 'float64') multiply(left, right, product, m, n, k);
    else multiplyIn(arith, type, left, right, product, m, n, k);
    for (let r = 0; r < m; r++) for (let c = 0; c < n; c++) y[batches.y[i]! + ms.y[r]! + ns.y[c]!] = product[r * n + c]!;
  }
  return y;
}

function pack(x: { readonly [i: number]: number }, base: number, rows: Int32Array, columns: Int32Array, to: Float64Array): void {
  let t = 0;
  for (const r of rows) for (let c = 0; c < columns.length; c++) to[t++] = x[base + r + columns[c]!]!;
}

/** y[r, c] = Σₖ a[r, k]·b[c, k] in doubles: tiles of 2 × 4 sums, which is what the registers hold. */
function multiply(a: Float64Array, b: Float64Array, y: Float64Array, m: number, n: number, k: number): void {
  for (let c = 0; c < n; c += 4)
    for (let r = 0; r < m; r += 2) {
      if (r + 2 <= m && c + 4 <= n) tile(a, b, y, r, c, n, k);
      else for (let i = r; i < Math.min(r + 2, m); i++) for (let j = c; j < Math.min(c + 4, n); j++) y[i * n + j] = dot(a, i * k, b, j * k, k);
    }
}
function dot(a: Float64Array, i: number, b: Float64Array, j: number, k: number): number {
  let sum = 0;
  for (let t = 0; t < k; t++) sum += a[i + t]! * b[j + t]!;
  return sum;
}
function tile(a: Float64Array, b: Float64Array, y: Float64Array, r: number, c: number, n: number, k: number): void {
  const a0 = r * k;
  const a1 = a0 + k;
  const b0 = c * k;
  const b1 = b0 + k;
  const b2 = b1 + k;
  const b3 = b2 + k;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  for (let t = 0; t < k; t++) {
    const x0 = a[a0 + t]!;
    const x1 = a[a1 + t]!;
    const w0 = b[b0 + t]!;
    const w1 = b[b1 + t]!;
    const w2 = b[b2 + t]!;
    const w3 = b[b3 + t]!;
    s00 += x0 * w0;
    s01 += x0 * w1;
    s02 += x0 * w2;
    s03 += x0 * w3;
    s10 += x1 * w0;
    s11 += x1 * w1;
    s12 += x1 * w2;
    s13 += x1 * w3;
  }
  const y0 = r * n + c;
  y[y0] = s00;
  y[y0 + 1] = s01;
  y[y0 + 2] = s02;
  y[y0 + 3] = s03;
  y[y0 + n] = s10;
  y[y0 + n + 1] = s11;
  y[y0 + n + 2] = s12;
  y[y0 + n + 3] = s13;
}

/** The same in any arithmetic and for integers, one sum after the other. */
function multiplyIn(arith: Arith, type: ScalarType, a: Float64Array, b: Float64Array, y: Float64Array, m: number, n: number, k: number): void {
  const add = arith.primitive('add', type);
  const mul = arith.primitive('mul', type);
  for (let r = 0; r < m; r++)
    for (let c = 0; c < n; c++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum = add(sum, mul(a[r * k + i]!, b[c * k + i]!, 0), 0);
      y[r * n + c] = sum;
    }
}
