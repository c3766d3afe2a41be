// Statements of a kernel, run symbolically. Branches on run-time conditions run both ways and meet in selects, loops unroll; a path
// is a list of what is still to run, so that an early return needs no flag: what follows an if belongs to its sides.
import { scalarTypeOf, wordsFor } from './annotations.ts';
import { constant, type Value } from './emit.ts';
import type { Expressions } from './expressions.ts';
import { binary } from './operators.ts';
import { fail } from './place.ts';
import { type Cell, find, type Scope, type Store, within } from './scope.ts';
import { type TypeScript, type ts, typescript } from './typescript.ts';

/** What is still to run on a path, innermost first. */
type Work = { readonly next: Work | undefined } & (
  | { readonly kind: 'statement'; readonly statement: ts.Statement; readonly scope: Scope }
  | { readonly kind: 'bind'; readonly cell: Cell; readonly value: Value }
);

const maxRounds = 1024;
const maxSteps = 100_000;

export class Paths {
  private readonly expressions: Expressions;
  private readonly api: TypeScript = typescript();
  private steps = 0;

  constructor(expressions: Expressions) {
    this.expressions = expressions;
  }

  /** The value that a body returns, or undefined where a path ends without. */
  body(block: ts.Block, scope: Scope, store: Store): Value | undefined {
    return this.run(this.statements(block.statements, within(scope), undefined), store);
  }

  private statements(list: readonly ts.Statement[], scope: Scope, rest: Work | undefined): Work | undefined {
    return list.reduceRight<Work | undefined>((next, statement) => ({ kind: 'statement', statement, scope, next }), rest);
  }

  /** Runs a path to its return, or to its end (undefined). */
  private run(path: Work | undefined, store: Store): Value | undefined {
    const { api } = this;
    for (let work = path; work; ) {
      if (work.kind === 'bind') {
        store.set(work.cell, work.value);
        work = work.next;
        continue;
      }
      const { statement, scope, next }: Work & { kind: 'statement' } = work;
      if (++this.steps > maxSteps) fail(statement, `more than ${maxSteps} steps when everything is unrolled`);
      work = next;
      if (api.isReturnStatement(statement)) {
        if (!statement.expression) fail(statement, 'a kernel returns a value');
        return this.expressions.evaluate(statement.expression!, scope, store);
      }
      if (api.isBlock(statement)) work = this.statements(statement.statements, within(scope), next);
      else if (api.isVariableStatement(statement)) this.define(statement.declarationList, scope, store);
      else if (api.isExpressionStatement(statement)) this.assign(statement.expression, scope, store);
      else if (api.isForStatement(statement)) work = this.unrolled(statement, scope, store, next);
      else if (api.isIfStatement(statement)) {
        const branch = this.branch(statement, scope, store, next);
        if (branch.done) return branch.value;
        work = branch.work;
      } else if (!api.isEmptyStatement(statement))
        fail(statement, `${wordsFor(statement)} cannot be read: only let, const, if, for, assignments and return`);
    }
    return undefined;
  }

  /** An if: one side where the condition is known; else both, joined by selects. Where a side may return, what follows the if is part of it. */
  private branch(
    node: ts.IfStatement,
    scope: Scope,
    store: Store,
    next: Work | undefined,
  ): { done: true; value: Value } | { done: false; work: Work | undefined } {
    const condition = this.expressions.condition(node.expression, scope, store);
    const sides = [node.thenStatement, ...(node.elseStatement ? [node.elseStatement] : [])];
    const side = (s: ts.Statement | undefined, rest: Work | undefined): Work | undefined => (s ? this.statements([s], within(scope), rest) : rest);
    if (condition.kind === 'const') return { done: false, work: side(condition.value ? node.thenStatement : node.elseStatement, next) };
    const returns = sides.some(s => this.mayReturn(s));
    const stores = [new Map(store), new Map(store)] as const;
    const [yes, no] = [node.thenStatement, node.elseStatement].map((s, k) => this.run(side(s, returns ? next : undefined), stores[k]!));
    if (returns) {
      if (!yes || !no) return fail(node, 'not every path returns a value');
      return { done: true, value: this.expressions.emitter.apply(node, 'select', condition, yes, no) };
    }
    for (const [cell, a] of stores[0]) {
      const b = stores[1].get(cell); // undefined: declared inside one side, or given a value there alone
      if (b && a !== b) store.set(cell, this.expressions.emitter.apply(node, 'select', condition, a, b));
    }
    return { done: false, work: next };
  }
  private mayReturn(node: ts.Node): boolean {
    const { api } = this;
    if (api.isReturnStatement(node)) return true;
    return !api.isFunctionLike(node) && api.forEachChild(node, child => this.mayReturn(child) || undefined) === true;
  }

