// Walks over row-major tensors by strides: the loops of the interpreter.

/** Row-major strides. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= dims[i]!;
  }
  return strides;
}

/** Every index of `dims` in row-major order: its number, and offset + Σ index·stride. */
export function visit(dims: readonly number[], strides: readonly number[], offset: number, f: (flat: number, at: number) => void): void {
  const n = dims.reduce((a, b) => a * b, 1);
  const index = dims.map(() => 0);
  let at = offset;
  for (let flat = 0; flat < n; flat++) {
    f(flat, at);
    for (let d = dims.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < dims[d]!) break;
      at -= strides[d]! * dims[d]!;
      index[d] = 0;
    }
  }
}

/** The offsets of every index of `dims`, in row-major order. */
export function offsets(dims: readonly number[], strides: readonly number[]): Int32Array {
  const all = new Int32Array(dims.reduce((a, b) => a * b, 1));
  visit(dims, strides, 0, (flat, at) => {
    all[flat] = at;
  });
  return all;
}

/** y[flat] = x[offset + Σ index·stride]. */
export function copyStrided<T extends { [i: number]: number }>(
  x: { readonly [i: number]: number },
  dims: readonly number[],
  strides: readonly number[],
  offset: number,
  y: T,
): T {
  const out: { [i: number]: number } = y;
  visit(dims, strides, offset, (flat, at) => {
    out[flat] = x[at]!;
  });
  return y;
}
