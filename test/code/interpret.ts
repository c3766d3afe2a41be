// Runs structured code as it is written: all lanes of a group, in turn from barrier to barrier, vectors element by element, in
// doubles. It checks what a device would not say: addresses inside memories, vectors aligned, every element stored at most once in a
// grid, nothing read from workgroup memory that no lane wrote. It counts what is read from storage.
import { gridSize } from '../../common/program.ts';
import type { Code, Expr, Statement } from '../../compiler/code/types.ts';
import { memoryType } from '../../compiler/code/verify.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';

type Value = readonly number[];

/** Runs all groups; how many elements of storage all lanes read. */
export function interpretCode(code: Code, storage: readonly Float64Array[], u: Float64Array): number {
  const machine = new Machine(code, storage, u);
  const groups = gridSize(code.grid, u[0]!);
  for (let g = 0; g < groups; g++) machine.group(g);
  return machine.read;
}

class Machine {
  private readonly code: Code;
  private readonly u: Float64Array;
  /** By memory; of a lane's own memories, by lane. */
  private readonly memories: (Float64Array | Float64Array[])[];
  private readonly stored: (Uint8Array | undefined)[];
  /** Elements of storage. */
  read = 0;

  constructor(code: Code, storage: readonly Float64Array[], u: Float64Array) {
    this.code = code;
    this.u = u;
    let next = 0;
    this.memories = code.memories.map(m => {
      if (m.space === 'storage') return storage[next++]!;
      return m.space === 'shared' ? new Float64Array(m.length) : Array.from({ length: code.lanes }, () => new Float64Array(m.length));
    });
    this.stored = code.memories.map((m, i) => (m.space === 'storage' ? new Uint8Array(this.memory(i, 0).length) : undefined));
  }

  private memory(i: number, lane: number): Float64Array {
    const m = this.memories[i]!;
    return Array.isArray(m) ? m[lane]! : m;
  }
  group(group: number): void {
    this.code.memories.forEach((m, i) => {
      const own = m.space === 'private' ? this.code.lanes : m.space === 'shared' ? 1 : 0;
      for (let lane = 0; lane < own; lane++) this.memory(i, lane).fill(Number.NaN);
    });
    const lanes = Array.from({ length: this.code.lanes }, (_, lane) => this.block(this.code.body, new Map(), group, lane));
    for (let left = lanes; left.length > 0; ) {
      const going = left.filter(l => !l.next().done);
      if (going.length !== 0 && going.length !== left.length) throw new Error('some lanes wait at a barrier, some are done');
      left = going;
    }
  }

  /** Yields at each barrier. */
  private *block(body: readonly Statement[], names: Map<string, Value>, group: number, lane: number): Generator<void> {
    const get = (e: Expr): Value => this.value(e, names, group, lane);
    for (const s of body) {
      switch (s.kind) {
        case 'let':
        case 'var':
        case 'set':
          names.set(s.name, get(s.value));
          break;
        case 'store': {
          const value = get(s.value);
          const at = this.inside(s.memory, get(s.at)[0]!, value.length, lane);
          value.forEach((x, i) => {
            const once = this.stored[s.memory];
            if (once?.[at + i]) throw new Error(`element ${at + i} of memory ${s.memory} is stored twice`);
            if (once) once[at + i] = 1;
            this.memory(s.memory, lane)[at + i] = x;
          });
          break;
        }
        case 'for': {
          const to = get(s.to)[0]!;
          for (let i = get(s.from)[0]!; i < to; i += s.step) {
            names.set(s.name, [i]);
            yield* this.block(s.body, names, group, lane);
          }
          break;
        }
        case 'if':
          if (get(s.condition)[0]) yield* this.block(s.body, names, group, lane);
          break;
        case 'barrier':
          yield;
      }
    }
  }

  private value(e: Expr, names: Map<string, Value>, group: number, lane: number): Value {
    const get = (x: Expr): Value => this.value(x, names, group, lane);
    switch (e.kind) {
      case 'literal':
        return [e.value];
      case 'name':
        return names.get(e.name)!;
      case 'group':
        return [group];
      case 'lane':
        return [lane];
      case 'batch':
        return [this.u[0]!];
      case 'scalar':
        return [this.u[e.index]!];
      case 'op': {
        const args = e.args.map(get);
        const f = float64.primitive(e.prim, e.args.at(e.prim === 'select' ? 1 : 0)!.type);
        return Array.from({ length: e.width }, (_, i) => f(args[0]![i]!, args[1]?.[i] ?? 0, args[2]?.[i] ?? 0));
      }
      case 'load': {
        const at = this.inside(e.memory, get(e.at)[0]!, e.width, lane);
        if (this.stored[e.memory]) this.read += e.width;
        return Array.from({ length: e.width }, (_, i) => this.memory(e.memory, lane)[at + i]!);
      }
      case 'element':
        return [get(e.of)[e.at]!];
      case 'vector':
        return e.of.map(x => get(x)[0]!);
    }
  }
  private inside(memory: number, at: number, width: number, lane: number): number {
    const { length } = this.memory(memory, lane);
    if (!Number.isInteger(at) || at < 0 || at + width > length)
      throw new Error(`address ${at} of memory ${memory} (${memoryType(this.code.memories[memory]!)} ${length})`);
    if (width === 4 && at % 4 !== 0) throw new Error(`a vector at ${at}`);
    return at;
  }
}
