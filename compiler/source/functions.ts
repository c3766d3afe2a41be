// A scalar function in TypeScript becomes a ScalarFn: its statements run symbolically (statements.ts), calls of the module's own
// functions are read in place. What is left is straight-line code.
import type { Instruction, ScalarFn } from '../../dsl/scalar.ts';
import { parameterOf, scalarTypeOf } from './annotations.ts';
import { Emitter, type Value } from './emit.ts';
import { Expressions, type Inline } from './expressions.ts';
import type { FunctionNode, ModuleNames } from './module.ts';
import { fail } from './place.ts';
import { type Cell, type Store, within } from './scope.ts';
import { Paths } from './statements.ts';
import { typescript } from './typescript.ts';

const maxCalls = 64;

/** Reads one function of a module. @throws KernelSourceError at the place of what cannot be read */
export function readFunction(fn: FunctionNode, module: ModuleNames, name: string): ScalarFn {
  const params = fn.parameters.map(p => parameterOf(p).type);
  const emitter = new Emitter(params);
  const operands = params.map((type, at): Value => ({ kind: 'operand', at, type }));
  const result = inliner(emitter, module)(fn, operands, fn, name);
  const at = emitter.operand(fn, result, result.type ?? 'f32');
  return pruned({ name, params, body: emitter.builder.body, result: at });
}

/** What reads a call: its arguments become the callee's variables, its body is read in place. */
function inliner(emitter: Emitter, module: ModuleNames): Inline {
  const api = typescript();
  const running: FunctionNode[] = [];
  const inline: Inline = (fn, args, node, name) => {
    const { body } = fn;
    if (fn.asteriskToken || fn.modifiers?.some(m => m.kind === api.SyntaxKind.AsyncKeyword))
      fail(fn, `${name} is async or a generator: kernels are plain functions`);
    if (!body) return fail(fn, `${name} has no body`);
    if (running.includes(fn)) fail(node, `${name} calls itself`);
    if (running.length >= maxCalls) fail(node, `calls nested deeper than ${maxCalls}`);
    if (args.length !== fn.parameters.length) fail(node, `${name} takes ${fn.parameters.length} arguments, not ${args.length}`);
    const scope = within(undefined);
    const store: Store = new Map();
    for (const [k, p] of fn.parameters.entries()) {
      const { name: parameter, type } = parameterOf(p);
      const cell: Cell = { name: parameter, constant: false, declared: type };
      scope.names.set(parameter, cell);
      store.set(cell, emitter.typed(node, args[k]!, type));
    }
    running.push(fn);
    const result = api.isBlock(body) ? paths.body(body, scope, store) : expressions.evaluate(body, scope, store);
    running.pop();
    if (!result) return fail(fn, `${name}: not every path returns a value`);
    return fn.type ? emitter.typed(fn.type, result, scalarTypeOf(fn.type)) : result;
  };
  const expressions = new Expressions(emitter, module, inline);
  const paths = new Paths(expressions);
  return inline;
}

/** Without the instructions that the result does not need (branches leave some behind). */
function pruned(fn: ScalarFn): ScalarFn {
  const n = fn.params.length;
  const needed = new Set([fn.result]);
  for (let k = fn.body.length - 1; k >= 0; k--) {
    const i = fn.body[k]!;
    if (needed.has(n + k) && i.prim !== 'const') for (const a of i.args) needed.add(a);
  }
  const at = new Map<number, number>(fn.params.map((_, k) => [k, k]));
  const body: Instruction[] = [];
  fn.body.forEach((i, k) => {
    if (!needed.has(n + k)) return;
    at.set(n + k, n + body.length);
    body.push(i.prim === 'const' ? i : { ...i, args: i.args.map(a => at.get(a)!) });
  });
  return { ...fn, body, result: at.get(fn.result)! };
}
