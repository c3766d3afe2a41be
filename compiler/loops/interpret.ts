// Runs a loop nest in any arithmetic. A part becomes a table over its free axes; a loop with rescaled parts really runs online, so the
// link is tested and not only trusted. Every address is checked, and none may be stored twice.
import { sizeAt } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import type { Prim, ScalarType } from '../../dsl/scalar.ts';
import type { Arith } from '../graph/arithmetic.ts';
import { indexValues } from './affine.ts';
import { axesOf, freeAxes, loopOrder, partAxes, scope } from './facts.ts';
import type { Atom, Index, LoopNest, Part, Val } from './types.ts';

export interface Run {
  /** Values of each buffer by graph node; what the nest stores is added. */
  readonly memory: Map<number, Float64Array>;
  readonly batch?: number;
  readonly arith: Arith;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** Throws Error when a load or store leaves its buffer, or an address is stored twice. */
export function runNest(nest: LoopNest, run: Run): void {
  new Machine(nest, run).run();
}

class Machine {
  private readonly nest: LoopNest;
  private readonly memory: Map<number, Float64Array>;
  private readonly batch: number;
  private readonly extents: readonly number[];
  /** The current point. */
  private readonly position: number[];
  /** The current value of each value. */
  private readonly registers: Float64Array;
  /** One step a value. */
  private readonly steps: readonly (() => number)[];
  private readonly tables: readonly Float64Array[];
  /** Free axes of each part. */
  private readonly own: readonly (readonly number[])[];
  private readonly arith: Arith;
  constructor(nest: LoopNest, run: Run) {
    this.nest = nest;
    this.memory = run.memory;
    this.batch = run.batch ?? 1;
    this.arith = run.arith;
    this.extents = nest.axes.map(a => sizeAt(a.extent, this.batch));
    this.position = nest.axes.map(() => 0);
    this.registers = new Float64Array(nest.values.length);
    const free = freeAxes(nest);
    this.own = nest.parts.map(p => axesOf(partAxes(p, free)));
    this.tables = nest.parts.map((p, i) => new Float64Array(this.own[i]!.reduce((n, a) => n * this.extents[a]!, 1)).fill(this.neutral(p)));
    this.steps = nest.values.map(v => this.step(v, run.scalars ?? {}));
  }

  run(): void {
    const order = loopOrder(this.nest);
    if (order === undefined) throw new Error('loops wait for each other');
    for (const loop of order) {
      if (loop.some(p => this.nest.parts[p]!.rescale >= 0)) this.online(loop);
      else for (const p of loop) this.reduce(p);
    }
    const written = new Map<number, Uint8Array>();
    // all values before all writes: a buffer may be changed in place
    const writes: (() => void)[] = [];
    for (const store of this.nest.stores) {
      const { node, elements } = this.nest.buffers[store.buffer]!;
      const buffer = this.memory.get(node) ?? new Float64Array(sizeAt(elements, this.batch)).fill(Number.NaN);
      this.memory.set(node, buffer);
      const seen = written.get(node) ?? new Uint8Array(buffer.length);
      written.set(node, seen);
      const values = scope(this.nest.values, [store.value, ...indexValues(store.at)]);
      this.each(store.axes, () => {
        const value = this.evaluate(values, store.value);
        const at = this.address(store.at, buffer, 'store');
        if (seen[at]!++) throw new Error(`address ${at} of %${node} is stored twice`);
        writes.push(() => {
          buffer[at] = value;
        });
      });
    }
    for (const write of writes) write();
  }

  private reduce(p: number): void {
    const part = this.nest.parts[p]!;
    const table = this.tables[p]!;
    const values = scope(this.nest.values, [part.of]);
    const combine = this.combine(part);
    this.each([...this.own[p]!, ...part.axes], () => {
      const value = this.evaluate(values, part.of);
      const slot = this.slot(p);
      table[slot] = combine(table[slot]!, value);
    });
  }
  /** One step along the reduced axes at a time, for all rows: first the maxima, then their sums with what the maxima moved. */
  private online(loop: readonly number[]): void {
    const { parts } = this.nest;
    const scopes = new Map(loop.map(p => [p, scope(this.nest.values, [parts[p]!.of])]));
    const axes = parts[loop[0]!]!.axes;
    const exp = this.arith.primitive('exp', 'f32');
    const sub = this.arith.primitive('sub', 'f32');
    const mul = this.arith.primitive('mul', 'f32');
    const rows = (p: number, visit: (slot: number, value: number) => void): void =>
      this.each(
        this.own[p]!.filter(a => !axes.includes(a)),
        () => visit(this.slot(p), this.evaluate(scopes.get(p)!, parts[p]!.of)),
      );
    this.each(axes, () => {
      const before = new Map(loop.map(p => [p, this.tables[p]!.slice()]));
      for (const p of loop) {
        if (parts[p]!.rescale >= 0) continue;
        const combine = this.combine(parts[p]!);
        rows(p, (slot, value) => {
          this.tables[p]![slot] = combine(this.tables[p]![slot]!, value);
        });
      }
      for (const p of loop) {
        const max = parts[p]!.rescale;
        if (max < 0) continue;
        const combine = this.combine(parts[p]!);
        rows(p, (slot, value) => {
          const at = this.slot(max);
          const factor = exp(sub(before.get(max)![at]!, this.tables[max]![at]!, 0), 0, 0);
          this.tables[p]![slot] = combine(mul(this.tables[p]![slot]!, factor, 0), value);
        });
      }
    });
  }

