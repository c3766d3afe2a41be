// Compiles dsl/scalars/elementwise.ts into dsl/scalars/table.ts: node scripts/gen-scalars.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readExports } from '../compiler/source/read.ts';
import { tableText } from '../compiler/source/table.ts';

const source = fileURLToPath(new URL('../dsl/scalars/elementwise.ts', import.meta.url));
const table = fileURLToPath(new URL('../dsl/scalars/table.ts', import.meta.url));
writeFileSync(table, tableText(readExports(source, readFileSync(source, 'utf8'))));
