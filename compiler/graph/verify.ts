// What a graph may look like, as code: shapes, dtypes, operand order, labels, legal views. Runs between passes in tests, so that a
// broken pass fails at the pass. One rule an op; the failed node is quoted.
import { type Size, sameSize, showSizes } from '../../common/size.ts';
import { type Prim, primType, resultType, type ScalarFn, type ScalarType, typeOf } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { type Graph, type GraphNode, numel, sameShape, scalarType } from './graph.ts';
import { printNode } from './print.ts';

/** Throws CompileError HC11 for the first node that breaks a rule: always a mistake of a pass, never of the user. */
export function verify(graph: Graph): void {
  graph.nodes.forEach((n, k) => {
    const why =
      n.id !== k
        ? `its id should be ${k}`
        : fault(
            n,
            n.ins.map(i => graph.nodes[i]),
            k,
          );
    if (why)
      throw new CompileError(
        'HC11',
        `malformed graph: ${why} in ${printNode(n)}${n.ins.map(i => `\n  %${i} is ${graph.nodes[i] ? showSizes(graph.nodes[i].shape) : 'missing'}`).join('')}`,
      );
  });
}

function fault(n: GraphNode, operands: readonly (GraphNode | undefined)[], id: number): string | undefined {
  const ins = operands.filter(x => x !== undefined && x.id < id) as GraphNode[];
  if (ins.length !== operands.length) return 'an operand is missing or comes later';
  if (n.shape.some(s => !isSize(s))) return 'a size is no natural number';
  const [x] = ins;
  switch (n.op) {
    case 'input':
      if (n.ins.length > 0) return 'an input has operands';
      return n.role === 'scalar' && n.shape.length > 0 ? 'a run-time scalar has axes' : undefined;
    case 'const':
      return n.shape.length > 0 || n.ins.length > 0 ? 'a constant has the shape []' : undefined;
    case 'extent':
      return n.shape.length > 0 || n.dtype !== 'i32' || !isSize(n.size) ? 'an extent is an i32 of shape []' : undefined;
    case 'data':
      return sameSize(numel(n.shape), n.data.length) ? undefined : `${n.data.length} values`;
    case 'iota':
      return n.dtype === 'i32' && isAxis(n.axis, n.shape) ? undefined : 'iota is an i32 along one of its axes';
    case 'map':
      return mapFault(n, ins);
    case 'reduce':
      if (ins.length !== 1) return 'one operand';
      if (n.axes.some((a, i) => !isAxis(a, x!.shape) || (i > 0 && a <= n.axes[i - 1]!))) return 'axes ascend and exist';
      if (n.dtype !== x!.dtype) return 'a reduction keeps the dtype';
      return shapeFault(
        n,
        x!.shape.filter((_, i) => !n.axes.includes(i)),
      );
    case 'contract':
      return contractFault(n, ins);
    case 'view':
      if (ins.length !== 1) return 'one operand';
      return n.dtype === x!.dtype ? viewFault(n, x!.shape) : 'a view keeps the dtype';
    case 'pad':
      if (ins.length !== 1 || n.dtype !== x!.dtype) return 'one operand of its dtype';
      if (n.low.length !== x!.shape.length || n.shape.length !== x!.shape.length) return 'one margin an axis';
      return n.shape.every((s, i) => (sameSize(s, x!.shape[i]!) ? n.low[i] === 0 : holds(s, x!.shape[i]!, n.low[i]!)))
        ? undefined
        : 'the operand does not fit inside';
    case 'concat':
      return concatFault(n, ins);
    case 'gather':
      return gatherFault(n, ins);
    case 'copy':
    case 'stop':
      return ins.length === 1 && n.dtype === x!.dtype ? shapeFault(n, x!.shape) : 'one operand of its dtype';
    case 'flat':
      return flatFault(n, ins);
    case 'assign':
      if (ins.length !== 2 || ins.some(i => i.dtype !== n.dtype)) return 'a state and a value of its dtype';
      if (!isState(x!) && x!.op !== 'flat') return 'the state is an input or a flat of inputs';
      return shapeFault(n, x!.shape) ?? (sameShape(x!.shape, ins[1]!.shape) ? undefined : 'the value has another shape');
    case 'call':
      if (ins.length < 1 + n.saved) return 'a call has a body and its saved values';
      return n.dtype === x!.dtype ? shapeFault(n, x!.shape) : "a call has its body's dtype";
  }
}

