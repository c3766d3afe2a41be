// The cache: hits, damage, many writers at once; and the tar reader that fills it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cachedFolder, cacheRoot } from '../../runtime/cache.ts';
import { readTar } from '../../runtime/webgpu/tar.ts';

let root: string;
beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'heddle-cache-test-'));
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const files = new Map([
  ['a.txt', text('alpha')],
  ['b.txt', text('beta')],
]);

describe('cached folders', () => {
  test('are made once a source, and made again when damaged', () => {
    let made = 0;
    const make = () => {
      made++;
      return files;
    };
    const get = (source: string) => cachedFolder('thing', source, make, path.join(root, 'one'));
    const first = get('v1');
    expect(first.hit).toBe(false);
    expect(get('v1')).toEqual({ folder: first.folder, hit: true });
    expect(get('v2').folder).not.toBe(first.folder);
    expect(made).toBe(2);
    for (const damage of [
      () => fs.writeFileSync(path.join(first.folder, 'a.txt'), 'alphA'),
      () => fs.rmSync(path.join(first.folder, 'b.txt')),
      () => fs.writeFileSync(path.join(first.folder, 'manifest.json'), '{'),
      () => fs.writeFileSync(path.join(first.folder, 'manifest.json'), '{"../../x":"00"}'),
    ]) {
      damage();
      expect(get('v1').hit).toBe(false);
      expect(fs.readFileSync(path.join(first.folder, 'a.txt'), 'utf8')).toBe('alpha');
      expect(get('v1').hit).toBe(true);
    }
    expect(fs.readdirSync(path.join(root, 'one')).filter(name => name.includes('.tmp'))).toEqual([]);
  });
  test('may be made by many processes at once', async () => {
    const code = `import { cachedFolder } from '../../runtime/cache.ts';
      const bytes = new Uint8Array(1 << 20).fill(7);
      const { folder } = cachedFolder('race', 'v1', () => new Map([['x', bytes], ['y', bytes]]), process.argv[1]);
      console.log(folder);`;
    const runs = Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, path.join(root, 'race')], { cwd: import.meta.dirname }),
    );
    const said = new Set((await Promise.all(runs)).map(r => r.stdout));
    expect(said.size).toBe(1);
    expect(fs.readdirSync(path.join(root, 'race'))).toHaveLength(1);
  });
  test('lie in the node_modules of the nearest package', () => {
    const inside = path.join(root, 'package', 'src', 'deep');
    fs.mkdirSync(inside, { recursive: true });
    fs.mkdirSync(path.join(root, 'package', 'node_modules'));
    expect(cacheRoot(inside)).toBe(path.join(root, 'package', 'node_modules', '.cache', 'heddle'));
  });
});

describe('tar', () => {
  const tar = async (): Promise<Uint8Array> => {
    const folder = path.join(root, 'tar');
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'a'), 'x'.repeat(513));
    fs.writeFileSync(path.join(folder, 'empty'), '');
    const { stdout } = await promisify(execFile)('tar', ['--format=ustar', '-cf', '-', '-C', folder, 'a', 'empty'], { encoding: 'buffer' });
    return stdout;
  };
  test('plain files come out whole', async () => {
    const out = readTar(await tar());
    expect([...out.keys()]).toEqual(['a', 'empty']);
    expect(new TextDecoder().decode(out.get('a'))).toBe('x'.repeat(513));
    expect(out.get('empty')).toHaveLength(0);
  });
  test('a damaged header and a cut archive are refused', async () => {
    const bytes = await tar();
    const damaged = Uint8Array.from(bytes);
    damaged[3] = 65;
    expect(() => readTar(damaged)).toThrow(expect.objectContaining({ code: 'HF1', message: expect.stringContaining('wrong checksum') }));
    expect(() => readTar(bytes.subarray(0, 700))).toThrow(expect.objectContaining({ code: 'HF1', message: "tar: 'a' is cut off" }));
  });
});
