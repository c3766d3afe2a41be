// Dims as values, for the trace: the same functions as dsl/dim-types.ts. Canonical form: like terms joined, the factors of a term
// sorted, terms sorted; written as plus terms, minus terms, constant ('G*G-V+1'). Never a quotient: a product is solved for its one
// unknown by exact division.
import type { Canon, Dim, DimAdd, DimArg, DimMul, Shape } from './dim-types.ts';
import { fail } from './errors.ts';

export type * from './dim-types.ts';

/** monomial → coefficient; '' is the constant. Never changed after it was made. */
type Poly = ReadonlyMap<string, number>;
const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const factorsOf = (mono: string): string[] => (mono === '' ? [] : mono.split('*'));
const productOf = (factors: readonly string[]): string => [...factors].sort(inOrder).join('*');

/** The polynomials of texts already read: a trace asks for the same few thousands of times. */
const read = new Map<string, Poly>();
const grammar = /^-?(?:\d+|[A-Za-z_$][\w$]*)(?:[*+-](?:\d+|[A-Za-z_$][\w$]*))*$/;

function parse(d: Dim): Poly {
  if (typeof d === 'number') return new Map(d === 0 ? [] : [['', d]]);
  const known = read.get(d);
  if (known) return known;
  if (!grammar.test(d)) fail('dimText', d);
  const out = new Map<string, number>();
  for (const [, sign, product] of d.matchAll(/([+-]?)([^+-]+)/g)) {
    let coefficient = sign === '-' ? -1 : 1;
    const names: string[] = [];
    for (const f of product!.split('*'))
      if (/^\d/.test(f)) coefficient *= Number(f);
      else names.push(f);
    accumulate(out, productOf(names), coefficient);
  }
  read.set(d, out);
  return out;
}
function accumulate(p: Map<string, number>, mono: string, coefficient: number): void {
  const c = exact((p.get(mono) ?? 0) + coefficient);
  if (c === 0) p.delete(mono);
  else p.set(mono, c);
}
/** Beyond 2^53 a sum or product of sizes would be rounded in silence. */
function exact(n: number): number {
  if (Math.abs(n) > Number.MAX_SAFE_INTEGER) fail('dimTooLarge', n);
  return n;
}
function print(p: Poly): Dim {
  const monos = [...p.keys()].filter(m => m !== '').sort(inOrder);
  const constant = p.get('') ?? 0;
  if (monos.length === 0) return constant;
  const show = (m: string): string => (Math.abs(p.get(m)!) === 1 ? m : `${Math.abs(p.get(m)!)}*${m}`);
  const plus = monos.filter(m => p.get(m)! > 0).map(show);
  const minus = monos.filter(m => p.get(m)! < 0).map(m => `-${show(m)}`);
  return plus.join('+') + minus.join('') + (constant > 0 ? `+${constant}` : constant < 0 ? constant : '');
}
function monoDiv(a: string, b: string): string | null {
  const left = factorsOf(a);
  for (const f of factorsOf(b)) {
    const i = left.indexOf(f);
    if (i < 0) return null;
    left.splice(i, 1);
  }
  return left.join('*');
}

/** Its canonical dim: 'K*H' is 'H*K', a size of a config is its symbol. */
export function canon(d: DimArg): Dim {
  if (typeof d === 'number') return d;
  if (typeof d === 'string') return print(parse(d));
  return (d as { readonly dim: Dim }).dim;
}
export function dimAdd(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return exact(a + b);
  const sum = new Map(parse(a));
  for (const [m, c] of parse(b)) accumulate(sum, m, c);
  return print(sum);
}
export const dimSub = (a: Dim, b: Dim): Dim => dimAdd(a, dimMul(-1, b));
export function dimMul(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return exact(a * b) + 0; // + 0: never −0
  const product = new Map<string, number>();
  for (const [m, c] of parse(a)) for (const [n, d] of parse(b)) accumulate(product, productOf([...factorsOf(m), ...factorsOf(n)]), exact(c * d));
  return print(product);
}
/** Exact division by a number or a product; null when it does not divide. */
export function dimDiv(a: Dim, b: Dim): Dim | null {
  if (b === 0) return null;
  if (a === 0) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a % b === 0 ? a / b + 0 : null;
  if (a === b) return 1;
  const by = [...parse(b)];
  if (by.length !== 1) return null;
  const [mono, coefficient] = by[0]!;
  const quotient = new Map<string, number>();
  for (const [m, c] of parse(a)) {
    const q = monoDiv(m, mono);
    if (q === null || c % coefficient !== 0) return null;
    quotient.set(q, c / coefficient);
  }
  return print(quotient);
}
/** The product of a shape. */
export const prod = (shape: Shape): Dim => shape.reduce<Dim>(dimMul, 1);

