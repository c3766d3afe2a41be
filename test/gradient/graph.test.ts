// Reverse mode over graphs: programs of random ops at several batches, what transposes look like, and graphs at the edge.
import fc from 'fast-check';
import {
  argsort,
  attention,
  cumsum,
  f32,
  gather,
  grad,
  type Index,
  logSoftmax,
  mul,
  permute,
  rank,
  slice,
  softmax,
  split,
  sum,
  type Tensor,
  tanh,
  withDerivative,
} from 'heddle';
import { describe, expect, it } from 'vitest';
import type { Size } from '../../common/size.ts';
import { gradient } from '../../compiler/graph/gradient/reverse.ts';
import { Graph } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { interpret, type Values } from '../../compiler/graph/interpret.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { scalar } from '../../dsl/scalar.ts';
import { Random } from '../../dsl/table.ts';
import { build, feedsFor, type Step } from '../loops/programs.ts';
import { isDefined, isFloat, noDerivative, numbers, proveAdjoint, type Subject } from './proof.ts';

const times = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const next = scalar('next', ['f32'], (b, x) => b.op('sub', b.op('mul', x, b.constant(1.5)), b.constant(0.1)));
const batch: Size = { batch: 1 };

/** A graph whose float inputs are differentiated; floats are normal numbers. */
function subjectOf(graph: Graph, outs: readonly number[], random: Random, at = 1): Subject {
  const floats = graph.nodes.filter(n => n.op === 'input' && isFloat(graph, n.id));
  const size = (shape: readonly Size[]): number => shape.reduce<number>((n, s) => n * (typeof s === 'number' ? s : s.batch * at), 1);
  const feeds: Record<string, Values> = { ...feedsFor(graph, at) };
  for (const n of floats) if (n.op === 'input') feeds[n.name] = numbers(size(n.shape), () => random.normal() / 2);
  return { graph, wrt: floats.map(n => n.id), outs, feeds, written: noDerivative, batch: at };
}
const prove = (make: (graph: Graph) => readonly number[], at = 1): void => {
  const graph = new Graph();
  const outs = make(graph);
  proveAdjoint(subjectOf(graph, outs, new Random(3), at), new Random(4));
};

describe('random programs', () => {
  const step = fc.tuple(fc.nat(200), fc.nat(63), fc.nat(63), fc.nat(63)) as fc.Arbitrary<Step>;
  it.each([false, true])('are adjoint; with a batch: %s', dynamic => {
    let proofs = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 3 }), fc.nat(), (program, at, seed) => {
        const { graph, outputs } = build(program, dynamic);
        const outs = outputs.filter(id => isFloat(graph, id));
        const subject = subjectOf(graph, outs, new Random(seed), at);
        if (outs.length === 0 || !isDefined(subject)) return;
        proofs++;
        proveAdjoint(subject, new Random(seed + 1), 1e-9);
      }),
      { numRuns: 600, seed: 11 },
    );
    expect(proofs).toBeGreaterThan(400);
  });
});

describe('what transposes look like', () => {
  /** How often each op stands in the simplified graph of y, and how often a float is summed by a predicate. */
  const counted = (x: Tensor, y: Tensor): Readonly<Record<string, number>> => {
    const { graph, outputs } = simplify(intern({ inputs: [['x', x.node]], outputs: [['y', y.node]], names: new Map(), batch: null }));
    verify(graph);
    const counts: Record<string, number> = { pad: 0, gather: 0, concat: 0, predicate: 0, input: 0 };
    for (const id of graph.needed(outputs.map(([, output]) => output))) {
      const { op } = graph.node(id);
      counts[op] = (counts[op] ?? 0) + 1;
      if (graph.nested.has(id) && isFloat(graph, id)) counts.predicate!++;
    }
    return counts;
  };
  type Rows = Tensor<[2, 6], 'f32'>;
  const x = f32(2, 6);
  it('a split transposes to one concat, whatever the order of the parts', () => {
    const product = (v: Rows) => {
      const [a, b, c] = split(v, 1, 3);
      return sum(mul(mul(tanh(c), a), b));
    };
    expect(counted(x, grad(product)(x))).toMatchObject({ concat: 1, pad: 0 });
  });
  it('parts that are left out are zeros in the concat', () => {
    const product = (v: Rows) => sum(mul(tanh(slice(v, 1, 1, 3)), slice(v, 1, 3, 5)));
    expect(counted(x, grad(product)(x))).toMatchObject({ concat: 1, pad: 0 });
  });
  it.each([
    ['argsort', argsort(x, -1)],
    ['rank', rank(x, -1)],
    ['the first of argsort', slice(argsort(x, -1), 1, 0, 4)],
    ['the middle of argsort, cut twice', slice(slice(argsort(x, -1), 1, 1), 1, 1, 4)],
    ['the last of rank', slice(rank(x, -1), 1, 2)],
  ] as readonly (readonly [string, Tensor<[2, 4], Index<6>>])[])('a gather by %s transposes to a gather', (_, ids) => {
    expect(counted(x, grad((v: Rows) => sum(tanh(gather(v, 1, ids))))(x))).toMatchObject({ gather: 2, predicate: 0 });
  });
  it('a gather by anything else transposes to a sum with a predicate that is never stored', () => {
    const ids = slice(argsort(x, -1), 1, 0, 6, 2);
    expect(counted(x, grad((v: Rows) => sum(tanh(gather(v, 1, ids))))(x))).toMatchObject({ gather: 1, predicate: 1 });
  });
  it('what is never stored in a running sum is not stored in its gradient', () => {
    const { graph, outputs } = intern({
      inputs: [['x', x.node]],
      outputs: [['y', grad((v: Rows) => sum(tanh(cumsum(v, 1))))(x).node]],
      names: new Map(),
      batch: null,
    });
    const large = graph.needed(outputs.map(([, id]) => id)).filter(id => graph.shape(id).length === 3 && graph.node(id).op === 'map');
    expect(large.length).toBe(2);
    for (const id of large) expect(graph.nested.has(id)).toBe(true);
  });
  it('the gradient of a linear function needs none of its operands', () => {
    expect(counted(x, grad((v: Rows) => sum(mul(permute(v, [1, 0]), 3)))(x)).input).toBe(0);
  });
});

