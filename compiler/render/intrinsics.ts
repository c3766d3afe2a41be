// Every primitive on every target: a native expression, or a call of a polyfill, with its error in units in the last place of f32.
// Templates: $0 $1 $2 are the operands; in WGSL $T is the result's type at its width, $A the first operand's, $U u32 at that width.
// `literal` replaces `text` where the last operand is a literal other than 0. Native errors are those that the WGSL specification
// grants (§ Floating point accuracy); JavaScript computes in doubles, so that what it stores is off by the final rounding alone.
import type { Prim, ScalarType } from '../../dsl/scalar.ts';
import type { Capability } from '../code/types.ts';

export type Language = Capability['language'];

export interface Intrinsic {
  readonly text: string;
  readonly literal?: string;
  /** A polyfill that the text calls: a key of the language's table. */
  readonly polyfill?: string;
  /** Largest error in f32 ULP, for finite normal operands and results: a number, or what it depends on. 0: exact. */
  readonly ulp: number | string;
}
type ByType = Partial<Record<ScalarType, Intrinsic>>;
type Table = Readonly<Record<Prim, ByType>>;

const native = (text: string, ulp: number | string = 0, literal?: string): Intrinsic =>
  literal === undefined ? { text, ulp } : { text, ulp, literal };
const call = (polyfill: string, ulp: number | string, arity = 1, literal?: string): Intrinsic => {
  const text = `${polyfill}$W(${['$0', '$1', '$2'].slice(0, arity).join(', ')})`;
  return literal === undefined ? { text, polyfill, ulp } : { text, polyfill, ulp, literal };
};
const all = (i: Intrinsic, types: readonly ScalarType[] = ['f32', 'i32', 'u32']): ByType => Object.fromEntries(types.map(t => [t, i]));
const anyType: readonly ScalarType[] = ['f32', 'i32', 'u32', 'bool'];
const integers: readonly ScalarType[] = ['i32', 'u32'];

const wgsl: Table = {
  add: all(native('($0 + $1)')),
  sub: all(native('($0 - $1)')),
  mul: all(native('($0 * $1)')),
  div: { f32: native('($0 / $1)', 2.5) },
  quo: all(native('($0 / $1)'), integers), // by 0: the dividend; lowest by −1: the lowest
  rem: all(native('($0 % $1)'), integers), // by 0: 0
  max: { ...all(native('max($0, $1)')), bool: native('($0 | $1)') },
  min: { ...all(native('min($0, $1)')), bool: native('($0 & $1)') },
  pow: { f32: call('f_pow', '4 + 3·|y·log x|', 2) },
  neg: { f32: native('(-$0)'), i32: native('(-$0)'), u32: native('($T(0u) - $0)') },
  abs: all(native('abs($0)')),
  sign: { f32: native('sign($0)'), i32: native('sign($0)'), u32: native('min($0, $T(1u))') },
  floor: { f32: native('floor($0)') },
  ceil: { f32: native('ceil($0)') },
  exp: { f32: call('f_exp', 2) },
  log: { f32: call('f_log', 2) },
  sqrt: { f32: native('sqrt($0)', 3) },
  rsqrt: { f32: native('inverseSqrt($0)', 2) },
  tanh: { f32: call('f_tanh', 4) },
  erf: { f32: call('f_erf', 4) },
  sin: { f32: call('f_sin', '2⁻²³ absolute for |x| ≤ 8192') },
  cos: { f32: call('f_cos', '2⁻²³ absolute for |x| ≤ 8192') },
  and: all(native('($0 & $1)'), ['i32', 'u32', 'bool']),
  or: all(native('($0 | $1)'), ['i32', 'u32', 'bool']),
  xor: { ...all(native('($0 ^ $1)'), integers), bool: native('($0 != $1)') },
  not: { ...all(native('(~$0)'), integers), bool: native('(!$0)') },
  shl: all(native('($0 << ($U($1) & $U(31u)))'), integers),
  shr: all(native('($0 >> ($U($1) & $U(31u)))'), integers),
  lt: all(native('($0 < $1)')),
  le: all(native('($0 <= $1)')),
  eq: all(native('($0 == $1)'), anyType),
  select: { bool: native('select($2, $1, $0)') },
  toF32: all(native('$T($0)', 0.5), anyType),
  toI32: { f32: call('f_toI32', 0), i32: native('$0'), u32: native('bitcast<$T>($0)'), bool: native('$T($0)') },
  toU32: { f32: call('f_toU32', 0), i32: native('bitcast<$T>($0)'), u32: native('$0'), bool: native('$T($0)') },
  toBool: { ...all(native('($0 != $A(0))')), bool: native('$0') },
  bits: { f32: native('bitcast<$T>($0)') },
  fromBits: all(native('bitcast<$T>($0)'), integers),
  roundF16: { f32: call('f_roundF16', 0) },
};

