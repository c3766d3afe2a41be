// L2 → WGSL. A pure function that optimises nothing. Conventions: storage bindings 0 … n − 1 of group 0 in memory order, the uniform
// block (element 0 the batch, then the run-time scalars as bits) at n when it is used; bool is a u32 of 0 or 1 in buffers; the
// workgroup's number is folded over x, y and z, so that a grid may pass the limit of one dimension.
import type { Access } from '../../common/program.ts';
import { isDynamic } from '../../common/size.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { type Code, type Expr, isOfVectors, type Memory, type Statement, type Width } from '../code/types.ts';
import { walkExpressions } from '../code/walk.ts';
import { CompileError } from '../errors.ts';
import { shortestF32 } from './numbers.ts';
import { wgslPolyfills } from './polyfills-wgsl.ts';
import { commentLine, fill, intrinsicOf, templateOf, unwrapped, withNeeds } from './text.ts';

export interface WgslOptions {
  /** One a storage binding. A binding may be declared read_write though this kernel only reads it (arenas are). */
  readonly access: readonly Access[];
  /** Lines for people; any text. */
  readonly comment: readonly string[];
}

const uniformElements = 64;
const wide = (type: string, width: Width): string => (width === 4 ? `vec4<${type}>` : type);
/** Type in buffers. */
const stored = (type: ScalarType): string => (type === 'bool' ? 'u32' : type);
const elementType = (m: Memory): ScalarType => (m.space === 'storage' ? (m.dtype === 'f16' ? 'f32' : m.dtype) : m.type);

/** WGSL text of a kernel with entry point `main`.
 *  @throws CompileError HC34 when it has more run-time scalars than the uniform block holds. */
