// Every row of the op table: its samples through trace and interpreter against the naive reference, its planted mistakes at trace time
// with their words and place, and that the table and the exported ops are the same set.
import { describe, expect, it } from 'vitest';
import * as ops from '../../dsl/ops/index.ts';
import { table } from '../../dsl/table.ts';
import { ShapeError } from '../../dsl/tensor.ts';
import { difference } from './difference.ts';
import { evaluate, evaluateSample, language, tensorsOf, trace } from './evaluate.ts';

const show = (inputs: Readonly<Record<string, string>>): string =>
  Object.entries(inputs)
    .map(([name, text]) => `${name}: ${text}`)
    .join(', ');
describe('the op table', () => {
  it('has one row an exported op', () => {
    const ofFunctions = ['grad', 'valueAndGrad', 'withDerivative']; // they take functions, not tensors
    const exported = Object.entries(ops)
      .filter(([name]) => !ofFunctions.includes(name))
      .flatMap(([name, op]) => (typeof op === 'function' ? [name] : Object.keys(op).map(k => `${name}.${k}`)));
    expect(table.map(row => row.name).sort()).toEqual(exported.sort());
  });
  it('has samples in every row', () => {
    expect(table.filter(row => row.samples.length === 0).map(row => row.name)).toEqual([]);
  });
});

for (const row of table) {
  describe(row.name, () => {
    it.each(row.samples.map(s => [`${s.call} with ${show(s.inputs)}`, s] as const))('%s', (_, sample) => {
      const { got, expected } = evaluateSample(sample, 7);
      expect(got.length).toBe(expected.length);
      for (const [i, want] of expected.entries()) expect(difference(got[i]!, want, sample.tolerance ?? 1e-5)).toBeNull();
    });
    it.each(row.mistakes.map(m => [m.call, m.message] as const))('%s is a mistake', (call, message) => {
      expect(call).toContain('/*✗*/');
      let error: unknown;
      try {
        evaluate(call, language);
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(ShapeError);
      expect((error as ShapeError).message).toBe(`✗ ${message}`);
      expect((error as ShapeError).place?.file).toContain('evaluate.ts');
    });
    it('names itself in the trail of its nodes', () => {
      for (const sample of row.samples) {
        const { inputs, result } = trace(sample);
        const given = [...inputs.values()].map(x => x.node);
        for (const { node } of tensorsOf(result)) if (!given.includes(node)) expect(node.origin.trail).toEqual([row.name]);
      }
    });
  });
}
