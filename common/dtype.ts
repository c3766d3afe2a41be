// Element types and the typed arrays that carry them outside the devices.
// Inside a Program every element takes 4 bytes: bool is a u32 of 0 or 1, and f16 is an f32 that was rounded.

export type DType = 'f32' | 'f16' | 'i32' | 'u32' | 'bool';
export const dtypes: readonly DType[] = ['f32', 'f16', 'i32', 'u32', 'bool'];

/** What callers pass in and get back: f32 and f16 as Float32Array, bool as Uint8Array of 0 and 1. */
export type TypedArray = Float32Array | Int32Array | Uint32Array | Uint8Array;
export interface ArrayOf {
  readonly f32: Float32Array;
  readonly f16: Float32Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly bool: Uint8Array;
}
export const bytesPerElement = 4;

/** An array of n zeros for dtype. */
export function arrayOf(dtype: DType, n: number): TypedArray {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return new Float32Array(n);
    case 'i32':
      return new Int32Array(n);
    case 'u32':
      return new Uint32Array(n);
    case 'bool':
      return new Uint8Array(n);
  }
}
