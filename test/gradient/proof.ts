// What a derivative must satisfy, on the reference in doubles: its forward and its reverse mode are adjoint, it is the slope of the
// function along a random direction, derivatives written by hand are the generic ones, and the derivative of a derivative is one.
// f16 is not rounded here: rounding has no derivative, and its gradient passes straight through.
import { expect } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { type Arith, float64 } from '../../compiler/graph/arithmetic.ts';
import { tangents } from '../../compiler/graph/gradient/forward.ts';
import { gradient, type WrittenDerivative } from '../../compiler/graph/gradient/reverse.ts';
import { add, map, sum, zeros } from '../../compiler/graph/gradient/values.ts';
import { Graph, type GraphOp, scalarType } from '../../compiler/graph/graph.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { scalar } from '../../dsl/scalar.ts';
import type { Random } from '../../dsl/table.ts';

/** A function to differentiate: a graph with some float inputs and some outputs, and numbers to feed it. */
export interface Subject {
  readonly graph: Graph;
  readonly wrt: readonly number[];
  readonly outs: readonly number[];
  readonly feeds: Readonly<Record<string, Values>>;
  readonly written: WrittenDerivative;
  readonly batch?: number;
}
export const exact: Arith = { ...float64, primitive: (prim, type) => (prim === 'roundF16' ? x => x : float64.primitive(prim, type)) };
export const isFloat = (graph: Graph, id: number): boolean => scalarType(graph.node(id).dtype) === 'f32';
export const noDerivative: WrittenDerivative = call => {
  throw new Error(`${call.name} has no derivative here`);
};
const multiply = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));

export const numbers = (n: number, make: () => number): Float64Array => Float64Array.from({ length: n }, make);
const lengthOf = (s: Subject, id: number): number => s.graph.shape(id).reduce<number>((n, d) => n * sizeAt(d, s.batch ?? 1), 1);
const nameOf = (s: Subject, id: number): string => {
  const n = s.graph.node(id);
  if (n.op !== 'input') throw new Error('no input');
  return n.name;
};
/** An input like each of some values, and the names that feed them. */
function like(
  s: Subject,
  ids: readonly number[],
  prefix: string,
): { readonly ids: number[]; readonly feed: (random: () => number) => Record<string, Values> } {
  const names = ids.map((_, k) => `${prefix}${k}`);
  return {
    ids: ids.map((id, k) => s.graph.input(names[k]!, s.graph.shape(id), s.graph.node(id).dtype)),
    feed: random => Object.fromEntries(ids.map((id, k) => [names[k]!, numbers(lengthOf(s, id), random)])),
  };
}
/** Σ a·b over pairs of values, as an f32 of shape []. */
function inner(graph: Graph, a: readonly number[], b: readonly number[]): number {
  const terms = a.map((x, k) => {
    const product = map(graph, multiply, [x, b[k]!]);
    return sum(graph, product, [...graph.shape(product).keys()]);
  });
  return terms.length === 0 ? zeros(graph, [], 'f32') : terms.reduce((x, y) => add(graph, x, y));
}
const run = (s: Subject, ids: readonly number[], more: Record<string, Values> = {}): Values[] => {
  const values = interpret(s.graph, ids, { ...s.feeds, ...more }, { batch: s.batch ?? 1, arith: exact });
  return ids.map(id => values.get(id)!);
};
/** Are all outputs finite? */
export const isDefined = (s: Subject): boolean => run(s, s.outs).every(values => values.every(Number.isFinite));
const dot = (a: readonly Values[], b: readonly Values[]): { readonly value: number; readonly size: number } => {
  let [value, size] = [0, 0];
  for (const [k, x] of a.entries())
    for (let i = 0; i < x.length; i++) {
      value += x[i]! * b[k]![i]!;
      size += Math.abs(x[i]! * b[k]![i]!);
    }
  return { value, size };
};
/** The largest difference, relative to the largest number. */
export function distance(a: readonly Values[], b: readonly Values[]): number {
  let [worst, size] = [0, 1e-300];
  for (const [k, x] of a.entries()) {
    expect(b[k]!.length).toBe(x.length);
    for (let i = 0; i < x.length; i++) {
      worst = Math.max(worst, Number.isFinite(x[i]! - b[k]![i]!) ? Math.abs(x[i]! - b[k]![i]!) : Number.POSITIVE_INFINITY);
      size = Math.max(size, Math.abs(x[i]!), Math.abs(b[k]![i]!));
    }
  }
  return worst / Math.max(size, 1e-3);
}

