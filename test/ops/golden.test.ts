// The ops against PyTorch's numbers (test/data/golden/ops.safetensors), on the graph interpreter.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../runtime/files/safetensors.ts';
import { root } from '../../scripts/check-types.ts';
import { interpretCall, trace } from './evaluate.ts';
import { cases } from './golden-cases.ts';

const folder = `${root}test/data/golden/`;
interface Golden {
  readonly calls: Readonly<Record<string, string>>;
  readonly tolerance: { readonly atol: number; readonly rtol: number };
}
const golden: Golden = JSON.parse(readFileSync(`${folder}ops.json`, 'utf8'));
const { tensors } = await readSafetensors(`${folder}ops.safetensors`);

describe('golden ops', () => {
  it('has a case for each of the file', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(golden.calls).sort());
  });
  it.each(Object.entries(cases))('%s', (name, { call, over, atol = golden.tolerance.atol }) => {
    const given = [...tensors].filter(([key]) => key.startsWith(`${name}.in`)).map(([key, x]) => [key.slice(name.length + 1), x] as const);
    const inputs = Object.fromEntries(given.map(([key, x]) => [key, x.dtype === 'F32' ? `f32(${x.shape})` : `index(${over})(${x.shape})`]));
    const feeds = new Map(given.map(([key, x]) => [key, Array.from(x.data, Number)]));
    const [got] = interpretCall(trace({ inputs, call }), feeds);
    const want = tensors.get(`${name}.out`)!;
    if (got!.shape.length > 0) expect(got!.shape).toEqual(want.shape);
    expect(got!.data.length).toBe(want.data.length);
    const exact = want.dtype !== 'F32';
    const wrong = Array.from(want.data, Number).flatMap((w, i) => {
      const g = got!.data[i]!;
      return Math.abs(g - w) <= (exact ? 0 : atol + golden.tolerance.rtol * Math.abs(w)) ? [] : [`${i}: ${g} for ${w}`];
    });
    expect(wrong).toEqual([]);
  });
});
