// Rows of rearrange, repeat, reduce and einsum. The references index by names: an element of the result is looked up by what each name
// of the pattern is, never by a reshape or a transpose.
import { at, build, count, indexOf, like } from './arrays.ts';
import { type DimText, dimText, nearly, placeholder } from './random-shapes.ts';
import type { Call, NdArray, Random, Row } from './row.ts';

type Sizes = Readonly<Record<string, number>>;
type Groups = readonly (readonly string[])[];
const groupsOf = (side: string): Groups =>
  [...side.matchAll(/\(([^)]*)\)|\S+/g)].map(([all, inside]) => (inside ?? all).split(/\s+/).filter(a => a !== '' && a !== '1'));
const product = (names: readonly string[], size: Sizes): number => names.reduce((n, a) => n * size[a]!, 1);
/** The sizes of all names, from the shape. */
function sizesOf(left: Groups, shape: readonly number[], given: Sizes): Sizes {
  const size: Record<string, number> = { ...given };
  left.forEach((group, i) => {
    const open = group.find(a => !(a in size));
    const known = group.filter(a => a in size);
    if (open !== undefined) size[open] = shape[i]! / product(known, size);
  });
  return size;
}
/** What each name is where the axes of the groups stand at `index`. */
const namesAt = (groups: Groups, index: readonly number[], size: Sizes): Sizes =>
  Object.fromEntries(
    groups.flatMap((group, i) =>
      indexOf(
        group.map(a => size[a]!),
        index[i]!,
      ).map((n, k) => [group[k]!, n]),
    ),
  );
const placeOf = (groups: Groups, names: Sizes, size: Sizes): number[] => groups.map(group => group.reduce((n, a) => n * size[a]! + names[a]!, 0));

