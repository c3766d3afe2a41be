// Each rule of the verifier, broken once.
import { expect, test } from 'vitest';
import { axisIndex } from '../../compiler/loops/affine.ts';
import { NestBuilder } from '../../compiler/loops/build.ts';
import type { Index, LoopNest } from '../../compiler/loops/types.ts';
import { verifyNest } from '../../compiler/loops/verify.ts';

/** softmax over k of x[n, k], online: axes 0 n, 1 k; values 0 load, 1 max, 2 sub, 3 exp, 4 sum, 5 div. */
function softmax(): LoopNest {
  const b = new NestBuilder();
  const [n, k] = [b.axis(3, 'n'), b.axis(4, 'k')];
  const at: Index = { constant: 0, terms: [{ times: 4, atom: { kind: 'axis', axis: n } }, ...axisIndex(k).terms] };
  const x = b.load(b.buffer(0, 12, 'f32', false), at);
  const e = b.op('exp', b.op('sub', x, b.part('max', [k], x)));
  b.store(b.buffer(1, 12, 'f32', true), at, b.op('div', e, b.part('sum', [k], e)), [n, k]);
  return b.finish({ rescale: true });
}
const good = softmax();
const withValue = (i: number, value: LoopNest['values'][number]): LoopNest => ({ ...good, values: good.values.map((v, j) => (j === i ? value : v)) });
const withPart = (i: number, part: Partial<LoopNest['parts'][number]>): LoopNest => ({
  ...good,
  parts: good.parts.map((p, j) => (j === i ? { ...p, ...part } : p)),
});
const withStore = (store: Partial<LoopNest['stores'][number]>): LoopNest => ({ ...good, stores: [{ ...good.stores[0]!, ...store }] });
const indexed = (at: Index): LoopNest => withValue(0, { kind: 'load', type: 'f32', buffer: 0, at, when: -1, other: 0 });
const axis = (a: number, times = 1) => ({ times, atom: { kind: 'axis', axis: a } as const });

const broken: readonly (readonly [string, LoopNest])[] = [
  ['v2 reads v5', withValue(2, { kind: 'op', type: 'f32', prim: 'sub', args: [0, 5] })],
  ['v1 reads v4', withPart(0, { of: 4 })],
  ['v1: is i32, not f32', withValue(1, { kind: 'part', type: 'i32', part: 0 })],
  ['v0: is i32, not f32', withValue(0, { kind: 'load', type: 'i32', buffer: 0, at: axisIndex(0), when: -1, other: 0 })],
  ['v3: its guard is no bool', withValue(3, { kind: 'load', type: 'f32', buffer: 0, at: axisIndex(0), when: 2, other: 0 })],
  ['v5: select of f32 and f32 and f32', withValue(5, { kind: 'op', type: 'f32', prim: 'select', args: [3, 4, 4] })],
  ['a factor is zero', indexed({ constant: 0, terms: [axis(0, 0)] })],
  ['terms are out of order', indexed({ constant: 0, terms: [axis(1), axis(0)] })],
  ['terms are out of order', indexed({ constant: 0, terms: [axis(0), axis(0)] })],
  ['there is no axis 7', indexed({ constant: 0, terms: [axis(7)] })],
  ['v2 is no i32', withStore({ at: { constant: 0, terms: [{ times: 1, atom: { kind: 'value', value: 2 } }] } })],
  [
    'v0 may be negative',
    {
      ...good,
      values: [
        { kind: 'const', type: 'i32', value: -1 },
        { kind: 'const', type: 'f32', value: 1 },
      ],
      parts: [],
      loops: [],
      stores: [{ buffer: 1, at: { constant: 0, terms: [{ times: 1, atom: { kind: 'value', value: 0 } }] }, value: 1, axes: [0, 1] }],
    },
  ],
  ['a division by 1', indexed({ constant: 0, terms: [{ times: 1, atom: { kind: 'div', of: axisIndex(0), by: 1 } }] })],
  [
    'something negative is divided',
    indexed({ constant: 0, terms: [{ times: 1, atom: { kind: 'mod', of: { constant: -1, terms: [axis(0)] }, by: 2 } }] }),
  ],
  ['store 0 leaves k free', withStore({ axes: [0] })],
  ['one binds 0,0,1', withStore({ axes: [0, 0, 1] })],
  ['p1 binds none', { ...withPart(1, { axes: [] }), loops: [[0], [1]] }],
  ['p1 is in 0', { ...good, loops: [[0]] }],
  ['p1 is in 2', { ...good, loops: [[0, 1], [1]] }],
  ['p1 has others', withPart(1, { axes: [0] })],
  ['p1 reads p0', withPart(1, { rescale: -1 })],
  ['p1 does not', withPart(1, { kind: 'max' })],
  ['there is none', { ...good, stores: [], values: [], parts: [], loops: [], buffers: [], axes: [] }],
  ['buffer 0 is stored to', withStore({ buffer: 0 })],
  ['buffer 0 is read', { ...good, buffers: good.buffers.map(b => ({ ...b, written: true })) }],
  ['%1 is two buffers', { ...good, buffers: good.buffers.map(b => ({ ...b, node: 1 })) }],
  ['v4 does not', withStore({ value: 3 })],
  ['axis 2 does not', { ...good, axes: [...good.axes, { name: 'z', extent: 2 }] }],
  ['buffer 2 does not', { ...good, buffers: [...good.buffers, { node: 5, elements: 1, dtype: 'f32', written: false }] }],
];

test('a sound nest passes', () => verifyNest(good));
for (const [words, nest] of broken) test(words, () => expect(() => verifyNest(nest)).toThrow(words));
test('loops that wait for each other are found', () => {
  const b = new NestBuilder();
  const [n, k] = [b.axis(3), b.axis(4)];
  const x = b.load(b.buffer(0, 3, 'f32', false), axisIndex(n));
  const y = b.load(b.buffer(1, 4, 'f32', false), axisIndex(k));
  const [first, other] = [b.part('sum', [k], b.op('mul', x, y)), b.part('max', [k], y)];
  const second = b.part('sum', [k], b.op('mul', first, y));
  b.store(b.buffer(2, 3, 'f32', true), axisIndex(n), b.op('add', second, b.part('max', [k], b.op('add', other, y))), [n]);
  const nest = b.finish({ rescale: false });
  verifyNest(nest);
  // p0 with the last max, p1 with p2: each loop reads a part of the other
  expect(() =>
    verifyNest({
      ...nest,
      loops: [
        [0, 3],
        [1, 2],
      ],
    }),
  ).toThrow('they wait for each other');
});
test('two stores whose axes do not nest are found', () => {
  const b = new NestBuilder();
  const [n, k] = [b.axis(3), b.axis(4)];
  for (const [i, a] of [n, k].entries())
    b.store(b.buffer(10 + i, 4, 'f32', true), axisIndex(a), b.load(b.buffer(i, 4, 'f32', false), axisIndex(a)), [a]);
  expect(() => verifyNest(b.finish({ rescale: false }))).toThrow('one store has the axes of all others');
});
