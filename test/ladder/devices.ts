// The JavaScript device under watch: memory that no kernel has written yet holds NaN (as an integer, 2143289344), and an access outside a
// binding's range throws.
import type { Program } from '../../common/program.ts';
import type { Launch, Prepared } from '../../runtime/device.ts';
import { JsDevice } from '../../runtime/js/device.ts';

const quietNaN = 0x7fc00000;
/** Each binding of a kernel behind a proxy. */
const watched = (text: string): string => `const make = () => { ${text} };
const kernel = make();
const watch = array => new Proxy(array, {
  get: (a, at) => { if (typeof at === 'string' && !(at in a)) throw new RangeError('read at ' + at + ' of ' + a.length); const x = a[at]; return typeof x === 'function' ? x.bind(a) : x; },
  set: (a, at, x) => { if (!(at in a)) throw new RangeError('write at ' + String(at) + ' of ' + a.length); a[at] = x; return true; },
});
return (m, u, from, to) => kernel(m.map(watch), u, from, to);`;

export class WatchedJs extends JsDevice {
  override prepare(program: Program): Promise<Prepared> {
    return super.prepare({ ...program, kernels: program.kernels.map(k => ({ ...k, text: watched(k.text) })) });
  }
  override run(launch: Launch): Promise<void> {
    const { slots } = launch.prepared.program;
    launch.slots.forEach((buffer, i) => {
      if (buffer && slots[i]!.kind === 'arena') this.upload(buffer, 0, new Uint32Array(buffer.bytes / 4).fill(quietNaN));
    });
    return super.run(launch);
  }
}
