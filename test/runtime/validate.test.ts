// validateProgram against hostile JSON: every field of a valid program is removed, retyped and pushed out of range in turn, and none of
// it may pass or throw anything but a ProgramError.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kernelHash } from '../../common/hash.ts';
import type { Program } from '../../common/program.ts';
import { ProgramError } from '../../runtime/errors.ts';
import { validateProgram } from '../../runtime/validate.ts';
import { accumulate, rows, twice } from './programs.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = readonly (string | number)[];
const plain = (p: Program): Json => JSON.parse(JSON.stringify(p));
const programs: readonly Program[] = [rows('js'), rows('wgsl'), accumulate('js'), twice('js', 8)];

/** All paths of a value, the root left out. */
function pathsOf(value: Json, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap(key => {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    return [path, ...pathsOf((value as Record<string, Json>)[key]!, path)];
  });
}
/** A copy with the value at path replaced by what `change` makes of it; undefined removes it. */
function changed(value: Json, path: Path, change: (x: Json) => Json | undefined): Json {
  const copy = structuredClone(value);
  let parent = copy as Record<string | number, Json>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, Json>;
  const last = path.at(-1)!;
  const next = change(parent[last]!);
  if (next !== undefined) parent[last] = next;
  else if (Array.isArray(parent)) parent.splice(last as number, 1);
  else delete parent[last];
  return copy;
}
function refusal(json: unknown): ProgramError {
  try {
    validateProgram(json);
  } catch (e) {
    if (e instanceof ProgramError) return e;
    throw new Error(`not a ProgramError: ${e}`);
  }
  throw new Error('was accepted');
}

test('a valid program comes back equal, and again at no cost', () => {
  for (const p of programs) {
    const valid = validateProgram(plain(p));
    expect(valid).toEqual(plain(p));
    expect(validateProgram(valid)).toBe(valid);
  }
});

describe('each mutation of each field is refused by name', () => {
  test('removed', () => {
    for (const p of programs) {
      const json = plain(p);
      for (const path of pathsOf(json)) {
        if (typeof path.at(-1) === 'number' || path.at(-1) === 'over') continue; // an element of a list, an optional field
        const e = refusal(changed(json, path, () => undefined));
        if (!['data', 'batch'].includes(String(path.at(-1)))) expect(e.message, path.join('.')).toContain(String(path.at(-1)));
      }
    }
  });
  test('of another type', () => {
    for (const json of [plain(rows('js')), plain(accumulate('js'))])
      for (const path of pathsOf(json))
        for (const wrong of [true, {}, [null], -1.5] satisfies Json[]) {
          const old = path.reduce<Json>((v, key) => (v as Record<string | number, Json>)[key]!, json);
          if (typeof wrong === 'boolean' && typeof old === 'boolean') continue;
          if (path.at(-1) === 'value' || path.at(-1) === 'std') continue; // any number is a value
          refusal(changed(json, path, () => wrong));
        }
  });
  test('an unknown field, anywhere', () => {
    for (const p of programs) {
      const json = plain(p);
      const objects = [[], ...pathsOf(json)].filter(path => {
        const value = path.reduce<Json>((v, key) => (v as Record<string | number, Json>)[key]!, json);
        return typeof value === 'object' && value !== null && !Array.isArray(value);
      });
      for (const path of objects) {
        const add = (x: Json): Json => ({ ...(x as Record<string, Json>), nobody: 1 });
        const e = refusal(path.length ? changed(json, path, add) : add(json));
        expect(e.message).toContain('nobody');
      }
    }
  });
  test('slots, kernels and steps past the end, unaligned offsets, ranges that leave their slot', () => {
    const json = plain(rows('js'));
    for (const path of pathsOf(json)) {
      const key = path.at(-1);
      if (key === 'slot' || key === 'kernel') expect(refusal(changed(json, path, () => 99)).message).toContain('99');
      if (key === 'offset') {
        refusal(changed(json, path, () => 4));
        refusal(changed(json, path, () => 256 * 1024));
        refusal(changed(json, path, () => ({ batch: 256 * 1024 })));
      }
      if (key === 'bytes') refusal(changed(json, path, x => (typeof x === 'number' ? x + 2 : { batch: ((x as { batch: number }).batch ?? 0) + 2 })));
    }
  });
});

const edit = (change: (p: { -readonly [K in keyof Program]: Json }) => void, of: Program = rows('js')): Json => {
  const json = plain(of) as { -readonly [K in keyof Program]: Json };
  change(json);
  return json;
};
const item = (list: Json, i: number): Record<string, Json> => (list as Record<string, Json>[])[i]!;

