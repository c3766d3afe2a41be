// Which op reads which: the pairs that random programs aim at, in a fixed order. Rules between two neighbours are most of a compiler's, and
// independent choices take long to meet all neighbours.
import { Random } from '../../dsl/table/row.ts';
import { families } from './families/index.ts';

/** Element types: f floats, i integers, x indices, b conditions. */
type Types = string;
const words = (text: string): readonly string[] => text.split(' ');
const typed = (rows: readonly (readonly [ops: string, types: Types])[]): ReadonlyMap<string, Types> =>
  new Map(rows.flatMap(([ops, types]) => words(ops).map(op => [op, types] as const)));

const moving =
  'reshape broadcastTo squeeze expandDims permute transpose flip roll slice split unbind concat stack pad rearrange repeat gather where stopGradient';
const smooth =
  'div pow exp log sqrt rsqrt tanh erf sin cos sigmoid silu relu gelu mean variance softmax logSoftmax logsumexp layerNorm attention einsum matmul linear conv2d';
const numeric = 'add sub mul maximum minimum max min cumsum reduce abs neg';
const compared = 'equal less lessEqual greater greaterEqual';
const sorted = 'argsort rank argmax argmin';
const takes = typed([
  [`${moving} cast sum topk argsort rank equal`, 'fixb'],
  [`${smooth} sign floor`, 'f'],
  ['argmax argmin less lessEqual greater greaterEqual', 'fix'],
  [numeric, 'fix'],
  ['clamp', 'fi'],
  ['and or not any all', 'b'],
  ['crossEntropy', 'fx'],
  ['oneHot', 'ix'],
  // these read nothing that is computed
  ['full constant iota random.words random.uniform random.normal random.bernoulli', ''],
]);
const gives = typed([
  [moving, 'fixb'],
  ['cast constant', 'fib'],
  [`${smooth} sign floor crossEntropy oneHot random.uniform random.normal`, 'f'],
  [`${numeric} clamp sum full`, 'fi'],
  ['topk', 'fixb'],
  [`${sorted} iota`, 'x'],
  [`${compared} and or not any all random.bernoulli`, 'b'],
  ['random.words', 'i'],
]);
/** Their operands are made positive first, unless they are by themselves (maker.ts). */
const positiveOnly = new Set(words('log sqrt rsqrt'));
const maybePositive = new Set(
  words(
    'exp sqrt rsqrt add maximum max min mean minimum cumsum reshape broadcastTo squeeze expandDims permute transpose flip roll slice split unbind concat stack rearrange repeat gather topk stopGradient',
  ),
);
/** Can the consumer read what the producer gives, by element types, rank and domain? */
export function isFeasible(producer: string, consumer: string): boolean {
  if (producer === 'iota' && consumer === 'transpose') return false; // of rank 1
  if (positiveOnly.has(consumer) && !maybePositive.has(producer)) return false;
  return [...gives.get(producer)!].some(t => takes.get(consumer)!.includes(t));
}

const ops: readonly string[] = Object.keys(families);
export const pairCount: number = ops.length ** 2;
export const pairAt = (n: number): readonly [producer: string, consumer: string] => [ops[Math.floor(n / ops.length)]!, ops[n % ops.length]!];

/** Pairs that pass, shuffled, but mostly so that a pair's producer is the consumer of the one before: a chain of k + 1 calls has k pairs. */
export function chained(passes: (producer: string, consumer: string) => boolean): readonly number[] {
  const random = new Random(1);
  const shuffled = (): number[] =>
    ops
      .map((_, i) => [random.unit(), i] as const)
      .sort(([a], [b]) => a - b)
      .map(([, i]) => i);
  const left = ops.map((producer): number[] => shuffled().filter(c => isFeasible(producer, ops[c]!) && passes(producer, ops[c]!)));
  const starts = shuffled();
  const order: number[] = [];
  for (let at = starts[0]; at !== undefined; ) {
    const next = left[at]!.pop();
    if (next !== undefined) order.push(at * ops.length + next);
    at = next !== undefined && left[next]!.length > 0 ? next : starts.find(a => left[a]!.length > 0);
  }
  return order;
}
