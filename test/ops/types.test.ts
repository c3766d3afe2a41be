// The type half of every rule: the files made from the op table are in sync with it, and both compilers see each planted mistake once,
// at its argument, with the words of the trace, and give each sample exactly the type that the trace gives it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { table } from '../../dsl/table.ts';
import { checkPlanted, compilers } from '../../scripts/check-types.ts';
import { files, root } from '../../scripts/gen-op-types.ts';
import { mistakes } from '../language/mistake.ts';

// by a name that the compiler does not follow: they are mistakes, and no part of the project's own check
for (const file of ['wide', 'wide-nn']) await import(`./types/${file}.ts`);

describe('type tests of the op table', () => {
  it.each(files)('%s is in sync (node scripts/gen-op-types.ts)', (path, text) => {
    expect(readFileSync(root + path, 'utf8')).toBe(text());
  });
  it.each(compilers)('TypeScript %s agrees with the trace', compiler => {
    const { planted, problems } = checkPlanted(compiler, [...files.map(([path]) => path), 'test/ops/types/wide.ts', 'test/ops/types/wide-nn.ts']);
    expect(problems).toEqual([]);
    expect(planted).toBeGreaterThanOrEqual(table.flatMap(row => row.mistakes).length);
  });
  it.each(mistakes.map(m => [m.message, m.code] as const))('the trace says: %s', (message, code) => {
    expect(code).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `✗ ${message}`,
        place: expect.objectContaining({ file: expect.stringContaining('types/wide') }),
      }),
    );
  });
});
