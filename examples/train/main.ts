// `npm run train:demo [seconds]`: trains a masked autoencoder on MNIST's digits from scratch, for two minutes unless said, on the best
// device here: forward pass, gradients and AdamW are one program, its state stays on the device. Then judges it on test digits that it
// never saw and writes out/train-loss.png (the loss over the steps) and out/train-digits.png (original | masked | reconstructed |
// composite).
import { fileURLToPath } from 'node:url';
import { report } from '../../cli/exit.ts';
import { writePng } from '../../runtime/files/images.ts';
import { openDevice } from '../../runtime/index.ts';
import { readDigits } from '../mae/data.ts';
import { writeCurve } from './curve.ts';
import { evaluate, meanImage, pictures } from './evaluate.ts';
import { config, mean, normalised, std } from './setup.ts';
import { train } from './train.ts';

const out = (file: string): string => fileURLToPath(new URL(`../../out/${file}`, import.meta.url));
const testDigits = 256;
const shownDigits = 24;

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 120);
  const [training, test] = await Promise.all([readDigits(undefined, 'train'), readDigits(testDigits)]);
  const { device, why } = await openDevice('auto');
  console.log(why);
  try {
    const images = normalised(training.images);
    const trained = await train(device, images, seconds);
    const { losses, weights, digits } = trained;
    console.log(`${losses.length} steps, ${digits} digits, ${(digits / seconds).toFixed(0)} digits/s on ${device.name}`);

    const judged = await evaluate(device, weights, normalised(test.images), meanImage(images));
    console.log(
      `test loss ${judged.loss.toFixed(4)} on the removed patches of ${testDigits} test digits: ${(judged.loss / judged.ofMean).toFixed(3)} of what ` +
        `predicting the mean costs (${judged.ofMean.toFixed(4)}), ${(judged.loss / judged.ofMeanImage).toFixed(3)} of what the mean image costs (${judged.ofMeanImage.toFixed(4)})`,
    );
    await writeCurve(out('train-loss.png'), losses, judged.ofMean);
    await writePng(out('train-digits.png'), pictures(judged, shownDigits, { ...config, mean: [mean], std: [std] }));
    console.log(`written: ${out('train-loss.png')}\nwritten: ${out('train-digits.png')}`);
  } finally {
    device.dispose();
  }
}

try {
  await main();
} catch (e) {
  process.exitCode = report(e);
}
