// What a browser imports must not import Node: the static imports of runtime/index.ts are followed, dynamic ones are not.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

function staticImports(entry: string): Map<string, string[]> {
  const seen = new Map<string, string[]>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    const text = fs.readFileSync(file, 'utf8');
    const from = [...text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'/gm)].map(m => m[1]!);
    seen.set(file, from);
    for (const name of from) if (name.startsWith('.')) queue.push(path.resolve(path.dirname(file), name));
  }
  return seen;
}

test('no node: module and no package on the way of a browser', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const graph = staticImports(path.join(root, 'runtime', 'index.ts'));
  const files = [...graph.keys()].map(file => path.relative(root, file));
  expect(files).toContain('runtime/session.ts');
  expect(files).toContain('runtime/webgpu/device.ts');
  expect([...graph.values()].flat().filter(name => !name.startsWith('.'))).toEqual([]);
});