const isSize = (s: Size): boolean => {
  const n = typeof s === 'number' ? s : s.batch;
  return Number.isSafeInteger(n) && n >= (typeof s === 'number' ? 0 : 1);
};
const isAxis = (axis: number, shape: readonly Size[]): boolean => Number.isInteger(axis) && axis >= 0 && axis < shape.length;
const shapeFault = (n: GraphNode, shape: readonly Size[]): string | undefined =>
  sameShape(n.shape, shape) ? undefined : `its shape should be ${showSizes(shape)}`;
const holds = (outer: Size, inner: Size, low: number): boolean =>
  typeof outer === 'number' && typeof inner === 'number' && Number.isInteger(low) && low >= 0 && low + inner <= outer;

function mapFault(n: GraphNode & { op: 'map' }, ins: readonly GraphNode[]): string | undefined {
  const { fn } = n;
  if (ins.length === 0 || ins.length !== fn.params.length) return `${fn.params.length} operands`;
  for (const [k, x] of ins.entries()) {
    if (!sameShape(x.shape, n.shape)) return `operand ${k} has another shape`;
    if (scalarType(x.dtype) !== fn.params[k]) return `operand ${k} is ${x.dtype}, its parameter ${fn.params[k]}`;
  }
  if (resultType(fn) !== scalarType(n.dtype)) return `the function gives ${resultType(fn)}`;
  return scalarFault(fn);
}

const operandCount: Readonly<Record<string, number>> = { select: 3 };
const binary = new Set(['add', 'sub', 'mul', 'div', 'quo', 'rem', 'max', 'min', 'pow', 'and', 'or', 'xor', 'shl', 'shr', 'lt', 'le', 'eq']);
const floatOnly = new Set(['div', 'pow', 'floor', 'ceil', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'erf', 'sin', 'cos', 'bits', 'roundF16']);
const integerOnly = new Set(['quo', 'rem', 'shl', 'shr', 'fromBits']);
const arithmetic = new Set(['add', 'sub', 'mul', 'neg', 'abs', 'sign']);
const bitwise = new Set(['and', 'or', 'xor', 'not']);

/** Why a scalar function is ill typed, or undefined. */
export function scalarFault(fn: ScalarFn): string | undefined {
  const known = fn.params.length + fn.body.length;
  if (!Number.isInteger(fn.result) || fn.result < 0 || fn.result >= known) return 'the result is no operand';
  for (const [k, i] of fn.body.entries()) {
    if (i.prim === 'const') continue;
    const want = operandCount[i.prim] ?? (binary.has(i.prim) ? 2 : 1);
    if (i.args.length !== want) return `${i.prim} takes ${want} operands`;
    if (i.args.some(a => !Number.isInteger(a) || a < 0 || a >= fn.params.length + k)) return `instruction ${k} reads what comes later`;
    const types = i.args.map(a => typeOf(fn, a));
    const [first] = types;
    const values = i.prim === 'select' ? types.slice(1) : types;
    if (i.prim === 'select' && first !== 'bool') return 'select needs a bool';
    if (values.some(t => t !== values[0])) return `${i.prim} of ${types.join(' and ')}`;
    if (!accepts(i.prim, values[0]!)) return `${i.prim} of ${values[0]}`;
    if (primType(i.prim, types) !== i.type) return `${i.prim} gives ${primType(i.prim, types)}, not ${i.type}`;
  }
  return undefined;
}
/** Whether a primitive is defined for operands of this type (of select: for its last two). */
export function accepts(prim: Prim, type: ScalarType): boolean {
  if (floatOnly.has(prim)) return type === 'f32';
  if (integerOnly.has(prim)) return type === 'i32' || (type === 'u32' && prim !== 'fromBits');
  if (arithmetic.has(prim)) return type !== 'bool';
  if (bitwise.has(prim)) return type !== 'f32';
  return true;
}

function contractFault(n: GraphNode & { op: 'contract' }, ins: readonly GraphNode[]): string | undefined {
  if (ins.length !== 2) return 'two operands';
  const sizes = new Map<string, Size>();
  for (const [k, x] of ins.entries()) {
    const letters = [...n.labels[k]!];
    if (letters.length !== x.shape.length) return `operand ${k} has ${x.shape.length} axes`;
    if (new Set(letters).size !== letters.length) return `a label twice in operand ${k}`;
    if (x.dtype !== n.dtype) return `operand ${k} is ${x.dtype}`;
    for (const [i, c] of letters.entries()) {
      const known = sizes.get(c);
      if (known !== undefined && !sameSize(known, x.shape[i]!)) return `label ${c} has two sizes`;
      sizes.set(c, x.shape[i]!);
    }
  }
  const out = [...n.out];
  if (new Set(out).size !== out.length || out.some(c => !sizes.has(c))) return 'a result label is doubled or unknown';
  return shapeFault(
    n,
    out.map(c => sizes.get(c)!),
  );
}

