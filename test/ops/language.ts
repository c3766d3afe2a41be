// What the calls of the op table may name: the ops and the placeholders.
export * from '../../dsl/ops/index.ts';
export { bool, f16, f32, i32, index, u32 } from '../../dsl/tensor.ts';
