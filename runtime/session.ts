// A session: one program on one device. Runs queue, because they share the arenas; weights and constants are uploaded when the first
// output that needs them is asked for; state persists from run to run and is invalid after a run that failed halfway.
import type { Output, Program, Range, State, TypedProgram, Weight } from '../common/program.ts';
import { isDynamic, sizeAt } from '../common/size.ts';
import { type DeviceChoice, openDevice } from './auto.ts';
import { fromBase64 } from './base64.ts';
import type { Device, Prepared } from './device.ts';
import { DeviceError, InputError, StateError } from './errors.ts';
import { type BoundInputs, bindInputs, bindScalars, snapshot } from './inputs.ts';
import { SlotMemory } from './memory.ts';
import { checkLimits, type Selection, select } from './select.ts';
import { countOf, type GpuTensor, type Inputs, type Tensor } from './tensor.ts';
import { validateProgram } from './validate.ts';
import { type WeightOptions, type WeightSource, weightSource } from './weights.ts';
import { fromWords } from './words.ts';

export interface OpenOptions extends WeightOptions {
  /** A device of the caller's, which stays open; or which one to open and close with the session: 'auto' unless said. */
  readonly device?: Device | DeviceChoice | undefined;
  /** Most bytes of device memory that the session may hold; no limit unless said. */
  readonly memoryLimit?: number | undefined;
}
export interface RunOptions<Name extends string = string> {
  /** Outputs wanted, all unless said; what only the others need is not run. */
  readonly outputs?: readonly Name[] | undefined;
  /** Run-time numbers by name; all of the program's. */
  readonly scalars?: Readonly<Record<string, number>> | undefined;
  /** The batch, where no input holds it. */
  readonly batch?: number | undefined;
  /** 'gpu' leaves results on the device, in buffers that the caller destroys. */
  readonly output?: 'host' | 'gpu' | undefined;
}
interface Job {
  readonly bound: BoundInputs;
  readonly scalars: readonly number[];
  readonly selection: Selection;
}

/** Opens a program on a device and compiles its kernels there. Weights are checked now and uploaded later.
 *  Throws ProgramError (malformed), InputError HD9 (weights do not fit), LimitError, DeviceError HD4, HD10, HD11. */
export async function open<Outputs = Record<string, unknown>>(
  program: TypedProgram<Outputs>,
  options: OpenOptions = {},
): Promise<Session<keyof Outputs & string>> {
  const checked = validateProgram(program);
  const source = weightSource(checked, options);
  const choice = options.device ?? 'auto';
  const owned = typeof choice === 'string';
  const device = owned ? await deviceFor(checked, choice, options) : choice;
  try {
    if (device.language !== checked.language)
      throw new DeviceError(
        'HD10',
        `program '${checked.name}' is ${checked.language} (target ${checked.target}), device '${device.name}' takes ${device.language}; compile it for that target`,
      );
    checkLimits(checked, select(checked, undefined), 0, device);
    const prepared = await device.prepare(checked);
    return new Session(checked, device, owned, prepared, source, options.memoryLimit ?? Number.POSITIVE_INFINITY);
  } catch (e) {
    if (owned) device.dispose();
    throw e;
  }
}

async function deviceFor(program: Program, choice: DeviceChoice, { onNotice }: OpenOptions): Promise<Device> {
  const { device, why } = await openDevice(choice, { language: program.language });
  onNotice?.(why);
  return device;
}

/** Made by `open`. Dispose it, or declare it with `using`. */
export class Session<Names extends string = string> implements Disposable {
  readonly program: Program;
  readonly device: Device;
  readonly #ownsDevice: boolean;
  readonly #prepared: Prepared;
  readonly #source: WeightSource;
  readonly #memory: SlotMemory;
  /** Weights, and slots of constants, that are on the device. */
  readonly #weights = new Set<Weight>();
  readonly #constants = new Set<number>();
  #state: 'unset' | 'live' | 'invalid' = 'unset';
  #stateBatch = 0;
  /** The end of the queue, and how many are in it. */
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #disposed = false;

