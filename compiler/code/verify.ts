// The specification of structured code, executable: it runs after generation in tests, and its limits hold for every kernel that is
// compiled. Types and widths agree, names are defined before use and once, vectors are aligned memory's or registers', barriers
// stand in uniform control flow only, and nothing exceeds the target.

import type { ScalarType } from '../../dsl/scalar.ts';
import { primType } from '../../dsl/scalar.ts';
import { intrinsic } from '../render/intrinsics.ts';
import { checkLimits } from './limits.ts';
import { type Capability, type Code, type Expr, isOfVectors, type Memory, type Statement, type Width } from './types.ts';
import { operandsOf } from './walk.ts';

export const memoryType = (m: Memory): ScalarType => (m.space === 'storage' ? (m.dtype === 'f16' ? 'f32' : m.dtype) : m.type);

/** @throws Error (a defect of the compiler) with what is wrong and where, and CompileError as `checkLimits` does. */
export function verifyCode(code: Code, capability: Capability): void {
  checkLimits(code, capability);
  new Verifier(code, capability).run();
}

interface Name {
  readonly type: ScalarType;
  readonly width: Width;
  readonly mutable: boolean;
  /** The same for all lanes of a group. */
  readonly uniform: boolean;
}

class Verifier {
  private readonly code: Code;
  private readonly capability: Capability;
  private readonly everDefined = new Set<string>();
  private readonly varying: ReadonlySet<string>;

  constructor(code: Code, capability: Capability) {
    this.code = code;
    this.capability = capability;
    this.varying = varyingVariables(code);
  }
  run(): void {
    if (!Number.isInteger(this.code.lanes) || this.code.lanes < 1) fail(`${this.code.lanes} lanes`);
    this.block(this.code.body, new Map(), true);
  }

  private block(body: readonly Statement[], outer: ReadonlyMap<string, Name>, uniformFlow: boolean): void {
    const names = new Map(outer);
    const define = (name: string, n: Name): void => {
      if (!/^[a-z]_\d+$/.test(name)) fail(`${name} is no name: a letter, an underscore, a number`);
      if (this.everDefined.has(name)) fail(`${name} is defined twice`);
      this.everDefined.add(name);
      names.set(name, n);
    };
    for (const s of body) {
      switch (s.kind) {
        case 'let':
        case 'var':
          this.check(s.value, names);
          define(s.name, {
            type: s.value.type,
            width: s.value.width,
            mutable: s.kind === 'var',
            uniform: this.isUniform(s.value, names) && !this.varying.has(s.name),
          });
          break;
        case 'set': {
          const n = names.get(s.name);
          if (!n?.mutable) fail(`${s.name} is no variable here`);
          this.check(s.value, names);
          if (s.value.type !== n!.type || s.value.width !== n!.width) fail(`${s.name} is set to another type`);
          break;
        }
        case 'store': {
          const m = this.memory(s.memory);
          this.check(s.at, names);
          this.check(s.value, names);
          this.address(s.at, m, s.value.width);
          if (m.space === 'storage' && !m.written) fail(`memory ${s.memory} is stored to and not declared written`);
          if (s.value.type !== memoryType(m)) fail(`memory ${s.memory} takes ${memoryType(m)}, not ${s.value.type}`);
          break;
        }
        case 'for': {
          this.scalarInt(s.from, names);
          this.scalarInt(s.to, names);
          if (!Number.isInteger(s.step) || s.step < 1) fail(`${s.name} steps by ${s.step}`);
          const uniform = this.isUniform(s.from, names) && this.isUniform(s.to, names);
          const inner = new Map(names);
          if (!/^[a-z]_\d+$/.test(s.name) || this.everDefined.has(s.name)) fail(`${s.name} is no fresh name`);
          this.everDefined.add(s.name);
          inner.set(s.name, { type: 'i32', width: 1, mutable: false, uniform });
          this.block(s.body, inner, uniformFlow && uniform);
          break;
        }
        case 'if':
          this.check(s.condition, names);
          if (s.condition.type !== 'bool' || s.condition.width !== 1) fail('a condition is one bool');
          this.block(s.body, names, uniformFlow && this.isUniform(s.condition, names));
          break;
        case 'barrier':
          if (!uniformFlow) fail('a barrier in control flow that lanes may leave apart');
      }
    }
  }