  private define(list: ts.VariableDeclarationList, scope: Scope, store: Store): void {
    const { api } = this;
    if ((list.flags & api.NodeFlags.BlockScoped) === 0) fail(list, 'var is not read: let or const');
    for (const d of list.declarations) {
      if (!api.isIdentifier(d.name)) fail(d.name, 'a variable has one name: no destructuring');
      const declared = d.type ? scalarTypeOf(d.type) : undefined;
      const value = d.initializer && this.expressions.evaluate(d.initializer, scope, store);
      const cell: Cell = { name: d.name.text, constant: (list.flags & api.NodeFlags.Const) !== 0, declared };
      if (value) store.set(cell, declared ? this.expressions.emitter.typed(d.initializer!, value, declared) : value);
      scope.names.set(cell.name, cell);
    }
  }

  /** x = e, x += e, x++. */
  private assign(node: ts.Expression, scope: Scope, store: Store): void {
    const { api } = this;
    if (api.isParenthesizedExpression(node)) {
      this.assign(node.expression, scope, store);
      return;
    }
    const step = api.isPostfixUnaryExpression(node) || api.isPrefixUnaryExpression(node) ? stepOf(api, node.operator) : undefined;
    if (step && (api.isPostfixUnaryExpression(node) || api.isPrefixUnaryExpression(node))) {
      const old = this.expressions.evaluate(node.operand, scope, store);
      this.set(node.operand, this.expressions.emitter.apply(node, step, old, constant(1)), scope, store);
      return;
    }
    const operator = api.isBinaryExpression(node) ? node.operatorToken.getText() : '';
    if (!api.isBinaryExpression(node) || !/^[^=!<>]*=$|^(?:<<|>>>?)=$/.test(operator)) fail(node, 'an expression without effect');
    const value = this.expressions.evaluate(node.right, scope, store);
    if (operator === '=') {
      this.set(node.left, value, scope, store);
      return;
    }
    const meaning = binary.get(operator.slice(0, -1)) ?? fail(node.operatorToken, `${operator} cannot be read`);
    this.set(node.left, meaning(this.expressions.emitter, node, this.expressions.evaluate(node.left, scope, store), value), scope, store);
  }
  private set(target: ts.Expression, value: Value, scope: Scope, store: Store): void {
    if (!this.api.isIdentifier(target)) fail(target, 'only local variables are assigned');
    const cell = find(target, scope);
    if (!cell) fail(target, `${target.text} is no local variable: a kernel changes nothing outside itself`);
    if (cell.constant) fail(target, `${target.text} is constant here`);
    const type = cell.declared ?? store.get(cell)?.type;
    store.set(cell, type ? this.expressions.emitter.typed(target, value, type) : value);
  }

  /** A for loop as the statements of all its rounds. */
  private unrolled(node: ts.ForStatement, scope: Scope, store: Store, next: Work | undefined): Work | undefined {
    const { api } = this;
    const { initializer, condition, incrementor } = node;
    const [counter] = initializer && api.isVariableDeclarationList(initializer) ? initializer.declarations : [];
    if (
      !counter ||
      !condition ||
      !incrementor ||
      !api.isIdentifier(counter.name) ||
      (initializer as ts.VariableDeclarationList).declarations.length !== 1
    )
      return fail(node, 'a loop is written for (let i = 0; i < 4; i++)');
    const bounds: Scope = { names: new Map(), parent: scope, constantsOnly: true };
    const values: Store = new Map(store);
    this.define(initializer as ts.VariableDeclarationList, bounds, values);
    const cell = bounds.names.get(counter.name.text)!;
    const rounds: Value[] = [];
    for (;;) {
      const more = this.expressions.condition(condition, bounds, values);
      const value = values.get(cell);
      if (more.kind !== 'const' || value?.kind !== 'const') return fail(condition, 'the bounds of a loop are literals and module-level constants');
      if (!more.value) break;
      if (rounds.push(value) > maxRounds) fail(node, `more than ${maxRounds} rounds`);
      this.assign(incrementor, bounds, values);
    }
    return rounds.reduceRight<Work | undefined>((rest, value) => {
      const round = within(scope);
      const now: Cell = { name: cell.name, constant: true, declared: cell.declared };
      round.names.set(cell.name, now);
      return { kind: 'bind', cell: now, value, next: { kind: 'statement', statement: node.statement, scope: round, next: rest } };
    }, next);
  }
}

const stepOf = (api: TypeScript, operator: ts.PrefixUnaryOperator): 'add' | 'sub' | undefined =>
  operator === api.SyntaxKind.PlusPlusToken ? 'add' : operator === api.SyntaxKind.MinusMinusToken ? 'sub' : undefined;
