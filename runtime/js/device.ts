// The CPU device without any dependency: runs the JavaScript text of rendered kernels and nothing else, so that what is tested here is
// the compiler's code. A kernel's text is the body of a function that returns (m, u, from, to) => void: m one typed array a binding, u the
// uniform block (element 0 the batch, element i the scalar of index i), and workgroups from ≤ group < to.
import type { DType } from '../../common/dtype.ts';
import { gridSize, type Kernel, type Program } from '../../common/program.ts';
import { sizeAt } from '../../common/size.ts';
import type { Device, DeviceBuffer, Launch, Prepared } from '../device.ts';
import { DeviceError } from '../errors.ts';

type View = Float32Array | Int32Array | Uint32Array;
type KernelFunction = (m: readonly View[], u: Float64Array, from: number, to: number) => void;

class JsBuffer implements DeviceBuffer {
  readonly bytes: number;
  /** Empty once disposed, so that a disposed buffer holds no memory. */
  memory: ArrayBuffer;
  readonly #onDispose: (buffer: JsBuffer) => void;
  constructor(bytes: number, onDispose: (buffer: JsBuffer) => void) {
    this.bytes = bytes;
    this.memory = new ArrayBuffer(bytes);
    this.#onDispose = onDispose;
  }
  dispose(): void {
    this.memory = new ArrayBuffer(0);
    this.#onDispose(this);
  }
}

/** Uniform blocks have 64 elements on every device. */
const uniformElements = 64;
/** A long kernel gives way to the event loop after this many milliseconds. */
const sliceMilliseconds = 12;

function viewOf(dtype: DType, memory: ArrayBuffer, offset: number, bytes: number): View {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return new Float32Array(memory, offset, bytes / 4);
    case 'i32':
      return new Int32Array(memory, offset, bytes / 4);
    case 'u32':
    case 'bool':
      return new Uint32Array(memory, offset, bytes / 4);
  }
}

/** The next turn of the event loop, in Node and in a browser. */
const nextTurn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

/** Runs a grid in growing chunks and yields when the time slice is used up; the returned clock is when the slice began. */
async function runGrid(kernel: KernelFunction, m: readonly View[], u: Float64Array, groups: number, sliceBegan: number): Promise<number> {
  let chunk = 64;
  for (let from = 0; from < groups; ) {
    const to = Math.min(from + chunk, groups);
    const start = performance.now();
    kernel(m, u, from, to);
    const end = performance.now();
    from = to;
    if (end - start < sliceMilliseconds / 4) chunk *= 2;
    else if (end - start > sliceMilliseconds && chunk > 1) chunk >>= 1;
    if (end - sliceBegan > sliceMilliseconds) {
      await nextTurn();
      sliceBegan = performance.now();
    }
  }
  return sliceBegan;
}

/** The `js` device. Kernel text is code: run only programs whose text you trust (the folder loader asks for `trust: true`). */
export class JsDevice implements Device {
  readonly kind = 'js';
  readonly name = 'js';
  readonly software = false;
  readonly language = 'js';
  readonly features: ReadonlySet<string> = new Set();
  readonly limits = {
    storageBuffers: 64,
    workgroupBytes: 0,
    invocations: 1,
    bindingBytes: 2 ** 33,
    bufferBytes: 2 ** 33,
    workgroupsPerDimension: Number.MAX_SAFE_INTEGER,
  };
  /** Kernels executed since the device was opened, one a dispatched step: a test holds it against the plan. */
  executedKernels = 0;
  readonly #live = new Set<JsBuffer>();
  readonly #kernels = new Map<string, KernelFunction>();
  #disposed = false;

  get liveBuffers(): number {
    return this.#live.size;
  }

  allocate(bytes: number): DeviceBuffer {
    this.#check();
    try {
      const buffer = new JsBuffer(bytes, b => this.#live.delete(b));
      this.#live.add(buffer);
      return buffer;
    } catch (cause) {
      throw new DeviceError('HD2', `out of memory: ${bytes} bytes for one buffer; use a smaller batch`, { cause });
    }
  }

  upload(buffer: DeviceBuffer, offset: number, data: ArrayBufferView): void {
    this.#check();
    new Uint8Array(this.#own(buffer).memory, offset, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  async prepare(program: Program): Promise<Prepared> {
    this.#check();
    const start = performance.now();
    const hashes = new Set(program.kernels.map(k => k.hash));
    for (const kernel of program.kernels) if (!this.#kernels.has(kernel.hash)) this.#kernels.set(kernel.hash, compileKernel(kernel));
    return { program, pipelines: hashes.size, milliseconds: performance.now() - start, dispose: () => {} };
  }

  async run({ prepared: { program }, steps, slots, batch, scalars }: Launch): Promise<void> {
    this.#check();
    const u = new Float64Array(uniformElements);
    u[0] = batch;
    program.scalars.forEach((s, i) => {
      u[s.index] = s.dtype === 'f32' ? Math.fround(scalars[i]!) : scalars[i]!;
    });
    let sliceBegan = performance.now();
    for (const index of steps) {
      const step = program.steps[index]!;
      const kernel = program.kernels[step.kernel]!;
      const groups = gridSize(step.grid, batch);
      if (groups === 0) continue;
      const m = step.bindings.map((r, i) =>
        viewOf(kernel.bindings[i]!.dtype, this.#own(slots[r.slot]).memory, sizeAt(r.offset, batch), sizeAt(r.bytes, batch)),
      );
      try {
        sliceBegan = await runGrid(this.#kernels.get(kernel.hash)!, m, u, groups, sliceBegan);
      } catch (cause) {
        throw new DeviceError('HD11', `kernel '${step.name}' (step ${index}) threw: ${String(cause)}`, { cause });
      }
      this.#check();
      this.executedKernels++;
    }
  }

  async read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.#check();
    return this.#own(buffer).memory.slice(offset, offset + bytes);
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of [...this.#live]) buffer.dispose();
    this.#kernels.clear();
  }

  #own(buffer: DeviceBuffer | undefined): JsBuffer {
    if (buffer instanceof JsBuffer && this.#live.has(buffer)) return buffer;
    throw new DeviceError('HD5', 'a buffer was used after dispose, or belongs to another device');
  }

  #check(): void {
    if (this.#disposed) throw new DeviceError('HD5', 'the js device was used after dispose');
  }
}

function compileKernel(kernel: Kernel): KernelFunction {
  try {
    const made: unknown = new Function(kernel.text)();
    if (typeof made === 'function') return made as KernelFunction;
  } catch (cause) {
    throw new DeviceError('HD11', `kernel ${kernel.hash.slice(0, 12)}: ${String(cause)}`, { cause });
  }
  throw new DeviceError('HD11', `kernel ${kernel.hash.slice(0, 12)}: its text does not return a function`);
}

/** Opens the CPU device: nothing to install, no worker, single-threaded. */
export const openJs = (): JsDevice => new JsDevice();
