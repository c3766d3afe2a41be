// How the property tests run: a layer opened once a shape on each device, many cases on few shapes where opening is slow.
import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { type AnyLayer, asModel, type DeviceName, openOn, type Running, type SizeRange, type SymbolSizes, sizesFor } from '../../testing/index.ts';

/** Cases a property: a software GPU compiles slowly. */
export const runs: Readonly<Record<DeviceName, number>> = { reference: 100, js: 100, webgpu: 25 };
const shapesOnGpu = 3;

/** Opens models for one test file and closes them after it. `open` gives the same session for the same key. */
export function sessions() {
  let webgpu: Device | undefined;
  const opened = new Map<string, Promise<Running>>();
  beforeAll(async () => {
    webgpu = (await openDevice('webgpu')).device;
  });
  afterAll(async () => {
    for (const on of opened.values()) (await on)[Symbol.dispose]();
    webgpu?.dispose();
  });
  const once = (key: string, make: () => Promise<Running>): Promise<Running> => {
    const known = opened.get(key);
    if (known) return known;
    const made = make();
    opened.set(key, made);
    return made;
  };
  return {
    /** A layer for sizes; the batch stays free. */
    layer: (device: DeviceName, layer: AnyLayer, names: readonly string[], { B: _, ...sizes }: SymbolSizes): Promise<Running> =>
      once(`${device} ${layer.layer} ${JSON.stringify(sizes)}`, () => openOn(device, asModel(layer, names, sizes), {}, { webgpu })),
    /** Anything else, by a key of the caller's. */
    model: (device: DeviceName, key: string, ...[model, config, options]: ModelArguments): Promise<Running> =>
      once(`${device} ${key}`, () => openOn(device, model, config, { ...options, webgpu })),
  };
}
type ModelArguments = Parameters<typeof openOn> extends [unknown, ...infer R] ? R : never;

/** Sizes of a layer: any on the reference and in JavaScript, any batch of a few shapes on a GPU. */
export function sizesOn(
  device: DeviceName,
  layer: AnyLayer,
  range: SizeRange = {},
  fits: (s: SymbolSizes) => boolean = () => true,
): fc.Arbitrary<SymbolSizes> {
  const all = sizesFor(layer, range).filter(fits);
  if (device !== 'webgpu') return all;
  const shapes = fc.sample(all, { seed: 5, numRuns: shapesOnGpu });
  return fc.tuple(fc.constantFrom(...shapes), fc.integer({ min: 1, max: 4 })).map(([s, B]) => ({ ...s, B }));
}
export const seeds = fc.nat(0xffff);

/** Holds a property on a device. */
export const hold = <T>(device: DeviceName, arbitrary: fc.Arbitrary<T>, property: (value: T) => Promise<void>): Promise<void> =>
  fc.assert(fc.asyncProperty(arbitrary, property), { numRuns: runs[device], seed: 2026 });
