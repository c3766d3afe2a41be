// Expressions of a kernel: what they are in typed values. Names are local variables, constants of the module, or functions that
// kernels know; everything else is refused at its place.
import { wordsFor } from './annotations.ts';
import { constant, type Emitter, showType, truth, type Value } from './emit.ts';
import type { FunctionNode, ModuleNames } from './module.ts';
import { binary, type Callable, heddleFunctions, mathConstants, mathFunctions, unary } from './operators.ts';
import { fail } from './place.ts';
import { find, type Scope, type Store, within } from './scope.ts';
import { type TypeScript, type ts, typescript } from './typescript.ts';

/** Reads a call of one of the module's own functions in place. */
export type Inline = (fn: FunctionNode, args: readonly Value[], node: ts.Node, name: string) => Value;

export class Expressions {
  readonly emitter: Emitter;
  private readonly module: ModuleNames;
  private readonly inline: Inline;
  private readonly api: TypeScript = typescript();
  private readonly evaluating = new Set<string>();

  constructor(emitter: Emitter, module: ModuleNames, inline: Inline) {
    this.emitter = emitter;
    this.module = module;
    this.inline = inline;
  }

  /** A value that decides something. */
  condition(node: ts.Expression, scope: Scope, store: Store): Value {
    const value = this.evaluate(node, scope, store);
    return value.type === 'bool' ? value : fail(node, `a condition is a bool, not ${showType(value.type)}`, 'HK2');
  }

  evaluate(node: ts.Expression, scope: Scope, store: Store): Value {
    const { api, emitter } = this;
    if (api.isParenthesizedExpression(node)) return this.evaluate(node.expression, scope, store);
    if (api.isNumericLiteral(node)) return constant(Number(node.text));
    if (node.kind === api.SyntaxKind.TrueKeyword) return truth(true);
    if (node.kind === api.SyntaxKind.FalseKeyword) return truth(false);
    if (api.isIdentifier(node)) return this.read(node, scope, store);
    if (api.isPropertyAccessExpression(node)) return this.property(node);
    if (api.isConditionalExpression(node)) {
      const condition = this.condition(node.condition, scope, store);
      if (condition.kind === 'const') return this.evaluate(condition.value ? node.whenTrue : node.whenFalse, scope, store);
      return emitter.apply(node, 'select', condition, this.evaluate(node.whenTrue, scope, store), this.evaluate(node.whenFalse, scope, store));
    }
    if (api.isBinaryExpression(node)) {
      const operator = node.operatorToken.getText();
      const meaning =
        binary.get(operator) ??
        fail(node.operatorToken, operator.endsWith('=') ? 'an assignment inside an expression' : `${operator} cannot be read`);
      return meaning(emitter, node, this.evaluate(node.left, scope, store), this.evaluate(node.right, scope, store));
    }
    if (api.isPrefixUnaryExpression(node)) {
      const operator = api.tokenToString(node.operator) ?? '';
      const meaning = unary.get(operator) ?? fail(node, `${operator} inside an expression`);
      return meaning(emitter, node, this.evaluate(node.operand, scope, store));
    }
    if (api.isCallExpression(node)) return this.callExpression(node, scope, store);
    if (api.isAsExpression(node) && node.type.getText() === 'const') return this.evaluate(node.expression, scope, store);
    if (api.isAsExpression(node) || api.isSatisfiesExpression(node)) return fail(node, 'a type assertion converts nothing: toF32, toI32 or toU32 do');
    return fail(node, `${wordsFor(node)} cannot be read`);
  }

  private read(node: ts.Identifier, scope: Scope, store: Store): Value {
    const name = node.text;
    const cell = find(node, scope);
    if (cell) return store.get(cell) ?? fail(node, `${name} is read before it has a value`);
    const initializer = this.module.constants.get(name);
    if (initializer) return this.moduleConstant(node, initializer);
    if (this.module.functions.has(name) || this.module.heddle.has(name)) fail(node, `${name} is a function: call it`);
    const other = this.module.others.get(name);
    return fail(
      node,
      other
        ? `${name} is ${other}: only constants of this module are read`
        : `${name} is no parameter and no constant of this module: pass it as a parameter`,
    );
  }
  private moduleConstant(node: ts.Identifier, initializer: ts.Expression): Value {
    const name = node.text;
    if (this.evaluating.has(name)) fail(node, `${name} is defined by itself`);
    this.evaluating.add(name);
    const value = this.evaluate(initializer, within(undefined), new Map());
    this.evaluating.delete(name);
    return value.kind === 'const' ? value : fail(node, `${name} is no constant`);
  }

  /** Math.PI */
  private property(node: ts.PropertyAccessExpression): Value {
    const value = this.isMath(node) ? mathConstants.get(node.name.text) : undefined;
    if (value !== undefined) return constant(value);
    return fail(
      node,
      this.isMath(node)
        ? `Math.${node.name.text} is no constant that kernels know: ${[...mathConstants.keys()].join(', ')}`
        : 'fields cannot be read: pass the number as a parameter',
    );
  }
  private isMath(node: ts.PropertyAccessExpression): boolean {
    return this.api.isIdentifier(node.expression) && node.expression.text === 'Math';
  }

  private callExpression(node: ts.CallExpression, scope: Scope, store: Store): Value {
    const { api } = this;
    const callee = node.expression;
    if (node.arguments.some(a => api.isSpreadElement(a))) fail(node, 'arguments are written one by one');
    const args = node.arguments.map(a => this.evaluate(a, scope, store));
    const known = this.known(callee);
    if (known) {
      if (known.arity === undefined ? args.length === 0 : args.length !== known.arity)
        fail(node, `${callee.getText()} takes ${known.arity ?? 'one or more'} arguments, not ${args.length}`);
      return known.meaning(this.emitter, node, ...args);
    }
    const fn = api.isIdentifier(callee) && !find(callee, scope) ? this.module.functions.get(callee.text) : undefined;
    if (fn) return this.inline(fn, args, node, callee.getText());
    const other = api.isIdentifier(callee) ? this.module.others.get(callee.text) : undefined;
    return fail(
      callee,
      `${callee.getText()} ${other ? `is ${other}` : 'is no function that kernels know'}: Math's (${[...mathFunctions.keys()].join(' ')}), heddle's (${[...heddleFunctions.keys()].join(' ')}) and this module's own`,
    );
  }
  /** Math.exp, erf, h.erf. */
  private known(callee: ts.Expression): Callable | undefined {
    const { api, module } = this;
    if (api.isIdentifier(callee)) return heddleFunctions.get(module.heddle.get(callee.text) ?? '');
    if (!api.isPropertyAccessExpression(callee)) return undefined;
    if (this.isMath(callee)) return mathFunctions.get(callee.name.text);
    const from = callee.expression;
    return api.isIdentifier(from) && module.namespaces.has(from.text) ? heddleFunctions.get(callee.name.text) : undefined;
  }
}
