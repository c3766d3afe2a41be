// Checks what a caller passes to a run against the program: names, dtypes, shapes with both sides shown, one batch for all, indices in
// range. Nothing is uploaded here, so that a refused run has touched nothing.
import type { Input, Program } from '../common/program.ts';
import { isDynamic, type Size, showSizes, sizeAt } from '../common/size.ts';
import { InputError } from './errors.ts';
import { countOf, type GpuTensor, type Inputs, type InputValue, showShape, type Tensor } from './tensor.ts';
import { arrayName, carries, toWords } from './words.ts';

/** Words to upload, or the first bytes of a platform buffer to copy. */
type Source =
  | { readonly kind: 'host'; readonly words: Float32Array | Int32Array | Uint32Array }
  | { readonly kind: 'platform'; readonly buffer: GPUBuffer; readonly bytes: number };
/** An input that fits. */
export interface BoundInput {
  readonly input: Input;
  readonly source: Source;
}
export interface BoundInputs {
  readonly batch: number;
  readonly inputs: readonly BoundInput[];
}
type IsPlatformBuffer = (x: unknown) => x is GPUBuffer;

const refuse = (says: string): never => {
  throw new InputError('HD6', says);
};
const names = (items: readonly { readonly name: string }[]): string => items.map(i => `'${i.name}'`).join(', ') || 'none';
const perBatch = (s: Size): number => (isDynamic(s) ? s.batch : s);

/** Checks the inputs that a run needs (others may be left out, unknown ones not) and finds the batch. `batch` is the caller's word where
 *  no input holds it. Throws InputError HD6 or HD7. */
export function bindInputs(
  program: Program,
  needed: ReadonlySet<Input>,
  values: Inputs,
  batch: number | undefined,
  isPlatformBuffer: IsPlatformBuffer | undefined,
): BoundInputs {
  const known = new Map(program.inputs.map(i => [i.name, i]));
  for (const name of Object.keys(values)) if (!known.has(name)) refuse(`input '${name}' is unknown; the inputs are ${names(program.inputs)}`);
  const given = program.inputs.filter(i => Object.hasOwn(values, i.name) && values[i.name] !== undefined);
  const missing = [...needed].filter(i => !given.includes(i));
  if (missing.length > 0) refuse(`input ${names(missing)} is missing; pass ${missing.map(i => `${i.dtype} ${showSizes(i.shape)}`).join(', ')}`);
  if (batch !== undefined && (!Number.isSafeInteger(batch) || batch < 0)) refuse(`batch is ${batch}, not a size`);

  let found = batch === undefined ? undefined : { size: batch, by: 'the batch option' };
  const read = given.map(input => readValue(input, values[input.name]!, isPlatformBuffer));
  for (const { input, count, shape } of read) {
    const size = batchOf(input, count, shape);
    if (size === undefined) continue;
    if (found && found.size !== size) refuse(`batch differs: ${found.by} gives ${found.size}, '${input.name}' gives ${size}`);
    found ??= { size, by: `'${input.name}'` };
  }
  if (program.batch !== null && !found) refuse(`no input given here holds the batch ${program.batch}; pass { batch: n }`);
  const size = found?.size ?? 1;
  for (const { input, source } of read)
    if (input.over !== undefined && source.kind === 'host') checkIndices(input, source.words, sizeAt(input.over, size));
  return { batch: size, inputs: read };
}

interface ReadValue extends BoundInput {
  readonly count: number;
  readonly shape: readonly number[] | undefined;
}

