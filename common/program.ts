// A compiled program: plain data (JSON and kernel text) that the runtime runs without the compiler and the language.
// The compiler writes it, the runtime validates it before anything else reads it (runtime/validate.ts).
//
// Memory. A slot is one device buffer. Values are ranges of slots. Two arenas hold intermediates: one of values whose size is a
// multiple of the batch, one of fixed ones, so that a plan for batch 1 scaled by B is a plan for B. Offsets are multiples of 256
// bytes at every batch. Arena and state slots are always bound read_write (WebGPU refuses read + read_write of one buffer in a
// dispatch, disjoint ranges or not, but takes read_write twice); inputs, weights and constants are bound read.
import type { DType } from './dtype.ts';
import type { Size } from './size.ts';

export const programFormat = 'heddle-program';
export const programVersion = 1;

export interface Program {
  readonly format: typeof programFormat;
  readonly version: typeof programVersion;
  /** Model file's base name, for people. */
  readonly name: string;
  /** Capability record that it was compiled for: 'webgpu', 'webgpu-software', 'js', … */
  readonly target: string;
  readonly language: 'wgsl' | 'js';
  /** The symbol that stays free, or null when every size is a number. */
  readonly batch: string | null;
  readonly needs: Needs;
  readonly inputs: readonly Input[];
  readonly scalars: readonly Scalar[];
  readonly weights: readonly Weight[];
  readonly state: readonly State[];
  readonly outputs: readonly Output[];
  readonly slots: readonly Slot[];
  /** Every stored value with its place and life, for explain and for tests of the memory plan. */
  readonly values: readonly Value[];
  readonly kernels: readonly Kernel[];
  /** In order. */
  readonly steps: readonly Step[];
}

/** A Program that remembers, in types alone, its model's outputs by name, for the types of a session's results. */
export type TypedProgram<Outputs> = Program & { readonly [outputTypes]?: Outputs };
declare const outputTypes: unique symbol;

/** What a device must offer; checked before any dispatch. */
export interface Needs {
  readonly storageBuffers: number;
  readonly workgroupBytes: number;
  readonly invocations: number;
  /** Largest range of one binding, in bytes. */
  readonly bindingBytes: Size;
  readonly features: readonly string[];
}

/** A range of a slot, in bytes. */
export interface Range {
  readonly slot: number;
  readonly offset: Size;
  readonly bytes: Size;
}

export interface Input extends Range {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
  /** For an index: the extent that it indexes; elements outside 0 ≤ i < over are refused at upload. */
  readonly over?: Size;
}
/** A run-time number (learning rate, step): a uniform, at `index` of the uniform block (element 0 is the batch). */
export interface Scalar {
  readonly name: string;
  readonly dtype: 'f32' | 'i32' | 'u32';
  readonly index: number;
}
/** A parameter, by its checkpoint name. */
export interface Weight extends Range {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly trainable: boolean;
  readonly init: Init;
}
/** A seeded initial value. `fan` initialisers take fan-in and fan-out of the [out, in·…] matrix form. */
export type Init =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'truncated-normal'; readonly std: number }
  | { readonly kind: 'xavier-uniform' }
  | { readonly kind: 'data'; readonly data: string /* base64 of little-endian f32 */ };
/** A buffer that persists from run to run. */
export interface State extends Range {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
  readonly init: Init;
  /** A parameter that the program trains: weights, where given, must hold it. */
  readonly parameter?: boolean;
}
export interface Output extends Range {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
  /** Indices into `steps` that must have run for this output, so that unwanted outputs can be left out. */
  readonly steps: readonly number[];
}

export type SlotKind = 'input' | 'weights' | 'constant' | 'state' | 'arena';
export interface Slot {
  readonly kind: SlotKind;
  readonly bytes: Size;
  /** Constants: base64 of the bytes. */
  readonly data?: string;
}
export interface Value extends Range {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
  /** First and last step that touches it. */
  readonly first: number;
  readonly last: number;
}

export type Access = 'read' | 'read_write';
export interface Kernel {
  /** SHA-256 (hex) of text, workgroup and access: the key of the pipeline cache. */
  readonly hash: string;
  /** The whole source; in a folder it is kept in `kernels/<hash>.wgsl|js` and read back by the loader. */
  readonly text: string;
  readonly entry: string;
  readonly workgroup: number;
  /** One a storage binding, in binding order; the uniform block, when used, is the binding after the last. */
  readonly bindings: readonly { readonly access: Access; readonly dtype: DType }[];
  readonly uniforms: boolean;
}
/** Workgroups: count · ceil(of / per). Sizes are affine in the batch, grids are not. */
export interface Grid {
  readonly count: number;
  readonly of: Size;
  readonly per: number;
}
/** fixed + perBatch · batch: work, of which weights and tables are a fixed share. */
export interface Amount {
  readonly fixed: number;
  readonly perBatch: number;
}
export const amountAt = (a: Amount, batch: number): number => a.fixed + a.perBatch * batch;
export interface Step {
  readonly kernel: number;
  readonly bindings: readonly Range[];
  readonly grid: Grid;
  /** For people, explain and profiles; sanitised text. */
  readonly name: string;
  /** Names of the tensor operations inside, outermost first. */
  readonly ops: readonly string[];
  /** file:line:col of the user's code, or ''. */
  readonly origin: string;
  /** Multiply-adds count as two. */
  readonly flops: Amount;
  /** Bytes of the distinct elements that the kernel reads and writes. */
  readonly bytesRead: Amount;
  readonly bytesWritten: Amount;
}

export const gridSize = (g: Grid, batch: number): number => g.count * Math.ceil((typeof g.of === 'number' ? g.of : g.of.batch * batch) / g.per);
