// The safetensors reader against hostile files: each malformed class by name, then a hundred thousand structured mutants, none of
// which may throw anything but a FileError; and the writer by round trip, under killed writers too.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileError } from '../../runtime/errors.ts';
import { JsonError, scanJson } from '../../runtime/files/json-scan.ts';
import { encodeSafetensors, parseSafetensors, readSafetensors, type SafeTensor, widen, writeSafetensors } from '../../runtime/files/safetensors.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'heddle-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file of this header text (or bytes) and so many bytes of data. */
function file(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const entry = (dtype: string, shape: string, begin: number | string, end: number | string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const refusal = (bytes: Uint8Array): string => {
  try {
    parseSafetensors(bytes, 'w.safetensors');
  } catch (e) {
    if (e instanceof FileError && e.code === 'HF1') return e.message;
    throw e;
  }
  return 'accepted';
};

describe('malformed classes, each with its tensor and rule', () => {
  test.each<[string, Uint8Array, string]>([
    ['too short', new Uint8Array(7), '7 bytes are no safetensors file'],
    ['a giant header', file('{}', 0, 100_000_001n), 'a header of 100000001 bytes: more than 100000000'],
    ['a header beyond the end', file('{}', 0, 3n), 'a header of 3 bytes in a file of 10'],
    ['a length beyond 2^53', file('{}', 0, 2n ** 64n - 1n), 'a header of 18446744073709551615 bytes'],
    ['bad UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), 'the header is not UTF-8'],
    ['a byte order mark', file('\ufeff{}'), 'the header is no JSON'],
    ['no JSON', file('{"a":'), 'the header is no JSON: the text ends early at character 5'],
    ['text after the header', file('{} {}'), 'the header is no JSON: more text at character 3'],
    ['no object', file('[]'), 'the header is no object'],
    ['a duplicate key', file(`{"a":${entry('F32', '[]', 0, 4)},"a":${entry('F32', '[]', 0, 4)}}`, 4), 'the key "a" stands twice'],
    ['a duplicate key in escapes', file(`{"a":${entry('F32', '[]', 0, 4)},"\\u0061":${entry('F32', '[]', 0, 4)}}`, 4), 'the key "a" stands twice'],
    ['a duplicate field', file('{"a":{"dtype":"F32","shape":[],"shape":[1],"data_offsets":[0,4]}}', 4), 'the key "shape" stands twice'],
    ['half a surrogate pair', file('{"\\ud800":1}'), 'half a surrogate pair'],
    ['overlap', file(`{"a":${entry('F32', '[2]', 0, 8)},"b":${entry('F32', '[2]', 4, 12)}}`, 12), 'tensor "b": its bytes overlap those of another'],
    [
      'an empty tensor inside another',
      file(`{"a":${entry('F32', '[2]', 0, 8)},"b":${entry('F32', '[0]', 4, 4)}}`, 8),
      'tensor "b": its bytes overlap',
    ],
    ['a hole', file(`{"a":${entry('F32', '[1]', 0, 4)},"b":${entry('F32', '[1]', 8, 12)}}`, 12), 'tensor "b": a hole of 4 bytes before it'],
    ['a hole at the start', file(`{"a":${entry('F32', '[1]', 4, 8)}}`, 8), 'tensor "a": a hole of 4 bytes before it'],
    ['trailing bytes', file(`{"a":${entry('F32', '[1]', 0, 4)}}`, 5), '1 trailing bytes belong to no tensor'],
    ['data that ends early', file(`{"a":${entry('F32', '[2]', 0, 8)}}`, 7), 'tensor "a": its bytes end at 8, the data at 7'],
    ['size against shape', file(`{"a":${entry('F32', '[3]', 0, 8)}}`, 8), 'tensor "a": 8 bytes for [3] of F32, which takes 12'],
    ['a negative dim', file(`{"a":${entry('F32', '[-1]', 0, 4)}}`, 4), 'tensor "a": shape holds -1: only natural numbers'],
    ['minus zero', file(`{"a":${entry('F32', '[-0]', 0, 0)}}`), 'shape holds -0'],
    ['a fractional dim', file(`{"a":${entry('F32', '[1.0]', 0, 4)}}`, 4), 'shape holds 1.0'],
    ['an exponent', file(`{"a":${entry('F32', '[1e0]', 0, 4)}}`, 4), 'shape holds 1e0'],
    ['a dim beyond 2^53', file(`{"a":${entry('F32', '[9007199254740993]', 0, 4)}}`, 4), 'overflow: shape holds 9007199254740993'],
    ['a product beyond 2^53', file(`{"a":${entry('F32', '[4294967296,4294967296]', 0, 0)}}`), 'overflow: [4294967296,4294967296] of F32'],
    ['a product that wraps to the size at 2^64', file(`{"a":${entry('U8', '[4294967296,4294967297]', 0, 4)}}`, 4), 'overflow'],
    ['offsets backwards', file(`{"a":${entry('F32', '[1]', 4, 0)}}`, 4), 'tensor "a": data_offsets end at 0, before their begin at 4'],
    ['a negative offset', file(`{"a":${entry('F32', '[1]', -4, 0)}}`, 4), 'data_offsets holds -4'],
    ['one offset', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4), 'data_offsets has 1 numbers, not 2'],
    ['a dim in quotes', file(`{"a":${entry('F32', '["1"]', 0, 4)}}`, 4), 'shape holds something that is no number'],
    ['a shape that is no list', file(`{"a":${entry('F32', '{}', 0, 4)}}`, 4), 'shape is no list'],
    ['an unknown dtype', file(`{"a":${entry('F8_E5M2', '[4]', 0, 4)}}`, 4), 'tensor "a": unknown dtype "F8_E5M2"'],
    ['a dtype of every object', file(`{"a":${entry('constructor', '[4]', 0, 4)}}`, 4), 'unknown dtype "constructor"'],
    ['a missing field', file('{"a":{"dtype":"F32","shape":[]}}'), 'tensor "a": data_offsets is missing'],
    ['an unknown field', file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}', 4), 'tensor "a": unknown field "x"'],
    ['an entry that is no object', file('{"__proto__":1}'), 'tensor "__proto__": its entry is no object'],
    ['metadata that is no string', file('{"__metadata__":{"a":1}}'), '__metadata__: "a" is no string'],
    [
      'a bool that is neither',
      file(`{"a":${entry('BOOL', '[1]', 0, 1)}}`, 1).map((b, i, all) => (i === all.length - 1 ? 2 : b)),
      'tensor "a": a bool is a byte of 0 or 1',
    ],
    ['nesting without end', file('['.repeat(100_000)), 'nesting deeper than 16'],
    ['a tensor name of megabytes', file(`{"${'a'.repeat(8_000_000)}":0}`), `tensor "${'a'.repeat(100)}…": its entry is no object`],
  ])('%s', (_, bytes, words) => {
    const message = refusal(bytes);
    expect(message).toContain(words);
    expect(message).toMatch(/^w\.safetensors: /);
    expect(message.length).toBeLessThan(400);
  });
});

describe('odd files that are valid', () => {
  const read = (bytes: Uint8Array) => parseSafetensors(bytes, 'w').tensors;
  test('no tensors, blanks around the header, rank 0, zero dims', () => {
    expect(read(file('{}'))).toEqual(new Map());
    expect(read(file(' \n{ } \t\r '))).toEqual(new Map());
    expect(read(file(`{"s":${entry('F32', '[]', 0, 4)}}`, 4)).get('s')).toEqual({ dtype: 'F32', shape: [], data: Float32Array.of(0) });
    expect(read(file(`{"z":${entry('F64', '[3,0,9007199254740991,9007199254740991]', 0, 0)}}`)).get('z')!.data).toHaveLength(0);
    expect(read(file(`{"a":${entry('U8', '[1]', 0, 1)},"z":${entry('U8', '[0]', 1, 1)},"b":${entry('U8', '[1]', 1, 2)}}`, 2)).size).toBe(3);
  });
  test('tensors in any order of the header, and unaligned', () => {
    const bytes = file(`{"b":${entry('F32', '[1]', 1, 5)},"a":${entry('U8', '[1]', 0, 1)}}`, 5);
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 1.5, true);
    for (const shift of [0, 1, 2, 3]) {
      const moved = new Uint8Array(bytes.length + shift).subarray(shift);
      moved.set(bytes);
      expect(read(moved).get('b')!.data).toEqual(Float32Array.of(1.5));
    }
  });
  test('names of every kind', () => {
    const names = ['__proto__', 'constructor', '', 'ünï😀', 'a"b\\c\n'];
    const tensors = new Map(names.map((n, i): [string, SafeTensor] => [n, { dtype: 'I32', shape: [1], data: Int32Array.of(i) }]));
    const back = read(Buffer.concat(encodeSafetensors(tensors)));
    expect([...back.keys()].sort()).toEqual([...names].sort());
    for (const [i, n] of names.entries()) expect(back.get(n)!.data).toEqual(Int32Array.of(i));
  });
  test('half floats widen', () => {
    expect(widen({ dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0xfbff, 0x0001) })).toEqual(Float32Array.of(1, -65504, 2 ** -24));
    expect(widen({ dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xc000) })).toEqual(Float32Array.of(1, -2));
    expect(widen({ dtype: 'I32', shape: [1], data: Int32Array.of(1) })).toBeUndefined();
  });
});

