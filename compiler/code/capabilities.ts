// What each target can do, as records: schedules are chosen, and programs refused, by these alone. Numbers of WebGPU are the
// limits that every adapter grants without being asked (https://gpuweb.github.io/gpuweb/#limits).
import type { Capability } from './types.ts';

const MiB = 2 ** 20;

const webgpu: Capability = {
  name: 'webgpu',
  language: 'wgsl',
  bindings: 8,
  sharedBytes: 16 * 1024,
  laneBytes: 0,
  lanes: 64,
  maxLanes: 256,
  bindingBytes: 128 * MiB,
  bufferBytes: 256 * MiB,
  vectors: true,
  registers: 64,
  statements: 400,
};

export const capabilities = {
  /** Any WebGPU adapter. */
  webgpu,
  /** Adapters that grant more bindings and larger buffers: every desktop GPU. */
  'webgpu-large': {
    ...webgpu,
    name: 'webgpu-large',
    bindings: 10,
    sharedBytes: 32 * 1024,
    bindingBytes: 1024 * MiB - 4096,
    bufferBytes: 1024 * MiB - 4096,
  },
  /** Adapters in software (SwiftShader, lavapipe): workgroup memory costs them compile time and never pays, nor do many lanes. */
  'webgpu-software': { ...webgpu, name: 'webgpu-software', sharedBytes: 0, laneBytes: 4 * 1024, lanes: 8 },
  /** Serial code in doubles. Tiles of 3 × 3 keep accumulators and operands in the 16 registers of x86-64; 4 × 4 spill (840×96 by 96×384:
   *  5.8 against 4.1 GFLOP/s). */
  js: {
    name: 'js',
    language: 'js',
    bindings: 64,
    sharedBytes: 0,
    laneBytes: 64 * 1024,
    lanes: 1,
    maxLanes: 1,
    bindingBytes: 2048 * MiB - 4096,
    bufferBytes: 2048 * MiB - 4096,
    vectors: false,
    registers: 9,
    statements: 4000,
  },
  /** WebGL through gpu.js: gather only, one output, no tables, no lanes that meet. Its plan is fused and pinned; until it has a renderer of its
   *  own its kernels are JavaScript, which the js device runs. */
  gl: {
    name: 'gl',
    language: 'js',
    bindings: 16,
    sharedBytes: 0,
    laneBytes: 0,
    lanes: 1,
    maxLanes: 1,
    bindingBytes: 256 * MiB,
    bufferBytes: 256 * MiB,
    vectors: false,
    registers: 16,
    statements: 4000,
  },
} as const satisfies Record<string, Capability>;

export type Target = keyof typeof capabilities;
