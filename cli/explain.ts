// `heddle explain`: the plan of kernels and memory, without opening a device.
import { compile } from '../compiler/compile.ts';
import { explain, explainTable } from '../compiler/explain.ts';
import { type CompileFlags, compileOptions } from './compile-options.ts';
import { loadModel, readConfig } from './load-model.ts';

export async function explainCommand(file: string, flags: CompileFlags): Promise<void> {
  const options = compileOptions(flags);
  const model = await loadModel(file);
  const plan = explain(compile(model, readConfig(model, flags.config), options), flags.batch ?? 1);
  process.stdout.write(flags.json ? `${JSON.stringify(plan, null, 1)}\n` : `${explainTable(plan)}\n`);
}
