// A WebGPU device that runs Programs: one command buffer a run, one uniform block, explicit bind groups over ranges of the slots. Works on
// any GPUDevice, a browser's or the caller's own; adapter.ts finds one. A run succeeded when its outputs were read back and the device
// is not lost.
import { gridSize, type Kernel, type Program, type Step } from '../../common/program.ts';
import { sizeAt } from '../../common/size.ts';
import type { Device, DeviceBuffer, DeviceLimits, Launch, PlatformBuffers, Prepared } from '../device.ts';
import { DeviceError, LimitError } from '../errors.ts';
import { BindGroups } from './bind-groups.ts';
import { foldGrid } from './grid.ts';
import { Guard, type Outcome } from './guard.ts';
import { type Pipeline, Pipelines } from './pipelines.ts';

/** GPUBufferUsage and GPUMapMode: the constants are globals in a browser, but not in Node. */
const usage = { mapRead: 1, copySrc: 4, copyDst: 8, uniform: 64, storage: 128 } as const;
const mapRead = 1;
const storageUsage = usage.storage | usage.copySrc | usage.copyDst;
/** The uniform block: 64 words, of which word 0 is the batch. */
const uniformBytes = 256;
const bindingAlignment = 256;

class WebGpuBuffer implements DeviceBuffer {
  readonly bytes: number;
  readonly gpu: GPUBuffer;
  /** Of commands on this buffer that no run or read has looked at yet. */
  readonly outcomes: Outcome[] = [];
  readonly #live: Set<WebGpuBuffer>;
  constructor(gpu: GPUBuffer, bytes: number, live: Set<WebGpuBuffer>) {
    this.gpu = gpu;
    this.bytes = bytes;
    this.#live = live;
    live.add(this);
  }
  dispose(): void {
    if (this.#live.delete(this)) this.gpu.destroy();
  }
}

class WebGpuPrepared implements Prepared {
  readonly program: Program;
  readonly byKernel: readonly Pipeline[];
  readonly groups = new BindGroups();
  readonly pipelines: number;
  readonly milliseconds: number;
  constructor(program: Program, byKernel: readonly Pipeline[], milliseconds: number) {
    this.program = program;
    this.byKernel = byKernel;
    this.pipelines = new Set(byKernel).size;
    this.milliseconds = milliseconds;
  }
  dispose(): void {
    this.groups.clear();
  }
}

export interface WebGpuOptions {
  /** The adapter's words, for messages. */
  readonly name?: string | undefined;
  /** A software adapter, which `auto` does not take. */
  readonly software?: boolean | undefined;
  /** Destroy the GPUDevice on dispose; false for a device of the caller's. */
  readonly owned?: boolean | undefined;
}

export class WebGpuDevice implements Device {
  readonly kind = 'webgpu';
  readonly language = 'wgsl';
  readonly name: string;
  readonly software: boolean;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<string>;
  readonly platform: PlatformBuffers;
  /** The device underneath, for exchange with other code. */
  readonly gpu: GPUDevice;
  readonly #owned: boolean;
  readonly #guard: Guard;
  readonly #pipelines: Pipelines;
  readonly #live = new Set<WebGpuBuffer>();
  readonly #uniforms: GPUBuffer;
  /** Stands in for ranges of zero bytes, which cannot be bound: for reading, and for writing at an offset of its own a binding. */
  readonly #empty: { readonly read: GPUBuffer; readonly read_write: GPUBuffer };
  #disposed = false;

  constructor(gpu: GPUDevice, { name = 'WebGPU', software = false, owned = false }: WebGpuOptions = {}) {
    const { limits } = gpu;
    this.gpu = gpu;
    this.name = name;
    this.software = software;
    this.features = new Set([...gpu.features]);
    this.limits = {
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      invocations: limits.maxComputeInvocationsPerWorkgroup,
      bindingBytes: limits.maxStorageBufferBindingSize,
      bufferBytes: limits.maxBufferSize,
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    };
    this.#owned = owned;
    this.#guard = new Guard(gpu, name);
    this.#pipelines = new Pipelines(gpu, this.#guard);
    const standIn = (): GPUBuffer => gpu.createBuffer({ size: bindingAlignment * limits.maxStorageBuffersPerShaderStage, usage: storageUsage });
    this.#uniforms = gpu.createBuffer({ label: 'uniforms', size: uniformBytes, usage: usage.uniform | usage.copyDst });
    this.#empty = { read: standIn(), read_write: standIn() };
    this.platform = {
      isBuffer: (x): x is GPUBuffer => typeof x === 'object' && x !== null && x.constructor.name === 'GPUBuffer',
      copyIn: (from, to, offset, bytes) => this.#copyIn(from, to, offset, bytes),
      copyOut: (from, offset, bytes) => this.#copyOut(from, offset, bytes),
    };
  }

  get liveBuffers(): number {
    return this.#live.size;
  }

  allocate(bytes: number): DeviceBuffer {
    this.#check();
    return this.#create(bytes, storageUsage);
  }

  upload(buffer: DeviceBuffer, offset: number, data: ArrayBufferView): void {
    this.#check();
    const to = this.#own(buffer);
    const [, outcome] = this.#guard.scoped(() => this.gpu.queue.writeBuffer(to.gpu, offset, data.buffer, data.byteOffset, data.byteLength));
    to.outcomes.push(outcome);
  }