  constructor(program: Program, device: Device, ownsDevice: boolean, prepared: Prepared, source: WeightSource, memoryLimit: number) {
    this.program = program;
    this.device = device;
    this.#ownsDevice = ownsDevice;
    this.#prepared = prepared;
    this.#source = source;
    this.#memory = new SlotMemory(program, device, memoryLimit);
  }

  /** Distinct pipelines of the program and the milliseconds that they took. */
  get compiled(): { readonly pipelines: number; readonly milliseconds: number } {
    return this.#prepared;
  }

  /** Runs the program. Inputs by name are typed arrays, `{ data, shape }` or GPUBuffers (copied when the run's turn comes; indices in them
   *  are not checked, kernels clamp them). The caller may reuse its arrays as soon as this returns. Concurrent calls run in order. Throws
   *  InputError HD6 and HD7 when something does not fit, LimitError HD3, StateError HD8, and DeviceError HD1 (lost), HD2 (memory), HD5
   *  (disposed), HD11 (a kernel failed). */
  run<N extends Names = Names>(inputs: Inputs, options?: RunOptions<N> & { readonly output?: 'host' | undefined }): Promise<Record<N, Tensor>>;
  run<N extends Names = Names>(inputs: Inputs, options: RunOptions<N> & { readonly output: 'gpu' }): Promise<Record<N, GpuTensor>>;
  async run(inputs: Inputs, options: RunOptions = {}): Promise<Record<string, Tensor | GpuTensor>> {
    this.#check();
    const selection = select(this.program, options.outputs);
    const { platform } = this.device;
    if (options.output === 'gpu' && !platform) throw new DeviceError('HD6', `device '${this.device.name}' has no GPU buffers; leave output out`);
    const bound = bindInputs(this.program, selection.inputs, inputs, options.batch, platform?.isBuffer);
    const scalars = bindScalars(this.program, options.scalars ?? {});
    checkLimits(this.program, selection, bound.batch, this.device);
    const job: Job = { bound: this.#waiting > 0 ? snapshot(bound) : bound, scalars, selection };
    return this.#enqueue(() => this.#execute(job, options.output === 'gpu'));
  }

  /** State tensors as they are between runs, by name; all of them unless said. Throws StateError if they are invalid. */
  async readState(names: readonly string[] = this.program.state.map(s => s.name)): Promise<Record<string, Tensor>> {
    this.#check();
    return this.#enqueue(async () => {
      if (this.#state === 'invalid') throw invalidState(this.program);
      const wanted = names.map(name => findState(this.program, name));
      if (this.#state === 'unset') {
        if (this.program.state.some(s => isDynamic(s.bytes)))
          throw new StateError(`state of '${this.program.name}' has the batch in its shape; run it once first`);
        this.#loadState(1);
      }
      const tensors = await Promise.all(wanted.map(s => this.#readHost(s, this.#stateBatch)));
      return Object.fromEntries(wanted.map((s, i) => [s.name, tensors[i]!]));
    });
  }

  /** Puts state back to its weights or initial values; the way on after a failed run. */
  async resetState(): Promise<void> {
    this.#check();
    await this.#enqueue(async () => {
      this.#memory.release(['state']);
      this.#state = 'unset';
    });
  }

