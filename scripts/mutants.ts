// The mutation operators: one small change each, made on the syntax tree of a model file. What is a likely slip of a model's author:
// swapped arguments and dims, another symbol, another field or variable of the same kind, a dropped view, a changed pattern, an axis.
import ts from 'typescript';

export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly was: string;
  readonly now: string;
  /** The whole file with the change. */
  readonly text: string;
}
const symbols = ['B', 'N', 'D', 'V', 'H*K', 'J*Q', 'C', 'P', 'G*P', 'G*W', 'I', 'O', 'M', 'E'];
/** Fields that stand for one another. */
const fields: Readonly<Record<string, readonly string[]>> = {
  norm1: ['norm2'],
  norm2: ['norm1'],
  qkv: ['proj'],
  proj: ['qkv'],
  fc1: ['fc2'],
  fc2: ['fc1'],
  weight: ['bias'],
  bias: ['weight'],
  heads: ['decoderHeads'],
  decoderHeads: ['heads'],
  cls_token: ['mask_token', 'pos_embed'],
  mask_token: ['cls_token'],
  pos_embed: ['decoder_pos_embed', 'cls_token'],
  decoder_pos_embed: ['pos_embed'],
  blocks: ['decoder_blocks'],
  decoder_blocks: ['blocks'],
  norm: ['decoder_norm'],
  decoder_norm: ['norm'],
  decoder_embed: ['decoder_pred'],
  decoder_pred: ['decoder_embed'],
  width: ['decoderWidth'],
  decoderWidth: ['width'],
  patchSize: ['gridHeight'],
  gridHeight: ['patchSize', 'gridWidth'],
  gridWidth: ['gridHeight'],
};
/** Local names that stand for one another. */
const locals: Readonly<Record<string, readonly string[]>> = {
  shuffle: ['restore'],
  restore: ['shuffle', 'visible'],
  visible: ['mask'],
  mask: ['visible'],
  patches: ['visible'],
  first: ['rest'],
  rest: ['first'],
  pixels: ['pred'],
  target: ['pred'],
  pred: ['pixels', 'target'],
  tokens: ['rest'],
  latent: ['cls'],
  decoded: ['tokens'],
  width: ['hidden'],
  hidden: ['width'],
  inp: ['out'],
  out: ['inp'],
  imgs: ['noise'],
  noise: ['imgs'],
};
const views = new Set(['reshape', 'rearrange', 'broadcastTo', 'slice', 'gather', 'mean', 'sum', 'concat', 'heads', 'split', 'squeeze']);
const ordered = new Set([
  'attention',
  'sub',
  'div',
  'matmul',
  'linear',
  'gather',
  'layerNorm',
  'dense',
  'block',
  'encoder',
  'norm',
  'randomMask',
  'unshuffle',
  'reconstructionLoss',
  'patchEmbed',
  'patchify',
  'slice',
]);
const axisOps = new Set(['slice', 'gather', 'concat', 'split', 'argsort', 'rank', 'times', 'plus', 'softmax']);

