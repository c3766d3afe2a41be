// Derivatives of scalar functions, instruction by instruction over their SSA form: reverse for transposes, forward for tangents.
// Where a derivative jumps it is PyTorch's: abs and sign 0 at 0; of equal operands max and min give each a half; a select follows
// its condition; rounding to half passes straight through. Integers and comparisons have no derivative.
import { type Prim, ScalarBuilder, type ScalarFn, typeOf } from '../../../dsl/scalar.ts';

/** Partial derivatives of the result of `prim` in its operands (−1: none flows), from the operands and the result. */
function partials(b: ScalarBuilder, prim: Prim, args: readonly number[], out: number): readonly number[] {
  const c = (x: number): number => b.constant(x);
  const [x = -1, y = -1] = args;
  switch (prim) {
    case 'add':
      return [c(1), c(1)];
    case 'sub':
      return [c(1), c(-1)];
    case 'mul':
      return [y, x];
    case 'div':
      return [b.op('div', c(1), y), b.op('neg', b.op('div', out, y))];
    case 'max':
    case 'min': {
      const beats = (mine: number, other: number): number => (prim === 'max' ? b.op('lt', other, mine) : b.op('lt', mine, other));
      const share = (mine: number, other: number): number =>
        b.op('select', beats(mine, other), c(1), b.op('select', b.op('eq', mine, other), c(0.5), c(0)));
      return [share(x, y), share(y, x)];
    }
    case 'pow': {
      // x^(y−1) is finite at 0 only for y ≥ 1; the derivative in y is 0 where x is 0, as in PyTorch
      const inX = b.op('select', b.op('eq', y, c(0)), c(0), b.op('mul', y, b.op('pow', x, b.op('sub', y, c(1)))));
      const positive = b.op('lt', c(0), x);
      return [inX, b.op('select', positive, b.op('mul', out, b.op('log', b.op('select', positive, x, c(1)))), c(0))];
    }
    case 'neg':
      return [c(-1)];
    case 'abs':
      return [b.op('sign', x)];
    case 'exp':
      return [out];
    case 'log':
      return [b.op('div', c(1), x)];
    case 'sqrt':
      return [b.op('div', c(0.5), out)];
    case 'rsqrt':
      return [b.op('mul', c(-0.5), b.op('mul', out, b.op('mul', out, out)))];
    case 'tanh':
      return [b.op('sub', c(1), b.op('mul', out, out))];
    case 'erf':
      return [b.op('mul', c(2 / Math.sqrt(Math.PI)), b.op('exp', b.op('neg', b.op('mul', x, x))))];
    case 'sin':
      return [b.op('cos', x)];
    case 'cos':
      return [b.op('neg', b.op('sin', x))];
    case 'select':
      return [-1, b.op('select', x, c(1), c(0)), b.op('select', x, c(0), c(1))];
    case 'roundF16':
      return [c(1)];
    default:
      return args.map(() => -1);
  }
}
/** a·by: a slope of 1 or −1 costs no multiplication, a quotient keeps its single rounding, a condition lets a pass or nothing. */
function product(b: ScalarBuilder, a: number, by: number): number {
  const value = literalOf(b, by);
  if (value === 1) return a;
  if (value === -1) return b.op('neg', a);
  const made = by < b.params.length ? undefined : b.body[by - b.params.length]!;
  if (made?.prim === 'div' && literalOf(b, made.args[0]!) === 1) return b.op('div', a, made.args[1]!);
  if (made?.prim === 'select') {
    const [condition, yes, no] = made.args as readonly [number, number, number];
    if (literalOf(b, yes) === 1 && literalOf(b, no) === 0) return b.op('select', condition, a, no);
    if (literalOf(b, yes) === 0 && literalOf(b, no) === 1) return b.op('select', condition, yes, a);
  }
  return b.op('mul', a, by);
}
function literalOf(b: ScalarBuilder, operand: number): number | undefined {
  const i = operand < b.params.length ? undefined : b.body[operand - b.params.length];
  return i?.prim === 'const' ? i.value : undefined;
}

/** Repeats fn's instructions in a builder whose first parameters are fn's; gives the operand of each value. */
function replay(b: ScalarBuilder, fn: ScalarFn): number[] {
  const at = fn.params.map((_, i) => i);
  for (const i of fn.body) at.push(i.prim === 'const' ? b.constant(i.value, i.type) : b.op(i.prim, ...i.args.map(a => at[a]!)));
  return at;
}

