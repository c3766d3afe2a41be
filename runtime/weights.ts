// Weights against the program: every difference in one error with both sides. Sources are kept, not copied: a weight is converted and
// uploaded when the first output that needs it is asked for.

import { widenBf16, widenF16 } from '../common/half.ts';
import type { Program, State, Weight } from '../common/program.ts';
import { isDynamic, showSizes, sizeAt } from '../common/size.ts';
import { InputError } from './errors.ts';
import { initialValues } from './initial.ts';
import { countOf, showShape, type Weights, type WeightTensor } from './tensor.ts';
import { arrayName, carries, toWords } from './words.ts';

export interface WeightOptions {
  /** By checkpoint name; a state tensor may be among them. Left out: seeded initial values for everything. */
  readonly weights?: Weights | undefined;
  /** Tensors that are missing take their initial values instead of being an error. */
  readonly partial?: boolean | undefined;
  /** Of the initial values; 0 unless said. */
  readonly seed?: number | undefined;
  /** Hears what happened by itself (16-bit floats were widened), in one line each. */
  readonly onNotice?: ((text: string) => void) | undefined;
}
/** The words of one weight or state tensor, at a batch. */
export type WeightSource = (weight: Weight | State, batch: number) => Float32Array | Int32Array | Uint32Array;

const maxLines = 10;
const narrow = new Set(['f16', 'bf16']);
const dtypeOf = (t: WeightTensor): string => t.dtype.toLowerCase();

/** Checks all names, shapes and dtypes at once. Throws InputError HD9 with at most ten lines. */
export function weightSource(program: Program, { weights, partial = false, seed = 0, onNotice }: WeightOptions): WeightSource {
  if (weights) {
    const wrong = differences(program, weights, partial);
    if (wrong.length > 0) throw new InputError('HD9', report(wrong, program));
    const widened = program.weights.filter(w => w.dtype === 'f32' && weights.has(w.name) && narrow.has(dtypeOf(weights.get(w.name)!)));
    if (widened.length > 0) onNotice?.(`${widened.length} tensors of 16-bit floats were widened to f32 (${widened[0]!.name}, …)`);
  }
  return (weight, batch) => {
    const tensor = weights?.get(weight.name);
    if (tensor) return toWords(weight.dtype, hostData(weight, tensor));
    const shape = weight.shape.map(s => sizeAt(s, batch));
    return asDtype(weight, initialValues(weight.init, shape, seed, weight.name));
  };
}

function differences(program: Program, weights: Weights, partial: boolean): string[] {
  const wrong: string[] = [];
  for (const w of [...program.weights, ...program.state]) {
    const t = weights.get(w.name);
    if (!t) {
      if (!partial && isParameter(w)) wrong.push(`missing ${w.name}: the program has ${w.dtype} ${showSizes(w.shape)}, the weights do not`);
    } else wrong.push(...tensorDifference(w, t));
  }
  const known = new Set([...program.weights, ...program.state].map(w => w.name));
  for (const [name, t] of weights)
    if (!known.has(name)) wrong.push(`extra ${name}: the weights have ${dtypeOf(t)} ${showShape(t.shape)}, the program does not`);
  return wrong;
}

/** Everything but what a program keeps beside its parameters, which may begin at its initial values. */
const isParameter = (w: Weight | State): boolean => 'trainable' in w || w.parameter === true;

function tensorDifference(w: Weight | State, t: WeightTensor): string[] {
  if (w.shape.some(isDynamic) || w.shape.length !== t.shape.length || w.shape.some((d, i) => d !== t.shape[i]))
    return [`shape of ${w.name}: the program has ${showSizes(w.shape)}, the weights ${showShape(t.shape)}`];
  const dtype = dtypeOf(t);
  if (dtype !== w.dtype && !(w.dtype === 'f32' && narrow.has(dtype))) return [`dtype of ${w.name}: the program has ${w.dtype}, the weights ${dtype}`];
  const words = narrow.has(dtype) && t.data instanceof Uint16Array;
  if (!words && !carries(w.dtype, t.data)) return [`data of ${w.name}: ${dtype} takes ${arrayName(w.dtype)}, not ${t.data.constructor.name}`];
  return t.data.length === countOf(t.shape)
    ? []
    : [`data of ${w.name}: ${showShape(t.shape)} takes ${countOf(t.shape)} elements, not ${t.data.length}`];
}

function report(wrong: readonly string[], program: Program): string {
  const total = program.weights.length + program.state.filter(isParameter).length;
  const head = `weights do not fit program '${program.name}' (${wrong.length} differences, ${total} tensors expected):`;
  const room = maxLines - 1;
  const lines = wrong.length <= room ? wrong : [...wrong.slice(0, room - 1), `and ${wrong.length - room + 1} more`];
  return [head, ...lines].join('\n  ');
}

function hostData(w: Weight | State, { dtype, data }: WeightTensor): Parameters<typeof toWords>[1] {
  if (data instanceof Uint16Array) return dtype.toLowerCase() === 'bf16' ? widenBf16(data) : widenF16(data);
  return carries(w.dtype, data) ? data : Float32Array.from(data);
}

/** Initial values are drawn as f32; other dtypes take them as numbers. */
function asDtype(w: Weight | State, values: Float32Array): Float32Array | Int32Array | Uint32Array {
  switch (w.dtype) {
    case 'f32':
    case 'f16':
      return toWords(w.dtype, values);
    case 'i32':
      return Int32Array.from(values);
    case 'u32':
      return Uint32Array.from(values);
    case 'bool':
      return Uint32Array.from(values, x => (x === 0 ? 0 : 1));
  }
}
