// Gradients of every sample of the op table, compiled to Programs and run by the JavaScript device, against the reference: what the
// transposes put into a graph can be lowered and rendered.
import { afterAll, describe, expect, it } from 'vitest';
import { arrayOf } from '../../common/dtype.ts';
import { compileTraced } from '../../compiler/compile.ts';
import { runReference } from '../../compiler/reference.ts';
import { traced } from '../../dsl/model.ts';
import { add, cast, exp, grad, mul, slice, sum } from '../../dsl/ops/index.ts';
import { type Sample, table } from '../../dsl/table.ts';
import { f32, type Tensor } from '../../dsl/tensor.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { disposed } from '../disposed.ts';
import { drawnSample, evaluate, language, tensorsOf, trace } from '../ops/evaluate.ts';

const device = openJs();
afterAll(() => device.dispose());

type Tensors = Readonly<Record<string, Tensor>>;
const isFloat = (x: Tensor): boolean => x.node.dtype === 'f32' || x.node.dtype === 'f16';

/** Can a gradient flow from its results to its inputs? */
const flows = (sample: Sample): boolean => {
  const { inputs, result } = trace(sample);
  return [...inputs.values()].some(isFloat) && tensorsOf(result).some(isFloat);
};

for (const { name: op, samples } of table.filter(row => row.samples.some(flows))) {
  describe(op, () => {
    it.each(samples.filter(flows).map(s => [`${s.call} with ${JSON.stringify(s.inputs)}`, s] as const))('%s', async (_, sample) => {
      const { traced: call, values } = drawnSample(sample, 7);
      const inputs: Tensors = Object.fromEntries(call.inputs);
      // ½ Σ out², so that cotangents differ
      const loss = (xs: Tensors): Tensor<[], 'f32'> =>
        tensorsOf(evaluate(sample.call, { ...language, ...xs }))
          .filter(isFloat)
          .map((x): Tensor<[], 'f32'> => mul(sum(mul(cast(x, 'f32'), cast(x, 'f32')) as Tensor<[2], 'f32'>), 0.5))
          .reduce((a, b) => add(a, b));
      const gradients = Object.entries(grad(loss)(inputs)).filter(([, x]) => isFloat(x));
      const whole = {
        name: op,
        config: {},
        inputs: Object.entries(inputs).map(([name, x]) => [name, x.node] as const),
        params: [],
        outputs: gradients.map(([name, x]) => [`grad ${name}`, x.node] as const),
        names: new Map(),
        batch: null,
      };
      const feeds = Object.fromEntries(
        [...values].map(([name, x]) => {
          const data = arrayOf(x.dtype, x.data.length);
          data.set(x.data);
          return [name, { shape: x.shape, data }] as const;
        }),
      );
      const wanted = runReference(whole, Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, x.data])));
      const session = disposed(await open(compileTraced(whole, { target: 'js' }), { device }));
      const results = await session.run(feeds);
      const half = Object.values(inputs).some(x => x.node.dtype === 'f16') || tensorsOf(call.result).some(x => x.node.dtype === 'f16');
      for (const [name, want] of Object.entries(wanted)) {
        const got = results[name]!;
        expect(got.shape).toEqual(want.shape);
        const size = Math.max(1, ...[...want.data].filter(Number.isFinite).map(Math.abs));
        const wrong = [...want.data].flatMap((x, i) => {
          const same = Object.is(x, got.data[i]) || x === got.data[i] || Math.abs(x - got.data[i]!) <= (half ? 4e-3 : 5e-5) * size;
          return same ? [] : [`${name} ${i}: ${got.data[i]} for ${x}`];
        });
        expect(wrong).toEqual([]);
      }
    });
  });
}

describe('slices of the batch', () => {
  const x = f32('B', 3);
  const loss = (v: Tensor<['B', 3], 'f32'>) => add(sum(exp(slice(v, 0, 0, 2))), sum(exp(slice(v, 0, 1, 3, 2))));
  it.each([3, 5])('of %i', async rows => {
    const whole = { ...traced({ x }, inputs => ({ slope: grad(loss)(inputs.x) })), batch: 'B' };
    const data = Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(i));
    const session = disposed(await open(compileTraced(whole, { target: 'js' }), { device }));
    const { slope } = await session.run({ x: { shape: [rows, 3], data } });
    const times = [1, 2, 0, 0, 0]; // row 0 is read once, row 1 twice
    expect([...slope!.data].map((s, i) => Math.abs(s - times[Math.floor(i / 3)]! * Math.exp(data[i]!)) < 1e-5)).toEqual(Array(rows * 3).fill(true));
  });
});
