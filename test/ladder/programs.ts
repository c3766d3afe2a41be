// Random programs of the language: lists of naturals, read modulo what exists, so that any part of a program is a program and shrinking
// is deletion.
import type { DType } from '../../common/dtype.ts';
import { type Traced, traced } from '../../dsl/model.ts';
import { valueAndGrad } from '../../dsl/ops/gradient.ts';
import { sum } from '../../dsl/ops/reduce.ts';
import { bool, f32, index, isTensor, type Tensor, u32 } from '../../dsl/tensor.ts';
import { type Call, operands, runCalls, showCall, type Value } from './calls.ts';
import { allOps, families, movingOps, smoothOps, wholeOps } from './families/index.ts';
import { batch, language, Maker } from './maker.ts';
import { pairAt } from './pairs.ts';

export type Step = readonly [op: number, i: number, j: number, k: number];
export interface Draw {
  readonly steps: readonly Step[];
  /** Chooses the inputs' shapes. */
  readonly sizes: number;
  /** The batch of one input is free. */
  readonly dynamic: boolean;
  /** Only ops that keep whole numbers whole. */
  readonly exact: boolean;
  /** What it is made of: any op, ops that move elements (and a few to tell them apart), or smooth functions. */
  readonly of: 'all' | 'moving' | 'smooth';
  /** Chooses which of the dearer rungs the program climbs: fusion is most of a program's time. */
  readonly turn: number;
}

/** Extents of the inputs' axes: 0, 1, primes, and those that vectors and tiles like. */
const extents = [
  [2, 3, 4],
  [6, 4, 5],
  [1, 5, 3],
  [4, 1, 6],
  [2, 7, 1],
  [5, 2, 8],
  [2, 0, 3],
  [1, 1, 1],
  [3, 9, 4],
  [0, 2, 4],
] as const;
function inputsOf({ sizes, dynamic }: Draw): Map<string, Tensor> {
  const [a, c, d] = extents[sizes % extents.length]!;
  return new Map<string, Tensor>([
    ['x', f32(a, c)],
    ['y', f32(c, d)],
    ['z', dynamic ? f32('B', c, d) : f32(2, c, d)],
    ['w', f32(c)],
    ...(c > 0 ? [['pick', index(c)(a, 3)] as const] : []),
    ['mask', bool(a, c)],
    ['key', u32(2)],
  ]);
}

/** A program that can be run, traced and printed. */
export interface Program {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly calls: readonly Call[];
  readonly outputs: readonly Value[];
  readonly dynamic: boolean;
  /** Calls that the free batch forbade. */
  readonly refused: number;
}

/** From this number on a step does once more what the last one did: rules look at pairs of one kind. */
const sameAgain = 8000;
/** From this number on a step is a pair of ops (pairs.ts), one that reads the other. */
export const aimed = 10_000;

export function build(draw: Draw): Program {
  const inputs = inputsOf(draw);
  const maker = new Maker(inputs, draw.exact, draw.dynamic);
  const names = draw.of === 'all' ? (draw.exact ? wholeOps : allOps) : draw.of === 'moving' ? movingOps : smoothOps;
  for (const [op, i, j, k] of draw.steps) {
    if (op >= aimed) {
      pairUp(maker, op - aimed, i, j, k);
      continue;
    }
    const again = op >= sameAgain ? maker.calls.at(-1)?.op : undefined;
    maker.step(() => families[again ?? names[op % names.length]!]!(maker, i, j, k));
  }
  return trimmed(maker, draw.dynamic);
}
const tries = 6;
/** Makes the producer's and the consumer's call, with other operands until one reads the other; a value that the producer made is read first. */
function pairUp(maker: Maker, pair: number, i: number, j: number, k: number): void {
  const [producer, consumer] = pairAt(pair);
  for (let t = 0; t < tries; t++) {
    const [a, b, c] = [i + t * 5, j + t * 11, (k + t * 91) % 1024];
    const done = maker.step(() => {
      if (t > 0 || !maker.values.some(v => v.op === producer)) families[producer]!(maker, a, b, c);
      maker.reading(producer, () => families[consumer]!(maker, b, a, (c * 5 + t) % 1024));
    });
    if (done) return;
  }
}
/** The last values that nothing reads are the outputs, eight at most, and the calls that reach them are kept. */
function trimmed(maker: Maker, dynamic: boolean): Program {
  const read = new Set(maker.calls.flatMap(c => c.args.flatMap(operands)).map(v => v.name));
  const outputs = maker.values.filter(v => v.call >= 0 && !read.has(v.name)).slice(-8);
  const needed = new Set(outputs.map(v => v.call));
  for (let i = maker.calls.length - 1; i >= 0; i--) if (needed.has(i)) for (const v of maker.calls[i]!.args.flatMap(operands)) needed.add(v.call);
  return { inputs: maker.inputs, calls: maker.calls.filter((_, i) => needed.has(i)), outputs, dynamic, refused: maker.refused };
}

