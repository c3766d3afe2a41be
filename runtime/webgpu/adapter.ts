// Finds a GPUDevice: the browser's, or in Node what node.ts finds through the npm package `webgpu`. Nothing of Node is loaded in a browser.
import { DeviceError } from '../errors.ts';
import { WebGpuDevice } from './device.ts';
import { type AdapterOptions, adapterName, type FoundAdapter, isSoftware } from './found.ts';

/** Opens the best adapter there is. Throws DeviceError HD4 with the cure when there is none. */
export async function openWebGpu(options: AdapterOptions): Promise<WebGpuDevice> {
  const gpu = globalThis.navigator?.gpu;
  const found = gpu ? await inBrowser(gpu, options) : await (await import('./node.ts')).inNode(options);
  const { limits, features } = found.adapter;
  const request = found.adapter.requestDevice({
    label: 'heddle',
    requiredFeatures: ['shader-f16', 'subgroups', 'timestamp-query'].filter((f): f is GPUFeatureName => features.has(f)),
    // the adapter's own maxima, so that the program alone decides what is too large; the defaults are far lower
    requiredLimits: Object.fromEntries(raised.map(name => [name, limits[name]])),
  });
  const device = await request.catch((cause: unknown) => {
    throw new DeviceError('HD4', `WebGPU adapter ${found.name} gives no device (${String(cause)}); update its driver, or use device js`, { cause });
  });
  return new WebGpuDevice(device, { name: found.name, software: found.software, owned: true });
}

const raised = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

async function inBrowser(gpu: GPU, { software }: AdapterOptions): Promise<FoundAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter)
    throw new DeviceError('HD4', 'no WebGPU adapter: the browser has WebGPU but offers no GPU; enable hardware acceleration, or use device js');
  if (isSoftware(adapter) && !software) throw new DeviceError('HD4', `no real WebGPU adapter, only ${adapterName(adapter)}; use device js`);
  return { adapter, software: isSoftware(adapter), name: adapterName(adapter) };
}
