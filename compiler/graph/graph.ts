// L0 inside the compiler: numbered, hash-consed nodes with sizes instead of dims. An operand's id is always below its user's, so
// `for (const node of graph.nodes)` is a topological order and no walker recurses.
//   const g = new Graph(); const x = g.input('x', [{ batch: 1 }, 50, 192]); g.reduce('sum', x, [2])
import type { DType, TypedArray } from '../../common/dtype.ts';
import type { Init } from '../../common/program.ts';
import { type Size, sameSize, showSizes, timesSize } from '../../common/size.ts';
import type { Derivative, LazyInit, Origin, ReduceKind } from '../../dsl/graph.ts';
import { resultType, type ScalarFn, type ScalarType } from '../../dsl/scalar.ts';

export type GraphView =
  | { readonly view: 'reshape' }
  | { readonly view: 'permute'; readonly order: readonly number[] }
  | { readonly view: 'expand'; readonly at: readonly number[] }
  | { readonly view: 'slice'; readonly axis: number; readonly from: number; readonly step: number }
  | { readonly view: 'flip'; readonly axis: number }
  | { readonly view: 'window'; readonly axis: number; readonly stride: number };

/** See dsl/graph.ts for what each op means. */
export type GraphOp =
  | { readonly op: 'input'; readonly role: 'argument' | 'state' | 'scalar'; readonly name: string }
  | { readonly op: 'input'; readonly role: 'parameter'; readonly name: string; readonly init: Init | LazyInit; readonly trainable: boolean }
  | { readonly op: 'const'; readonly value: number }
  | { readonly op: 'extent'; readonly size: Size }
  | { readonly op: 'data'; readonly data: TypedArray }
  | { readonly op: 'iota'; readonly axis: number }
  | { readonly op: 'map'; readonly fn: ScalarFn }
  | { readonly op: 'reduce'; readonly kind: ReduceKind; readonly axes: readonly number[] }
  | { readonly op: 'contract'; readonly labels: readonly [string, string]; readonly out: string }
  | ({ readonly op: 'view' } & GraphView)
  | { readonly op: 'pad'; readonly low: readonly number[]; readonly value: number }
  | { readonly op: 'concat'; readonly axis: number }
  | { readonly op: 'gather'; readonly axis: number }
  | { readonly op: 'stop' }
  | { readonly op: 'copy'; readonly index: number } // the value in a buffer of its own; the index tells copies of one value apart
  | { readonly op: 'flat'; readonly offsets: readonly number[] } // operands row-major side by side from these elements on, zeros between them; a kernel writes an operand where it lies in the flat
  | { readonly op: 'assign' } // [state, value]: the value, stored where the state (an input, or a flat of inputs) lies: whatever reads the state comes before
  | { readonly op: 'call'; readonly name: string; readonly saved: number; readonly derivative?: Derivative };

export type GraphNode = {
  readonly id: number;
  readonly shape: readonly Size[];
  readonly dtype: DType;
  readonly ins: readonly number[];
} & GraphOp;

export const numel = (shape: readonly Size[]): Size =>
  // nothing, however often the batch: a size of 0 may stand behind it
  shape.includes(0)
    ? 0
    : shape.reduce<Size>((a, b) => {
        const p = timesSize(a, b);
        if (p === undefined) throw new Error(`a size may hold the batch once: ${showSizes(shape)}`);
        return p;
      }, 1);

/** f16 is computed as f32 (roundF16 is written in the functions). */
export const scalarType = (d: DType): ScalarType => (d === 'f16' ? 'f32' : d);

export class Graph {
  readonly nodes: GraphNode[] = [];
  /** Ids of values that are computed inside their one reader, never stored. */
  readonly nested = new Set<number>();
  /** Ids of values that fusion keeps inside kernels where it can (dsl/graph.ts). */
  readonly fleeting = new Set<number>();
  /** Where each node came from; the first of equal nodes wins. */
  readonly origins = new Map<number, Origin>();
  /** The origin of nodes that come without one, while a pass works on behalf of another node. */
  current: Origin | undefined;
  private readonly table = new Map<string, number>();
  private readonly blobs = new Map<TypedArray, number>();
  private readonly derivatives = new Map<Derivative, number>();