/** The trace of a program; outputs are o0, o1, …. */
export function traceOf({ inputs, calls, outputs }: Program): Traced {
  return traced(Object.fromEntries(inputs), () => {
    const values = runCalls(calls, language, inputs, isTensor);
    return Object.fromEntries(outputs.map((v, i) => [`o${i}`, values.get(v.name) as Tensor]));
  });
}
/** The trace of a program's gradient: the sum of its float outputs, each weighted by its position, in its float inputs. */
export function gradientOf({ inputs, calls, outputs }: Program): Traced | undefined {
  const floats = outputs.filter(v => v.tensor.node.dtype === 'f32');
  if (floats.length === 0) return undefined;
  const names = [...inputs].filter(([, t]) => t.node.dtype === 'f32').map(([name]) => name);
  return traced(Object.fromEntries(inputs), () => {
    const { value, grad } = valueAndGrad((wrt: Record<string, Tensor>) => {
      const values = runCalls(calls, language, new Map([...inputs, ...Object.entries(wrt)]), isTensor);
      const sums = floats.map(v => sum(values.get(v.name) as Tensor<[], 'f32'>) as Tensor<[], 'f32'>);
      return sums.reduce((a, b) => plus(a, b));
    })(Object.fromEntries(names.map(name => [name, inputs.get(name)!])));
    return { loss: value, ...Object.fromEntries(Object.entries(grad).map(([name, g]) => [`d${name}`, g as Tensor])) };
  });
}
const plus = (a: Tensor<[], 'f32'>, b: Tensor<[], 'f32'>) => (language.add as (x: unknown, y: unknown) => Tensor<[], 'f32'>)(a, b);

/** Values for the inputs, by name: whole numbers or floats in −2 … 2, indices in range, coins. */
export function feedsOf(inputs: ReadonlyMap<string, Tensor>, exact: boolean, at: number = batch): Record<string, Float64Array> {
  return Object.fromEntries(
    [...inputs].map(([name, { node }]) => {
      const n = node.shape.reduce<number>((all, d) => all * (typeof d === 'number' ? d : at), 1);
      const seed = [...name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 10007, 1);
      return [
        name,
        Float64Array.from({ length: n }, (_, i) =>
          feedAt(node.dtype, node.over as number | undefined, exact, ((i + 1) * 7919 + seed * (i + 3) * 131) % 10007),
        ),
      ];
    }),
  );
}
function feedAt(dtype: DType, over: number | undefined, exact: boolean, x: number): number {
  if (over !== undefined) return x % over;
  if (dtype === 'bool') return x % 2;
  if (dtype === 'u32') return x * 429000;
  return exact ? (x % 9) - 4 : Math.fround((x / 10007) * 4 - 2);
}

/** Source that makes the program again. */
export function show({ inputs, calls, outputs }: Program): string {
  const groups = [...new Set(calls.map(c => c.op.split('.')[0]!))].sort();
  const shapes = [...inputs].map(([name, { node }]) => {
    const shape = node.shape.map(d => (typeof d === 'number' ? `${d}` : `'${d}'`)).join(', ');
    return `${name}: ${node.over === undefined ? node.dtype : `index(${node.over})`}(${shape})`;
  });
  return [
    `import { traced } from '../../dsl/model.ts';`,
    `import { ${groups.join(', ')} } from '../../dsl/ops/index.ts';`,
    `import { bool, f32, index, u32 } from '../../dsl/tensor.ts';`,
    `const program = traced({ ${shapes.join(', ')} }, ({ ${[...inputs.keys()].join(', ')} }) => {`,
    ...calls.map(c => `  ${showCall(c)}`),
    `  return { ${outputs.map((v, i) => `o${i}: ${v.name}`).join(', ')} };`,
    '});',
  ].join('\n');
}

/** 'flip pad' for each pad that reads a flip. */
export const pairsOf = ({ calls }: Program): string[] =>
  calls.flatMap(c => c.args.flatMap(operands).flatMap(v => (v.op === 'input' ? [] : [`${v.op} ${c.op}`])));
