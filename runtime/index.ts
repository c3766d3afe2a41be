// heddle/runtime: runs Programs. It knows neither the language nor the compiler. What only Node has (WebGPU from npm, folders) is loaded
// when it is asked for, so that a browser can import this file.
import type { Program } from '../common/program.ts';
import type { LoadOptions } from './folder.ts';

export type { TypedProgram } from '../common/program.ts';
export { type DeviceChoice, type DeviceEntry, type DeviceList, type DeviceOptions, listDevices, type OpenedDevice, openDevice } from './auto.ts';
export type { Device, DeviceBuffer, DeviceLimits, Launch, PlatformBuffers, Prepared } from './device.ts';
export { DeviceError, FileError, InputError, LimitError, ProgramError, type RuntimeCode, runtimeCodes, StateError } from './errors.ts';
export { JsDevice, openJs } from './js/device.ts';
export { type OpenOptions, open, type RunOptions, type Session } from './session.ts';
export type { GpuTensor, Inputs, InputValue, Tensor, Weights, WeightTensor } from './tensor.ts';
export { validateProgram } from './validate.ts';
export { WebGpuDevice, type WebGpuOptions } from './webgpu/device.ts';
export type { LoadOptions, Program };

/** Reads and validates a Program folder (Node only). JavaScript kernels need `trust: true`. Throws FileError HF2, ProgramError HF10 to HF13. */
export const loadProgram = async (folder: string, options?: LoadOptions): Promise<Program> =>
  (await import('./folder.ts')).loadProgram(folder, options);

/** Writes a Program folder, with other files by name in it, beside and then renamed (Node only). Throws FileError HF2. */
export const saveProgram = async (folder: string, program: Program, others?: ReadonlyMap<string, string>): Promise<void> =>
  (await import('./folder.ts')).saveProgram(folder, program, others);
