// docs/fusion.md and docs/kernels.md show what the compiler does.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pages, pageText, pathOf } from '../../scripts/gen-fusion-docs.ts';

it.each(pages)('docs/%s is in sync (node scripts/gen-fusion-docs.ts)', page => {
  expect(readFileSync(pathOf(page), 'utf8')).toBe(pageText(page));
});
