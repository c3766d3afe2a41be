// The compiler's public surface: a model becomes a Program, a Program explains itself.
export { capabilities, type Target } from './code/capabilities.ts';
export type { Capability } from './code/types.ts';
export { type Compiled, type CompileOptions, compile, compileTraced } from './compile.ts';
export { CompileError } from './errors.ts';
export { type Explained, type ExplainedKernel, explain, explainTable } from './explain.ts';
export { intern } from './graph/intern.ts';
export { interpret } from './graph/interpret.ts';
export { programDigest } from './program.ts';
export { KernelSourceError } from './source/errors.ts';
export { kernelErrors, prepareKernels } from './source/prepare.ts';
export { type ReferenceStep, runReferenceStep } from './step/reference.ts';
