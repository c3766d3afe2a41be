// L2: structured imperative code for one workgroup. No axes, views, tensor names, layouts or target names are left. The same code
// is rendered as WGSL and JavaScript (later WebAssembly SIMD: lanes = 1, a range of groups a worker; and gpu.js: one store, literal
// bounds). Vectors are 4 wide and of one scalar type. Renderers are pure and optimise nothing.
import type { DType } from '../../common/dtype.ts';
import type { Grid } from '../../common/program.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';

export type Width = 1 | 4;
export type Expr = { readonly type: ScalarType; readonly width: Width } & (
  | { readonly kind: 'literal'; readonly value: number }
  | { readonly kind: 'name'; readonly name: string } // of a let, var or loop; letter, underscore, number: never a type's name
  | { readonly kind: 'group' } // i32: the linear workgroup id
  | { readonly kind: 'lane' } // i32: 0 ≤ lane < lanes
  | { readonly kind: 'batch' } // i32: the run-time batch
  | { readonly kind: 'scalar'; readonly index: number } // a run-time scalar of the uniform block
  | { readonly kind: 'op'; readonly prim: Prim; readonly args: readonly Expr[] } // width 4: per element
  | { readonly kind: 'load'; readonly memory: number; readonly at: Expr } // at counts elements; width 4 loads at..at+3, at divisible by 4
  | { readonly kind: 'element'; readonly of: Expr; readonly at: 0 | 1 | 2 | 3 } // of a vector
  | { readonly kind: 'vector'; readonly of: readonly Expr[] } // four scalars
);
export type Statement =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'var'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'set'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'store'; readonly memory: number; readonly at: Expr; readonly value: Expr }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly from: Expr;
      readonly to: Expr;
      readonly step: number;
      readonly body: readonly Statement[];
    } // i32, from ≤ name < to
  | { readonly kind: 'if'; readonly condition: Expr; readonly body: readonly Statement[] }
  | { readonly kind: 'barrier' }; // workgroup-wide, only in uniform control flow

/** A storage binding (in binding order), workgroup-shared memory, or an array private to a lane. */
export type Memory =
  | { readonly space: 'storage'; readonly dtype: DType; readonly written: boolean; readonly vector: boolean } // vector: every access is 4 wide
  | { readonly space: 'shared'; readonly type: ScalarType; readonly length: number; readonly vector: boolean }
  | { readonly space: 'private'; readonly type: ScalarType; readonly length: number };

/** Is every access of the memory 4 wide? */
export const isOfVectors = (m: Memory): boolean => m.space !== 'private' && m.vector;

export interface Code {
  readonly memories: readonly Memory[];
  readonly lanes: number;
  readonly grid: Grid;
  readonly body: readonly Statement[];
}

/** What a target can do; schedules are chosen, and programs refused, by this record alone. */
export interface Capability {
  readonly name: string;
  readonly language: 'wgsl' | 'js';
  /** Storage bindings a kernel. */
  readonly bindings: number;
  /** Workgroup memory in bytes; 0: none at all. */
  readonly sharedBytes: number;
  /** Bytes of arrays that a lane keeps between the loops of a kernel where lanes share no memory; 0: none. */
  readonly laneBytes: number;
  /** Lanes of a workgroup that schedules use; 1: serial code. */
  readonly lanes: number;
  readonly maxLanes: number;
  /** Largest range of one binding, and largest buffer, in bytes. */
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  /** 4-wide loads pay. */
  readonly vectors: boolean;
  /** Accumulators a lane may hold. */
  readonly registers: number;
  /** Statements a kernel may have (software adapters spend seconds on long text). */
  readonly statements: number;
}
