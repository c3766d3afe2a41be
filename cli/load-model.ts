// Imports a user's model file. `heddle` resolves to this very package even where the file's folder has no node_modules, so that a
// model can lie anywhere; a model file is code and runs with the user's rights.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { HeddleError } from '../common/errors.ts';
import { prepareKernels } from '../compiler/source/prepare.ts';
import { isModel, type Model } from '../dsl/model.ts';
import { InputFileError, shortPath, UsageError } from './exit.ts';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'heddle' && !specifier.startsWith('heddle/')) return next(specifier, context);
    try {
      return next(specifier, context);
    } catch {
      return next(specifier, { ...context, parentURL: import.meta.url });
    }
  },
});

/** The model that a file exports by default.
 *  @throws InputFileError for a file that is missing or exports no model; what the file itself throws on purpose goes through. */
export async function loadModel(file: string): Promise<Model> {
  const full = path.resolve(file);
  if (!existsSync(full)) throw new InputFileError(`${file}: no such file`);
  if (!statSync(full).isFile()) throw new InputFileError(`${file}: is a folder, a model is one TypeScript file`);
  await prepareKernels(full);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(full).href);
  } catch (e) {
    if (e instanceof HeddleError) throw e;
    throw new InputFileError(`${shortPath(full)}: cannot be imported: ${e instanceof Error ? e.message.split('\n')[0] : String(e)}`, { cause: e });
  }
  if (!isModel(module.default))
    throw new InputFileError(`${shortPath(full)}: its default export is no model: end the file with \`export default model({ config, params, forward })\``);
  return module.default;
}

/** What --config says: nothing (the first preset), a preset's name, inline JSON, or a JSON file. */
export function readConfig(model: Model, text: string | undefined): Readonly<Record<string, unknown>> {
  const presets = model.presets;
  const names = Object.keys(presets);
  if (text === undefined) {
    const first = names[0];
    if (first === undefined) throw new UsageError(`${model.name} has no presets: give --config a JSON file or the JSON itself`);
    return presets[first]!;
  }
  if (text.trimStart().startsWith('{')) return parseConfig(text, '--config');
  if (Object.hasOwn(presets, text)) return presets[text]!;
  if (!existsSync(text)) throw new UsageError(`--config ${text}: neither a preset (${names.join(', ') || 'none'}) nor a file`);
  return parseConfig(readFileSync(text, 'utf8'), text);
}
function parseConfig(text: string, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (e) {
    throw new InputFileError(`${name}: no JSON: ${e instanceof Error ? e.message : String(e)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InputFileError(`${name}: a configuration is a JSON object`);
  return value as Readonly<Record<string, unknown>>;
}
