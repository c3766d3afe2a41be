// Structured code as text for people: debugging, dumps, tests of what is generated.
import { showSize } from '../../common/size.ts';
import type { Prim } from '../../dsl/scalar.ts';
import { type Code, type Expr, isOfVectors, type Memory, type Statement } from './types.ts';

export function printCode(code: Code): string {
  const { count, of, per } = code.grid;
  const head = [`groups ${count === 1 ? '' : `${count} · `}${showSize(of)}${per === 1 ? '' : ` / ${per}`}, lanes ${code.lanes}`];
  return [...head, ...code.memories.map((m, i) => `${place(i)}: ${printMemory(m)}`), ...printBlock(code.body, '')].join('\n');
}

const place = (memory: number): string => `m${memory}`;
const printMemory = (m: Memory): string =>
  m.space === 'storage'
    ? `${m.dtype}${m.vector ? 'x4' : ''}${m.written ? ' written' : ''}`
    : `${m.space} ${m.type}${isOfVectors(m) ? 'x4' : ''}[${m.length}]`;

const printBlock = (body: readonly Statement[], indent: string): readonly string[] => body.flatMap(s => printStatement(s, indent));
function printStatement(s: Statement, indent: string): readonly string[] {
  switch (s.kind) {
    case 'let':
      return [`${indent}${s.name} = ${printExpr(s.value)}`];
    case 'var':
      return [`${indent}var ${s.name} = ${printExpr(s.value)}`];
    case 'set':
      return [`${indent}${s.name} := ${printExpr(s.value)}`];
    case 'store':
      return [`${indent}${place(s.memory)}[${printExpr(s.at)}] := ${printExpr(s.value)}`];
    case 'for':
      return [
        `${indent}for ${s.name} = ${printExpr(s.from)} .. ${printExpr(s.to)}${s.step === 1 ? '' : ` by ${s.step}`}`,
        ...printBlock(s.body, `${indent}  `),
      ];
    case 'if':
      return [`${indent}if ${printExpr(s.condition)}`, ...printBlock(s.body, `${indent}  `)];
    case 'barrier':
      return [`${indent}barrier`];
  }
}

const infix: Partial<Record<Prim, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  quo: 'quo',
  rem: 'rem',
  lt: '<',
  le: '<=',
  eq: '==',
  and: 'and',
  or: 'or',
};
function printExpr(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return e.type === 'bool' ? `${e.value !== 0}` : `${e.value}`;
    case 'name':
      return e.name;
    case 'group':
    case 'lane':
    case 'batch':
      return e.kind;
    case 'scalar':
      return `scalar${e.index}`;
    case 'op': {
      const args = e.args.map(printExpr);
      return infix[e.prim] ? `(${args.join(` ${infix[e.prim]} `)})` : `${e.prim}(${args.join(', ')})`;
    }
    case 'load':
      return `${place(e.memory)}[${printExpr(e.at)}${e.width === 4 ? ' x4' : ''}]`;
    case 'element':
      return `${printExpr(e.of)}.${e.at}`;
    case 'vector':
      return e.of.every(x => x === e.of[0]) ? `x4(${printExpr(e.of[0]!)})` : `(${e.of.map(printExpr).join(', ')})`;
  }
}
