// A loop nest as text, for people and for snapshots: loops in the order in which they run, values named where they are used twice.
import { showSize } from '../../common/size.ts';
import type { Prim } from '../../dsl/scalar.ts';
import { indexValues } from './affine.ts';
import { axesOf, freeAxes, loopOrder, operands, partAxes, scope } from './facts.ts';
import type { Atom, Index, LoopNest, Val } from './types.ts';

const infix: Partial<Record<Prim, string>> = { add: '+', sub: '−', mul: '·', div: '/', lt: '<', le: '≤', eq: '=', and: '∧', or: '∨' };

/** `name` gives tensors names; without it a graph node is %id. */
export function printNest(nest: LoopNest, name: (node: number) => string = id => `%${id}`): string {
  const lines: string[] = [`axes ${nest.axes.map(a => `${a.name}:${showSize(a.extent)}`).join(' ')}`.trimEnd()];
  const uses = countUses(nest);
  const named = (v: number) => nest.values[v]!.kind === 'op' && uses[v]! > 1;
  const axes = (list: readonly number[]) => list.map(a => nest.axes[a]!.name).join(' ');

  const atom = (a: Atom): string => {
    switch (a.kind) {
      case 'axis':
        return nest.axes[a.axis]!.name;
      case 'value':
        return `{${use(a.value)}}`;
      case 'div':
        return `(${index(a.of)} div ${a.by})`;
      case 'mod':
        return `(${index(a.of)} mod ${a.by})`;
    }
  };
  const index = (x: Index): string => {
    const terms = x.terms.map(t => `${t.times === 1 ? '' : t.times === -1 ? '−' : `${t.times}`.replace('-', '−')}${atom(t.atom)}`);
    if (x.constant !== 0 || terms.length === 0) terms.push(`${x.constant}`.replace('-', '−'));
    return terms.join(' + ').replaceAll('+ −', '− ');
  };
  const use = (v: number): string => (named(v) ? `v${v}` : write(nest.values[v]!));
  const write = (x: Val): string => {
    switch (x.kind) {
      case 'const':
        return `${x.value}`;
      case 'size':
        return showSize(x.size);
      case 'scalar':
        return `$${x.name}`;
      case 'index':
        return `(${index(x.at)})`;
      case 'load':
        return `${name(nest.buffers[x.buffer]!.node)}[${index(x.at)}]${x.when < 0 ? '' : ` if ${use(x.when)} else ${x.other}`}`;
      case 'op': {
        const sign = infix[x.prim];
        return sign ? `(${use(x.args[0]!)} ${sign} ${use(x.args[1]!)})` : `${x.prim}(${x.args.map(use).join(', ')})`;
      }
      case 'part':
        return `p${x.part}`;
    }
  };

  const said = new Set<number>();
  const sayShared = (roots: readonly number[], indent: string) => {
    for (const v of scope(nest.values, roots)) {
      if (!named(v) || said.has(v)) continue;
      said.add(v);
      lines.push(`${indent}v${v} = ${write(nest.values[v]!)}`);
    }
  };
  const free = freeAxes(nest);
  for (const loop of loopOrder(nest) ?? nest.loops) {
    lines.push(`for ${axes(nest.parts[loop[0]!]!.axes)}:`);
    for (const p of loop) {
      const part = nest.parts[p]!;
      sayShared([part.of], '  ');
      const rescale = part.rescale < 0 ? '' : ` rescale by p${part.rescale}`;
      lines.push(`  p${p}[${axes(axesOf(partAxes(part, free)))}] ${part.kind}= ${use(part.of)}${rescale}`);
    }
  }
  for (const s of nest.stores) {
    sayShared([s.value, ...indexValues(s.at)], '');
    lines.push(
      `${['store', ...s.axes.map(a => nest.axes[a]!.name)].join(' ')}: ${name(nest.buffers[s.buffer]!.node)}[${index(s.at)}] = ${use(s.value)}`,
    );
  }
  return lines.join('\n');
}

function countUses(nest: LoopNest): readonly number[] {
  const uses = nest.values.map(() => 0);
  for (const v of [...nest.values.flatMap(operands), ...nest.parts.map(p => p.of), ...nest.stores.flatMap(s => [s.value, ...indexValues(s.at)])])
    uses[v]!++;
  return uses;
}
