// heddle/runtime: runs Programs. It knows neither the language nor the compiler, and loads WebGPU only when it is asked for.
export { type DeviceChoice, type DeviceOptions, type OpenedDevice, openDevice } from './auto.ts';
export type { Device, DeviceBuffer, DeviceLimits, Launch, PlatformBuffers, Prepared } from './device.ts';
export { DeviceError, FileError, InputError, LimitError, ProgramError, type RuntimeCode, runtimeCodes, StateError } from './errors.ts';
export { JsDevice, openJs } from './js/device.ts';
export { type OpenOptions, open, type RunOptions, type Session } from './session.ts';
export type { GpuTensor, Inputs, InputValue, Tensor, Weights, WeightTensor } from './tensor.ts';
export { validateProgram } from './validate.ts';
