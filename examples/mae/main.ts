// `npm run mae`: compiles the masked autoencoder, prints its plan, and reconstructs real digits and real photographs from a quarter of
// their patches, with pre-trained weights. Writes out/mae-digits.png and out/mae-photos.png: original | masked | reconstructed | composite.
import { fileURLToPath } from 'node:url';
import { report } from '../../cli/exit.ts';
import { openDevices } from './devices.ts';
import { digits } from './digits.ts';
import { photos } from './photos.ts';

const out = (file: string): string => fileURLToPath(new URL(`../../out/${file}`, import.meta.url));

async function main(): Promise<void> {
  const start = performance.now();
  const devices = await openDevices();
  try {
    await digits(devices, out('mae-digits.png'));
    await photos(devices, out('mae-photos.png'));
  } finally {
    for (const d of devices) d.dispose();
  }
  console.log(`\n${((performance.now() - start) / 1000).toFixed(1)} s in all`);
}

try {
  await main();
} catch (e) {
  process.exitCode = report(e);
}
