// The structure of a kernel before it is lowered: what its roots compute from what is stored, with nodes numbered in the order in which
// they are met. Equal structures are lowered and scheduled once, whichever layer of whichever author's function they came from:
// twelve equal blocks cost what one does. The cone of one root is remembered while nothing in it changes; a kernel's structure is those
// of its roots, and which of the values that they read and store are the same.
import { bodyOf, type Graph, type GraphNode } from '../../graph/graph.ts';
import { isGiven, type Root } from '../lower.ts';

/** What one root computes. */
export interface Cone {
  readonly root: Root;
  /** Equal exactly for equal structures. */
  readonly structure: number;
  /** Nodes that are read from memory, as they are met. */
  readonly reads: readonly number[];
}
export interface Structure {
  readonly key: string;
  /** Graph node of each number: all that the kernel stores or reads. */
  readonly nodes: readonly number[];
}

/** The structure of a kernel with several roots. */
export function structureOf(cones: readonly Cone[]): Structure {
  const numbers = new Map<number, number>();
  const number = (id: number): number => {
    let n = numbers.get(id);
    if (n === undefined) numbers.set(id, (n = numbers.size));
    return n;
  };
  let key = '';
  for (const { root, structure, reads } of cones) {
    key += `${structure}>${number(root.node)}:`;
    for (const id of reads) key += `${number(id)},`;
  }
  return { key, nodes: [...numbers.keys()] };
}

export class Cones {
  private readonly graph: Graph;
  /** A number for each distinct text, and for each node those of its op and of its shape and dtype. */
  private readonly texts = new Map<string, number>();
  private readonly ops: number[] = [];
  private readonly shapes: number[] = [];
  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** The cone of a root down to what `stored` says is in memory. */
  of(root: Root, stored: (node: number) => boolean): Cone {
    const { graph } = this;
    const numbers = new Map<number, number>([[root.node, 0]]);
    const todo = [root.node];
    const reads: number[] = [];
    let key = `${root.piece}`;
    while (todo.length > 0) {
      const id = todo.pop()!;
      const node = graph.node(id);
      const isRoot = id === root.node;
      if (!isRoot && (isGiven(node) || stored(id))) {
        reads.push(id);
        key += `|${numbers.get(id)}=${this.shape(node)}`;
        continue;
      }
      key += `|${numbers.get(id)}:${this.op(node)}`;
      // of a concat stored in pieces only one operand is computed here, at a place that the others' shapes give
      const isPiece = isRoot && root.piece >= 0;
      if (isPiece) for (const i of node.ins) key += `,${this.shape(graph.node(i))}`;
      key += '(';
      for (const operand of isPiece ? [node.ins[root.piece]!] : bodyOf(node)) {
        let n = numbers.get(operand);
        if (n === undefined) {
          numbers.set(operand, (n = numbers.size));
          todo.push(operand);
        }
        key += `${n} `;
      }
    }
    return { root, structure: this.number(key), reads };
  }

  private number(text: string): number {
    let n = this.texts.get(text);
    if (n === undefined) this.texts.set(text, (n = this.texts.size));
    return n;
  }
  private shape(node: GraphNode): number {
    return (this.shapes[node.id] ??= this.number(JSON.stringify(node.shape) + node.dtype));
  }
  /** The op without its operands. */
  private op(node: GraphNode): number {
    return (this.ops[node.id] ??= this.number(
      JSON.stringify(node, (key, value: unknown) =>
        key === 'id' || key === 'ins'
          ? undefined
          : typeof value === 'number' && !(Number.isFinite(value) && !Object.is(value, -0))
            ? `#${value}`
            : value,
      ),
    ));
  }
}