const joins = {
  sum: (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0),
  mean: (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length,
  max: (xs: readonly number[]) => Math.max(...xs),
  min: (xs: readonly number[]) => Math.min(...xs),
} as const;
function reference(x: NdArray, pattern: string, join: keyof typeof joins, given: Sizes = {}): NdArray {
  const [left, right] = pattern.split('->').map(groupsOf) as [Groups, Groups];
  const size = sizesOf(left, x.shape, given);
  const lost = left.flat().filter(a => !right.flat().includes(a));
  const lostShape = lost.map(a => size[a]!);
  return like(
    x,
    right.map(g => product(g, size)),
    index => {
      const here = namesAt(right, index, size);
      const over = Array.from({ length: count(lostShape) }, (_, n) => Object.fromEntries(indexOf(lostShape, n).map((p, k) => [lost[k]!, p])));
      return joins[join](over.map(rest => at(x, placeOf(left, { ...here, ...rest }, size))));
    },
  );
}

/** Names 'a', 'b' … grouped at random; the shape that they make, and the sizes that must be given. */
function randomPattern(r: Random): { readonly groups: string[][]; readonly sizes: Map<string, DimText> } {
  const names = [...'abcd'].slice(0, 1 + r.int(4));
  const groups: string[][] = [];
  for (const a of names) r.chance(0.35) && groups.length > 0 ? groups.at(-1)!.push(a) : groups.push([a]);
  return { groups, sizes: new Map(names.map(a => [a, r.pick([1, 2, 3, 4, 'N', 'M'])])) };
}
const side = (groups: readonly (readonly string[])[]): string =>
  groups.map(g => (g.length === 1 && g[0] !== undefined ? g[0] : `(${g.join(' ')})`)).join(' ');
/** The dim of a group as text: numbers multiplied, symbols joined. */
function dimOf(group: readonly string[], sizes: ReadonlyMap<string, DimText>): DimText {
  const dims = group.map(a => sizes.get(a)!);
  const number = dims.filter(d => typeof d === 'number').reduce((a, b) => a * b, 1);
  const symbols = dims.filter(d => typeof d === 'string').sort();
  return symbols.length === 0 ? number : [...(number === 1 ? [] : [`${number}`]), ...symbols].join('*');
}
const shuffled = <T>(r: Random, list: readonly T[]): T[] => list.reduce<T[]>((out, x) => out.toSpliced(r.int(out.length + 1), 0, x), []);
const optionText = (sizes: ReadonlyMap<string, DimText>): string =>
  sizes.size === 0 ? '' : `, { ${[...sizes].map(([a, d]) => `${a}: ${typeof d === 'number' ? d : `'${d}'`}`).join(', ')} }`;

function randomCall(r: Random, op: 'rearrange' | 'repeat' | 'reduce'): Call {
  const { groups, sizes } = randomPattern(r);
  const names = groups.flat();
  const given = new Map<string, DimText>();
  for (const g of groups) for (const a of g.slice(0, -1)) if (r.chance(0.92)) given.set(a, r.chance(0.92) ? sizes.get(a)! : dimText(r));
  if (r.chance(0.1)) given.set(r.pick(names), dimText(r));
  let right: string[][] = [];
  const kept = op === 'reduce' ? names.filter(() => r.chance(0.6)) : names;
  for (const a of shuffled(r, [...kept, ...(op === 'repeat' ? ['z'] : []), ...(r.chance(0.08) ? [r.pick(['q', names[0]!])] : [])])) {
    if (r.chance(0.25) && right.length > 0) right.at(-1)!.push(a);
    else right.push([a]);
  }
  if (r.chance(0.08)) right = right.slice(1);
  if (op === 'repeat' && r.chance(0.9)) given.set('z', r.pick([2, 'M']));
  const text = `${side(groups)}${r.chance(0.95) ? ' -> ' : ' '}${side(right)}`;
  const pattern = r.chance(0.95) ? text : text.replace('(', '');
  const shape = groups.map(g => dimOf(g, sizes));
  const kind = op === 'reduce' ? `, '${r.pick(['sum', 'mean', 'max', 'min'])}'` : '';
  return { inputs: { x: placeholder(r.chance(0.85) ? shape : nearly(r, shape)) }, call: `${op}(x, '${pattern}'${kind}${optionText(given)})` };
}

const mistakesOf = (op: 'rearrange' | 'repeat'): Row['mistakes'] => [
  { call: `${op}(f32(8, 197, 768), /*✗*/'b n d')`, message: `${op}: write one "->" between the two sides of "b n d"` },
  { call: `${op}(f32(8, 197, 768), /*✗*/'b n d -> b n')`, message: `${op}: axis d disappears in "b n d -> b n"` },
  { call: `${op}(f32(8, 197, 768), /*✗*/'b n -> n b')`, message: `${op}: "b n -> n b" names 2 axes, the tensor has 3` },
  { call: `${op}(f32(8, 6), /*✗*/'b (h k -> b h k', { h: 2 })`, message: `${op}: the parentheses of "b (h k -> b h k" do not pair` },
  { call: `${op}(f32(8, 6), /*✗*/'b b -> b b')`, message: `${op}: axis b stands twice on one side of "b b -> b b"` },
  { call: `${op}(f32(8, 768), /*✗*/'b (h k) -> b h k', { h: 7 })`, message: `${op}: 768 is not divisible by 7 (axis k in "b (h k) -> b h k")` },
  { call: `${op}(f32(8, 768), /*✗*/'b (h k) -> b h k')`, message: `${op}: give a size for all but one of (h k) in "b (h k) -> b h k"` },
  { call: `${op}(f32(8, 197), /*✗*/'b n -> n b', { n: 196 })`, message: `${op}: axis n is 196, but the tensor has 197 in "b n -> n b"` },
  {
    call: `${op}(f32(8, 768), /*✗*/'b (h k) -> b h k', { h: 12, k: 65 })`,
    message: `${op}: the group (h k) has size 780, but the tensor has 768 in "b (h k) -> b h k"`,
  },
  { call: `${op}(f32(8, 4), /*✗*/'b n -> n b', { c: 2 })`, message: `${op}: a size is given for c, which is not in "b n -> n b"` },
];

const rearrangeRow: Row = {
  name: 'rearrange',
  family: 'einops',
  signature: "rearrange(x, 'b n (h k) -> b h n k', { h: 12 })",
  about: 'Another layout of the same elements, by names: einops.rearrange. Sizes give what the pattern leaves open.',
  samples: [
    { inputs: { x: 'f32(2, 3, 8, 6)' }, call: "rearrange(x, 'n c (h p) (w q) -> n (h w) (p q c)', { p: 4, q: 3 })" },
    { inputs: { x: 'f32(2, 6)' }, call: "rearrange(x, 'a (b c) -> (c a) b 1', { b: 2 })" },
    { inputs: { x: 'f32(2, 1, 3)' }, call: "rearrange(x, 'a 1 b->b a')" },
    { inputs: { x: 'index(5)(2, 3)' }, call: "rearrange(x, 'a b -> (a b)')" },
    { inputs: { x: 'i32()' }, call: "rearrange(x, ' -> 1 ()')" },
  ],
  mistakes: [
    ...mistakesOf('rearrange'),
    { call: "rearrange(f32(8, 3), /*✗*/'b n -> b n e')", message: 'rearrange: axis e of the right side is not on the left in "b n -> b n e"' },
  ],
  reference: (x: NdArray, pattern: string, sizes?: Sizes) => reference(x, pattern, 'sum', sizes),
  calls: r => randomCall(r, 'rearrange'),
};
const repeatRow: Row = {
  name: 'repeat',
  family: 'einops',
  signature: "repeat(x, 'h w -> h w c', { c: 3 })",
  about: 'rearrange with new axes on the right, along which x repeats: einops.repeat. Each new axis is given its size.',
  samples: [
    { inputs: { x: 'f32(2, 3)' }, call: "repeat(x, 'h w -> h w c', { c: 3 })" },
    { inputs: { x: 'f32(2, 3)' }, call: "repeat(x, 'h w -> (h r) (s w)', { r: 2, s: 2 })" },
    { inputs: { x: 'bool(6)' }, call: "repeat(x, '(a b) -> b k a', { a: 2, k: 1 })" },
  ],
  mistakes: [
    ...mistakesOf('repeat'),
    { call: "repeat(f32(8, 3), /*✗*/'b n -> b n e')", message: 'repeat: give a size for the new axis e of "b n -> b n e"' },
  ],
  reference: (x: NdArray, pattern: string, sizes?: Sizes) => reference(x, pattern, 'sum', sizes),
  calls: r => randomCall(r, 'repeat'),
};
const reduceRow: Row = {
  name: 'reduce',
  family: 'einops',
  signature: "reduce(x, 'b (h p) (w q) c -> b h w c', 'mean', { p: 2, q: 2 })",
  about: "rearrange without some axes, which are summed, averaged, or searched for the largest or smallest ('sum', 'mean', 'max', 'min').",
  samples: [
    { inputs: { x: 'f32(2, 4, 6)' }, call: "reduce(x, 'b (h p) w -> w h', 'mean', { p: 2 })" },
    { inputs: { x: 'f32(2, 4, 6)' }, call: "reduce(x, 'b h w -> b 1 w', 'max')" },
    { inputs: { x: 'i32(2, 3)' }, call: "reduce(x, 'a b -> ', 'sum')" },
    { inputs: { x: 'f32(2, 3)' }, call: "reduce(x, 'a b -> b', 'min')" },
    { inputs: { x: 'f32(2, 3)' }, call: "reduce(x, 'a b -> b a', 'sum')" },
  ],
  mistakes: [
    { call: "reduce(f32(8, 3), /*✗*/'b n -> b e', 'sum')", message: 'reduce: axis e of the right side is not on the left in "b n -> b e"' },
    { call: "reduce(f32(8, 3), /*✗*/'b (h p) -> b h', 'sum', { p: 2 })", message: 'reduce: 3 is not divisible by 2 (axis h in "b (h p) -> b h")' },
    { call: "reduce(/*✗*/i32(8, 3), 'b n -> b', 'mean')", message: 'reduce: wants f32 or f16, got i32' },
  ],
  // of an index come plain integers
  reference: ({ over: _, ...x }: NdArray, pattern: string, join: keyof typeof joins, sizes?: Sizes) => reference(x, pattern, join, sizes),
  calls: r => randomCall(r, 'reduce'),
};

// ---------------------------------------------------------------- einsum
function einsum(pattern: string, ...operands: readonly NdArray[]): NdArray {
  const [left, output] = pattern.replaceAll(' ', '').split('->') as [string, string];
  const inputs = left.split(',');
  const size: Record<string, number> = {};
  inputs.forEach((letters, k) => {
    for (const [i, c] of [...letters].entries()) size[c] = operands[k]!.shape[i]!;
  });
  const summed = Object.keys(size).filter(c => !output.includes(c));
  const summedShape = summed.map(c => size[c]!);
  return build(
    [...output].map(c => size[c]!),
    operands[0]!.dtype,
    index => {
      let sum = 0;
      for (let n = 0; n < count(summedShape); n++) {
        const rest = indexOf(summedShape, n);
        const place = (c: string): number => (output.includes(c) ? index[output.indexOf(c)]! : rest[summed.indexOf(c)]!);
        sum += inputs.reduce((p, letters, k) => p * at(operands[k]!, [...letters].map(place)), 1);
      }
      return sum;
    },
  );
}
const sizeOfLetter: Readonly<Record<string, DimText>> = { a: 2, b: 3, c: 4, d: 'N', e: 'M' };
const einsumRow: Row = {
  name: 'einsum',
  family: 'einops',
  signature: "einsum('bhqd,bhkd->bhqk', q, k)",
  about: 'A sum of products of one to three tensors, by letters. A letter twice in one operand is its diagonal; nothing broadcasts.',
  samples: [
    { inputs: { q: 'f32(2, 4, 8, 6)', k: 'f32(2, 4, 9, 6)' }, call: "einsum('bhqd,bhkd->bhqk', q, k)" },
    { inputs: { x: 'f32(2, 3, 2, 2, 4, 2)' }, call: "einsum('n c h p w q -> n h w p q c', x)" },
    { inputs: { x: 'f32(3, 3)' }, call: "einsum('ii->', x)" },
    { inputs: { x: 'f32(2, 3, 3, 2)' }, call: "einsum('abba->ba', x)" },
    { inputs: { x: 'f32(2, 3)' }, call: "einsum('ab->b', x)" },
    { inputs: { x: 'f32(4)', y: 'f32(5)' }, call: "einsum('a,b->ba', x, y)" },
    { inputs: { x: 'f32(4, 3)', y: 'f32(5)' }, call: "einsum('ab,c->c', x, y)" },
    { inputs: { x: 'f32(2, 30)', y: 'f32(30, 3)', z: 'f32(3, 4)' }, call: "einsum('ab,bc,cd->ad', x, y, z)" },
    { inputs: { x: 'f32(4, 3)', y: 'f32(3, 9)', z: 'f32(9, 1)' }, call: "einsum('ab,bc,cd->da', x, y, z)" },
    { inputs: { x: 'f32(3)', y: 'f32(3, 3)', z: 'f32(3)' }, call: "einsum('a,aa,a->a', x, y, z)" },
    { inputs: { x: 'f32()', y: 'f32(3)' }, call: "einsum(',a->a', x, y)" },
    { inputs: { x: 'f16(2, 3)', y: 'f16(3, 2)' }, call: "einsum('ab,bc->ac', x, y)", tolerance: 4e-3 },
  ],
  mistakes: [
    { call: "einsum(/*✗*/'bqd,bkd', f32(2, 3, 4), f32(2, 5, 4))", message: 'einsum: write "bqd,bkd" as inputs -> output, one letter an axis' },
    { call: "einsum(/*✗*/'...a->a', f32(2, 3))", message: 'einsum: write "...a->a" as inputs -> output, one letter an axis' },
    { call: "einsum(/*✗*/'ab,bc->ac', f32(2, 3))", message: 'einsum: "ab,bc->ac" is for 2 tensors, got 1' },
    { call: "einsum(/*✗*/'ab->ac', f32(2, 3))", message: 'einsum: the output letter c is in no input of "ab->ac"' },
    { call: "einsum(/*✗*/'ab->aa', f32(2, 3))", message: 'einsum: the output letter a stands twice in "ab->aa"' },
    { call: "einsum('abc->a', /*✗*/f32(2, 3))", message: 'einsum: abc names 3 axes, the tensor [2,3] has 2 ("abc->a")' },
    { call: "einsum('ab,bc->ac', f32(2, 3), /*✗*/f32(4, 5))", message: 'einsum: b is both 3 and 4 in "ab,bc->ac"' },
    { call: "einsum('ab,bc,cd->ad', f32(2, 3), f32(3, 5), /*✗*/f32('N', 4))", message: 'einsum: c is both 5 and N in "ab,bc,cd->ad"' },
    { call: "einsum('aa->a', /*✗*/f32(2, 3))", message: 'einsum: a is both 2 and 3 in "aa->a"' },
    { call: "einsum('a->a', /*✗*/i32(2))", message: 'einsum: wants f32 or f16, got i32' },
    { call: "einsum('a,a->a', f32(2), /*✗*/f16(2))", message: 'einsum: dtypes differ: f32 and f16' },
  ],
  reference: einsum,
  calls: r => {
    const inputs = Array.from({ length: 1 + r.int(3) }, () => Array.from({ length: r.int(4) }, () => r.pick([...'abcde'])));
    const letters = [...new Set(inputs.flat())];
    const output = [...shuffled(r, letters).slice(0, r.int(letters.length + 1)), ...(r.chance(0.07) ? [r.pick([...'aez'])] : [])];
    const tensors = inputs.map(list => {
      const shape = list.map(c => sizeOfLetter[c]!);
      return placeholder(r.chance(0.85) ? shape : nearly(r, shape), r.chance(0.95) ? 'f32' : r.pick(['f16', 'i32']));
    });
    const terms = inputs.map(list => list.join(r.pick(['', ' '])));
    const pattern = `${(r.chance(0.95) ? terms : terms.slice(1)).join(',')}${r.chance(0.95) ? '->' : r.pick(['', '=>', '->->'])}${output.join('')}`;
    return {
      inputs: Object.fromEntries(tensors.map((text, i) => [`x${i}`, text])),
      call: `einsum('${pattern}', ${tensors.map((_, i) => `x${i}`).join(', ')})`,
    };
  },
};

export const einopsRows: readonly Row[] = [rearrangeRow, repeatRow, reduceRow, einsumRow];
