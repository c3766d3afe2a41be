// The reference: runs a graph on the CPU, one obvious loop an op, in an arithmetic of choice (doubles unless said otherwise).
// Everything below the graph is tested against it. It is not a device: it takes graphs, not Programs.
// Values are immutable, so an input, a reshape, a stop and a call share their operand's array; a value is let go after its last
// reader, so that models of hundreds of megabytes fit.
import { arrayOf, type DType, type TypedArray } from '../../common/dtype.ts';
import { sizeAt } from '../../common/size.ts';
import type { ReduceKind } from '../../dsl/graph.ts';
import { type ScalarFn, type ScalarType, typeOf } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { type Apply, type Arith, float64 } from './arithmetic.ts';
import { contract } from './contract.ts';
import { bodyOf, type Graph, type GraphNode, scalarType } from './graph.ts';
import { copyStrided, stridesOf, visit } from './strided.ts';
import { viewStrides } from './view-strides.ts';

/** A tensor's elements, row-major: doubles for f32 and f16 (inputs as they were fed), integers and bools as what they are. */
export type Values = TypedArray | Float64Array;

export interface InterpretOptions {
  /** The free symbol's value; default 1. */
  readonly batch?: number;
  readonly arith?: Arith;
}

/** The outputs' values by node id. `feeds` holds arguments, state, run-time scalars and parameters by name.
 *  @throws CompileError HC10 where a feed is missing or has another number of elements. */