  private each(axes: readonly number[], visit: () => void): void {
    const walk = (depth: number): void => {
      if (depth === axes.length) {
        visit();
        return;
      }
      const axis = axes[depth]!;
      for (let i = 0; i < this.extents[axis]!; i++) {
        this.position[axis] = i;
        walk(depth + 1);
      }
    };
    walk(0);
  }
  private evaluate(values: readonly number[], wanted: number): number {
    for (const v of values) this.registers[v] = this.steps[v]!();
    return this.registers[wanted]!;
  }
  private slot(p: number): number {
    return this.own[p]!.reduce((at, a) => at * this.extents[a]! + this.position[a]!, 0);
  }
  private index(x: Index): number {
    let sum = x.constant;
    for (const { times, atom } of x.terms) sum += times * this.atom(atom);
    return sum;
  }
  private atom(atom: Atom): number {
    switch (atom.kind) {
      case 'axis':
        return this.position[atom.axis]!;
      case 'value':
        return this.registers[atom.value]!;
      case 'div':
        return Math.trunc(this.index(atom.of) / atom.by); // truncating, as devices do
      case 'mod':
        return this.index(atom.of) % atom.by;
    }
  }
  private address(x: Index, buffer: Float64Array, what: string): number {
    const at = this.index(x);
    if (!(at >= 0 && at < buffer.length)) throw new Error(`${what} out of range: ${at} of ${buffer.length}`);
    return at;
  }

  private step(value: Val, scalars: Readonly<Record<string, number>>): () => number {
    const { arith, registers } = this;
    switch (value.kind) {
      case 'const': {
        const constant = arith.constant(value.value, value.type);
        return () => constant;
      }
      case 'size': {
        const size = sizeAt(value.size, this.batch);
        return () => size;
      }
      case 'scalar': {
        const scalar = scalars[value.name];
        if (scalar === undefined) throw new Error(`no value for the scalar ${value.name}`);
        return () => scalar;
      }
      case 'index':
        return () => this.index(value.at);
      case 'load': {
        const buffer = this.memory.get(this.nest.buffers[value.buffer]!.node);
        if (buffer === undefined) throw new Error(`%${this.nest.buffers[value.buffer]!.node} is read before it is stored`);
        const other = arith.constant(value.other, value.type);
        return () => (value.when >= 0 && registers[value.when] === 0 ? other : buffer[this.address(value.at, buffer, 'load')]!);
      }
      case 'op': {
        const operation = arith.primitive(
          value.prim,
          operandType(
            value.prim,
            value.args.map(a => this.nest.values[a]!.type),
          ),
        );
        const [a, b = 0, c = 0] = value.args as readonly [number, number?, number?];
        return () => operation(registers[a]!, registers[b]!, registers[c]!);
      }
      case 'part':
        return () => this.tables[value.part]![this.slot(value.part)]!;
    }
  }
  private combine(part: Part): (a: number, b: number) => number {
    const prims: Record<ReduceKind, 'add' | 'max' | 'min'> = { sum: 'add', max: 'max', min: 'min' };
    const f = this.arith.primitive(prims[part.kind], this.nest.values[part.of]!.type);
    return (a, b) => f(a, b, 0);
  }
  private neutral(part: Part): number {
    const { type } = this.nest.values[part.of]!;
    return part.kind === 'sum' ? 0 : part.kind === 'max' ? this.arith.lowest(type) : this.arith.highest(type);
  }
}
/** The type that selects a primitive's function: a select's first operand is its condition. */
const operandType = (prim: Prim, types: readonly ScalarType[]): ScalarType => types[prim === 'select' ? 1 : 0]!;
