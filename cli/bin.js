#!/usr/bin/env node
// The `heddle` command's door: plain JavaScript that any Node can read. It checks Node's version, then imports the command itself:
// TypeScript in a checkout, built JavaScript in an installed package. What Node parsed is kept in node_modules/.cache/heddle, because
// most of a short run is reading TypeScript (0.5 s without, 0.25 s with).
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `error HU3: heddle needs Node 22.18 or newer, this is ${process.versions.node}: install a newer Node, or run it as \`npx heddle\` where the project's own Node comes first\n`,
  );
  process.exit(3);
}
const modules = ['../node_modules', '../..']
  .map(up => fileURLToPath(new URL(up, import.meta.url)))
  .find(f => f.endsWith('node_modules') && existsSync(f));
if (modules) module.enableCompileCache(`${modules}/.cache/heddle/node`);
const built = new URL('./main.js', import.meta.url);
const { main } = await import(existsSync(built) ? built.href : new URL('./main.ts', import.meta.url).href);
process.exitCode = await main(process.argv);
