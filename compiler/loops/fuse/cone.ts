// The structure of a kernel before it is lowered: what its roots compute from what is stored, with nodes numbered in the order in which
// they are met. Equal structures are lowered and scheduled once, whichever layer of whichever author's function they came from:
// twelve equal blocks cost what one does.
import { bodyOf, type Graph, type GraphNode } from '../../graph/graph.ts';
import { isGiven, type Root } from '../lower.ts';

export interface Cone {
  readonly key: string;
  /** Graph node of each number. */
  readonly nodes: readonly number[];
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

  /** The cone of some roots down to what `stored` says is in memory. */
  of(roots: readonly Root[], stored: (node: number) => boolean): Cone {
    const { graph } = this;
    const own = new Set<number>();
    const pieces = new Map<number, number[]>();
    for (const { node, piece } of roots) {
      if (piece < 0) own.add(node);
      else if (pieces.has(node)) pieces.get(node)!.push(piece);
      else pieces.set(node, [piece]);
    }
    const numbers = new Map<number, number>();
    const nodes: number[] = [];
    const todo: number[] = [];
    const number = (id: number): number => {
      let n = numbers.get(id);
      if (n === undefined) {
        n = nodes.push(id) - 1;
        numbers.set(id, n);
        todo.push(id);
      }
      return n;
    };
    let key = '';
    for (const { node, piece } of roots) key += `${number(node)}.${piece} `;
    while (todo.length > 0) {
      const id = todo.pop()!;
      const node = graph.node(id);
      const stores = pieces.get(id);
      if (stores === undefined && !own.has(id) && (isGiven(node) || stored(id))) {
        key += `|${numbers.get(id)}=${this.shape(node)}`;
        continue;
      }
      key += `|${numbers.get(id)}:${this.op(node)}`;
      // of a concat stored in pieces only those operands are computed here, at places that the others' shapes give
      if (stores) for (const i of node.ins) key += `,${this.shape(graph.node(i))}`;
      key += '(';
      for (const operand of stores ? stores.map(piece => node.ins[piece]!) : bodyOf(node)) key += `${number(operand)} `;
    }
    return { key, nodes };
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
