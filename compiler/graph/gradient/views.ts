// The cotangent of a view's operand. A slice gives a piece, not a padded whole: pieces that tile their operand become one concat
// (reverse.ts). Steps and windows are laid out by pads and reshapes; windows that overlap are summed, one shift a stride.
import { isDynamic, type Size } from '../../../common/size.ts';
import { type ScalarFn, scalar } from '../../../dsl/scalar.ts';
import { type Graph, type GraphNode, sameShape } from '../graph.ts';
import { add, map, padAxis, sliceAxis, sum, zeros } from './values.ts';

/** What one reader contributes to an operand's cotangent: all of it, or a range along an axis. */
export type Contribution =
  | { readonly kind: 'whole'; readonly value: number }
  | { readonly kind: 'piece'; readonly axis: number; readonly from: number; readonly value: number };
export const whole = (value: number): Contribution => ({ kind: 'whole', value });

type ViewNode = GraphNode & { readonly op: 'view' };
type Of<V extends ViewNode['view']> = ViewNode & { readonly view: V };

/** What the view n, whose cotangent is g, contributes to its operand of the given shape. */
export function transposeView(graph: Graph, n: ViewNode, g: number, shape: readonly Size[]): Contribution {
  switch (n.view) {
    case 'reshape':
      return whole(graph.reshape(g, shape));
    case 'permute':
      return whole(
        graph.permute(
          g,
          n.order.map((_, i) => n.order.indexOf(i)),
        ),
      );
    case 'expand': {
      const same = n.at.filter((at, i) => sameShape([n.shape[at]!], [shape[i]!]));
      const repeated = [...n.shape.keys()].filter(axis => !same.includes(axis));
      return whole(graph.reshape(sum(graph, g, repeated), shape));
    }
    case 'slice': {
      const size = shape[n.axis]!;
      if (isDynamic(size)) return whole(unsliceBatch(graph, n, g, shape));
      if (n.step === 1) return { kind: 'piece', axis: n.axis, from: n.from, value: g };
      const each = graph.reshape(
        g,
        graph.shape(g).flatMap((d, i) => (i === n.axis ? [d, 1] : [d])),
      );
      return whole(laidOut(graph, each, n.axis, n.step, n.from, size));
    }
    case 'flip':
      return whole(graph.flip(g, n.axis));
    case 'window':
      return whole(unwindow(graph, n, g, shape));
  }
}

/** Blocks [.., count, size, ..] at `from`, `from + stride`, … of an axis of `length`, zeros between them; size ≤ stride. */
function laidOut(graph: Graph, blocks: number, axis: number, stride: number, from: number, length: number): number {
  const shape = graph.shape(blocks);
  const [count, size] = [shape[axis], shape[axis + 1]] as [number, number];
  const alone = (n: number): Size[] => [...shape.slice(0, axis), n, ...shape.slice(axis + 2)];
  if (count === 0) return zeros(graph, alone(length), graph.node(blocks).dtype);
  const flat = graph.reshape(padAxis(graph, blocks, axis + 1, 0, stride - size), alone(count * stride));
  const kept = Math.min(count * stride, length - from); // what is cut off is zeros behind the last block
  return padAxis(graph, sliceAxis(graph, flat, axis, 0, kept), axis, from, length - from - kept);
}

/** Out [i, k] read i·stride + k. */
function unwindow(
  graph: Graph,
  { axis, stride, shape: { [axis]: count, [axis + 1]: size } }: Of<'window'>,
  g: number,
  shape: readonly Size[],
): number {
  const length = shape[axis] as number;
  const parts: number[] = [];
  if (count !== 0)
    for (let k = 0; k < (size as number); k += stride)
      parts.push(laidOut(graph, sliceAxis(graph, g, axis + 1, k, Math.min(stride, (size as number) - k)), axis, stride, k, length));
  return parts.length === 0 ? zeros(graph, shape, graph.node(g).dtype) : parts.reduce((a, b) => add(graph, a, b));
}

/** Which element of the slice stands at a position. */
const elementAt = (from: number, step: number): ScalarFn =>
  scalar('element', ['i32'], (b, position) => b.op('quo', b.op('sub', position, b.constant(from, 'i32')), b.constant(step, 'i32')));
/** g where the position was read. */
const whereRead = (from: number, step: number): ScalarFn =>
  scalar('whereRead', ['f32', 'i32', 'i32'], (b, g, position, count) => {
    const distance = b.op('sub', position, b.constant(from, 'i32'));
    const word = (n: number): number => b.constant(n, 'i32');
    const inside = b.op('and', b.op('le', word(0), distance), b.op('lt', b.op('quo', distance, word(step)), count));
    return b.op('select', b.op('and', inside, b.op('eq', b.op('rem', distance, word(step)), word(0))), g, b.constant(0));
  });
/** A slice of the batch has no fixed end to pad from: each position asks for its element, if the slice read it. */
function unsliceBatch(graph: Graph, n: Of<'slice'>, g: number, shape: readonly Size[]): number {
  if (sameShape(n.shape, shape) && n.step === 1) return g;
  const count = graph.put({ op: 'extent', size: n.shape[n.axis]! }, [], 'i32', []);
  const upTo = shape.slice(0, n.axis + 1);
  const elements = graph.gather(g, map(graph, elementAt(n.from, n.step), [graph.iota(upTo, n.axis)]), n.axis);
  return map(graph, whereRead(n.from, n.step), [elements, graph.iota(shape, n.axis), graph.expand(count, shape, [])], graph.node(g).dtype);
}
