// The models' fused plans, forward and with all gradients: as nests in the interpreter, and as programs on devices, each against the
// graph's own interpreter. The kernels of a real GPU (lanes that share tables) run here on whatever adapter there is.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sizeAt } from '../../common/size.ts';
import { capabilities, type Target } from '../../compiler/code/capabilities.ts';
import { compileTraced } from '../../compiler/compile.ts';
import { float64 } from '../../compiler/graph/arithmetic.ts';
import { withGradients } from '../../compiler/graph/gradient/parameters.ts';
import { numel } from '../../compiler/graph/graph.ts';
import { intern } from '../../compiler/graph/intern.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { runReference } from '../../compiler/reference.ts';
import { type Traced, trace } from '../../dsl/model.ts';
import mae from '../../models/mae.ts';
import vit from '../../models/vit.ts';
import { openDevice } from '../../runtime/auto.ts';
import type { Device } from '../../runtime/device.ts';
import { openJs } from '../../runtime/js/device.ts';
import { open } from '../../runtime/session.ts';
import { disposed } from '../disposed.ts';
import { difference } from '../loops/run.ts';

const batch = 2;
const tiny = { imageSize: 16, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool: 'mean' } as const;
const models: readonly (readonly [string, Traced, string])[] = [
  ['mae tiny', trace(mae, 'tiny'), 'loss'],
  ['vit tiny', trace(vit, tiny), 'logits'],
];
/** Small values for every input and parameter, as f32. */
function feedsOf(traced: Traced, size: number): Record<string, Float32Array<ArrayBuffer>> {
  const { graph, inputs, params } = intern(traced);
  return Object.fromEntries(
    [...inputs, ...params].map(([name, id], k) => {
      const length = sizeAt(numel(graph.shape(id)), size);
      const scale = inputs.has(name) ? 1 : 0.2;
      return [name, Float32Array.from({ length }, (_, i) => scale * Math.sin(i * 12.9898 + k * 78.233))];
    }),
  );
}

for (const [name, traced, output] of models)
  for (const grad of [undefined, output])
    test.each(Object.values(capabilities))(`${name}${grad ? ' with gradients' : ''} for $name: fused nests = graph`, capability => {
      const whole = intern(traced);
      const { graph, outputs } = simplify(grad === undefined ? whole : withGradients(whole, grad));
      const ids = outputs.map(([, id]) => id);
      const feeds = Object.fromEntries(Object.entries(feedsOf(traced, batch)).map(([key, x]) => [key, Float64Array.from(x)]));
      expect(difference(graph, ids, fuse(graph, ids, machineOf(capability)), feeds, { batch, arith: float64 }, 1e-9)).toBeUndefined();
    });

let webgpu: Device;
beforeAll(async () => {
  webgpu = (await openDevice('webgpu')).device;
});
afterAll(() => webgpu?.dispose());
const targets: readonly Target[] = ['js', 'webgpu', 'webgpu-software'];
for (const [name, traced, grad] of models)
  test.each(targets)(`${name} with gradients, compiled for %s`, async target => {
    const device = target === 'js' ? openJs() : webgpu;
    const feeds = feedsOf(traced, batch);
    const program = compileTraced(traced, { target, grad, fuse: 'all' });
    const weights = new Map(program.weights.map(w => [w.name, { dtype: 'F32', shape: w.shape, data: feeds[w.name]! }] as const));
    const session = disposed(await open(program, { device, weights }));
    const results = await session.run(Object.fromEntries(program.inputs.map(i => [i.name, feeds[i.name]!])));
    const want = runReference(traced, feeds, { batch, grad });
    for (const [key, { data }] of Object.entries(want)) {
      const got = results[key]!.data;
      const values = Array.from(data);
      const scale = values.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-3);
      const worst = values.reduce((m, x, i) => Math.max(m, Math.abs(x - Number(got[i]))), 0) / scale;
      expect(worst, key).toBeLessThan(1e-4);
    }
  });
