// Typed values of a kernel while it is read. A constant that nobody gave a type (`0.5`, a loop's counter) takes the type of what it
// meets; constants fold as the reference computes; everything else becomes an instruction.
import { type Prim, primType, ScalarBuilder, type ScalarType } from '../../dsl/scalar.ts';
import { float64 } from '../graph/arithmetic.ts';
import { accepts } from '../graph/verify.ts';
import { fail } from './place.ts';
import type { ts } from './typescript.ts';

export type Value =
  | { readonly kind: 'const'; readonly value: number; readonly type: ScalarType | undefined }
  | { readonly kind: 'operand'; readonly at: number; readonly type: ScalarType };

export const constant = (value: number, type?: ScalarType): Value => ({ kind: 'const', value, type });
export const truth = (value: boolean): Value => constant(value ? 1 : 0, 'bool');

/** Instructions that one kernel may have: beyond it a device would spend seconds on its text. */
const maxInstructions = 4096;

export class Emitter {
  readonly builder: ScalarBuilder;
  constructor(params: readonly ScalarType[]) {
    this.builder = new ScalarBuilder(params);
  }

  /** Operands of a primitive have one type (of select: the last two, and the first is a bool). `node` is where errors point. */
  apply(node: ts.Node, prim: Prim, ...args: readonly Value[]): Value {
    const [condition] = args;
    if (prim === 'select' && condition!.type !== 'bool') fail(node, `a condition is a bool, not ${showType(condition!.type)}`, 'HK2');
    const operands = prim === 'select' ? args.slice(1) : args;
    const common = this.common(node, operands);
    const type = common ?? 'f32';
    if (!accepts(prim, type)) fail(node, `${prim} does not take ${type}`, 'HK2');
    const types = prim === 'select' ? (['bool', type, type] as const) : operands.map(() => type);
    const result = primType(prim, types);
    if (args.every(a => a.kind === 'const')) {
      const [a = 0, b = 0, c = 0] = args.map((x, k) => this.checked(node, x, types[k]!));
      return constant(float64.primitive(prim, type)(a, b, c), common === undefined && result === 'f32' ? undefined : result);
    }
    if (prim === 'select' && condition!.kind === 'const') return this.typed(node, condition!.value ? args[1]! : args[2]!, type);
    const at = this.builder.op(prim, ...args.map((a, k) => this.operand(node, a, types[k]!)));
    if (this.builder.body.length > maxInstructions) fail(node, `more than ${maxInstructions} instructions`);
    return { kind: 'operand', at, type: result };
  }

  /** The one type that values have; undefined when all are constants without one. */
  common(node: ts.Node, values: readonly Value[]): ScalarType | undefined {
    const types = [...new Set(values.flatMap(v => v.type ?? []))];
    if (types.length > 1) fail(node, `${types.join(' and ')} do not mix: convert one with toF32, toI32 or toU32`, 'HK2');
    return types[0];
  }
  /** The value as this type; only a constant without a type changes. */
  typed(node: ts.Node, value: Value, type: ScalarType): Value {
    if (value.type === type) return value;
    if (value.type !== undefined || value.kind !== 'const') fail(node, `${showType(value.type)} where ${type} is wanted`, 'HK2');
    return constant(this.checked(node, value, type), type);
  }
  operand(node: ts.Node, value: Value, type: ScalarType): number {
    const v = this.typed(node, value, type);
    if (v.kind === 'operand') return v.at;
    if (!Number.isFinite(v.value)) fail(node, `${v.value} is no number that every device can hold: use a large finite one`);
    return this.builder.constant(v.value, type);
  }
  private checked(node: ts.Node, value: Value & { kind: 'const' }, type: ScalarType): number {
    if (value.type !== undefined || type === 'f32') return value.value;
    if (type === 'bool') return fail(node, `${value.value} where a bool is wanted`, 'HK2');
    const [low, high] = [float64.lowest(type), float64.highest(type)];
    if (!Number.isInteger(value.value) || value.value < low || value.value > high) fail(node, `${value.value} is no ${type}`, 'HK2');
    return value.value;
  }
}
export const showType = (type: ScalarType | undefined): string => type ?? 'a number';
