// Constructors of L2 expressions. Integer arithmetic on literals is folded here, so that index arithmetic written for the general
// case (times a stride of 1, plus an offset of 0) leaves no trace in the code.

import { isDynamic, type Size } from '../../common/size.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';
import { primType } from '../../dsl/scalar.ts';
import { float64 } from '../graph/arithmetic.ts';
import type { Expr, Width } from './types.ts';

export const literal = (value: number, type: ScalarType): Expr => ({ kind: 'literal', value, type, width: 1 });
export const int = (value: number): Expr => literal(value, 'i32');
export const named = (name: string, type: ScalarType, width: Width = 1): Expr => ({ kind: 'name', name, type, width });
export const group: Expr = { kind: 'group', type: 'i32', width: 1 };
export const lane: Expr = { kind: 'lane', type: 'i32', width: 1 };
const batch: Expr = { kind: 'batch', type: 'i32', width: 1 };

const isInt = (e: Expr, value: number): boolean => e.kind === 'literal' && e.type === 'i32' && e.value === value;

/** Operands of different widths: the narrow ones are repeated. */
export function operation(prim: Prim, ...args: readonly Expr[]): Expr {
  const width: Width = args.some(a => a.width === 4) ? 4 : 1;
  const type = primType(
    prim,
    args.map(a => a.type),
  );
  return { kind: 'op', prim, args: width === 4 ? args.map(splat) : args, type, width };
}
/** What an operation on literals gives, where that is the same on every target: of integers and bools, and a choice that is known. */
export function folded(prim: Prim, args: readonly Expr[]): Expr | undefined {
  const first = args[0]!;
  if (prim === 'select' && first.kind === 'literal') return first.value !== 0 ? args[1] : args[2];
  const last = args.at(-1)!;
  // WGSL refuses a literal 0 under a division; by its own rule for run time the dividend is the quotient
  if ((prim === 'quo' || prim === 'rem') && last.kind === 'literal' && last.value === 0) return prim === 'quo' ? first : literal(0, first.type);
  const values = args.flatMap(a => (a.kind === 'literal' && a.type !== 'f32' ? [a.value] : []));
  const type = primType(
    prim,
    args.map(a => a.type),
  );
  if (values.length < args.length || type === 'f32' || prim === 'select') return undefined;
  const [a = 0, b = 0] = values;
  return literal(float64.primitive(prim, first.type)(a, b, 0), type);
}
/** Four times the same. */
export const splat = (e: Expr): Expr => (e.width === 4 ? e : { kind: 'vector', of: [e, e, e, e], type: e.type, width: 4 });
/** Four scalars; of one vector's elements in order, that vector. */
export function vector(of: readonly Expr[]): Expr {
  const first = of[0]!;
  if (first.kind === 'element' && of.every((e, i) => e.kind === 'element' && e.of === first.of && e.at === i)) return first.of;
  return { kind: 'vector', of, type: first.type, width: 4 };
}
/** Element `at` of a vector; a scalar is its own every element. */
export function element(e: Expr, at: number): Expr {
  if (e.width === 1) return e;
  if (e.kind === 'vector') return e.of[at]!;
  return { kind: 'element', of: e, at: at as 0 | 1 | 2 | 3, type: e.type, width: 1 };
}
export const load = (memory: number, at: Expr, type: ScalarType, width: Width = 1): Expr => ({ kind: 'load', memory, at, type, width });

// ---- i32 arithmetic of indices
export function plus(a: Expr, b: Expr): Expr {
  if (isInt(b, 0)) return a;
  if (isInt(a, 0)) return b;
  if (a.kind === 'literal' && b.kind === 'literal') return int(a.value + b.value);
  return operation('add', a, b);
}
export function times(a: Expr, by: number): Expr {
  if (by === 1) return a;
  if (by === 0) return int(0);
  return a.kind === 'literal' ? int(a.value * by) : operation('mul', a, int(by));
}
/** Of numbers that are not negative. */
export function dividedBy(a: Expr, by: number): Expr {
  if (by === 1) return a;
  return a.kind === 'literal' ? int(Math.floor(a.value / by)) : operation('quo', a, int(by));
}
export function modulo(a: Expr, by: number): Expr {
  if (by === 1) return int(0);
  return a.kind === 'literal' ? int(a.value % by) : operation('rem', a, int(by));
}
export const less = (a: Expr, b: Expr): Expr => operation('lt', a, b);
export const sizeExpr = (s: Size): Expr => (isDynamic(s) ? times(batch, s.batch) : int(s));

/** A text that is equal exactly for equal expressions. */
export const exprKey = (e: Expr): string => JSON.stringify(e);
