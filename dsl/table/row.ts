// What the op table knows of one op. A call is kept as source text, so that one line serves the documentation, the value test, the
// error test and a file for the type checker; the text is an expression over the names of `inputs`, of the ops and of the placeholders
// (f32, f16, i32, u32, bool, index). A value test evaluates it twice: with the ops over placeholders, and with the references over plain arrays.
import type { DType } from '../../common/dtype.ts';

export type Family = 'elementwise' | 'logic' | 'contract' | 'views' | 'reduce' | 'nn' | 'index' | 'make' | 'einops';

/** A dense row-major array of plain float64 numbers (bool is 0 and 1): what a reference reads and gives. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  readonly dtype: DType;
  /** For an index: its values lie in 0 ≤ i < over. */
  readonly over?: number;
}
/** What an op gives: one array, a tuple (split) or a record (topk). */
export type NdResult = NdArray | readonly NdArray[] | Readonly<Record<string, NdArray>>;

/** `{ inputs: { x: 'f32(2, 3)' }, call: 'sum(x, 0)' }` */
export interface Call {
  /** Name → source text of its placeholder, in order. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly call: string;
}
/** A call whose value is checked; every dim is a number. */
export interface Sample extends Call {
  /** Values of an input: a list, or how to draw them (default 'normal'; index: uniform below `over`; bool: coin). */
  readonly values?: Readonly<Record<string, Values>>;
  /** Largest difference allowed, relative to 1 + |reference| (default 1e-5). */
  readonly tolerance?: number;
}
/** normal: about −3 … 3. positive: 0.1 … 4. integer: −4 … 4 with ties. unit: 0 … 1. */
export type Values = readonly number[] | 'normal' | 'positive' | 'integer' | 'unit';

/** A planted mistake: the marker ✗ in a comment stands before the argument on which both compilers must report, once, `message`. */
export interface Mistake {
  /** `add(f32(8, 3), /*✗*\/f32(4))` */
  readonly call: string;
  /** Without the leading '✗ ', e.g. 'add: cannot broadcast 3 with 4 (left [8,3], right [4])'. */
  readonly message: string;
  /** Types cannot see it (values, or a size known only to the trace): only the trace reports it. */
  readonly traceOnly?: true;
}

export interface Row {
  /** As it is imported: 'add', 'random.uniform'. */
  readonly name: string;
  readonly family: Family;
  /** For the documentation: 'matmul(a [..., M, K], b [..., K, N]) → [..., M, N]'. */
  readonly signature: string;
  /** One or two sentences: semantics, dtypes, what PyTorch calls it if that differs. */
  readonly about: string;
  readonly samples: readonly Sample[];
  readonly mistakes: readonly Mistake[];
  /** The op on plain arrays, naive, in float64; it takes the op's own arguments with NdArrays for tensors. */
  readonly reference: (...args: never[]) => NdResult;
  /** A random call, right or wrong about as often, over small shapes with symbols and numbers: the types and the trace must agree on it. */
  readonly calls: (random: Random) => Call;
}

/** A seeded source of choices (a counter hashed with the seed): the same seed gives the same calls everywhere. */
export class Random {
  private readonly seed: number;
  private count = 0;
  constructor(seed: number) {
    this.seed = seed;
  }
  /** Uniform in 0 ≤ x < 1, 2⁻³² apart; the mixing is MurmurHash3's finaliser. */
  unit(): number {
    let h = Math.imul(this.seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(++this.count, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  }
  /** A whole number, 0 ≤ n < below. */
  int(below: number): number {
    return Math.floor(this.unit() * below);
  }
  chance(probability: number): boolean {
    return this.unit() < probability;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }
  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }
}