export function interpret(
  graph: Graph,
  outputs: readonly number[],
  feeds: Readonly<Record<string, Values>>,
  options: InterpretOptions = {},
): Map<number, Values> {
  const steps = interpretSteps(graph, outputs, feeds, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, a node at a time, so that a long run can be watched and interrupted between two of them. */
export function* interpretSteps(
  graph: Graph,
  outputs: readonly number[],
  feeds: Readonly<Record<string, Values>>,
  options: InterpretOptions = {},
): Generator<{ readonly done: number; readonly total: number }, Map<number, Values>> {
  const { batch = 1, arith = float64 } = options;
  const order = graph.needed(outputs);
  const lastReader = new Map<number, number>();
  for (const id of order) for (const i of bodyOf(graph.node(id))) lastReader.set(i, id);
  for (const id of outputs) lastReader.set(id, Number.POSITIVE_INFINITY);

  const values = new Map<number, Values>();
  const dims = (id: number): number[] => graph.shape(id).map(s => sizeAt(s, batch));
  for (const [done, id] of order.entries()) {
    const node = graph.node(id);
    const ins = bodyOf(node).map((i): Operand => ({ values: values.get(i)!, dims: dims(i), dtype: graph.node(i).dtype }));
    values.set(id, node.op === 'input' ? feed(node, dims(id), feeds) : evaluate(node, dims(id), ins, batch, arith));
    for (const i of bodyOf(node)) if (lastReader.get(i) === id) values.delete(i);
    yield { done: done + 1, total: order.length };
  }
  return new Map(outputs.map(id => [id, values.get(id)!]));
}

interface Operand {
  readonly values: Values;
  readonly dims: readonly number[];
  readonly dtype: DType;
}

/** Zeros to compute into. */
export const valuesOf = (dtype: DType, n: number): Values => (dtype === 'f32' || dtype === 'f16' ? new Float64Array(n) : arrayOf(dtype, n));
const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function feed(node: GraphNode & { op: 'input' }, dims: readonly number[], feeds: Readonly<Record<string, Values>>): Values {
  const values = Object.hasOwn(feeds, node.name) ? feeds[node.name]! : undefined;
  if (values?.length !== count(dims))
    throw new CompileError('HC10', `${node.role} '${node.name}' wants ${count(dims)} values, [${dims}], and has ${values ? values.length : 'none'}`);
  return values;
}

function evaluate(node: Exclude<GraphNode, { op: 'input' }>, dims: readonly number[], ins: readonly Operand[], batch: number, arith: Arith): Values {
  const type = scalarType(node.dtype);
  const out = (): Values => valuesOf(node.dtype, count(dims));
  switch (node.op) {
    case 'const':
      return out().fill(arith.constant(node.value, type));
    case 'extent':
      return out().fill(sizeAt(node.size, batch));
    case 'data':
      return out().map((_, i) => arith.constant(node.data[i]!, type));
    case 'iota': {
      const y = out();
      visit(
        dims,
        dims.map((_, i) => (i === node.axis ? 1 : 0)),
        0,
        (flat, position) => {
          y[flat] = position;
        },
      );
      return y;
    }
    case 'map':
      return map(node.fn, ins, out(), arith);
    case 'reduce':
      return reduce(node.kind, node.axes, ins[0]!, dims, out(), type, arith);
    case 'contract':
      return contract(node.labels, node.out, ins[0]!, ins[1]!, dims, out(), type, arith);
    case 'view': {
      if (node.view === 'reshape') return ins[0]!.values;
      const { strides, offset } = viewStrides(node, ins[0]!.dims, dims);
      return copyStrided(ins[0]!.values, dims, strides, offset, out());
    }
    case 'pad': {
      const y = out().fill(arith.constant(node.value, type));
      place(ins[0]!, node.low, dims, y);
      return y;
    }
    case 'concat': {
      const y = out();
      let from = 0;
      for (const x of ins) {
        place(
          x,
          dims.map((_, i) => (i === node.axis ? from : 0)),
          dims,
          y,
        );
        from += x.dims[node.axis]!;
      }
      return y;
    }
    case 'gather':
      return gather(node.axis, ins[0]!, ins[1]!, dims, out());
    case 'flat': {
      const y = out();
      ins.forEach((x, k) => {
        y.set(x.values, node.offsets[k]!);
      });
      return y;
    }
    case 'assign':
      return ins[1]!.values;
    case 'copy':
    case 'stop':
    case 'call':
      return ins[0]!.values;
  }
}

/** Instruction by instruction over blocks, so that the temporaries stay small. */
function map(fn: ScalarFn, ins: readonly Operand[], y: Values, arith: Arith): Values {
  const block = 4096;
  const n = y.length;
  const program = fn.body.map((instruction): { apply: Apply; args: readonly number[] } | undefined => {
    if (instruction.prim === 'const') return undefined;
    const { prim, args } = instruction;
    return { apply: arith.primitive(prim, typeOf(fn, args[prim === 'select' ? 1 : 0]!)), args };
  });
  const params = fn.params.length;
  const slots: Values[] = [...ins.map(x => x.values), ...fn.body.map(i => valuesOf(i.type, Math.min(n, block)))];
  fn.body.forEach((i, k) => {
    if (i.prim === 'const') slots[params + k]!.fill(arith.constant(i.value, i.type));
  });
  for (let from = 0; from < n; from += block) {
    const size = Math.min(block, n - from);
    program.forEach((step, k) => {
      if (!step) return;
      const { apply, args } = step;
      const at = (j: number): number => (args[j]! < params ? from : 0);
      const [a, b = a, c = a] = args.map(i => slots[i]!);
      const [i0, i1, i2] = [at(0), args.length > 1 ? at(1) : at(0), args.length > 2 ? at(2) : at(0)];
      const t = slots[params + k]!;
      for (let i = 0; i < size; i++) t[i] = apply(a![i0 + i]!, b![i1 + i]!, c![i2 + i]!);
    });
    const result = slots[fn.result]!;
    const at = fn.result < params ? from : 0;
    for (let i = 0; i < size; i++) y[from + i] = result[at + i]!;
  }
  return y;
}

function reduce(kind: ReduceKind, axes: readonly number[], x: Operand, dims: readonly number[], y: Values, type: ScalarType, arith: Arith): Values {
  const apply = arith.primitive(kind === 'sum' ? 'add' : kind, type);
  if (kind !== 'sum') y.fill(kind === 'max' ? arith.lowest(type) : arith.highest(type));
  const outStrides = stridesOf(dims);
  let kept = 0;
  const strides = x.dims.map((_, i) => (axes.includes(i) ? 0 : outStrides[kept++]!));
  visit(x.dims, strides, 0, (flat, at) => {
    y[at] = apply(y[at]!, x.values[flat]!, 0);
  });
  return y;
}

/** Writes all of x into y, its element 0 at position `low`. */
function place(x: Operand, low: readonly number[], dims: readonly number[], y: Values): void {
  const strides = stridesOf(dims);
  const offset = low.reduce((sum, l, i) => sum + l * strides[i]!, 0);
  visit(x.dims, strides, offset, (flat, at) => {
    y[at] = x.values[flat]!;
  });
}

/** An index outside the axis is clamped to it; an empty axis has nothing to give and leaves zeros. */
function gather(axis: number, x: Operand, index: Operand, dims: readonly number[], y: Values): Values {
  const last = x.dims[axis]! - 1;
  if (last < 0) return y;
  const indexStrides = stridesOf(index.dims);
  const xStrides = stridesOf(x.dims);
  const chosen = new Float64Array(y.length); // distance along the axis that the index asks for
  visit(
    dims,
    dims.map((_, i) => (i <= axis ? indexStrides[i]! : 0)),
    0,
    (flat, at) => {
      chosen[flat] = Math.min(Math.max(index.values[at]!, 0), last) * xStrides[axis]!;
    },
  );
  visit(
    dims,
    xStrides.map((s, i) => (i === axis ? 0 : s)),
    0,
    (flat, at) => {
      y[flat] = x.values[at + chosen[flat]!]!;
    },
  );
  return y;
}
