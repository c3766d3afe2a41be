// Which device to run on. `auto` takes a real GPU, else the CPU: a software adapter computes right but slowly, and is for tests.
import type { Device, DeviceLimits } from './device.ts';
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
    if (!isMissing(e)) throw e;
    if (language === 'wgsl')
      throw new DeviceError('HD10', `the program is compiled to WGSL, but there is ${e.message}; compile it for js, or ask for device webgpu`, {
        cause: e,
      });
    return { device: openJs(), why: `device js: ${e.message.split(';')[0]}` };
  }
}
const isMissing = (e: unknown): e is DeviceError => e instanceof DeviceError && e.code === 'HD4';

/** A device as `heddle devices` lists it; without limits it is not there, and `why` says why and what to do. */
export interface DeviceEntry {
  readonly kind: Device['kind'];
  readonly name: string;
  readonly software: boolean;
  readonly limits?: DeviceLimits;
  readonly why?: string;
}
export interface DeviceList {
  readonly devices: readonly DeviceEntry[];
  /** What `auto` takes and why. */
  readonly auto: { readonly kind: Device['kind']; readonly why: string };
}

/** Every device of this machine and the choice of `auto`; nothing stays open. */
export async function listDevices(): Promise<DeviceList> {
  const devices = [entryOf(openJs()), await webgpuEntry()];
  const { device, why } = await automatic(undefined);
  device.dispose();
  return { devices, auto: { kind: device.kind, why } };
}

async function webgpuEntry(): Promise<DeviceEntry> {
  try {
    return entryOf(await webgpu({ software: true }));
  } catch (e) {
    if (!isMissing(e)) throw e;
    return { kind: 'webgpu', name: 'none', software: false, why: e.message };
  }
}
function entryOf(device: Device): DeviceEntry {
  const { kind, name, software, limits } = device;
  device.dispose();
  return { kind, name, software, limits };
}

/** Loaded when asked for: the js device depends on nothing. */
const webgpu = async (options: { readonly software: boolean }): Promise<Device> => (await import('./webgpu/adapter.ts')).openWebGpu(options);
