// The error of every stage: one line that says what, where and what to do, with a code that a program can test.
// A stage derives its own class (ShapeError, CompileError, …); the command prints any of them in tsc's form.

/** A position in the user's source, 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Families of codes: HS shape and language, HK kernel source, HC compile, HD device, HF file, HU usage. */
export type ErrorCode = `H${'S' | 'K' | 'C' | 'D' | 'F' | 'U'}${number}`;

/** Base of all errors that Heddle throws on purpose. */
export class HeddleError extends Error {
  override name = 'HeddleError';
  readonly code: ErrorCode;
  /** Where in the user's source, when the mistake has a place. */
  readonly place: Place | undefined;
  constructor(code: ErrorCode, message: string, options: { place?: Place | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.place = options.place;
  }
}

/** `path:line:col - error CODE: message`, or `error CODE: message` without a place. */
export function formatError(e: HeddleError): string {
  const at = e.place ? `${e.place.file}:${e.place.line}:${e.place.column} - ` : '';
  return `${at}error ${e.code}: ${e.message}`;
}
