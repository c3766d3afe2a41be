// The types of a model file, checked as its author's editor would check them, and the dims that they leave to the trace. Nothing of the
// file is run. `heddle` is this very package where the file's folder has none.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from '../../common/errors.ts';
import { placeOf } from './place.ts';
import { type TypeScript, type ts, typescript } from './typescript.ts';

export interface TypeMistake {
  /** TypeScript's own, `TS2345`. */
  readonly code: string;
  /** One line: Heddle's words (`✗ matmul: …`) where the mistake is one of its rules, else TypeScript's. */
  readonly message: string;
  readonly place?: Place;
}
/** A call whose result has sizes that the types do not know. */
export interface WideCall {
  readonly place: Place;
  /** The call, shortened, and its type. */
  readonly text: string;
  readonly type: string;
  readonly dims: number;
}
export interface TypeReport {
  readonly mistakes: readonly TypeMistake[];
  /** Dims of tensors that calls give, and how many of them are wide. */
  readonly dims: number;
  readonly wideDims: number;
  readonly wide: readonly WideCall[];
}

/** Checks a model file and the files of its own that it imports. @throws KernelSourceError HK4 without the typescript package */
export function checkTypes(file: string): TypeReport {
  const api = typescript();
  const program = programOf(api, path.resolve(file));
  const sources = program.getSourceFiles().filter(isUsers);
  const mistakes = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  for (const source of sources) mistakes.push(...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source));
  const calls = sources.flatMap(source => tensorCalls(api, program, source));
  return {
    mistakes: mistakes.map(d => mistakeOf(api, d)),
    dims: calls.reduce((n, c) => n + c.all, 0),
    wideDims: calls.reduce((n, c) => n + c.dims, 0),
    wide: calls.flatMap(({ all: _, ...call }) => (call.dims > 0 ? call : [])),
  };
}

// ---------------------------------------------------------------- the program
const root = fileURLToPath(new URL('../..', import.meta.url));
const internals = ['common', 'dsl', 'compiler', 'runtime', 'cli', 'testing'].map(folder => path.join(root, folder) + path.sep);
const isUsers = (source: ts.SourceFile): boolean =>
  !source.isDeclarationFile && !source.fileName.includes('/node_modules/') && !internals.some(f => path.resolve(source.fileName).startsWith(f));

function programOf(api: TypeScript, file: string): ts.Program {
  // Heddle's own: strict in all that its types promise, and only what Node can run as it is
  const options: ts.CompilerOptions = {
    target: api.ScriptTarget.ES2024,
    lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts', 'lib.esnext.error.d.ts', 'lib.dom.d.ts'],
    types: [],
    module: api.ModuleKind.NodeNext,
    moduleResolution: api.ModuleResolutionKind.NodeNext,
    moduleDetection: api.ModuleDetectionKind.Force,
    strict: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    allowJs: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = api.createCompilerHost(options, true);
  // a .ts file is a module, whether the nearest package.json says so or not (cli/load-model.ts imports it as one)
  const read = host.getSourceFile;
  host.getSourceFile = (name, language, ...rest) =>
    /\.[tj]s$/.test(name) && !name.includes('/node_modules/') && typeof language === 'object'
      ? read(name, { ...language, impliedNodeFormat: api.ModuleKind.ESNext }, ...rest)
      : read(name, language, ...rest);
  const cache = api.createModuleResolutionCache(host.getCurrentDirectory(), name => name, options);
  host.resolveModuleNameLiterals = (literals, from, redirected, settings, source) =>
    literals.map(literal => {
      const mode = source === undefined ? api.ModuleKind.ESNext : (api.getModeForUsageLocation(source, literal, settings) ?? api.ModuleKind.ESNext);
      const found = api.resolveModuleName(literal.text, from, settings, host, cache, redirected, mode);
      const isHeddle = literal.text === 'heddle' || literal.text.startsWith('heddle/');
      if (found.resolvedModule || !isHeddle) return found;
      return api.resolveModuleName(literal.text, path.join(root, 'index.ts'), settings, host, cache, redirected, api.ModuleKind.ESNext);
    });
  return api.createProgram([file], options, host);
}

// ---------------------------------------------------------------- mistakes
function mistakeOf(api: TypeScript, d: ts.Diagnostic): TypeMistake {
  const code = `TS${d.code}`;
  const message = inWords(api.flattenDiagnosticMessageText(d.messageText, '\n'));
  if (!d.file || d.start === undefined) return { code, message };
  const { line, character } = d.file.getLineAndCharacterOfPosition(d.start);
  return { code, message, place: { file: d.file.fileName, line: line + 1, column: character + 1 } };
}
/** Heddle's rules say what is wrong in a string type that TypeScript quotes, escaped as in source: `parameter of type '"✗ …"'`. */
function inWords(text: string): string {
  const quoted = /"(✗(?:[^"\\]|\\.)*)"/.exec(text);
  return (quoted ? quoted[1]!.replace(/\\(.)/g, '$1') : text).split('\n')[0]!;
}

// ---------------------------------------------------------------- wide dims
interface TensorCall extends WideCall {
  readonly all: number;
}
/** Every call that gives a tensor or a record of tensors, with its count of dims and of those that are no literal, symbol or product. */
function tensorCalls(api: TypeScript, program: ts.Program, source: ts.SourceFile): TensorCall[] {
  const checker = program.getTypeChecker();
  const isTensor = (t: ts.Type): boolean => t.symbol?.name === 'Tensor' || t.symbol?.name === 'Param';
  const isWide = (t: ts.Type): boolean => (t.flags & (api.TypeFlags.Number | api.TypeFlags.Any)) !== 0;
  const dimsOf = (tensor: ts.Type): readonly ts.Type[] => {
    const [shape] = checker.getTypeArguments(tensor as ts.TypeReference);
    if (!shape) return [];
    return checker.isTupleType(shape) ? checker.getTypeArguments(shape as ts.TypeReference) : [shape];
  };
  const unknownShape = (t: ts.Type): boolean => (t.flags & api.TypeFlags.Any) !== 0 || checker.isArrayType(t);
  const calls: TensorCall[] = [];
  const pending: ts.Node[] = [source];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (api.isCallExpression(node)) {
      const type = checker.getTypeAtLocation(node);
      const parts = checker.getPropertiesOfType(type).map(p => checker.getTypeOfSymbol(p));
      const dims = (isTensor(type) ? [type] : parts.filter(isTensor)).flatMap(dimsOf);
      const wide = dims.filter(d => isWide(d) || unknownShape(d)).length;
      if (dims.length > 0) {
        const text = node.getText().replace(/\s+/g, ' ');
        const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
        calls.push({ place: placeOf(node), text: shown, type: checker.typeToString(type), dims: wide, all: dims.length });
      }
    }
    api.forEachChild(node, child => void pending.push(child));
  }
  return calls.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}
