// The compiler's first pass: the cone of a trace's outputs becomes a numbered, hash-consed graph, and dims become sizes.
// Inputs and parameters come first, in the order of their declaration, so that numbering does not depend on who uses them.
// After this pass at most one symbol is free, the batch; what needs more is refused here, at the user's line.
import type { Size } from '../../common/size.ts';
import { placeOf } from '../../dsl/errors.ts';
import { type Dim, gradientArgument, type Node, type Op, type TrainingStep } from '../../dsl/graph.ts';
import { CompileError } from '../errors.ts';
import { gradient, type WrittenDerivative } from './gradient/reverse.ts';
import { Graph, type GraphOp } from './graph.ts';
import { alongBatch, batchTwice, sizeOf } from './sizes.ts';

/** What intern needs of a trace (dsl/model.ts). */
export interface TracedGraph {
  /** Arguments, run-time scalars and state by name (the nodes need not know theirs). */
  readonly inputs: Iterable<readonly [name: string, node: Node]>;
  readonly outputs: Iterable<readonly [name: string, node: Node]>;
  /** Every parameter of the model's tree with its checkpoint name. */
  readonly names: ReadonlyMap<Node, string>;
  /** The symbol that stays free, or null. */
  readonly batch: string | null;
  /** What makes the trace of a forward pass a step of training (compiler/step). */
  readonly step?: TrainingStep;
}

/** A program's graph and what its nodes are called outside; maps go from names to node ids. */
export interface Interned {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, number>;
  readonly params: ReadonlyMap<string, number>;
  readonly scalars: ReadonlyMap<string, number>;
  readonly state: ReadonlyMap<string, number>;
  readonly outputs: readonly (readonly [name: string, id: number])[];
  /** Assignments of state, which every run makes. */
  readonly updates: readonly number[];
  /** For inputs that are indices: the extent that they index. */
  readonly over: ReadonlyMap<number, Size>;
}
/** A graph as it was recorded, which can still be differentiated. */
export interface Recorded extends Interned {
  /** Puts derivatives that the language wrote into the graph. */
  readonly written: WrittenDerivative;
  /** Puts what a function of the language makes of some values into the graph. */
  readonly express: (values: readonly number[], make: (nodes: readonly Node[]) => readonly Node[]) => number[];
}

/** Throws CompileError: HC1 for a size that is neither a number nor a multiple of the batch, HC2 for a parameter or input outside the
 *  model's own, HC3 for a name given twice. */
