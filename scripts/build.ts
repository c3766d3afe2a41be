// Builds what is published: JavaScript and declarations of every module under dist/, and the package.json that points there. Node
// does not run TypeScript under node_modules, so a package is JavaScript; the compiler that checks is the compiler that emits.
//   npm run build && npm pack ./dist
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript7/bin/tsc`, '-p', `${root}tsconfig.build.json`], { stdio: 'inherit' });
cpSync(`${root}cli/bin.js`, `${dist}/cli/bin.js`);
chmodSync(`${dist}/cli/bin.js`, 0o755);
for (const file of ['LICENSE', 'NOTICE', 'README.md', 'SECURITY.md']) cpSync(`${root}${file}`, `${dist}/${file}`);
// kernels of the built-in ops were compiled ahead; their sources, and the models', travel as text for readers

const source = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const built = {
  ...Object.fromEntries(
    ['name', 'version', 'description', 'license', 'type', 'engines', 'bin', 'dependencies', 'peerDependencies', 'peerDependenciesMeta'].map(k => [k, source[k]]),
  ),
  exports: Object.fromEntries(
    Object.entries(source.exports as Record<string, string>).map(([key, file]) => [
      key,
      file.endsWith('.ts') ? { types: file.replace(/\.ts$/, '.d.ts'), default: file.replace(/\.ts$/, '.js') } : file,
    ]),
  ),
};
writeFileSync(`${dist}/package.json`, `${JSON.stringify(built, null, 2)}\n`);
