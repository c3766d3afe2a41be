// Layers and the trace they leave: symbols and numbers in bodies, the names of layers on every node, places of calls.
import fc from 'fast-check';
import { add, broadcastTo, exp, f32, fn, HeddleError, index, layers, named, param, ShapeError, size, softmax, type Tensor, times } from 'heddle';
import { describe, expect, it } from 'vitest';
import { placeOf } from '../../dsl/errors.ts';
import type { Node } from '../../dsl/graph.ts';
import { languageTables, opTables } from '../../dsl/words/index.ts';
import { Block, block, Linear, Norm, norm } from './fixtures/layers.ts';

const shapeOf = (t: Tensor) => t.node.shape;
function everyNode(t: Tensor): Node[] {
  const seen = new Set<Node>();
  const stack = [t.node];
  while (stack.length > 0) {
    const n = stack.pop()!;
    if (!seen.has(n)) stack.push(...n.inputs);
    seen.add(n);
  }
  return [...seen];
}

describe('a call', () => {
  it('gives every symbol one value, whichever argument said it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 9 }), (heads, k, n) => {
        const y = block({ heads }, new Block(heads * k), f32('B', n, heads * k));
        expect(shapeOf(y)).toEqual(['B', n, heads * k]);
      }),
      { numRuns: 30 },
    );
  });
  it('takes symbols for symbols', () => {
    expect(shapeOf(block({ heads: size('J') }, new Block('J*Q'), f32('B', 'N', 'J*Q')))).toEqual(['B', 'N', 'J*Q']);
  });
  it('lets a body use its symbols, and no others', () => {
    const tile = fn('tile', f32('N', 'D'), f32(1, 'E'), (x, y) => [broadcastTo(y, ['N', 'E']), broadcastTo(x, ['D', 'N', 'D'])] as const);
    expect(tile(f32(3, 4), f32(1, 2)).map(shapeOf)).toEqual([
      [3, 2],
      [4, 3, 4],
    ]);
    const wrong = fn('wrong', f32(1, 'D'), x => broadcastTo(x, ['V', 'D']));
    expect(() => wrong(f32(1, 3))).toThrow('✗ wrong: "V" is not a symbol of this layer: name it in a size, parameter or tensor of its signature');
  });
  it('forgets its symbols afterwards, also when it throws', () => {
    const fails = fn('fails', f32('D'), () => {
      throw new Error('user');
    });
    expect(() => fails(f32(3))).toThrow('user');
    expect(shapeOf(broadcastTo(f32(1), ['D']))).toEqual(['D']);
  });
  it('passes what is no tensor through', () => {
    const table = fn('table', { n: size('N') }, f32('N'), (c, x) => ({ n: c.n, x, name: 'a', list: [1, 2] }));
    expect(table({ n: 3 }, f32(3))).toMatchObject({ n: 3, name: 'a', list: [1, 2] });
  });
  it('knows an index and what it indexes', () => {
    const pick = fn('pick', f32('N', 'D'), index('N')('V'), (_, i) => i);
    expect(pick(f32(5, 2), index(5)(3)).node).toMatchObject({ shape: [3], dtype: 'i32', over: 5 });
  });
});

describe('a placeholder', () => {
  const n = size('N');
  it.each([
    ['arithmetic', () => n * 2],
    ['a comparison', () => n > 3],
    ['a sum', () => n + 1],
    ['text', () => `${n}`],
    ['an index', () => [1, 2][n]],
    ['the size of a tensor', () => f32('N').shape[0] * 2],
  ])('is no number in %s', (_, use) => {
    expect(use).toThrow('✗ size: N is a placeholder, not a number');
  });
  it('is a size in times, and one layer in a signature stands for all', () => {
    expect(times(n, 2)).toBe('2*N');
    expect(layers(size('L'), i => i)).toEqual([0]);
    expect(layers(3, i => i)).toEqual([0, 1, 2]);
    expect(() => layers(1.5, i => i)).toThrow('✗ size: 1.5 is not a size');
  });
  it.each([[Number.NaN], [-1], [0.5], [2 ** 60]])('refuses the size %s', bad => {
    expect(() => f32('B', bad)).toThrow(`✗ f32: size ${bad} of axis 1 is not a size: sizes are whole numbers from 0, or names`);
    expect(() => param([bad], 'zeros')).toThrow(`✗ param: size ${bad} of axis 0`);
  });
  it('keeps a size of zero', () => {
    expect(shapeOf(f32(0, 3))).toEqual([0, 3]);
    expect(f32(0, 3).shape).toEqual([0, 3]);
  });
});

