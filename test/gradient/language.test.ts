// grad as the language has it: trees, closures, order, kernels and derivatives of the user's own, what is refused, and the values where a
// derivative jumps, which are PyTorch's.
import {
  abs,
  add,
  cast,
  clamp,
  div,
  exp,
  f16,
  f32,
  fn,
  gather,
  grad,
  i32,
  index,
  kernel,
  layers,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  param,
  pow,
  relu,
  sign,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  valueAndGrad,
  withDerivative,
} from 'heddle';
import { describe, expect, it } from 'vitest';
import { CompileError, compileTraced } from '../../compiler/index.ts';
import { ShapeError } from '../../dsl/errors.ts';
import { traced } from '../../dsl/model.ts';
import { type Fed, valuesOf } from '../ops/run.ts';

type Vector = Tensor<[3], 'f32'>;
const x = f32(3);
const at = (values: readonly number[]): Fed => [x, values];
const slopes = (f: (x: Vector) => Tensor<[], 'f32'>, ...values: readonly number[]): number[] => valuesOf(grad(f)(x), at(values));
const thrown = (code: () => unknown): Error => {
  try {
    code();
  } catch (e) {
    return e as Error;
  }
  throw new Error('nothing was thrown');
};

describe("where a derivative jumps it is PyTorch's", () => {
  it.each([
    ['relu is 0 at 0', (v: Vector) => sum(relu(v)), [-1, 0, 2], [0, 0, 1]],
    ['clamp passes at its bounds', (v: Vector) => sum(clamp(v, { min: -1, max: 2 })), [-1, 2, 3], [1, 1, 0]],
    ['clamp with bounds that cross is constant', (v: Vector) => sum(clamp(v, { min: 2, max: -1 })), [-1, 0, 2], [0, 0, 0]],
    ['abs is 0 at 0', (v: Vector) => sum(abs(v)), [-2, 0, 3], [-1, 0, 1]],
    ['sign is flat', (v: Vector) => sum(sign(v)), [-2, 0, 3], [0, 0, 0]],
    ['maximum shares ties', (v: Vector) => sum(maximum(v, 1)), [0, 1, 2], [0, 0.5, 1]],
    ['minimum shares ties', (v: Vector) => sum(minimum(v, 1)), [0, 1, 2], [1, 0.5, 0]],
    ['maximum of a value with itself', (v: Vector) => sum(maximum(v, v)), [0, 1, 2], [1, 1, 1]],
    ['max shares ties', (v: Vector) => max(v), [4, 1, 4], [0.5, 0, 0.5]],
    ['min shares ties', (v: Vector) => min(v), [1, 1, 1], [1 / 3, 1 / 3, 1 / 3]],
    ['pow with a whole exponent', (v: Vector) => sum(pow(v, 3)), [-2, 0, 1], [12, 0, 3]],
    ['pow with exponent 0', (v: Vector) => sum(pow(v, 0)), [-2, 0, 1], [0, 0, 0]],
    ['pow of 0 with a fraction above 1', (v: Vector) => sum(pow(v, 1.5)), [0, 1, 4], [0, 1.5, 3]],
    ['pow in its exponent, of 0', (v: Vector) => sum(pow(0, v)), [1, 2, 0.5], [0, 0, 0]],
  ] as const)('%s', (_, f, values, expected) => {
    expect(slopes(f, ...values).map(v => v + 0)).toEqual(expected);
  });
  it('NaN stays NaN in relu and clamp', () => {
    const nan = at([Number.NaN, 1, -1]);
    expect(valuesOf(relu(x), nan)).toEqual([Number.NaN, 1, 0]);
    expect(valuesOf(clamp(x, { min: 0, max: 0.5 }), nan)).toEqual([Number.NaN, 0.5, 0]);
  });
  it('rounding to f16 passes straight', () => {
    const h = f16(2);
    expect(valuesOf(grad((v: Tensor<[2], 'f16'>) => sum(mul(castUp(v), 1.5)))(h), [h, [0.1, 2]])).toEqual([1.5, 1.5]);
  });
});
const castUp = (v: Tensor<[2], 'f16'>): Tensor<[2], 'f32'> => cast(v, 'f32');

