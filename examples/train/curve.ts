// A loss curve as a PNG: an SVG that sharp rasterises. Numbers on the axes are drawn as strokes of a seven-segment display, so that the
// picture does not depend on which fonts a machine has.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { runningMean } from './train.ts';

const width = 900;
const height = 480;
const margin = { left: 70, right: 20, top: 20, bottom: 50 };

/** Strokes of a digit, top to bottom, on a cell of 1 × 2. */
const segments = ['M0 0H1', 'M1 0V1', 'M1 1V2', 'M0 2H1', 'M0 1V2', 'M0 0V1', 'M0 1H1'];
const lit = ['012345', '12', '01346', '01236', '1256', '02356', '023456', '012', '0123456', '012356'];

/** A number with its right end (or its middle) at x, centred on y. */
function number(text: string, x: number, y: number, anchor: 'end' | 'middle'): string {
  const size = 5.5;
  const advance = (c: string): number => (c === '.' ? 5 : 10);
  const total = [...text].reduce((sum, c) => sum + advance(c), 0) - 4;
  let left = anchor === 'end' ? x - total : x - total / 2;
  const marks = [...text].map(c => {
    const at = `translate(${left.toFixed(1)} ${(y - size).toFixed(1)}) scale(${size})`;
    left += advance(c);
    const d = c === '.' ? 'M0 1.9V2' : [...(lit[Number(c)] ?? '')].map(s => segments[Number(s)]).join('');
    return `<path transform="${at}" d="${d}" stroke-width="0.22" stroke="#444" fill="none" stroke-linecap="round"/>`;
  });
  return marks.join('');
}

/** A round step that gives at most `most` ticks up to `end`. */
function tickStep(end: number, most: number): number {
  const rough = end / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find(m => m * power >= rough) ?? 10);
}

/** The curve as SVG: each step's loss in grey, its running mean in blue, a dashed line at `mark`. */
export function curveSvg(losses: readonly number[], mark: number): string {
  const means = losses.map(runningMean());
  const top = Math.max(mark * 1.15, ...means.slice(20));
  const right = Math.max(losses.length, 2);
  const x = (step: number): number => margin.left + ((width - margin.left - margin.right) * (step - 1)) / (right - 1);
  const y = (loss: number): number => height - margin.bottom - (height - margin.top - margin.bottom) * Math.min(loss / top, 1);
  const line = (values: readonly number[]): string =>
    values.map((v, i) => `${i === 0 ? 'M' : 'L'}${x(i + 1).toFixed(1)} ${y(v).toFixed(1)}`).join('');
  const ticks = (end: number, most: number): number[] => {
    const step = tickStep(end, most);
    return Array.from({ length: Math.floor(end / step) + 1 }, (_, k) => k * step);
  };
  const across = ticks(top, 8).map(
    t =>
      `<path d="M${margin.left} ${y(t).toFixed(1)}H${width - margin.right}" stroke="#e4e4e4"/>${number(t.toFixed(1), margin.left - 10, y(t), 'end')}`,
  );
  const down = ticks(right, 8).map(t => {
    const at = x(Math.max(t, 1));
    return `<path d="M${at.toFixed(1)} ${margin.top}V${height - margin.bottom}" stroke="#e4e4e4"/>${number(String(t), at, height - margin.bottom + 18, 'middle')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>
${across.join('\n')}
${down.join('\n')}
<path d="M${margin.left} ${y(mark).toFixed(1)}H${width - margin.right}" stroke="#c33" stroke-dasharray="8 6"/>
<path d="${line(losses)}" stroke="#bbb" fill="none"/>
<path d="${line(means)}" stroke="#1763b8" stroke-width="2.5" fill="none" stroke-linejoin="round"/>
<path d="M${margin.left} ${margin.top}V${height - margin.bottom}H${width - margin.right}" stroke="#444" fill="none"/>
</svg>`;
}

export async function writeCurve(file: string, losses: readonly number[], mark: number): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await sharp(Buffer.from(curveSvg(losses, mark)))
    .png()
    .toFile(file);
}
