// What goes into a run and what comes out of it.
import type { TypedArray } from '../common/dtype.ts';

/** Values in row-major order. f32 and f16 are a Float32Array, i32 Int32Array, u32 Uint32Array, bool a Uint8Array of 0 and 1. */
export interface Tensor {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}
/** Values in a buffer of the caller's device, 4 bytes an element (bool as u32); the shape may be left out where the batch alone is open. */
export interface GpuTensor {
  readonly data: GPUBuffer;
  readonly shape: readonly number[];
}
/** A bare array or buffer takes the program's shape; its length gives the batch. */
export type InputValue = TypedArray | GPUBuffer | Tensor | GpuTensor;
export type Inputs = Readonly<Record<string, InputValue>>;

/** A tensor of a weights file. f16 and bf16 may come as their 16-bit words or already widened to a Float32Array. */
export interface WeightTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: TypedArray | Uint16Array;
}
export type Weights = ReadonlyMap<string, WeightTensor>;

export const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const showShape = (shape: readonly number[]): string => `[${shape.join(',')}]`;
