// What a kernel's TypeScript can do wrong.
import { HeddleError, type Place } from '../../common/errors.ts';
import type { ts } from './typescript.ts';

/** HK1 what is written cannot be read, HK2 its types do not fit, HK3 its source is not found, HK4 no usable TypeScript package. */
export class KernelSourceError extends HeddleError {
  override name = 'KernelSourceError';
  constructor(code: 'HK1' | 'HK2' | 'HK3' | 'HK4', message: string, place?: Place | undefined, cause?: unknown) {
    super(code, message, cause === undefined ? { place } : { place, cause });
  }
}

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
