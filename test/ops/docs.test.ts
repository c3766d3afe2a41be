// docs/ops.md is what the op table says.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { table } from '../../dsl/table.ts';
import { docsPath, page } from '../../scripts/gen-ops-docs.ts';

it('docs/ops.md is in sync (node scripts/gen-ops-docs.ts)', () => {
  expect(readFileSync(docsPath, 'utf8')).toBe(page());
});
it('docs/ops.md has a section for each op', () => {
  const sections = [...page().matchAll(/^### (.*)$/gm)].map(m => m[1]!);
  expect(sections.toSorted()).toEqual(table.map(row => row.name).toSorted());
});
