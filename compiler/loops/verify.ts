// What a loop nest may look like, as code: a table of rules, each a sentence that holds. Runs between passes in tests, so that a broken
// pass fails at the pass.
import { primType, type ScalarType } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { scalarType } from '../graph/graph.ts';
import { compareAtoms, indexRange } from './affine.ts';
import { allBounds, type Bounds, upperBound } from './bounds.ts';
import { axesOf, axisSet, freeAxes, indexAxes, liveValues, loopOrder, operands, partsRead, scope } from './facts.ts';
import type { Index, LoopNest, Val } from './types.ts';

/** What breaks the rule, or undefined. */
type Rule = (nest: LoopNest) => string | undefined;

/** Throws CompileError HC205 for the first rule that is broken: always a mistake of a pass, never of the user. */
export function verifyNest(nest: LoopNest): void {
  for (const [rule, broken] of Object.entries(rules)) {
    const where = broken(nest);
    if (where !== undefined) throw new CompileError('HC205', `malformed loop nest: ${rule}, but ${where}`);
  }
}

/** In order: a rule may rely on those above it. */
const rules: Record<string, Rule> = {
  'operands come before their users': nest =>
    first(nest.values, (v, i) => {
      const late = [...operands(v), ...(v.kind === 'part' ? [nest.parts[v.part]?.of ?? i] : [])].find(a => !(a >= 0 && a < i));
      return late === undefined ? undefined : `v${i} reads v${late}`;
    }),
  'values have the types of their kinds': nest => first(nest.values, (v, i) => at(`v${i}`, typeFault(v, nest))),
  'indices are of axes and integers': nest => first(allIndices(nest), ([x, where]) => at(where, atomFault(x, nest))),
  'indices are in normal form': nest => {
    const bounds = allBounds(nest);
    return first(allIndices(nest), ([x, where]) => at(where, normalFault(x, nest, bounds)));
  },
  'every axis that is used is bound': nest => {
    const free = freeAxes(nest);
    return first(nest.stores, (s, i) => {
      const loose = (free[s.value]! | indexAxes(s.at, free)) & ~axisSet(s.axes);
      return loose === 0
        ? undefined
        : `store ${i} leaves ${axesOf(loose)
            .map(a => nest.axes[a]?.name ?? a)
            .join(' ')} free`;
    });
  },
  'a binder binds different axes that exist': nest =>
    first([...nest.parts, ...nest.stores], ({ axes }) =>
      new Set(axes).size !== axes.length || axes.some(a => nest.axes[a] === undefined) ? `one binds ${axes}` : undefined,
    ),
  'a reduction binds axes': nest => first(nest.parts, (p, i) => (p.axes.length === 0 ? `p${i} binds none` : undefined)),
  'every part is in one loop, of its own axes': nest =>
    first(nest.parts, (p, i) => {
      const loops = nest.loops.filter(l => l.includes(i));
      if (loops.length !== 1) return `p${i} is in ${loops.length}`;
      return axisSet(p.axes) === axisSet(nest.parts[loops[0]![0]!]!.axes) ? undefined : `p${i} has others`;
    }),
  'parts of one loop do not read each other, but a rescaled sum its max': nest =>
    first(nest.parts, (p, i) => {
      const loop = nest.loops.find(l => l.includes(i))!;
      const other = partsRead(nest.values, [p.of]).find(q => q !== p.rescale && loop.includes(q));
      return other === undefined ? undefined : `p${i} reads p${other}`;
    }),
  'a rescaled sum follows a max of its loop': nest =>
    first(nest.parts, (p, i) => {
      if (p.rescale < 0) return undefined;
      const max = nest.parts[p.rescale];
      return p.kind === 'sum' && max?.kind === 'max' && nest.loops.some(l => l.includes(i) && l.includes(p.rescale)) ? undefined : `p${i} does not`;
    }),
  'loops have an order': nest => (loopOrder(nest) === undefined ? 'they wait for each other' : undefined),
  'there is a store': nest => (nest.stores.length === 0 ? 'there is none' : undefined),
  'one store has the axes of all others': nest => {
    const all = nest.stores.reduce((set, s) => set | axisSet(s.axes), 0);
    return nest.stores.some(s => axisSet(s.axes) === all) ? undefined : `none has ${axesOf(all).map(a => nest.axes[a]!.name)}`;
  },
  'buffers are read or written, or changed in place': nest =>
    first(nest.stores, s => (nest.buffers[s.buffer]?.written === true ? undefined : `buffer ${s.buffer} is stored to`)) ??
    inPlaceFault(nest) ??
    first(nest.buffers, (b, i) => (nest.buffers.some((c, j) => j < i && c.node === b.node) ? `%${b.node} is two buffers` : undefined)),
  'everything serves a store': nest => {
    const live = liveValues(nest);
    const dead = nest.values.findIndex((_, v) => !live.has(v));
    if (dead >= 0) return `v${dead} does not`;
    const bound = axisSet([...nest.parts, ...nest.stores].flatMap(x => x.axes));
    return (
      first(nest.parts, (_, p) => (nest.values.some(v => v.kind === 'part' && v.part === p) ? undefined : `p${p} does not`)) ??
      first(nest.buffers, (_, b) =>
        nest.stores.some(s => s.buffer === b) || nest.values.some(v => v.kind === 'load' && v.buffer === b) ? undefined : `buffer ${b} does not`,
      ) ??
      first(nest.axes, (_, a) => ((bound >> a) & 1 ? undefined : `axis ${a} does not`))
    );
  },
};

