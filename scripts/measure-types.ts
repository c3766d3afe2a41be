// What the types cost: instantiations above the library and check time, on both compilers. Counts are of one checker (parallel ones
// vary by a tenth); times are the best of three on whatever else the machine does.
//   node scripts/measure-types.ts            # a table; exits 1 when models/mae.ts is over its budget, which test/language/cost.test.ts
//                                            # holds too
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Compiler, compileFiles, compilers, root } from './check-types.ts';

/** Instantiations of models/mae.ts above the library's. */
export const budget = 60_000;
const cache = path.join(root, 'node_modules/.cache/heddle');
export interface Cost {
  readonly instantiations: number;
  readonly seconds: number;
}
/** What a compiler pays for a file and all that it imports; the time is the best of `repeats`. */
export function cost(compiler: Compiler, file: string, repeats: number): Cost {
  const runs = Array.from({ length: repeats }, () => {
    const { output, errors } = compileFiles(compiler, [file], ['--extendedDiagnostics', ...(compiler === '7' ? ['--singleThreaded'] : [])]);
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
    const read = (name: string): number => Number(new RegExp(`^${name}:\\s*([\\d.]+)`, 'm').exec(output)?.[1]);
    return { instantiations: read('Instantiations'), seconds: read('Check time') };
  });
  return { instantiations: runs[0]!.instantiations, seconds: Math.min(...runs.map(r => r.seconds)) };
}

/** Files of many layers, to see what one more costs. */
const layersFrom = `${root}/test/language/fixtures/layers.ts`;
const oddWidths = Array.from({ length: 50 }, (_, i) => 4 * (2 * i + 3));
const generated: Record<string, string> = {
  '50 blocks of one width': `import { f32 } from 'heddle';\nimport { block, Block } from '${layersFrom}';\nconst x0 = f32('B', 197, 768);\n${oddWidths.map((_, i) => `const x${i + 1} = block({ heads: 12 }, new Block(768), x${i});`).join('\n')}\nexport { x50 };\n`,
  '50 blocks of 50 widths': `import { f32 } from 'heddle';\nimport { block, Block, dense, Linear } from '${layersFrom}';\nconst x0 = f32('B', 197, 4);\n${oddWidths.map((w, i) => `const x${i + 1} = block({ heads: 4 }, new Block(${w}), dense(new Linear(${w}, ${i === 0 ? 4 : oddWidths[i - 1]}), x${i}));`).join('\n')}\nexport { x50 };\n`,
};
function main(): void {
  mkdirSync(cache, { recursive: true });
  const written = Object.entries(generated).map(([name, text], i): [string, string] => {
    const file = path.join(cache, `measure-${process.pid}-${i}.ts`);
    writeFileSync(file, text);
    return [name, file];
  });
  const rows: [string, string][] = [
    ['the library', 'dsl/index.ts'],
    ['models/layers.ts', 'models/layers.ts'],
    ['models/vit.ts', 'models/vit.ts'],
    ['models/mae.ts', 'models/mae.ts'],
    ...written,
  ];

  console.log(`| file | ${compilers.map(c => `TypeScript ${c}: instantiations (above the library) | check`).join(' | ')} |`);
  const library = new Map<Compiler, number>();
  for (const [name, file] of rows) {
    const cells = compilers.map(compiler => {
      const { instantiations, seconds } = cost(compiler, file, 3);
      if (!library.has(compiler)) library.set(compiler, instantiations);
      const above = instantiations - library.get(compiler)!;
      if (file === 'models/mae.ts' && above > budget) process.exitCode = 1;
      return `${instantiations} (+${above}) | ${seconds.toFixed(2)} s`;
    });
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  for (const [, file] of written) rmSync(file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
