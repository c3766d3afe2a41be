// L0 → L1: one kernel from some roots. Everything down to what is stored elsewhere is computed inside it. A value is asked for at an
// index (one affine expression an axis) and under a guard; a view passes on another index and leaves no trace.
//   store y[i, j]: y = reduce(max, permute(x)) asks permute at [i, j, k], that asks x at [j, k, i]: load x[12j + 4k + i]
import { type Size, sameSize } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import type { ScalarType } from '../../dsl/scalar.ts';
import { type Graph, type GraphNode, numel, scalarType } from '../graph/graph.ts';
import { addIndex, axisIndex, constantIndex, indexRange, valueIndex, zeroIndex } from './affine.ts';
import { NestBuilder } from './build.ts';
import type { AxisSet } from './facts.ts';
import { limits, neutral } from './neutral.ts';
import { refusal } from './refuse.ts';
import type { Index, LoopNest } from './types.ts';
import { addressOf, isMerge, outOf, type Position, throughView } from './views.ts';

/** What a kernel stores: a whole node, or one operand of a concat in its range of the concat's buffer. piece −1: the whole. */
export interface Root {
  readonly node: number;
  readonly piece: number;
}
export interface Lowered {
  readonly roots: readonly Root[];
  readonly nest: LoopNest;
  /** Graph nodes computed inside, ascending: their origins are the kernel's. */
  readonly nodes: readonly number[];
}
export interface LowerOptions {
  /** Link sums to a running max (link.ts). Default true. */
  readonly rescale?: boolean;
}

type NodeOf<K extends GraphNode['op']> = Extract<GraphNode, { op: K }>;
/** No guard: the index is in range. Else a bool value; where it is false the result is not used. */
const always = -1;
/** Deeper cones than this become several kernels: the recursion below, and any kernel's registers, end. */
const maxDepth = 1000;

/** Is the node's value in memory before any kernel has run? */
export const isGiven = (node: GraphNode): boolean => (node.op === 'input' && node.role !== 'scalar') || node.op === 'data';

/** The kernel that stores `roots`, reading what `stored` says is in memory (inputs and data always are).
 *  Throws CompileError when the batch would stand inside a stored tensor, or the cone needs more axes or depth than a kernel has. */
export function lowerKernel(graph: Graph, roots: readonly Root[], stored: (node: number) => boolean, options: LowerOptions = {}): Lowered {
  const lowering = new Lowering(graph, new Set(roots.filter(r => r.piece < 0).map(r => r.node)), stored);
  for (const root of roots) lowering.store(root);
  return { roots, nest: lowering.builder.finish({ rescale: options.rescale ?? true }), nodes: [...lowering.inside].sort((a, b) => a - b) };
}

/** What a root stores (`source`) and the value over whose axes it does: a view is stored from its operand's axes, so that a width that merges
 *  heads is stored head by head. */
export function storedFrom(graph: Graph, { node: id, piece }: Root, stored: (node: number) => boolean) {
  const node = graph.node(id);
  const source = piece < 0 || node.op !== 'concat' ? node : graph.node(node.ins[piece]!);
  const views: NodeOf<'view'>[] = [];
  let from = source;
  while (from.op === 'view' && (from === node || !stored(from.id)) && isMerge(graph, from)) {
    views.push(from);
    from = graph.node(from.ins[0]!);
  }
  return { source, views, from };
}

class Lowering {
  readonly builder = new NestBuilder();
  readonly inside = new Set<number>();
  /** States that a root assigns → the root: they are read from the buffer that is written. */
  private readonly assigned: ReadonlyMap<number, number>;
  private readonly graph: Graph;
  private readonly own: ReadonlySet<number>;
  private readonly stored: (node: number) => boolean;
  private readonly memo = new Map<string, number>();
  private depth = 0;
  constructor(graph: Graph, own: ReadonlySet<number>, stored: (node: number) => boolean) {
    this.graph = graph;
    this.own = own;
    this.stored = stored;
    const roots = [...own].map(id => graph.node(id));
    this.assigned = new Map(roots.flatMap(n => (n.op === 'assign' ? [[n.ins[0]!, n.id] as const] : [])));
  }

  store({ node: id, piece }: Root): void {
    const { builder: b, graph } = this;
    const node = graph.node(id);
    const { source, views, from } = storedFrom(graph, { node: id, piece }, this.stored);
    if (numel(source.shape) === 0) return;
    let taken: AxisSet = 0;
    const axisOf = (extent: Size): Index => {
      if (extent === 1) return zeroIndex;
      const known = b.axes.findIndex((axis, a) => !((taken >> a) & 1) && sameSize(axis.extent, extent));
      const axis = known < 0 ? b.axis(extent) : known;
      taken |= 1 << axis;
      return axisIndex(axis);
    };
    this.inside.add(id);
    for (const view of views) this.inside.add(view.id);
    const inner = from.shape.map(axisOf);
    const axes = inner.flatMap(x => x.terms.flatMap(t => (t.atom.kind === 'axis' ? [t.atom.axis] : [])));
    const at = views.reduceRight<Position>((position, view) => outOf(graph, view, position), inner);
    const value = from === node ? this.compute(node, inner, always) : this.value(from.id, inner, always);
    if (from === node) this.memo.set(this.key(id, at, always), value);
    const to = node.op === 'concat' && source !== node ? shifted(at, node.axis, pieceStart(graph, node, piece)) : at;
    b.store(b.buffer(id, numel(node.shape), node.dtype, true), addressOf(graph, node, to), value, axes);
  }

