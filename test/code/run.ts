// Runs one nest as a device would: schedule, generate, verify, render, execute; and the interpreter of nests beside it.
import type { DType } from '../../common/dtype.ts';
import { gridSize } from '../../common/program.ts';
import { sizeAt } from '../../common/size.ts';
import { generate } from '../../compiler/code/generate.ts';
import { schedule } from '../../compiler/code/schedule.ts';
import type { Capability, Code } from '../../compiler/code/types.ts';
import { verifyCode } from '../../compiler/code/verify.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { type Graph, numel } from '../../compiler/graph/graph.ts';
import { runNest } from '../../compiler/loops/interpret.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { renderJs } from '../../compiler/render/js.ts';
import { interpretCode } from './interpret.ts';

export type Kernel = (m: readonly ArrayLike<number>[], u: Float64Array, from: number, to: number) => void;
export interface Setting {
  readonly batch?: number;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** Element 0 of the uniform block is the batch, then scalars by name. */
export const scalarIndexIn =
  (scalars: Readonly<Record<string, number>> = {}) =>
  (name: string) =>
    Object.keys(scalars).sort().indexOf(name) + 1;
export const uniforms = ({ batch = 1, scalars = {} }: Setting): Float64Array =>
  Float64Array.from([
    batch,
    ...Object.keys(scalars)
      .sort()
      .map(name => scalars[name]!),
  ]);

export function codeFor(nest: LoopNest, capability: Capability, { scalars }: Setting = {}): Code {
  const code = generate(nest, schedule(nest, capability), capability, { scalarIndex: scalarIndexIn(scalars) });
  verifyCode(code, capability);
  return code;
}

export const compileJs = (text: string): Kernel => new Function(text)() as Kernel;

/** Doubles in place of f32, so that order of summation is all that may differ from the interpreter. */
function wideArray(dtype: DType, values: ArrayLike<number>): Float64Array | Int32Array | Uint32Array {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return Float64Array.from(values);
    case 'i32':
      return Int32Array.from(values);
    case 'u32':
    case 'bool':
      return Uint32Array.from(values);
  }
}

/** What a nest stores, by node, from rendered JavaScript; NaN where it stores nothing. */
export function runJs(
  nest: LoopNest,
  capability: Capability,
  memory: ReadonlyMap<number, Float64Array>,
  setting: Setting = {},
  code = codeFor(nest, capability, setting),
): Map<number, Float64Array> {
  const kernel = compileJs(renderJs(code, { comment: [] }));
  const batch = setting.batch ?? 1;
  const arrays = nest.buffers.map(b =>
    wideArray(b.written ? 'f32' : b.dtype, b.written ? new Float64Array(sizeAt(b.elements, batch)).fill(Number.NaN) : memory.get(b.node)!),
  );
  kernel(arrays, uniforms(setting), 0, gridSize(code.grid, batch));
  return new Map(nest.buffers.flatMap((b, i) => (b.written ? [[b.node, Float64Array.from(arrays[i]!)] as const] : [])));
}

/** The same from the generated code as it is written, lanes and vectors included. */
export function runCode(
  nest: LoopNest,
  capability: Capability,
  memory: ReadonlyMap<number, Float64Array>,
  setting: Setting = {},
  code = codeFor(nest, capability, setting),
): Map<number, Float64Array> {
  const batch = setting.batch ?? 1;
  const arrays = nest.buffers.map(b =>
    b.written ? new Float64Array(sizeAt(b.elements, batch)).fill(Number.NaN) : Float64Array.from(memory.get(b.node)!),
  );
  interpretCode(code, arrays, uniforms(setting));
  return new Map(nest.buffers.flatMap((b, i) => (b.written ? [[b.node, arrays[i]!] as const] : [])));
}

/** The same from the interpreter of nests. */
export function runReference(nest: LoopNest, memory: ReadonlyMap<number, Float64Array>, setting: Setting = {}): Map<number, Float64Array> {
  const own = new Map(memory);
  for (const b of nest.buffers) if (b.written) own.delete(b.node);
  runNest(nest, { memory: own, batch: setting.batch ?? 1, arith: float64, scalars: setting.scalars ?? {} });
  return new Map(nest.buffers.flatMap(b => (b.written ? [[b.node, own.get(b.node)!] as const] : [])));
}

/** The first element that differs by more than tolerance · (1 + |expected|), in words; undefined when none does. */
export function differs(
  got: ReadonlyMap<number, ArrayLike<number>>,
  want: ReadonlyMap<number, ArrayLike<number>>,
  tolerance: number,
): string | undefined {
  for (const [node, values] of want) {
    const mine = got.get(node)!;
    if (mine.length !== values.length) return `%${node} has ${mine.length} elements, not ${values.length}`;
    for (let i = 0; i < values.length; i++) {
      const [a, b] = [mine[i]!, values[i]!];
      if (Object.is(a, b) || a === b) continue;
      if (!(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)))) return `%${node}[${i}] is ${a}, not ${b}`;
    }
  }
  return undefined;
}

/** Small whole numbers for a graph's inputs: sums are exact in any order. Indices −1 … size, so that both ends are clamped. */
export function smallFeeds(graph: Graph, batch: number): Record<string, Float64Array> {
  return Object.fromEntries(
    graph.nodes.flatMap(node => {
      if (node.op !== 'input') return [];
      const size = /^index (\d+)/.exec(node.name)?.[1];
      const modulus = size === undefined ? 7 : Number(size) + 2;
      const length = sizeAt(numel(node.shape), batch);
      return [[node.name, Float64Array.from({ length }, (_, i) => ((i * 31 + node.name.length * 5) % modulus) - 1)]];
    }),
  );
}
