// The pieces of `npm run train:demo` that have right answers: the schedule, the running mean, the picture of the curve, the judge's yardstick.
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { curveSvg, writeCurve } from '../../examples/train/curve.ts';
import { meanImage } from '../../examples/train/evaluate.ts';
import { learningRate, mean, normalised, peakLr, pixels, std, warmUp } from '../../examples/train/setup.ts';
import { runningMean } from '../../examples/train/train.ts';

test('the learning rate rises to its peak, then falls along half a cosine to nothing', () => {
  expect(learningRate(0)).toBe(0);
  expect(learningRate(warmUp / 2)).toBeCloseTo(peakLr / 2);
  expect(learningRate(warmUp)).toBeCloseTo(peakLr);
  expect(learningRate((1 + warmUp) / 2)).toBeCloseTo(peakLr / 2);
  expect(learningRate(1)).toBeCloseTo(0);
});
test('a running mean of equal values is that value from the first on', () => {
  expect([3, 3, 3].map(runningMean())).toEqual([3, 3, 3].map(x => expect.closeTo(x)));
  const last = Array.from({ length: 500 }, (_, i) => (i < 400 ? 10 : 1))
    .map(runningMean())
    .at(-1)!;
  expect(last).toBeGreaterThan(1);
  expect(last).toBeLessThan(1.1);
});
test('the curve is a picture of numbers and lines, without fonts', async () => {
  const losses = Array.from({ length: 300 }, (_, i) => 0.5 + 1 / (1 + i / 20));
  const svg = curveSvg(losses, 0.92);
  expect(svg).not.toContain('<text');
  expect(svg).not.toContain('NaN');
  expect(svg.match(/L\d/g)!.length).toBe(2 * (losses.length - 1));
  const file = path.join(tmpdir(), `heddle-curve-${process.pid}.png`);
  await writeCurve(file, losses, 0.92);
  expect([...(await readFile(file)).subarray(1, 4)].map(c => String.fromCharCode(c)).join('')).toBe('PNG');
});
test('the mean image is the mean of each pixel in the scale of the model', () => {
  const image = (byte: number) => ({ width: 28, height: 28, channels: 1 as const, data: new Uint8Array(pixels).fill(byte) });
  const typical = meanImage(normalised([image(0), image(255)]));
  expect(typical.length).toBe(pixels);
  for (const v of typical) expect(v).toBeCloseTo((0.5 - mean) / std, 5);
});