/** The same function, every written derivative dropped. */
export function generic(s: Subject): Subject {
  const graph = new Graph();
  for (const { id: _id, shape, dtype, ins, ...op } of s.graph.nodes) {
    const plain: GraphOp = op.op === 'call' && op.derivative ? { op: 'call', name: `${op.name} ${_id}`, saved: op.saved } : op;
    if (graph.put(plain, shape, dtype, ins) !== _id) throw new Error('a node was shared');
  }
  return { ...s, graph, written: noDerivative };
}
/** Σ out·v, where each v is an input of its own. */
function weighted(s: Subject): { readonly loss: number; readonly v: ReturnType<typeof like> } {
  const v = like(s, s.outs, 'cotangent ');
  return { loss: inner(s.graph, s.outs, v.ids), v };
}

/** ⟨v, J u⟩ = ⟨Jᵀ v, u⟩, and Jᵀ 0 = 0. */
export function proveAdjoint(s: Subject, random: Random, tolerance = 1e-10): void {
  const normal = (): number => random.normal();
  const { loss, v } = weighted(s);
  const u = like(s, s.wrt, 'tangent ');
  const gradients = gradient(s.graph, loss, s.wrt, s.written);
  const along = tangents(s.graph, s.outs, s.wrt, u.ids);
  expect(gradients.map(id => [s.graph.shape(id), s.graph.node(id).dtype])).toEqual(s.wrt.map(id => [s.graph.shape(id), s.graph.node(id).dtype]));
  verify(s.graph);
  expect(s.graph.current).toBeUndefined();
  const [us, vs] = [u.feed(normal), v.feed(normal)];
  const values = run(s, [...gradients, ...along], { ...us, ...vs });
  const [left, right] = [dot(Object.values(vs), values.slice(gradients.length)), dot(values.slice(0, gradients.length), Object.values(us))];
  expect(Math.abs(left.value - right.value) / Math.max(left.size, right.size, 1e-3), `${left.value} and ${right.value}`).toBeLessThan(tolerance);
  for (const zero of run(s, gradients, { ...us, ...v.feed(() => 0) })) expect(Math.max(0, ...zero.map(Math.abs))).toBe(0);
}

/** The tangent is the central difference of the values along it. */
export function proveSlope(s: Subject, random: Random, tolerance = 1e-6, h = 1e-5): void {
  const u = like(s, s.wrt, 'tangent ');
  const along = tangents(s.graph, s.outs, s.wrt, u.ids);
  const us = u.feed(() => random.normal());
  const moved = (by: number): Values[] => {
    const there = s.wrt.map((id, k) => {
      const direction = us[`tangent ${k}`]!;
      return [nameOf(s, id), s.feeds[nameOf(s, id)]!.map((x, i) => x + by * direction[i]!)] as const;
    });
    return run({ ...s, feeds: { ...s.feeds, ...Object.fromEntries(there) } }, s.outs);
  };
  const [up, down] = [moved(h), moved(-h)];
  const slope = up.map((values, k) => numbersOf(values, i => (values[i]! - down[k]![i]!) / (2 * h)));
  expect(distance(run(s, along, us), slope)).toBeLessThan(tolerance);
}
const numbersOf = (like: Values, value: (i: number) => number): Float64Array => Float64Array.from({ length: like.length }, (_, i) => value(i));

/** Gradients by written derivatives are those of their bodies. */
export function proveWritten(s: Subject, random: Random, tolerance = 1e-10): void {
  const plain = generic(s);
  const vs = weighted(plain).v.feed(() => random.normal());
  const of = (subject: Subject): Values[] => {
    const { loss } = weighted(subject);
    return run(subject, gradient(subject.graph, loss, subject.wrt, subject.written), vs);
  };
  expect(distance(of(s), of(generic(s)))).toBeLessThan(tolerance);
}

/** The gradient of ⟨gradient, u⟩ is the tangent of the gradient along u, and that is its central difference. */
export function proveSecondOrder(s: Subject, random: Random): void {
  const { loss, v } = weighted(s);
  const u = like(s, s.wrt, 'second ');
  const gradients = gradient(s.graph, loss, s.wrt, s.written);
  const vs = v.feed(() => random.normal());
  const twice = gradient(s.graph, inner(s.graph, gradients, u.ids), s.wrt, s.written);
  const along = tangents(s.graph, gradients, s.wrt, u.ids);
  verify(s.graph);
  const us = u.feed(() => random.normal());
  const values = run(s, [...twice, ...along], { ...us, ...vs });
  expect(distance(values.slice(0, twice.length), values.slice(twice.length))).toBeLessThan(1e-9);
  proveSlope({ ...s, outs: gradients, feeds: { ...s.feeds, ...vs } }, random, 1e-5);
}
