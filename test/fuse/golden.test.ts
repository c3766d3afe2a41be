// The kernels that a GPU runs, lanes that share tables and meet at barriers, against the official code: a software adapter would
// choose others for itself. The masked autoencoder, forward and its gradients in all parameters.
import { expect, test } from 'vitest';
import { compile } from '../../compiler/compile.ts';
import mae from '../../models/mae.ts';
import { openDevice } from '../../runtime/auto.ts';
import { open } from '../../runtime/session.ts';
import { assertAllClose, type HostTensor } from '../../testing/index.ts';
import { disposed } from '../disposed.ts';
import { golden, type OfficialConfig, ours } from '../models/files.ts';

test("mae-tiny on lanes that share tables: loss, prediction and gradients are the official code's", async () => {
  const file = await golden<OfficialConfig>('mae-tiny');
  const { device } = await openDevice('webgpu');
  try {
    const program = compile(mae, ours(file.config), { target: 'webgpu', grad: 'loss', fuse: 'all' });
    expect(program.kernels.some(k => k.text.includes('var<workgroup>'))).toBe(true);
    const session = disposed(await open(program, { device, weights: file.part('w') }));
    const given = file.part('in');
    const results: Readonly<Record<string, HostTensor>> = await session.run(
      Object.fromEntries(program.inputs.map(({ name }) => [name, given.get(name)!.data])),
    );
    const wanted: [string, HostTensor][] = [...file.tensors].filter(([key]) => key.startsWith('grad.'));
    expect(wanted.length).toBeGreaterThan(0);
    for (const [name, want] of [['loss', file.out('loss', [])] as const, ['pred', file.out('pred')] as const, ...wanted])
      assertAllClose(results[name]!, want, { name, ...file.tolerance });
  } finally {
    device.dispose();
  }
});
