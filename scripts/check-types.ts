// Holds TypeScript 6 and 7 to the planted mistakes of some files: each `mistake(message, code)` gives exactly one error, at its /*✗*/
// marker, with its message; `traceOnly(…)` and everything else give none.
//   node scripts/check-types.ts [files…]        # default: all of test/language/types
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('..', import.meta.url));
const cache = path.join(root, 'node_modules/.cache/heddle');
export type Compiler = '6' | '7';
export const compilers: readonly Compiler[] = ['6', '7'];
const compilerPath = (compiler: Compiler): string => path.join(root, 'node_modules', compiler === '7' ? 'typescript7' : 'typescript', 'bin/tsc');

export interface Diagnostic {
  readonly file: string;
  /** From 0. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
/** What a compiler prints for some files under the project's own settings, and its errors. */
export function compileFiles(
  compiler: Compiler,
  files: readonly string[],
  flags: readonly string[] = [],
): { readonly output: string; readonly errors: readonly Diagnostic[] } {
  mkdirSync(cache, { recursive: true });
  const project = path.join(cache, `types-${process.pid}-${compiler}.json`);
  const absolute = files.map(f => path.resolve(root, f));
  writeFileSync(project, JSON.stringify({ extends: path.join(root, 'tsconfig.json'), include: [], files: absolute }));
  let output: string;
  try {
    output = execFileSync(process.execPath, [compilerPath(compiler), '-p', project, '--pretty', 'false', '--noErrorTruncation', ...flags], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
  } catch (e) {
    output = String((e as { stdout?: unknown }).stdout);
  } finally {
    rmSync(project, { force: true });
  }
  const errors = [...output.matchAll(/^(\S+?)\((\d+),(\d+)\): error TS\d+: (.*)$/gm)].map(
    ([, file, line, column, message]): Diagnostic => ({
      file: path.resolve(root, file!),
      line: Number(line) - 1,
      column: Number(column) - 1,
      message: message!,
    }),
  );
  return { output, errors };
}

interface Planted {
  readonly from: number;
  readonly to: number;
  /** Where the error must be; null when there must be none. */
  readonly at: number | null;
  readonly message: string;
}
function plantedIn(source: ts.SourceFile): Planted[] {
  const found: Planted[] = [];
  const visit = (node: ts.Node): void => {
    const name = ts.isCallExpression(node) ? node.expression.getText(source) : '';
    if (ts.isCallExpression(node) && (name === 'mistake' || name === 'traceOnly')) {
      const [first] = node.arguments;
      if (!first || !ts.isStringLiteralLike(first)) throw new Error(`${source.fileName}: ${name} wants its message as a literal`);
      const marker = /\/\*✗\*\/\s*/.exec(source.text.slice(node.pos, node.end));
      if ((name === 'mistake') !== (marker !== null))
        throw new Error(`${source.fileName}: ${name} '${first.text}' ${marker ? 'has a marker' : 'has no marker'}`);
      found.push({ from: node.pos, to: node.end, at: marker && node.pos + marker.index + marker[0].length, message: `✗ ${first.text}` });
    } else ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

export interface TypeReport {
  readonly planted: number;
  /** One line each; empty when all is as planted. */
  readonly problems: readonly string[];
}
/** Holds one compiler to the planted mistakes of some files. */
export function checkPlanted(compiler: Compiler, files: readonly string[]): TypeReport {
  const { errors } = compileFiles(compiler, files);
  const problems: string[] = [];
  let planted = 0;
  const explained = new Set<Diagnostic>();
  for (const file of files.map(f => path.resolve(root, f))) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext, true);
    const inFile = errors.filter(e => e.file === file).map(e => ({ e, at: source.getPositionOfLineAndCharacter(e.line, e.column) }));
    for (const p of plantedIn(source)) {
      planted++;
      const mine = inFile.filter(({ at }) => at >= p.from && at < p.to);
      for (const { e } of mine) explained.add(e);
      const [only] = mine;
      const quoted = `"${p.message.replaceAll('"', '\\"')}"`;
      const right = p.at === null ? mine.length === 0 : mine.length === 1 && only!.at === p.at && only!.e.message.includes(quoted);
      if (right) continue;
      const line = source.getLineAndCharacterOfPosition(p.from).line + 2;
      const got = mine.map(
        ({ e, at }) => `${at === p.at ? 'at the marker' : `at ${JSON.stringify(source.text.slice(at, at + 30))}`}: ${e.message.slice(0, 400)}`,
      );
      problems.push(
        `TypeScript ${compiler} ${path.relative(root, file)}:${line} wants ${p.at === null ? 'no error' : quoted}, got ${got.join(' | ') || 'no error'}`,
      );
    }
  }
  for (const e of errors)
    if (!explained.has(e))
      problems.push(`TypeScript ${compiler} ${path.relative(root, e.file)}:${e.line + 1} stray error: ${e.message.slice(0, 300)}`);
  return { planted, problems };
}

/** The files of planted mistakes and of expected types. */
export function typeTestFiles(): string[] {
  const folder = 'test/language/types';
  return readdirSync(path.join(root, folder))
    .filter(f => f.endsWith('.ts'))
    .sort()
    .map(f => path.join(folder, f));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = process.argv.length > 2 ? process.argv.slice(2) : typeTestFiles();
  for (const compiler of compilers) {
    const { planted, problems } = checkPlanted(compiler, files);
    for (const p of problems) console.log(p);
    console.log(`TypeScript ${compiler}: ${planted} planted, ${problems.length} problems`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