function readValue(input: Input, value: InputValue, isPlatformBuffer: IsPlatformBuffer | undefined): ReadValue {
  const { data, shape } = isPair(value) ? value : { data: value, shape: undefined };
  if (shape !== undefined && !(Array.isArray(shape) && shape.every(d => Number.isSafeInteger(d) && d >= 0)))
    return refuse(`input '${input.name}': its shape is not a list of sizes`);
  if (isPlatformBuffer?.(data)) {
    const bytes = shape ? 4 * countOf(shape) : data.size;
    if (bytes > data.size)
      refuse(`input '${input.name}': the buffer holds ${data.size} bytes, but its shape ${showShape(shape ?? [])} takes ${bytes}`);
    return { input, count: bytes / 4, shape, source: { kind: 'platform', buffer: data, bytes } };
  }
  if (!carries(input.dtype, data)) return refuse(`input '${input.name}' is ${kindOf(data)}, but ${input.dtype} takes ${arrayName(input.dtype)}`);
  if (shape && countOf(shape) !== data.length)
    refuse(`input '${input.name}': ${data.length} elements, but its shape ${showShape(shape)} has ${countOf(shape)}`);
  return { input, count: data.length, shape, source: { kind: 'host', words: toWords(input.dtype, data) } };
}

const isPair = (v: InputValue): v is Tensor | GpuTensor => typeof v === 'object' && v !== null && !ArrayBuffer.isView(v) && 'data' in v;

function kindOf(data: unknown): string {
  if (Array.isArray(data)) return 'a plain array';
  if (typeof data === 'object' && data !== null) return data.constructor?.name ?? 'a record';
  return String(data);
}

/** The batch that one input says, undefined if its shape is fixed; refuses what does not fit. */
function batchOf(input: Input, count: number, shape: readonly number[] | undefined): number | undefined {
  const fits = (ok: boolean, had: string): void => {
    if (!ok) refuse(`input '${input.name}': ${had} does not fit ${showSizes(input.shape)}`);
  };
  const free = input.shape.findIndex(isDynamic);
  if (shape === undefined) {
    const unit = input.shape.reduce<number>((n, s) => n * perBatch(s), 1);
    const said = `${count} elements`;
    if (free < 0) fits(count === unit, said);
    else fits(unit === 0 ? count === 0 : count % unit === 0, said);
    return free < 0 || unit === 0 ? undefined : count / unit;
  }
  fits(shape.length === input.shape.length, `shape ${showShape(shape)}`);
  const batch = free < 0 ? undefined : shape[free]! / perBatch(input.shape[free]!);
  fits(Number.isSafeInteger(batch ?? 1) && input.shape.every((s, i) => shape[i] === sizeAt(s, batch ?? 1)), `shape ${showShape(shape)}`);
  return batch;
}

function checkIndices(input: Input, words: ArrayLike<number>, over: number): void {
  for (let i = 0; i < words.length; i++) {
    const index = words[i]!;
    if (!(index >= 0 && index < over))
      throw new InputError('HD7', `input '${input.name}': index ${index} at element ${i} is outside 0 ≤ index < ${over}`);
  }
}

/** Scalars in the program's order; every one must be given, as a number of its dtype. Throws InputError HD6. */
export function bindScalars(program: Program, values: Readonly<Record<string, number>>): readonly number[] {
  for (const name of Object.keys(values))
    if (!program.scalars.some(s => s.name === name)) refuse(`scalar '${name}' is unknown; the scalars are ${names(program.scalars)}`);
  return program.scalars.map(({ name, dtype }) => {
    const x = Object.hasOwn(values, name) ? values[name] : undefined;
    if (typeof x !== 'number') return refuse(`scalar '${name}' is missing; pass scalars: { ${name}: … } as ${dtype}`);
    if (dtype === 'i32' && x !== (x | 0)) refuse(`scalar '${name}' is ${x}, not an i32`);
    if (dtype === 'u32' && x !== x >>> 0) refuse(`scalar '${name}' is ${x}, not a u32`);
    return x;
  });
}

/** A copy of what a queued run will upload later, so that the caller may reuse its arrays at once. */
export const snapshot = (bound: BoundInputs): BoundInputs => ({
  batch: bound.batch,
  inputs: bound.inputs.map(({ input, source }) => ({
    input,
    source: source.kind === 'host' ? { kind: 'host', words: source.words.slice() } : source,
  })),
});
