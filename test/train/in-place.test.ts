// Flats and assignments as the compiler has them: values side by side in one buffer, state changed where it lies. Random graphs with both
// run in the interpreter of loop nests, on memory laid out as a program lays it out, unfused and fused, against the graph's interpreter.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { Graph, numel } from '../../compiler/graph/graph.ts';
import { interpret } from '../../compiler/graph/interpret.ts';
import { printGraph } from '../../compiler/graph/print.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { capabilities } from '../../compiler/index.ts';
import { axisIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import { collapse } from '../../compiler/loops/collapse.ts';
import { findFlats, overlap } from '../../compiler/loops/flat.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { runNest } from '../../compiler/loops/interpret.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { homeOf, lowerUnfused } from '../../compiler/loops/unfused.ts';
import { verifyNest } from '../../compiler/loops/verify.ts';
import { scalar } from '../../dsl/scalar.ts';
import { waves } from '../loops/run.ts';

const add = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const mul = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const half = scalar('half', ['f32'], (b, x) => b.op('mul', x, b.constant(0.5)));

/** Runs kernels on memory where flats hold their operands and an assignment is its state. */
function run(
  graph: Graph,
  wanted: readonly number[],
  nests: readonly LoopNest[],
  feeds: Readonly<Record<string, Float64Array>>,
): Map<number, Float64Array> {
  const memory = new Map<number, Float64Array>();
  const flats = findFlats(graph, wanted);
  for (const id of flats.ids) memory.set(id, new Float64Array(numel(graph.shape(id)) as number));
  for (const [home, { flat, offset }] of flats.places)
    memory.set(home, memory.get(flat)!.subarray(offset, offset + (numel(graph.shape(home)) as number)));
  for (const node of graph.nodes) {
    if (node.op === 'input' && memory.has(node.id)) memory.get(node.id)!.set(feeds[node.name]!);
    else if (node.op === 'input') memory.set(node.id, feeds[node.name]!.slice());
    if (node.op === 'assign') memory.set(node.id, memory.get(node.ins[0]!)!);
  }
  for (const nest of nests) {
    expect(
      overlap(
        graph,
        flats,
        nest.buffers.map(b => b.node),
      ),
      'a kernel binds bytes twice',
    ).toBe(false);
    verifyNest(nest);
    const joined = collapse(nest);
    verifyNest(joined);
    runNest(joined, { memory, arith: float64 });
  }
  return memory;
}

interface Plan {
  readonly graph: Graph;
  /** Outputs, then assignments. */
  readonly outputs: readonly number[];
  readonly updates: readonly number[];
  readonly feeds: Readonly<Record<string, Float64Array>>;
}
/** Parameters w0, w1, … and a moment each, gradients of every kind that has a place of its own or none, an update, readers of old and new. */
function plan(
  kinds: readonly ('value' | 'twice' | 'view' | 'constant' | 'input' | 'reshape')[],
  readers: { readonly old: boolean; readonly new: boolean },
): Plan {
  const g = new Graph();
  const x = g.input('x', [4, 6]);
  const feeds: Record<string, Float64Array> = { x: waves([4, 6], 1, 1) };
  const params = kinds.map((_, i) => {
    feeds[`w${i}`] = waves([4, 6], 1, i + 2);
    return g.parameter(`w${i}`, [4, 6]);
  });
  const moments = kinds.map((_, i) => {
    feeds[`m${i}`] = waves([4, 6], 1, i + 30);
    return g.input(`m${i}`, [4, 6], 'f32', 'state');
  });
  const product = g.map(mul, [x, params.reduce((a, b) => g.map(add, [a, b]))]);
  const gradientOf = {
    value: (w: number) => g.map(add, [product, w]),
    twice: () => product,
    view: () => g.flip(product, 1),
    constant: () => g.expand(g.constant(3), [4, 6], []),
    input: () => x,
    reshape: (w: number) => g.reshape(g.reduce('sum', g.expand(g.map(half, [w]), [4, 6, 2], [0, 1]), [2]), [4, 6]),
  };
  const gradients = kinds.map((kind, i) => gradientOf[kind](params[i]!));
  const place = (ids: readonly number[]): number =>
    g.flat(
      ids,
      kinds.map((_, i) => 64 * i),
      [kinds.length, 64],
    );
  const [p, m, d] = [place(params), place(moments), place(gradients)];
  const norm = g.reduce('sum', g.contract(['ij', 'ij'], 'i', d, d), [0]);
  const scaled = g.map(mul, [d, g.expand(norm, [kinds.length, 64], [])]);
  const old = readers.old ? [g.reduce('sum', p, [1]), g.map(half, [params.at(-1)!]), g.reduce('max', moments[0]!, [0])] : [];
  const mean = g.map(add, [g.map(half, [m]), scaled]);
  const updates = [g.assign(p, g.map(add, [p, mean])), g.assign(m, mean)];
  const after = readers.new ? [g.map(half, [updates[0]!]), g.reduce('sum', updates[1]!, [0])] : [];
  const none = new Map<string, number>();
  const outputs = [norm, ...old, ...after].map((id, i) => [`out${i}`, id] as const);
  const program = simplify({ graph: g, inputs: none, params: none, scalars: none, state: none, outputs, updates, over: new Map() });
  return { graph: program.graph, outputs: program.outputs.map(o => o[1]), updates: program.updates, feeds };
}

const kinds = ['value', 'twice', 'view', 'constant', 'input', 'reshape'] as const;
const plans = fc.record({
  kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }),
  readers: fc.record({ old: fc.boolean(), new: fc.boolean() }),
});