describe('parameters', () => {
  it('are named by their path', () => {
    const tree = { blocks: layers(2, () => ({ norm: new Norm(3), fc: new Linear(2, 3) })), cls: param([1, 3], { normal: 0.02 }), depth: 3 };
    expect(named(tree).map(([name, p]) => [name, p.node.shape])).toEqual([
      ['blocks.0.norm.weight', [3]],
      ['blocks.0.norm.bias', [3]],
      ['blocks.0.fc.weight', [2, 3]],
      ['blocks.0.fc.bias', [2]],
      ['blocks.1.norm.weight', [3]],
      ['blocks.1.norm.bias', [3]],
      ['blocks.1.fc.weight', [2, 3]],
      ['blocks.1.fc.bias', [2]],
      ['cls', [1, 3]],
    ]);
  });
  it('say how they begin and whether they are trained', () => {
    const data = () => new Float32Array(3);
    const inits = (['zeros', 'ones', 'xavier', { normal: 0.02 }, { truncatedNormal: 0.5 }, { values: data }] as const).map(
      init => param([3], init).node,
    );
    expect(inits.map(n => (n.op === 'input' && n.role === 'parameter' ? n.init : null))).toEqual([
      { kind: 'constant', value: 0 },
      { kind: 'constant', value: 1 },
      { kind: 'xavier-uniform' },
      { kind: 'normal', std: 0.02 },
      { kind: 'truncated-normal', std: 0.5 },
      { kind: 'lazy', values: data },
    ]);
    expect(param([3], 'zeros').node).toMatchObject({ trainable: true });
    expect(param([3], 'zeros', { trainable: false }).node).toMatchObject({ trainable: false, name: '' });
    expect(() => param([3], { normal: Number.NaN })).toThrow('✗ param: a standard deviation is a number from 0, got NaN');
    expect(() => param([3], 'random' as never)).toThrow('✗ param: "random" is not an initial value');
  });
});

describe('origins', () => {
  it('name the layers and the op around every node, and the line that called it', () => {
    const y = norm(new Norm(3), exp(f32(2, 4, 3)));
    const trails = everyNode(y).map(n => n.origin.trail.join('/'));
    expect(trails).toContain('exp');
    expect(trails).toContain('norm/layerNorm');
    for (const n of everyNode(y)) expect(placeOf(n.origin)?.file).toMatch(/test\/language\/(fn\.test|fixtures\/layers)\.ts$/);
    const deep = fn('outer', f32('N', 'D'), x => softmax(x, 1));
    expect(
      new Set(
        everyNode(deep(f32(2, 3)))
          .filter(n => n.op !== 'input')
          .map(n => n.origin.trail.join('/')),
      ),
    ).toEqual(new Set(['outer/softmax']));
  });
  it('place an error at the call, through layers', () => {
    const here = /fn\.test\.ts[^:]*:(\d+)/.exec(new Error().stack!)![1];
    try {
      add(f32(2), f32(3) as never);
      expect.unreachable();
    } catch (e) {
      expect(e).toBeInstanceOf(ShapeError);
      expect(e).toBeInstanceOf(HeddleError);
      expect((e as ShapeError).place).toMatchObject({ file: import.meta.filename, line: Number(here) + 2 });
      expect((e as ShapeError).place!.column).toBeGreaterThan(1);
    }
  });
  it('survive a user who shortens stack traces', () => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      expect(placeOf(exp(f32(2)).node.origin)?.file).toBe(import.meta.filename);
      expect(Error.stackTraceLimit).toBe(0);
    } finally {
      Error.stackTraceLimit = limit;
    }
  });
});

it('words have one key each over all tables', () => {
  const keys = [...Object.values(languageTables), ...opTables].flatMap(t => Object.keys(t));
  expect(new Set(keys).size).toBe(keys.length);
});
