// A readable listing of a graph, one line a node: id, type, what it is, operands, and where it came from.
//   %0  f32[B,197,768]  argument x
//   %3  f32[B,197]      sum [2] of %2          # block / layerNorm
import { showSize, showSizes } from '../../common/size.ts';
import type { ScalarFn } from '../../dsl/scalar.ts';
import type { Graph, GraphNode } from './graph.ts';

/** `outputs`, where given, leaves out what they do not need. */
export function printGraph(graph: Graph, outputs?: readonly number[]): string {
  const nodes = outputs ? graph.needed(outputs, n => n.ins).map(id => graph.node(id)) : graph.nodes;
  return nodes.map(n => line(graph, n)).join('\n');
}
function line(graph: Graph, n: GraphNode): string {
  const trail = graph.origins.get(n.id)?.trail ?? [];
  const nested = graph.nested.has(n.id) ? ' (nested)' : '';
  return `${printNode(n)}${nested}${trail.length > 0 ? `  # ${trail.join(' / ')}` : ''}`;
}

/** One node without its origin: what verifiers quote. */
export function printNode(n: GraphNode): string {
  return `%${n.id}  ${n.dtype}${showSizes(n.shape)}  ${what(n)}`;
}
function what(n: GraphNode): string {
  const ins = n.ins.map(i => `%${i}`);
  switch (n.op) {
    case 'input':
      return `${n.role} ${n.name}`;
    case 'const':
      return showNumber(n.value);
    case 'extent':
      return `extent ${showSize(n.size)}`;
    case 'data':
      return `data of ${n.data.length}`;
    case 'iota':
      return `iota ${n.axis}`;
    case 'map':
      return `map ${printScalar(n.fn)} of ${ins.join(' ')}`;
    case 'reduce':
      return `${n.kind} [${n.axes}] of ${ins[0]}`;
    case 'contract':
      return `contract ${n.labels[0]},${n.labels[1]}->${n.out} of ${ins.join(' ')}`;
    case 'view':
      switch (n.view) {
        case 'reshape':
          return `reshape of ${ins[0]}`;
        case 'permute':
          return `permute [${n.order}] of ${ins[0]}`;
        case 'expand':
          return `expand [${n.at}] of ${ins[0]}`;
        case 'slice':
          return `slice axis ${n.axis} from ${n.from}${n.step === 1 ? '' : ` step ${n.step}`} of ${ins[0]}`;
        case 'flip':
          return `flip axis ${n.axis} of ${ins[0]}`;
        case 'window':
          return `window axis ${n.axis} stride ${n.stride} of ${ins[0]}`;
      }
      break;
    case 'pad':
      return `pad low [${n.low}] with ${showNumber(n.value)} of ${ins[0]}`;
    case 'concat':
      return `concat axis ${n.axis} of ${ins.join(' ')}`;
    case 'gather':
      return `gather axis ${n.axis} of ${ins[0]} at ${ins[1]}`;
    case 'copy':
      return `copy ${n.index} of ${ins[0]}`;
    case 'stop':
      return `stop of ${ins[0]}`;
    case 'flat':
      return `flat of ${ins.map((x, k) => `${x} at ${n.offsets[k]}`).join(', ')}`;
    case 'assign':
      return `assign ${ins[0]} = ${ins[1]}`;
    case 'call':
      return `call ${n.name} = ${ins[0]}${list('saving', ins.slice(1, 1 + n.saved))}${list('of', ins.slice(1 + n.saved))}`;
  }
}
const list = (word: string, ids: readonly string[]): string => (ids.length > 0 ? ` ${word} ${ids.join(' ')}` : '');
const showNumber = (x: number): string => (Object.is(x, -0) ? '-0' : `${x}`);

/** `relu{t1 = max(a, 0); t1}`: parameters are a, b, …; `t…` counts instructions; the last word is the result. */
export function printScalar(fn: ScalarFn): string {
  const name = (operand: number): string => {
    if (operand < fn.params.length) return fn.params.length <= 26 ? String.fromCharCode(97 + operand) : `p${operand}`;
    const i = fn.body[operand - fn.params.length]!;
    return i.prim === 'const' ? (i.type === 'f32' ? showNumber(i.value) : `${showNumber(i.value)}:${i.type}`) : `t${operand - fn.params.length}`;
  };
  const steps = fn.body.flatMap((i, k) => (i.prim === 'const' ? [] : [`t${k} = ${i.prim}(${i.args.map(name).join(', ')})`]));
  return `${fn.name}{${[...steps, name(fn.result)].join('; ')}}`;
}
