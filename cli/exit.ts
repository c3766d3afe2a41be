// Exit codes and the printing of errors: 0 fine, 1 the user's model, data or files, 2 usage, 3 environment (adapter, memory, Node),
// 130 interrupted. One line in tsc's form; a stack only with HEDDLE_DEBUG.
import path from 'node:path';
import { formatError, HeddleError, type ErrorCode } from '../common/errors.ts';

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
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('HU2', message, options);
  }
}

const environment: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['HD1', 'HD2', 'HD3', 'HD4', 'HD11', 'HU3']);
export function exitCode(e: unknown): number {
  if (e instanceof HeddleError) return e.code === 'HU1' ? 2 : environment.has(e.code) ? 3 : 1;
  return 1;
}

/** Prints an error on stderr and gives the exit code. */
export function report(e: unknown): number {
  const verbose = Number(process.env['HEDDLE_DEBUG'] ?? 0) > 0;
  process.stderr.write(`${verbose && e instanceof Error ? (e.stack ?? e.message) : oneError(e)}\n`);
  return exitCode(e);
}
function oneError(e: unknown): string {
  if (e instanceof HeddleError) {
    const place = e.place ? { ...e.place, file: shortPath(e.place.file) } : undefined;
    return limitLines(formatError(new HeddleError(e.code, e.message, { place })));
  }
  const message = e instanceof Error ? e.message.split('\n')[0] : String(e);
  return `error HU9: ${message} (HEDDLE_DEBUG=1 shows where)`;
}
/** Lists end after ten lines. */
function limitLines(text: string): string {
  const lines = text.split('\n');
  return lines.length <= 10 ? text : [...lines.slice(0, 9), `… and ${lines.length - 9} more`].join('\n');
}
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || relative === '' ? file : relative;
}
