// Which device to run on. `auto` takes a real GPU, else the CPU: a software adapter computes right but slowly, and is for tests.
import type { Device } from './device.ts';
import { DeviceError } from './errors.ts';
import { openJs } from './js/device.ts';

export type DeviceChoice = 'auto' | 'js' | 'webgpu';
export interface OpenedDevice {
  readonly device: Device;
  /** The choice and its reason in one line, for people. */
  readonly why: string;
}
export interface DeviceOptions {
  /** Kernel language of a program that is already compiled: `auto` then takes a device for it, or says why there is none. */
  readonly language?: 'js' | 'wgsl' | undefined;
}

/** Opens a device; the caller disposes it. Throws DeviceError HD4 (no adapter, with the cure) or HD10 (`auto` finds no device for the
 *  language). */
export async function openDevice(choice: DeviceChoice, { language }: DeviceOptions = {}): Promise<OpenedDevice> {
  switch (choice) {
    case 'js':
      return { device: openJs(), why: 'device js: asked for' };
    case 'webgpu': {
      const device = await webgpu({ software: true });
      return { device, why: `device webgpu (${device.name}): asked for` };
    }
    case 'auto':
      return language === 'js' ? { device: openJs(), why: 'device js: the program is compiled to JavaScript' } : automatic(language);
  }
}

async function automatic(language: 'wgsl' | undefined): Promise<OpenedDevice> {
  try {
    const device = await webgpu({ software: false });
    return { device, why: `device webgpu: a real adapter (${device.name})` };
  } catch (e) {
    if (!(e instanceof DeviceError) || e.code !== 'HD4') throw e;
    if (language === 'wgsl')
      throw new DeviceError(
        'HD10',
        `the program is compiled to WGSL, but there is no real WebGPU adapter; compile it for js, or ask for device webgpu`,
        { cause: e },
      );
    return { device: openJs(), why: 'device js: no real WebGPU adapter' };
  }
}

/** Loaded when asked for: the js device depends on nothing. */
const webgpu = async (options: { readonly software: boolean }): Promise<Device> => (await import('./webgpu/adapter.ts')).openWebGpu(options);
