// Unification at a call, on values: the same facts, order and words as dsl/unify-types.ts. It is the authority: types cannot see
// casts, `any` or loaded data.
import { type Dim, type Env, evalDim, isAtom, knownOf, type Shape, showShape, solve, symbolsOf } from './dim.ts';
import { fail } from './errors.ts';
import { checkField, FieldPlaceholder, OptionalPlaceholder, sizeField } from './fields.ts';
import { isPlaceholder } from './sizes.ts';
import { dtypeName, dtypeOf, isTensor, type Tensor } from './tensor.ts';

/** field: '' or the key of the record that the value stands in */
type Fact =
  | { readonly kind: 'dim'; readonly formal: Dim; readonly actual: Dim; readonly field: string }
  | { readonly kind: 'shape'; readonly formal: Shape; readonly actual: Shape; readonly field: string };
const dimFact = (formal: Dim, actual: Dim, field = ''): Fact => ({ kind: 'dim', formal, actual, field });
const lead = (field: string): string => (field === '' ? '' : `${field} `);

/** What an argument says, in the order of the formal's keys. */
function facts(layer: string, formal: unknown, actual: unknown, field: string, out: Fact[]): Fact[] {
  if (typeof formal !== 'object' || formal === null) return out;
  if (isTensor(formal)) return tensorFacts(layer, formal, actual, field, out);
  if (isPlaceholder(formal)) out.push(dimFact(formal.dim, sizeField(layer, field, formal, actual), field));
  else if (formal instanceof FieldPlaceholder) checkField(layer, field, formal, actual);
  else if (formal instanceof OptionalPlaceholder) facts(layer, formal.of, actual, field, out);
  else if (Array.isArray(formal)) {
    if (!Array.isArray(actual)) fail('wantsList', layer, lead(field));
    for (const element of actual) facts(layer, formal[0], element, '', out);
  } else {
    for (const [key, value] of Object.entries(formal)) {
      if (!isRecord(actual) || !(key in actual)) fail('missing', layer, key);
      facts(layer, value, actual[key], key, out);
    }
  }
  return out;
}
const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === 'object' && x !== null;
function tensorFacts(layer: string, formal: Tensor, actual: unknown, field: string, out: Fact[]): Fact[] {
  const { shape, op } = formal.node;
  const isParam = op === 'input' && formal.node.role === 'parameter';
  const where = isParam ? '' : lead(field);
  if (!isTensor(actual)) return fail('wantsTensor', layer, where, showShape(shape), '?', '?');
  const given = actual.node.shape;
  const [wanted, got] = [dtypeOf(formal), dtypeOf(actual)];
  if (typeof wanted === 'object' ? typeof got !== 'object' : wanted !== got)
    fail('wantsDType', layer, where, typeof wanted === 'object' ? 'an index' : wanted, showShape(shape), dtypeName(got));
  if (isParam) {
    if (given.length !== shape.length) fail('wantsTensor', layer, '', showShape(shape), '?', showShape(given));
    for (const [i, d] of shape.entries()) out.push(dimFact(d, given[i]!));
    return out;
  }
  if (typeof wanted === 'object' && typeof got === 'object') out.push(dimFact(wanted.over, got.over));
  out.push({ kind: 'shape', formal: shape, actual: given, field });
  return out;
}
const pairs = (u: Fact): readonly (readonly [Dim, Dim])[] =>
  u.kind === 'dim' ? [[u.formal, u.actual]] : u.formal.length === u.actual.length ? u.formal.map((d, i) => [d, u.actual[i]!] as const) : [];
const open = (d: Dim, env: Env): boolean => symbolsOf(d).some(s => !env.has(s));
const shown = (d: Dim, env: Env): Dim => (open(d, env) ? '?' : evalDim(d, env));
const shownShape = (s: Shape, env: Env): string => showShape(s.map(d => shown(d, env)));