export function renderWgsl(code: Code, { access, comment }: WgslOptions): string {
  const polyfills = new Map<string, Set<Width>>();
  let usesUniforms = isDynamic(code.grid.of);
  let usesInfinity = false;
  walkExpressions(code.body, e => {
    usesUniforms ||= e.kind === 'batch' || e.kind === 'scalar';
    usesInfinity ||= e.kind === 'literal' && e.type === 'f32' && !Number.isFinite(Math.fround(e.value));
    if (e.kind === 'op') {
      const { polyfill } = intrinsicOf('wgsl', e);
      if (polyfill) polyfills.set(polyfill, (polyfills.get(polyfill) ?? new Set<Width>()).add(e.width));
    }
  });
  const storage = code.memories.filter(m => m.space === 'storage');
  const privates = code.memories
    .map((m, i) => (m.space === 'private' ? `  var ${nameOf(code, i)}: array<${stored(m.type)}, ${m.length}>;` : ''))
    .filter(Boolean);
  const lines = [
    ...comment.map(commentLine),
    ...code.memories.flatMap((m, i) => declaration(code, m, i, access)),
    ...(usesUniforms ? [`@group(0) @binding(${storage.length}) var<uniform> u: array<vec4<u32>, ${uniformElements / 4}>;`] : []),
    ...helperText(polyfills, usesInfinity),
    `@compute @workgroup_size(${code.lanes})`,
    'fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(num_workgroups) num: vec3<u32>, @builtin(local_invocation_index) li: u32) {',
    '  let group = i32((wg.z * num.y + wg.y) * num.x + wg.x);',
    '  let lane = i32(li);',
    ...privates,
    `  if (group < ${totalGroups(code)}) {`,
    ...statements(code, code.body, '    '),
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function declaration(code: Code, m: Memory, i: number, access: readonly Access[]): readonly string[] {
  switch (m.space) {
    case 'storage':
      return [
        `@group(0) @binding(${i}) var<storage, ${access[i] ?? (m.written ? 'read_write' : 'read')}> b${i}: array<${wide(stored(elementType(m)), m.vector ? 4 : 1)}>;`,
      ];
    case 'shared':
      return [`var<workgroup> ${nameOf(code, i)}: array<${wide(stored(m.type), m.vector ? 4 : 1)}, ${m.vector ? m.length / 4 : m.length}>;`];
    case 'private':
      return [];
  }
}
const nameOf = (code: Code, memory: number): string => ({ storage: 'b', shared: 's', private: 'l' })[code.memories[memory]!.space] + memory;

function helperText(used: ReadonlyMap<string, ReadonlySet<Width>>, infinity: boolean): readonly string[] {
  const of = (width: Width): readonly string[] =>
    withNeeds(
      [...used].filter(([, widths]) => widths.has(width)).map(([name]) => name),
      wgslPolyfills,
    );
  const out: string[] = [];
  const constant = infinity || [...of(1), ...of(4)].includes('f_infinity');
  if (constant) out.push(wgslPolyfills.f_infinity!.text.trimEnd());
  for (const width of [1, 4] as const) {
    const types = { T: wide('f32', width), I: wide('i32', width), U: wide('u32', width), B: wide('bool', width), W: width === 4 ? '4' : '' };
    for (const name of of(width)) if (name !== 'f_infinity') out.push(fill(wgslPolyfills[name]!.text, [], types).trimEnd());
  }
  return out;
}

function totalGroups({ grid: { count, of, per } }: Code): string {
  if (typeof of === 'number') return `${count * Math.ceil(of / per)}`;
  const size = of.batch === 1 ? 'i32(u[0].x)' : `i32(u[0].x) * ${of.batch}`;
  const tiles = per === 1 ? size : `(${size} + ${per - 1}) / ${per}`;
  return count === 1 ? tiles : `(${tiles}) * ${count}`;
}

const statements = (code: Code, body: readonly Statement[], indent: string): readonly string[] => body.flatMap(s => statement(code, s, indent));
function statement(code: Code, s: Statement, indent: string): readonly string[] {
  const e = (x: Expr): string => unwrapped(expression(code, x));
  switch (s.kind) {
    case 'let':
    case 'var':
      return [`${indent}${s.kind} ${s.name} = ${typed(s.value, e(s.value))};`];
    case 'set':
      return [`${indent}${s.name} = ${e(s.value)};`];
    case 'store': {
      const m = code.memories[s.memory]!;
      const value = elementType(m) === 'bool' ? `${wide('u32', s.value.width)}(${e(s.value)})` : e(s.value);
      return [`${indent}${access(code, s.memory, s.at)} = ${value};`];
    }
    case 'for':
      return [
        `${indent}for (var ${s.name} = ${typed(s.from, e(s.from))}; ${s.name} < ${e(s.to)}; ${s.name} += ${s.step}) {`,
        ...statements(code, s.body, `${indent}  `),
        `${indent}}`,
      ];
    case 'if':
      return [`${indent}if (${e(s.condition)}) {`, ...statements(code, s.body, `${indent}  `), `${indent}}`];
    case 'barrier':
      return [`${indent}workgroupBarrier();`];
  }
}
const typed = (e: Expr, text: string): string => (e.kind === 'literal' && e.type === 'i32' ? `i32(${e.value})` : text);

function access(code: Code, memory: number, at: Expr): string {
  const m = code.memories[memory]!;
  const index = expression(code, at);
  if (!isOfVectors(m)) return `${nameOf(code, memory)}[${unwrapped(index)}]`;
  return `${nameOf(code, memory)}[${at.kind === 'literal' ? at.value / 4 : `${index} >> 2u`}]`;
}

function expression(code: Code, x: Expr): string {
  switch (x.kind) {
    case 'literal':
      return number(x.value, x.type);
    case 'name':
      return x.name;
    case 'group':
      return 'group';
    case 'lane':
      return 'lane';
    case 'batch':
      return 'i32(u[0].x)';
    case 'scalar': {
      if (x.index >= uniformElements)
        throw new CompileError('HC34', `run-time scalar ${x.index} lies beyond the uniform block's ${uniformElements} elements`);
      const bits = `u[${x.index >> 2}].${'xyzw'[x.index & 3]}`;
      return x.type === 'u32' ? bits : x.type === 'bool' ? `(${bits} != 0u)` : `bitcast<${x.type}>(${bits})`;
    }
    case 'op': {
      const i = intrinsicOf('wgsl', x);
      const first = x.args[0]!;
      return fill(
        templateOf(i, x),
        x.args.map(a => expression(code, a)),
        { T: wide(x.type, x.width), A: wide(first.type, first.width), U: wide('u32', x.width), W: x.width === 4 ? '4' : '' },
      );
    }
    case 'load': {
      const text = access(code, x.memory, x.at);
      return x.type === 'bool' ? `(${text} != ${wide('u32', x.width)}(0u))` : text;
    }
    case 'element':
      return `${expression(code, x.of)}.${'xyzw'[x.at]}`;
    case 'vector': {
      const parts = x.of.map(e => expression(code, e));
      return `vec4<${x.type}>(${parts.every(p => p === parts[0]) ? parts[0] : parts.join(', ')})`;
    }
  }
}

/** A literal. Infinities and NaN may not be constants: they come from the bits of a variable. */
function number(x: number, type: ScalarType): string {
  switch (type) {
    case 'bool':
      return x === 0 ? 'false' : 'true';
    case 'i32':
      return x < 0 ? (x === -2147483648 ? '(-2147483647 - 1)' : `(${x})`) : `${x}`;
    case 'u32':
      return `${x}u`;
    case 'f32': {
      if (Number.isNaN(x)) return 'bitcast<f32>(infinity_bits | 0x400000)';
      if (!Number.isFinite(Math.fround(x))) return x < 0 ? '(-bitcast<f32>(infinity_bits))' : 'bitcast<f32>(infinity_bits)';
      const text = `${shortestF32(x)}f`;
      return text.startsWith('-') ? `(${text})` : text;
    }
  }
}
