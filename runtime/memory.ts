// The slot buffers of one session: allocated by need, grown when the batch grows, counted against a limit, and released together.
import type { Program, SlotKind } from '../common/program.ts';
import { sizeAt } from '../common/size.ts';
import type { Device, DeviceBuffer } from './device.ts';
import { DeviceError } from './errors.ts';

export class SlotMemory {
  readonly #program: Program;
  readonly #device: Device;
  readonly #limit: number;
  readonly #buffers: (DeviceBuffer | undefined)[];

  constructor(program: Program, device: Device, limit: number) {
    this.#program = program;
    this.#device = device;
    this.#limit = limit;
    this.#buffers = program.slots.map(() => undefined);
  }

  /** By slot, as a launch wants them. */
  get buffers(): readonly (DeviceBuffer | undefined)[] {
    return this.#buffers;
  }

  /** Makes the slots large enough for a batch and returns those that are new, whose bytes are zero. Throws DeviceError HD2 before
   *  anything is allocated when the limit would be passed. */
  ensure(slots: ReadonlySet<number>, batch: number): ReadonlySet<number> {
    const sizes = new Map([...slots].map(s => [s, sizeAt(this.#program.slots[s]!.bytes, batch)]));
    const total = this.#buffers.reduce((n, b, s) => n + Math.max(b?.bytes ?? 0, sizes.get(s) ?? 0), 0);
    if (total > this.#limit)
      throw new DeviceError(
        'HD2',
        `program '${this.#program.name}' at batch ${batch} takes ${total} bytes, over the memoryLimit of ${this.#limit}; the largest values are ${largest(this.#program, slots, batch)}; use a smaller batch`,
      );
    const fresh = new Set<number>();
    for (const [slot, bytes] of sizes) {
      const old = this.#buffers[slot];
      if (old && old.bytes >= bytes) continue;
      old?.dispose();
      this.#buffers[slot] = undefined;
      this.#buffers[slot] = this.#device.allocate(bytes);
      fresh.add(slot);
    }
    return fresh;
  }

  buffer(slot: number): DeviceBuffer {
    const buffer = this.#buffers[slot];
    if (!buffer) throw new DeviceError('HD5', `slot ${slot} has no buffer`);
    return buffer;
  }

  /** Disposes the buffers of these kinds, of all kinds unless said. */
  release(kinds?: readonly SlotKind[]): void {
    this.#buffers.forEach((buffer, slot) => {
      if (kinds && !kinds.includes(this.#program.slots[slot]!.kind)) return;
      buffer?.dispose();
      this.#buffers[slot] = undefined;
    });
  }
}

const named = 3;
/** The largest values that lie in some slots, in words: those of the arena by the operation that makes them. */
function largest({ inputs, weights, state, values }: Program, slots: ReadonlySet<number>, batch: number): string {
  const kinds = Object.entries({ input: inputs, weight: weights, state, value: values });
  const all = kinds.flatMap(([kind, list]) =>
    list.filter(v => slots.has(v.slot)).map(v => ({ of: `${kind} ${v.name}`, bytes: sizeAt(v.bytes, batch) })),
  );
  const first = all.sort((a, b) => b.bytes - a.bytes).slice(0, named);
  return first.map(v => `${v.of} (${v.bytes} bytes)`).join(', ');
}
