// Planted mistakes: each is held twice. scripts/check-types.ts holds both compilers to exactly one error, at the marker /*✗*/, with the
// message; test/language/mistakes.test.ts runs the same code with its types erased and holds the trace to the same words.
export interface Mistake {
  /** Without the leading '✗ '. */
  readonly message: string;
  readonly code: () => unknown;
}
export const mistakes: Mistake[] = [];

/** A mistake that both halves see; `traced` when the trace says it with other values. */
export function mistake(message: string, code: () => unknown, traced: string = message): void {
  mistakes.push({ message: traced, code });
}
/** A mistake that only the trace can see: the compilers must pass it. */
export function traceOnly(message: string, code: () => unknown): void {
  mistakes.push({ message, code });
}
