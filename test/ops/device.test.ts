// Every sample of the op table compiled to a Program and run by the JavaScript device, against the naive reference.
import { afterAll, describe, expect, it } from 'vitest';
import { arrayOf } from '../../common/dtype.ts';
import { compileTraced } from '../../compiler/compile.ts';
import { table } from '../../dsl/table.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { disposed } from '../disposed.ts';
import { difference } from './difference.ts';
import { drawnSample, tensorsOf } from './evaluate.ts';

const device = openJs();
afterAll(() => device.dispose());

for (const row of table) {
  describe(row.name, () => {
    it.each(row.samples.map(s => [`${s.call} with ${JSON.stringify(s.inputs)}`, s] as const))('%s', async (_, sample) => {
      const { traced, values, expected } = drawnSample(sample, 7);
      const outputs = tensorsOf(traced.result);
      const program = compileTraced(
        {
          name: row.name,
          config: {},
          inputs: [...traced.inputs].map(([name, x]) => [name, x.node] as const),
          params: [],
          outputs: outputs.map((x, i) => [`out${i}`, x.node] as const),
          names: new Map(),
          batch: null,
        },
        { target: 'js' },
      );
      const session = disposed(await open(program, { device }));
      const feeds = [...values].map(([name, x]) => {
        const data = arrayOf(x.dtype, x.data.length);
        data.set(x.data);
        return [name, { shape: x.shape, data }] as const;
      });
      const results = await session.run(Object.fromEntries(feeds));
      expect(Object.keys(results)).toHaveLength(expected.length);
      for (const [i, want] of expected.entries()) {
        const { data, shape } = results[`out${i}`]!;
        const got = { ...want, shape, data: Array.from(data as ArrayLike<number>) };
        expect(difference(got, want, Math.max(sample.tolerance ?? 0, 2e-5))).toBeNull();
      }
    });
  });
}
