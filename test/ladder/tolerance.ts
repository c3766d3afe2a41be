// How far a device may be from the reference. The reference computes in doubles; beside it run interpreters that round every operation to
// f32, some of them to a neighbour at random (Monte Carlo arithmetic, Parker 1997): how far these lie from the doubles says how badly a
// value is conditioned, element by element. Where nothing is rounded at all, the tolerance is zero.

import { sizeAt } from '../../common/size.ts';
import { type Apply, type Arith, float32, float64 } from '../../compiler/graph/arithmetic.ts';
import type { Graph } from '../../compiler/graph/graph.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import type { Prim } from '../../dsl/scalar.ts';
import { Random } from '../../dsl/table/row.ts';

/** What rounds nothing as long as its results are whole and below 2²⁴. */
const whole = new Set<Prim>(
  'add sub mul neg abs sign max min floor ceil lt le eq select toF32 toI32 toU32 toBool not and or xor shl shr quo rem bits fromBits'.split(
    ' ',
  ) as Prim[],
);
const roundsOnDevices = (prim: Prim): boolean => !whole.has(prim);
const cell = new Float32Array(1);
const bits = new Int32Array(cell.buffer);
/** f32 whose results that are not exact go to the next f32 up or down now and then. */
export function jittered(seed: number): Arith {
  const random = new Random(seed);
  const move = (x: number): number => {
    if (x === 0 || !Number.isFinite(x)) return x;
    const to = random.int(3) - 1;
    cell[0] = x;
    bits[0]! += to;
    return cell[0]!;
  };
  return {
    ...float32,
    primitive: (prim, operands) => {
      const rounded = float32.primitive(prim, operands);
      if (operands !== 'f32' || prim === 'roundF16' || (whole.has(prim) && !['add', 'sub', 'mul'].includes(prim))) return rounded;
      const exact = float64.primitive(prim, operands);
      const jitter: Apply = (a, b, c) => {
        const y = rounded(a, b, c);
        return y === exact(a, b, c) ? y : move(y);
      };
      return jitter;
    },
  };
}

/** The largest magnitude of each value that the outputs need. */
function magnitudes(values: ReadonlyMap<number, Values>): Map<number, number> {
  return new Map([...values].map(([id, v]) => [id, (v as Float64Array).reduce((m, x) => Math.max(m, Math.abs(x)), 0)]));
}
/** Do devices get exactly the reference's numbers? All floats are whole and small, sums in any order too, and nothing else is worked out. */
function isExact(graph: Graph, values: ReadonlyMap<number, Values>, batch: number): boolean {
  const most = magnitudes(values);
  const count = (id: number): number => graph.shape(id).reduce<number>((n, s) => n * sizeAt(s, batch), 1);
  return [...values].every(([id, v]) => {
    const node = graph.node(id);
    if (node.op === 'map' && node.fn.body.some(i => i.prim !== 'const' && i.type === 'f32' && roundsOnDevices(i.prim))) return false;
    if (node.dtype !== 'f32' && node.dtype !== 'f16') return true;
    if (!(most.get(id)! < 2 ** 22) || !(v as Float64Array).every(Number.isInteger)) return false;
    // an empty max is −3.4e38, which is no sum's business
    const ins = node.ins.map(i => most.get(i)!);
    if (node.op === 'reduce' && node.kind === 'sum') return (ins[0]! * count(node.ins[0]!)) / Math.max(1, count(id)) < 2 ** 22;
    if (node.op === 'contract') return ins[0]! * ins[1]! * Math.max(count(node.ins[0]!), count(node.ins[1]!)) < 2 ** 22;
    return true;
  });
}

export interface Expected {
  readonly values: Values;
  /** By element; infinite where the interpreters disagree discretely. */
  readonly tolerance: Float64Array;
  readonly exact: boolean;
}
export interface Expectation {
  readonly outputs: readonly Expected[];
  readonly exact: boolean;
  /** Values that are not finite somewhere inside: WebGPU promises nothing of them. */
  readonly wild: boolean;
  readonly elements: number;
  /** Elements on which the interpreters disagree discretely. */
  readonly dropped: number;
}
const runs = 3;

/** What the outputs of a graph must be, and how closely. */
export function expectation(graph: Graph, outputs: readonly number[], feeds: Readonly<Record<string, Values>>, batch: number): Expectation {
  const all = graph.needed(outputs);
  const values = interpret(graph, all, feeds, { batch });
  const exact = isExact(graph, values, batch);
  const wild = [...values].some(([id, v]) => graph.node(id).dtype[0] === 'f' && (v as Float64Array).some(x => !(Math.abs(x) < 1e30)));
  const halves = all.some(id => graph.node(id).dtype === 'f16');
  const others = exact
    ? []
    : [float32, ...Array.from({ length: runs }, (_, i) => jittered(i + 1))].map(arith => interpret(graph, outputs, feeds, { batch, arith }));
  let [elements, dropped] = [0, 0];
  const expected = outputs.map((id): Expected => {
    const v = values.get(id)!;
    const tolerance = new Float64Array(v.length);
    elements += v.length;
    if (exact) return { values: v, tolerance, exact };
    const float = graph.node(id).dtype === 'f32' || graph.node(id).dtype === 'f16';
    const scale = (v as Float64Array).reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 0);
    for (let i = 0; i < v.length; i++) {
      const apart = others.reduce((m, o) => Math.max(m, Math.abs(o.get(id)![i]! - v[i]!)), 0);
      const discrete = float ? !(apart <= 0.01 * scale + 1e-6) : apart !== 0;
      if (discrete) dropped++;
      tolerance[i] = discrete ? Number.POSITIVE_INFINITY : float ? 64 * apart + (halves ? 2e-3 : 1e-6) * scale + 1e-12 : 0;
    }
    return { values: v, tolerance, exact };
  });
  return { outputs: expected, exact, wild, elements, dropped };
}

/** What is wrong with computed values, in words. */
export function wrongElement(got: ArrayLike<number>, { values, tolerance, exact }: Expected): string | undefined {
  if (got.length !== values.length) return `${got.length} elements, not ${values.length}`;
  for (let i = 0; i < values.length; i++) {
    const [a, b] = [got[i]!, values[i]!];
    if (a === b || Object.is(a, b) || tolerance[i] === Number.POSITIVE_INFINITY) continue;
    if (!(Math.abs(a - b) <= tolerance[i]!)) return `[${i}] is ${a}, not ${b}${exact ? '' : ` ± ${tolerance[i]!.toPrecision(2)}`}`;
  }
  return undefined;
}
