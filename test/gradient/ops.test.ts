// Every op of the table is differentiated, on its samples and on random calls: adjoint, slope, written against generic, second order.
import { describe, expect, it } from 'vitest';
import { intern } from '../../compiler/graph/intern.ts';
import type { Values } from '../../compiler/graph/interpret.ts';
import { evalDim } from '../../dsl/dim.ts';
import type { Node } from '../../dsl/graph.ts';
import { type Call, Random, type Row, type Sample, table } from '../../dsl/table.ts';
import { ShapeError } from '../../dsl/tensor.ts';
import { tensorsOf, trace } from '../ops/evaluate.ts';
import { isDefined, isFloat, numbers, proveAdjoint, proveSecondOrder, proveSlope, proveWritten, type Subject } from './proof.ts';

const callsOfRow = 24;

/** Sizes for the symbols of random calls. */
const symbols = new Map([...'BCDEFGHIJKLMNOPQRSTUVWXYZ'].map((name, i) => [name, 1 + ((i * 5 + 1) % 3)]));
const numbered = (text: string): string => text.replaceAll(/'([A-Z0-9][A-Z0-9*+-]*)'/g, (_, dim: string) => `${evalDim(dim, symbols)}`);

/** Numbers for an input. `tied`: many are equal or 0, where what is differentiated may have a joint. */
function draw(x: Node, how: unknown, random: Random, tied: boolean): Values {
  const n = (x.shape as readonly number[]).reduce((a, b) => a * b, 1);
  const positive = how === 'positive' || how === 'unit';
  if (x.over !== undefined) return numbers(n, () => random.int(x.over as number));
  if (x.dtype === 'bool') return numbers(n, () => random.int(2));
  if (x.dtype === 'i32' || x.dtype === 'u32') return numbers(n, () => random.int(9) - (x.dtype === 'u32' ? 0 : 4));
  if (tied) return numbers(n, () => (positive ? 1 + random.int(3) : random.int(5) - 2));
  return numbers(n, () => (positive ? 0.3 + random.unit() : random.normal()));
}
/** A call as something to differentiate; undefined where no float comes in or none goes out. */
function subject(call: Call, how: Sample['values'], random: Random, tied: boolean): Subject | undefined {
  const { inputs, result } = trace(call);
  const tensors = tensorsOf(result);
  const {
    graph,
    inputs: ids,
    outputs,
    written,
  } = intern({
    inputs: [...inputs].map(([name, x]) => [name, x.node] as const),
    outputs: tensors.map((x, i) => [`${i}`, x.node] as const),
    names: new Map(),
    batch: null,
  });
  const wrt = [...ids.values()].filter(id => isFloat(graph, id));
  const outs = outputs.map(([, id]) => id).filter(id => isFloat(graph, id));
  if (wrt.length === 0 || outs.length === 0) return undefined;
  const feeds = Object.fromEntries([...inputs].map(([name, x]) => [name, draw(x.node, how?.[name], random, tied)]));
  return { graph, wrt, outs, feeds, written };
}
/** Right calls among random ones, with numbers for symbols. */
function randomCalls(row: Row, random: Random): Call[] {
  const calls: Call[] = [];
  for (let i = 0; i < 20 * callsOfRow && calls.length < callsOfRow; i++) {
    const { inputs, call } = row.calls(random);
    const made = { inputs: Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, numbered(text)])), call: numbered(call) };
    try {
      trace(made);
      calls.push(made);
    } catch (e) {
      if (!(e instanceof ShapeError)) throw e;
    }
  }
  return calls;
}
/** All proofs of a call; none where its value has no derivative, as 0/0 has none. */
function prove(call: Call, how: Sample['values'], seed: number, slopes = true): boolean {
  const random = new Random(seed);
  const make = (tied: boolean): Subject | undefined => subject(call, how, random, tied);
  const first = make(false);
  if (!first || !isDefined(first)) return false;
  if (!slopes) {
    proveAdjoint(first, random);
    return true;
  }
  proveAdjoint(first, random);
  const tied = make(true)!;
  if (isDefined(tied)) proveAdjoint(tied, random);
  proveSlope(make(false)!, random);
  proveWritten(make(false)!, random);
  if (isDefined(tied)) proveWritten(make(true)!, random);
  proveSecondOrder(make(false)!, random);
  return true;
}
/** Ops through which no float flows: their results are integers or bools, or they have no float operand. */
const withoutDerivative: ReadonlySet<string> = new Set(
  'equal less lessEqual greater greaterEqual and or not all any argmax argmin argsort rank iota oneHot constant full'
    .split(' ')
    .concat(['uniform', 'normal', 'bernoulli', 'words'].map(name => `random.${name}`)),
);
/** Its gradient is not its slope. */
const stopped = (row: Row): boolean => row.name === 'stopGradient';

it('the ops without a derivative are ops', () => {
  for (const name of withoutDerivative) expect(table.map(row => row.name)).toContain(name);
});
for (const [k, row] of table.entries()) {
  describe(row.name, () => {
    it('has samples', () => expect(row.samples.length).toBeGreaterThan(0));
    it.each(row.samples.map((s, i) => [`${s.call} with ${JSON.stringify(s.inputs)}`, s, i] as const))('%s', (_, sample, i) => {
      prove(sample, sample.values, 100 * k + i, !stopped(row));
    });
    it('random calls, some of which are differentiated', () => {
      const how = row.samples[0]?.values;
      const calls = randomCalls(row, new Random(7000 + k));
      const proofs = calls.filter((call, i) => {
        try {
          return prove(call, how, 9000 * k + i, !stopped(row));
        } catch (e) {
          throw new Error(`${call.call} with ${JSON.stringify(call.inputs)}: ${(e as Error).message}`, { cause: e });
        }
      });
      if (withoutDerivative.has(row.name)) expect(proofs).toEqual([]);
      else expect(proofs.length).toBeGreaterThan(4);
    });
  });
}
