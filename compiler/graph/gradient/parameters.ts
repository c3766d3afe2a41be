// `--grad loss`: a program's outputs and the gradients of one of them, summed, in every parameter that is trained.
import { CompileError } from '../../errors.ts';
import type { Interned, Recorded } from '../intern.ts';
import { gradient } from './reverse.ts';

/** The same program with the outputs `grad.<parameter>`. @throws CompileError HC9 for an unknown output, HC12 for one that is no float */
export function withGradients(program: Recorded, output: string): Interned {
  const { graph, params, outputs, written } = program;
  const found = outputs.find(([name]) => name === output);
  if (!found) throw new CompileError('HC9', `no output '${output}': the model's outputs are ${outputs.map(o => o[0]).join(', ')}`);
  const shape = graph.shape(found[1]);
  const total = shape.length === 0 ? found[1] : graph.reduce('sum', found[1], [...shape.keys()]);
  const trained = [...params].filter(([, id]) => {
    const node = graph.node(id);
    return node.op === 'input' && node.role === 'parameter' && node.trainable;
  });
  const gradients = gradient(
    graph,
    total,
    trained.map(([, id]) => id),
    written,
  );
  return { ...program, outputs: [...outputs, ...trained.map(([name], i) => [`grad.${name}`, gradients[i]!] as const)] };
}
