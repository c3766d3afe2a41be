// `heddle devices`: Node, the adapters with their limits, and which device auto takes and why.
import { listDevices } from '../runtime/auto.ts';

export async function devices(flags: { readonly json?: boolean }): Promise<void> {
  const list = await listDevices();
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ node: process.versions.node, ...list }, null, 1)}\n`);
    return;
  }
  const lines = [`node ${process.versions.node}`];
  for (const d of list.devices) {
    lines.push(`${d.kind}  ${d.name}${d.software ? ' (software)' : ''}`);
    if (d.limits) for (const [k, v] of Object.entries(d.limits)) lines.push(`  ${k} ${v}`);
    if (d.why) lines.push(`  ${d.why}`);
  }
  lines.push(`auto takes ${list.auto.kind}: ${list.auto.why}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}
