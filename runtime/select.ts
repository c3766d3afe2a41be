// What a set of outputs needs: steps, slots, inputs, weights. Steps of outputs that nobody asked for are left out, and so are weights
// that only they read. A program with state runs whole: half a training step would leave parameters and moments apart.
import type { Input, Output, Program, Range, State, Weight } from '../common/program.ts';
import { sizeAt } from '../common/size.ts';
import type { Device } from './device.ts';
import { InputError, LimitError } from './errors.ts';

export interface Selection {
  readonly outputs: readonly Output[];
  readonly steps: readonly number[];
  /** Slots that a step binds or that hold an output. */
  readonly slots: ReadonlySet<number>;
  readonly inputs: ReadonlySet<Input>;
  readonly weights: readonly Weight[];
  readonly state: readonly State[];
}

/** Throws InputError HD6 for an unknown output. */
export function select(program: Program, names: readonly string[] | undefined): Selection {
  const outputs = names ? names.map(name => findOutput(program, name)) : program.outputs;
  const steps = program.state.length > 0 ? program.steps.map((_, i) => i) : [...new Set(outputs.flatMap(o => o.steps))].sort((a, b) => a - b);
  const touched: Range[] = [...outputs, ...program.state, ...steps.flatMap(i => program.steps[i]!.bindings)];
  const bySlot = Map.groupBy(touched, r => r.slot);
  const needed = <T extends Range>(items: readonly T[]): T[] => items.filter(t => bySlot.get(t.slot)?.some(r => meet(r, t)));
  return {
    outputs,
    steps,
    slots: new Set(bySlot.keys()),
    inputs: new Set(needed(program.inputs)),
    weights: needed(program.weights),
    state: program.state,
  };
}

function findOutput(program: Program, name: string): Output {
  const found = program.outputs.find(o => o.name === name);
  if (found) return found;
  throw new InputError('HD6', `output '${name}' is unknown; the outputs are ${program.outputs.map(o => `'${o.name}'`).join(', ')}`);
}

/** Do two ranges of one slot share a byte? Slots of inputs and weights are laid out alike at every batch, so batch 1 tells. */
function meet(a: Range, b: Range): boolean {
  const startA = sizeAt(a.offset, 1);
  const startB = sizeAt(b.offset, 1);
  return startA < startB + sizeAt(b.bytes, 1) && startB < startA + sizeAt(a.bytes, 1);
}

/** Refuses what the device cannot run, before anything is allocated or dispatched. Throws LimitError HD3 with both numbers. */
export function checkLimits(program: Program, selection: Selection, batch: number, device: Device): void {
  const { limits } = device;
  const { needs } = program;
  const most = (of: (step: number) => number): number => selection.steps.reduce((n, s) => Math.max(n, of(s)), 0);
  const binding = most(s => Math.max(0, ...program.steps[s]!.bindings.map(r => sizeAt(r.bytes, batch))));
  const buffer = [...selection.slots].reduce((n, s) => Math.max(n, sizeAt(program.slots[s]!.bytes, batch)), 0);
  const rows: readonly (readonly [what: string, needed: number, offered: number])[] = [
    ['storage buffers a kernel', needs.storageBuffers, limits.storageBuffers],
    ['bytes of workgroup memory', needs.workgroupBytes, limits.workgroupBytes],
    ['invocations a workgroup', needs.invocations, limits.invocations],
    ['bytes in one binding', binding, limits.bindingBytes],
    ['bytes in one buffer', buffer, limits.bufferBytes],
  ];
  for (const [what, needed, offered] of rows)
    if (needed > offered)
      throw new LimitError(`program '${program.name}' at batch ${batch} needs ${needed} ${what}, device '${device.name}' offers ${offered}`);
  for (const feature of needs.features)
    if (!device.features.has(feature))
      throw new LimitError(`program '${program.name}' needs the feature '${feature}', which device '${device.name}' does not have`);
}
