// WebGPU in Node: Dawn, through the npm package `webgpu`. Order: the drivers that the environment names; a real adapter; a system software
// adapter; SwiftShader from the npm package @sparticuz/chromium. Only software adapters get Dawn's toggle disable_workgroup_init:
// zero-filling workgroup memory costs SwiftShader's compiler 1.5 ms a float (measured), and kernels never read what they did not write.
import os from 'node:os';
import path from 'node:path';
import { DeviceError } from '../errors.ts';
import { type AdapterOptions, adapterName, type FoundAdapter, isSoftware } from './found.ts';
import { swiftShaderFolder } from './swiftshader.ts';

type Create = (options: string[]) => GPU;
/** What create() returned, by drivers and options. Dawn ends the process when one of these is collected: they are kept for its whole life. */
const roots = new Map<string, GPU>();
const driverVariables = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;
const softwareToggles = ['enable-dawn-features=disable_workgroup_init'];

export async function inNode({ software }: AdapterOptions): Promise<FoundAdapter> {
  const create = await loadDawn();
  const named = driverVariables.find(name => process.env[name]);
  if (named) return accept(await fromEnvironment(create, named), software);
  const system = hasSystemLoader() ? await request(create, 'system') : undefined;
  if (system && !system.software) return system;
  if (!software)
    throw new DeviceError(
      'HD4',
      `no real WebGPU adapter${system ? `, only ${system.name}` : ''}; install a GPU driver with Vulkan, or use device js`,
    );
  return system ?? (await fromNpm(create));
}

async function loadDawn(): Promise<Create> {
  try {
    return (await import('webgpu')).create;
  } catch (cause) {
    throw new DeviceError('HD4', 'no WebGPU: the npm package webgpu cannot be loaded; run `npm i webgpu`, or use device js', { cause });
  }
}

async function fromEnvironment(create: Create, variable: string): Promise<FoundAdapter> {
  if (!hasSystemLoader()) {
    const folder = swiftShaderFolder(); // its Vulkan loader serves any driver
    if (folder) loadLibrary(path.join(folder, 'libvulkan.so.1'));
  }
  const found = await request(create, variable);
  if (found) return found;
  throw new DeviceError(
    'HD4',
    `no WebGPU adapter: ${variable}=${process.env[variable]} names no driver that works; correct or unset it, or use device js`,
  );
}

async function fromNpm(create: Create): Promise<FoundAdapter> {
  const folder = swiftShaderFolder();
  if (!folder)
    throw new DeviceError(
      'HD4',
      'no WebGPU adapter: install a Vulkan driver, or run `npm i @sparticuz/chromium` for a software one, or use device js',
    );
  if (!hasSystemLoader()) loadLibrary(path.join(folder, 'libvulkan.so.1'));
  process.env.VK_DRIVER_FILES = path.join(folder, 'vk_swiftshader_icd.json');
  try {
    const found = await request(create, 'npm');
    if (found) return found;
  } finally {
    delete process.env.VK_DRIVER_FILES; // it was not set, else the environment would have been asked
  }
  throw new DeviceError(
    'HD4',
    `no WebGPU adapter: SwiftShader in ${folder} does not start on this system; install a Vulkan driver, or use device js`,
  );
}

/** The adapter that Dawn offers under the environment as it is; a software one from an instance with the toggles for it. */
async function request(create: Create, where: string): Promise<FoundAdapter | undefined> {
  const from = (options: string[]): Promise<GPUAdapter | null> => {
    const key = JSON.stringify([driverVariables.map(name => process.env[name]), options]);
    const gpu = roots.get(key) ?? create(options);
    roots.set(key, gpu);
    return gpu.requestAdapter({ powerPreference: 'high-performance' });
  };
  const adapter = await from([]);
  if (!adapter) return undefined;
  const software = isSoftware(adapter);
  const chosen = software ? ((await from(softwareToggles)) ?? adapter) : adapter;
  return { adapter: chosen, software, name: `${adapterName(chosen)}, ${where}` };
}

function accept(found: FoundAdapter, software: boolean): FoundAdapter {
  if (software || !found.software) return found;
  throw new DeviceError('HD4', `no real WebGPU adapter, only ${found.name}; install a GPU driver with Vulkan, or use device js`);
}

let systemLoader: boolean | undefined;
/** Has the system a Vulkan loader? Asked before Dawn, which complains on stderr when there is none, and once, because a loader from npm
 *  would answer to the same name later. Only Linux needs one. */
const hasSystemLoader = (): boolean => (systemLoader ??= process.platform !== 'linux' || loadLibrary('libvulkan.so.1'));

/** RTLD_NODELETE of Linux: the library stays, although Node finds no add-on in it and closes it again. */
const keepLoaded = 0x1000;
/** Loads a shared library for everybody in the process; false if there is none. */
function loadLibrary(file: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = os.constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | keepLoaded);
    return true;
  } catch (e) {
    return e instanceof Error && e.message.includes('did not self-register'); // loaded, but no add-on: what was wanted
  }
}