describe('contributions', () => {
  it('a value twice in one concat, beside itself and another', () =>
    prove(g => {
      const [x, y] = [g.input('x', [2, 3]), g.input('y', [2, 1])];
      return [g.map(times, [g.concat(1, [x, y, x]), g.concat(1, [y, x, x])])];
    }));
  it('slices that overlap, repeat, touch, leave gaps, are empty or take everything', () =>
    prove(g => {
      const x = g.input('x', [7, 2]);
      return [
        [0, 3],
        [2, 3],
        [2, 3],
        [5, 1],
        [6, 1],
        [3, 0],
        [0, 7],
        [1, 4],
      ].map(([from, size]) => g.map(next, [g.slice(x, 0, from!, size!)]));
    }));
  it('slices along two axes', () =>
    prove(g => {
      const x = g.input('x', [4, 3]);
      return [g.slice(x, 0, 1, 2), g.slice(x, 1, 0, 2), g.slice(x, 0, 3, 1), g.slice(g.slice(x, 0, 0, 2, 2), 1, 1, 2, 1)];
    }));
  it('an empty axis', () =>
    prove(g => {
      const x = g.input('x', [0, 2]);
      const y = g.input('y', [3]);
      return [
        g.slice(x, 0, 0, 0),
        g.reduce('sum', x, [0]),
        g.reduce('sum', g.slice(y, 0, 1, 0), [0]),
        g.slice(y, 0, 0, 0, 2),
        g.contract(['ki', 'kj'], 'ij', x, x),
      ];
    }));
  it('an operand whose label is summed on its own side', () =>
    prove(g => {
      const [x, y] = [g.input('x', [2, 3, 4]), g.input('y', [3, 5])];
      return [
        g.contract(['abc', 'bd'], 'b', x, y),
        g.contract(['abc', 'bd'], '', x, y),
        g.contract(['bd', 'abc'], 'cd', y, x),
        g.contract(['abc', 'abd'], 'acbd', x, x),
      ];
    }));
  it('windows that overlap by more than a stride, touch or leave gaps', () =>
    prove(g => {
      const x = g.input('x', [11, 2]);
      return [
        [5, 2],
        [3, 3],
        [2, 3],
        [4, 3],
        [11, 1],
        [1, 4],
      ].map(([size, stride]) => g.window(x, 0, size!, stride!));
    }));
  it('a scalar', () =>
    prove(g => {
      const x = g.input('x', []);
      return [g.expand(x, [], []), g.map(times, [x, x]), g.reduce('max', g.expand(x, [3], []), [0])];
    }));
});

