// L2 → JavaScript. A pure function that optimises nothing; for code of one lane without vectors. The text is a script whose value
// is obtained by `new Function(text)()`: `function (m, u, from, to)` with m the typed arrays in memory order (bool is Uint32Array),
// u = [batch, ...scalars] in doubles, and groups from ≤ group < to. Floats are doubles until a typed array rounds them.
import type { ScalarType } from '../../dsl/scalar.ts';
import type { Code, Expr, Statement } from '../code/types.ts';
import { walkExpressions } from '../code/walk.ts';
import { CompileError } from '../errors.ts';
import { jsPolyfills } from './polyfills-js.ts';
import { commentLine, fill, intrinsicOf, templateOf, unwrapped, withNeeds } from './text.ts';

export interface JsOptions {
  /** Lines for people; any text. */
  readonly comment: readonly string[];
}

/** JavaScript text of a kernel.
 *  @throws CompileError HC35 for code with vectors or several lanes. */
export function renderJs(code: Code, { comment }: JsOptions): string {
  if (code.lanes !== 1) throw new CompileError('HC35', `JavaScript runs one lane, the code has ${code.lanes}`);
  const used = new Set<string>();
  // read once: engines don't take loads out of loops
  const uniforms = new Map<string, string>();
  walkExpressions(code.body, e => {
    if (e.width !== 1) throw new CompileError('HC35', 'JavaScript has no vectors');
    if (e.kind === 'batch' || e.kind === 'scalar') uniforms.set(uniformName(e), uniformValue(e));
    if (e.kind !== 'op') return;
    const i = intrinsicOf('js', e);
    if (i.polyfill && templateOf(i, e) === i.text) used.add(i.polyfill);
  });
  const lines = [
    ...comment.map(commentLine),
    ...withNeeds([...used], jsPolyfills).map(name => jsPolyfills[name]!.text.trimEnd()),
    ...code.memories.flatMap((m, i) => (m.space === 'storage' ? [] : [`const ${nameOf(code, i)} = new ${arrayType(m.type)}(${m.length});`])),
    'return function (m, u, from, to) {',
    ...code.memories.flatMap((m, i) => (m.space === 'storage' ? [`  const b${i} = m[${i}];`] : [])),
    ...[...uniforms].map(([name, value]) => `  const ${name} = ${value};`),
    '  for (let group = from; group < to; group++) {',
    ...statements(code, code.body, '    '),
    '  }',
    '};',
  ];
  return `${lines.join('\n')}\n`;
}
const arrayType = (t: ScalarType): string => ({ f32: 'Float64Array', i32: 'Int32Array', u32: 'Uint32Array', bool: 'Uint32Array' })[t];
const nameOf = (code: Code, memory: number): string => ({ storage: 'b', shared: 's', private: 'l' })[code.memories[memory]!.space] + memory;

type Uniform = Expr & { readonly kind: 'batch' | 'scalar' };
const uniformName = (x: Uniform): string => (x.kind === 'batch' ? 'batch' : `u${x.index}`);
function uniformValue(x: Uniform): string {
  const of = `u[${x.kind === 'batch' ? 0 : x.index}]`;
  const asType = { f32: of, i32: `${of} | 0`, u32: `${of} >>> 0`, bool: `${of} !== 0` };
  return asType[x.type];
}

const statements = (code: Code, body: readonly Statement[], indent: string): readonly string[] => body.flatMap(s => statement(code, s, indent));
function statement(code: Code, s: Statement, indent: string): readonly string[] {
  const e = (x: Expr): string => unwrapped(expression(code, x));
  switch (s.kind) {
    case 'let':
      return [`${indent}const ${s.name} = ${e(s.value)};`];
    case 'var':
      return [`${indent}let ${s.name} = ${e(s.value)};`];
    case 'set':
      return [`${indent}${s.name} = ${e(s.value)};`];
    case 'store': {
      const value = s.value.type === 'bool' ? `(${e(s.value)}) ? 1 : 0` : e(s.value);
      return [`${indent}${nameOf(code, s.memory)}[${e(s.at)}] = ${value};`];
    }
    case 'for':
      return [
        `${indent}for (let ${s.name} = ${e(s.from)}; ${s.name} < ${expression(code, s.to)}; ${s.name} += ${s.step}) {`,
        ...statements(code, s.body, `${indent}  `),
        `${indent}}`,
      ];
    case 'if':
      return [`${indent}if (${e(s.condition)}) {`, ...statements(code, s.body, `${indent}  `), `${indent}}`];
    case 'barrier':
      return []; // one lane is always together
  }
}

function expression(code: Code, x: Expr): string {
  switch (x.kind) {
    case 'literal':
      return x.type === 'bool'
        ? `${x.value !== 0}`
        : x.value < 0 || Object.is(x.value, -0)
          ? `(${Object.is(x.value, -0) ? '-0' : x.value})`
          : `${x.value}`;
    case 'name':
      return x.name;
    case 'group':
      return 'group';
    case 'lane':
      return '0';
    case 'batch':
    case 'scalar':
      return uniformName(x);
    case 'op':
      return fill(
        templateOf(intrinsicOf('js', x), x),
        x.args.map(a => expression(code, a)),
        {},
      );
    case 'load': {
      const text = `${nameOf(code, x.memory)}[${unwrapped(expression(code, x.at))}]`;
      return x.type === 'bool' ? `(${text} !== 0)` : text;
    }
    case 'element':
    case 'vector':
      throw new CompileError('HC35', 'JavaScript has no vectors');
  }
}
