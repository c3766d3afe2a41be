// Walks over structured code. Statements nest a few levels and expressions are kept shallow by values.ts, so these recurse.
import type { Expr, Statement } from './types.ts';

export function operandsOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'op':
      return e.args;
    case 'load':
      return [e.at];
    case 'element':
      return [e.of];
    case 'vector':
      return e.of;
    default:
      return [];
  }
}
export function expressionsOf(s: Statement): readonly Expr[] {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set':
      return [s.value];
    case 'store':
      return [s.at, s.value];
    case 'for':
      return [s.from, s.to];
    case 'if':
      return [s.condition];
    case 'barrier':
      return [];
  }
}
export function walkExpressions(body: readonly Statement[], expression: (e: Expr) => void, statement: (s: Statement) => void = () => {}): void {
  const visit = (e: Expr): void => {
    expression(e);
    for (const x of operandsOf(e)) visit(x);
  };
  for (const s of body) {
    statement(s);
    for (const e of expressionsOf(s)) visit(e);
    if (s.kind === 'for' || s.kind === 'if') walkExpressions(s.body, expression, statement);
  }
}
export const countStatements = (body: readonly Statement[]): number =>
  body.reduce((n, s) => n + 1 + (s.kind === 'for' || s.kind === 'if' ? countStatements(s.body) : 0), 0);

function mapExpr(e: Expr, f: (e: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'op':
      return f({ ...e, args: e.args.map(x => mapExpr(x, f)) });
    case 'load':
      return f({ ...e, at: mapExpr(e.at, f) });
    case 'element':
      return f({ ...e, of: mapExpr(e.of, f) });
    case 'vector':
      return f({ ...e, of: e.of.map(x => mapExpr(x, f)) });
    default:
      return f(e);
  }
}
/** Rebuilds code: expressions from their leaves up, then each statement as some others. */
export function mapStatements(
  body: readonly Statement[],
  expression: (e: Expr) => Expr,
  statement: (s: Statement) => readonly Statement[],
): readonly Statement[] {
  const go = (e: Expr): Expr => mapExpr(e, expression);
  const rebuild = (s: Statement): Statement => {
    switch (s.kind) {
      case 'let':
      case 'var':
      case 'set':
        return { ...s, value: go(s.value) };
      case 'store':
        return { ...s, at: go(s.at), value: go(s.value) };
      case 'for':
        return { ...s, from: go(s.from), to: go(s.to), body: mapStatements(s.body, expression, statement) };
      case 'if':
        return { ...s, condition: go(s.condition), body: mapStatements(s.body, expression, statement) };
      case 'barrier':
        return s;
    }
  };
  return body.flatMap(s => statement(rebuild(s)));
}
