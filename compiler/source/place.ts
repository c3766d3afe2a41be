// Where a piece of syntax is, for messages.
import type { Place } from '../../common/errors.ts';
import { KernelSourceError } from './errors.ts';
import type { ts } from './typescript.ts';

/** Refuses a piece of syntax at its place. */
export function fail(node: ts.Node, message: string, code: 'HK1' | 'HK2' = 'HK1'): never {
  throw new KernelSourceError(code, `kernel: ${message}`, placeOf(node));
}

/** Where a node begins, 1-based. */
export function placeOf(node: ts.Node): Place {
  const source = node.getSourceFile();
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart());
  return { file: source.fileName, line: line + 1, column: character + 1 };
}
