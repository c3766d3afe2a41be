// Types are part of the product: an editor checks a model as fast as its types are cheap. The whole table is scripts/measure-types.ts.
import { expect, it } from 'vitest';
import { budget, cost } from '../../scripts/measure-types.ts';

it('models/mae.ts costs TypeScript 7 no more than its budget above the library', { timeout: 120_000 }, () => {
  const library = cost('7', 'dsl/index.ts', 1).instantiations;
  const model = cost('7', 'models/mae.ts', 1).instantiations;
  expect(library).toBeGreaterThan(0);
  expect(model - library).toBeGreaterThan(0);
  expect(model - library).toBeLessThanOrEqual(budget);
});
