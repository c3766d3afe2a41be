// Every shape rule is written twice, as types and as functions. Here one half is held against the other: thousands of random calls from
// the op table, right and wrong, are traced, printed into TypeScript files and checked by one run of the compiler. A call must be
// accepted by both, with the same shape and element type, or refused by both in the same words, with one error on an argument.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { showShape } from '../../dsl/dim.ts';
import { type Call, Random, table } from '../../dsl/table.ts';
import { dtypeName, dtypeOf, isTensor, ShapeError, type Tensor } from '../../dsl/tensor.ts';
import { compileFiles, type Diagnostic, root } from '../../scripts/check-types.ts';
import { language, trace } from './evaluate.ts';

const callsOfRow = 64;
const callsOfFile = 200;
const folder = path.join(root, `node_modules/.cache/heddle/differential-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the trace says of a call: a message, or its result as the text of a type. */
type Verdict = { readonly error: string } | { readonly type: string };
const shown = (x: Tensor): string => JSON.stringify(dtypeName(dtypeOf(x)) + showShape(x.node.shape));
function typeText(result: unknown): string {
  if (isTensor(result)) return shown(result);
  if (Array.isArray(result)) return `[${result.map(typeText).join(', ')}]`;
  return `{ ${Object.entries(result as object)
    .map(([key, x]) => `${key}: ${typeText(x)}`)
    .join('; ')} }`;
}
function verdictOf(call: Call): Verdict {
  try {
    return { type: typeText(trace(call).result) };
  } catch (e) {
    if (e instanceof ShapeError) return { error: e.message };
    throw e; // an internal error is no verdict
  }
}

interface Case extends Call {
  readonly op: string;
  readonly verdict: Verdict;
}
const cases = table.flatMap((row, k) => {
  const random = new Random(1000 + k);
  return Array.from({ length: callsOfRow }, (): Case => {
    const call = row.calls(random);
    return { ...call, op: row.name, verdict: verdictOf(call) };
  });
});

const prologue = `import { ${Object.keys(language).sort().join(', ')} } from '${root}test/ops/language.ts';
import type { ShowShape } from '${root}dsl/dim-types.ts';
import type { ShowDType, Tensor } from '${root}dsl/tensor.ts';
type Shown<T> = T extends Tensor<infer S, infer D> ? \`\${ShowDType<D>}\${ShowShape<S>}\` : { -readonly [K in keyof T]: Shown<T[K]> };
type Same<A, E> = [A, E] extends [E, A] ? true : A;
`;
/** Two lines a call: its result, and the type that the trace gave it. */
function linesOf({ inputs, call, verdict }: Case, i: number): string {
  const given = Object.entries(inputs).map(([name, text]) => `const ${name} = ${text}; `);
  const expected = 'type' in verdict ? `export const t${i}: Same<Shown<typeof r${i}>, ${verdict.type}> = true;` : '';
  return `export const r${i} = (() => { ${given.join('')}return ${call}; })();\n${expected}\n`;
}
const file = (k: number): string => path.join(folder, `calls-${k}.ts`);
/** The errors of each case, by its number. */
function check(): ReadonlyMap<number, readonly Diagnostic[]> {
  mkdirSync(folder, { recursive: true });
  const files = Array.from({ length: Math.ceil(cases.length / callsOfFile) }, (_, k) => file(k));
  files.forEach((name, k) => {
    writeFileSync(
      name,
      prologue +
        cases
          .slice(k * callsOfFile, (k + 1) * callsOfFile)
          .map(linesOf)
          .join(''),
    );
  });
  const first = prologue.split('\n').length - 1;
  const found = new Map<number, Diagnostic[]>();
  for (const error of compileFiles('7', files).errors) {
    const k = files.indexOf(error.file);
    if (k < 0 || error.line < first) throw new Error(`${error.file}:${error.line + 1}: ${error.message}`);
    const at = k * callsOfFile + Math.floor((error.line - first) / 2);
    found.set(at, [...(found.get(at) ?? []), error]);
  }
  return found;
}

/** How the compiler disagrees with the trace about a case; null when it does not. */
function disagreement({ inputs, call, verdict }: Case, errors: readonly Diagnostic[]): string | null {
  const text = `${call} with ${JSON.stringify(inputs)}`;
  const said = errors.map(e => e.message.slice(0, 300)).join(' | ') || 'nothing';
  if ('type' in verdict) return errors.length === 0 ? null : `${text}: the trace gives ${verdict.type}, types say ${said}`;
  const quoted = `"${verdict.error.replaceAll('"', '\\"')}"`;
  const [only] = errors;
  return errors.length === 1 && only!.message.includes(quoted) ? null : `${text}: the trace says ${quoted}, types say ${said}`;
}

describe('types and trace', () => {
  it('have enough cases, right and wrong, of every op', () => {
    expect(cases.length).toBeGreaterThanOrEqual(2000);
    for (const row of table) {
      const own = cases.filter(c => c.op === row.name);
      expect(own.filter(c => 'type' in c.verdict).length, `${row.name}: right calls`).toBeGreaterThan(0);
      if (row.mistakes.some(m => !m.traceOnly)) expect(own.filter(c => 'error' in c.verdict).length, `${row.name}: wrong calls`).toBeGreaterThan(0);
    }
  });
  it('agree on every call', () => {
    const found = check();
    expect(cases.map((c, i) => disagreement(c, found.get(i) ?? [])).filter(d => d !== null)).toEqual([]);
  });
});