  /** The value of a node at an index. Views are followed in a loop; everything else recurses, once a (node, index, guard). */
  private value(id: number, at: Position, guard: number): number {
    const key = this.key(id, at, guard);
    const known = this.memo.get(key);
    if (known !== undefined) return known;
    let node = this.graph.node(id);
    if (++this.depth > maxDepth)
      throw refusal(this.graph, node, 'HC202', `a kernel would compute more than ${maxDepth} operations in a row: store a value in between`);
    while (!this.isLoaded(node) && numel(node.shape) !== 0) {
      if (node.op === 'view') at = throughView(this.graph, node, at, this.builder.upper);
      else if (node.op !== 'stop' && node.op !== 'call') break;
      this.inside.add(node.id);
      node = this.graph.node(node.ins[0]!);
    }
    const value = this.isLoaded(node) && numel(node.shape) !== 0 ? this.load(node, at, guard) : this.compute(node, at, guard);
    this.depth--;
    this.memo.set(key, value);
    return value;
  }
  private key(id: number, at: Position, guard: number): string {
    return `${id}|${at.map(x => this.builder.indices.id(x))}|${guard}`;
  }
  private isLoaded(node: GraphNode): boolean {
    return isGiven(node) || (this.stored(node.id) && !this.own.has(node.id));
  }
  private load(node: GraphNode, at: Position, guard: number): number {
    const { builder: b } = this;
    const own = this.assigned.get(node.id);
    return b.load(b.buffer(own ?? node.id, numel(node.shape), node.dtype, own !== undefined), addressOf(this.graph, node, at), guard);
  }

  private compute(node: GraphNode, at: Position, guard: number): number {
    const { builder: b } = this;
    this.inside.add(node.id);
    // Nothing is ever read of an empty tensor; the number only completes the expression.
    if (numel(node.shape) === 0) return b.constant(0, scalarType(node.dtype));
    switch (node.op) {
      case 'input':
        if (node.role !== 'scalar') return this.load(node, at, guard);
        return b.scalar(node.name, scalarType(node.dtype));
      case 'data':
        return this.load(node, at, guard);
      case 'const':
        return b.constant(node.value, scalarType(node.dtype));
      case 'extent':
        return b.size(node.size);
      case 'iota':
        return b.index(at[node.axis]!);
      case 'map':
        return this.map(node, at, guard);
      case 'reduce':
        return this.reduce(node, at, guard);
      case 'contract':
        return this.contract(node, at, guard);
      case 'view':
        return this.value(node.ins[0]!, throughView(this.graph, node, at, b.upper), guard);
      case 'pad':
        return this.pad(node, at, guard);
      case 'concat':
        return this.concat(node, at, guard);
      case 'gather':
        return this.gather(node, at, guard);
      case 'assign':
        return this.value(node.ins[1]!, at, guard);
      case 'flat':
        throw new Error('a flat is read from its buffer, never computed');
      case 'copy':
      case 'stop':
      case 'call':
        return this.value(node.ins[0]!, at, guard);
    }
  }

  private map(node: NodeOf<'map'>, at: Position, guard: number): number {
    const operands = node.ins.map(i => this.value(i, at, guard));
    for (const step of node.fn.body)
      operands.push(
        step.prim === 'const' ? this.builder.constant(step.value, step.type) : this.builder.op(step.prim, ...step.args.map(a => operands[a]!)),
      );
    return operands[node.fn.result]!;
  }

  private reduce(node: NodeOf<'reduce'>, at: Position, guard: number): number {
    const shape = this.graph.shape(node.ins[0]!);
    const binder = this.binder(at, guard);
    let kept = 0;
    const full = shape.map((extent, i) => (node.axes.includes(i) ? binder.bind(extent) : at[kept++]!));
    return this.part(node.kind, binder, scalarType(node.dtype), () => this.value(node.ins[0]!, full, guard));
  }
  private contract(node: NodeOf<'contract'>, at: Position, guard: number): number {
    const binder = this.binder(at, guard);
    const place = new Map([...node.out].map((letter, i) => [letter, at[i]!]));
    node.labels.forEach((letters, k) => {
      [...letters].forEach((letter, i) => {
        if (!place.has(letter)) place.set(letter, binder.bind(this.graph.shape(node.ins[k]!)[i]!));
      });
    });
    const operand = (k: 0 | 1) =>
      this.value(
        node.ins[k]!,
        [...node.labels[k]].map(letter => place.get(letter)!),
        guard,
      );
    return this.part('sum', binder, scalarType(node.dtype), () => this.builder.op('mul', operand(0), operand(1)));
  }
  /** Axes for the reduced dims of one reduction: none that its index or guard mentions, no two alike. */
  private binder(at: Position, guard: number): Binder {
    const { builder: b } = this;
    let taken = at.reduce((set, x) => set | b.indexAxes(x), guard === always ? 0 : b.free[guard]!);
    const axes: number[] = [];
    return {
      axes,
      empty: false,
      bind(extent) {
        if (extent === 0) this.empty = true;
        if (extent === 0 || extent === 1) return zeroIndex;
        const axis = b.reuseAxis(extent, taken);
        taken |= 1 << axis;
        axes.push(axis);
        return axisIndex(axis);
      },
    };
  }
  private part(kind: ReduceKind, binder: Binder, type: ScalarType, body: () => number): number {
    if (binder.empty) return this.builder.constant(neutral(kind, type), type);
    const of = body();
    return binder.axes.length === 0 ? of : this.builder.part(kind, binder.axes, of);
  }

