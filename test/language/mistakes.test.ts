// The planted mistakes of test/language/types, twice: their types on TypeScript 6 and 7, and with the types erased in the trace.

import { ShapeError } from 'heddle';
import { describe, expect, it } from 'vitest';
import { checkPlanted, compilers, typeTestFiles } from '../../scripts/check-types.ts';
import { type Mistake, mistakes } from './mistake.ts';

const byFile: { readonly file: string; readonly cases: readonly Mistake[] }[] = [];
for (const file of typeTestFiles().filter(f => f.endsWith('-mistakes.ts'))) {
  const before = mistakes.length;
  await import(`../../${file}`);
  byFile.push({ file, cases: mistakes.slice(before) });
}

describe('types', () => {
  it.each(compilers)('TypeScript %s reports each mistake once, on its argument, in its words', compiler => {
    const { planted, problems } = checkPlanted(compiler, typeTestFiles());
    expect(problems).toEqual([]);
    expect(planted).toBe(mistakes.length);
  });
});

describe.each(byFile.filter(f => f.cases.length > 0))('the trace of $file', ({ file, cases }) => {
  it.each(cases)('$message', ({ message, code }) => {
    const error = errorOf(code);
    expect(error.message).toBe(`✗ ${message}`);
    expect(error.place?.file).toMatch(new RegExp(`${file}$`));
    expect(error.code).toMatch(/^HS[1-5]$/);
  });
});
function errorOf(code: () => unknown): ShapeError {
  try {
    code();
  } catch (e) {
    if (e instanceof ShapeError) return e;
    throw e;
  }
  throw new Error('no error was thrown');
}
