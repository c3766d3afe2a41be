// The device interface: what a session needs of anything that runs Programs. One folder a device beside this file.
import type { Program } from '../common/program.ts';

/** One device buffer. Disposing twice is harmless. */
export interface DeviceBuffer {
  readonly bytes: number;
  dispose(): void;
}

/** Kernels compiled for one device; shared by all sessions of one program text. */
export interface Prepared {
  readonly program: Program;
  /** Distinct pipelines and the milliseconds they took. */
  readonly pipelines: number;
  readonly milliseconds: number;
  dispose(): void;
}

/** One run: which steps, with which buffer for each slot. */
export interface Launch {
  readonly prepared: Prepared;
  readonly steps: readonly number[];
  /** By slot; undefined for slots that no step of this launch touches. */
  readonly slots: readonly (DeviceBuffer | undefined)[];
  readonly batch: number;
  /** Uniform block after the batch, in the order of program.scalars. */
  readonly scalars: readonly number[];
}

export interface DeviceLimits {
  readonly storageBuffers: number;
  readonly workgroupBytes: number;
  readonly invocations: number;
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  readonly workgroupsPerDimension: number;
}

/** Exchange with the caller's own GPUBuffers. Both directions copy on the device, so nobody's buffer is aliased. */
export interface PlatformBuffers {
  isBuffer(x: unknown): x is GPUBuffer;
  /** From the start of a buffer with COPY_SRC usage. */
  copyIn(from: GPUBuffer, to: DeviceBuffer, offset: number, bytes: number): void;
  /** Into a fresh buffer (STORAGE | COPY_SRC | COPY_DST) that the caller owns and destroys; resolves when the copy is done. */
  copyOut(from: DeviceBuffer, offset: number, bytes: number): Promise<GPUBuffer>;
}

export interface Device {
  readonly kind: 'js' | 'webgpu';
  /** 'js', or the adapter's own words. */
  readonly name: string;
  /** A software adapter is for tests; `auto` does not take it. */
  readonly software: boolean;
  readonly limits: DeviceLimits;
  /** Kernel language that `prepare` takes. */
  readonly language: 'js' | 'wgsl';
  /** Optional features that are on, by WebGPU's names ('shader-f16', …). */
  readonly features: ReadonlySet<string>;
  /** Buffers allocated and not disposed: what the leak test counts. */
  readonly liveBuffers: number;
  /** Zero-filled. Throws DeviceError HD2 when memory is out. */
  allocate(bytes: number): DeviceBuffer;
  /** Elements are 4 bytes each; offset in bytes. */
  upload(buffer: DeviceBuffer, offset: number, data: ArrayBufferView): void;
  prepare(program: Program): Promise<Prepared>;
  /** Submits; errors may surface only at read. */
  run(launch: Launch): Promise<void>;
  read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<ArrayBuffer>;
  /** Buffers of the platform in and out; absent on devices without any. */
  readonly platform?: PlatformBuffers;
  dispose(): void;
}
