// `heddle run`: a model on the tensors of a file, on a device or on the reference.
import { statSync } from 'node:fs';
import type { TypedArray } from '../common/dtype.ts';
import type { Program } from '../common/program.ts';
import { compileTraced } from '../compiler/compile.ts';
import { runReferenceSliced } from '../compiler/reference.ts';
import { type Traced, trace } from '../dsl/model.ts';
import { openDevice } from '../runtime/auto.ts';
import type { Device } from '../runtime/device.ts';
import { type SafeTensor, writeSafetensors } from '../runtime/files/safetensors.ts';
import { bindInputs } from '../runtime/inputs.ts';
import { select } from '../runtime/select.ts';
import { open } from '../runtime/session.ts';
import type { Weights } from '../runtime/tensor.ts';
import { weightSource } from '../runtime/weights.ts';
import { type CompileFlags, compileOptions } from './compile-options.ts';
import { InputFileError, UsageError } from './exit.ts';
import { loadModel, readConfig } from './load-model.ts';
import { progress } from './progress.ts';
import { naming, readInputs, readWeights, toSafe } from './tensors.ts';

export interface RunFlags extends Omit<CompileFlags, 'target'> {
  readonly weights?: string;
  readonly partial?: boolean;
  readonly seed: number;
  readonly inputs: string;
  readonly out: string;
  readonly outputs?: string;
  readonly device: 'auto' | 'reference' | 'js' | 'webgpu';
}
interface Result {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}
interface Done {
  readonly program: Program;
  readonly results: Record<string, Result>;
  readonly on: string;
}

export async function run(file: string, flags: RunFlags): Promise<void> {
  if (statSync(flags.out, { throwIfNoEntry: false })?.isDirectory()) throw new InputFileError(`--out ${flags.out}: is a folder, not a file`);
  const model = await loadModel(file);
  const traced = trace(model, readConfig(model, flags.config), flags.batch === undefined ? {} : { batch: flags.batch });
  const outputs = outputNames(traced, flags);
  const weights = flags.weights === undefined ? undefined : await readWeights(flags.weights);
  if (!weights && traced.params.length > 0) note(`no --weights: initial values, seed ${flags.seed}`);

  const start = performance.now();
  const { program, results, on } = await naming(flags, () =>
    (flags.device === 'reference' ? onReference : onDevice)(traced, outputs, weights, flags),
  );
  const dtypes = new Map(program.outputs.map(o => [o.name, o.dtype]));
  const tensors = Object.entries(results).map(([name, r]): [string, SafeTensor] => [name, toSafe(dtypes.get(name)!, r.data, r.shape)]);
  await writeSafetensors(flags.out, new Map(tensors), new Map([['model', program.name]]));
  const seconds = (performance.now() - start) / 1000;
  if (flags.json) {
    const shapes = Object.fromEntries(Object.entries(results).map(([name, r]) => [name, r.shape]));
    process.stdout.write(`${JSON.stringify({ device: on, seconds, out: flags.out, outputs: shapes })}\n`);
    return;
  }
  const lines = Object.entries(results).map(([name, r]) => `${name} [${r.shape.join(',')}]${r.data.length === 1 ? ` ${r.data[0]}` : ''}`);
  process.stdout.write(`${lines.join('\n')}\n${flags.out} written, ${seconds.toFixed(2)} s on ${on}\n`);
}

/** The outputs asked for, undefined for all; with --grad its gradients are among them. @throws UsageError for a name that there is not */
function outputNames(traced: Traced, { outputs, grad }: RunFlags): readonly string[] | undefined {
  if (outputs === undefined) return undefined;
  const known = traced.outputs.map(([name]) => name);
  const names = outputs.split(',').map(s => s.trim());
  for (const name of names)
    if (!known.includes(name)) throw new UsageError(`--outputs ${name}: ${traced.name} has no such output: its outputs are ${known.join(', ')}`);
  const trained = traced.params.filter(([, { op, ...node }]) => op === 'input' && 'trainable' in node && node.trainable);
  return grad === undefined ? names : [...names, ...trained.map(([name]) => `grad.${name}`)];
}

async function onDevice(traced: Traced, outputs: readonly string[] | undefined, weights: Weights | undefined, flags: RunFlags): Promise<Done> {
  const { device, why } = await openDevice(flags.device as Exclude<RunFlags['device'], 'reference'>);
  note(why);
  try {
    const program = compileTraced(traced, { ...compileOptions({ ...flags, target: targetFor(device) }), ...(outputs ? { outputs } : {}) });
    const inputs = await readInputs(program, flags.inputs, note);
    const session = await open(program, { device, weights, partial: flags.partial === true, seed: flags.seed, onNotice: note });
    return { program, results: await session.run(inputs), on: device.name };
  } finally {
    device.dispose(); // and with it the session's memory
  }
}
/** The capability record that fits an open device. */
export const targetFor = (device: Device): 'js' | 'webgpu' | 'webgpu-software' =>
  device.kind === 'js' ? 'js' : device.software ? 'webgpu-software' : 'webgpu';

/** Inputs and weights are checked as a session checks them; then the graph runs in doubles, rounded to f32 at the end. */
async function onReference(traced: Traced, outputs: readonly string[] | undefined, weights: Weights | undefined, flags: RunFlags): Promise<Done> {
  const program = compileTraced(traced, { ...compileOptions({ ...flags, target: 'js' }), ...(outputs ? { outputs } : {}) });
  const source = weightSource(program, { weights, partial: flags.partial === true, seed: flags.seed, onNotice: note });
  const bound = bindInputs(program, select(program, undefined).inputs, await readInputs(program, flags.inputs, note), undefined, undefined);
  const feeds: Record<string, TypedArray> = Object.create(null);
  for (const w of program.weights) feeds[w.name] = source(w, bound.batch);
  for (const { input, source: from } of bound.inputs) if (from.kind === 'host') feeds[input.name] = from.words;
  const bar = progress('reference');
  try {
    const options = { batch: bound.batch, outputs: program.outputs.map(o => o.name), ...(flags.grad === undefined ? {} : { grad: flags.grad }) };
    const results = Object.entries(await runReferenceSliced(traced, feeds, options, bar.update));
    const rounded = results.map(([name, r]): [string, Result] => [name, { shape: r.shape, data: rounding(r.data) }]);
    return { program, results: Object.fromEntries(rounded), on: 'reference' };
  } finally {
    bar.stop();
  }
}
const rounding = (data: TypedArray | Float64Array): TypedArray => (data instanceof Float64Array ? Float32Array.from(data) : data);

const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
