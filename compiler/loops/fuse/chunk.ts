// Reductions by chunks. An axis that only reductions sweep can be cut into chunks: a loop of the group goes over them, and what is computed
// over the axis is a table of one chunk instead of the whole axis. A sum over the axis is a table that every chunk adds to. What reads a
// finished sum and sweeps the axis again waits for another sweep, in which the tables of chunks are worked out anew; a sum of exp(x − m)·w
// need not wait for m, the max of x: whenever m moves, what has been summed is multiplied by exp(m_old − m_new) (link.ts). So attention is one
// sweep over the keys however many there are (Dao et al. 2022, "FlashAttention"), and the variance of rows is two.
import { isDynamic } from '../../../common/size.ts';
import { axesOf, operands, partsRead } from '../facts.ts';
import { linkRescale } from '../link.ts';
import type { LoopNest } from '../types.ts';
import type { Facts } from './placement.ts';

export interface Sweeps {
  readonly axis: number;
  readonly count: number;
  /** By part: the sweep in which it is summed up, from 1; 0 when it isn't a reduction over the axis. */
  readonly sweep: readonly number[];
  /** By part: the first sweep that can read it. What is no table of chunks and no reduction over the axis is worked out right before. */
  readonly ready: readonly number[];
  /** By part computed over the axis: the sweeps in which its chunks are worked out; else empty. */
  readonly chunked: readonly ReadonlySet<number>[];
  /** By part: the max that it follows in its sweep, or −1. */
  readonly rescale: readonly number[];
}

/** Axes that may be cut into chunks: tables hold all of them today, and no store runs over them. */
export const chunkAxes = (nest: LoopNest, facts: Facts): readonly number[] =>
  axesOf(facts.full.reduce((set, full) => set | full, 0)).filter(a => !facts.grid.includes(a) && !isDynamic(nest.axes[a]!.extent));

/** In which sweeps over the chunks of an axis the parts of a nest are worked out: as few as there can be. */
export function sweepsOf(nest: LoopNest, facts: Facts, axis: number): Sweeps {
  const { parts, values } = nest;
  const links = linkRescale(nest);
  const isOver = (p: number): boolean => ((facts.own[p]! >> axis) & 1) === 1;
  const reads = parts.map(p => partsRead(values, [p.of]));
  const sweep = parts.map(() => 0);
  const ready = parts.map(() => 1);
  const rescale = parts.map(() => -1);
  const order = [...parts.keys()].sort((a, b) => parts[a]!.of - parts[b]!.of); // what is read before its readers
  for (const p of order) {
    const earliest = (but: number): number => reads[p]!.reduce((least, q) => (q === but ? least : Math.max(least, ready[q]!)), 1);
    if (!parts[p]!.axes.includes(axis)) {
      ready[p] = earliest(-1);
      continue;
    }
    const max = links[p]!.rescale;
    const follows = max >= 0 && sweep[max]! >= earliest(max);
    if (follows) rescale[p] = max;
    sweep[p] = follows ? sweep[max]! : earliest(-1);
    ready[p] = sweep[p]! + 1;
  }
  const chunked = parts.map(() => new Set<number>());
  for (const p of order.reverse())
    for (const q of reads[p]!) if (isOver(q)) for (const s of sweep[p]! > 0 ? [sweep[p]!] : chunked[p]!) chunked[q]!.add(s);
  return { axis, count: Math.max(0, ...sweep), sweep, ready, chunked, rescale };
}
/** Is a float worked out in several sweeps, and does it reach a comparison? Rounded differently, it would decide differently. */
export function repeatsDecision({ values, parts }: LoopNest, { chunked }: Sweeps): boolean {
  const decides = new Set<number>();
  for (let v = values.length - 1; v >= 0; v--) {
    const value = values[v]!;
    const compares = value.kind === 'op' && ['lt', 'le', 'eq', 'bits'].includes(value.prim);
    if (!compares && !decides.has(v)) continue;
    for (const u of value.kind === 'part' ? [parts[value.part]!.of] : operands(value)) decides.add(u);
    if (value.kind === 'part' && decides.has(v) && value.type === 'f32' && chunked[value.part]!.size > 1) return true;
  }
  return false;
}
/** The nest's facts when tables hold one chunk of the axis. */
export const factsByChunk = (facts: Facts, axis: number): Facts => ({ ...facts, full: facts.full.map(set => set & ~(1 << axis)) });
/** Maxima that sums follow: how far each moved in a chunk is a table beside its own. */
export const followed = ({ rescale }: Sweeps): readonly number[] => [...new Set(rescale.filter(max => max >= 0))].sort((a, b) => a - b);