describe('what is differentiated', () => {
  it('the value and its gradient', () => {
    const { value, grad: slope } = valueAndGrad((v: Vector) => sum(mul(v, v)))(x);
    expect(valuesOf(value, at([1, 2, 3]))).toEqual([14]);
    expect(valuesOf(slope, at([1, 2, 3]))).toEqual([2, 4, 6]);
  });
  it('through layers and a tree of parameters, whose classes stay what they are', () => {
    class Dense {
      weight = param([3], 'ones');
      bias = param([3], 'zeros');
      get size() {
        return this.weight.shape[0];
      }
    }
    const dense = fn('dense', { weight: f32('D'), bias: f32('D') }, f32('D'), (p, v) => add(mul(p.weight, v), p.bias));
    const tree = { layers: layers(2, () => new Dense()), scale: param([], 'ones'), names: ['a'], depth: 2 };
    const slope = grad((p: typeof tree, v: Vector) => mul(sum(p.layers.reduce((y: Vector, l) => dense(l, y), v)), p.scale))(tree, x);
    expect(slope.layers[1]).toBeInstanceOf(Dense);
    expect(slope.layers[1]!.size).toBe(3);
    expect(slope.names).toBe(tree.names);
    expect(slope.depth).toBe(2);
    const fed: Fed[] = [
      at([1, 2, 3]),
      ...tree.layers.flatMap((l): Fed[] => [
        [l.weight, [1, 2, 3]],
        [l.bias, [4, 5, 6]],
      ]),
      [tree.scale, [2]],
    ];
    expect(valuesOf(slope.layers[0]!.weight, ...fed)).toEqual([2, 8, 18]);
    expect(valuesOf(slope.layers[0]!.bias, ...fed)).toEqual([2, 4, 6]);
    expect(valuesOf(slope.layers[1]!.weight, ...fed)).toEqual([10, 18, 30]);
    expect(valuesOf(slope.layers[1]!.bias, ...fed)).toEqual([2, 2, 2]);
    expect(valuesOf(slope.scale, ...fed)).toEqual([9 + 23 + 51]);
  });
  it('what does not reach the value has the gradient zero', () => {
    const unused = f32(2, 2);
    expect(
      valuesOf(grad((p: { a: Vector; b: Tensor<[2, 2], 'f32'> }) => sum(p.a))({ a: x, b: unused }).b, at([1, 2, 3]), [unused, [1, 2, 3, 4]]),
    ).toEqual([0, 0, 0, 0]);
  });
  it('by value: one tensor as two arguments is two variables', () => {
    const slope = grad((p: { a: Vector; b: Vector }) => sum(add(mul(p.a, 2), mul(p.b, 5))))({ a: x, b: x });
    expect(valuesOf(slope.a, at([1, 2, 3]))).toEqual([2, 2, 2]);
    expect(valuesOf(slope.b, at([1, 2, 3]))).toEqual([5, 5, 5]);
  });
  it('by value: what is read from elsewhere is constant, even made of the same tensor', () => {
    const slope = grad((v: Vector) => sum(mul(mul(v, v), v)))(x); // 3x²
    const again = grad((v: Vector) => sum(mul(v, add(slope, x))))(x);
    expect(valuesOf(again, at([1, 2, 3]))).toEqual([4, 14, 30]);
  });
  it('a value of which another argument was made is a variable of its own', () => {
    const y = exp(x);
    const slope = grad((p: { x: Vector; y: Vector }) => sum(mul(p.x, p.y)))({ x, y });
    expect(valuesOf(slope.x, at([0, 1, 2]))).toEqual([1, Math.E, Math.exp(2)]);
    expect(valuesOf(slope.y, at([0, 1, 2]))).toEqual([0, 1, 2]);
  });
  it('stopGradient stops it', () => {
    expect(slopes(v => sum(mul(v, stopGradient(v))), 1, 2, 3)).toEqual([1, 2, 3]);
  });
  it('a parameter that is itself the loss', () => {
    const s = f32();
    expect(valuesOf(grad((v: Tensor<[], 'f32'>) => v)(s), [s, [7]])).toEqual([1]);
  });
  it('integers beside floats are left as they are', () => {
    const table = f32(4);
    const ids = index(4)(3);
    const slope = grad((p: { table: Tensor<[4], 'f32'>; ids: typeof ids }) => sum(gather(p.table, 0, p.ids)))({ table, ids });
    expect(slope.ids).toBe(ids);
    expect(valuesOf(slope.table, [table, [1, 2, 3, 4]], [ids, [1, 3, 1]])).toEqual([0, 2, 0, 1]);
  });
});

