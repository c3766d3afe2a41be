// Drops what no store needs (a piece of a concat that an index can't reach, an axis that collapsed) and renumbers the rest in
// order: dead parts would cost work, dead buffers bindings, and equal kernels must have equal text.
import { mapIndex } from './affine.ts';
import { axisSet, liveValues } from './facts.ts';
import type { Index, LoopNest, Val } from './types.ts';

type Unlooped = Omit<LoopNest, 'loops'>;

export function prune(nest: Unlooped): Unlooped {
  const live = liveValues(nest);
  const value = renumber(nest.values, (_, v) => live.has(v));
  const part = renumber(nest.parts, (_, p) => nest.values.some((x, v) => live.has(v) && x.kind === 'part' && x.part === p));
  const bound = axisSet([...nest.stores, ...part.kept].flatMap(x => x.axes));
  const axis = renumber(nest.axes, (_, a) => ((bound >> a) & 1) === 1);
  const buffer = renumber(
    nest.buffers,
    (_, b) => nest.stores.some(s => s.buffer === b) || nest.values.some((x, v) => live.has(v) && x.kind === 'load' && x.buffer === b),
  );
  const index = (x: Index): Index =>
    mapIndex(
      x,
      a => axis.to[a]!,
      v => value.to[v]!,
    );
  const move = (x: Val): Val => {
    switch (x.kind) {
      case 'const':
      case 'size':
      case 'scalar':
        return x;
      case 'index':
        return { ...x, at: index(x.at) };
      case 'load':
        return { ...x, buffer: buffer.to[x.buffer]!, at: index(x.at), when: x.when < 0 ? -1 : value.to[x.when]! };
      case 'op':
        return { ...x, args: x.args.map(a => value.to[a]!) };
      case 'part':
        return { ...x, part: part.to[x.part]! };
    }
  };
  return {
    axes: axis.kept,
    buffers: buffer.kept,
    values: value.kept.map(move),
    parts: part.kept.map(p => ({
      ...p,
      of: value.to[p.of]!,
      axes: p.axes.map(a => axis.to[a]!),
      rescale: p.rescale < 0 ? -1 : part.to[p.rescale]!,
    })),
    stores: nest.stores.map(s => ({ buffer: buffer.to[s.buffer]!, at: index(s.at), value: value.to[s.value]!, axes: s.axes.map(a => axis.to[a]!) })),
  };
}
function renumber<T>(all: readonly T[], keep: (x: T, i: number) => boolean): { readonly kept: readonly T[]; readonly to: readonly number[] } {
  const kept: T[] = [];
  const to = all.map((x, i) => (keep(x, i) ? kept.push(x) - 1 : -1));
  return { kept, to };
}
