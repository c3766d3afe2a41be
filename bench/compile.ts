// Compiles one case, cold, and prints what each pass took, as JSON.
//   node bench/compile.ts 'mae base' step webgpu
import type { Target } from '../compiler/index.ts';
import { cases, compileCase, type Pass } from './cases.ts';
import { timePasses } from './passes.ts';

const [name, pass, target] = process.argv.slice(2) as [keyof typeof cases, Pass, Target];
console.log(JSON.stringify(await timePasses(() => compileCase(cases[name], pass, { target, fuse: 'all' }))));
