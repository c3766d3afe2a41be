// Compute pipelines of one device, one a kernel hash, created in parallel and shared by all programs. Layouts are written out from the
// kernel's bindings ('auto' would drop bindings that a kernel does not read).
import type { Kernel } from '../../common/program.ts';
import { DeviceError } from '../errors.ts';
import { type Guard, oneLine } from './guard.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}
/** GPUShaderStage.COMPUTE: the constants are globals in a browser, but not in Node. */
const compute = 4;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #guard: Guard;
  readonly #byHash = new Map<string, Promise<Pipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice, guard: Guard) {
    this.#device = device;
    this.#guard = guard;
  }

  /** The pipeline of a kernel; a refused one is forgotten, so that it may be tried again. Throws DeviceError HD11 with the compiler's words. */
  get(kernel: Kernel): Promise<Pipeline> {
    const known = this.#byHash.get(kernel.hash);
    if (known) return known;
    const made = this.#create(kernel);
    this.#byHash.set(kernel.hash, made);
    made.catch(() => this.#byHash.delete(kernel.hash));
    return made;
  }

  async #create(kernel: Kernel): Promise<Pipeline> {
    const label = kernel.hash.slice(0, 12);
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label, code: kernel.text });
    const layout = this.#layout(kernel);
    const scope = this.#device.popErrorScope();
    const pending = this.#device.createComputePipelineAsync({
      label,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.entry },
    });
    const [error, pipeline] = await this.#guard.race(
      Promise.all([scope, pending.catch((cause: unknown) => new DeviceError('HD11', String(cause), { cause }))]),
    );
    if (error) throw new DeviceError('HD11', `kernel ${label} does not compile: ${await this.#diagnosis(module, error.message)}`);
    if (pipeline instanceof DeviceError)
      throw new DeviceError('HD11', `kernel ${label} was refused: ${oneLine(pipeline.message)}`, { cause: pipeline.cause });
    return { pipeline, layout };
  }

  async #diagnosis(module: GPUShaderModule, otherwise: string): Promise<string> {
    const { messages } = await this.#guard.race(module.getCompilationInfo());
    const first = messages.find(m => m.type === 'error');
    return first ? `${first.lineNum}:${first.linePos} ${oneLine(first.message)}` : oneLine(otherwise);
  }

  #layout({ bindings, uniforms }: Kernel): GPUBindGroupLayout {
    const types: GPUBufferBindingType[] = bindings.map(b => (b.access === 'read' ? 'read-only-storage' : 'storage'));
    if (uniforms) types.push('uniform');
    const key = types.join();
    let layout = this.#layouts.get(key);
    if (!layout) {
      layout = this.#device.createBindGroupLayout({ entries: types.map((type, binding) => ({ binding, visibility: compute, buffer: { type } })) });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
