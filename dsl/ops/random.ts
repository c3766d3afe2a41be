// Random numbers as functions of a key: `random.uniform(key, [3, 4])` is the same tensor every time and on every device. Element i of a
// tensor, counted row-major, is word i mod 4 of Philox block ⌊i/4⌋ (dsl/ops/philox.ts), so a longer tensor of one key continues a
// shorter one. Words, uniform and bernoulli are the same bits everywhere; normal differs by the last bits of log, sqrt and products.
import type { DType as NodeDType } from '../../common/dtype.ts';
import { prod } from '../dim.ts';
import type { DimArg } from '../dim-types.ts';
import { type Key, type KeyRule, keyRule, type Made, madeShape, type Probability, probability } from '../rules/make.ts';
import { type ScalarBuilder, type ScalarFn, scalar } from '../scalar.ts';
import { type Arg, isTensor, type Ok, type Tensor, trailing } from '../tensor.ts';
import { constant, expandTo, iotaOf, map, reshapeTo, sliceOf } from './nodes.ts';
import { philox } from './philox.ts';

// ---------------------------------------------------------------- scalar functions of (element number, key)
type Words = (b: ScalarBuilder, element: number, k0: number, k1: number) => readonly [number, number, number, number];
/** The four words of the block that holds an element. */
const block: Words = (b, element, k0, k1) => {
  const zero = b.constant(0, 'u32');
  return philox(b, [b.op('shr', element, b.constant(2, 'u32')), zero, zero, zero], [k0, k1]);
};
const bit = (b: ScalarBuilder, x: number, mask: number): number => b.op('toBool', b.op('and', x, b.constant(mask, 'u32')));
/** The element's own word of its block. */
function ownWord(b: ScalarBuilder, element: number, k0: number, k1: number): number {
  const [w0, w1, w2, w3] = block(b, element, k0, k1);
  const odd = bit(b, element, 1);
  return b.op('select', bit(b, element, 2), b.op('select', odd, w3, w2), b.op('select', odd, w1, w0));
}
/** The upper 24 bits of a word: what a float holds exactly. */
const upper24 = (b: ScalarBuilder, word: number): number => b.op('shr', word, b.constant(8, 'u32'));
const perUnit = 2 ** -24;
const unit = (b: ScalarBuilder, word: number): number => b.op('mul', b.op('toF32', upper24(b, word)), b.constant(perUnit));

/** Horner's scheme: coefficients from the constant up. */
const polynomial = (b: ScalarBuilder, x: number, coefficients: readonly number[]): number =>
  coefficients.reduceRight(
    (sum: number | undefined, c) => (sum === undefined ? b.constant(c) : b.op('add', b.op('mul', sum, x), b.constant(c))),
    undefined,
  )!;
/** Maclaurin series on [−π/4, π/4] of sin(x)/x and cos(x) in x²; the first term left out is below 2⁻²⁸ of the value. */
const sineSeries = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880];
const cosineSeries = [1, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800];

/** cos(2π·turn/2²⁴), or the sine where `sine` holds. The turn is reduced to an eighth exactly, in integers, so that the result does not
 *  hang on a device's sin and cos (WGSL grants them an error of 2⁻¹¹). */
function cosineOfTurn(b: ScalarBuilder, turn: number, sine: number): number {
  const word = (n: number): number => b.constant(n, 'u32');
  const quarter = b.op('shr', b.op('add', turn, word(1 << 21)), word(22));
  const rest = b.op('sub', b.op('toI32', turn), b.op('toI32', b.op('shl', quarter, word(22))));
  const x = b.op('mul', b.op('toF32', rest), b.constant((2 * Math.PI) / 2 ** 24));
  const square = b.op('mul', x, x);
  const s = b.op('mul', x, polynomial(b, square, sineSeries));
  const c = polynomial(b, square, cosineSeries);
  const place = b.op('add', quarter, b.op('select', sine, word(3), word(0))); // sin θ = cos(θ − π/2)
  const size = b.op('select', bit(b, place, 1), s, c); // cos: c, −s, −c, s
  const negative = bit(b, b.op('add', place, word(1)), 2);
  return b.op('select', negative, b.op('neg', size), size);
}

