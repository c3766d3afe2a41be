// How much do the types see? Each model file is changed in one place at a time (a swapped argument, another symbol, a dropped view, …);
// every mutant is compiled with TypeScript 7, with the files that use it, and both models are traced with it. A mutant counts when the
// trace's operations or their shapes change, or when somebody sees it; the rest are renamings and orders of equal sizes.
//   node scripts/mutate.ts [--keep] [--list]      # --list prints every mutant that types miss
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileFiles, root } from './check-types.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

const models = path.join(root, 'models');
/** Mutated files, each with the files that import it, directly or through others. */
const users: Readonly<Record<string, readonly string[]>> = {
  'layers.ts': ['patch.ts', 'vit.ts', 'mae.ts'],
  'patch.ts': ['vit.ts', 'mae.ts'],
  'masking.ts': ['mae.ts'],
  'vit.ts': [],
  'mae.ts': [],
};
const folder = path.join(root, 'out/mutants');

/** What the models promise: mutants that only change a result's shape are errors here. */
const promises = `
import type { Index, ModelInputs, ModelOutputs, Tensor } from 'heddle';
import mae from 'MAE';
import vit from 'VIT';
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
interface MaePromise {
  loss: Tensor<[], 'f32'>;
  pred: Tensor<['B', 'G*W', 'C*P*P'], 'f32'>;
  mask: Tensor<['B', 'G*W'], 'f32'>;
  ids_restore: Tensor<['B', 'G*W'], Index<'G*W'>>;
  latent: Tensor<['B', 'V+1', 'H*K'], 'f32'>;
}
interface VitPromise {
  features: Tensor<['B', 'H*K'], 'f32'>;
  logits: Tensor<['B', 'O'], 'f32'>;
}
export const maeKeeps: { [K in keyof MaePromise]: Same<ModelOutputs<typeof mae>[K], MaePromise[K]> } = { loss: true, pred: true, mask: true, ids_restore: true, latent: true };
export const vitKeeps: { [K in keyof VitPromise]: Same<ModelOutputs<typeof vit>[K], VitPromise[K]> } = { features: true, logits: true };
type Images = Tensor<['B', 'C', 'G*P', 'P*W'], 'f32'>;
export const inputsKeep: [Same<ModelInputs<typeof mae>['imgs'], Images>, Same<ModelInputs<typeof vit>['imgs'], Images>] = [true, true];
// … and the checkpoints': a layer's parameters have the official shapes.
type ParamsOf<M> = M extends { readonly params: (c: never) => infer P } ? P : never;
type MaeParams = ParamsOf<typeof mae>;
type WeightOf<L extends { weight: unknown }> = L['weight'] extends Tensor<infer S> ? S : never;
export const weights: [
  Same<WeightOf<MaeParams['patch_embed']['proj']>, ['H*K', 'C', 'P', 'P']>,
  Same<WeightOf<MaeParams['blocks'][number]['mlp']['fc1']>, ['H*K*L', 'H*K']>,
  Same<WeightOf<MaeParams['decoder_blocks'][number]['mlp']['fc1']>, ['J*L*Q', 'J*Q']>,
] = [true, true, true];
export { mae, vit };
`;
/** The files of one mutant (null: of the unchanged models) in a folder of their own; the rest they import from models/. */
function write(name: string, mutant: Mutant | null): string[] {
  const own = mutant ? [mutant.file, ...users[mutant.file]!] : [];
  const at = path.join(folder, name);
  mkdirSync(at, { recursive: true });
  const files = own.map(file => {
    const text = mutant?.file === file ? mutant.text : readFileSync(path.join(models, file), 'utf8');
    writeFileSync(
      path.join(at, file),
      text
        .replaceAll(/from '\.\/([\w-]+\.ts)'/g, (all, f) => (own.includes(f) ? all : `from '../../../models/${f}'`))
        .replaceAll("from '../", "from '../../../")
        .replaceAll("'../../../../../models", "'../../../models"),
    );
    return path.join(at, file);
  });
  const use = path.join(at, 'use.ts');
  const from = (file: string): string => (own.includes(file) ? `./${file}` : `../../../models/${file}`);
  writeFileSync(use, promises.replace("'MAE'", `'${from('mae.ts')}'`).replace("'VIT'", `'${from('vit.ts')}'`));
  return [...files, use];
}

