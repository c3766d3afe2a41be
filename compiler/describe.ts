// Names for people: what a node is called in plans, kernel comments and memory tables. Sanitised: only what cannot end a comment,
// a string or a line in any kernel language. Names are never identifiers of kernel text.
import path from 'node:path';
import { placeOf } from '../dsl/errors.ts';
import type { Graph } from './graph/graph.ts';

export interface Description {
  /** Innermost op, with the layer around it: 'selfAttention softmax'. */
  readonly name: string;
  /** Layers and ops, outermost first. */
  readonly ops: readonly string[];
  /** file:line:col, the file relative to the working directory, or ''. */
  readonly origin: string;
}

export const sanitise = (text: string): string => text.replace(/[^\w ./:()[\],*+-]/g, '?').slice(0, 200);

const places = new WeakMap<object, string>();
export function describe(graph: Graph, id: number): Description {
  const node = graph.node(id);
  const origin = graph.origins.get(id);
  const ops = [...(origin?.trail ?? [])].map(sanitise);
  if (ops.length === 0) ops.push(node.op === 'input' && node.name !== '' ? sanitise(node.name) : node.op);
  let at = '';
  if (origin) {
    at = places.get(origin) ?? '';
    if (at === '') {
      const place = placeOf(origin);
      at = place ? sanitise(`${relative(place.file)}:${place.line}:${place.column}`) : '';
      places.set(origin, at);
    }
  }
  return { name: ops.slice(-2).join(' '), ops, origin: at };
}
function relative(file: string): string {
  const short = path.relative(process.cwd(), file);
  return short.startsWith('..') ? path.basename(file) : short.split(path.sep).join('/');
}
