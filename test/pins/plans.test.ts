// Plans of the models are those of plans.json, and within what is required of them. Reviewed when they change:
// node scripts/pins.ts --write
import { describe, expect, it, test } from 'vitest';
import { blockEntries, modelEntries, readPins } from '../../scripts/pins.ts';

const pins = readPins();

describe('plans are the pinned ones (node scripts/pins.ts --write)', () => {
  it.each(modelEntries)('$key', ({ key, measure }) => expect(measure()).toEqual(pins.models[key]));
  it.each(blockEntries)('$key', ({ key, measure }) => expect(measure()).toEqual(pins.blocks[key]));
  it('nothing else is pinned', () => {
    expect(Object.keys(pins.models)).toEqual(modelEntries.map(e => e.key));
    expect(Object.keys(pins.blocks)).toEqual(blockEntries.map(e => e.key));
  });
});

describe('a pre-norm block costs', () => {
  const sizes = ['(1,50,192)', '(8,197,768)'];
  const kernels = (size: string, what: string): number => pins.blocks[`blocks ${size} ${what}`]!.kernels;
  test.each(sizes)('%s at most 7 kernels', size => expect(kernels(size, 'forward webgpu')).toBeLessThanOrEqual(7));
  test.each(sizes)('%s at most 21 with all gradients', size => expect(kernels(size, 'gradients webgpu')).toBeLessThanOrEqual(21));
  test.each(sizes)('%s at most 14 of one output each without workgroup memory', size => expect(kernels(size, 'forward gl')).toBeLessThanOrEqual(14));
});

it('fusion saves kernels, traffic and memory on every model and pass', () => {
  const models = new Set(modelEntries.map(e => e.key.split(' ').slice(0, 3).join(' ')));
  expect(models.size).toBe(9);
  for (const model of models) {
    const [fused, unfused] = [pins.models[`${model} webgpu`]!, pins.models[`${model} webgpu unfused`]!];
    expect([model, fused.kernels < unfused.kernels / 3.5, fused.bytes < 0.55 * unfused.bytes, fused.arena! < unfused.arena!]).toEqual([
      model,
      true,
      true,
      true,
    ]);
  }
});
it('twenty blocks of two widths have the kernels of a few', () => expect(pins.models['mae base forward webgpu']!.distinct).toBeLessThanOrEqual(20));