/** One process traces all mutants: the shapes of each, or the error that stopped it. */
const tracer = `
import { trace } from 'heddle';
const configs = {
  mae: { imageSize: 16, imageWidth: 24, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, decoderWidth: 24, decoderDepth: 1, decoderHeads: 3, mlpRatio: 4, maskRatio: 0.75, normPixLoss: true },
  vit: { imageSize: 16, imageWidth: 24, patchSize: 4, channels: 3, width: 32, depth: 2, heads: 4, mlpRatio: 4, classes: 10, pool: 'cls' },
};
// The operations as the author wrote them, with the shapes of their results: nodes inside one operation share its origin and are left out.
function shapes(traced) {
  const seen = new Set(), inside = new Set(), list = [], outputs = new Set(traced.outputs.map(([, n]) => n)), stack = [...traced.outputs].reverse().map(([, n]) => [n, null]);
  while (stack.length > 0) {
    const [n, reader] = stack.pop();
    const result = outputs.has(n) || n.origin !== reader?.origin;
    const visited = result ? seen : inside;
    if (visited.has(n)) continue;
    visited.add(n);
    if (result) list.push([n.origin.trail.at(-1), n.shape, n.dtype, n.over]);
    for (const i of [...n.inputs].reverse()) stack.push([i, n]);
  }
  return JSON.stringify([traced.outputs.map(([k, n]) => [k, n.shape]), list]);
}
async function verdict(name) {
  try {
    const { mae, vit } = await import('./' + name + '/use.ts');
    return ['mae', 'vit'].map(k => shapes(trace({ mae, vit }[k], configs[k]))).join('|');
  } catch (e) {
    return 'error ' + e.name + ': ' + e.message;
  }
}
const original = await verdict('original');
if (original.startsWith('error')) throw new Error(original);
const out = {};
for (const name of process.argv.slice(2)) { const v = await verdict(name); out[name] = v === original ? 'same' : v.startsWith('error') ? v : 'differs'; }
console.log(JSON.stringify(out));
`;

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const mutants = Object.keys(users).flatMap(file => mutantsOf(file, readFileSync(path.join(models, file), 'utf8')));
const names = mutants.map((_, i) => `m${i}`);
const files = [...write('original', null), ...mutants.flatMap((m, i) => write(names[i]!, m))];
const errors = new Map<string, string[]>();
for (const e of compileFiles('7', files).errors) {
  const [name] = path.relative(folder, e.file).split(path.sep);
  errors.set(name!, [...(errors.get(name!) ?? []), e.message]);
}
if (errors.has('original')) throw new Error(`the models have errors: ${errors.get('original')![0]}`);
writeFileSync(path.join(folder, 'trace.mjs'), tracer);
const verdicts = JSON.parse(
  execFileSync(process.execPath, [path.join(folder, 'trace.mjs'), ...names], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 }),
) as Record<string, string>;

const kinds = [
  'seen by types',
  'seen by the trace only',
  'seen by neither, though shapes or operations differ',
  'nothing differs',
  'no program (a name out of scope)',
] as const;
type Kind = (typeof kinds)[number];
function kindOf(name: string): Kind {
  const messages = errors.get(name) ?? [];
  if (messages.some(m => /Cannot find name|implicitly has type|used before/.test(m))) return 'no program (a name out of scope)';
  if (messages.length > 0) return 'seen by types';
  const verdict = verdicts[name]!;
  return verdict === 'same'
    ? 'nothing differs'
    : verdict === 'differs'
      ? 'seen by neither, though shapes or operations differ'
      : 'seen by the trace only';
}
const tally = new Map<Kind, number[]>(kinds.map(k => [k, []]));
for (const [i, name] of names.entries()) tally.get(kindOf(name))!.push(i);
const count = (k: Kind): number => tally.get(k)!.length;
console.log(`${mutants.length} mutants of ${Object.keys(users).join(', ')}`);
for (const k of kinds) console.log(`  ${k}: ${count(k)}`);
const seen = count('seen by types');
const counted = seen + count('seen by the trace only') + count('seen by neither, though shapes or operations differ');
console.log(`  types see ${seen} of ${counted} mutants that change shapes or operations: ${((100 * seen) / counted).toFixed(1)} %`);
const once = tally.get('seen by types')!.filter(i => errors.get(names[i]!)!.length === 1).length;
console.log(
  `  one error ${once}, several ${seen - once}; with a ✗ message ${tally.get('seen by types')!.filter(i => errors.get(names[i]!)!.some(m => m.includes('"✗ '))).length}`,
);
if (process.argv.includes('--list'))
  for (const k of kinds.slice(1, 3)) {
    console.log(k);
    for (const i of tally.get(k)!) {
      const m = mutants[i]!;
      const short = (t: string): string => t.replace(/\s+/g, ' ').slice(0, 70);
      console.log(
        `    ${m.file}:${m.line} ${m.kind}: ${short(m.was)} → ${short(m.now)}${k === 'seen by the trace only' ? `   [${verdicts[names[i]!]!.slice(0, 110)}]` : ''}`,
      );
    }
  }
if (!process.argv.includes('--keep')) rmSync(folder, { recursive: true, force: true });
