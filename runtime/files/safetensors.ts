// safetensors, read strictly: eight bytes of header length, a JSON header, then the tensors' bytes without holes.
// A file is hostile until it was checked; the rules are the format's own (github.com/huggingface/safetensors) where it is strict,
// and stricter where a reader could be led astray (unknown fields, bools that are neither 0 nor 1). Every refusal names the file,
// the tensor and the rule.
import { readFile } from 'node:fs/promises';
import { widenBf16, widenF16 } from '../../common/half.ts';
import { FileError } from '../errors.ts';
import { JsonError, type JsonValue, scanJson } from './json-scan.ts';
import { writeBeside } from './write-beside.ts';

/** dtype → its array; F16 and BF16 are kept as their 16-bit words. */
export interface SafeArrays {
  readonly F64: Float64Array;
  readonly F32: Float32Array;
  readonly F16: Uint16Array;
  readonly BF16: Uint16Array;
  readonly I64: BigInt64Array;
  readonly I32: Int32Array;
  readonly I16: Int16Array;
  readonly I8: Int8Array;
  readonly U64: BigUint64Array;
  readonly U32: Uint32Array;
  readonly U16: Uint16Array;
  readonly U8: Uint8Array;
  readonly BOOL: Uint8Array;
}
export type SafeDType = keyof SafeArrays;
export type SafeTensor = { [D in SafeDType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: SafeArrays[D] } }[SafeDType];
export interface SafeFile {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const satisfies Record<SafeDType, unknown>;
const isDType = (s: string): s is SafeDType => Object.hasOwn(arrays, s);
const maxHeader = 100_000_000;
const metadataKey = '__metadata__';

/** @throws FileError HF2 when the file cannot be read, HF1 when it is malformed. */
export async function readSafetensors(path: string): Promise<SafeFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new FileError('HF2', `${path}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return parseSafetensors(bytes, path);
}

/** Parses a whole file; `name` leads every message. Tensors share memory with `bytes` where alignment lets them.
 *  @throws FileError HF1 */
export function parseSafetensors(bytes: Uint8Array, name: string): SafeFile {
  const refuse: Refuse = (rule, tensor) => {
    throw new FileError('HF1', `${name}: ${tensor === undefined ? '' : `tensor ${quote(tensor)}: `}${rule}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) return refuse(`${bytes.length} bytes are no safetensors file: the header's length takes 8`);
  const length = view.getBigUint64(0, true);
  if (length > maxHeader) return refuse(`a header of ${length} bytes: more than ${maxHeader}`);
  if (8 + Number(length) > bytes.length) return refuse(`a header of ${length} bytes in a file of ${bytes.length}`);
  const header = readHeader(bytes.subarray(8, 8 + Number(length)), refuse);
  const body = bytes.subarray(8 + Number(length));
  checkLayout(header.entries, body.length, refuse);
  const tensors = new Map(header.entries.map(e => [e.name, tensorOf(e, body, refuse)]));
  return { tensors, metadata: header.metadata };
}

type Refuse = (rule: string, tensor?: string) => never;
interface Entry {
  readonly name: string;
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}
interface Header {
  /** In the order of their bytes. */
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
}

const show = (shape: readonly number[]): string => (shape.length > 8 ? `[${shape.slice(0, 8)},…] of rank ${shape.length}` : `[${shape}]`);
/** Names are strangers' text: shown as JSON, and not for ever. */
const quote = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);

function readHeader(bytes: Uint8Array, refuse: Refuse): Header {
  let json: JsonValue;
  try {
    json = scanJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (e) {
    if (e instanceof JsonError) return refuse(`the header is no JSON: ${e.message}`);
    return refuse('the header is not UTF-8');
  }
  if (!(json instanceof Map)) return refuse('the header is no object');
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of json) {
    if (name !== metadataKey) {
      entries.push(readEntry(name, value, refuse));
      continue;
    }
    if (!(value instanceof Map)) return refuse(`${metadataKey} is no object`);
    for (const [key, text] of value) metadata.set(key, typeof text === 'string' ? text : refuse(`${metadataKey}: ${quote(key)} is no string`));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { entries, metadata };
}

const fields = ['dtype', 'shape', 'data_offsets'];
function readEntry(name: string, value: JsonValue, refuse: Refuse): Entry {
  if (!(value instanceof Map)) return refuse('its entry is no object', name);
  for (const f of fields) if (!value.has(f)) return refuse(`${f} is missing`, name);
  for (const f of value.keys()) if (!fields.includes(f)) return refuse(`unknown field ${quote(f)}`, name);
  const dtype = value.get('dtype');
  if (typeof dtype !== 'string') return refuse('dtype is no string', name);
  if (!isDType(dtype)) return refuse(`unknown dtype ${quote(dtype)}`, name);
  const shape = naturals(value.get('shape')!, 'shape', name, refuse);
  const offsets = naturals(value.get('data_offsets')!, 'data_offsets', name, refuse);
  if (offsets.length !== 2) return refuse(`data_offsets has ${offsets.length} numbers, not 2`, name);
  const [begin, end] = offsets as [number, number];
  if (end < begin) return refuse(`data_offsets end at ${end}, before their begin at ${begin}`, name);
  const bytes = arrays[dtype].BYTES_PER_ELEMENT * (shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1));
  if (!Number.isSafeInteger(bytes)) return refuse(`overflow: ${show(shape)} of ${dtype} is more than 2^53 bytes`, name);
  if (end - begin !== bytes) return refuse(`${end - begin} bytes for ${show(shape)} of ${dtype}, which takes ${bytes}`, name);
  return { name, dtype, shape, begin, end };
}

