// Holds a README to what it shows: its shell commands run, its TypeScript is type-checked and runs, and every output and compile error
// in it is exactly what is printed today. `--write` puts today's text into the blocks; without it a difference is an error.
//   node scripts/readme.ts [--write] [README.md]
// Blocks by the words after their fence:
//   ```sh                     runs; its exit code must be 0. Left out when `<!-- minutes -->` stands under it
//   ```sh output + ```text    runs; the text is what it prints on stdout
//   ```ts                     is type-checked and run
//   ```ts file=PATH           is that file, which is type-checked and imported
//   ```ts error + ```text     does not compile; the text is what tsc says. `error=PATH`: the block is that file
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.join(import.meta.dirname, '..');
/** Inside the checkout, so that `heddle` is its own; one for each process. */
const scratch = path.join(root, `out/readme-${process.pid}`);

interface Block {
  readonly language: string;
  /** `file`, `error` and `output`, with their value or ''. */
  readonly marks: ReadonlyMap<string, string>;
  readonly text: string;
  /** 1-based line of the fence, and where the text lies in the README's lines. */
  readonly line: number;
  readonly from: number;
  readonly to: number;
  /** `<!-- minutes -->` under it. */
  readonly skipped: boolean;
}

export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\w+)(.*)$/.exec(lines[i]!);
    if (!fence) continue;
    const end = lines.indexOf('```', i + 1);
    if (end < 0) throw new Error(`line ${i + 1}: the block has no end`);
    const marks = (fence[2]!.match(/\S+/g) ?? []).map((m): [string, string] => [m.split('=')[0]!, m.split('=')[1] ?? '']);
    const under = lines.slice(end + 1).find(l => l.trim() !== '');
    const text = lines.slice(i + 1, end).join('\n');
    blocks.push({
      language: fence[1]!,
      marks: new Map(marks),
      text,
      line: i + 1,
      from: i + 1,
      to: end,
      skipped: under?.trim() === '<!-- minutes -->',
    });
    i = end;
  }
  return blocks;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly all: string;
}
const bins = path.join(root, 'node_modules/.bin');
function run(command: string, args: readonly string[], cwd = root): Ran {
  const env = { ...process.env, PATH: `${bins}${path.delimiter}${process.env.PATH}`, NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { code: status ?? 1, stdout: stdout.trimEnd(), all: `${stdout}${stderr}`.trimEnd() };
}
/** What tsc prints for one file under this project's options, with paths from `cwd`. */
function typeCheck(file: string, cwd: string): string {
  const settings = path.join(scratch, 'tsconfig.json');
  writeFileSync(settings, JSON.stringify({ extends: path.join(root, 'tsconfig.json'), include: [file], exclude: [] }));
  return run(process.execPath, [path.join(root, 'node_modules/typescript7/bin/tsc'), '-p', settings], cwd).stdout;
}

/** A place in the README that does not hold. */
interface Failure {
  readonly line: number;
  readonly says: string;
}
/** New text for a block. */
interface Edit {
  readonly block: Block;
  readonly text: string;
}

/** Checks the blocks in order. `write` collects today's texts instead of comparing. */
export function checkBlocks(blocks: readonly Block[], write: boolean, say: (text: string) => void): { failures: Failure[]; edits: Edit[] } {
  const failures: Failure[] = [];
  const edits: Edit[] = [];
  const fail = (block: Block, says: string): void => void failures.push({ line: block.line, says });
  const holds = (block: Block, today: string, what: string): void => {
    if (block.text === today) return;
    if (write) edits.push({ block, text: today });
    else fail(block, `${what} differs from what is shown; \`node scripts/readme.ts --write\` puts it in:\n${today}`);
  };
  const following = (i: number): Block | undefined => {
    const next = blocks[i + 1];
    if (next?.language === 'text') return next;
    fail(blocks[i]!, 'no ```text block follows');
    return undefined;
  };
  mkdirSync(scratch, { recursive: true });
  for (const [i, block] of blocks.entries()) {
    if (block.skipped) continue;
    if (block.language === 'sh') {
      const started = performance.now();
      const ran = run('bash', ['-euo', 'pipefail', '-c', block.text]);
      say(`line ${block.line}: ${block.text.split('\n')[0]} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
      if (ran.code !== 0) fail(block, `exit code ${ran.code}:\n${ran.all}`);
      else if (block.marks.has('output')) {
        const shown = following(i);
        if (shown) holds(shown, ran.stdout, 'the output');
      }
    } else if (block.language === 'ts') {
      const named = block.marks.get('file') || block.marks.get('error');
      const file = path.resolve(root, named || path.join(scratch, 'example.ts'));
      if (named) holds(block, readFileSync(file, 'utf8').trimEnd(), named);
      else writeFileSync(file, `${block.text}\n`);
      const said = typeCheck(file, named ? root : scratch);
      say(`line ${block.line}: ${named || 'an example'}`);
      if (block.marks.has('error')) {
        const shown = following(i);
        if (said === '') fail(block, 'it compiles, but is shown as an error');
        else if (shown) holds(shown, said, 'the error');
        continue;
      }
      if (said !== '') fail(block, `it does not compile:\n${said}`);
      const ran = run(process.execPath, [file]);
      if (ran.code !== 0) fail(block, `it does not run:\n${ran.all}`);
    }
  }
  rmSync(scratch, { recursive: true, force: true });
  return { failures, edits };
}

/** The README with new texts in their blocks. */
export function edited(markdown: string, edits: readonly Edit[]): string {
  const lines = markdown.split('\n');
  for (const { block, text } of [...edits].sort((a, b) => b.block.from - a.block.from))
    lines.splice(block.from, block.to - block.from, ...text.split('\n'));
  return lines.join('\n');
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { write: { type: 'boolean', default: false } }, allowPositionals: true });
  const file = path.resolve(positionals[0] ?? path.join(root, 'README.md'));
  const markdown = readFileSync(file, 'utf8');
  const { failures, edits } = checkBlocks(blocksOf(markdown), values.write, text => process.stderr.write(`${text}\n`));
  if (edits.length > 0) writeFileSync(file, edited(markdown, edits));
  for (const { line, says } of failures) process.stdout.write(`${path.relative(process.cwd(), file)}:${line}:1 - error README: ${says}\n`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
