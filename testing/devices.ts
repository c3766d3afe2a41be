// One model on everything that runs it: the reference (the compiler's graph interpreter, in double precision), and the devices. A
// test's body is written once; each device opens the model once and runs as many cases as the test has.
import { arrayOf, type DType, type TypedArray } from '../common/dtype.ts';
import { compile } from '../compiler/compile.ts';
import { initOf } from '../compiler/initial.ts';
import { runReference } from '../compiler/reference.ts';
import type { Node } from '../dsl/graph.ts';
import { type Model, type ModelConfig, type Traced, trace } from '../dsl/model.ts';
import { openDevice } from '../runtime/auto.ts';
import type { Device } from '../runtime/device.ts';
import { initialValues } from '../runtime/initial.ts';
import { openJs } from '../runtime/js/device.ts';
import { open } from '../runtime/session.ts';
import type { Weights } from '../runtime/tensor.ts';
import type { HostTensor } from './close.ts';

export type DeviceName = 'reference' | 'js' | 'webgpu';
export const deviceNames: readonly DeviceName[] = ['reference', 'js', 'webgpu'];

export type HostTensors = Readonly<Record<string, HostTensor>>;
/** A model ready to run. `dispose`, or `using`, gives its memory back. */
export interface Running extends Disposable {
  readonly device: DeviceName;
  /** The outputs asked for by name, all unless said. The batch is read off the inputs. */
  run(inputs: HostTensors, outputs?: readonly string[]): Promise<HostTensors>;
}

export interface OpenOptions {
  /** By checkpoint name; left out: the initial values of `seed` (0). */
  readonly weights?: Weights | undefined;
  readonly seed?: number | undefined;
  /** Makes the batch a number, for programs that need more of it than a leading axis. */
  readonly batch?: number | undefined;
  /** An output whose sum is differentiated: outputs `grad.<parameter>` are added. */
  readonly grad?: string | undefined;
  /** A WebGPU device of the caller's, which stays open; otherwise each session opens one of its own. */
  readonly webgpu?: Device | undefined;
}

/** Opens a model for a configuration (values, or a preset's name) on one device. */
export async function openOn<M extends Model>(
  device: DeviceName,
  model: M,
  config: ModelConfig<M> | string,
  options: OpenOptions = {},
): Promise<Running> {
  const { weights, seed, batch, grad } = options;
  const fixed = batch === undefined ? {} : { batch };
  const differentiated = grad === undefined ? {} : { grad };
  if (device === 'reference') return onReference(trace(model, config, fixed), options);
  const target = device === 'js' ? openJs() : (options.webgpu ?? (await openDevice('webgpu')).device);
  const program = compile(model, config, {
    target: device === 'js' ? 'js' : target.software ? 'webgpu-software' : 'webgpu',
    ...fixed,
    ...differentiated,
  });
  const session = await open(program, { device: target, weights, seed });
  return {
    device,
    run: (inputs, outputs) => session.run(inputs, { outputs }),
    [Symbol.dispose]: () => {
      session.dispose();
      if (target !== options.webgpu) target.dispose();
    },
  };
}

/**
 * Runs a test's body on each device in turn; an error says on which. The body gets the model open, and may run it many times:
 * `await onAllDevices(mae, 'tiny', async on => { const { pred } = await on.run({ imgs, noise }); … })`
 */
export async function onAllDevices<M extends Model>(
  model: M,
  config: ModelConfig<M> | string,
  body: (on: Running) => Promise<void> | void,
  options: OpenOptions & { readonly devices?: readonly DeviceName[] } = {},
): Promise<void> {
  for (const device of options.devices ?? deviceNames) {
    const on = await openOn(device, model, config, options);
    try {
      await body(on);
    } catch (e) {
      throw new Error(`on ${device}: ${e instanceof Error ? e.message : String(e)}`, { cause: e });
    } finally {
      on[Symbol.dispose]();
    }
  }
}

function onReference(traced: Traced, { weights, seed = 0, grad }: OpenOptions): Running {
  const parameters = Object.fromEntries(traced.params.map(([name, node]) => [name, weightOf(name, node, weights, seed)]));
  return {
    device: 'reference',
    run: async (inputs, outputs) => {
      const feeds = { ...parameters, ...Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, t.data])) };
      const results = runReference(traced, feeds, {
        batch: batchOf(traced, inputs),
        ...(outputs ? { outputs } : {}),
        ...(grad === undefined ? {} : { grad }),
      });
      return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, { shape: t.shape, data: rounded(t.dtype, t.data) }]));
    },
    [Symbol.dispose]: () => {},
  };
}

function weightOf(name: string, node: Node, weights: Weights | undefined, seed: number): TypedArray {
  const given = weights?.get(name);
  if (given && !(given.data instanceof Uint16Array)) return given.data;
  if (weights || node.op !== 'input' || node.role !== 'parameter') throw new Error(`no f32 values for parameter ${name}`);
  return initialValues(initOf(node.init), node.shape.map(Number), seed, name);
}

/** The reference computes in doubles and is rounded once, at the end. */
function rounded(dtype: DType, values: ArrayLike<number>): TypedArray {
  const out = arrayOf(dtype, values.length);
  out.set(values);
  return out;
}

function batchOf(traced: Traced, inputs: HostTensors): number {
  for (const [name, node] of traced.inputs) {
    const axis = traced.batch === null ? -1 : node.shape.indexOf(traced.batch);
    if (axis >= 0) return inputs[name]?.shape[axis] ?? 1;
  }
  return 1;
}
