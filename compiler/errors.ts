// Errors of the compiler: what cannot be compiled, with the change that would make it compile.
import { type ErrorCode, HeddleError, type Place } from '../common/errors.ts';

/** A program that this compiler, or the target that it compiles for, cannot take. */
export class CompileError extends HeddleError {
  override name = 'CompileError';
  constructor(code: ErrorCode & `HC${number}`, message: string, options: { place?: Place | undefined; cause?: unknown } = {}) {
    super(code, message, options);
  }
}