  put(op: GraphOp, shape: readonly Size[], dtype: DType, ins: readonly number[], origin: Origin | undefined = this.current): number {
    const key = this.key(op, shape, dtype, ins);
    let id = this.table.get(key);
    if (id === undefined) {
      id = this.nodes.length;
      this.nodes.push({ id, shape, dtype, ins, ...op });
      this.table.set(key, id);
      if (origin) this.origins.set(id, origin);
    }
    return id;
  }
  private key(op: GraphOp, shape: readonly Size[], dtype: DType, ins: readonly number[]): string {
    switch (op.op) {
      case 'data': {
        let blob = this.blobs.get(op.data);
        if (blob === undefined) this.blobs.set(op.data, (blob = this.blobs.size));
        return `data${blob}|${JSON.stringify(shape)}`;
      }
      case 'input':
        return `input${op.role}|${op.name}`;
      case 'const':
        return `const${dtype}|${Object.is(op.value, -0) ? '-0' : op.value}`;
      case 'map':
        return `map${JSON.stringify([op.fn.params, op.fn.body.map(i => (i.prim === 'const' && Object.is(i.value, -0) ? '-0' : i.prim === 'const' && !Number.isFinite(i.value) ? `${i.value}${i.type}` : i)), op.fn.result, dtype, ins])}`;
      case 'call': {
        if (!op.derivative) return JSON.stringify([op, dtype, ins]);
        let derivative = this.derivatives.get(op.derivative);
        if (derivative === undefined) this.derivatives.set(op.derivative, (derivative = this.derivatives.size));
        return JSON.stringify([op, derivative, dtype, ins]);
      }
      default:
        return JSON.stringify([op, shape, dtype, ins]);
    }
  }

  node(id: number): GraphNode {
    return this.nodes[id]!;
  }
  shape(id: number): readonly Size[] {
    return this.nodes[id]!.shape;
  }

  // ---- one method an op, with its shape
  input(name: string, shape: readonly Size[], dtype: DType = 'f32', role: 'argument' | 'state' | 'scalar' = 'argument'): number {
    return this.put({ op: 'input', role, name }, shape, dtype, []);
  }
  parameter(name: string, shape: readonly Size[], init: Init | LazyInit = { kind: 'constant', value: 0 }, trainable = true): number {
    return this.put({ op: 'input', role: 'parameter', name, init, trainable }, shape, 'f32', []);
  }
  constant(value: number, dtype: DType = 'f32'): number {
    return this.put({ op: 'const', value }, [], dtype, []);
  }
  extent(size: Size): number {
    return this.put({ op: 'extent', size }, [], 'i32', []);
  }
  data(data: TypedArray, shape: readonly Size[], dtype: DType): number {
    return this.put({ op: 'data', data }, shape, dtype, []);
  }
  iota(shape: readonly Size[], axis: number): number {
    return this.put({ op: 'iota', axis }, shape, 'i32', []);
  }
  /** Operands that the function does not read are dropped: each would be a false dependence. A function that is an operand is that operand,
   *  unless the element type changes (f16 as f32). */
  map(fn: ScalarFn, ins: readonly number[], dtype?: DType, origin?: Origin): number {
    const shape = this.shape(ins[0]!);
    for (const i of ins)
      if (!sameShape(this.shape(i), shape)) throw new Error(`map ${fn.name}: ${showSizes(this.shape(i))} against ${showSizes(shape)}`);
    const operand = fn.result < fn.params.length ? ins[fn.result]! : undefined;
    if (operand !== undefined && (dtype ?? resultType(fn)) === this.node(operand).dtype) return operand;
    const used = fn.params.map((_, i) => i).filter(i => i === fn.result || fn.body.some(x => x.prim !== 'const' && x.args.includes(i)));
    if (used.length > 0 && used.length < fn.params.length) {
      const at = new Map(used.map((i, j) => [i, j]));
      const move = (k: number): number => (k < fn.params.length ? (at.get(k) ?? 0) : k - fn.params.length + used.length);
      return this.map(
        {
          name: fn.name,
          params: used.map(i => fn.params[i]!),
          body: fn.body.map(x => (x.prim === 'const' ? x : { ...x, args: x.args.map(move) })),
          result: move(fn.result),
        },
        used.map(i => ins[i]!),
        dtype,
        origin,
      );
    }
    return this.put({ op: 'map', fn }, shape, dtype ?? resultType(fn), ins, origin);
  }
  reduce(kind: ReduceKind, x: number, axes: readonly number[], origin?: Origin): number {
    const sorted = [...axes].sort((a, b) => a - b);
    return this.put(
      { op: 'reduce', kind, axes: sorted },
      this.shape(x).filter((_, i) => !axes.includes(i)),
      this.node(x).dtype,
      [x],
      origin,
    );
  }
  contract(labels: readonly [string, string], out: string, a: number, b: number, origin?: Origin): number {
    const size = new Map<string, Size>();
    for (const [k, x] of [a, b].entries())
      for (const [i, c] of [...labels[k]!].entries()) {
        const s = this.shape(x)[i]!;
        if (size.has(c) && !sameSize(size.get(c)!, s)) throw new Error(`contract ${labels}->${out}: ${c} has two sizes`);
        size.set(c, s);
      }
    return this.put(
      { op: 'contract', labels, out },
      [...out].map(c => size.get(c)!),
      this.node(a).dtype,
      [a, b],
      origin,
    );
  }
  view(view: GraphView, shape: readonly Size[], x: number, origin?: Origin): number {
    return this.put({ op: 'view', ...view }, shape, this.node(x).dtype, [x], origin);
  }
  reshape(x: number, shape: readonly Size[]): number {
    if (!sameSize(numel(shape), numel(this.shape(x)))) throw new Error(`reshape: ${showSizes(this.shape(x))} to ${showSizes(shape)}`);
    return sameShape(shape, this.shape(x)) ? x : this.view({ view: 'reshape' }, shape, x);
  }
  permute(x: number, order: readonly number[]): number {
    return order.every((o, i) => o === i)
      ? x
      : this.view(
          { view: 'permute', order },
          order.map(i => this.shape(x)[i]!),
          x,
        );
  }
  expand(x: number, shape: readonly Size[], at: readonly number[]): number {
    return sameShape(shape, this.shape(x)) ? x : this.view({ view: 'expand', at }, shape, x);
  }
  slice(x: number, axis: number, from: number, size: Size, step = 1): number {
    return this.view(
      { view: 'slice', axis, from, step },
      this.shape(x).map((s, i) => (i === axis ? size : s)),
      x,
    );
  }
  flip(x: number, axis: number): number {
    return this.view({ view: 'flip', axis }, this.shape(x), x);
  }
  window(x: number, axis: number, size: number, stride: number): number {
    const n = this.shape(x)[axis]!;
    if (typeof n !== 'number') throw new Error('window over the batch');
    const count = Math.floor((n - size) / stride) + 1;
    return this.view(
      { view: 'window', axis, stride },
      this.shape(x).flatMap((s, i) => (i === axis ? [count, size] : [s])),
      x,
    );
  }
  pad(x: number, low: readonly number[], high: readonly number[], value = 0): number {
    const shape = this.shape(x).map((s, i) => {
      const more = low[i]! + high[i]!;
      if (more === 0) return s;
      if (typeof s !== 'number') throw new Error('pad of the batch axis');
      return s + more;
    });
    return this.put({ op: 'pad', low, value }, shape, this.node(x).dtype, [x]);
  }
  concat(axis: number, ins: readonly number[]): number {
    const total = ins.reduce((n, i) => {
      const s = this.shape(i)[axis]!;
      if (typeof s !== 'number') throw new Error('concat along the batch axis');
      return n + s;
    }, 0);
    return this.put(
      { op: 'concat', axis },
      this.shape(ins[0]!).map((s, i) => (i === axis ? total : s)),
      this.node(ins[0]!).dtype,
      ins,
    );
  }
  gather(x: number, index: number, axis: number): number {
    return this.put(
      { op: 'gather', axis },
      this.shape(x).map((s, i) => (i === axis ? this.shape(index)[axis]! : s)),
      this.node(x).dtype,
      [x, index],
    );
  }
  stop(x: number): number {
    return this.put({ op: 'stop' }, this.shape(x), this.node(x).dtype, [x]);
  }
  /** The value in another buffer than any before. */
  copy(x: number): number {
    return this.put({ op: 'copy', index: this.nodes.length }, this.shape(x), this.node(x).dtype, [x]);
  }
  /** Values in one buffer; of f32, like parameters. */
  flat(ins: readonly number[], offsets: readonly number[], shape: readonly number[]): number {
    return this.put({ op: 'flat', offsets }, shape, 'f32', ins);
  }
  assign(state: number, value: number): number {
    return this.put({ op: 'assign' }, this.shape(state), this.node(state).dtype, [state, value]);
  }
  call(name: string, body: number, saved: readonly number[], args: readonly number[]): number {
    return this.put({ op: 'call', name, saved: saved.length }, this.shape(body), this.node(body).dtype, [body, ...saved, ...args]);
  }

