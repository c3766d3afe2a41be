// Fills the generated parts of docs/fusion.md and docs/kernels.md: loop nests and their tiles as the compiler makes them, its decisions in
// words, and the table of kernels from the pinned plans. A test holds the pages in sync.
//   node scripts/gen-fusion-docs.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { capabilities } from '../compiler/code/capabilities.ts';
import type { Capability } from '../compiler/code/types.ts';
import { intern } from '../compiler/graph/intern.ts';
import { simplify } from '../compiler/graph/simplify.ts';
import { groupLoops } from '../compiler/loops/facts.ts';
import { sweepsOf } from '../compiler/loops/fuse/chunk.ts';
import type { TileSchedule } from '../compiler/loops/fuse/cost.ts';
import { fuse } from '../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../compiler/loops/fuse/machine.ts';
import { factsOf } from '../compiler/loops/fuse/placement.ts';
import { printNest } from '../compiler/loops/print.ts';
import type { LoopNest } from '../compiler/loops/types.ts';
import { homeOf } from '../compiler/loops/unfused.ts';
import { attention, f32, gelu, layerNorm, linear } from '../dsl/index.ts';
import { type Traced, traced } from '../dsl/model.ts';
import { readPins } from './pins.ts';

// ---------------------------------------------------------------- loop nests
const machine = machineOf(capabilities.webgpu);

interface Plan {
  readonly kernels: readonly { readonly nest: LoopNest; readonly schedule: TileSchedule; readonly names: (node: number) => string }[];
  readonly decisions: readonly string[];
}
function plan(t: Traced): Plan {
  const { graph, outputs, inputs, params } = simplify(intern(t));
  const known = new Map([...inputs, ...params, ...outputs].map(([name, id]) => [homeOf(graph, id), name]));
  const decisions: string[] = [];
  const kernels = fuse(
    graph,
    outputs.map(([, id]) => id),
    machine,
    { explain: line => decisions.push(line) },
  );
  return { kernels: kernels.map(({ nest, schedule }) => ({ nest, schedule, names: id => known.get(id) ?? `%${id}` })), decisions };
}
/** A kernel with its schedule in words. */
function kernel(t: Traced): string {
  const { kernels } = plan(t);
  if (kernels.length !== 1) throw new Error(`the page shows one kernel, the plan has ${kernels.length}`);
  const { nest, schedule, names } = kernels[0]!;
  const tiles = nest.axes.flatMap((a, i) => (schedule.tile[i]! > 0 ? [`${a.name}:${schedule.tile[i]}`] : []));
  const places = schedule.places.map((p, i) => `p${i} ${p}`);
  const whole = (n: number): string => Math.round(n).toLocaleString('en-US');
  return code(
    `${printNest(followingMaxima(nest, schedule), names)}

tile   ${tiles.join(' ')}   parts ${places.join(', ')}   ${whole(schedule.tables)} numbers in tables
cost   ${whole(schedule.cost)} bytes' time at batch 8: ${whole(schedule.bytes)} bytes, ${whole(schedule.operations)} operations, ${whole(schedule.groups)} groups`,
  );
}
/** The nest with the links that its sweeps over chunks make use of. */
function followingMaxima(nest: LoopNest, { chunk }: TileSchedule): LoopNest {
  if (chunk < 0) return nest;
  const { rescale } = sweepsOf(nest, factsOf(nest), chunk);
  const parts = nest.parts.map((p, i) => ({ ...p, rescale: rescale[i]! }));
  return { ...nest, parts, loops: groupLoops({ values: nest.values, parts }) };
}
const code = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;

const normalised = traced({ x: f32('B', 197, 768), weight: f32(768), bias: f32(768) }, ({ x, weight, bias }) => ({ y: layerNorm(x, weight, bias) }));
const attended = (tokens: number): Traced => {
  const heads = () => f32('B', 12, tokens, 64);
  return traced({ q: heads(), k: heads(), v: heads() }, ({ q, k, v }) => ({ o: attention(q, k, v) }));
};
const perceptron = traced(
  { x: f32('B', 50, 192), g: f32(192), h: f32(192), w1: f32(768, 192), b1: f32(768), w2: f32(192, 768), b2: f32(192) },
  ({ x, g, h, w1, b1, w2, b2 }) => ({ y: linear(gelu(linear(layerNorm(x, g, h), w1, b1)), w2, b2) }),
);

