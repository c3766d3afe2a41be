// Configs that cannot be: each message names the field.
import { choice, config, count, keepCount, number, optional, ratio, size } from 'heddle';
import { vitConfig } from '../fixtures/layers.ts';
import { mistake, traceOnly } from '../mistake.ts';

const base = { imageSize: 224, patchSize: 16, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 } as const;
const json: { patchSize: number } = JSON.parse('{"patchSize":15}');

mistake('config: imageSize 224 is not divisible by patchSize 15', () =>
  vitConfig(/*✗*/ { imageSize: 224, patchSize: 15, channels: 3, width: 768, heads: 12, depth: 2, maskRatio: 0.75 }),
);
mistake('config: imageSize 225 is not divisible by patchSize 16', () => vitConfig(/*✗*/ { ...base, imageSize: 225 }));
mistake('config: imageWidth 100 is not divisible by patchSize 16', () => vitConfig(/*✗*/ { ...base, imageWidth: 100 }));
mistake('config: width 768 is not divisible by heads 7', () => vitConfig(/*✗*/ { ...base, heads: 7 }));
mistake('config: "heads" is missing', () => vitConfig(/*✗*/ { imageSize: 224, patchSize: 16, channels: 3, width: 768, depth: 2, maskRatio: 0.75 }));
mistake('config: there is no field "patch"', () => vitConfig(/*✗*/ { ...base, patch: 16 }));
mistake('config: there is no field "__proto__"', () => vitConfig(/*✗*/ { ...base, ['__proto__']: 16 }));
mistake('config: there is no field "constructor"', () => vitConfig(/*✗*/ { ...base, constructor: 16 }));
mistake('config: patchSize must be a number, got "16"', () => vitConfig(/*✗*/ { ...base, patchSize: '16' }));
mistake('config: depth must be a number, got "2"', () => vitConfig(/*✗*/ { ...base, depth: '2' }));
mistake('config: depth must be a whole number from 1, got 0', () => vitConfig(/*✗*/ { ...base, depth: 0 }));
mistake('config: depth must be a whole number from 1, got 2.5', () => vitConfig(/*✗*/ { ...base, depth: 2.5 }));
mistake('config: channels must be a whole number from 1, got -3', () => vitConfig(/*✗*/ { ...base, channels: -3 }));
mistake('config: classToken must be true or false, got 1', () => vitConfig(/*✗*/ { ...base, classToken: 1 }));
mistake('config: maskRatio must be above 0 and below 1, got 0', () => vitConfig(/*✗*/ { ...base, maskRatio: 0 }));
mistake('config: maskRatio must be above 0 and below 1, got 1', () => vitConfig(/*✗*/ { ...base, maskRatio: 1 }));
mistake('config: maskRatio must be above 0 and below 1, got -0.5', () => vitConfig(/*✗*/ { ...base, maskRatio: -0.5 }));
mistake('config: maskRatio 0.9 keeps none of 4', () => vitConfig(/*✗*/ { ...base, imageSize: 32, maskRatio: 0.9 }));
traceOnly('config: maskRatio 1e-20 removes none of 196', () => vitConfig({ ...base, maskRatio: 1e-20 }));
traceOnly('config: imageSize 224 is not divisible by patchSize 15', () => vitConfig({ ...base, patchSize: json.patchSize }));

const head = config({
  classes: size('C'),
  pool: choice('cls', 'mean'),
  epsilon: optional(number(), 1e-6),
  dropPath: optional(number(), 0),
  layers: count(),
});
mistake('config: pool must be one of cls, mean, got "max"', () => head(/*✗*/ { classes: 10, pool: 'max', layers: 1 }));
mistake('config: epsilon must be a number, got "small"', () => head(/*✗*/ { classes: 10, pool: 'cls', layers: 1, epsilon: 'small' }));
traceOnly('config: epsilon must be a number, got NaN', () => head({ classes: 10, pool: 'cls', layers: 1, epsilon: Number.NaN }));
traceOnly('config: layers must be a number, got NaN', () => head({ classes: 10, pool: 'cls', layers: Number.NaN }));
traceOnly('config: classes must be a number, got NaN', () => head({ classes: Number.NaN, pool: 'cls', layers: 1 }));
traceOnly('config: classes must be a whole number from 1, got Infinity', () => head({ classes: Number.POSITIVE_INFINITY, pool: 'cls', layers: 1 }));
traceOnly('config: classes must be a number, got something else', () => head.read(JSON.parse('{"classes":{"valueOf":3},"pool":"cls","layers":1}')));
traceOnly('config: there is no field "__proto__"', () => head.read(JSON.parse('{"__proto__":{"classes":3},"classes":10,"pool":"cls","layers":1}')));
traceOnly('config: wants an object of fields, got a list', () => head.read([1, 2]));
traceOnly('config: wants an object of fields, got null', () => head.read(null));
traceOnly('config: wants an object of fields, got "tiny"', () => head.read('tiny'));

const product = config({ width: size('2*H*K'), heads: size('H') }, { depth: size('K') });
mistake('config: width 768 is not divisible by 14 (2*H*K = 768, H = 7)', () => product(/*✗*/ { width: 768, heads: 7 }));
const open = config({ area: size('G*W') }, { keep: keepCount('V', 'G*W', 'R') });
mistake('config: cannot solve G*W = 196: give its symbols as sizes', () => open(/*✗*/ { area: 196 }));
const underived = config({ area: size('A'), share: ratio('R') }, { grid: size('G') });
traceOnly('config: grid = G does not follow from the fields', () => underived({ area: 4, share: 0.5 }));
