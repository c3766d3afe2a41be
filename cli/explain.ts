// `heddle explain`: the plan of kernels and memory, without opening a device.
import { compile } from '../compiler/compile.ts';
import { explain, explainTable } from '../compiler/explain.ts';
import { targetOf, type CompileFlags } from './compile.ts';
import { loadModel, readConfig } from './load-model.ts';

export async function explainCommand(file: string, flags: CompileFlags): Promise<void> {
  const model = await loadModel(file);
  const program = compile(model, readConfig(model, flags.config), { target: targetOf(flags.target), ...(flags.batch === undefined ? {} : { batch: flags.batch }) });
  const plan = explain(program, flags.batch ?? 1);
  process.stdout.write(flags.json ? `${JSON.stringify(plan, null, 1)}\n` : `${explainTable(plan)}\n`);
}