/** The machines of machine.ts. */
function machineTable(): string {
  const row = ([name, c]: readonly [string, Capability]): string => {
    const m = machineOf(c);
    return `| ${name} | ${m.bindings} / ${m.outputs} | ${m.tables} | ${m.lanes} | ${m.accumulators} | ${m.groups} | ${m.operationsPerByte} | ${m.launchBytes} |`;
  };
  return [
    '| target | bindings / outputs | numbers in tables | lanes of a group | accumulators of a lane | busy groups | operationsPerByte | launch |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...Object.entries(capabilities).map(row),
  ].join('\n');
}

// ---------------------------------------------------------------- tables
/** Kernels of one pre-norm block in peers, forward and with all gradients; counted in November 2026. */
const peers = [
  ['jax-js 0.1.25', 20, 85],
  ['tinygrad', 14, 38],
] as const;
const targetWords: Readonly<Record<string, string>> = {
  webgpu: 'webgpu: any adapter, 8 bindings, 16 KiB of workgroup memory',
  'webgpu-large': 'webgpu-large: 10 bindings, 32 KiB',
  'webgpu-software': 'webgpu-software: no workgroup memory',
  js: 'js',
  gl: 'gl: one output a kernel, no tables (plan only)',
  'webgpu unfused': 'webgpu, not fused',
};

function blockTable(): string {
  const { blocks } = readPins();
  const of = (what: string, key: 'kernels' | 'bytes'): string => {
    const pin = blocks[what];
    return pin === undefined ? '–' : key === 'kernels' ? `${pin.kernels}` : `${(pin.bytes / 1e6).toFixed(1)} MB`;
  };
  const rows = Object.entries(targetWords).map(([target, words]) => {
    const [small, large] = ['(1,50,192)', '(8,197,768)'].map(
      size => (pass: string, key: 'kernels' | 'bytes') => of(`blocks ${size} ${pass} ${target}`, key),
    ) as [Cell, Cell];
    return `| Heddle, ${words} | ${small('forward', 'kernels')} / ${small('gradients', 'kernels')} | ${large('forward', 'kernels')} / ${large('gradients', 'kernels')} | ${large('forward', 'bytes')} / ${large('gradients', 'bytes')} |`;
  });
  return [
    '| | kernels at (1,50,192) | kernels at (8,197,768) | traffic at (8,197,768) |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...peers.map(([name, forward, gradients]) => `| ${name} | ${forward} / ${gradients} | ${forward} / ${gradients} | |`),
  ].join('\n');
}
type Cell = (pass: string, key: 'kernels' | 'bytes') => string;

function modelTable(): string {
  const rows = Object.entries(readPins().models).map(([key, p]) => {
    const [model, pass, ...target] = [key.split(' ').slice(0, 2).join(' '), ...key.split(' ').slice(2)];
    const mega = (n: number | undefined): string => (n === undefined ? '–' : (n / 1e6).toFixed(1));
    return `| ${model} | ${pass} | ${target.join(' ')} | ${p.kernels} | ${p.distinct} | ${mega(p.bytes)} | ${(p.flops / 1e9).toFixed(2)} | ${mega(p.arena)} | ${p.text === undefined ? '–' : Math.round(p.text / 1000)} |`;
  });
  return [
    '| model | pass | target | kernels | distinct | MB moved | GFLOP | MB of intermediates | kB of text |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

// ---------------------------------------------------------------- pages
/** Page → marker → what stands after it. */
const parts: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'fusion.md': {
    layerNorm: () => kernel(normalised),
    attention: () => kernel(attended(197)),
    online: () => kernel(attended(10_000)),
    decisions: () => code(plan(perceptron).decisions.join('\n')),
    machines: machineTable,
  },
  'kernels.md': { blocks: blockTable, models: modelTable },
};
export const pages = Object.keys(parts);
export const pathOf = (page: string): string => fileURLToPath(new URL(`../docs/${page}`, import.meta.url));

/** The page's text with its generated parts made anew; they stand between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export function pageText(page: string): string {
  let text = readFileSync(pathOf(page), 'utf8');
  for (const [name, make] of Object.entries(parts[page]!)) {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/${page}: no part ${name}`);
    text = `${text.slice(0, from)}${begin}\n${make()}\n${text.slice(to)}`;
  }
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) for (const page of pages) writeFileSync(pathOf(page), pageText(page));
