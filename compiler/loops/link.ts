// The rescale link. Sums over k of exp(x − m)·w, with m the max over k of x, can run in the same loop as the max: whenever m moves, what
// has been summed is multiplied by exp(m_old − m_new). Milakov & Gimelshein, "Online normalizer calculation for softmax" (2018);
// with w = a row of values it is the loop of FlashAttention (Dao et al. 2022).
import { partsRead, phases } from './facts.ts';
import type { LoopNest, Part } from './types.ts';

/** The parts with links wherever the form allows one and the loops still have an order. */
export function linkRescale(nest: Pick<LoopNest, 'values' | 'parts'>): readonly Part[] {
  const { values } = nest;
  const parts: Part[] = [...nest.parts];

  /** Does the value depend on the part, bodies of parts included? */
  const dependsOn = (value: number, part: number): boolean => {
    const seen = new Set<number>();
    const stack = [...partsRead(values, [value])];
    while (stack.length > 0) {
      const p = stack.pop()!;
      if (p === part) return true;
      if (seen.has(p)) continue;
      seen.add(p);
      stack.push(...partsRead(values, [parts[p]!.of]));
    }
    return false;
  };
  /** exp(x − m) with the very x that m is the max of, so that it never exceeds 1 on the way; times factors free of m. */
  const isWeight = (value: number, max: number): boolean => {
    const v = values[value]!;
    if (v.kind !== 'op') return false;
    const [a, b] = v.args as readonly [number, number];
    switch (v.prim) {
      case 'exp': {
        const shifted = values[a]!;
        if (shifted.kind !== 'op' || shifted.prim !== 'sub') return false;
        const [x, m] = shifted.args as readonly [number, number];
        const right = values[m]!;
        return right.kind === 'part' && right.part === max && x === parts[max]!.of;
      }
      case 'mul':
        return (isWeight(a, max) && !dependsOn(b, max)) || (isWeight(b, max) && !dependsOn(a, max));
      default:
        return false;
    }
  };

  parts.forEach((part, i) => {
    if (part.kind !== 'sum') return;
    const max = partsRead(values, [part.of]).find(q => parts[q]!.kind === 'max' && `${parts[q]!.axes}` === `${part.axes}` && isWeight(part.of, q));
    if (max === undefined) return;
    parts[i] = { ...part, rescale: max };
    if (phases({ values, parts }) === undefined) parts[i] = part;
  });
  return parts;
}