function check(p: Plan, nests: readonly LoopNest[]): void {
  const wanted = [...p.outputs, ...p.updates];
  const want = interpret(p.graph, wanted, p.feeds);
  const memory = run(p.graph, wanted, nests, p.feeds);
  for (const id of wanted) {
    const got = memory.get(homeOf(p.graph, id))!;
    want.get(id)!.forEach((v, i) => {
      expect(got[i], `%${id}[${i}] of\n${printGraph(p.graph)}`).toBeCloseTo(v, 8);
    });
  }
}

describe('values side by side, state in place', () => {
  test('random graphs, unfused', () => {
    fc.assert(
      fc.property(plans, made => {
        const p = plan(made.kinds, made.readers);
        verify(p.graph);
        check(
          p,
          lowerUnfused(p.graph, [...p.outputs, ...p.updates]).map(k => k.nest),
        );
      }),
      { numRuns: 60 },
    );
  });
  test.each(['webgpu', 'webgpu-software', 'js'] as const)('random graphs, fused for %s', target => {
    fc.assert(
      fc.property(plans, made => {
        const p = plan(made.kinds, made.readers);
        check(
          p,
          fuse(p.graph, [...p.outputs, ...p.updates], machineOf(capabilities[target])).map(k => k.nest),
        );
      }),
      { numRuns: 25 },
    );
  });
  test('what has a place of its own costs no copy; what has none costs one', () => {
    const kernels = (list: Parameters<typeof plan>[0]): number => {
      const p = plan(list, { old: false, new: false });
      return lowerUnfused(p.graph, [...p.outputs, ...p.updates]).length;
    };
    const two = kernels(['value', 'value']);
    expect(kernels(['value', 'view'])).toBe(two);
    expect(kernels(['value', 'twice'])).toBe(two - 1); // the product is a gradient where it lies
    expect(kernels(['value', 'input'])).toBe(two); // a copy in place of the sum
    expect(kernels(['value', 'twice', 'twice'])).toBe(kernels(['value', 'twice', 'value'])); // and here
  });
});

describe('what is refused', () => {
  test('a buffer that is changed in place is read only where it is written', () => {
    const nest = (shift: number, reduced: boolean): LoopNest => {
      const b = new NestBuilder();
      const i = b.axis(8);
      const buffer = b.buffer(0, 16, 'f32', true);
      const x = b.load(buffer, { ...axisIndex(i), constant: shift });
      const value = reduced ? b.part('sum', [i], x) : x;
      b.store(buffer, axisIndex(i), b.op('add', value, b.constant(1)), [i]);
      return b.finish({ rescale: false });
    };
    expect(() => verifyNest(nest(0, false))).not.toThrow();
    expect(() => verifyNest(nest(1, false))).toThrow('buffer 0 is read elsewhere, by v0');
    expect(() => verifyNest(nest(0, true))).toThrow('buffer 0 is read in a reduction');
  });
  test('an assignment that waits for a reader of the old value, which waits for it', () => {
    const g = new Graph();
    const w = g.parameter('w', [8]);
    const first = g.assign(w, g.map(half, [w]));
    // the sum of the old value reads what the assignment made
    const mixed = g.map(add, [first, g.expand(g.reduce('sum', g.map(mul, [w, first]), [0]), [8], [])]);
    expect(() => lowerUnfused(g, [mixed, first])).toThrow('a state is assigned from what reads its value of before');
  });
  test('malformed flats and assignments', () => {
    const fault = (build: (g: Graph, a: number, b: number) => number): string => {
      const g = new Graph();
      build(g, g.input('a', [3]), g.input('b', [3]));
      try {
        verify(g);
      } catch (e) {
        return (e as Error).message;
      }
      return '';
    };
    expect(fault((g, a, b) => g.flat([a, b], [0, 2], [1, 64]))).toContain('operand 1 begins inside the one before');
    expect(fault((g, a, b) => g.flat([a, b], [0, 62], [1, 64]))).toContain('65 elements do not fit');
    expect(fault((g, a, b) => g.flat([a, b], [0], [1, 64]))).toContain('an offset an operand');
    expect(fault((g, a, b) => g.assign(a, b))).toContain('the state is an input or a flat of inputs');
    expect(fault((g, _, b) => g.assign(g.input('s', [4], 'f32', 'state'), b))).toContain('the value has another shape');
  });
});