describe('higher order', () => {
  const times = (f: (v: Vector) => Tensor<[], 'f32'>, n: number): ((v: Vector) => Tensor<[], 'f32'>) =>
    n === 0 ? f : times(v => sum(grad(f)(v)), n - 1);
  it('of a polynomial, four times', () => {
    const f = (v: Vector) => sum(pow(v, 4));
    const values = [1, 2, -3] as const;
    expect(slopes(times(f, 1), ...values)).toEqual(values.map(v => 12 * v * v));
    expect(slopes(times(f, 2), ...values)).toEqual(values.map(v => 24 * v));
    expect(slopes(times(f, 3), ...values)).toEqual([24, 24, 24]);
    expect(slopes(times(f, 4), ...values)).toEqual([0, 0, 0]);
  });
  it('a gradient inside a loss', () => {
    // the penalty ½|∇ Σ tanh x|²: its gradient is h·h′ with h = 1 − tanh²
    const penalty = (v: Vector) => {
      const slope = grad((w: Vector) => sum(tanh(w)))(v);
      return mul(sum(mul(slope, slope)), 0.5);
    };
    const expected = [0.3, -0.7, 1.1].map(v => (1 - Math.tanh(v) ** 2) * -2 * Math.tanh(v) * (1 - Math.tanh(v) ** 2));
    slopes(penalty, 0.3, -0.7, 1.1).forEach((s, i) => {
      expect(s).toBeCloseTo(expected[i]!, 12);
    });
  });
});

describe('kernels of the user', () => {
  const leaky = kernel((v: f32, slope: f32) => {
    if (v > 0) return v;
    if (v > -1) return slope * v;
    return slope * (Math.exp(v + 1) - 2);
  });
  it('are differentiated through their branches', () => {
    const s = f32(3);
    const slope = grad((p: { v: Vector; s: Vector }) => sum(leaky(p.v, p.s)))({ v: x, s });
    const fed: Fed[] = [at([2, -0.5, -3]), [s, [0.1, 0.2, 0.3]]];
    expect(valuesOf(slope.v, ...fed)).toEqual([1, 0.2, 0.3 * Math.exp(-2)]);
    expect(valuesOf(slope.s, ...fed)).toEqual([0, -0.5, Math.exp(-2) - 2]);
  });
  it('a branch that is not taken gives nothing, even where it is no number', () => {
    const safe = kernel((v: f32) => (v > 0 ? Math.log(v) : 0));
    expect(slopes(v => sum(safe(v)), 2, 0, -1)).toEqual([0.5, 0, 0]);
  });
});

