// What TypeScript's operators and functions mean in a kernel: one row each.
import type { Prim } from '../../dsl/scalar.ts';
import { constant, type Emitter, type Value } from './emit.ts';
import { fail } from './place.ts';
import type { ts } from './typescript.ts';

export type Meaning = (e: Emitter, node: ts.Node, ...args: readonly Value[]) => Value;

const prim =
  (name: Prim): Meaning =>
  (e, node, ...args) =>
    e.apply(node, name, ...args);
const isInteger = (v: Value): boolean => v.type === 'i32' || v.type === 'u32';

const divide: Meaning = (e, node, a, b) => e.apply(node, isInteger(a!) || isInteger(b!) ? 'quo' : 'div', a!, b!);
const remainder: Meaning = (e, node, a, b) => {
  if (a!.kind === 'const' && b!.kind === 'const' && a!.type === undefined && b!.type === undefined) return constant(a!.value % b!.value);
  return e.apply(node, 'rem', a!, b!);
};
/** Integer powers multiply out, by squaring; others are for positive bases. */
const largestPower = 64;
const power: Meaning = (e, node, x, n) => {
  const whole = n!.kind === 'const' && Number.isInteger(n!.value) && Math.abs(n!.value) <= largestPower;
  if (!whole || n!.kind !== 'const') return e.apply(node, 'pow', x!, n!);
  if (n!.value < 0) return divide(e, node, constant(1), power(e, node, x!, constant(-n!.value)));
  let result: Value | undefined;
  let square = x!;
  for (let k = n!.value; k > 0; k = Math.floor(k / 2)) {
    if (k % 2 === 1) result = result ? e.apply(node, 'mul', result, square) : square;
    if (k > 1) square = e.apply(node, 'mul', square, square);
  }
  return result ?? constant(1, x!.type);
};
const not: Meaning = (e, node, a) => e.apply(node, 'not', a!);
const logic =
  (name: 'and' | 'or'): Meaning =>
  (e, node, a, b) => {
    for (const v of [a!, b!])
      if (v.type !== 'bool') fail(node, `&& and || take bools, not ${v.type ?? 'a number'}: compare it with something`, 'HK2');
    return e.apply(node, name, a!, b!);
  };
/** Bits of integers; JavaScript would let bools and floats through. */
const bits =
  (name: Prim): Meaning =>
  (e, node, a, b) => {
    for (const v of [a!, b!]) if (v.type === 'f32' || v.type === 'bool') fail(node, `bits are of i32 and u32, not of ${v.type}`, 'HK2');
    const open = a!.kind === 'const' && b!.kind === 'const' && a!.type === undefined && b!.type === undefined;
    if (!open) return e.apply(node, name, a!, b!);
    const folded = e.apply(node, name, e.typed(node, a!, 'i32'), e.typed(node, b!, 'i32'));
    return folded.kind === 'const' ? constant(folded.value) : folded;
  };
const shift =
  (name: 'shl' | 'shr'): Meaning =>
  (e, node, a, b) =>
    // the count's own type does not matter
    bits(name)(e, node, a!, isInteger(a!) && isInteger(b!) && a!.type !== b!.type ? e.apply(node, a!.type === 'i32' ? 'toI32' : 'toU32', b!) : b!);
const shiftUnsigned: Meaning = (e, node, a, b) => shift('shr')(e, node, a!.type === 'i32' ? e.apply(node, 'toU32', a!) : a!, b!);
const shiftSigned: Meaning = (e, node, a, b) =>
  a!.type === 'u32' ? fail(node, '>> of u32 would be >>>: write that') : shift('shr')(e, node, a!, b!);

export const binary: ReadonlyMap<string, Meaning> = new Map([
  ['+', prim('add')],
  ['-', prim('sub')],
  ['*', prim('mul')],
  ['/', divide],
  ['%', remainder],
  ['**', power],
  ['<', prim('lt')],
  ['<=', prim('le')],
  ['>', (e, node, a, b) => e.apply(node, 'lt', b!, a!)],
  ['>=', (e, node, a, b) => e.apply(node, 'le', b!, a!)],
  ['===', prim('eq')],
  ['==', prim('eq')],
  ['!==', (e, node, a, b) => not(e, node, e.apply(node, 'eq', a!, b!))],
  ['!=', (e, node, a, b) => not(e, node, e.apply(node, 'eq', a!, b!))],
  ['&&', logic('and')],
  ['||', logic('or')],
  ['&', bits('and')],
  ['|', bits('or')],
  ['^', bits('xor')],
  ['<<', shift('shl')],
  ['>>', shiftSigned],
  ['>>>', shiftUnsigned],
]);

export const unary: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['-', prim('neg')],
  ['+', (_, node, a) => (a!.type === 'bool' ? fail(node, '+ of a bool', 'HK2') : a!)],
  ['!', (e, node, a) => (a!.type === 'bool' ? not(e, node, a!) : fail(node, `! takes a bool, not ${a!.type ?? 'a number'}`, 'HK2'))],
  ['~', (e, node, a) => (isInteger(a!) ? not(e, node, a!) : fail(node, `~ takes i32 and u32, not ${a!.type ?? 'a number'}`, 'HK2'))],
]);

export interface Callable {
  readonly meaning: Meaning;
  /** undefined: one or more. */
  readonly arity: number | undefined;
}
const takes = (arity: number, name: Prim): Callable => ({ arity, meaning: prim(name) });
/** min and max of any number of values. */
const folded = (name: 'max' | 'min'): Callable => ({
  arity: undefined,
  meaning: (e, node, first, ...rest) => rest.reduce((a, b) => e.apply(node, name, a, b), first!),
});

export const mathFunctions: ReadonlyMap<string, Callable> = new Map([
  ...(['abs', 'sign', 'floor', 'ceil', 'exp', 'log', 'sqrt', 'tanh', 'sin', 'cos'] as const).map((p): [string, Callable] => [p, takes(1, p)]),
  ['max', folded('max')],
  ['min', folded('min')],
  ['pow', { arity: 2, meaning: power }],
]);
export const mathConstants: ReadonlyMap<string, number> = new Map(
  (['E', 'LN10', 'LN2', 'LOG10E', 'LOG2E', 'PI', 'SQRT1_2', 'SQRT2'] as const).map(k => [k, Math[k]]),
);
/** The functions of dsl/scalars/language.ts. */
export const heddleFunctions: ReadonlyMap<string, Callable> = new Map([
  ['erf', takes(1, 'erf')],
  ['rsqrt', takes(1, 'rsqrt')],
  ['select', takes(3, 'select')],
  ['toF32', takes(1, 'toF32')],
  ['toI32', takes(1, 'toI32')],
  ['toU32', takes(1, 'toU32')],
]);
