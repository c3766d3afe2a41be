// Wide dims and axes (`number`, from data) are left to the trace: no false error, and a result as precise as it can be. A mistake that
// needs no wide dim is still one.
import {
  add,
  bool,
  broadcastTo,
  concat,
  conv2d,
  f32,
  linear,
  matmul,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  sum,
  type Tensor,
  transpose,
  unbind,
  where,
} from 'heddle';
import { mistake, traceOnly } from '../../language/mistake.ts';

const data: { five: number; axis: number } = JSON.parse('{"five":5,"axis":1}');
const n = data.five;
const x = f32(n, 3);

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** is<Expected>()(value, true): the value's type is exactly Expected */
const is =
  <Expected>() =>
  <T>(_value: T, _same: Same<T, Expected>): void => {};

is<Tensor<[5, 3], 'f32'>>()(add(x, f32(5, 3)), true);
is<Tensor<[number, 3], 'f32'>>()(add(x, f32(1, 3)), true);
is<Tensor<[number, 4], 'f32'>>()(matmul(x, f32(3, 4)), true);
is<Tensor<[number], 'f32'>>()(sum(x, -1), true);
is<Tensor<[number, 1], 'f32'>>()(sum(x, 1, { keepDims: true }), true);
is<Tensor<[number, number], 'f32'>>()(reshape(f32(n, 6), [n, -1]), true);
is<Tensor<[number, 6], 'f32'>>()(concat([x, x], 1), true);
is<Tensor<[number, 2], 'f32'>>()(slice(x, 1, 1), true);
is<Tensor<[number, 3], 'f32'>>()(slice(x, 0, 1), true);
is<Tensor<[3, number], 'f32'>>()(transpose(x), true);
is<Tensor<[2, number, 3], 'f32'>>()(stack([x, f32(5, 3)], 0), true);
is<[Tensor<[number, 1], 'f32'>, Tensor<[number, 2], 'f32'>]>()(split(x, 1, [1, 2]), true);
is<Tensor<[3], 'f32'>[]>()(unbind(x, 0), true);
is<Tensor<[1, 2, number, number], 'f32'>>()(conv2d(f32(1, 3, n, n), f32(2, 3, 2, 2), { stride: n }), true);

traceOnly('add: cannot broadcast 5 with 4 (left [5,3], right [4,3])', () => add(x, f32(4, 3)));
traceOnly('add: [5,1] and [1,3] would both grow to [5,3]: write broadcastTo on one of them', () => add(f32(n, 1), f32(1, 3)));
traceOnly('matmul: inner dimensions differ: 5 and 4 (left [3,5], right [4,2])', () => matmul(f32(3, n), f32(4, 2)));
traceOnly('linear: the bias must be [5], got [4]', () => linear(f32(2, 3), x, f32(4)));
traceOnly('reshape: element counts differ: 15 and 16 ([5,3] to [4,4])', () => reshape(x, [4, 4]));
traceOnly('slice: 0 to 6 is outside axis 0 of [5,3]', () => slice(x, 0, 0, 6));
traceOnly('split: axis 0 of size 5 is not divisible by 2', () => split(x, 0, 2));
traceOnly('squeeze: axis 0 of [5,3] is 5, not 1', () => squeeze(x, 0));
traceOnly('broadcastTo: [5,3] does not broadcast to [4,3]', () => broadcastTo(x, [4, 3]));
traceOnly('sum: axis 2 is out of range for [5,3]', () => sum(x, data.axis + 1));
traceOnly('where: cannot broadcast 5 with 4 (left [5,3], right [4,3])', () => where(bool(n, 3), 0, f32(4, 3)));

mistake(
  'add: cannot broadcast 3 with 4 (left [?,3], right [4])',
  () => add(x, /*✗*/ f32(4)),
  'add: cannot broadcast 3 with 4 (left [5,3], right [4])',
);
mistake('sum: axis 2 is out of range for [?,3]', () => sum(x, /*✗*/ 2), 'sum: axis 2 is out of range for [5,3]');
mistake(
  'matmul: inner dimensions differ: 3 and 4 (left [?,3], right [4,2])',
  () => matmul(x, /*✗*/ f32(4, 2)),
  'matmul: inner dimensions differ: 3 and 4 (left [5,3], right [4,2])',
);
// after a mistake the result is open, so each of these is one error
mistake('matmul: inner dimensions differ: 3 and 4 (left [2,3], right [4,2])', () => sum(add(matmul(f32(2, 3), /*✗*/ f32(4, 2)), f32(7)), 9));
mistake('add: dtypes differ: f32 and bool', () => add(add(f32(2), /*✗*/ bool(2)), f32(3)));
mistake('split: axis 0 of size 3 is not divisible by 2', () => {
  const [a, b] = split(f32(3), 0, /*✗*/ 2);
  return add(a, matmul(b, f32(2)));
});