  private check(e: Expr, names: ReadonlyMap<string, Name>): void {
    for (const x of operandsOf(e)) this.check(x, names);
    if (e.width === 4 && !this.capability.vectors) fail(`a vector on target '${this.capability.name}'`);
    switch (e.kind) {
      case 'name': {
        const n = names.get(e.name);
        if (!n) fail(`${e.name} is not defined here`);
        if (n!.type !== e.type || n!.width !== e.width) fail(`${e.name} is used as another type`);
        return;
      }
      case 'literal':
        if (e.type === 'i32' && e.value !== (e.value | 0)) fail(`${e.value} is no i32`);
        if (e.type === 'u32' && e.value !== e.value >>> 0) fail(`${e.value} is no u32`);
        return;
      case 'op': {
        const types = e.args.map(a => a.type);
        if (primType(e.prim, types) !== e.type) fail(`${e.prim} of ${types} is no ${e.type}`);
        if (e.args.some(a => a.width !== e.width)) fail(`${e.prim}: widths differ`);
        const same = e.prim === 'select' ? types.slice(1) : e.prim === 'shl' || e.prim === 'shr' ? types.slice(0, 1) : types;
        if (same.some(t => t !== same[0])) fail(`${e.prim} of different types: ${types}`);
        if (e.prim === 'select' && types[0] !== 'bool') fail('select wants a bool');
        if (!intrinsic(this.capability.language, e.prim, types[0]!)) fail(`${e.prim} of ${types[0]} has no meaning`);
        return;
      }
      case 'load': {
        const m = this.memory(e.memory);
        if (memoryType(m) !== e.type) fail(`memory ${e.memory} holds ${memoryType(m)}, not ${e.type}`);
        this.address(e.at, m, e.width);
        return;
      }
      case 'element':
        if (e.of.width !== 4 || e.of.type !== e.type || e.width !== 1) fail('an element of no vector');
        return;
      case 'vector':
        if (e.of.length !== 4 || e.of.some(x => x.width !== 1 || x.type !== e.type)) fail('a vector has four scalars of its type');
        return;
      case 'group':
      case 'lane':
      case 'batch':
        if (e.type !== 'i32' || e.width !== 1) fail(`${e.kind} is an i32`);
        return;
      case 'scalar':
        if (e.index < 1 || e.width !== 1) fail(`scalar ${e.index}: element 0 is the batch`);
    }
  }
  private scalarInt(e: Expr, names: ReadonlyMap<string, Name>): void {
    this.check(e, names);
    if (e.type !== 'i32' || e.width !== 1) fail('a loop is bounded by an i32');
  }
  private address(at: Expr, m: Memory, width: Width): void {
    if (at.type !== 'i32' || at.width !== 1) fail('an address is an i32');
    if (isOfVectors(m) !== (width === 4)) fail(`${width} wide access of a memory of ${isOfVectors(m) ? 'vectors' : 'scalars'}`);
  }
  private memory(i: number): Memory {
    return this.code.memories[i] ?? fail(`there is no memory ${i}`);
  }

  private isUniform(e: Expr, names: ReadonlyMap<string, Name>): boolean {
    switch (e.kind) {
      case 'lane':
        return this.code.lanes === 1;
      case 'name':
        return names.get(e.name)?.uniform ?? false;
      case 'load': {
        // what a lane may have written since is not known to be the same for all
        const m = this.memory(e.memory);
        return m.space === 'storage' && !m.written && this.isUniform(e.at, names);
      }
      default:
        return operandsOf(e).every(x => this.isUniform(x, names));
    }
  }
}

/** Variables that are set anywhere: taken as differing from lane to lane, which is all that loop bounds and conditions need. */
function varyingVariables(code: Code): ReadonlySet<string> {
  const set = new Set<string>();
  const visit = (body: readonly Statement[]): void => {
    for (const s of body) {
      if (s.kind === 'set') set.add(s.name);
      if (s.kind === 'for' || s.kind === 'if') visit(s.body);
    }
  };
  visit(code.body);
  return set;
}

function fail(message: string): never {
  throw new Error(`structured code: ${message}`);
}