/** Adds to env what an argument of a layer says about its symbols. @throws ShapeError when it cannot be, or contradicts what env says */
export function unify(layer: string, formal: unknown, actual: unknown, env: Map<string, Dim>): void {
  const list = facts(layer, formal, actual, '', []);
  const earlier = new Set(env.keys());
  const learn = (found: ReadonlyMap<string, Dim>): void => {
    for (const [symbol, d] of found)
      if (!env.has(symbol)) env.set(symbol, d);
      else if (!earlier.has(symbol) && env.get(symbol) !== d) fail('both', layer, symbol, ...inOrder(env.get(symbol)!, d));
  };
  for (const u of list) learn(plainSymbols(u, earlier));
  const known: Env = new Map(env);
  const undivided: Undivided[] = [];
  for (const u of list) {
    const found = new Map<string, Dim>();
    for (const [f, a] of pairs(u)) {
      const s = isAtom(f) ? null : solve(f, a, known);
      if (s?.value === null) undivided.push({ f, a, divisor: s.divisor, fact: u });
      else if (s && s.value !== null && !found.has(s.symbol)) found.set(s.symbol, s.value);
    }
    if (undivided.length === 0) learn(found);
  }
  if (undivided.length > 0) failDivision(layer, undivided, list, known);
  for (const u of simplest(list.filter(u => !holds(u, env)))) judge(layer, u, env);
}
/** the plain symbols of a fact: of a shape the first occurrence */
function plainSymbols(u: Fact, earlier: ReadonlySet<string>): Map<string, Dim> {
  const found = new Map<string, Dim>();
  for (const [f, a] of pairs(u)) if (isAtom(f) && !found.has(f) && !earlier.has(f)) found.set(f, a);
  return found;
}
/** numbers first, the smaller first: a message must not depend on which key came first */
function inOrder(a: Dim, b: Dim): readonly [Dim, Dim] {
  const before = typeof a === typeof b ? a < b : typeof a === 'number';
  return before ? [a, b] : [b, a];
}

interface Undivided {
  readonly f: Dim;
  readonly a: Dim;
  readonly divisor: Dim;
  readonly fact: Fact;
}
/** of several the simplest: H*K, not 3*H*K */
function failDivision(layer: string, undivided: readonly Undivided[], list: readonly Fact[], known: Env): never {
  const { f, a, divisor, fact } = undivided.toSorted((x, y) => `${x.f}`.length - `${y.f}`.length)[0]!;
  const by = knownOf(f, known);
  if (fact.kind === 'dim' && fact.field !== '') {
    const divisorField = list.find(u => u.kind === 'dim' && u.field !== '' && by === `${u.formal} = ${divisor}`);
    if (divisorField) fail('divideField', layer, fact.field, a, divisorField.field, divisor);
  }
  const where = fact.field === '' ? '' : fact.kind === 'dim' ? `${fact.field} ` : `${fact.field}: `;
  if (by === '') fail('divideBare', layer, where, a, divisor, f, a);
  return fail('divide', layer, where, a, divisor, f, a, by);
}
/** of several broken facts those with the plainest formals: H*K, not 3*H*K as well */
function simplest(broken: readonly Fact[]): readonly Fact[] {
  const ends = (u: Fact, v: Fact): boolean => u.kind === 'dim' && v.kind === 'dim' && `${u.formal}`.endsWith(`*${v.formal}`);
  return broken.filter(u => !broken.some(v => ends(u, v)));
}
const holds = (u: Fact, env: Env): boolean =>
  u.kind === 'dim'
    ? evalDim(u.formal, env) === u.actual && !open(u.formal, env)
    : !u.formal.some(d => open(d, env)) && shownShape(u.formal, env) === showShape(u.actual);
function judge(layer: string, u: Fact, env: Env): void {
  for (const [f, a] of pairs(u)) if (open(f, env)) fail('unsolved', layer, f, a);
  if (u.kind === 'shape') {
    const expected = shownShape(u.formal, env);
    if (expected !== showShape(u.actual)) fail('wantsTensor', layer, lead(u.field), showShape(u.formal), expected, showShape(u.actual));
    return;
  }
  const expected = evalDim(u.formal, env);
  if (expected === u.actual) return;
  if (u.field === '') fail('clash', layer, u.formal, expected, u.actual);
  fail('clashField', layer, u.field, u.actual, u.formal, expected);
}
