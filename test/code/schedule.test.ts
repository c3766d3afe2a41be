// Which schedule a nest gets from which record: pinned, so that a change is seen.
import { describe, expect, test } from 'vitest';
import type { Size } from '../../common/size.ts';
import { capabilities } from '../../compiler/code/capabilities.ts';
import { schedule } from '../../compiler/code/schedule.ts';
import type { Capability } from '../../compiler/code/types.ts';
import { walkExpressions } from '../../compiler/code/walk.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { batched, bell, columnSums, normalised, rowSums, rowsByColumns, rowsByRows } from './nests.ts';
import { codeFor } from './run.ts';

/** `n grid 4, o grid 4x | k x` : axes with their tiles (x: 4-wide), then the parts' loops (x: 4-wide, s: split, b: in blocks). */
function words(nest: LoopNest, capability: Capability): string {
  const { axes, parts, team } = schedule(nest, capability);
  const name = (a: number): string => nest.axes[a]!.name;
  const stores = axes.map(a => `${name(a.axis)} ${a.place} ${a.tile}${a.vector ? 'x' : ''}`).join(', ');
  const loops = parts.map(p =>
    p.order
      .map(a => `${name(a)}${a === p.vector ? ' x' : ''}${a === p.split ? ' s' : ''}${p.block > 0 && a === p.order.at(-1) ? ' b' : ''}`)
      .join(' '),
  );
  return `${team.size > 1 ? `teams of ${team.size}${team.stride > 1 ? ` every ${team.stride}` : ''}: ` : ''}${[stores, ...loops].join(' | ')}`;
}
const { js, webgpu } = capabilities;
const software = capabilities['webgpu-software'];
const flat: Size = { batch: 50 };

test.each([
  ['rows by rows', rowsByRows(flat, 64, 96)],
  ['rows by columns', rowsByColumns(50, 64, 96)],
  ['batched', batched({ batch: 1 }, 4, 50, 32)],
  ['row sums', rowSums(flat, 768)],
  ['column sums', columnSums(flat, 768)],
  ['normalised rows', normalised(flat, 768)],
  ['elements', bell(flat, 768)],
  ['elements, odd', bell(50, 77)],
] as const)('%s', (_, nest) => {
  expect([js, webgpu, software].map(c => `${c.name}: ${words(nest, c)}`).join('\n')).toMatchSnapshot();
});

describe('register tiles', () => {
  const loads = (nest: LoopNest, capability: Capability): number => {
    let count = 0;
    walkExpressions(codeFor(nest, capability).body, e => {
      if (e.kind === 'load') count++;
    });
    return count;
  };
  test('a tile of 3 × 3 loads 6 times, not 18', () => {
    expect(loads(rowsByRows(64, 64, 64), js)).toBe(6);
  });
  test('tiles divide what they can: 49 rows are seven times seven', () => {
    const tiles = schedule(rowsByRows(49, 64, 64), { ...js, registers: 28 }).axes.map(a => a.tile);
    expect(49 % tiles[0]!).toBe(0);
  });
  test('nothing is divided by the batch', () => {
    for (const capability of [js, webgpu, software])
      for (const nest of [rowsByRows(flat, 64, 96), batched({ batch: 1 }, 4, 50, 32), normalised(flat, 77), columnSums(flat, 7), bell(flat, 7)])
        walkExpressions(codeFor(nest, capability).body, e => {
          if (e.kind === 'op' && (e.prim === 'quo' || e.prim === 'rem')) expect(e.args[1]!.kind).toBe('literal');
        });
  });
});
