// How many random programs it takes until the ladder finds something wrong: run by the bank of planted defects, on a copy of the sources
// that has one.
import { capabilities } from '../../compiler/code/capabilities.ts';
import { WebGpuDevice } from '../../runtime/webgpu/device.ts';
import { WatchedJs } from './devices.ts';
import { drawOf } from './draws.ts';
import { fault, type Plan, type Target } from './rungs.ts';

/** On the JavaScript device, or on a GPU device of the caller's alone. */
export async function programsToFind(most: number, gpu?: GPUDevice): Promise<number> {
  const plans = gpu ? onWebGpu(gpu) : onJs();
  for (let n = 0; n < most; n++) {
    const draw = drawOf(1, n);
    try {
      if ((await fault(draw, plans[draw.turn % plans.length]!)) !== undefined) return n + 1;
    } catch {
      return n + 1;
    }
  }
  return Number.POSITIVE_INFINITY;
}
function onJs(): readonly Plan[] {
  const device = new WatchedJs();
  const js: Target = { name: 'js', device, options: { target: 'js' } };
  return [
    { machines: [capabilities.webgpu], targets: [js] },
    { machines: [], targets: [{ name: 'js, fused', device, options: { target: 'js', fuse: 'all' } }] },
    {
      machines: [],
      targets: [js, { name: 'js, fused in small tables', device, options: { target: { ...capabilities.js, laneBytes: 20 }, fuse: 'all' } }],
    },
  ];
}
function onWebGpu(gpu: GPUDevice): readonly Plan[] {
  const device = new WebGpuDevice(gpu, { software: true });
  const targets: readonly Target[] = [
    { name: 'software', device, options: { target: 'webgpu-software' } },
    { name: 'lanes', device, options: { target: { ...capabilities.webgpu, lanes: 4 } } },
    { name: 'lanes, fused', device, options: { target: 'webgpu', fuse: 'all' } },
  ];
  return targets.map(target => ({ machines: [], targets: [target] }));
}