test('JSON: agrees with the platform where both accept, and refuses what it must', () => {
  const plain = (v: ReturnType<typeof scanJson>): unknown =>
    v instanceof Map
      ? Object.fromEntries([...v].map(([k, x]) => [k, plain(x)]))
      : Array.isArray(v)
        ? v.map(plain)
        : v !== null && typeof v === 'object'
          ? Number((v as { number: string }).number)
          : v;
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), text => {
      expect(plain(scanJson(text))).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
  for (const bad of [
    '',
    '01',
    '+1',
    '.5',
    '1.',
    '"\t"',
    '"\\x"',
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    'nul',
    'NaN',
    "'a'",
    '1 2',
    '"a',
    '{"a"}',
    '[1 2]',
    '\u00a01',
  ])
    expect(() => scanJson(bad), bad).toThrow(JsonError);
});

describe('mutants', () => {
  /** A valid file with tensors of many dtypes, as its parts. */
  const header = `{"__metadata__":{"format":"pt"},"w":${entry('F32', '[2,3]', 0, 24)},"b":${entry('BF16', '[4]', 24, 32)},"s":${entry('I64', '[]', 32, 40)},"z":${entry('U8', '[0]', 40, 40)},"m":${entry('BOOL', '[3]', 40, 43)}}`;
  const valid = file(header, 43);
  const tokens = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '-',
    '0',
    '1',
    '9',
    '.',
    'e',
    '\\',
    'u',
    'null',
    'true',
    '{}',
    '[]',
    '""',
    ' ',
    '\u0000',
    '\ud800',
    '__proto__',
    '"shape"',
    '"F64"',
    '4294967296',
    '9007199254740993',
    '1e999',
    '-1',
    '\\u0061',
  ];
  test('the unchanged file is valid', () => expect(refusal(valid)).toBe('accepted'));
  test('100,000 of them: accepted or refused, nothing else thrown', { timeout: 60_000 }, () => {
    let seed = 12345;
    const pick = (n: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    const counts = { accepted: 0, refused: 0 };
    const rules = new Set<string>();
    for (let i = 0; i < 110_000; i++) {
      const bytes = mutant(pick);
      const message = refusal(bytes);
      counts[message === 'accepted' ? 'accepted' : 'refused']++;
      if (message !== 'accepted')
        rules.add(
          message
            .replace(/"(?:[^"\\]|\\.)*"/g, '_')
            .replace(/\d+/g, 'n')
            .slice(0, 60),
        );
    }
    expect(counts.accepted + counts.refused).toBe(110_000);
    expect(counts.accepted).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(50_000);
    expect(rules.size).toBeGreaterThan(40); // the mutants reach many different rules
  });
  function mutant(pick: (n: number) => number): Uint8Array {
    let text = header;
    let data = 43;
    for (let edits = 1 + pick(3); edits > 0; edits--) {
      const at = pick(text.length);
      switch (pick(8)) {
        case 0: // a token put in
          text = text.slice(0, at) + tokens[pick(tokens.length)] + text.slice(at);
          break;
        case 1: // characters left out
          text = text.slice(0, at) + text.slice(at + 1 + pick(6));
          break;
        case 2: // a piece of the header again, elsewhere
          text = text.slice(0, at) + text.slice(pick(text.length)).slice(0, pick(60)) + text.slice(at);
          break;
        case 3: // another number
          text = replaceAt(text, /\d+/g, pick, n => `${Number(n) + [-8, -4, -1, 1, 4, 8, 2 ** 31, 2 ** 53][pick(8)]!}`);
          break;
        case 4: // another word
          text = replaceAt(
            text,
            /"[^"]*"/g,
            pick,
            () => ['"F32"', '"F16"', '"I8"', '"w"', '"b"', '"dtype"', '"shape"', '"data_offsets"', '"__metadata__"'][pick(9)]!,
          );
          break;
        case 5:
          data += [-43, -8, -1, 1, 8][pick(5)]!;
          break;
        case 6: // a whole list replaced
          text = replaceAt(text, /\[[^\]]*\]/g, pick, () => ['[]', '[0]', '[6]', '[2,3,1]', '[24,0]', '[0,24]', '[1,1,1,1,1,1]', '[3,2]'][pick(8)]!);
          break;
        default: // the same file, another character
          text = text.slice(0, at) + String.fromCharCode(pick(0x180)) + text.slice(at + 1);
      }
    }
    const bytes = file(text, Math.max(0, data));
    if (pick(10) === 0) bytes[pick(Math.min(bytes.length, 400))] = pick(256);
    return pick(20) === 0 ? bytes.subarray(0, pick(bytes.length + 1)) : bytes;
  }
  function replaceAt(text: string, pattern: RegExp, pick: (n: number) => number, by: (old: string) => string): string {
    const found = [...text.matchAll(pattern)];
    const one = found[pick(Math.max(found.length, 1))];
    return one ? text.slice(0, one.index) + by(one[0]) + text.slice(one.index + one[0].length) : text;
  }
});

