// What a lost WebGPU device does not say by itself: onSubmittedWorkDone resolves and createBuffer does not throw after a loss (measured on
// Dawn). So every await goes through `race`, which rejects when the device is lost, and every error scope is settled before results count.
import { DeviceError } from '../errors.ts';

/** After destroy(), a pending map rejects a moment before `lost` resolves: how long a rejection waits for that, in milliseconds. */
const lossDelay = 50;

/** The error of a command, once the device has looked at it. It belongs to whoever gave the command: sessions share a device. */
export type Outcome = Promise<GPUError | null>;

export class Guard {
  readonly #device: GPUDevice;
  readonly #name: string;
  #lost: DeviceError | undefined;
  /** Rejecters of the awaits in progress; a plain Promise.race with `lost` would leave one reaction behind for each await. */
  readonly #waiting = new Set<(e: DeviceError) => void>();

  constructor(device: GPUDevice, name: string) {
    this.#device = device;
    this.#name = name;
    void device.lost.then(({ reason, message }) => {
      this.#lost = new DeviceError('HD1', `device '${this.#name}' was lost (${reason}${message ? `: ${oneLine(message)}` : ''}); open it again`);
      for (const reject of this.#waiting) reject(this.#lost);
    });
  }

  /** Throws HD1 if the device is known to be lost. */
  check(): void {
    if (this.#lost) throw this.#lost;
  }

  /** The promise, or HD1 when the device is lost first. */
  async race<T>(promise: Promise<T>): Promise<T> {
    this.check();
    let reject: (e: DeviceError) => void = () => {};
    const loss = new Promise<never>((_, r) => {
      reject = r;
    });
    this.#waiting.add(reject);
    try {
      const value = await Promise.race([promise, loss]);
      this.check();
      return value;
    } catch (e) {
      if (!(e instanceof DeviceError)) await Promise.race([loss, new Promise(resolve => setTimeout(resolve, lossDelay))]);
      throw e;
    } finally {
      this.#waiting.delete(reject);
    }
  }

  /** Does `act` under error scopes and returns their outcome beside its result. */
  scoped<T>(act: () => T): readonly [result: T, outcome: Outcome] {
    this.check();
    const filters = ['validation', 'out-of-memory', 'internal'] as const;
    for (const filter of filters) this.#device.pushErrorScope(filter);
    // a lost device may reject its scopes; that it is lost is what `race` tells
    const pop = (): Outcome => Promise.all(filters.map(() => this.#device.popErrorScope().catch(() => null))).then(worst);
    try {
      const result = act();
      return [result, pop()];
    } catch (e) {
      void pop();
      throw e;
    }
  }

  /** Waits for outcomes. Throws HD2 (out of memory), HD11 (refused) or HD1 (lost). */
  async settle(outcomes: readonly Outcome[]): Promise<void> {
    const error = worst(await this.race(Promise.all(outcomes)));
    if (!error) return;
    if (isOutOfMemory(error))
      throw new DeviceError('HD2', `device '${this.#name}' is out of memory; use a smaller batch (${oneLine(error.message)})`);
    throw new DeviceError('HD11', `device '${this.#name}' refused a command: ${oneLine(error.message)}`);
  }
}

const worst = (errors: readonly (GPUError | null)[]): GPUError | null => errors.find(isOutOfMemory) ?? errors.find(e => e !== null) ?? null;
/** By the class's name: the classes are globals in a browser, but not in Node. */
const isOutOfMemory = (e: GPUError | null): boolean => e?.constructor.name === 'GPUOutOfMemoryError';

/** The first line of a driver's message, which may be long and of many lines. */
export const oneLine = (text: string): string => (text.split(/[\r\n]/).find(line => line.trim()) ?? text).trim().slice(0, 300);