const js: Table = {
  add: { f32: native('($0 + $1)'), i32: native('($0 + $1 | 0)'), u32: native('($0 + $1 >>> 0)') },
  sub: { f32: native('($0 - $1)'), i32: native('($0 - $1 | 0)'), u32: native('($0 - $1 >>> 0)') },
  mul: { f32: native('($0 * $1)'), i32: native('Math.imul($0, $1)'), u32: native('(Math.imul($0, $1) >>> 0)') },
  div: { f32: native('($0 / $1)', 0.5) },
  quo: { i32: call('quoI32', 0, 2, '($0 / $1 | 0)'), u32: call('quoU32', 0, 2, '($0 / $1 >>> 0)') },
  rem: { i32: call('remI32', 0, 2, '($0 % $1 | 0)'), u32: call('remU32', 0, 2, '($0 % $1 >>> 0)') },
  max: { ...all(native('Math.max($0, $1)')), bool: native('($0 || $1)') },
  min: { ...all(native('Math.min($0, $1)')), bool: native('($0 && $1)') },
  pow: { f32: native('Math.pow($0, $1)', 0.5) },
  neg: { f32: native('(-$0)'), i32: native('(-$0 | 0)'), u32: native('(-$0 >>> 0)') },
  abs: { f32: native('Math.abs($0)'), i32: native('(Math.abs($0) | 0)'), u32: native('$0') },
  sign: all(native('Math.sign($0)')),
  floor: { f32: native('Math.floor($0)') },
  ceil: { f32: native('Math.ceil($0)') },
  exp: { f32: call('exp', 0.5) },
  log: { f32: native('Math.log($0)', 0.5) },
  sqrt: { f32: native('Math.sqrt($0)', 0.5) },
  rsqrt: { f32: native('(1 / Math.sqrt($0))', 0.5) },
  tanh: { f32: native('Math.tanh($0)', 0.5) },
  erf: { f32: call('erf', 1.5) },
  sin: { f32: native('Math.sin($0)', 0.5) },
  cos: { f32: native('Math.cos($0)', 0.5) },
  and: { i32: native('($0 & $1)'), u32: native('(($0 & $1) >>> 0)'), bool: native('($0 && $1)') },
  or: { i32: native('($0 | $1)'), u32: native('(($0 | $1) >>> 0)'), bool: native('($0 || $1)') },
  xor: { i32: native('($0 ^ $1)'), u32: native('(($0 ^ $1) >>> 0)'), bool: native('($0 !== $1)') },
  not: { i32: native('(~$0)'), u32: native('(~$0 >>> 0)'), bool: native('(!$0)') },
  shl: { i32: native('($0 << $1)'), u32: native('($0 << $1 >>> 0)') },
  shr: { i32: native('($0 >> $1)'), u32: native('($0 >>> $1)') },
  lt: all(native('($0 < $1)')),
  le: all(native('($0 <= $1)')),
  eq: all(native('($0 === $1)'), anyType),
  select: { bool: native('($0 ? $1 : $2)') },
  toF32: { ...all(native('$0')), bool: native('($0 ? 1 : 0)') },
  toI32: { f32: call('toI32', 0), i32: native('$0'), u32: native('($0 | 0)'), bool: native('($0 ? 1 : 0)') },
  toU32: { f32: call('toU32', 0), i32: native('($0 >>> 0)'), u32: native('$0'), bool: native('($0 ? 1 : 0)') },
  toBool: { ...all(native('($0 !== 0)')), bool: native('$0') },
  bits: { f32: call('bits', 0) },
  fromBits: all(call('fromBits', 0), integers),
  roundF16: { f32: call('roundF16', 0) },
};
const table: Readonly<Record<Language, Table>> = { wgsl, js };

/** How a primitive of operands of this type is written in a language. Undefined: it has no meaning for the type. */
export const intrinsic = (language: Language, prim: Prim, operand: ScalarType): Intrinsic | undefined => table[language][prim][operand];

/** All of a language's, for tests and docs. */
export const intrinsics = (language: Language): Table => table[language];
