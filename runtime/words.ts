// Between the typed arrays of callers and the 4-byte words that devices hold: bool widens to u32, f16 is an f32 that was rounded.
import type { DType, TypedArray } from '../common/dtype.ts';
import { roundToHalf } from '../common/half.ts';

const arrays = { f32: Float32Array, f16: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array } as const;

/** Is data the array class that carries dtype? */
export const carries = (dtype: DType, data: unknown): data is TypedArray => data instanceof arrays[dtype];
export const arrayName = (dtype: DType): string => arrays[dtype].name;

/** Words to upload. Shares the caller's memory where nothing is converted. */
export function toWords(dtype: DType, data: TypedArray): Float32Array | Int32Array | Uint32Array {
  if (dtype === 'f16') return Float32Array.from(data, roundToHalf);
  return data instanceof Uint8Array ? Uint32Array.from(data, x => (x === 0 ? 0 : 1)) : data;
}

/** What a device gave back, as the caller's array. */
export function fromWords(dtype: DType, words: ArrayBuffer): TypedArray {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return new Float32Array(words);
    case 'i32':
      return new Int32Array(words);
    case 'u32':
      return new Uint32Array(words);
    case 'bool':
      return Uint8Array.from(new Uint32Array(words));
  }
}
