// The two halves of unification against each other: random layers and calls, right and wrong, are run by the trace and compiled. Both must
// accept the same calls, give the same shapes, and refuse in the same words.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { isTensor } from '../../dsl/tensor.ts';
import { compileFiles, root } from '../../scripts/check-types.ts';

const folder = `${root}/out/unify-${process.pid}`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const formalDim = fc.constantFrom('A', 'B', 'C', 'A*B', '2*A', 'A+1', 'B-1', 'A*B+C', 'A*C', '3');
const actualDim = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('2', '3', '4', '6', '7', '12') }, fc.constantFrom("'N'", "'2*N'", "'N+1'"));
const dims = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 });
/** sizes that fit: A = 2, B = 3, C = 4 */
const values: Readonly<Record<string, string>> = {
  A: '2',
  B: '3',
  C: '4',
  'A*B': '6',
  '2*A': '4',
  'A+1': '3',
  'B-1': '2',
  'A*B+C': '10',
  'A*C': '8',
  '3': '3',
};
const quote = (d: string): string => (/^\d+$/.test(d) ? d : `'${d}'`);
/** a layer of sizes, a parameter and two tensors, and a call of it, as source text */
const program = fc.record({ size: formalDim.filter(d => d !== '3'), param: dims(formalDim), x: dims(formalDim), y: dims(formalDim) }).chain(f =>
  fc
    .record({
      size: fc.oneof({ weight: 4, arbitrary: fc.constant(values[f.size]!) }, { weight: 1, arbitrary: fc.constantFrom('1', '2', '3', '4', '12') }),
      param: same(f.param),
      x: same(f.x),
      y: same(f.y),
    })
    .map(a => ({
      layer: `fn('layer', { s: size('${f.size}') }, param([${f.param.map(quote)}], 'zeros'), f32(${f.x.map(quote)}), { y: f32(${f.y.map(quote)}) }, (_c, _p, _x, { y }) => y)`,
      call: `({ s: ${a.size} }, param([${a.param}], 'zeros'), f32(${a.x}), { y: f32(${a.y}) })`,
    })),
);
/** as many dims as the formal has, or seldom another number; often dims that fit A = 2, B = 3, C = 4 */
function same(formal: readonly string[]): fc.Arbitrary<string[]> {
  const fitting = fc.tuple(...formal.map(d => fc.oneof({ weight: 25, arbitrary: fc.constant(values[d]!) }, { weight: 1, arbitrary: actualDim })));
  return fc.oneof({ weight: 40, arbitrary: fitting.map(list => [...list]) }, { weight: 1, arbitrary: dims(actualDim) });
}

it('types and trace agree on random calls', async () => {
  const programs = fc.sample(program, { numRuns: 300, seed: 7 });
  mkdirSync(folder, { recursive: true });
  const imports = "import { f32, fn, param, size, type Tensor } from 'heddle';\n";
  writeFileSync(
    `${folder}/calls.ts`,
    `${imports}export const calls = [\n${programs.map(p => `() => (${p.layer} as any)${p.call},`).join('\n')}\n];\n`,
  );
  const { calls } = (await import(`${folder}/calls.ts`)) as { calls: (() => unknown)[] };
  const outcomes = calls.map(call => {
    try {
      const y = call();
      return isTensor(y) ? { shape: JSON.stringify(y.node.shape) } : { shape: '?' };
    } catch (e) {
      return { message: (e as Error).message };
    }
  });
  const lines = programs.map((p, i) => {
    const { shape } = outcomes[i]!;
    return `${shape === undefined ? '' : `export const c${i}: Same<typeof r${i}, Tensor<${shape}, 'f32'>> = true; `}export const r${i} = ${p.layer}${p.call};`;
  });
  const head = `${imports}type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;\n`;
  writeFileSync(`${folder}/types.ts`, `${head}${lines.join('\n')}\n`);
  const { errors } = compileFiles('7', [`${folder}/types.ts`]);
  const wrong = programs.flatMap((p, i) => {
    const { message } = outcomes[i]!;
    const said = errors.filter(e => e.line === i + 2).map(e => e.message);
    if (message === undefined) return said.length === 0 ? [] : [`${p.layer}${p.call}: the trace accepts, types say ${said}`];
    // Of several mistakes types look for divisions first, the trace for names with two sizes.
    const agrees = said.length === 1 && (said[0]!.includes(`"${message}"`) || (message.includes(' is both ') && said[0]!.includes('"✗ layer: ')));
    return agrees ? [] : [`${p.layer}${p.call}: the trace says ${message}, types ${said.join(' and ') || 'nothing'}`];
  });
  expect(wrong).toEqual([]);
  const accepted = outcomes.filter(o => o.message === undefined).length;
  expect(accepted).toBeGreaterThan(30);
  expect(outcomes.length - accepted).toBeGreaterThan(30);
});
