import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { alignment, type Lifetime, planMemory } from '../../compiler/memory.ts';

const lifetime = fc
  .record({ n: fc.nat(5000), dynamic: fc.boolean(), first: fc.nat(20), length: fc.nat(8) })
  .map(({ n, dynamic, first, length }): Lifetime => ({ bytes: dynamic ? { batch: n + 1 } : n, first, last: first + length }));

test('values alive at the same time never overlap, at any batch, and fit their arena', () => {
  fc.assert(
    fc.property(fc.array(lifetime, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(Infinity, 4096), (values, batch, limit) => {
      const { arenas, placements } = planMemory(values, limit);
      const range = (i: number) => {
        const at = sizeAt(placements[i]!.offset, batch);
        return [at, at + sizeAt(values[i]!.bytes, batch)] as const;
      };
      values.forEach((a, i) => {
        const [from, to] = range(i);
        expect(from % alignment).toBe(0);
        expect(to).toBeLessThanOrEqual(sizeAt(arenas[placements[i]!.arena]!, batch));
        for (let j = 0; j < i; j++) {
          const b = values[j]!;
          if (placements[i]!.arena !== placements[j]!.arena || a.last < b.first || b.last < a.first) continue;
          const [x, y] = range(j);
          expect(to <= x || y <= from || from === to || x === y).toBe(true);
        }
      });
    }),
    { numRuns: 500 },
  );
});

test('a chain needs two buffers, not as many as it has steps', () => {
  const chain = Array.from({ length: 10 }, (_, i): Lifetime => ({ bytes: { batch: 1024 }, first: i, last: i + 1 }));
  expect(planMemory(chain, Infinity).arenas).toEqual([{ batch: 2048 }]);
});

test('an arena of fixed values is closed at the limit', () => {
  const alive = Array.from({ length: 3 }, (): Lifetime => ({ bytes: 1024, first: 0, last: 1 }));
  expect(planMemory(alive, 2048).arenas).toEqual([2048, 1024]);
});
