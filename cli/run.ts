// `heddle run`: a model on the tensors of a file, on a device or on the reference.
import type { TypedArray } from '../common/dtype.ts';
import type { Program } from '../common/program.ts';
import { compileTraced } from '../compiler/compile.ts';
import { runReference } from '../compiler/reference.ts';
import { trace } from '../dsl/model.ts';
import { writeSafetensors, type SafeTensor } from '../runtime/files/safetensors.ts';
import { open, openDevice, type Device, type Inputs, type Weights } from '../runtime/index.ts';
import { bindInputs } from '../runtime/inputs.ts';
import { select } from '../runtime/select.ts';
import { weightSource } from '../runtime/weights.ts';
import { loadModel, readConfig } from './load-model.ts';
import { readInputs, readWeights, toSafe } from './tensors.ts';

export interface RunFlags {
  readonly config?: string;
  readonly weights?: string;
  readonly partial?: boolean;
  readonly seed: number;
  readonly inputs: string;
  readonly out: string;
  readonly outputs?: string;
  readonly device: 'auto' | 'reference' | 'js' | 'webgpu';
  readonly batch?: number;
  readonly json?: boolean;
}
interface Result {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

export async function run(file: string, flags: RunFlags): Promise<void> {
  const model = await loadModel(file);
  const config = readConfig(model, flags.config);
  const traced = trace(model, config, flags.batch === undefined ? {} : { batch: flags.batch });
  const outputs = flags.outputs?.split(',').map(s => s.trim());
  const weights = flags.weights === undefined ? undefined : await readWeights(flags.weights);
  if (!weights && traced.params.length > 0) note(`no --weights: initial values, seed ${flags.seed}`);

  const start = performance.now();
  let results: Record<string, Result>;
  let on: string;
  let program: Program;
  if (flags.device === 'reference') {
    program = compileTraced(traced, { target: 'js', ...(outputs ? { outputs } : {}) });
    results = onReference(traced, program, await readInputs(program, flags.inputs), weights, flags);
    on = 'reference';
  } else {
    const { device, why } = await openDevice(flags.device);
    note(why);
    try {
      program = compileTraced(traced, { target: targetFor(device), ...(outputs ? { outputs } : {}) });
      using session = await open(program, { device, weights, partial: flags.partial === true, seed: flags.seed, onNotice: note });
      results = await session.run(await readInputs(program, flags.inputs));
      on = device.name;
    } finally {
      device.dispose();
    }
  }
  const dtypes = new Map(program.outputs.map(o => [o.name, o.dtype]));
  await writeSafetensors(
    flags.out,
    new Map(Object.entries(results).map(([name, r]): [string, SafeTensor] => [name, toSafe(dtypes.get(name)!, r.data, r.shape)])),
    new Map([['model', program.name]]),
  );
  const seconds = (performance.now() - start) / 1000;
  const shapes = Object.fromEntries(Object.entries(results).map(([name, r]) => [name, r.shape]));
  if (flags.json) process.stdout.write(`${JSON.stringify({ device: on, seconds, out: flags.out, outputs: shapes })}\n`);
  else {
    for (const [name, r] of Object.entries(results)) process.stdout.write(`${name} [${r.shape.join(',')}]${r.data.length === 1 ? ` ${r.data[0]}` : ''}\n`);
    process.stdout.write(`${flags.out} written, ${seconds.toFixed(2)} s on ${on}\n`);
  }
}

/** The capability record that fits an open device. */
export const targetFor = (device: Device): 'js' | 'webgpu' | 'webgpu-software' => (device.kind === 'js' ? 'js' : device.software ? 'webgpu-software' : 'webgpu');

/** Inputs and weights are checked as a session checks them; then the graph runs in doubles, rounded to f32 at the end. */
function onReference(
  traced: ReturnType<typeof trace>,
  program: Program,
  inputs: Inputs,
  weights: Weights | undefined,
  flags: Pick<RunFlags, 'partial' | 'seed'>,
): Record<string, Result> {
  const source = weightSource(program, { weights, partial: flags.partial === true, seed: flags.seed, onNotice: note });
  const bound = bindInputs(program, select(program, undefined).inputs, inputs, undefined, undefined);
  const feeds: Record<string, TypedArray> = Object.create(null);
  for (const w of program.weights) feeds[w.name] = source(w, bound.batch);
  for (const { input, source: from } of bound.inputs) if (from.kind === 'host') feeds[input.name] = from.words;
  const results = runReference(traced, feeds, { batch: bound.batch, outputs: program.outputs.map(o => o.name) });
  return Object.fromEntries(
    Object.entries(results).map(([name, r]) => [name, { shape: r.shape, data: r.data instanceof Float64Array ? Float32Array.from(r.data) : r.data }]),
  );
}

const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
