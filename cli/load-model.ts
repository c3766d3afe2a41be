// Imports a user's model file. `heddle` resolves to this very package even where the file's folder has no node_modules, so that a
// model can lie anywhere; a model file is code and runs with the user's rights.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { HeddleError, type Place } from '../common/errors.ts';
import { prepareKernels } from '../compiler/source/prepare.ts';
import { placeOf } from '../dsl/errors.ts';
import { isModel, type Model } from '../dsl/model.ts';
import { firstLine, InputFileError, ModelError, shortPath, UsageError } from './exit.ts';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'heddle' && !specifier.startsWith('heddle/')) return asModule(next(specifier, context));
    try {
      return next(specifier, context);
    } catch {
      return next(specifier, { ...context, parentURL: import.meta.url });
    }
  },
});
/** A user's .ts file is a module, whatever the nearest package.json says or leaves open: models import heddle, which is modules. */
function asModule<R extends { url: string; format?: string | null | undefined }>(found: R): R {
  return found.url.endsWith('.ts') && !found.url.includes('/node_modules/') ? { ...found, format: 'module-typescript' } : found;
}

/** The path of a model file that is there. @throws InputFileError for a file that is missing */
export function modelPath(file: string): string {
  const full = path.resolve(file);
  if (!existsSync(full)) throw new InputFileError(`${file}: no such file; name the TypeScript file of a model`);
  if (!statSync(full).isFile()) throw new InputFileError(`${file}: is a folder; name the TypeScript file of a model`);
  return full;
}

/** The model that a file exports by default.
 *  @throws InputFileError for a file that is missing or exports no model; ModelError for what its own code throws; KernelSourceError */
export async function loadModel(file: string): Promise<Model> {
  const full = modelPath(file);
  await prepareKernels(full);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(full).href);
  } catch (e) {
    throw importError(e, full);
  }
  if (!isModel(module.default))
    throw new InputFileError(
      `${shortPath(full)}: its default export is no model: end the file with \`export default model({ config, params, inputs, forward })\``,
    );
  return module.default;
}

/** A file that Node cannot parse, link or run. */
function importError(e: unknown, full: string): HeddleError {
  if (e instanceof HeddleError) return e;
  if (!(e instanceof Error)) return new InputFileError(`${shortPath(full)}: cannot be imported: it threw ${firstLine(String(e))}`, { cause: e });
  const place = syntaxPlace(e);
  if (place) return new InputFileError(firstLine(e.message), { place, cause: e });
  const thrown = 'code' in e && e.code === 'ERR_MODULE_NOT_FOUND' ? undefined : placeOf(e);
  if (thrown) return new ModelError(e, thrown);
  return new InputFileError(`${shortPath(full)}: cannot be imported: ${firstLine(e.message)}`, { cause: e });
}
/** Node puts the place of a syntax error above the message: `file:line`, the line, and carets under the mistake. */
function syntaxPlace(e: Error): Place | undefined {
  if (e.name !== 'SyntaxError') return undefined;
  const lines = (e.stack ?? '').split('\n');
  const at = /^(?:file:\/\/)?(.+):(\d+)$/.exec(lines[0]!);
  const carets = lines.find(l => /^\s*\^+\s*$/.test(l));
  return at ? { file: decodeURIComponent(at[1]!), line: Number(at[2]), column: (carets?.indexOf('^') ?? 0) + 1 } : undefined;
}

type Values = Readonly<Record<string, unknown>>;
/** What --config says: nothing (the first preset), a preset's name, inline JSON, or a JSON file (also one that holds more than the
 *  configuration, under `config`, as the files beside the weights do). */
export function readConfig(model: Model, text: string | undefined): Values {
  const presets = model.presets;
  const names = Object.keys(presets);
  if (text === undefined) {
    const first = names[0];
    if (first === undefined) throw new UsageError(`${model.name} has no presets: give --config a JSON file or the JSON itself`);
    return presets[first]!;
  }
  if (/^\s*[{[]/.test(text)) return parseConfig(text, '--config');
  if (Object.hasOwn(presets, text)) return presets[text]!;
  if (!existsSync(text)) throw new UsageError(`--config ${text}: neither a preset (${names.join(', ') || 'none'}) nor a file`);
  const values = parseConfig(readText(text), text);
  return !Object.hasOwn(model.config.fields, 'config') && isRecord(values.config) ? values.config : values;
}
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InputFileError(`${file}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
const isRecord = (x: unknown): x is Values => typeof x === 'object' && x !== null && !Array.isArray(x);
function parseConfig(text: string, name: string): Values {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (e) {
    throw new InputFileError(`${name}: no JSON: ${e instanceof Error ? firstLine(e.message) : String(e)}`);
  }
  if (!isRecord(value)) throw new InputFileError(`${name}: a configuration is a JSON object, { "field": value, … }`);
  return value;
}
