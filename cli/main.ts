// The `heddle` command: thin. Each subcommand parses its options here and does its work in a file of its own, imported when asked.
import { Command, CommanderError, Option } from 'commander';
import { report, UsageError } from './exit.ts';

export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

function build(): Command {
  const program = new Command('heddle')
    .description('compile and run typed tensor models')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showSuggestionAfterError(true);
  const config = (): Option => new Option('--config <config>', "a preset's name, a JSON file, or the JSON itself (default: the first preset)");
  const target = (): Option => new Option('--target <target>', 'webgpu, webgpu-large, webgpu-software or js').default('webgpu');
  const batch = (): Option => new Option('--batch <n>', 'make the batch a number').argParser(positive);
  const fuse = (): Option => new Option('--fuse <how>', 'how operations become kernels').choices(['none']).default('none');
  const json = (): Option => new Option('--json', 'print JSON on stdout');

  program
    .command('run')
    .description('run a model on tensors of a safetensors file')
    .argument('<model>', 'a TypeScript file whose default export is a model(…)')
    .addOption(config())
    .option('--weights <file>', 'safetensors with the parameters (default: seeded initial values)')
    .option('--partial', 'allow parameters that the weights lack; they keep their initial values')
    .option('--seed <n>', 'seed of the initial values', nonNegative, 0)
    .requiredOption('--inputs <file>', 'safetensors with the inputs, by name')
    .requiredOption('--out <file>', 'safetensors to write the outputs to')
    .option('--outputs <names>', 'only these outputs, comma-separated')
    .addOption(new Option('--device <device>', 'where to run').choices(['auto', 'reference', 'js', 'webgpu']).default('auto'))
    .addOption(batch())
    .addOption(fuse())
    .addOption(json())
    .action(async (model, options) => (await import('./run.ts')).run(model, options));
  program
    .command('compile')
    .description('write a Program folder that runs without the compiler, with a typed loader')
    .argument('<model>')
    .addOption(config())
    .addOption(target())
    .addOption(batch())
    .addOption(fuse())
    .requiredOption('--out <dir>', 'folder to write')
    .addOption(json())
    .action(async (model, options) => (await import('./compile.ts')).compileCommand(model, options));
  program
    .command('explain')
    .description('show the kernels, the bytes they move and the plan of memory')
    .argument('<model>')
    .addOption(config())
    .addOption(target())
    .addOption(batch())
    .addOption(fuse())
    .addOption(json())
    .action(async (model, options) => (await import('./explain.ts')).explainCommand(model, options));
  program
    .command('check')
    .description('check types, wide dims and kernel sources')
    .argument('<model>')
    .addOption(json())
    .action(async (model, options) => (await import('./check.ts')).check(model, options));
  program
    .command('devices')
    .description('show Node, the adapters with their limits, and what auto takes')
    .addOption(json())
    .action(async options => (await import('./devices.ts')).devices(options));
  return program;
}

/** Runs the command line and gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  process.once('SIGINT', () => process.exit(130));
  process.stdout.on('error', (e: NodeJS.ErrnoException) => process.exit(e.code === 'EPIPE' ? 0 : 1));
  try {
    await build().parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (e) {
    if (!(e instanceof CommanderError)) return report(e);
    // help and version end here too, with exit code 0
    return e.exitCode === 0 ? 0 : report(new UsageError(`${e.message.replace(/^error: /, '')} (heddle --help lists the options)`));
  }
}

function positive(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new UsageError(`'${text}' is no positive whole number`);
  return n;
}
function nonNegative(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0 || n > 0xffffffff) throw new UsageError(`'${text}' is no whole number from 0 to 4294967295`);
  return n;
}