// ---------------------------------------------------------------- environments: symbol → dim
export type Env = ReadonlyMap<string, Dim>;
/** d with the values of env for its symbols; the others stay. */
export function evalDim(d: Dim, env: Env): Dim {
  if (typeof d === 'number') return d;
  const direct = env.get(d);
  if (direct !== undefined) return direct;
  let sum: Dim = 0;
  for (const [m, c] of parse(d))
    sum = dimAdd(
      sum,
      factorsOf(m).reduce<Dim>((product, f) => dimMul(product, env.get(f) ?? f), c),
    );
  return sum;
}
export const isAtom = (d: Dim): d is string => typeof d === 'string' && !/[*+-]/.test(d);
/** The symbols of a dim, each once, in order of their first place in its text. */
export function symbolsOf(d: Dim): readonly string[] {
  return typeof d === 'number' ? [] : [...new Set(d.split(/[*+-]/).filter(s => !/^\d*$/.test(s)))];
}
/** The one unknown symbol of f, given f = a and the symbols of env: 'H*K' = 768 with H = 12 is K = 64. The value is null where the
 *  division is not exact; the whole is null when there is not exactly one unknown. */
export function solve(f: Dim, a: Dim, env: Env): { readonly symbol: string; readonly value: Dim | null; readonly divisor: Dim } | null {
  let open: readonly [string, number] | null = null;
  let known: Dim = 0;
  for (const [m, c] of parse(f)) {
    if (factorsOf(m).every(x => env.has(x)))
      known = dimAdd(
        known,
        factorsOf(m).reduce<Dim>((product, x) => dimMul(product, env.get(x)!), c),
      );
    else if (open) return null;
    else open = [m, c];
  }
  if (!open) return null;
  let symbol: string | null = null;
  let divisor: Dim = open[1];
  for (const x of factorsOf(open[0]))
    if (env.has(x)) divisor = dimMul(divisor, env.get(x)!);
    else if (symbol !== null) return null;
    else symbol = x;
  return { symbol: symbol!, value: dimDiv(dimSub(a, known), divisor), divisor };
}
/** 'H = 7, K = 3' for the known symbols of f in the order of its terms, to explain a failed division. */
export function knownOf(f: Dim, env: Env): string {
  const monos = [...parse(f).keys()].sort((a, b) => (a === '' ? 1 : b === '' ? -1 : inOrder(a, b)));
  const names = [...new Set(monos.flatMap(factorsOf))].filter(x => env.has(x));
  return names.map(x => `${x} = ${env.get(x)}`).join(', ');
}
export const showShape = (s: Shape): string => `[${s.join(',')}]`;

// ---------------------------------------------------------------- derived sizes, for parameter classes
// The result is an intersection, not a conditional: inside a generic class it satisfies Dim without being worked out (4k
// instantiations against 43k for MAE's parameters). The operands pass through `infer`, or their constraint would be worked out too.
type Derived<D> = D & Dim;
/** plus(times('G', 'G'), 1) is 'G*G+1', and 197 when G is 14. */
export function plus<A extends DimArg, B extends DimArg>(a: A, b: B): Derived<[A, B] extends [infer a, infer b] ? DimAdd<Canon<a>, Canon<b>> : never>;
export function plus(a: DimArg, b: DimArg): Dim {
  return dimAdd(canon(a), canon(b));
}
/** times(3, 'D') is '3*D'. */
export function times<A extends DimArg, B extends DimArg>(
  a: A,
  b: B,
): Derived<[A, B] extends [infer a, infer b] ? DimMul<Canon<a>, Canon<b>> : never>;
export function times(a: DimArg, b: DimArg): Dim {
  return dimMul(canon(a), canon(b));
}
