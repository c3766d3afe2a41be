import { expect, test } from 'vitest';
import { sameSize, sizeAt, timesSize } from '../common/size.ts';

test('a size holds the batch once', () => {
  expect(timesSize({ batch: 3 }, 4)).toEqual({ batch: 12 });
  expect(timesSize({ batch: 3 }, { batch: 1 })).toBeUndefined();
  expect(timesSize({ batch: 3 }, 0)).toBe(0);
  expect(sizeAt({ batch: 3 }, 5)).toBe(15);
  expect(sameSize({ batch: 3 }, 3)).toBe(false);
});
