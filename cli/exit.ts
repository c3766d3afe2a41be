// Exit codes and the printing of errors: 0 fine, 1 the user's model, data or files, 2 usage, 3 environment (adapter, memory, Node),
// 130 interrupted. One line in tsc's form; a stack only with HEDDLE_DEBUG.
import path from 'node:path';
import { type ErrorCode, formatError, HeddleError, type Place } from '../common/errors.ts';
import { placeOf } from '../dsl/errors.ts';

/** A command line that cannot be followed (exit 2). */
export class UsageError extends HeddleError {
  override name = 'UsageError';
  constructor(message: string) {
    super('HU1', message);
  }
}
/** A file or a configuration that the command was given does not fit (exit 1). */
export class InputFileError extends HeddleError {
  override name = 'InputFileError';
  constructor(message: string, options: { place?: Place | undefined; cause?: unknown } = {}) {
    super('HU2', message, options);
  }
}
/** The model's own code threw something that is no error of Heddle's (exit 1). */
export class ModelError extends HeddleError {
  override name = 'ModelError';
  constructor(thrown: Error, place: Place) {
    super('HU4', `the model threw ${firstLine(String(thrown))}`, { place, cause: thrown });
  }
}

const environment: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['HD1', 'HD2', 'HD3', 'HD4', 'HD11', 'HK4', 'HU3', 'HC20']);
export function exitCode(e: HeddleError): number {
  return e.code === 'HU1' || e.code === 'HC9' ? 2 : environment.has(e.code) ? 3 : 1;
}

/** Prints an error on stderr and gives the exit code. */
export function report(thrown: unknown): number {
  const e = asHeddleError(thrown);
  const stack = Number(process.env.HEDDLE_DEBUG ?? 0) > 0 && thrown instanceof Error ? `\n${thrown.stack ?? ''}` : '';
  process.stderr.write(`${oneError(e)}${stack}\n`);
  return exitCode(e);
}

/** What was thrown as one of Heddle's errors: out of memory, the user's own code, or a defect of Heddle's. */
export function asHeddleError(e: unknown): HeddleError {
  if (e instanceof HeddleError) return e;
  if (e instanceof RangeError && /allocation failed|invalid (typed )?array length|array length/i.test(e.message))
    return new HeddleError('HD2', `out of memory: ${e.message}; a smaller batch or a smaller configuration needs less`, { cause: e });
  const place = e instanceof Error ? placeOf(e) : undefined;
  if (place) return new ModelError(e as Error, place);
  return new HeddleError('HU9', `heddle itself failed: ${firstLine(String(e))} (HEDDLE_DEBUG=1 shows where)`, { cause: e });
}

/** An error in tsc's form, with the path as the user would type it. */
export function oneError(e: HeddleError): string {
  const place = e.place ? { ...e.place, file: shortPath(e.place.file) } : undefined;
  return limitLines(formatError(new HeddleError(e.code, e.message, { place })));
}
/** Lists end after ten lines. */
function limitLines(text: string): string {
  const lines = text.split('\n');
  return lines.length <= 10 ? text : [...lines.slice(0, 9), `… and ${lines.length - 9} more`].join('\n');
}
export const firstLine = (text: string): string => text.split('\n')[0]!;
/** Relative to the working directory where the file lies below it. */
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || relative === '' || path.isAbsolute(relative) ? file : relative;
}
