// Bind groups of one program for one batch and one set of buffers. Making one costs 27 µs on Dawn (measured), a tenth of a small model's
// run, and most runs repeat the last.
import type { Launch } from '../device.ts';

export class BindGroups {
  #batch = -1;
  #slots: Launch['slots'] = [];
  readonly #byStep = new Map<number, GPUBindGroup>();

  /** Forgets all groups if the launch has another batch or other buffers than the last one. */
  begin({ batch, slots }: Launch): void {
    if (batch === this.#batch && slots.length === this.#slots.length && slots.every((buffer, i) => buffer === this.#slots[i])) return;
    this.clear();
    this.#batch = batch;
    this.#slots = [...slots];
  }

  get(step: number, make: () => GPUBindGroup): GPUBindGroup {
    let group = this.#byStep.get(step);
    if (!group) {
      group = make();
      this.#byStep.set(step, group);
    }
    return group;
  }

  clear(): void {
    this.#byStep.clear();
    this.#slots = [];
    this.#batch = -1;
  }
}
