// Builds a loop nest value by value. Values are hash-consed, so equal loops, loads and parts are found without looking for them;
// beside each value stand the axes that it depends on and, for integers, its bounds: what index arithmetic needs to stay exact.
//   const b = new NestBuilder(), n = b.axis(50), d = b.axis(192)
//   const x = b.load(b.buffer(0, 9600, 'f32', false), …); b.store(b.buffer(1, 50, 'f32', true), axisIndex(n), b.part('sum', [d], x), [n])
import type { DType } from '../../common/dtype.ts';
import { type Size, sameSize } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import { type Prim, primType, type ScalarType } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { scalarType } from '../graph/graph.ts';
import { IndexTable } from './affine.ts';
import { type Bounds, upperBound, valueBounds } from './bounds.ts';
import { type AxisSet, groupLoops, indexAxes, maxAxes, valueAxes } from './facts.ts';
import { linkRescale } from './link.ts';
import { prune } from './prune.ts';
import type { Atom, Axis, Buffer, Index, LoopNest, Part, Store, Val } from './types.ts';

export class NestBuilder {
  readonly axes: Axis[] = [];
  readonly buffers: Buffer[] = [];
  readonly values: Val[] = [];
  readonly parts: Part[] = [];
  readonly stores: Store[] = [];
  /** Axes that each value depends on. */
  readonly free: AxisSet[] = [];
  /** Least and largest value of each integer value. */
  readonly bounds: Bounds[] = [];
  readonly indices = new IndexTable();
  private readonly seen = new Map<string, number>();

  axis(extent: Size, name = axisName(this.axes.length)): number {
    if (this.axes.length === maxAxes) throw new CompileError('HC201', `a kernel has more than ${maxAxes} axes: store a value in between`);
    return this.axes.push({ name, extent }) - 1;
  }
  /** The newest axis of this extent that is not in `taken`, else a new one. An inner binder shadows an outer one, so this is always
   *  sound, and equal loops get equal axes. */
  reuseAxis(extent: Size, taken: AxisSet): number {
    for (let a = this.axes.length - 1; a >= 0; a--) if (!((taken >> a) & 1) && sameSize(this.axes[a]!.extent, extent)) return a;
    return this.axis(extent);
  }
  buffer(node: number, elements: Size, dtype: DType, written: boolean): number {
    const known = this.buffers.findIndex(b => b.node === node && b.written === written);
    return known >= 0 ? known : this.buffers.push({ node, elements, dtype, written }) - 1;
  }

  constant(value: number, type: ScalarType = 'f32'): number {
    return this.put(`c${type}${Object.is(value, -0) ? '-0' : value}`, { kind: 'const', value, type });
  }
  /** A size as an i32. */
  size(size: Size): number {
    if (typeof size === 'number') return this.constant(size, 'i32');
    return this.put(`z${size.batch}`, { kind: 'size', size, type: 'i32' });
  }
  scalar(name: string, type: ScalarType): number {
    return this.put(`s${type}${name}`, { kind: 'scalar', name, type });
  }
  index(at: Index): number {
    if (at.terms.length === 0) return this.constant(at.constant, 'i32');
    return this.put(`i${this.indices.id(at)}`, { kind: 'index', at, type: 'i32' });
  }
  /** An element of a buffer; where the bool value `when` is false, the number `other` and no access. */
  load(buffer: number, at: Index, when = -1, other = 0): number {
    const type = scalarType(this.buffers[buffer]!.dtype);
    const key = `l${buffer},${this.indices.id(at)},${when},${Object.is(other, -0) ? '-0' : other}`;
    return this.put(key, { kind: 'load', buffer, at, when, other, type });
  }
  op(prim: Prim, ...args: number[]): number {
    const type = primType(
      prim,
      args.map(a => this.values[a]!.type),
    );
    return this.put(`${prim}(${args})`, { kind: 'op', prim, args, type });
  }
  part(kind: ReduceKind, axes: readonly number[], of: number): number {
    const sorted = [...axes].sort((a, b) => a - b);
    const key = `p${kind}${sorted},${of}`;
    const known = this.seen.get(key);
    if (known !== undefined) return known;
    const part = this.parts.push({ kind, of, axes: sorted, rescale: -1 }) - 1;
    return this.put(key, { kind: 'part', part, type: this.values[of]!.type });
  }
  store(buffer: number, at: Index, value: number, axes: readonly number[]): void {
    this.stores.push({ buffer, at, value, axes });
  }

  /** Axes of an index built so far. */
  indexAxes(x: Index): AxisSet {
    return indexAxes(x, this.free);
  }
  /** Largest value of an atom, for the arithmetic in affine.ts. */
  readonly upper = (atom: Atom): number => upperBound(atom, this.axes, this.bounds);

  /** The nest, without what no store needs. rescale: sums that can follow a running max are linked to it (link.ts). */
  finish(options: { rescale: boolean }): LoopNest {
    const nest = prune({ axes: this.axes, buffers: this.buffers, values: this.values, parts: this.parts, stores: this.stores });
    const parts = options.rescale ? linkRescale(nest) : nest.parts;
    return { ...nest, parts, loops: groupLoops({ values: nest.values, parts }) };
  }

  private put(key: string, value: Val): number {
    let at = this.seen.get(key);
    if (at === undefined) {
      at = this.values.push(value) - 1;
      this.free.push(valueAxes(value, this.parts, this.free));
      this.bounds.push(valueBounds(value, this, this.bounds));
      this.seen.set(key, at);
    }
    return at;
  }
}

/** i … z, then i18, i19, …: for people. */
function axisName(n: number): string {
  const letters = 'ijklmnopqrstuvwxyz';
  return letters[n] ?? `i${n}`;
}