export function intern(traced: TracedGraph): Recorded {
  const { batch } = traced;
  const names = allNames(traced);
  const graph = new Graph();
  const ids = new Map<Node, number>();
  const roles = {
    argument: new Map<string, number>(),
    parameter: new Map<string, number>(),
    scalar: new Map<string, number>(),
    state: new Map<string, number>(),
  };
  const over = new Map<number, Size>();
  /** What indices are over, for derivatives that gather by them again. */
  const indexOver = new Map<number, Dim>();

  const add = (root: Node): number => {
    // postorder with a stack of our own: graphs are thousands of nodes deep
    const stack: Node[] = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1]!;
      const missing = ids.has(node) ? [] : node.inputs.filter(i => !ids.has(i));
      if (missing.length > 0) {
        for (let k = missing.length - 1; k >= 0; k--) stack.push(missing[k]!);
        continue;
      }
      stack.pop();
      if (ids.has(node)) continue;
      const ins = node.inputs.map(i => ids.get(i)!);
      const id = node.op === 'gradient' ? expandGradient(node, ins) : put(graph, node, ins, names, batch);
      ids.set(node, id);
      if (node.over !== undefined) indexOver.set(id, node.over);
      if (node.nested) graph.nested.add(id);
      if (node.fleeting) graph.fleeting.add(id);
    }
    return ids.get(root)!;
  };

  /** Gradients of one value in one list of others are worked out together. */
  const gradients = new Map<string, readonly number[]>();
  const expandGradient = (node: Node & { readonly op: 'gradient' }, [of, ...wrt]: readonly number[]): number => {
    const key = `${of}|${wrt}`;
    let all = gradients.get(key);
    if (!all) gradients.set(key, (all = gradient(graph, of!, wrt, written)));
    return all[node.wrt]!;
  };
  /** A function of the language runs on stand-ins for the values. */
  const standIns = (values: readonly number[]): Node[] =>
    values.map(id => {
      const node = standIn(graph, id, batch, indexOver.get(id));
      ids.set(node, id);
      return node;
    });
  const express: Recorded['express'] = (values, make) => make(standIns(values)).map(add);
  /** Runs a derivative that the language wrote and puts what it gives into the graph. */
  const written: WrittenDerivative = (call, cotangent) => {
    const [value, ...rest] = standIns([call.id, ...call.ins.slice(1), cotangent]);
    const saved = rest.slice(0, call.saved);
    const results = call.derivative!({ value: value!, saved, args: rest.slice(call.saved, -1), cotangent: rest.at(-1)! });
    return results.map(r => (r === null ? null : add(r)));
  };

  for (const [node, name] of names) {
    const id = add(node);
    if (node.op !== 'input') continue;
    roles[node.role].set(name, id);
    if (node.over !== undefined) over.set(id, size(node, node.over, batch));
  }
  const outputs = new Map<string, number>();
  for (const [name, node] of traced.outputs) {
    if (outputs.has(name)) throw new CompileError('HC3', `two outputs are called '${name}'`, at(node));
    outputs.set(name, add(node));
  }
  return {
    graph,
    inputs: roles.argument,
    params: roles.parameter,
    scalars: roles.scalar,
    state: roles.state,
    outputs: [...outputs],
    updates: [],
    over,
    written,
    express,
  };
}

/** A node of the language for a value of the graph: what the value is, without how it came about. Constants stay constants. */
function standIn(graph: Graph, id: number, batch: string | null, over: Dim | undefined): Node {
  const { shape, dtype, ...rest } = graph.node(id);
  const dims = shape.map((s): Dim => (typeof s === 'number' ? s : s.batch === 1 ? batch! : `${s.batch}*${batch}`));
  const op: Op = rest.op === 'const' ? { op: 'const', value: rest.value } : { op: 'input', role: 'argument', name: '' };
  return { ...op, shape: dims, dtype, ...(over === undefined ? {} : { over }), inputs: [], origin: graph.origins.get(id) ?? { trail: [] } };
}

/** Inputs, then parameters, each with the one name that nothing else has. */
function allNames(traced: TracedGraph): Map<Node, string> {
  const names = new Map<Node, string>();
  const taken = new Set<string>();
  for (const [name, node] of [...traced.inputs, ...[...traced.names].map(([node, name]) => [name, node] as const)]) {
    if (taken.has(name)) throw new CompileError('HC3', `two inputs or parameters are called '${name}'`, at(node));
    if (names.has(node)) throw new CompileError('HC3', `one input is called '${names.get(node)}' and '${name}'`, at(node));
    taken.add(name);
    names.set(node, name);
  }
  return names;
}

function put(
  graph: Graph,
  node: Exclude<Node, { op: 'gradient' }>,
  ins: readonly number[],
  names: ReadonlyMap<Node, string>,
  batch: string | null,
): number {
  // what a written derivative is made of belongs to the op whose derivative it is
  const origin = graph.current ?? node.origin;
  const shape = node.shape.map(d => size(node, d, batch));
  const twice = batchTwice(shape, batch);
  if (twice) throw refuse(node, twice);
  if (node.op === 'map') return graph.map(node.fn, ins, node.dtype, origin);
  const moved = movesBatch(
    node,
    shape,
    ins.map(i => graph.shape(i)),
  );
  if (moved) throw refuse(node, alongBatch(moved, batch));
  // each argument of a gradient is a variable of its own, also where two of them hold one value
  if (node.op === 'call' && node.name === gradientArgument && !node.derivative)
    return graph.put({ op: 'call', name: `${node.name} ${graph.nodes.length}`, saved: 0 }, shape, node.dtype, ins, origin);
  return graph.put(graphOp(node, names, batch), shape, node.dtype, ins, origin);
}