/** Without the instructions that the result does not need: each would hold on to operands of the forward pass. */
function pruned(fn: ScalarFn): ScalarFn {
  const count = fn.params.length;
  const needed = new Set([fn.result]);
  for (let at = count + fn.body.length - 1; at >= count; at--) {
    const made = fn.body[at - count]!;
    if (needed.has(at) && made.prim !== 'const') for (const a of made.args) needed.add(a);
  }
  const body = fn.body.filter((_, i) => needed.has(count + i));
  const place = new Map(
    [...needed]
      .filter(v => v >= count)
      .sort((v, w) => v - w)
      .map((v, i) => [v, count + i]),
  );
  const moved = (operand: number): number => place.get(operand) ?? operand;
  return { ...fn, body: body.map(i => (i.prim === 'const' ? i : { ...i, args: i.args.map(moved) })), result: moved(fn.result) };
}

/** A cotangent on its way. Conditions of selects are applied last, so that a branch that is not taken gives 0 even where its slope is no
 *  number: `x > 0 ? Math.log(x) : 0` at 0. */
interface Flowing {
  readonly value: number;
  readonly where: readonly (readonly [condition: number, holds: boolean])[];
}
function applied(b: ScalarBuilder, { value, where }: Flowing): number {
  const select = (x: number, [condition, holds]: Flowing['where'][number]): number =>
    holds ? b.op('select', condition, x, b.constant(0)) : b.op('select', condition, b.constant(0), x);
  return where.reduceRight(select, value);
}
/** The sum of what flows into one value. */
function joined(b: ScalarBuilder, parts: readonly Flowing[]): Flowing {
  const [{ where }] = parts as readonly [Flowing];
  const total = (values: readonly number[]): number => values.reduce((x, y) => b.op('add', x, y));
  if (parts.every(p => String(p.where) === String(where))) return { value: total(parts.map(p => p.value)), where };
  return { value: total(parts.map(p => applied(b, p))), where: [] };
}

/** The cotangent of parameter k: a function of fn's parameters and the result's cotangent; undefined where nothing flows. */
export function transposeScalar(fn: ScalarFn, k: number): ScalarFn | undefined {
  if (typeOf(fn, fn.result) !== 'f32' || fn.params[k] !== 'f32') return undefined;
  const b = new ScalarBuilder([...fn.params, 'f32']);
  const at = replay(b, fn);
  const reaches = reachable(fn, k);
  const flowing = new Map<number, Flowing[]>([[fn.result, [{ value: fn.params.length, where: [] }]]]);
  for (let v = fn.params.length + fn.body.length - 1; v >= fn.params.length; v--) {
    const parts = flowing.get(v);
    const made = fn.body[v - fn.params.length]!;
    if (!parts || made.prim === 'const' || !reaches.has(v)) continue;
    const { value, where } = joined(b, parts);
    const args = made.args.map(a => at[a]!);
    const slopes = made.prim === 'select' ? [-1, value, value] : partials(b, made.prim, args, at[v]!).map(s => (s < 0 ? s : product(b, value, s)));
    made.args.forEach((a, i) => {
      if (slopes[i]! < 0 || !reaches.has(a)) return;
      const part = { value: slopes[i]!, where: made.prim === 'select' ? [...where, [args[0]!, i === 1] as const] : where };
      flowing.set(a, [...(flowing.get(a) ?? []), part]);
    });
  }
  const parts = flowing.get(k);
  return parts && pruned({ name: `${fn.name} gradient`, params: b.params, body: b.body, result: applied(b, joined(b, parts)) });
}
/** Values that depend on parameter k through differentiable instructions, k included. */
function reachable(fn: ScalarFn, k: number): ReadonlySet<number> {
  const set = new Set([k]);
  fn.body.forEach((i, at) => {
    if (i.prim !== 'const' && i.type === 'f32' && i.args.some(a => set.has(a))) set.add(fn.params.length + at);
  });
  return set;
}

/** The tangent of the result: a function of fn's parameters and the tangents of those in `moving`, in order; undefined where none flows. */
export function tangentScalar(fn: ScalarFn, moving: readonly number[]): ScalarFn | undefined {
  const b = new ScalarBuilder([...fn.params, ...moving.map(() => 'f32' as const)]);
  const at = replay(b, fn);
  const tangent = new Map<number, number>(moving.map((k, i) => [k, fn.params.length + i]));
  fn.body.forEach((made, i) => {
    if (made.prim === 'const' || made.type !== 'f32') return;
    const v = fn.params.length + i;
    const slopes = partials(
      b,
      made.prim,
      made.args.map(a => at[a]!),
      at[v]!,
    );
    const terms = made.args.flatMap((a, j) => (tangent.has(a) && slopes[j]! >= 0 ? [product(b, tangent.get(a)!, slopes[j]!)] : []));
    if (terms.length > 0)
      tangent.set(
        v,
        terms.reduce((s, t) => b.op('add', s, t)),
      );
  });
  const result = tangent.get(fn.result);
  return result === undefined ? undefined : pruned({ name: `${fn.name} tangent`, params: b.params, body: b.body, result });
}
