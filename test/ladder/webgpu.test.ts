// Random programs of the language on WebGPU: the software adapter's own target, and the code for real GPUs (lanes, vectors, workgroup
// memory), unfused and fused, and at tiny limits. Programs share one device, so that equal kernels share their pipelines.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capabilities } from '../../compiler/code/capabilities.ts';
import type { DeviceLimits } from '../../runtime/device.ts';
import { openWebGpu } from '../../runtime/webgpu/adapter.ts';
import { WebGpuDevice } from '../../runtime/webgpu/device.ts';
import { asked, Coverage, holds } from './draws.ts';
import { fault, narrow, noCounts, type Target } from './rungs.ts';

/** A device whose grids must fold: three workgroups a dimension. */
class FoldedWebGpu extends WebGpuDevice {
  override readonly limits: DeviceLimits = { ...this.baseLimits(), workgroupsPerDimension: 24 };
  private baseLimits(): DeviceLimits {
    const { limits } = this.gpu;
    return {
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      invocations: limits.maxComputeInvocationsPerWorkgroup,
      bindingBytes: limits.maxStorageBufferBindingSize,
      bufferBytes: limits.maxBufferSize,
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    };
  }
}

let device: WebGpuDevice;
let targets: readonly Target[];
beforeAll(async () => {
  device = await openWebGpu({ software: true });
  const folded = new FoldedWebGpu(device.gpu, { name: 'folded', software: true });
  const small = narrow(capabilities.webgpu);
  targets = [
    { name: 'software', device, options: { target: 'webgpu-software' } },
    { name: 'software, fused', device, options: { target: 'webgpu-software', fuse: 'all' } },
    { name: 'lanes, folded grids', device: folded, options: { target: { ...capabilities.webgpu, lanes: 4 } } },
    { name: 'lanes, fused', device, options: { target: 'webgpu', fuse: 'all' } },
    { name: '4 bindings', device, options: { target: small } },
    { name: '4 bindings, fused', device: folded, options: { target: small, fuse: 'all' } },
  ];
});
afterAll(() => device.dispose());

test('random programs of the language on WebGPU', { timeout: 36_000_000 }, async () => {
  const numRuns = Math.max(150, Math.ceil((asked ?? 0) / 10));
  const counts = noCounts();
  const coverage = new Coverage();
  await holds(numRuns, coverage, (draw, program) => fault(draw, { machines: [], targets: [targets[draw.turn % targets.length]!] }, counts, program));
  console.log(`${device.name}: ${JSON.stringify(counts)}\n${coverage}`);
  expect(counts.dropped).toBeLessThanOrEqual(0.02 * counts.elements);
  expect(counts.refused).toBeLessThan(0.15 * numRuns);
});