describe('the batch', () => {
  it.each([1, 2, 5])('of %i: sums over it, expansion to it, products along it', at =>
    prove(g => {
      const [x, w] = [g.input('x', [batch, 3]), g.input('w', [3])];
      const wide = g.map(times, [x, g.expand(w, [batch, 3], [1])]);
      return [wide, g.reduce('sum', wide, [0]), g.reduce('max', x, [0, 1]), g.contract(['bi', 'bj'], 'ij', x, wide), g.reshape(x, [{ batch: 3 }])];
    }, at),
  );
  it.each([3, 5])('of %i: slices along it', at =>
    prove(g => {
      const x = g.input('x', [batch, 2]);
      return [
        g.slice(x, 0, 0, batch),
        g.slice(x, 0, 1, 2),
        g.slice(x, 0, 0, 2, 2),
        g.slice(x, 0, 2, 0),
        g.slice(g.reshape(x, [{ batch: 2 }, 1]), 0, 1, 3, 2),
      ];
    }, at),
  );
});

/** A scalar's value where x is a number. */
const valueAt = (g: Graph, id: number, x: number): number => interpret(g, [id], { x: Float64Array.of(x) }).get(id)![0]!;

describe('gradient', () => {
  it('in one value given twice, in a value on the way, and in the value itself', () => {
    const g = new Graph();
    const x = g.input('x', []);
    const y = g.map(times, [x, x]);
    const z = g.map(times, [y, x]);
    const ids = gradient(g, z, [x, y, z, x], noDerivative);
    expect(ids.map(id => valueAt(g, id, 2))).toEqual([12, 2, 1, 12]);
  });
  it('in a value that comes later, or does not matter, is zero', () => {
    const g = new Graph();
    const [x, y] = [g.input('x', []), g.input('y', [2], 'f16')];
    const z = g.map(next, [x]);
    const later = g.map(next, [z]);
    const ids = gradient(g, z, [y, later], noDerivative);
    expect(ids.map(id => [g.node(id).dtype, g.shape(id)])).toEqual([
      ['f16', [2]],
      ['f32', []],
    ]);
    expect(ids.map(id => [...interpret(g, [id], {}).get(id)!])).toEqual([[0, 0], [0]]);
  });
  it('leaves no origin behind when it fails', () => {
    const g = new Graph();
    const x = g.input('x', []);
    const body = g.map(next, [x]);
    const call = g.put({ op: 'call', name: 'bad', saved: 0, derivative: () => [] }, [], 'f32', [body, x], { trail: ['bad'] });
    expect(() => gradient(g, call, [x], () => [])).toThrow('0 cotangents for 1 arguments');
    expect(g.current).toBeUndefined();
  });
  it('of integers is refused', () => {
    const g = new Graph();
    const [x, i] = [g.input('x', []), g.input('i', [], 'i32')];
    expect(() => gradient(g, i, [x], noDerivative)).toThrow('a gradient is of a floating-point scalar, this value is i32[]');
    expect(() => gradient(g, x, [i], noDerivative)).toThrow('a gradient is in floating-point values, this one is i32');
  });
  it('through ten thousand nodes', () => {
    const g = new Graph();
    const less = scalar('less', ['f32'], (b, x) => b.op('mul', x, b.constant(0.9999)));
    const x = g.input('x', []);
    let y = x;
    for (let i = 0; i < 10_000; i++) y = g.map(less, [y]);
    const [slope] = gradient(g, y, [x], noDerivative) as [number];
    expect(valueAt(g, slope, 1) / 0.9999 ** 10_000).toBeCloseTo(1, 9);
  });
  it('what it is made of belongs to the op whose gradient it is', () => {
    const x = f32(3, 4);
    const { graph, outputs } = intern({
      inputs: [['x', x.node]],
      outputs: [['y', grad((v: Tensor<[3, 4], 'f32'>) => sum(softmax(tanh(v), -1)))(x).node]],
      names: new Map(),
      batch: null,
    });
    const trails = graph.needed(outputs.map(([, id]) => id)).flatMap(id => graph.origins.get(id)?.trail ?? []);
    expect([...new Set(trails)].sort()).toEqual(['f32', 'softmax', 'sum', 'tanh', 'valueAndGrad']);
  });
  it('through calls in calls, whose derivatives are the generic ones and may ask for gradients themselves', () => {
    type Rows = Tensor<[3, 4], 'f32'>;
    const body = (v: Rows): Rows => softmax(mul(softmax(v, -1), 3), 0);
    const outer = withDerivative('outer', body, (g, _, v) => [grad((u: Rows) => sum(mul(body(u), g)))(v)]);
    const x = f32(3, 4);
    const y = attention(outer(x), logSoftmax(outer(tanh(x)), -1), x);
    const { graph, inputs, outputs, written } = intern({ inputs: [['x', x.node]], outputs: [['y', y.node]], names: new Map(), batch: null });
    const outs = outputs.map(([, id]) => id);
    proveAdjoint({ ...subjectOf(graph, outs, new Random(1)), wrt: [...inputs.values()], written }, new Random(2));
  });
});
