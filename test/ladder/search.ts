// How many random programs it takes until the ladder finds something wrong: run by the bank of planted defects, on a copy of the sources
// that has one.
import { capabilities } from '../../compiler/code/capabilities.ts';
import { Random } from '../../dsl/table/row.ts';
import { WebGpuDevice } from '../../runtime/webgpu/device.ts';
import { WatchedJs } from './devices.ts';
import type { Draw } from './programs.ts';
import { fault, type Plan, type Target } from './rungs.ts';

function drawOf(seed: number): Draw {
  const random = new Random(seed);
  const steps = Array.from({ length: 3 + random.int(13) }, () => [random.int(10_000), random.int(64), random.int(64), random.int(1024)] as const);
  return {
    steps,
    sizes: random.int(10),
    dynamic: random.chance(0.5),
    exact: random.chance(0.5),
    of: random.pick(['all', 'moving', 'smooth'] as const),
    turn: random.int(60),
  };
}

/** On the JavaScript device, or on a GPU device of the caller's alone. */
export async function programsToFind(most: number, gpu?: GPUDevice): Promise<number> {
  const plans = gpu ? onWebGpu(gpu) : onJs();
  for (let n = 0; n < most; n++) {
    const draw = drawOf(n);
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