describe('what fields say of one another', () => {
  const cases: [string, Json, string][] = [
    ['newer version', edit(p => void (p.version = 2)), 'program: version 2 is newer than 1, the newest this runtime reads; update heddle'],
    ['kernel text', edit(p => void (item(p.kernels, 0).text = 'return () => process.exit()')), 'does not match its hash'],
    ['kernel access', edit(p => void (item(item(p.kernels, 0).bindings!, 0).access = 'read_write')), 'does not match its hash'],
    ['name twice', edit(p => void (item(p.inputs, 1).name = 'x')), 'inputs[1] repeats the name "x"'],
    ['output twice', edit(p => void (item(p.outputs, 1).name = 'scaled')), 'outputs[1] repeats the name "scaled"'],
    ['weights overlap', edit(p => void (item(p.weights, 1).offset = 0)), 'weights[1] overlaps weights[0]'],
    [
      'weight in an input slot',
      edit(p => void Object.assign(item(p.weights, 0), { slot: 4 })),
      "weights[0] is in a slot of kind 'arena', not 'weights'",
    ],
    ['batch null', edit(p => void (p.batch = null)), 'batch is null, but a size is'],
    ['steps out of order', edit(p => void (item(p.outputs, 1).steps = [1, 0])), 'outputs[1].steps[1] is 0, not after 1'],
    ['step that is not there', edit(p => void (item(p.outputs, 1).steps = [7])), 'outputs[1].steps[0] is 7, but there are 3 steps'],
    ['index over a float', edit(p => void (item(p.inputs, 0).over = 4)), 'inputs[0].over is set on a f32, not an index'],
    ['shape against bytes', edit(p => void (item(p.inputs, 0).shape = [{ batch: 1 }, 5])), 'inputs[0] has 16B bytes, but its shape takes 20B'],
    [
      'two batches in a shape',
      edit(p => void (item(p.inputs, 0).shape = [{ batch: 1 }, { batch: 4 }])),
      'inputs[0] has the batch in two of its dims',
    ],
    ['scalar 0', edit(p => void (item(p.scalars, 0).index = 0)), 'scalars[0].index is 0, outside 1…63'],
    ['fewer buffers than bound', edit(p => void (item([p.needs], 0).storageBuffers = 2)), 'needs.storageBuffers is 2, but kernels[0] binds 4'],
    ['constant data', edit(p => void (item(p.slots, 5).data = 'AAA=')), 'slots[5].data holds 2 bytes, not 4'],
    ['constant data that is no base64', edit(p => void (item(p.slots, 5).data = 'AA!A')), 'slots[5].data is not base64'],
    ['data on an arena', edit(p => void (item(p.slots, 4).data = 'AAAA')), "slots[4].data is set on kind 'arena'"],
    ['negative deviation', edit(p => void (item(p.weights, 0).init = { kind: 'normal', std: -1 })), 'weights[0].init.std is -1, below 0'],
    ['unknown initialiser', edit(p => void (item(p.weights, 0).init = { kind: 'magic' })), 'weights[0].init has kind "magic"'],
    [
      'wrong count of bindings',
      edit(p => void (item(p.steps, 0).bindings as Json[]).pop()),
      'steps[0].bindings has 3 ranges, but the kernel binds 4',
    ],
    ['terminal escapes in a name', edit(p => void (item(p.steps, 0).name = '\u001b[2J')), 'steps[0].name has a control character'],
    ['a line end in an origin', edit(p => void (item(p.steps, 0).origin = 'a\u2028b')), 'steps[0].origin has a control character'],
  ];
  test.each(cases)('%s', (_, json, message) => {
    expect(refusal(json).message).toContain(message);
  });

  test('a written range that overlaps another of its dispatch', () => {
    expect(
      refusal(edit(p => void Object.assign(item(item(p.steps, 1).bindings!, 1), { slot: 3, offset: 0, bytes: { batch: 16 } }))).message,
    ).toContain('steps[1].bindings[1] overlaps steps[1].bindings[0] and is written');
  });
  test('an arena that is bound read', () => {
    const p = rows('js');
    const { hash: _, ...old } = p.kernels[1]!;
    const kernel = { ...old, bindings: [{ access: 'read' as const, dtype: 'f32' as const }, old.bindings[1]!] };
    const kernels = p.kernels.map((k, i) => (i === 1 ? { ...kernel, hash: kernelHash(kernel) } : k));
    expect(refusal(plain({ ...p, kernels })).message).toContain("steps[1].bindings[0] is read in a slot of kind 'arena'");
  });
  test('prototype keys are unknown fields', () => {
    expect(refusal(JSON.parse(JSON.stringify(rows('js')).replace('{', '{"__proto__":{"trust":true},'))).message).toContain('"__proto__"');
    expect(refusal(edit(p => void (item(p.weights, 0).init = { kind: 'constructor' }))).message).toContain('"constructor"');
  });
  test.each([null, undefined, 3, 'program', [], {}, { version: 1 }, { version: '9' }])('%j is no program', json => {
    refusal(json);
  });
});

test('random mutants never throw anything untyped', () => {
  const json = plain(rows('js'));
  const paths = pathsOf(json);
  const nasty = fc.oneof(
    fc.jsonValue() as fc.Arbitrary<Json>,
    fc.constantFrom<Json>(-1, 0, 1, 255, 256, 2 ** 31, 2 ** 53, 1e308, '', 'x', '__proto__', { batch: 256 }, { batch: 2 ** 53 }, { batch: 0 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), nasty), { minLength: 1, maxLength: 3 }), edits => {
      let mutant = json;
      for (const [i, value] of edits) {
        const path = paths[i % paths.length]!;
        try {
          mutant = changed(mutant, path, () => value);
        } catch {
          // an earlier edit took the path away
        }
      }
      try {
        validateProgram(mutant);
      } catch (e) {
        if (!(e instanceof ProgramError)) throw e;
        if (/[\r\n]/.test(e.message)) throw new Error(`more than one line: ${e.message}`);
      }
    }),
    { numRuns: 5000 },
  );
});
