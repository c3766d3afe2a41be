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
  private readonly texts: string[] = [];
  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** The cone of some roots down to what `stored` says is in memory. */
  of(roots: readonly Root[], stored: (node: number) => boolean): Cone {
    const { graph } = this;
    const own = new Set(roots.filter(r => r.piece < 0).map(r => r.node));
    const numbers = new Map<number, number>();
    const nodes: number[] = [];
    const lines: string[] = [];
    const number = (id: number): number => {
      let n = numbers.get(id);
      if (n === undefined) {
        n = nodes.push(id) - 1;
        numbers.set(id, n);
      }
      return n;
    };
    const todo: number[] = [];
    const written = new Set<number>();
    for (const { node, piece } of roots) {
      lines.push(`${number(node)}.${piece}`);
      todo.push(node);
    }
    while (todo.length > 0) {
      const id = todo.pop()!;
      if (written.has(id)) continue;
      written.add(id);
      const node = graph.node(id);
      const leaf = !own.has(id) && (isGiven(node) || stored(id));
      const pieces = roots.filter(r => r.node === id && r.piece >= 0);
      if (leaf && pieces.length === 0) {
        lines.push(`${number(id)}=${JSON.stringify(node.shape)}${node.dtype}`);
        continue;
      }
      // of a concat stored in pieces only those operands are computed here
      const operands = pieces.length > 0 ? pieces.map(r => node.ins[r.piece]!) : bodyOf(node);
      const shapes = pieces.length > 0 ? node.ins.map(i => JSON.stringify(graph.shape(i))) : [];
      lines.push(`${number(id)}=${this.text(node)}${shapes}(${operands.map(number)})`);
      for (let k = operands.length - 1; k >= 0; k--) todo.push(operands[k]!);
    }
    return { key: lines.join('\n'), nodes };
  }

  /** The op without its operands. */
  private text(node: GraphNode): string {
    let text = this.texts[node.id];
    if (text === undefined) {
      text = JSON.stringify(node, (key, value: unknown) =>
        key === 'id' || key === 'ins'
          ? undefined
          : typeof value === 'number' && !(Number.isFinite(value) && !Object.is(value, -0))
            ? `#${value}`
            : value,
      );
      this.texts[node.id] = text;
    }
    return text;
  }
}