/** A buffer that is read and written is read at the point that is written, and nowhere else: every point belongs to one lane. */
export function inPlaceFault(nest: LoopNest): string | undefined {
  const changed = (b: number): boolean => nest.buffers[b]!.written;
  if (!nest.values.some(v => v.kind === 'load' && changed(v.buffer))) return undefined;
  const reduced = new Set(
    scope(
      nest.values,
      nest.parts.map(p => p.of),
    ),
  );
  return first(nest.values, (v, i) => {
    if (v.kind !== 'load' || !changed(v.buffer)) return undefined;
    const stores = nest.stores.filter(s => s.buffer === v.buffer);
    if (v.when >= 0 || stores.length !== 1 || JSON.stringify(stores[0]!.at) !== JSON.stringify(v.at))
      return `buffer ${v.buffer} is read elsewhere, by v${i}`;
    return reduced.has(i) ? `buffer ${v.buffer} is read in a reduction, by v${i}` : undefined;
  });
}

function first<T>(all: readonly T[], fault: (x: T, i: number) => string | undefined): string | undefined {
  for (const [i, x] of all.entries()) {
    const why = fault(x, i);
    if (why !== undefined) return why;
  }
  return undefined;
}

const at = (where: string, fault: string | undefined): string | undefined => fault && `${where}: ${fault}`;

const sameTypes = new Set(['add', 'sub', 'mul', 'div', 'quo', 'rem', 'max', 'min', 'pow', 'and', 'or', 'xor', 'lt', 'le', 'eq']);
function typeFault(v: Val, nest: LoopNest): string | undefined {
  const type = (i: number): ScalarType => nest.values[i]!.type;
  const is = (want: ScalarType): string | undefined => (v.type === want ? undefined : `is ${v.type}, not ${want}`);
  switch (v.kind) {
    case 'const':
    case 'scalar':
      return undefined;
    case 'size':
    case 'index':
      return is('i32');
    case 'load': {
      const buffer = nest.buffers[v.buffer];
      if (buffer === undefined) return `there is no buffer ${v.buffer}`;
      return v.when >= 0 && type(v.when) !== 'bool' ? 'its guard is no bool' : is(scalarType(buffer.dtype));
    }
    case 'op': {
      const types = v.args.map(type);
      if (v.prim === 'select' ? types[0] !== 'bool' || types[1] !== types[2] : sameTypes.has(v.prim) && types[0] !== types[1])
        return `${v.prim} of ${types.join(' and ')}`;
      return is(primType(v.prim, types));
    }
    case 'part':
      return is(type(nest.parts[v.part]!.of));
  }
}

const allIndices = (nest: LoopNest): readonly (readonly [Index, string])[] => [
  ...nest.values.flatMap((v, i): [Index, string][] => (v.kind === 'load' || v.kind === 'index' ? [[v.at, `v${i}`]] : [])),
  ...nest.stores.map((s, i): [Index, string] => [s.at, `store ${i}`]),
];
function atomFault(x: Index, nest: LoopNest): string | undefined {
  return first(x.terms, ({ atom }) => {
    switch (atom.kind) {
      case 'axis':
        return nest.axes[atom.axis] === undefined ? `there is no axis ${atom.axis}` : undefined;
      case 'value':
        return nest.values[atom.value]?.type === 'i32' ? undefined : `v${atom.value} is no i32`;
      default:
        return atomFault(atom.of, nest);
    }
  });
}
function normalFault(x: Index, nest: LoopNest, bounds: readonly Bounds[]): string | undefined {
  if (x.terms.some(t => t.times === 0 || !Number.isSafeInteger(t.times)) || !Number.isSafeInteger(x.constant))
    return 'a factor is zero or no integer';
  if (x.terms.some((t, i) => i > 0 && compareAtoms(x.terms[i - 1]!.atom, t.atom) >= 0)) return 'terms are out of order';
  return first(x.terms, ({ atom }) => {
    switch (atom.kind) {
      case 'axis':
        return undefined;
      case 'value':
        return bounds[atom.value]![0] >= 0 ? undefined : `v${atom.value} may be negative`;
      default:
        if (!(atom.by >= 2)) return `a division by ${atom.by}`;
        if (!(indexRange(atom.of, a => upperBound(a, nest.axes, bounds))[0] >= 0)) return 'something negative is divided';
        return normalFault(atom.of, nest, bounds);
    }
  });
}
