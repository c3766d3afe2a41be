// The `heddle` command: thin. Each subcommand parses its options here and does its work in a file of its own, imported when asked.
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { report, UsageError } from './exit.ts';

function build(): Command {
  const program = new Command('heddle')
    .description('compile and run typed tensor models')
    .version(version())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError(true);
  const config = (): Option => new Option('--config <config>', "a preset's name, a JSON file, or the JSON itself (default: the first preset)");
  const target = (): Option => new Option('--target <target>', 'webgpu, webgpu-large, webgpu-software, js or gl').default('webgpu');
  const batch = (): Option => new Option('--batch <n>', 'make the batch a number').argParser(positive);
  const grad = (): Option => new Option('--grad <output>', "add outputs grad.<parameter>: the output's gradients in every trained parameter");
  const fuse = (): Option => new Option('--fuse <how>', 'how operations become kernels').choices(['all', 'none']).default('all');
  const json = (): Option => new Option('--json', 'print JSON on stdout');
  const model = 'a TypeScript file whose default export is a model(…)';

  program
    .command('run')
    .description('run a model on tensors of a safetensors file')
    .argument('<model>', model)
    .addOption(config())
    .option('--weights <file>', 'safetensors with the parameters (default: seeded initial values)')
    .option('--partial', 'allow parameters that the weights lack; they keep their initial values')
    .option('--seed <n>', 'seed of the initial values', nonNegative, 0)
    .requiredOption('--inputs <file>', 'safetensors with the inputs, by name')
    .requiredOption('--out <file>', 'safetensors to write the outputs to')
    .option('--outputs <names>', 'only these outputs, comma-separated')
    .addOption(new Option('--device <device>', 'where to run').choices(['auto', 'reference', 'js', 'webgpu']).default('auto'))
    .addOption(batch())
    .addOption(grad())
    .addOption(fuse())
    .addOption(json())
    .action(async (model, options) => (await import('./run.ts')).run(model, options));
  program
    .command('compile')
    .description('write a Program folder that runs without the compiler, with a typed loader')
    .argument('<model>', model)
    .addOption(config())
    .addOption(target())
    .addOption(batch())
    .addOption(grad())
    .addOption(fuse())
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(json())
    .action(async (model, options) => (await import('./compile.ts')).compileCommand(model, options));
  program
    .command('explain')
    .description('show the kernels, the bytes they move and the plan of memory')
    .argument('<model>', model)
    .addOption(config())
    .addOption(target())
    .addOption(batch())
    .addOption(grad())
    .addOption(fuse())
    .addOption(json())
    .action(async (model, options) => (await import('./explain.ts')).explainCommand(model, options));
  program
    .command('check')
    .description('check types, wide dims and kernel sources; nothing of the model is run')
    .argument('<model>', model)
    .addOption(json())
    .action(async (model, options) => (await import('./check.ts')).check(model, options));
  program
    .command('devices')
    .description('show Node, the adapters with their limits, and what auto takes')
    .addOption(json())
    .action(async options => (await import('./devices.ts')).devices(options));
  return program;
}
const version = (): string => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/** Runs the command line and gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  Error.stackTraceLimit = 50;
  // files that are half written are removed on exit (runtime/files/half-written.ts)
  process.once('SIGINT', () => process.exit(130));
  // whoever reads the output may stop early (`heddle explain … | head`)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (e: NodeJS.ErrnoException) => process.exit(e.code === 'EPIPE' ? 0 : 1));
  try {
    await build().parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (e) {
    if (!(e instanceof CommanderError)) return report(e);
    // help and version end here too, with exit code 0
    return e.exitCode === 0 ? 0 : report(new UsageError(usage(e)));
  }
}
const usage = (e: CommanderError): string =>
  e.code === 'commander.help'
    ? 'say what to do: run, compile, explain, check or devices (heddle --help tells more)'
    : `${e.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')} (heddle --help lists the options)`;

function positive(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(n) || n < 1) throw new UsageError(`--batch '${text}' is no positive whole number`);
  return n;
}
function nonNegative(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n > 0xffffffff) throw new UsageError(`--seed '${text}' is no whole number from 0 to 4294967295`);
  return n;
}