const operands = ['u32', 'u32', 'u32'] as const;
const wordsFn = scalar('random.words', operands, ownWord);
const uniformFn = scalar('random.uniform', operands, (b, i, k0, k1) => unit(b, ownWord(b, i, k0, k1)));
/** Box and Muller 1958: elements 2j and 2j + 1 are the cosine and the sine of one pair of words. */
const normalFn = scalar('random.normal', operands, (b, i, k0, k1) => {
  const [w0, w1, w2, w3] = block(b, i, k0, k1);
  const second = bit(b, i, 2);
  const radiusWord = upper24(b, b.op('select', second, w2, w0));
  const above0 = b.op('mul', b.op('toF32', b.op('add', radiusWord, b.constant(1, 'u32'))), b.constant(perUnit)); // in (0, 1]
  const radius = b.op('sqrt', b.op('mul', b.op('log', above0), b.constant(-2)));
  return b.op('mul', radius, cosineOfTurn(b, upper24(b, b.op('select', second, w3, w1)), bit(b, i, 1)));
});
/** u < p in whole numbers, u·2²⁴ < ⌈p·2²⁴⌉, so that no rounding of p decides. */
const bernoulliFn = (p: number): ScalarFn =>
  scalar('random.bernoulli', operands, (b, i, k0, k1) => b.op('lt', upper24(b, ownWord(b, i, k0, k1)), b.constant(Math.ceil(p / perUnit), 'u32')));

// ---------------------------------------------------------------- ops
const toU32 = scalar('toU32', ['i32'], (b, i) => b.op('toU32', i));

/** A map over the element numbers of `shape` and the key's two words. */
function draw(op: (...args: never) => unknown, name: string, fn: ScalarFn, dtype: NodeDType, key: Key, given: readonly unknown[]): Tensor {
  keyRule(key, name);
  const shape = madeShape(given, name);
  return trailing(
    op,
    () => {
      const numbers = map(toU32, [iotaOf([prod(shape)], 0)]);
      const words = keyWords(key).map(word => expandTo(word, shape));
      return map(fn, [reshapeTo(numbers, shape), ...words], dtype);
    },
    name,
  );
}
/** The key's words as scalars, the lower first. */
const keyWords = (key: Key): readonly Tensor[] =>
  isTensor(key)
    ? [0, 1].map(i => reshapeTo(sliceOf(key, 0, i, 1), []))
    : [constant(key % 2 ** 32, 'u32'), constant(Math.floor(key / 2 ** 32), 'u32')];

/** Words of randomness: u32 of `shape`, uniform over 0 … 2³² − 1. */
function words<const K extends Key, const S extends readonly DimArg[]>(
  key: Arg<K, KeyRule<K, 'random.words'>>,
  shape: Arg<S, Made<S, 'random.words'>>,
): Tensor<Ok<Made<S, 'random.words'>>, 'u32'>;
function words(key: Key, shape: readonly unknown[]): Tensor {
  return draw(words, 'random.words', wordsFn, 'u32', key, shape);
}
/** f32 of `shape`, uniform in 0 ≤ x < 1: the upper 24 bits of each word, times 2⁻²⁴. */
function uniform<const K extends Key, const S extends readonly DimArg[]>(
  key: Arg<K, KeyRule<K, 'random.uniform'>>,
  shape: Arg<S, Made<S, 'random.uniform'>>,
): Tensor<Ok<Made<S, 'random.uniform'>>, 'f32'>;
function uniform(key: Key, shape: readonly unknown[]): Tensor {
  return draw(uniform, 'random.uniform', uniformFn, 'f32', key, shape);
}
/** f32 of `shape`, standard normal by Box and Muller's transform of two words: at most 5.8 from 0, and on every device within 8 ULP
 *  of the exact transform. */
function normal<const K extends Key, const S extends readonly DimArg[]>(
  key: Arg<K, KeyRule<K, 'random.normal'>>,
  shape: Arg<S, Made<S, 'random.normal'>>,
): Tensor<Ok<Made<S, 'random.normal'>>, 'f32'>;
function normal(key: Key, shape: readonly unknown[]): Tensor {
  return draw(normal, 'random.normal', normalFn, 'f32', key, shape);
}
/** bool of `shape`, true with `probability` (default ½): where the uniform number of the same key is below it. */
function bernoulli<const K extends Key, const S extends readonly DimArg[], const P extends number = 0.5>(
  key: Arg<K, KeyRule<K, 'random.bernoulli'>>,
  shape: Arg<S, Made<S, 'random.bernoulli'>>,
  probabilityOfTrue?: Arg<P, Probability<P>>,
): Tensor<Ok<Made<S, 'random.bernoulli'>>, 'bool'>;
function bernoulli(key: Key, shape: readonly unknown[], probabilityOfTrue = 0.5): Tensor {
  probability(probabilityOfTrue);
  return draw(bernoulli, 'random.bernoulli', bernoulliFn(probabilityOfTrue), 'bool', key, shape);
}

/** Random tensors, each a pure function of its key: never use one key for two things. */
export const random = { words, uniform, normal, bernoulli };
