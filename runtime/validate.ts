// Program from untrusted JSON: decode every field by name (the table below mirrors common/program.ts), then check what the fields say of
// one another: ranges inside slots at every batch, device rules of aliasing, indices, names, hashes. Whatever passes can be run without
// further checks, except for limits of a device.
import { type DType, dtypes } from '../common/dtype.ts';
import { kernelHash } from '../common/hash.ts';
import type { Amount, Init, Program, Range, SlotKind } from '../common/program.ts';
import { programFormat, programVersion } from '../common/program.ts';
import { isDynamic, type Size, sameSize, showSize, timesSize } from '../common/size.ts';
import { base64Bytes } from './base64.ts';
import {
  boolean,
  type Decoder,
  fieldsOf,
  finite,
  integer,
  label,
  list,
  malformed,
  matching,
  nullable,
  oneOf,
  record,
  shown,
  string,
  tagged,
} from './decode.ts';
import { ProgramError } from './errors.ts';

const identifier = matching(/^[A-Za-z_]\w{0,255}$/, 'an identifier');
const hash = matching(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
const dtype: Decoder<DType> = oneOf(...dtypes);
const count = integer(0);
const size: Decoder<Size> = (x, at) => (typeof x === 'number' ? count(x, at) : record({ batch: integer(1) })(x, at));
/** Work on paper: nothing is allocated or looked up by it. */
const amount: Decoder<Amount> = record({ fixed: count, perBatch: count });
const shape = list(size);

const range = { slot: count, offset: size, bytes: size };
const init: Decoder<Init> = tagged<Init>('kind', {
  constant: record({ kind: oneOf('constant'), value: finite }),
  normal: record({ kind: oneOf('normal'), std: finite }),
  'truncated-normal': record({ kind: oneOf('truncated-normal'), std: finite }),
  'xavier-uniform': record({ kind: oneOf('xavier-uniform') }),
  data: record({ kind: oneOf('data'), data: string }),
});
const step = record({
  kernel: count,
  bindings: list(record(range)),
  grid: record({ count, of: size, per: integer(1) }),
  name: label,
  ops: list(label),
  origin: label,
  flops: amount,
  bytesRead: amount,
  bytesWritten: amount,
});
const program: Decoder<Program> = record({
  format: oneOf(programFormat),
  version: oneOf(programVersion),
  name: label,
  target: label,
  language: oneOf('wgsl', 'js'),
  batch: nullable(identifier),
  needs: record({ storageBuffers: count, workgroupBytes: count, invocations: count, bindingBytes: size, features: list(label) }),
  inputs: list(record({ name: label, dtype, shape, ...range }, { over: size })),
  scalars: list(record({ name: label, dtype: oneOf('f32', 'i32', 'u32'), index: integer(1, 63) })),
  weights: list(record({ name: label, dtype, shape: list(count), trainable: boolean, init, ...range })),
  state: list(record({ name: label, dtype, shape, init, ...range }, { parameter: boolean })),
  outputs: list(record({ name: label, dtype, shape, steps: list(count), ...range })),
  slots: list(record({ kind: oneOf<SlotKind>('input', 'weights', 'constant', 'state', 'arena'), bytes: size }, { data: string })),
  values: list(record({ name: label, dtype, shape, first: count, last: count, ...range })),
  kernels: list(
    record({
      hash,
      text: string,
      entry: identifier,
      workgroup: integer(1, 1024),
      bindings: list(record({ access: oneOf('read', 'read_write'), dtype })),
      uniforms: boolean,
    }),
  ),
  steps: list(step),
});

/** Sizes are c or c·B, so a sum of them is fixed + perBatch·B. */
interface Affine {
  readonly fixed: number;
  readonly perBatch: number;
}
const affine = (...sizes: readonly Size[]): Affine => ({
  fixed: sizes.reduce<number>((n, s) => n + (isDynamic(s) ? 0 : s), 0),
  perBatch: sizes.reduce<number>((n, s) => n + (isDynamic(s) ? s.batch : 0), 0),
});
/** a ≤ b at every batch from 0 on. */
const within = (a: Affine, b: Affine): boolean => a.fixed <= b.fixed && a.perBatch <= b.perBatch;
const sizeIsZero = (s: Size): boolean => s === 0;

/** May two ranges share a byte at some batch? */
function overlap(a: Range, b: Range): boolean {
  if (a.slot !== b.slot || sizeIsZero(a.bytes) || sizeIsZero(b.bytes)) return false;
  return !within(affine(a.offset, a.bytes), affine(b.offset)) && !within(affine(b.offset, b.bytes), affine(a.offset));
}

function checkRange(p: Program, r: Range, at: string): void {
  const slot = p.slots[r.slot];
  if (!slot) malformed(at, `is in slot ${r.slot}, but there are ${p.slots.length} slots`);
  for (const [name, s, unit] of [
    ['offset', r.offset, 256],
    ['bytes', r.bytes, 4],
  ] as const)
    if ((isDynamic(s) ? s.batch : s) % unit !== 0) malformed(at, `has ${name} ${showSize(s)}, not a multiple of ${unit}`);
  if (!within(affine(r.offset, r.bytes), affine(slot.bytes)))
    malformed(at, `(offset ${showSize(r.offset)}, ${showSize(r.bytes)} bytes) leaves slot ${r.slot} of ${showSize(slot.bytes)} bytes`);
}

function bytesOf(shape: readonly Size[], at: string): Size {
  if (shape.includes(0)) return 0;
  let bytes: Size = 4;
  for (const d of shape) bytes = timesSize(bytes, d) ?? malformed(at, 'has the batch in two of its dims');
  return Number.isSafeInteger(isDynamic(bytes) ? bytes.batch : bytes) ? bytes : malformed(at, 'has more bytes than can be counted');
}

/** A named tensor: its range, its bytes against its shape, and the kinds of slot that it may be in. */
function checkTensor(p: Program, t: Range & { readonly shape: readonly Size[] }, at: string, kinds: readonly SlotKind[]): void {
  checkRange(p, t, at);
  const bytes = bytesOf(t.shape, at);
  // an empty tensor may hold one element, because bindings of zero bytes are not legal anywhere
  if (!sameSize(bytes, t.bytes) && !(bytes === 0 && t.bytes === 4))
    malformed(at, `has ${showSize(t.bytes)} bytes, but its shape takes ${showSize(bytes)}`);
  const kind = p.slots[t.slot]!.kind;
  if (!kinds.includes(kind)) malformed(at, `is in a slot of kind '${kind}', not ${kinds.map(k => `'${k}'`).join(' or ')}`);
}

/** No name twice and, where asked, no byte twice. */
function checkDistinct(items: readonly ({ readonly name: string } & Partial<Range>)[], at: string): void {
  const seen = new Set<string>();
  for (const [i, { name }] of items.entries()) {
    if (seen.has(name)) malformed(`${at}[${i}]`, `repeats the name ${shown(name)}`);
    seen.add(name);
  }
}
function checkDisjoint(items: readonly Range[], at: string): void {
  const start = (r: Range): number => affine(r.offset).fixed + affine(r.offset).perBatch;
  const order = items.map((range, index) => ({ range, index })).filter(x => !sizeIsZero(x.range.bytes));
  order.sort((a, b) => a.range.slot - b.range.slot || start(a.range) - start(b.range) || a.index - b.index);
  for (const [k, b] of order.entries()) {
    const a = order[k - 1];
    if (a && overlap(a.range, b.range)) malformed(`${at}[${b.index}]`, `overlaps ${at}[${a.index}]`);
  }
}

const anySlot: readonly SlotKind[] = ['input', 'weights', 'constant', 'state', 'arena'];

function checkTensors(p: Program): void {
  for (const [i, t] of p.inputs.entries()) {
    checkTensor(p, t, `inputs[${i}]`, ['input']);
    if (t.over !== undefined && t.dtype !== 'i32' && t.dtype !== 'u32') malformed(`inputs[${i}].over`, `is set on a ${t.dtype}, not an index`);
  }
  for (const [i, t] of p.weights.entries()) {
    checkTensor(p, t, `weights[${i}]`, ['weights']);
    checkInit(t.init, t.shape, `weights[${i}].init`);
  }
  for (const [i, t] of p.state.entries()) {
    checkTensor(p, t, `state[${i}]`, ['state']);
    checkInit(t.init, t.shape, `state[${i}].init`);
  }
  for (const [i, t] of p.outputs.entries()) {
    checkTensor(p, t, `outputs[${i}]`, anySlot);
    t.steps.forEach((s, k) => {
      if (s >= p.steps.length) malformed(`outputs[${i}].steps[${k}]`, `is ${s}, but there are ${p.steps.length} steps`);
      if (k > 0 && s <= t.steps[k - 1]!) malformed(`outputs[${i}].steps[${k}]`, `is ${s}, not after ${t.steps[k - 1]}`);
    });
  }
  for (const [i, t] of p.values.entries()) {
    checkTensor(p, t, `values[${i}]`, anySlot);
    if (t.first > t.last || t.last > p.steps.length) malformed(`values[${i}]`, `lives from step ${t.first} to ${t.last} of ${p.steps.length}`);
  }
  for (const at of ['inputs', 'scalars', 'weights', 'state', 'outputs'] as const) checkDistinct(p[at], at);
  for (const at of ['inputs', 'weights', 'state'] as const) checkDisjoint(p[at], at);
  const indices = new Set<number>();
  for (const [i, s] of p.scalars.entries()) {
    if (indices.has(s.index)) malformed(`scalars[${i}].index`, `${s.index} is another scalar's`);
    indices.add(s.index);
  }
}

function checkInit(it: Init, shape: readonly Size[], at: string): void {
  if ('std' in it && it.std < 0) malformed(`${at}.std`, `is ${it.std}, below 0`);
  if (it.kind !== 'data') return;
  const n = base64Bytes(it.data);
  const bytes = bytesOf(shape, at);
  if (n !== bytes) malformed(`${at}.data`, n < 0 ? 'is not base64' : `holds ${n} bytes, not ${showSize(bytes)}`);
}

function checkSlots(p: Program): void {
  for (const [i, s] of p.slots.entries()) {
    const at = `slots[${i}]`;
    if ((isDynamic(s.bytes) ? s.bytes.batch : s.bytes) % 4 !== 0) malformed(`${at}.bytes`, `is ${showSize(s.bytes)}, not a multiple of 4`);
    if ((s.kind === 'constant' || s.kind === 'weights') && isDynamic(s.bytes)) malformed(`${at}.bytes`, `of a ${s.kind} slot holds the batch`);
    if ((s.kind === 'constant') !== (s.data !== undefined))
      malformed(`${at}.data`, s.data === undefined ? 'is missing' : `is set on kind '${s.kind}'`);
    if (s.data === undefined) continue;
    const n = base64Bytes(s.data);
    if (n !== s.bytes) malformed(`${at}.data`, n < 0 ? 'is not base64' : `holds ${n} bytes, not ${showSize(s.bytes)}`);
  }
}

function checkKernels(p: Program): void {
  for (const [i, k] of p.kernels.entries()) {
    if (k.bindings.length > p.needs.storageBuffers)
      malformed('needs.storageBuffers', `is ${p.needs.storageBuffers}, but kernels[${i}] binds ${k.bindings.length}`);
    if (k.workgroup > p.needs.invocations) malformed('needs.invocations', `is ${p.needs.invocations}, but kernels[${i}] has ${k.workgroup}`);
    if (kernelHash(k) !== k.hash)
      throw new ProgramError('HF13', `program: kernels[${i}] does not match its hash ${k.hash.slice(0, 12)}…; compile the model again`);
  }
}

/** What a dispatch may bind (probed on Dawn, and WebGPU's usage rules): see the header of common/program.ts. */
function checkSteps(p: Program): void {
  for (const [i, s] of p.steps.entries()) {
    const at = `steps[${i}]`;
    const kernel = p.kernels[s.kernel];
    if (!kernel) malformed(`${at}.kernel`, `is ${s.kernel}, but there are ${p.kernels.length} kernels`);
    if (s.bindings.length !== kernel.bindings.length)
      malformed(`${at}.bindings`, `has ${s.bindings.length} ranges, but the kernel binds ${kernel.bindings.length}`);
    for (const [j, r] of s.bindings.entries()) {
      const here = `${at}.bindings[${j}]`;
      checkRange(p, r, here);
      const { access } = kernel.bindings[j]!;
      const kind = p.slots[r.slot]!.kind;
      if ((kind === 'arena' || kind === 'state') !== (access === 'read_write')) malformed(here, `is ${access} in a slot of kind '${kind}'`);
      for (let k = 0; k < j; k++)
        if (access === 'read_write' && overlap(s.bindings[k]!, r)) malformed(here, `overlaps ${at}.bindings[${k}] and is written`);
    }
  }
}

/** Without a batch every size is a number. */
function checkBatch(p: Program): void {
  if (p.batch !== null) return;
  const sizes: readonly Size[] = [
    p.needs.bindingBytes,
    ...p.slots.map(s => s.bytes),
    ...[...p.inputs, ...p.state, ...p.outputs, ...p.values].flatMap(t => [t.offset, t.bytes, ...t.shape]),
    ...p.inputs.map(t => t.over ?? 0),
    ...p.weights.flatMap(t => [t.offset, t.bytes]),
    ...p.steps.flatMap(s => [s.grid.of, ...s.bindings.flatMap(r => [r.offset, r.bytes])]),
  ];
  const free = sizes.find(isDynamic);
  if (free !== undefined) malformed('batch', `is null, but a size is ${showSize(free)}`);
}

const validated = new WeakSet<object>();

/** A Program from anything. Throws ProgramError: HF10 malformed (the field by name), HF11 newer version, HF13 kernel text that does not
 *  match its hash. The result is a fresh, frozen-by-type copy that holds nothing but known fields; passing it again costs nothing. */
export function validateProgram(json: unknown): Program {
  if (typeof json === 'object' && json !== null && validated.has(json)) return json as Program; // put there by this function alone
  const version = fieldsOf(json, '').get('version');
  if (typeof version === 'number' && version > programVersion)
    throw new ProgramError('HF11', `program: version ${version} is newer than ${programVersion}, the newest this runtime reads; update heddle`);
  const p = program(json, '');
  checkBatch(p);
  checkSlots(p);
  checkKernels(p);
  checkTensors(p);
  checkSteps(p);
  validated.add(p);
  return p;
}
