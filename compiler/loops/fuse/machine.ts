// What fusion needs to know of a target: limits that make a kernel illegal, and the four numbers of its cost model.
import type { Capability } from '../../code/types.ts';

export interface Machine {
  readonly name: string;
  /** Storage bindings and written buffers of a kernel. */
  readonly bindings: number;
  readonly outputs: number;
  /** Numbers that a group may keep in tables between the loops of a kernel; 0: no tables, a reduction is worked out wherever it is read. */
  readonly tables: number;
  /** Lanes that share a group's work and tables; 1: a lane is its own group. */
  readonly lanes: number;
  /** Accumulators a lane may hold. */
  readonly accumulators: number;
  /** Neighbours along an axis that a lane computes at once, so that work on fewer costs as much; 1: not counted. */
  readonly registerTile: number;
  /** Groups that keep the device busy. */
  readonly groups: number;
  /** Statements that a kernel's text may have when nothing in it is unrolled. */
  readonly statements: number;
  /** Operations that cost as much as one byte of memory traffic, and bytes that cost as much as one launch. */
  readonly operationsPerByte: number;
  readonly launchBytes: number;
}

/** A group of lanes that meet in workgroup memory. Balance and launch are those of a mid-range GPU (100 GB/s, 2 TFLOP/s, 2.5 µs). */
const gpu: Machine = {
  name: 'gpu',
  bindings: 8,
  outputs: 8,
  tables: 4096,
  lanes: 64,
  accumulators: 64,
  registerTile: 1,
  groups: 64,
  statements: 400,
  operationsPerByte: 20,
  launchBytes: 262_144,
};

/** Cost models by kind of target; limits come from the capability. What the two CPU records rest on (AMD EPYC, busy; CPU time of fused
 *  against unfused kernels, medians of 3 or 4 interleaved runs):
 *  js               gradients of a MAE of width 96, batch 16: 0.62; with tables of 4,096: 0.68; with operationsPerByte 1: 0.91; with
 *                   launchBytes 65,536: 0.72
 *                   with registers for 3 × 3 accumulators, against unfused kernels with 4 × 4 (minima of 4 to 7 runs, so are all below):
 *                   MAE of width 96, batch 12: 0.86 (with registerTile 1: 0.90); its gradients, batch 4: 0.94; two blocks of (1,50,192):
 *                   0.59; their gradients: 0.92 (with registerTile 1: 0.99)
 *  webgpu-software  (SwiftShader) the same MAE forward: 0.84; without tables: 0.94. Gradients of MAE tiny: 0.29; without tables: 0.39.
 *                   MAE of width 96, batch 8, once long expressions are written for four points: 0.76; with tables of 128 and 256
 *                   groups 0.72, but the gradients of MAE tiny then take 1.43 times as long (and half the time to compile) */
export function machineOf(capability: Capability): Machine {
  const { name, bindings, sharedBytes, laneBytes, statements } = capability;
  if (name === 'gl') return { ...gpu, name, statements, bindings: 16, outputs: 1, tables: 0, lanes: 1, groups: 4096 };
  if (capability.language === 'js')
    return {
      name,
      bindings,
      outputs: bindings,
      tables: laneBytes / 4,
      lanes: 1,
      accumulators: 64,
      registerTile: 3,
      groups: 1,
      statements,
      operationsPerByte: 0.5,
      launchBytes: 16_384,
    };
  if (sharedBytes === 0)
    return {
      name,
      bindings,
      outputs: bindings,
      tables: laneBytes / 4,
      lanes: 1,
      accumulators: 64,
      registerTile: 1,
      groups: 16,
      statements,
      operationsPerByte: 0.5,
      launchBytes: 65_536,
    };
  return { ...gpu, name, bindings, outputs: bindings, statements, tables: sharedBytes / 4 };
}
