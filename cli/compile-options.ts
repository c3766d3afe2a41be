// What compile, explain and run say to the compiler.
import { capabilities, type Target } from '../compiler/code/capabilities.ts';
import type { CompileOptions } from '../compiler/compile.ts';
import { UsageError } from './exit.ts';

export interface CompileFlags {
  readonly config?: string;
  readonly target: string;
  readonly batch?: number;
  readonly grad?: string;
  readonly fuse?: 'all' | 'none';
  readonly json?: boolean;
}

/** The compiler's options of what was said on the command line. @throws UsageError for a target that there is not */
export function compileOptions({ target, batch, grad, fuse }: Pick<CompileFlags, 'target' | 'batch' | 'grad' | 'fuse'>): CompileOptions {
  return {
    target: targetOf(target),
    ...(batch === undefined ? {} : { batch }),
    ...(grad === undefined ? {} : { grad }),
    ...(fuse === undefined ? {} : { fuse }),
  };
}
function targetOf(name: string): Target {
  if (!Object.hasOwn(capabilities, name)) throw new UsageError(`--target ${name}: one of ${Object.keys(capabilities).join(', ')}`);
  return name as Target;
}
