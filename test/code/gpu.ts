// Runs WGSL text on whatever WebGPU there is, SwiftShader included, without Programs: a kernel, its arrays, its grid.
import type { DType } from '../../common/dtype.ts';
import { gridSize } from '../../common/program.ts';
import { isDynamic, sizeAt } from '../../common/size.ts';
import type { Capability, Code } from '../../compiler/code/types.ts';
import { walkExpressions } from '../../compiler/code/walk.ts';
import type { LoopNest } from '../../compiler/loops/types.ts';
import { renderWgsl } from '../../compiler/render/wgsl.ts';
import { openWebGpu } from '../../runtime/webgpu/adapter.ts';
import { foldGrid } from '../../runtime/webgpu/grid.ts';
import { codeFor, type Setting, uniforms } from './run.ts';

type Words = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
export function wordsOf(dtype: DType, values: ArrayLike<number>): Words {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return Float32Array.from(values);
    case 'i32':
      return Int32Array.from(values);
    case 'u32':
    case 'bool':
      return Uint32Array.from(values);
  }
}

export class Gpu {
  readonly device: GPUDevice;
  readonly maxGroups: number;
  private constructor(device: GPUDevice, maxGroups: number) {
    this.device = device;
    this.maxGroups = maxGroups;
  }
  /** maxGroups: workgroups a dimension, for folding tests; never more than the device's. */
  static async open(maxGroups = Number.POSITIVE_INFINITY): Promise<Gpu> {
    const { gpu } = await openWebGpu({ software: true });
    return new Gpu(gpu, Math.min(maxGroups, gpu.limits.maxComputeWorkgroupsPerDimension));
  }

  async pipeline(text: string): Promise<GPUComputePipeline> {
    const module = this.device.createShaderModule({ code: text });
    try {
      return await this.device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    } catch (e) {
      throw new Error(`${(e as Error).message}\n${text}`);
    }
  }

  /** Runs a kernel over its buffers; those of `written` come back. */
  async run(text: string, code: Code, arrays: readonly Words[], u: Float64Array, scalarType: 'f32' | 'i32' = 'f32'): Promise<Words[]> {
    const { device } = this;
    const pipeline = await this.pipeline(text);
    const buffers = arrays.map(a => {
      const b = device.createBuffer({ size: Math.max(16, a.byteLength), usage: 0x80 | 0x4 | 0x8 });
      device.queue.writeBuffer(b, 0, a);
      return b;
    });
    let block = isDynamic(code.grid.of);
    walkExpressions(code.body, e => {
      block ||= e.kind === 'batch' || e.kind === 'scalar';
    });
    const uniform = device.createBuffer({ size: 256, usage: 0x40 | 0x8 });
    device.queue.writeBuffer(uniform, 0, new Uint32Array([u[0]!]));
    if (u.length > 1) device.queue.writeBuffer(uniform, 4, scalarType === 'f32' ? new Float32Array(u.slice(1)) : new Int32Array(u.slice(1)));
    const groups = gridSize(code.grid, u[0]!);
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder();
    if (groups > 0) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const resources = [...buffers, ...(block ? [uniform] : [])];
      pass.setBindGroup(
        0,
        device.createBindGroup({
          layout: pipeline.getBindGroupLayout(0),
          entries: resources.map((buffer, binding) => ({ binding, resource: { buffer } })),
        }),
      );
      const [x, y, z] = foldGrid(groups, this.maxGroups);
      pass.dispatchWorkgroups(x, y, z);
      pass.end();
    }
    const reads = buffers.map(b => {
      const r = device.createBuffer({ size: b.size, usage: 0x1 | 0x8 });
      encoder.copyBufferToBuffer(b, 0, r, 0, b.size);
      return r;
    });
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error) throw new Error(`${error.message}\n${text}`);
    const out: Words[] = [];
    for (const [i, r] of reads.entries()) {
      await r.mapAsync(1);
      const a = arrays[i]!;
      const bytes = r.getMappedRange().slice(0, a.byteLength);
      out.push(a instanceof Float32Array ? new Float32Array(bytes) : a instanceof Int32Array ? new Int32Array(bytes) : new Uint32Array(bytes));
      r.destroy();
    }
    for (const b of [...buffers, uniform]) b.destroy();
    return out;
  }

  /** What a nest stores, by node; `fill` where it stores nothing. */
  async runNest(
    nest: LoopNest,
    capability: Capability,
    memory: ReadonlyMap<number, Float64Array>,
    setting: Setting = {},
    fill = -77,
    code = codeFor(nest, capability, setting),
  ): Promise<Map<number, Float64Array>> {
    const text = renderWgsl(code, { access: nest.buffers.map(b => (b.written ? 'read_write' : 'read')), comment: [] });
    const batch = setting.batch ?? 1;
    const arrays = nest.buffers.map(b =>
      wordsOf(b.dtype, b.written ? new Float64Array(sizeAt(b.elements, batch)).fill(b.dtype === 'bool' ? 7 : fill) : memory.get(b.node)!),
    );
    const out = await this.run(text, code, arrays, uniforms(setting));
    return new Map(nest.buffers.flatMap((b, i) => (b.written ? [[b.node, Float64Array.from(out[i]!)] as const] : [])));
  }
  dispose(): void {
    this.device.destroy();
  }
}