function graphOp(node: Exclude<Node, { op: 'map' | 'gradient' }>, names: ReadonlyMap<Node, string>, batch: string | null): GraphOp {
  switch (node.op) {
    case 'input': {
      const name = names.get(node);
      if (name === undefined)
        throw new CompileError(
          'HC2',
          node.role === 'parameter'
            ? "param() outside the model's tree: make it a field of what the model's params returns"
            : "an input outside the model's inputs: make it a field of what the model's inputs returns",
          at(node),
        );
      if (node.role !== 'parameter') return { op: 'input', role: node.role, name };
      return { op: 'input', role: 'parameter', name, init: node.init, trainable: node.trainable };
    }
    case 'const':
      return { op: 'const', value: node.value };
    case 'extent':
      return { op: 'extent', size: size(node, node.dim, batch) };
    case 'data':
      return { op: 'data', data: node.data };
    case 'iota':
      return { op: 'iota', axis: node.axis };
    case 'reduce':
      return { op: 'reduce', kind: node.kind, axes: [...node.axes].sort((a, b) => a - b) };
    case 'contract':
      return { op: 'contract', labels: node.labels, out: node.out };
    case 'view':
      switch (node.view) {
        case 'reshape':
          return { op: 'view', view: 'reshape' };
        case 'permute':
          return { op: 'view', view: 'permute', order: node.order };
        case 'expand':
          return { op: 'view', view: 'expand', at: node.at };
        case 'slice': {
          const from = size(node, node.from, batch);
          if (typeof from !== 'number') throw refuse(node, alongBatch('a slice that starts', batch));
          return { op: 'view', view: 'slice', axis: node.axis, from, step: node.step };
        }
        case 'flip':
          return { op: 'view', view: 'flip', axis: node.axis };
        case 'window':
          return { op: 'view', view: 'window', axis: node.axis, stride: node.stride };
      }
      break;
    case 'pad':
      return { op: 'pad', low: node.low, value: node.value };
    case 'concat':
      return { op: 'concat', axis: node.axis };
    case 'gather':
      return { op: 'gather', axis: node.axis };
    case 'stop':
      return { op: 'stop' };
    case 'call':
      return { op: 'call', name: node.name, saved: node.saved, ...(node.derivative ? { derivative: node.derivative } : {}) };
  }
}

/** Index arithmetic that would need the batch as a number: what it is, in words, or undefined. */
function movesBatch(node: Node, shape: readonly Size[], ins: readonly (readonly Size[])[]): string | undefined {
  const dynamic = (s: Size | undefined): boolean => s !== undefined && typeof s !== 'number';
  if (node.op === 'concat') return dynamic(shape[node.axis]) ? 'a concat' : undefined;
  if (node.op === 'pad')
    return shape.some((s, i) => dynamic(s) && (node.low[i] !== 0 || typeof s === 'number' || !sameBatch(s, ins[0]![i]!))) ? 'padding' : undefined;
  if (node.op !== 'view') return undefined;
  if (node.view === 'flip') return dynamic(ins[0]![node.axis]) ? 'a flip' : undefined;
  if (node.view === 'window') return dynamic(ins[0]![node.axis]) ? 'a window' : undefined;
  return undefined;
}
const sameBatch = (a: Size, b: Size): boolean => typeof a !== 'number' && typeof b !== 'number' && a.batch === b.batch;

function size(node: Node, dim: Dim, batch: string | null): Size {
  const s = sizeOf(dim, batch);
  if ('why' in s) throw refuse(node, s.why);
  return s.size;
}
const at = (node: Node) => ({ place: placeOf(node.origin) });
const refuse = (node: Node, why: string): CompileError => new CompileError('HC1', `${node.origin.trail.at(-1) ?? node.op}: ${why}`, at(node));