  /** Frees the session's memory, after the run that is under way; runs that still queue are refused. Twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#waiting === 0) this.#free();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #free(): void {
    this.#memory.release();
    this.#prepared.dispose();
    if (this.#ownsDevice) this.device.dispose();
  }

  #check(): void {
    if (this.#disposed) throw new DeviceError('HD5', `session of '${this.program.name}' was used after dispose`);
  }

  /** Appends to the queue; begins at once when it is empty, so that a run has taken its inputs when `run` returns. */
  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    const turn =
      this.#waiting++ === 0
        ? job()
        : this.#tail.then(() => {
            this.#check();
            return job();
          });
    const end = (): void => {
      if (--this.#waiting === 0 && this.#disposed) this.#free();
    };
    this.#tail = turn.then(end, end);
    return turn;
  }

  async #execute({ bound, scalars, selection }: Job, toGpu: boolean): Promise<Record<string, Tensor | GpuTensor>> {
    const { batch } = bound;
    this.#checkState(batch);
    let launched = false;
    try {
      this.#load(selection, bound);
      launched = true;
      await this.device.run({ prepared: this.#prepared, steps: selection.steps, slots: this.#memory.buffers, batch, scalars });
      const results = await Promise.all(selection.outputs.map(o => (toGpu ? this.#readGpu(o, batch) : this.#readHost(o, batch))));
      return Object.fromEntries(selection.outputs.map((o, i) => [o.name, results[i]!]));
    } catch (e) {
      if (launched && this.#state === 'live') this.#state = 'invalid';
      this.#recover(e);
      throw e;
    }
  }

  /** After a failure: what was uploaded may not have arrived, and memory may never have been there or went with the device. */
  #recover(e: unknown): void {
    this.#weights.clear();
    this.#constants.clear();
    if (!(e instanceof DeviceError)) return;
    if (e.code === 'HD1') this.#memory.release();
    if (e.code === 'HD2') this.#memory.release(this.#state === 'live' ? ['input', 'arena', 'weights', 'constant'] : undefined);
  }

  #checkState(batch: number): void {
    if (this.#state === 'invalid') throw invalidState(this.program);
    if (this.#state === 'live' && batch !== this.#stateBatch && this.program.state.some(s => isDynamic(s.bytes)))
      throw new StateError(`state of '${this.program.name}' was made at batch ${this.#stateBatch}, this run has ${batch}; call resetState() first`);
  }

  /** Memory for the batch, and what it must hold before the first step. Synchronous, so that the caller's arrays are taken at once. */
  #load(selection: Selection, { batch, inputs }: BoundInputs): void {
    const { device } = this;
    this.#memory.ensure(selection.slots, batch);
    for (const { input, source } of inputs) {
      if (!selection.inputs.has(input)) continue;
      if (source.kind === 'host') this.#upload(input, batch, source.words);
      else device.platform?.copyIn(source.buffer, this.#memory.buffer(input.slot), sizeAt(input.offset, batch), source.bytes);
    }
    for (const weight of selection.weights) {
      if (this.#weights.has(weight)) continue;
      this.#upload(weight, batch, this.#source(weight, batch));
      this.#weights.add(weight);
    }
    for (const slot of selection.slots) {
      const { data } = this.program.slots[slot]!;
      if (data === undefined || this.#constants.has(slot)) continue;
      device.upload(this.#memory.buffer(slot), 0, fromBase64(data));
      this.#constants.add(slot);
    }
    if (this.#state === 'unset' && this.program.state.length > 0) this.#loadState(batch);
  }

  #loadState(batch: number): void {
    this.#memory.ensure(new Set(this.program.state.map(s => s.slot)), batch);
    for (const state of this.program.state) this.#upload(state, batch, this.#source(state, batch));
    this.#state = 'live';
    this.#stateBatch = batch;
  }

  #upload(to: Range, batch: number, words: ArrayBufferView): void {
    if (words.byteLength > 0) this.device.upload(this.#memory.buffer(to.slot), sizeAt(to.offset, batch), words);
  }

  async #readHost(from: Output | State, batch: number): Promise<Tensor> {
    const shape = from.shape.map(s => sizeAt(s, batch));
    const bytes = 4 * countOf(shape);
    const words = bytes === 0 ? new ArrayBuffer(0) : await this.device.read(this.#memory.buffer(from.slot), sizeAt(from.offset, batch), bytes);
    return { data: fromWords(from.dtype, words), shape };
  }

  async #readGpu(from: Output, batch: number): Promise<GpuTensor> {
    const shape = from.shape.map(s => sizeAt(s, batch));
    const { platform } = this.device;
    if (!platform) throw new DeviceError('HD6', `device '${this.device.name}' has no GPU buffers; leave output out`);
    return { data: await platform.copyOut(this.#memory.buffer(from.slot), sizeAt(from.offset, batch), 4 * countOf(shape)), shape };
  }
}

function findState(program: Program, name: string): State {
  const found = program.state.find(s => s.name === name);
  if (found) return found;
  throw new InputError('HD6', `state '${name}' is unknown; the state is ${program.state.map(s => `'${s.name}'`).join(', ') || 'empty'}`);
}
const invalidState = (program: Program): StateError =>
  new StateError(`state of '${program.name}' is invalid: a run failed halfway; call resetState(), or open the program again`);