function naturals(list: JsonValue, field: string, tensor: string, refuse: Refuse): number[] {
  if (!Array.isArray(list)) return refuse(`${field} is no list`, tensor);
  return (list as readonly JsonValue[]).map(x => {
    if (typeof x !== 'object' || x === null || !('number' in x)) return refuse(`${field} holds something that is no number`, tensor);
    if (!/^\d+$/.test(x.number)) return refuse(`${field} holds ${x.number.slice(0, 40)}: only natural numbers`, tensor);
    const n = Number(x.number);
    return Number.isSafeInteger(n) ? n : refuse(`overflow: ${field} holds ${x.number.slice(0, 40)}`, tensor);
  });
}

/** The tensors' bytes follow each other from 0 to the end. */
function checkLayout(entries: readonly Entry[], size: number, refuse: Refuse): void {
  let at = 0;
  for (const e of entries) {
    if (e.end > size) refuse(`its bytes end at ${e.end}, the data at ${size}`, e.name);
    if (e.begin < at) refuse(`its bytes overlap those of another: they begin at ${e.begin}, before ${at}`, e.name);
    if (e.begin > at) refuse(`a hole of ${e.begin - at} bytes before it`, e.name);
    at = e.end;
  }
  if (at !== size) refuse(`${size - at} trailing bytes belong to no tensor`);
}

function tensorOf(e: Entry, body: Uint8Array, refuse: Refuse): SafeTensor {
  const Values = arrays[e.dtype];
  const bytes = body.subarray(e.begin, e.end);
  if (e.dtype === 'BOOL' && bytes.some(b => b > 1)) refuse('a bool is a byte of 0 or 1', e.name);
  const aligned = bytes.byteOffset % Values.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const data = new Values(aligned.buffer as ArrayBuffer, aligned.byteOffset, (e.end - e.begin) / Values.BYTES_PER_ELEMENT);
  return { dtype: e.dtype, shape: e.shape, data } as SafeTensor; // the table pairs each dtype with its array
}

/** F32, F16 and BF16 as f32; undefined for every other dtype. */
export function widen(tensor: SafeTensor): Float32Array | undefined {
  switch (tensor.dtype) {
    case 'F32':
      return tensor.data;
    case 'F16':
      return widenF16(tensor.data);
    case 'BF16':
      return widenBf16(tensor.data);
    default:
      return undefined;
  }
}

/** Writes a file that every reader of the format takes: header padded to 8 bytes, tensors by falling element size, then by name, so
 *  that all are aligned. Whole or not at all. @throws FileError HF2; HF1 for tensors that do not fit their shape. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  await writeBeside(path, encodeSafetensors(tensors, metadata, path));
}

/** The same as chunks: the header, then one a tensor. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
  name = 'safetensors',
): Uint8Array[] {
  const size = (t: SafeTensor): number => arrays[t.dtype].BYTES_PER_ELEMENT;
  const order = [...tensors].sort(([a, s], [b, t]) => size(t) - size(s) || (a < b ? -1 : 1));
  const lines = metadata.size > 0 ? [`${JSON.stringify(metadataKey)}:${JSON.stringify(Object.fromEntries(metadata))}`] : [];
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const [key, t] of order) {
    const fault = tensorFault(key, t);
    if (fault) throw new FileError('HF1', `${name}: tensor ${quote(key)}: ${fault}`);
    const end = at + t.data.byteLength;
    lines.push(`${JSON.stringify(key)}:${JSON.stringify({ dtype: t.dtype, shape: t.shape, data_offsets: [at, end] })}`);
    chunks.push(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength));
    at = end;
  }
  const json = new TextEncoder().encode(`{${lines.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return [header, ...chunks];
}
function tensorFault(name: string, t: SafeTensor): string | undefined {
  if (name === metadataKey || !name.isWellFormed()) return 'no name for a tensor';
  if (!(t.data instanceof arrays[t.dtype])) return `${t.dtype} takes a ${arrays[t.dtype].name}, not a ${t.data.constructor.name}`;
  const n = t.shape.reduce((a, b) => a * b, 1);
  if (t.shape.some(d => !Number.isSafeInteger(d) || d < 0) || n !== t.data.length) return `${t.data.length} values for [${t.shape}]`;
  return undefined;
}
