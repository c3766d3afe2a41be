// L0 as the language records it: immutable nodes that point at their operands. No table and no global graph: what nobody holds
// is collected. The compiler's first pass (compiler/graph/intern.ts) turns the cone of some outputs into a numbered, hash-consed
// graph. Everything that is not here is sugar above it: argsort and rank are sums of comparisons, one-hot and scatter-add are
// reductions with a predicate, a mean is a sum and a division.
import type { DType, TypedArray } from '../common/dtype.ts';
import type { Init } from '../common/program.ts';
import type { ScalarFn } from './scalar.ts';

/** A number, a symbol, or a canonical polynomial of symbols ('G*G-V+1'). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Index arithmetic only; none of them costs a kernel. */
export type View =
  | { readonly view: 'reshape' } // to the node's own shape
  | { readonly view: 'permute'; readonly order: readonly number[] } // out axis i is in axis order[i]
  | { readonly view: 'expand'; readonly at: readonly number[] } // in axis i stands at out axis at[i] (ascending); other out axes repeat, and an in axis of 1 may grow
  | { readonly view: 'slice'; readonly axis: number; readonly from: Dim; readonly step: number } // out size from the node's shape; step ≥ 1
  | { readonly view: 'flip'; readonly axis: number }
  | { readonly view: 'window'; readonly axis: number; readonly stride: number }; // axis of n → [count, size]: out [i, k] reads i·stride + k

export type Op =
  | { readonly op: 'input'; readonly role: 'argument' | 'state'; readonly name: string }
  | { readonly op: 'input'; readonly role: 'scalar'; readonly name: string } // shape []
  | { readonly op: 'input'; readonly role: 'parameter'; readonly name: string; readonly init: Init | LazyInit; readonly trainable: boolean }
  | { readonly op: 'const'; readonly value: number } // shape []
  | { readonly op: 'extent'; readonly dim: Dim } // a size as an i32 of shape []
  | { readonly op: 'data'; readonly data: TypedArray } // row-major
  | { readonly op: 'iota'; readonly axis: number } // i32: the position along axis
  | { readonly op: 'map'; readonly fn: ScalarFn } // operands all of the node's shape
  | { readonly op: 'reduce'; readonly kind: ReduceKind; readonly axes: readonly number[] } // axes are dropped; max of nothing is the type's lowest
  | { readonly op: 'contract'; readonly labels: readonly [string, string]; readonly out: string } // sum over the labels not in out of a·b; one letter an axis, no letter twice in an operand
  | ({ readonly op: 'view' } & View)
  | { readonly op: 'pad'; readonly low: readonly number[]; readonly value: number } // out size from the node's shape
  | { readonly op: 'concat'; readonly axis: number }
  | { readonly op: 'gather'; readonly axis: number } // [x, index]: index has x's axes up to and including `axis`; its values are clamped to the axis
  | { readonly op: 'stop' } // the value, without a gradient
  | { readonly op: 'call'; readonly name: string; readonly saved: number; readonly derivative?: Derivative } // [body, ...saved, ...args]: the value of body; a bracket that a written derivative and the op trail use
  | { readonly op: 'gradient'; readonly wrt: number }; // [of, ...wrt]: d of / d wrt[wrt], of the shape of wrt[wrt]; of is an f32 of shape []. Only recorded: the compiler expands it
export type ReduceKind = 'sum' | 'max' | 'min';
/** The name of the bracket around an argument of `grad`: only what flows through it counts. */
export const gradientArgument = 'argument';
/** A derivative written in the language: from the call's value, its saved values, its arguments and the cotangent of the value, the
 *  cotangent of each argument (null: none). Called by the compiler with nodes of its own. */
export type Derivative = (call: {
  readonly value: Node;
  readonly saved: readonly Node[];
  readonly args: readonly Node[];
  readonly cotangent: Node;
}) => readonly (Node | null)[];
/** A training step as the language records it (dsl/step.ts); the compiler adds gradients, optimiser and state to the trace. */
export interface TrainingStep {
  /** The output that is minimised: an f32 of shape []. */
  readonly loss: string;
  /** Outputs of the model that the step gives as well, worked out before the update. */
  readonly outputs: readonly string[];
  readonly optimiser: string;
  /** What the optimiser keeps for each parameter, zero at first. */
  readonly moments: readonly string[];
  /** [parameter, ...moments] after the step, elementwise. Called by the compiler with nodes of its own. */
  readonly update: (of: {
    readonly param: Node;
    readonly gradient: Node;
    readonly moments: readonly Node[];
    readonly lr: Node;
    readonly decay: Node;
    readonly step: Node;
  }) => readonly Node[];
  /** Factors of weight decay and learning rate of a parameter. */
  readonly groups: (name: string, shape: readonly number[]) => { readonly decay: number; readonly lrScale: number };
  /** Largest global norm of the gradients. */
  readonly clip: number | undefined;
  /** Small batches that make up one step. */
  readonly accumulate: number;
}
/** Worked out only when somebody asks for initial values. */
export interface LazyInit {
  readonly kind: 'lazy';
  readonly values: () => Float32Array;
}

export type Node = {
  readonly shape: Shape;
  readonly dtype: DType;
  /** For an index: its values lie in 0 ≤ i < over. */
  readonly over?: Dim;
  readonly inputs: readonly Node[];
  /** Never worth a buffer of its own: computed inside the reduction that reads it (comparisons of a sort, one-hot products). */
  readonly nested?: true;
  /** Too large to be worth a buffer where kernels can keep it inside (attention's scores): a policy of memory, which fusion follows and
   *  the unfused form does not. */
  readonly fleeting?: true;
  readonly origin: Origin;
} & Op;

/** Where the user called: call sites captured as an object (about 2 µs), read only when an error or explain asks. */
export interface Origin {
  readonly stack?: string;
  /** Names of the layers and ops around it, outermost first. */
  readonly trail: readonly string[];
}