/** Every mutant of one file, each text once. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const found = new Map<string, Mutant>();
  const change = (kind: string, from: number, to: number, now: string): void => {
    const changed = text.slice(0, from) + now + text.slice(to);
    if (changed !== text && !found.has(changed))
      found.set(changed, { file, kind, line: source.getLineAndCharacterOfPosition(from).line + 1, was: text.slice(from, to), now, text: changed });
  };
  const put = (kind: string, node: ts.Node, now: string): void => change(kind, node.getStart(), node.end, now);
  const swap = (kind: string, a: ts.Node, b: ts.Node): void =>
    change(kind, a.getStart(), b.end, b.getText() + text.slice(a.end, b.getStart()) + a.getText());
  const swapNeighbours = (kind: string, nodes: readonly ts.Node[]): void => {
    for (let i = 0; i + 1 < nodes.length; i++) if (nodes[i]!.getText() !== nodes[i + 1]!.getText()) swap(kind, nodes[i]!, nodes[i + 1]!);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isCallExpression(node)) mutateCall(node, put, swap, swapNeighbours);
    if (ts.isNewExpression(node)) swapNeighbours('swap arguments', node.arguments ?? []);
    mutateLeaf(node, put);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found.values()];
}

type Put = (kind: string, node: ts.Node, now: string) => void;
type Swap = (kind: string, a: ts.Node, b: ts.Node) => void;
type SwapNeighbours = (kind: string, nodes: readonly ts.Node[]) => void;
function mutateCall(node: ts.CallExpression, put: Put, swap: Swap, swapNeighbours: SwapNeighbours): void {
  const name = node.expression.getText();
  const args = node.arguments;
  const [first, second, third] = args;
  const list = args.find(ts.isArrayLiteralExpression)?.elements;
  const dims = name === 'f32' ? args : ['param', 'full', 'broadcastTo'].includes(name) ? (list ?? []) : [];
  swapNeighbours('swap dims', dims);
  for (const d of dims)
    if (ts.isStringLiteral(d)) for (const step of [1, 4]) put('change symbol', d, `'${symbols[(symbols.indexOf(d.text) + step) % symbols.length]}'`);
  if (ordered.has(name)) swapNeighbours('swap arguments', args);
  if (!first) return;
  if (views.has(name)) put(`drop ${name}`, node, (name === 'concat' && ts.isArrayLiteralExpression(first) ? first.elements[0]! : first).getText());
  if (name === 'concat' && ts.isArrayLiteralExpression(first)) swap('concat order', first.elements[0]!, first.elements[1]!);
  if (name === 'split' && third && ts.isArrayLiteralExpression(third)) swap('split order', third.elements[0]!, third.elements[1]!);
  if (name === 'rearrange' && second && ts.isStringLiteral(second)) for (const p of patternsOf(second.text)) put('pattern', second, `'${p}'`);
  if (['size', 'ratio'].includes(name) && ts.isStringLiteral(first))
    put('change symbol', first, `'${symbols[(symbols.indexOf(first.text) + 3) % symbols.length]}'`);
}
/** Neighbours swapped on either side, one group opened, one axis dropped. */
function patternsOf(pattern: string): string[] {
  const [left, right] = pattern.split('->').map(side => side.trim()) as [string, string];
  const swapped = (side: string): string[] => {
    const names = side.match(/\w+/g) ?? [];
    return names.slice(1).map((_, i) => {
      let k = -1;
      return side.replace(/\w+/g, w => (++k === i ? names[i + 1]! : k === i + 1 ? names[i]! : w));
    });
  };
  return [
    ...swapped(left).map(l => `${l} -> ${right}`),
    ...swapped(right).map(r => `${left} -> ${r}`),
    pattern.replace(/\(([^)]*)\)/, '$1'),
    pattern.replace(/ \w+( |$)/, ' '),
  ];
}
function mutateLeaf(node: ts.Node, put: Put): void {
  const { parent } = node;
  if (!parent) return;
  const call = ts.isCallExpression(parent) && parent.arguments.some(a => a === node) ? parent.expression.getText() : '';
  if (ts.isNumericLiteral(node) && axisOps.has(call))
    for (const v of [Number(node.text) + 1, Math.max(0, Number(node.text) - 1)]) put('number', node, `${v}`);
  if (ts.isNumericLiteral(node) && ts.isArrayLiteralExpression(parent)) put('number', node, `${Number(node.text) + 1}`);
  if (ts.isPrefixUnaryExpression(node) && ['mean', 'variance', 'split', 'sum'].includes(call)) for (const v of ['-2', '0']) put('axis', node, v);
  if (node.kind === ts.SyntaxKind.TrueKeyword && ts.isPropertyAssignment(parent) && parent.name.getText() === 'keepDims')
    put('keep flag', node, 'false');
  if (ts.isPropertyAccessExpression(node)) {
    const assigned = ts.isBinaryExpression(parent) && parent.left === node;
    if (!assigned && node.expression.getText() !== 'this') for (const other of fields[node.name.text] ?? []) put('other field', node.name, other);
  }
  const used = call !== '' || ts.isNewExpression(parent) || ts.isArrayLiteralExpression(parent);
  if (ts.isIdentifier(node) && used && !(ts.isNewExpression(parent) && parent.expression === node))
    for (const other of locals[node.text] ?? []) put('other variable', node, other);
}
