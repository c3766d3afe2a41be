// `--grad loss`: a program's outputs and the gradients of one of them, summed, in every parameter that is trained.
import { placeOf } from '../../../dsl/errors.ts';
import { CompileError } from '../../errors.ts';
import { scalarType } from '../graph.ts';
import type { Interned, Recorded } from '../intern.ts';
import { gradient } from './reverse.ts';
import { sum } from './values.ts';

/** The same program with the outputs `grad.<parameter>`. @throws CompileError HC9 for an unknown output, HC12 for one that is no float */
export function withGradients(program: Recorded, output: string): Interned {
  const { graph, params, outputs, written } = program;
  const found = outputs.find(([name]) => name === output);
  if (!found) throw new CompileError('HC9', `no output '${output}': the model's outputs are ${outputs.map(o => o[0]).join(', ')}`);
  const { id, shape, dtype } = graph.node(found[1]);
  if (scalarType(dtype) !== 'f32')
    throw new CompileError('HC12', `output '${output}' is ${dtype}: only floating-point values have gradients`, {
      place: placeOf(graph.origins.get(id) ?? {}),
    });
  const trained = [...params].filter(([, param]) => {
    const node = graph.node(param);
    return node.op === 'input' && node.role === 'parameter' && node.trainable;
  });
  const ids = trained.map(([, param]) => param);
  const gradients = gradient(graph, sum(graph, id, [...shape.keys()]), ids, written);
  return { ...program, outputs: [...outputs, ...trained.map(([name], i) => [`grad.${name}`, gradients[i]!] as const)] };
}