  /** Ids that the given outputs need, ascending; `into` says which operands count (a call's value is only its body). */
  needed(outputs: readonly number[], into: (n: GraphNode) => readonly number[] = bodyOf): number[] {
    const seen = new Uint8Array(this.nodes.length);
    const stack = [...outputs];
    while (stack.length > 0) {
      const i = stack.pop()!;
      if (seen[i]) continue;
      seen[i] = 1;
      stack.push(...into(this.nodes[i]!));
    }
    return this.nodes.filter(n => seen[n.id]).map(n => n.id);
  }
}
export const sameShape = (a: readonly Size[], b: readonly Size[]): boolean => a.length === b.length && a.every((s, i) => sameSize(s, b[i]!));
/** Operands that the value depends on. */
export const bodyOf = (n: GraphNode): readonly number[] => (n.op === 'call' ? n.ins.slice(0, 1) : n.ins);
/** The node in whose buffer the value of an output lies: past brackets, and past reshapes, which move nothing. */
export function homeOf(graph: Graph, output: number): number {
  let node = graph.node(output);
  while (node.op === 'call' || node.op === 'stop' || (node.op === 'view' && node.view === 'reshape')) node = graph.node(node.ins[0]!);
  return node.id;
}
/** Is it a flat of state, which is in memory from run to run? */
export const isStateFlat = (graph: Graph, flat: number): boolean => graph.node(flat).ins.every(i => isState(graph.node(i)));
const isState = (n: GraphNode): boolean => n.op === 'input' && (n.role === 'state' || n.role === 'parameter');
