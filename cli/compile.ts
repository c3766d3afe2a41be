// `heddle compile`: a folder with the Program and a typed loader, which runs with neither the language nor the compiler.
import { capabilities, type Target } from '../compiler/code/capabilities.ts';
import { compile } from '../compiler/compile.ts';
import { writeLoader } from '../compiler/source/loader.ts';
import { saveProgram } from '../runtime/folder.ts';
import { UsageError } from './exit.ts';
import { loadModel, readConfig } from './load-model.ts';

export interface CompileFlags {
  readonly config?: string;
  readonly target: string;
  readonly batch?: number;
  readonly json?: boolean;
}

export function targetOf(name: string): Target {
  if (!Object.hasOwn(capabilities, name)) throw new UsageError(`--target ${name}: one of ${Object.keys(capabilities).join(', ')}`);
  return name as Target;
}

export async function compileCommand(file: string, flags: CompileFlags & { readonly out: string }): Promise<void> {
  const model = await loadModel(file);
  const program = compile(model, readConfig(model, flags.config), { target: targetOf(flags.target), ...(flags.batch === undefined ? {} : { batch: flags.batch }) });
  await saveProgram(flags.out, program, await writeLoader(program));
  const distinct = program.kernels.length;
  if (flags.json) process.stdout.write(`${JSON.stringify({ out: flags.out, kernels: program.steps.length, distinct })}\n`);
  else process.stdout.write(`${flags.out}: ${program.steps.length} kernels, ${distinct} distinct, for ${program.target}\n`);
}