  private pad(node: NodeOf<'pad'>, at: Position, guard: number): number {
    const { builder: b } = this;
    const from = this.graph.shape(node.ins[0]!);
    const fill = () => b.constant(node.value, scalarType(node.dtype));
    const to = at.map((x, i) => addIndex(x, constantIndex(-node.low[i]!)));
    if (numel(from) === 0) return fill();
    const inner = from.reduce((w: number, size, i) => (typeof size === 'number' ? this.within(to[i]!, size, w) : w), guard);
    const value = this.value(node.ins[0]!, to, inner);
    if (inner === guard) return value;
    const loaded = b.values[value]!;
    return loaded.kind === 'load' && loaded.when === inner
      ? b.load(loaded.buffer, loaded.at, inner, node.value)
      : b.op('select', inner, value, fill());
  }
  private concat(node: NodeOf<'concat'>, at: Position, guard: number): number {
    const { builder: b } = this;
    let result = -1;
    node.ins.forEach((id, piece) => {
      const size = this.graph.shape(id)[node.axis] as number; // the graph refuses a concat along the batch
      const to = shifted(at, node.axis, -pieceStart(this.graph, node, piece));
      const [low, high] = indexRange(to[node.axis]!, b.upper);
      if (size === 0 || high < 0 || low >= size) return;
      const inner = this.within(to[node.axis]!, size, guard);
      const value = this.value(id, to, inner);
      result = result < 0 ? value : b.op('select', inner, value, result);
    });
    return result < 0 ? b.constant(0, scalarType(node.dtype)) : result;
  }
  /** guard ∧ 0 ≤ x < size, without what the bounds make certain. */
  private within(x: Index, size: number, guard: number): number {
    const { builder: b } = this;
    const [low, high] = indexRange(x, b.upper);
    const and = (w: number, test: number) => (w === always ? test : b.op('and', w, test));
    let w = guard;
    if (low < 0) w = and(w, b.op('le', b.constant(0, 'i32'), b.index(x)));
    if (high >= size) w = and(w, b.op('lt', b.index(x), b.constant(size, 'i32')));
    return w;
  }

  private gather(node: NodeOf<'gather'>, at: Position, guard: number): number {
    const { builder: b, graph } = this;
    const size = graph.shape(node.ins[0]!)[node.axis]!;
    if (size === 0) return b.constant(0, scalarType(node.dtype)); // an empty axis has nothing to give
    const index = this.clamped(this.value(node.ins[1]!, at.slice(0, node.axis + 1), guard), size);
    return this.value(
      node.ins[0]!,
      at.map((x, i) => (i === node.axis ? (size === 1 ? zeroIndex : index) : x)),
      guard,
    );
  }
  /** An integer value as an index that is in range whatever the data says; an affine value stays affine. */
  private clamped(value: number, size: Size): Index {
    const { builder: b } = this;
    let v = b.values[value]!.type === 'i32' ? value : b.op('toI32', b.op('min', value, b.constant(limits.i32[1], 'u32')));
    const most = typeof size === 'number' ? b.constant(size - 1, 'i32') : b.op('sub', b.size(size), b.constant(1, 'i32'));
    if (typeof size !== 'number' || b.bounds[v]![1] >= size) v = b.op('min', v, most);
    if (b.bounds[v]![0] < 0) v = b.op('max', v, b.constant(0, 'i32'));
    const x = b.values[v]!;
    return x.kind === 'const' ? constantIndex(x.value) : x.kind === 'index' ? x.at : valueIndex(v);
  }
}
interface Binder {
  readonly axes: number[];
  /** An axis of extent 0 was bound: the reduction has no terms. */
  empty: boolean;
  bind(extent: Size): Index;
}

const shifted = (at: Position, axis: number, by: number): Position => at.map((x, i) => (i === axis ? addIndex(x, constantIndex(by)) : x));
const pieceStart = (graph: Graph, node: NodeOf<'concat'>, piece: number): number =>
  node.ins.slice(0, piece).reduce((start, i) => start + (graph.shape(i)[node.axis] as number), 0);