function viewFault(n: GraphNode & { op: 'view' }, from: readonly Size[]): string | undefined {
  switch (n.view) {
    case 'reshape':
      return sameSize(numel(n.shape), numel(from)) ? undefined : 'element counts differ';
    case 'permute': {
      const seen = new Set(n.order);
      if (n.order.length !== from.length || seen.size !== from.length || n.order.some(a => !isAxis(a, from))) return 'the order is no permutation';
      return shapeFault(
        n,
        n.order.map(a => from[a]!),
      );
    }
    case 'expand':
      if (n.at.length !== from.length || n.at.some((a, i) => !isAxis(a, n.shape) || (i > 0 && a <= n.at[i - 1]!)))
        return 'target axes ascend and exist, one an axis';
      return n.at.every((a, i) => sameSize(n.shape[a]!, from[i]!) || sameSize(from[i]!, 1)) ? undefined : 'only an axis of 1 may grow';
    case 'slice': {
      if (!isAxis(n.axis, from) || !Number.isInteger(n.from) || n.from < 0 || !Number.isInteger(n.step) || n.step < 1) return 'axis, from or step';
      const [size, all] = [n.shape[n.axis], from[n.axis]!];
      if (size === undefined) return 'the rank changed';
      const last = typeof size === 'number' ? n.from + (size - 1) * n.step : undefined;
      const inside = last === undefined ? sameSize(size, all) && n.from === 0 && n.step === 1 : size === 0 || typeof all !== 'number' || last < all;
      return inside
        ? shapeFault(
            n,
            from.map((s, i) => (i === n.axis ? size : s)),
          )
        : 'the slice leaves its operand';
    }
    case 'flip':
      return isAxis(n.axis, from) ? shapeFault(n, from) : 'no such axis';
    case 'window': {
      const all = from[n.axis];
      const [count, size] = [n.shape[n.axis], n.shape[n.axis + 1]];
      if (typeof all !== 'number' || typeof count !== 'number' || typeof size !== 'number' || !Number.isInteger(n.stride) || n.stride < 1)
        return 'axis or stride';
      if (count > 0 && size > 0 && (count - 1) * n.stride + size > all) return 'the window leaves its operand';
      return shapeFault(
        n,
        from.flatMap((s, i) => (i === n.axis ? [count, size] : [s])),
      );
    }
  }
}

const isState = (n: GraphNode): boolean => n.op === 'input' && (n.role === 'state' || n.role === 'parameter');

function flatFault(n: GraphNode & { op: 'flat' }, ins: readonly GraphNode[]): string | undefined {
  if (ins.length === 0 || ins.length !== n.offsets.length) return 'an offset an operand';
  let end = 0;
  for (const [k, x] of ins.entries()) {
    const size = numel(x.shape);
    if (typeof size !== 'number' || x.dtype !== n.dtype) return `operand ${k}`;
    if (!Number.isSafeInteger(n.offsets[k]) || n.offsets[k]! < end) return `operand ${k} begins inside the one before`;
    end = n.offsets[k]! + size;
  }
  const all = numel(n.shape);
  return typeof all === 'number' && end <= all ? undefined : `${end} elements do not fit`;
}

function concatFault(n: GraphNode & { op: 'concat' }, ins: readonly GraphNode[]): string | undefined {
  if (ins.length === 0 || !isAxis(n.axis, n.shape)) return 'operands and an axis';
  let total = 0;
  for (const [k, x] of ins.entries()) {
    const size = x.shape[n.axis];
    if (x.dtype !== n.dtype || typeof size !== 'number') return `operand ${k}`;
    if (!sameShape(x.shape.with(n.axis, 0), n.shape.with(n.axis, 0))) return `operand ${k} has another shape`;
    total += size;
  }
  return sameSize(total, n.shape[n.axis]!) ? undefined : `the axis should be ${total}`;
}

function gatherFault(n: GraphNode & { op: 'gather' }, ins: readonly GraphNode[]): string | undefined {
  const [x, index] = ins;
  if (!x || !index || ins.length !== 2 || x.dtype !== n.dtype) return 'a tensor of its dtype and an index';
  if (index.dtype !== 'i32' && index.dtype !== 'u32') return 'the index is an integer';
  if (!isAxis(n.axis, x.shape) || index.shape.length !== n.axis + 1) return "the index has the operand's axes up to and including the axis";
  if (!sameShape(index.shape.slice(0, n.axis), x.shape.slice(0, n.axis))) return 'leading axes differ';
  return shapeFault(
    n,
    x.shape.map((s, i) => (i === n.axis ? index.shape[n.axis]! : s)),
  );
}
