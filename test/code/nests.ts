// Nests that schedules are judged by, lowered from small graphs.
import type { Size } from '../../common/size.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { lowerKernel } from '../../compiler/loops/lower.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { scalar } from '../../dsl/scalar.ts';

const one = (graph: Graph, node: number): LoopNest => collapse(lowerKernel(graph, [{ node, piece: -1 }], id => graph.node(id).op === 'input').nest);

/** x [rows, k] · w [out, k]: both operands contiguous along k. */
export function rowsByRows(rows: Size, k: number, out: number): LoopNest {
  const g = new Graph();
  return one(g, g.contract(['nk', 'ok'], 'no', g.input('x', [rows, k]), g.input('w', [out, k])));
}
/** a [m, k] · b [k, n]. */
export function rowsByColumns(m: number, k: number, n: number): LoopNest {
  const g = new Graph();
  return one(g, g.contract(['mk', 'kn'], 'mn', g.input('a', [m, k]), g.input('b', [k, n])));
}
/** [batch, heads, q, c] · [batch, heads, k, c]. */
export function batched(batch: Size, heads: number, q: number, c: number): LoopNest {
  const g = new Graph();
  return one(g, g.contract(['bhqc', 'bhkc'], 'bhqk', g.input('q', [batch, heads, q, c]), g.input('k', [batch, heads, q, c])));
}
export function rowSums(rows: Size, length: number): LoopNest {
  const g = new Graph();
  return one(g, g.reduce('sum', g.input('x', [rows, length]), [1]));
}
export function columnSums(rows: Size, length: number): LoopNest {
  const g = new Graph();
  return one(g, g.reduce('sum', g.input('x', [rows, length]), [0]));
}
/** Mean, variance and normalisation of rows in one kernel. */
export function normalised(rows: Size, length: number): LoopNest {
  const g = new Graph();
  const x = g.input('x', [rows, length]);
  const across = (v: number): number => g.expand(v, [rows, length], [0]);
  const mean = g.map(
    scalar('mean', ['f32'], (b, s) => b.op('div', s, b.constant(length))),
    [g.reduce('sum', x, [1])],
  );
  const centred = g.map(
    scalar('sub', ['f32', 'f32'], (b, p, q) => b.op('sub', p, q)),
    [x, across(mean)],
  );
  const square = g.map(
    scalar('square', ['f32'], (b, p) => b.op('mul', p, p)),
    [centred],
  );
  const scale = g.map(
    scalar('scale', ['f32'], (b, s) => b.op('rsqrt', b.op('add', b.op('div', s, b.constant(length)), b.constant(1e-6)))),
    [g.reduce('sum', square, [1])],
  );
  return one(
    g,
    g.map(
      scalar('mul', ['f32', 'f32'], (b, p, q) => b.op('mul', p, q)),
      [centred, across(scale)],
    ),
  );
}
/** 0.5·x·(1 + erf(x/√2)) of every element. */
export function bell(rows: Size, length: number): LoopNest {
  const g = new Graph();
  const f = scalar('bell', ['f32'], (b, x) =>
    b.op('mul', b.op('mul', b.constant(0.5), x), b.op('add', b.constant(1), b.op('erf', b.op('mul', x, b.constant(Math.SQRT1_2))))),
  );
  return one(g, g.map(f, [g.input('x', [rows, length])]));
}
/** Is any element of the row over 0.99? */
export function anyOfRows(rows: Size, length: number): LoopNest {
  const g = new Graph();
  const over = g.map(
    scalar('over', ['f32'], (b, x) => b.op('lt', b.constant(0.99), x)),
    [g.input('x', [rows, length])],
  );
  return one(g, g.reduce('max', over, [1]));
}
/** Normalised rows by the rows of a matrix: the values of one side are worked out from parts. */
export function projected(rows: Size, k: number, out: number): LoopNest {
  const g = new Graph();
  const x = g.input('x', [rows, k]);
  const across = (v: number): number => g.expand(v, [rows, k], [0]);
  const centred = g.map(
    scalar('centred', ['f32', 'f32'], (b, p, s) => b.op('sub', p, b.op('div', s, b.constant(k)))),
    [x, across(g.reduce('sum', x, [1]))],
  );
  const square = g.map(
    scalar('square', ['f32'], (b, p) => b.op('mul', p, p)),
    [centred],
  );
  const scaled = g.map(
    scalar('scaled', ['f32', 'f32'], (b, p, s) => b.op('mul', p, b.op('rsqrt', b.op('add', b.op('div', s, b.constant(k)), b.constant(1e-6))))),
    [centred, across(g.reduce('sum', square, [1]))],
  );
  return one(g, g.contract(['nk', 'ok'], 'no', scaled, g.input('w', [out, k])));
}
