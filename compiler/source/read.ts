// Reads a whole file: the functions of its kernel(…) calls, or those that it exports.
import type { ScalarFn } from '../../dsl/scalar.ts';
import { KernelSourceError } from './errors.ts';
import { readFunction } from './functions.ts';
import { type FunctionNode, type ModuleNames, moduleNames } from './module.ts';
import { fail, placeOf } from './place.ts';
import { parse, type ts, typescript } from './typescript.ts';

/** One kernel(…) call: the place of its word `kernel`, which is what a stack trace names, and its function, or why it cannot be read. */
export type ReadKernel = { readonly line: number; readonly column: number } & ({ readonly fn: ScalarFn } | { readonly error: KernelSourceError });

/** All kernel(…) calls of a file, in order. */
export function readKernels(file: string, text: string): ReadKernel[] {
  const api = typescript();
  const source = parse(file, text);
  const module = moduleNames(source);
  const kernels: ReadKernel[] = [];
  const visit = (node: ts.Node): void => {
    const name = api.isCallExpression(node) ? kernelName(node.expression, module) : undefined;
    if (name) {
      const { line, column } = placeOf(name);
      kernels.push({ line, column, ...attempt(() => readCall(node as ts.CallExpression, module)) });
    }
    api.forEachChild(node, visit);
  };
  visit(source);
  return kernels;
}
function attempt(read: () => ScalarFn): { readonly fn: ScalarFn } | { readonly error: KernelSourceError } {
  try {
    return { fn: read() };
  } catch (error) {
    if (error instanceof KernelSourceError) return { error };
    throw error;
  }
}

/** The word `kernel` of `kernel` or `h.kernel`, where it is heddle's. */
function kernelName(callee: ts.Expression, module: ModuleNames): ts.Identifier | undefined {
  const api = typescript();
  if (api.isIdentifier(callee)) return module.heddle.get(callee.text) === 'kernel' ? callee : undefined;
  if (!api.isPropertyAccessExpression(callee) || !api.isIdentifier(callee.expression) || !api.isIdentifier(callee.name)) return undefined;
  return callee.name.text === 'kernel' && module.namespaces.has(callee.expression.text) ? callee.name : undefined;
}

function readCall(node: ts.CallExpression, module: ModuleNames): ScalarFn {
  const api = typescript();
  const [argument] = node.arguments;
  if (!argument || node.arguments.length !== 1) return fail(node, 'kernel takes one function');
  const fn = api.isIdentifier(argument) ? module.functions.get(argument.text) : isFunction(argument) ? argument : undefined;
  if (!fn) return fail(argument, 'kernel takes a function written here, or the name of one of this module');
  return readFunction(fn, module, nameOf(fn, node));
}
const isFunction = (node: ts.Node): node is ts.ArrowFunction | ts.FunctionExpression =>
  typescript().isArrowFunction(node) || typescript().isFunctionExpression(node);

/** The function's own name, or that of the constant which the kernel is. */
function nameOf(fn: FunctionNode, call: ts.CallExpression): string {
  const api = typescript();
  for (const node of [fn, fn.parent, call.parent])
    if (
      (api.isFunctionDeclaration(node) || api.isFunctionExpression(node) || api.isVariableDeclaration(node)) &&
      node.name &&
      api.isIdentifier(node.name)
    )
      return node.name.text;
  return 'kernel';
}

/** The exported functions of a file by name. @throws KernelSourceError */
export function readExports(file: string, text: string): Map<string, ScalarFn> {
  const api = typescript();
  const source = parse(file, text);
  const module = moduleNames(source);
  const exported = source.statements.filter(api.isFunctionDeclaration).filter(f => f.modifiers?.some(m => m.kind === api.SyntaxKind.ExportKeyword));
  return new Map(exported.map(f => [f.name!.text, readFunction(f, module, f.name!.text)]));
}
