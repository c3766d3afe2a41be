// The names of a module that a kernel may use: constants, scalar functions, and what it imports from heddle. Nothing is resolved
// through other files: a kernel is read from one file alone.
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ts, typescript } from './typescript.ts';

export type FunctionNode = ts.FunctionDeclaration | ts.ArrowFunction | ts.FunctionExpression;

export interface ModuleNames {
  /** Module-level constants by name, with what they are set to. */
  readonly constants: ReadonlyMap<string, ts.Expression>;
  readonly functions: ReadonlyMap<string, FunctionNode>;
  /** Local name → its name in heddle. */
  readonly heddle: ReadonlyMap<string, string>;
  /** `import * as h from 'heddle'`. */
  readonly namespaces: ReadonlySet<string>;
  /** Every other name at module level, with what it is. */
  readonly others: ReadonlyMap<string, string>;
}

/** The package's own name, or the very files that it exports from. */
function isHeddle(specifier: string, importer: string): boolean {
  if (specifier === 'heddle') return true;
  return /^(?:\.|\/|file:)/.test(specifier) && own.has(new URL(specifier, pathToFileURL(importer)).href);
}
const own = new Set(
  ['index', 'kernel', 'scalars/language'].map(name => new URL(`../../dsl/${name}${extname(import.meta.url)}`, import.meta.url).href),
);

export function moduleNames(source: ts.SourceFile): ModuleNames {
  const api = typescript();
  const constants = new Map<string, ts.Expression>();
  const functions = new Map<string, FunctionNode>();
  const heddle = new Map<string, string>();
  const namespaces = new Set<string>();
  const others = new Map<string, string>();
  for (const statement of source.statements) {
    if (api.isFunctionDeclaration(statement) && statement.name) functions.set(statement.name.text, statement);
    else if (api.isImportDeclaration(statement)) readImport(statement);
    else if (api.isVariableStatement(statement)) for (const d of statement.declarationList.declarations) readVariable(d, statement.declarationList);
    else if (api.isClassDeclaration(statement) && statement.name) others.set(statement.name.text, 'a class');
  }
  return { constants, functions, heddle, namespaces, others };

  function readImport(statement: ts.ImportDeclaration): void {
    const from = (statement.moduleSpecifier as ts.StringLiteral).text;
    const clause = statement.importClause;
    if (clause?.name) others.set(clause.name.text, `imported from '${from}'`);
    const bindings = clause?.namedBindings;
    if (!bindings) return;
    if (api.isNamespaceImport(bindings)) {
      if (isHeddle(from, source.fileName)) namespaces.add(bindings.name.text);
      else others.set(bindings.name.text, `imported from '${from}'`);
      return;
    }
    for (const e of bindings.elements) {
      if (isHeddle(from, source.fileName)) heddle.set(e.name.text, (e.propertyName ?? e.name).text);
      else others.set(e.name.text, `imported from '${from}'`);
    }
  }
  function readVariable(d: ts.VariableDeclaration, list: ts.VariableDeclarationList): void {
    if (!api.isIdentifier(d.name)) return;
    const name = d.name.text;
    if ((list.flags & api.NodeFlags.Const) === 0) others.set(name, 'declared with let or var');
    else if (!d.initializer) others.set(name, 'without a value');
    else if (api.isArrowFunction(d.initializer) || api.isFunctionExpression(d.initializer)) functions.set(name, d.initializer);
    else constants.set(name, d.initializer);
  }
}
