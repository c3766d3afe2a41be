// The rescale link: which sums may follow a running max, and that the online loop gives what two loops give.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { axisIndex, flatIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import { phases } from '../../compiler/loops/facts.ts';
import { runNest } from '../../compiler/loops/interpret.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { verifyNest } from '../../compiler/loops/verify.ts';
import { waves } from './run.ts';

const [N, K] = [3, 7];
interface Row {
  readonly b: NestBuilder;
  readonly n: number;
  readonly k: number;
  /** x[n, k], y[n, k], w[k], and the max of x over k. */
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly m: number;
}
/** out[n] = what `make` gives, with and without links. */
function nests(make: (row: Row) => number): { plain: LoopNest; online: LoopNest } {
  const nest = (rescale: boolean): LoopNest => {
    const b = new NestBuilder();
    const [n, k] = [b.axis(N, 'n'), b.axis(K, 'k')];
    const row = flatIndex([axisIndex(n), axisIndex(k)], [K, 1]);
    const [x, y] = [b.load(b.buffer(0, N * K, 'f32', false), row), b.load(b.buffer(1, N * K, 'f32', false), row)];
    const w = b.load(b.buffer(2, K, 'f32', false), axisIndex(k));
    b.store(b.buffer(9, N, 'f32', true), axisIndex(n), make({ b, n, k, x, y, w, m: b.part('max', [k], x) }), [n]);
    return b.finish({ rescale });
  };
  return { plain: nest(false), online: nest(true) };
}
function result(nest: LoopNest): Float64Array {
  verifyNest(nest);
  const memory = new Map([N * K, N * K, K].map((n, i) => [i, waves([n], 1, i).map(v => 20 * v)]));
  runNest(nest, { memory, arith: float64 });
  return memory.get(9)!;
}
/** Sums that run with their max. */
const links = (nest: LoopNest): number => nest.parts.filter(p => p.rescale >= 0).length;
const weight = ({ b }: Row, x: number, m: number): number => b.op('exp', b.op('sub', x, m));

const linked: Record<string, (row: Row) => number> = {
  'sum of exp(x − m)': r => r.b.part('sum', [r.k], weight(r, r.x, r.m)),
  'times a row on the right': r => r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), r.w)),
  'times a row on the left': r => r.b.part('sum', [r.k], r.b.op('mul', r.b.op('mul', r.w, r.y), weight(r, r.x, r.m))),
  'times a sum of another loop': r => r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), r.b.part('sum', [r.k], r.y))),
};
const refused: Record<string, (row: Row) => number> = {
  'exp(y − m), which may overflow before m is found': r => r.b.part('sum', [r.k], weight(r, r.y, r.m)),
  'exp(m − x)': r => r.b.part('sum', [r.k], weight(r, r.m, r.x)),
  'a factor that holds m': r => r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), r.m)),
  'a factor that holds m inside another part': r =>
    r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), r.b.part('sum', [r.k], r.b.op('mul', r.y, r.m)))),
  'an x that holds m': r => r.b.part('sum', [r.k], weight(r, r.b.op('mul', r.x, r.m), r.m)),
  'a sum of two': r => r.b.part('sum', [r.k], r.b.op('add', weight(r, r.x, r.m), r.w)),
  'a max of exp(x − m)': r => r.b.part('max', [r.k], weight(r, r.x, r.m)),
  'a min in place of the max': r => r.b.part('sum', [r.k], weight(r, r.x, r.b.part('min', [r.k], r.x))),
};

describe('the rescale link', () => {
  for (const [name, make] of Object.entries(linked))
    test(`is made for ${name}`, () => {
      const { plain, online } = nests(make);
      expect([links(plain), links(online)]).toEqual([0, 1]);
      const [want, got] = [result(plain), result(online)];
      for (const [i, v] of got.entries()) expect(Math.abs(v / want[i]! - 1)).toBeLessThan(1e-12);
    });
  for (const [name, make] of Object.entries(refused))
    test(`is not made for ${name}`, () => {
      const { plain, online } = nests(make);
      expect(links(online)).toBe(0);
      expect(result(online)).toEqual(result(plain));
    });
  test('is not made over other axes', () => {
    const b = new NestBuilder();
    const [n, k] = [b.axis(N), b.axis(K)];
    const x = b.load(b.buffer(0, N * K, 'f32', false), flatIndex([axisIndex(n), axisIndex(k)], [K, 1]));
    const sum = b.part('sum', [n], b.op('exp', b.op('sub', x, b.part('max', [k], x))));
    b.store(b.buffer(9, K, 'f32', true), axisIndex(k), sum, [k]);
    expect(links(b.finish({ rescale: true }))).toBe(0);
  });
  test('two pairs that would wait for each other keep an order: one of them runs in two loops', () => {
    const { online } = nests(r => {
      const { b, k } = r;
      const other = b.part('max', [k], r.y);
      const first = b.part('sum', [k], b.op('mul', weight(r, r.x, r.m), other));
      return b.op('add', first, b.part('sum', [k], b.op('mul', weight(r, r.y, other), r.m)));
    });
    expect(links(online)).toBe(1);
    expect(phases(online)).toBeDefined();
    result(online);
  });
  test('a loop that a linked sum waits for runs before it', () => {
    // p = Σ exp(x − m)·q with q = Σ y, and r = Σ y·m at the phase that q would have without the link
    const { plain, online } = nests(r => {
      const q = r.b.part('sum', [r.k], r.b.op('mul', r.y, r.b.part('sum', [r.k], r.w)));
      const p = r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), q));
      return r.b.op('add', p, r.b.part('sum', [r.k], r.b.op('mul', r.y, r.m)));
    });
    expect(links(online)).toBe(1);
    const [want, got] = [result(plain), result(online)];
    for (const [i, v] of got.entries()) expect(Math.abs(v - want[i]!)).toBeLessThan(1e-9 * Math.abs(want[i]!));
  });
  test('attention with large scores: the online sums never overflow and equal the two loops', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -700, max: 700 }), { minLength: K, maxLength: K }), scores => {
        const make = (r: Row) =>
          r.b.op('div', r.b.part('sum', [r.k], r.b.op('mul', weight(r, r.x, r.m), r.w)), r.b.part('sum', [r.k], weight(r, r.x, r.m)));
        const { plain, online } = nests(make);
        const run = (nest: LoopNest) => {
          const memory = new Map([
            [0, Float64Array.from({ length: N * K }, (_, i) => scores[i % K]!)],
            [2, waves([K])],
          ]);
          runNest(nest, { memory, arith: float64 });
          return memory.get(9)!;
        };
        const [want, got] = [run(plain), run(online)];
        return got.every((v, i) => Math.abs(v - want[i]!) < 1e-12);
      }),
    );
  });
});
