// Between safetensors files and a program's tensors: dtypes matched with both sides shown.
import type { DType, TypedArray } from '../common/dtype.ts';
import type { Program } from '../common/program.ts';
import { InputError } from '../runtime/errors.ts';
import { readSafetensors, type SafeDType, type SafeFile, type SafeTensor, widen } from '../runtime/files/safetensors.ts';
import type { Inputs, Tensor, Weights, WeightTensor } from '../runtime/index.ts';
import { InputFileError } from './exit.ts';

const inFile: Readonly<Record<DType, SafeDType>> = { f32: 'F32', f16: 'F16', i32: 'I32', u32: 'U32', bool: 'BOOL' };

/** The program's inputs from a file, by name. 16-bit floats widen, which `note` is told; any other difference of dtype is an error.
 *  Tensors that the program does not know are an error too. */
export async function readInputs(program: Program, path: string, note: (text: string) => void): Promise<Inputs> {
  const { tensors } = await readSafetensors(path);
  const inputs: Record<string, Tensor> = {};
  for (const [name, t] of tensors) {
    const input = program.inputs.find(i => i.name === name);
    if (!input) {
      const known = program.inputs.map(i => i.name).join(', ') || 'none';
      throw new InputFileError(`${path}: tensor ${JSON.stringify(name)} is no input of ${program.name}: its inputs are ${known}`);
    }
    if (t.dtype === 'F16' || t.dtype === 'BF16') note(`input ${name} is ${t.dtype}, widened to f32`);
    inputs[name] = { data: values(t, input.dtype, `${path}: tensor ${JSON.stringify(name)}`), shape: t.shape };
  }
  return inputs;
}
function values(t: SafeTensor, dtype: DType, name: string): TypedArray {
  const floats = widen(t);
  if (floats && (dtype === 'f32' || dtype === 'f16')) return floats;
  switch (t.dtype) {
    case 'I32':
      if (dtype === 'i32') return t.data;
      break;
    case 'U32':
      if (dtype === 'u32') return t.data;
      break;
    case 'BOOL':
      if (dtype === 'bool') return t.data;
      break;
    default:
  }
  throw new InputFileError(`${name} is ${t.dtype}, the program takes ${inFile[dtype]} (${dtype})`);
}

/** A weights file as the runtime takes it; 16-bit floats as their words, widened where a parameter is f32. */
export async function readWeights(path: string): Promise<Weights> {
  return asWeights(await readSafetensors(path), path);
}
export function asWeights(file: SafeFile, path: string): Weights {
  const out = new Map<string, WeightTensor>();
  for (const [name, t] of file.tensors) {
    if (
      !(
        t.data instanceof Float32Array ||
        t.data instanceof Int32Array ||
        t.data instanceof Uint32Array ||
        t.data instanceof Uint16Array ||
        t.data instanceof Uint8Array
      )
    )
      throw new InputFileError(`${path}: tensor ${JSON.stringify(name)} is ${t.dtype}, parameters are F32, F16 or BF16`);
    out.set(name, { dtype: t.dtype, shape: t.shape, data: t.data });
  }
  return out;
}

/** What a session refuses, with the file that it came from. */
export async function naming<T>(files: { readonly inputs: string; readonly weights?: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof InputError)) throw e;
    const file = e.code === 'HD9' ? files.weights : files.inputs;
    throw new InputError(e.code as 'HD6' | 'HD7' | 'HD9', `${file}: ${e.message}`);
  }
}

/** A result as a tensor of a file. */
export function toSafe(dtype: DType, data: TypedArray, shape: readonly number[]): SafeTensor {
  if (data instanceof Float32Array) return { dtype: 'F32', shape, data };
  if (data instanceof Int32Array) return { dtype: 'I32', shape, data };
  if (data instanceof Uint32Array) return { dtype: 'U32', shape, data };
  if (dtype !== 'bool') throw new Error(`a result of dtype ${dtype} came as bytes`);
  return { dtype: 'BOOL', shape, data };
}
