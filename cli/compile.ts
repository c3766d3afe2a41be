// `heddle compile`: a folder with the Program and a typed loader, which runs with neither the language nor the compiler.
import { compile } from '../compiler/compile.ts';
import { writeLoader } from '../compiler/source/loader.ts';
import { saveProgram } from '../runtime/folder.ts';
import { type CompileFlags, compileOptions } from './compile-options.ts';
import { loadModel, readConfig } from './load-model.ts';

export async function compileCommand(file: string, flags: CompileFlags & { readonly out: string }): Promise<void> {
  const options = compileOptions(flags);
  const model = await loadModel(file);
  const program = compile(model, readConfig(model, flags.config), options);
  await saveProgram(flags.out, program, await writeLoader(program));
  const distinct = program.kernels.length;
  if (flags.json) process.stdout.write(`${JSON.stringify({ out: flags.out, target: program.target, kernels: program.steps.length, distinct })}\n`);
  else process.stdout.write(`${flags.out}: ${program.steps.length} kernels, ${distinct} distinct, for ${program.target}\n`);
}