describe('writing', () => {
  const shape = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });
  const tensor: fc.Arbitrary<SafeTensor> = shape.chain(s => {
    const n = s.reduce((a, b) => a * b, 1);
    const of = { minLength: n, maxLength: n };
    return fc.oneof(
      fc.float32Array(of).map((data): SafeTensor => ({ dtype: 'F32', shape: s, data })),
      fc.float64Array(of).map((data): SafeTensor => ({ dtype: 'F64', shape: s, data })),
      fc.uint16Array(of).map((data): SafeTensor => ({ dtype: 'BF16', shape: s, data })),
      fc.bigInt64Array(of).map((data): SafeTensor => ({ dtype: 'I64', shape: s, data })),
      fc.int32Array(of).map((data): SafeTensor => ({ dtype: 'I32', shape: s, data })),
      fc.int8Array(of).map((data): SafeTensor => ({ dtype: 'I8', shape: s, data })),
      fc.uint8Array({ ...of, max: 1 }).map((data): SafeTensor => ({ dtype: 'BOOL', shape: s, data })),
    );
  });
  const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter(n => n !== '__metadata__' && n.isWellFormed());
  test('what was written is read back bit for bit, and equal content is equal bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, tensor), { maxLength: 6 }), fc.dictionary(name, name), (list, meta) => {
        const tensors = new Map(list);
        const metadata = new Map(Object.entries(meta));
        const bytes = Buffer.concat(encodeSafetensors(tensors, metadata));
        const back = parseSafetensors(bytes, 'back');
        expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect(back.metadata).toEqual(metadata);
        expect(Buffer.concat(encodeSafetensors(new Map([...tensors].reverse()), metadata))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });
  test('to a file and from it, replacing what was there', async () => {
    const target = path.join(folder, 'new', 'w.safetensors');
    const tensors = new Map<string, SafeTensor>([['x', { dtype: 'F32', shape: [2], data: Float32Array.of(1, Number.NaN) }]]);
    await writeSafetensors(target, tensors, new Map([['made', 'here']]));
    await writeSafetensors(target, tensors, new Map([['made', 'again']]));
    const back = await readSafetensors(target);
    expect(back.tensors).toEqual(tensors);
    expect(back.metadata.get('made')).toBe('again');
    expect(await readdir(path.dirname(target))).toEqual(['w.safetensors']);
  });
  test('tensors that contradict themselves are refused, and nothing is left behind', async () => {
    const target = path.join(folder, 'bad.safetensors');
    const wrong = new Map<string, SafeTensor>([['x', { dtype: 'F32', shape: [3], data: Float32Array.of(1) }]]);
    await expect(writeSafetensors(target, wrong)).rejects.toThrow('tensor "x": 1 values for [3]');
    await writeFile(path.join(folder, 'plain'), '');
    await expect(writeSafetensors(path.join(folder, 'plain', 'w.safetensors'), new Map())).rejects.toMatchObject({ code: 'HF2' });
    await expect(readSafetensors(target)).rejects.toMatchObject({ code: 'HF2' });
    expect((await readdir(folder)).filter(f => f.includes('bad'))).toEqual([]);
  });
  test('a killed writer leaves the old file or the new one', async () => {
    const target = path.join(folder, 'killed.safetensors');
    const library = fileURLToPath(new URL('../../runtime/files/safetensors.ts', import.meta.url));
    const program = `const { writeSafetensors } = await import(${JSON.stringify(library)});
      process.stdout.write('ready');
      for (let i = 0; ; i++) await writeSafetensors(${JSON.stringify(target)}, new Map([['x', { dtype: 'F32', shape: [500000], data: new Float32Array(500000).fill(i) }]]));`;
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
      await new Promise(done => child.stdout.once('data', done));
      await new Promise(done => setTimeout(done, 90 + 40 * round));
      const gone = new Promise(done => child.once('exit', done));
      child.kill('SIGKILL');
      await gone;
      const written = await readFile(target).catch(() => undefined);
      if (written) {
        const { data } = parseSafetensors(written, target).tensors.get('x')!;
        expect(data[499_999]).toBe(data[0]);
      }
    }
    expect(await readFile(target)).toBeDefined();
  });
});

test('the golden vectors and the weights of this project are all readable', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  let count = 0;
  for (const where of ['test/data/golden', 'models/weights'])
    for (const f of await readdir(path.join(root, where)))
      if (f.endsWith('.safetensors')) count += (await readSafetensors(path.join(root, where, f))).tensors.size;
  expect(count).toBeGreaterThan(200);
});
