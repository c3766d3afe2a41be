// The search for a kernel's best legal tile: every grid axis takes one from a short list, and the cheapest of all combinations is the
// schedule. The code is made from the schedule found here: there is no second opinion.
import { isDynamic, sizeAt } from '../../../common/size.ts';
import type { LoopNest } from '../types.ts';
import { chunkAxes, factsByChunk, repeatsDecision, sweepsOf } from './chunk.ts';
import { Tiled, type TileSchedule } from './cost.ts';
import type { Untiled } from './count.ts';
import { isWithinLimits } from './limits.ts';
import type { Machine } from './machine.ts';
import { factsOf, placeByChunk, placeParts } from './placement.ts';

/** Chunks are tried in these sizes. */
const chunkSizes = [2, 4, 8, 16, 32, 64, 128, 256, 512];

/** The best tile, or undefined when no tile is legal. Tiles are chosen for `batch` and valid at any. */
export function scheduleNest(nest: LoopNest, machine: Machine, batch: number): TileSchedule | undefined {
  if (!isWithinLimits(nest, machine)) return undefined;
  const facts = factsOf(nest);
  const extent = nest.axes.map(a => sizeAt(a.extent, batch));
  const places = placeParts(nest, facts, machine, extent);
  return places && bestTile({ nest, machine, facts, extent, places });
}

/** The same for a kernel that keeps tables of chunks of an axis, where whole rows are too long for tables. */
export function scheduleByChunk(nest: LoopNest, machine: Machine, batch: number): TileSchedule | undefined {
  if (machine.tables === 0 || !isWithinLimits(nest, machine)) return undefined;
  const whole = factsOf(nest);
  const extent = nest.axes.map(a => sizeAt(a.extent, batch));
  let best: TileSchedule | undefined;
  for (const axis of chunkAxes(nest, whole)) {
    const sweeps = sweepsOf(nest, whole, axis);
    if (repeatsDecision(nest, sweeps)) continue;
    const facts = factsByChunk(whole, axis);
    const places = placeByChunk(nest, facts, sweeps);
    const found = places && bestTile({ nest, machine, facts, extent, places, sweeps });
    if (found && !(best && best.cost <= found.cost)) best = found;
  }
  return best;
}

/** Chunks add a loop and a table: they must save half. (JavaScript, attention of 64 channels over 50 to 2,000 tokens, chunks against rows
 *  at estimates from 1.006 to 0.98: 0.95 to 1.09 of the time.) */
const worthChunks = 0.5;
/** A kernel's schedule, or that of chunks where it is much cheaper: rows that just fit leave room for small tiles only. Asked of kernels that
 *  are decided on, so that what is stored is chosen by rows alone wherever rows fit. */
export function orByChunk(nest: LoopNest, rows: TileSchedule, machine: Machine, batch: number): TileSchedule {
  const chunks = rows.chunk < 0 && rows.tables > 0 ? scheduleByChunk(nest, machine, batch) : undefined;
  return chunks && chunks.cost < worthChunks * rows.cost ? chunks : rows;
}

function bestTile(kernel: Untiled): TileSchedule | undefined {
  const { facts, machine, extent, sweeps } = kernel;
  const most = machine.lanes > 1 ? machine.accumulators * machine.lanes * 4 : Number.POSITIVE_INFINITY;
  const chunk = sweeps?.axis ?? -1;
  const axes = chunk < 0 ? facts.grid : [...facts.grid, chunk];
  const options = axes.map(a => (a === chunk ? chunkSizes.filter(c => c < extent[a]!) : tilesOf(kernel, a)));
  const tiled = new Tiled(kernel);
  let best: TileSchedule | undefined;
  const choose = (i: number, points: number): void => {
    if (i === axes.length) {
      best = tiled.measure(points, best?.cost ?? Number.POSITIVE_INFINITY) ?? best;
      return;
    }
    const axis = axes[i]!;
    for (const t of options[i]!) {
      const all = axis === chunk ? points : points * t;
      if (all > most) continue;
      tiled.cut(axis, t);
      choose(i + 1, all);
    }
  };
  choose(0, 1);
  return best;
}
/** Tiles to try along a grid axis. */
function tilesOf({ nest, machine }: Untiled, axis: number): readonly number[] {
  const { registerTile, tables } = machine;
  // tiles that register tiles fill
  const filled = registerTile > 1 ? registerTile : 4;
  const small = tables === 0 ? [1, 4, 8] : [1, ...[1, 2, 4, 8, 16].map(n => n * filled)];
  const { extent } = nest.axes[axis]!;
  // a tile along the batch fits one sample, so that the plan suits any batch
  if (isDynamic(extent)) return small.filter(t => t <= extent.batch);
  const whole = extent <= 1024 && (tables > 0 || extent <= 8);
  return [...small.filter(t => t < extent), ...(whole ? [extent] : [])];
}
