// The language, imported as `heddle`.
export type { Place } from '../common/errors.ts';
export { formatError, HeddleError } from '../common/errors.ts';
export { type ConfigValues, config } from './config.ts';
export { type Dim, type DimArg, plus, type Shape, times } from './dim.ts';
export { ShapeError } from './errors.ts';
export { choice, count, flag, number, optional, ratio } from './fields.ts';
export { fn } from './fn.ts';
export { keepCount } from './keep.ts';
export { type KernelSource, kernel } from './kernel.ts';
export { isModel, type Model, type ModelConfig, type ModelInputs, type ModelOutputs, model, type Traced, trace, traced } from './model.ts';
export * from './ops/index.ts';
export { type InitArg, layers, named, type Param, param } from './params.ts';
export { select, toF32, toI32, toU32 } from './scalars/language.ts';
export { type Size, size } from './sizes.ts';
export {
  type AdamwOptions,
  adamw,
  type Group,
  noDecayOnVectors,
  type Optimiser,
  type StepOptions,
  trainStep,
} from './step.ts';
export {
  type Bool,
  bool,
  type DType,
  type F16,
  type F32,
  f16,
  f32,
  type I32,
  type Index,
  type IndexOf,
  i32,
  index,
  type Tensor,
  type U32,
  u32,
} from './tensor.ts';
