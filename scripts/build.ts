// Builds what is published: JavaScript and declarations of every module, and the package.json that points there. Node does not run
// TypeScript under node_modules, so a package is JavaScript; the compiler that checks is the compiler that emits.
//   npm run build && npm pack ./dist        (or `node scripts/build.ts <folder>`)
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
rmSync(dist, { recursive: true, force: true });
const tsc = path.join(root, 'node_modules/typescript7/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json'), '--outDir', dist], { stdio: 'inherit' });
// the command's door is JavaScript already
cpSync(path.join(root, 'cli/bin.js'), path.join(dist, 'cli/bin.js'));
chmodSync(path.join(dist, 'cli/bin.js'), 0o755);
for (const file of ['LICENSE', 'NOTICE', 'README.md', 'SECURITY.md']) cpSync(path.join(root, file), path.join(dist, file));

const source = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const kept = ['name', 'version', 'description', 'license', 'type', 'engines', 'bin', 'dependencies', 'peerDependencies', 'peerDependenciesMeta'];
const entries = Object.entries(source.exports as Record<string, string>).map(([name, file]) => [
  name,
  file.endsWith('.ts') ? { types: file.replace(/\.ts$/, '.d.ts'), default: file.replace(/\.ts$/, '.js') } : file,
]);
const built = { ...Object.fromEntries(kept.map(k => [k, source[k]])), exports: Object.fromEntries(entries) };
writeFileSync(path.join(dist, 'package.json'), `${JSON.stringify(built, null, 2)}\n`);