  async prepare(program: Program): Promise<WebGpuPrepared> {
    this.#check();
    const start = performance.now();
    const byKernel = await Promise.all(program.kernels.map(k => this.#pipelines.get(k)));
    return new WebGpuPrepared(program, byKernel, performance.now() - start);
  }

  async run(launch: Launch): Promise<void> {
    this.#check();
    const { slots, steps, prepared } = launch;
    if (!(prepared instanceof WebGpuPrepared)) throw new DeviceError('HD11', `device '${this.name}' was given a program prepared by another device`);
    // memory that is not there shows here, before anything runs
    await this.#guard.settle(slots.flatMap(buffer => (buffer ? this.#own(buffer).outcomes.splice(0) : [])));
    this.#check();
    const [, outcome] = this.#guard.scoped(() => {
      this.gpu.queue.writeBuffer(this.#uniforms, 0, uniformBlock(launch));
      prepared.groups.begin(launch);
      const encoder = this.gpu.createCommandEncoder({ label: prepared.program.name });
      const pass = encoder.beginComputePass();
      for (const index of steps) this.#dispatch(pass, launch, index, prepared);
      pass.end();
      this.gpu.queue.submit([encoder.finish()]);
    });
    await this.#guard.settle([outcome]);
  }

  async read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.#check();
    const staging = this.#create(bytes, usage.mapRead | usage.copyDst);
    try {
      const from = this.#own(buffer);
      const copied = this.#copy(from.gpu, offset, staging.gpu, 0, bytes);
      await this.#guard.settle([...from.outcomes.splice(0), ...staging.outcomes, copied]);
      await this.#guard.race(staging.gpu.mapAsync(mapRead, 0, bytes));
      return staging.gpu.getMappedRange(0, bytes).slice(0);
    } finally {
      staging.dispose();
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of [...this.#live]) buffer.dispose();
    for (const buffer of [this.#uniforms, this.#empty.read, this.#empty.read_write]) buffer.destroy();
    if (this.#owned) this.gpu.destroy();
  }

  #dispatch(pass: GPUComputePassEncoder, launch: Launch, index: number, { program, byKernel, groups }: WebGpuPrepared): void {
    const step = program.steps[index]!;
    const count = gridSize(step.grid, launch.batch);
    if (count === 0) return;
    const { pipeline, layout } = byKernel[step.kernel]!;
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      groups.get(index, () => this.gpu.createBindGroup({ layout, entries: this.#entries(step, program.kernels[step.kernel]!, launch) })),
    );
    pass.dispatchWorkgroups(...foldGrid(count, this.limits.workgroupsPerDimension));
  }

  #entries({ bindings }: Step, kernel: Kernel, { slots, batch }: Launch): GPUBindGroupEntry[] {
    const entries: GPUBindGroupEntry[] = bindings.map((range, binding) => {
      const size = sizeAt(range.bytes, batch);
      const resource =
        size === 0
          ? { buffer: this.#empty[kernel.bindings[binding]!.access], offset: bindingAlignment * binding, size: bindingAlignment }
          : { buffer: this.#own(slots[range.slot]).gpu, offset: sizeAt(range.offset, batch), size };
      return { binding, resource };
    });
    if (kernel.uniforms) entries.push({ binding: bindings.length, resource: { buffer: this.#uniforms } });
    return entries;
  }

  #copyIn(from: GPUBuffer, buffer: DeviceBuffer, offset: number, bytes: number): void {
    const to = this.#own(buffer);
    to.outcomes.push(this.#copy(from, 0, to.gpu, offset, bytes));
  }

  async #copyOut(buffer: DeviceBuffer, offset: number, bytes: number): Promise<GPUBuffer> {
    this.#check();
    const from = this.#own(buffer);
    const [out, made] = this.#guard.scoped(() => this.gpu.createBuffer({ size: Math.max(4, bytes), usage: storageUsage }));
    try {
      const copied = this.#copy(from.gpu, offset, out, 0, bytes);
      await this.#guard.settle([...from.outcomes.splice(0), made, copied]);
      await this.#guard.race(this.gpu.queue.onSubmittedWorkDone());
      return out;
    } catch (e) {
      out.destroy();
      throw e;
    }
  }

  #copy(from: GPUBuffer, offset: number, to: GPUBuffer, toOffset: number, bytes: number): Outcome {
    const [, outcome] = this.#guard.scoped(() => {
      if (bytes === 0) return;
      const encoder = this.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(from, offset, to, toOffset, bytes);
      this.gpu.queue.submit([encoder.finish()]);
    });
    return outcome;
  }

  #create(bytes: number, bufferUsage: number): WebGpuBuffer {
    if (bytes > this.limits.bufferBytes) throw new LimitError(`a buffer of ${bytes} bytes; device '${this.name}' offers ${this.limits.bufferBytes}`);
    // four words at least: a binding of a vec4 array takes no less
    const size = Math.max(16, Math.ceil(bytes / 4) * 4);
    const [gpu, outcome] = this.#guard.scoped(() => this.gpu.createBuffer({ size, usage: bufferUsage }));
    const buffer = new WebGpuBuffer(gpu, bytes, this.#live);
    buffer.outcomes.push(outcome);
    return buffer;
  }

  #own(buffer: DeviceBuffer | undefined): WebGpuBuffer {
    if (buffer instanceof WebGpuBuffer && this.#live.has(buffer)) return buffer;
    throw new DeviceError('HD5', 'a buffer was used after dispose, or belongs to another device');
  }

  #check(): void {
    if (this.#disposed) throw new DeviceError('HD5', `device '${this.name}' was used after dispose`);
    this.#guard.check();
  }
}

/** Word 0 is the batch, word i the bits of the scalar of index i. */
function uniformBlock({ prepared: { program }, batch, scalars }: Launch): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(uniformBytes / 4);
  words[0] = batch;
  program.scalars.forEach(({ dtype, index }, i) => {
    if (dtype === 'f32') new Float32Array(words.buffer)[index] = scalars[i]!;
    else words[index] = scalars[i]!;
  });
  return words;
}
