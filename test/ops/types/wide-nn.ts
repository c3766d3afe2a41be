// Wide dims, axes and patterns (`number` and `string`, from data) of the ops of dsl/ops/nn, index-ops, make, einops and einsum: no false
// error, a result as precise as it can be, and one mistake stays one error however far its result goes on.
import {
  argsort,
  attention,
  bool,
  concat,
  constant,
  crossEntropy,
  cumsum,
  type Dim,
  einsum,
  f32,
  full,
  gather,
  type Index,
  i32,
  index,
  iota,
  layerNorm,
  matmul,
  oneHot,
  random,
  rank,
  rearrange,
  reduce,
  repeat,
  softmax,
  type Tensor,
  topk,
} from 'heddle';
import { mistake, traceOnly } from '../../language/mistake.ts';

const data: { five: number; axis: number; pattern: string; values: number[] } = JSON.parse(
  '{"five":5,"axis":1,"pattern":"a b -> b a","values":[1,2,3]}',
);
const n = data.five;
const x = f32(n, 3);

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** is<Expected>()(value, true): the value's type is exactly Expected */
const is =
  <Expected>() =>
  <T>(_value: T, _same: Same<T, Expected>): void => {};

is<Tensor<[number, 3], 'f32'>>()(softmax(x, data.axis), true);
is<Tensor<[2, number], 'f32'>>()(layerNorm(f32(2, n), f32(n), f32(5)), true);
is<Tensor<[2, 4], 'f32'>>()(attention(f32(2, n), f32(3, n), f32(3, 4)), true);
is<Tensor<[number, 4], 'f32'>>()(attention(f32(n, 6), f32(n, 6), f32(5, 4), { bias: f32(n, 1) }), true);
is<Tensor<[], 'f32'>>()(crossEntropy(f32(4, n), index(5)(4)), true);
is<Tensor<[number, 3], Index<number>>>()(argsort(x, 0), true);
is<Tensor<[number, 3], Index<3>>>()(rank(x, 1), true);
is<Tensor<[number, 3], Index<Dim>>>()(argsort(x, data.axis), true);
is<Tensor<[7, 3], 'f32'>>()(gather(x, 0, index(5)(7)), true);
is<Tensor<[number, 2], 'f32'>>()(topk(x, 2).values, true);
is<Tensor<[number, 3], Index<number>>>()(topk(x, n, 0).indices, true);
is<Tensor<[4, number], 'f32'>>()(oneHot(i32(4), n), true);
is<Tensor<[number], Index<number>>>()(iota(n), true);
is<Tensor<[number, 2], 'f32'>>()(full([n, 2], 0), true);
is<Tensor<[number], 'f32'>>()(constant(data.values), true);
is<Tensor<[3, 1], 'f32'>>()(constant(data.values, [3, 1]), true);
is<Tensor<[number, 2], 'bool'>>()(random.bernoulli(n, [n, 2], n / 10), true);
is<Tensor<[3, number], 'f32'>>()(rearrange(x, 'a b -> b a'), true);
is<Tensor<[number], 'f32'>>()(rearrange(x, 'a b -> (a b)'), true);
is<Tensor<[number, 3, 2], 'f32'>>()(repeat(x, 'a b -> a b c', { c: 2 }), true);
is<Tensor<[3], 'f32'>>()(reduce(x, 'a b -> b', 'sum'), true);
is<Tensor<[number, 4], 'f32'>>()(einsum('ab,bc->ac', x, f32(3, 4)), true);

traceOnly('softmax: axis 2 is out of range for [5,3]', () => softmax(x, data.axis + 1));
traceOnly('layerNorm: the bias must be [3], the last axis of x, got [5]', () => layerNorm(x, f32(3), f32(n)));
traceOnly('attention: q and k differ on the last axis: 5 and 4 (q [2,5], k [3,4])', () => attention(f32(2, n), f32(3, 4), f32(3, 4)));
traceOnly('attention: the bias [5,1] does not broadcast to the scores [2,3]', () => attention(f32(2, 4), f32(3, 4), f32(3, 4), { bias: f32(n, 1) }));
traceOnly('crossEntropy: the labels are over 8, but the logits [4,5] have 5 classes', () => crossEntropy(f32(4, n), index(8)(4)));
traceOnly('gather: the index is over 5, but axis 0 of [4,3] is 4', () => gather(f32(4, 3), 0, argsort(f32(n), 0)));
traceOnly('topk: k is 5, but axis -1 of [5,3] is 3', () => topk(x, n));
traceOnly('constant: 3 values do not fill [2,2]', () => constant(data.values, [2, 2]));
traceOnly('random.bernoulli: the probability must be from 0 to 1, got 5', () => random.bernoulli(1, [2], n));
traceOnly('rearrange: the group (h k) has size 4, but the tensor has 5 in "(h k) b -> h k b"', () =>
  rearrange(x, '(h k) b -> h k b', { h: 2, k: 2 }),
);
traceOnly('rearrange: "a b -> b a" names 2 axes, the tensor has 1', () => rearrange(f32(3), data.pattern));
traceOnly('einsum: b is both 5 and 3 in "ab,bc->ac"', () => einsum('ab,bc->ac', f32(2, n), f32(3, 4)));

// the result of a mistake passes every later rule
mistake('softmax: axis 2 is out of range for [2,3]', () => layerNorm(softmax(f32(2, 3), /*✗*/ 2), f32(9), f32(9)));
mistake('rearrange: axis b disappears in "a b -> a"', () => softmax(matmul(rearrange(f32(2, 3), /*✗*/ 'a b -> a'), f32(7, 8)), 5));
mistake('gather: the index is over N, but axis 1 of [B,N+1,D] is N+1', () =>
  attention(gather(f32('B', 'N+1', 'D'), 1, /*✗*/ index('N')('B', 'N')), f32(1), f32('Q', 2)),
);
mistake('einsum: the output letter c is in no input of "ab->c"', () => concat([einsum(/*✗*/ 'ab->c', f32(2, 3)), f32(4)], 3));
mistake('layerNorm: the weight must be [3], the last axis of x, got [4]', () =>
  crossEntropy(layerNorm(f32(2, 3), /*✗*/ f32(4), f32(3)), index(3)(2)),
);
mistake('argsort: axis 4 is out of range for [2,3]', () => gather(f32(2, 3), 1, argsort(f32(2, 3), /*✗*/ 4)));
mistake('cumsum: wants numbers, got bool', () => cumsum(cumsum(/*✗*/ bool(2), 0), 0));
mistake('oneHot: give n, the number of classes: the index is plain i32', () => matmul(oneHot(/*✗*/ i32(4)), f32(9, 9)));
