// Errors of the runtime and the one table of their codes. Families: HD device and run, HF files and programs.
import { HeddleError } from '../common/errors.ts';

/** Every code that the runtime throws, with what it means; docs print this table. */
export const runtimeCodes = {
  HD1: 'the device was lost (driver reset, destroyed); open it again',
  HD2: 'out of memory; a smaller batch or a larger memoryLimit',
  HD3: 'a limit of the device is below what the program needs; refused before any dispatch',
  HD4: 'no WebGPU adapter (or no webgpu package); the message names the cure',
  HD5: 'used after dispose',
  HD6: 'an input, scalar or output name, shape, dtype or batch does not fit the program',
  HD7: 'an index lies outside the extent that it indexes',
  HD8: 'state is invalid after a failed run, or belongs to another batch',
  HD9: 'weights do not fit the program: missing, extra, misshapen or of another dtype',
  HD10: 'the program is for another kernel language than the device takes',
  HD11: 'the device refused a kernel, or reported an error that is no fault of the caller',
  HF1: 'a file is malformed',
  HF2: 'a file cannot be read or written',
  HF10: 'a program is malformed: a field is missing, unknown, of another type or out of range',
  HF11: 'a program of a newer version than this runtime reads',
  HF12: "a folder's JavaScript kernels run only with trust: true",
  HF13: 'content does not match its hash',
} as const;
export type RuntimeCode = keyof typeof runtimeCodes;
type DeviceCode = Extract<RuntimeCode, `HD${number}`>;
type FileCode = Extract<RuntimeCode, `HF${number}`>;

/** A run or a device failed; the base of all HD errors. */
export class DeviceError extends HeddleError {
  override name = 'DeviceError';
  declare readonly code: DeviceCode;
  constructor(code: DeviceCode, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options);
  }
}
/** What a program needs of a device and what the device offers, refused before any dispatch (HD3). */
export class LimitError extends DeviceError {
  override name = 'LimitError';
  constructor(message: string) {
    super('HD3', message);
  }
}
/** What the caller passed does not fit the program (HD6, HD7, HD9). */
export class InputError extends DeviceError {
  override name = 'InputError';
  constructor(code: 'HD6' | 'HD7' | 'HD9', message: string) {
    super(code, message);
  }
}
/** State that cannot be used (HD8). */
export class StateError extends DeviceError {
  override name = 'StateError';
  constructor(message: string) {
    super('HD8', message);
  }
}
/** A file is malformed or cannot be read or written; the base of all HF errors. */
export class FileError extends HeddleError {
  override name = 'FileError';
  declare readonly code: FileCode;
  constructor(code: FileCode, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options);
  }
}
/** A Program that the runtime refuses to read (HF10 to HF13). */
export class ProgramError extends FileError {
  override name = 'ProgramError';
  constructor(code: 'HF10' | 'HF11' | 'HF12' | 'HF13', message: string) {
    super(code, message);
  }
}