describe('derivatives of the user', () => {
  it('are used in place of the generic one', () => {
    const doubled = withDerivative(
      'doubled',
      (v: Vector) => mul(v, 2),
      (g, _, v) => [mul(g, v)],
    );
    expect(valuesOf(doubled(x), at([1, 2, 3]))).toEqual([2, 4, 6]);
    expect(slopes(v => sum(doubled(v)), 1, 2, 3)).toEqual([1, 2, 3]);
    expect(slopes(v => sum(grad((w: Vector) => sum(doubled(w)))(v)), 1, 2, 3)).toEqual([1, 1, 1]);
  });
  it('the logistic function of the documentation', () => {
    const logistic = withDerivative(
      'logistic',
      (v: Vector) => div(1, add(exp(neg(v)), 1)),
      (g, y) => [mul(g, mul(y, sub(1, y)))],
    );
    const generic = (v: Vector) => sum(div(1, add(exp(neg(v)), 1)));
    slopes(v => sum(logistic(v)), -1, 0, 2).forEach((s, i) => {
      expect(s).toBeCloseTo(slopes(generic, -1, 0, 2)[i]!, 12);
    });
  });
  it('of one body, two derivatives are two functions', () => {
    const body = (v: Vector) => mul(v, 2);
    const [one, ten] = [1, 10].map(k => withDerivative('same', body, g => [mul(g, k)]));
    expect(slopes(v => add(sum(one!(v)), sum(ten!(v))), 1, 2, 3)).toEqual([11, 11, 11]);
  });
  it('may read the value and skip an argument; what is not an argument is constant', () => {
    const y = f32(3);
    const product = withDerivative(
      'product',
      (a: Vector, b: Vector) => mul(exp(a), b),
      (g, value) => [mul(g, value), null],
    );
    const slope = grad((p: { a: Vector; b: Vector }) => sum(product(p.a, p.b)))({ a: x, b: y });
    expect(valuesOf(slope.a, at([0, 0, 0]), [y, [1, 2, 3]])).toEqual([1, 2, 3]);
    expect(valuesOf(slope.b, at([0, 0, 0]), [y, [1, 2, 3]])).toEqual([0, 0, 0]);
    const scaled = withDerivative(
      'scaled',
      (a: Vector) => mul(a, y),
      (g, _, a) => [mul(g, mul(a, 0))],
    );
    expect(valuesOf(grad((v: Vector) => sum(scaled(mul(v, y))))(y), [y, [1, 2, 3]])).toEqual([0, 0, 0]);
  });
  it('may gather by an index that is an argument', () => {
    const table = f32(4);
    const ids = index(4)(3);
    const pick = withDerivative(
      'pick',
      (_: Vector, t: Tensor<[4], 'f32'>, i: typeof ids) => gather(t, 0, i),
      (g, _value, _v, t, i) => [mul(g, gather(t, 0, i)), null, null],
    );
    expect(valuesOf(grad((v: Vector) => sum(pick(v, table, ids)))(x), at([1, 1, 1]), [table, [5, 6, 7, 8]], [ids, [3, 0, 0]])).toEqual([8, 5, 5]);
  });
  it.each([
    ['the wrong number of cotangents', () => [], 'the derivative of bad gives 0 cotangents for 1 arguments'],
    ['the wrong shape', (g: Vector) => [sum(g)], 'the derivative of bad gives f32[] for argument 0, which is f32[3]'],
    ['the wrong dtype', (g: Vector) => [cast(g, 'f16')], 'the derivative of bad gives f16[3] for argument 0, which is f32[3]'],
  ] as const)('%s is refused, at the call', (_, backward, message) => {
    const bad = withDerivative('bad', (v: Vector) => mul(v, 2), backward);
    const error = thrown(() => slopes(v => sum(bad(v)), 1, 2, 3));
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).message).toBe(message);
    expect((error as CompileError).place).toMatchObject({ file: import.meta.filename, line: expect.any(Number), column: expect.any(Number) });
  });
});

describe('what is refused', () => {
  it.each([
    [
      'an integer',
      () => grad((v: Tensor<[3], 'i32'>) => sum(cast(v, 'f32')))(i32(3)),
      'grad: the first argument holds no floating-point tensor to differentiate in',
    ],
    ['an empty tree', () => grad((_: object) => sum(x))({}), 'grad: the first argument holds no floating-point tensor to differentiate in'],
    [
      'a vector',
      () => grad(((v: Vector) => mul(v, 2)) as never)(x),
      'grad: the function must give an f32 scalar of shape [], got f32 [3]: sum it first',
    ],
    [
      'an integer loss',
      () => grad(((v: Vector) => sum(cast(v, 'i32'))) as never)(x),
      'grad: the function must give an f32 scalar of shape [], got i32 []: sum it first',
    ],
    ['no tensor', () => valueAndGrad((() => 3) as never)(x), 'grad: the function must give an f32 scalar of shape [], got number: sum it first'],
  ])('%s, where the user wrote it', (_, code, message) => {
    const error = thrown(code);
    expect(error).toBeInstanceOf(ShapeError);
    expect(error.message).toBe(`✗ ${message}`);
    expect((error as ShapeError).place).toMatchObject({ file: import.meta.filename, line: expect.any(Number), column: expect.any(Number) });
  });
  it('an output that is no float, or that there is not', () => {
    const ids = index(5)(3);
    const trace = () => traced({ x, ids }, inputs => ({ y: sum(inputs.x), n: add(inputs.ids, 1) }));
    const error = thrown(() => compileTraced(trace(), { grad: 'n' }));
    expect(error).toBeInstanceOf(CompileError);
    expect(error.message).toBe("output 'n' is i32: only floating-point values have gradients");
    expect((error as CompileError).place?.file).toBe(import.meta.filename);
    expect(thrown(() => compileTraced(trace(), { grad: 'z' })).message).toBe("no output 'z': the model's outputs are y, n");
  });
  it('nodes of a gradient come from where grad was called', () => {
    expect(grad((v: Vector) => sum(v))(x).node.origin.trail).toEqual(['valueAndGrad']);
    expect(grad((v: Vector) => mean(sub(v, 1)))(x).node.origin.stack).toContain(import.meta.filename);
  });
});
