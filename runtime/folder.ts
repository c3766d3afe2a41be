// A Program as a folder: program.json, and each kernel's text in kernels/<hash>.wgsl or .js, which people can read and diff. What is read
// back is hostile until validated: every text is hashed again, and JavaScript runs only when the caller vouches for it.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Program } from '../common/program.ts';
import { fieldsOf, malformed } from './decode.ts';
import { FileError, ProgramError } from './errors.ts';
import { removedOnExit } from './files/half-written.ts';
import { makeFolder } from './files/make-folder.ts';
import { validateProgram } from './validate.ts';

const programFile = 'program.json';
const kernelFolder = 'kernels';
const message = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** Writes the program, and other files by name, beside `folder` and renames it into place, so that nobody sees half of it. A folder that
 *  holds a Program is replaced; any other one is refused. Throws FileError HF2. */
export async function saveProgram(folder: string, program: Program, others: ReadonlyMap<string, string> = new Map()): Promise<void> {
  const id = randomBytes(6).toString('hex');
  const target = path.resolve(folder);
  const beside = `${target}.${id}.tmp`;
  const old = `${target}.${id}.old`;
  await removedOnExit([beside], async () => {
    try {
      await makeFolder(path.join(beside, kernelFolder));
      for (const { hash, text } of program.kernels) await write(path.join(beside, kernelFolder, `${hash}.${program.language}`), text);
      const kernels = program.kernels.map(({ text: _, ...rest }) => rest);
      await write(path.join(beside, programFile), `${JSON.stringify({ ...program, kernels }, null, 1)}\n`);
      for (const [name, text] of others) await write(path.join(beside, name), text);
      if (await isReplaceable(folder)) await fs.rename(target, old);
      await fs.rename(beside, target);
    } catch (cause) {
      if (cause instanceof FileError) throw cause;
      throw new FileError('HF2', `${folder}: the program cannot be written (${message(cause)})`, { cause });
    } finally {
      for (const rest of [beside, old]) await fs.rm(rest, { recursive: true, force: true });
    }
  });
}

async function write(file: string, text: string): Promise<void> {
  const handle = await fs.open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Is there a folder that may be replaced? Throws FileError HF2 for one that is not a Program's. */
async function isReplaceable(folder: string): Promise<boolean> {
  const names = await fs.readdir(folder).catch((e: NodeJS.ErrnoException) => (e.code === 'ENOENT' ? undefined : Promise.reject(e)));
  if (names === undefined) return false;
  if (names.length > 0 && !names.includes(programFile))
    throw new FileError('HF2', `${folder} exists and holds no program; name an empty or a new folder`);
  return true;
}

export interface LoadOptions {
  /** JavaScript kernels are code that runs with all rights of the process: true says that the folder is trusted. */
  readonly trust?: boolean | undefined;
}

/** Reads and validates a Program folder. Throws FileError HF2 (missing file), ProgramError HF10 (malformed), HF11 (newer), HF12 (JavaScript
 *  without trust), HF13 (text that does not match its hash). */
export async function loadProgram(folder: string, { trust = false }: LoadOptions = {}): Promise<Program> {
  const json = parse(await read(folder, programFile), path.join(folder, programFile));
  const fields = fieldsOf(json, '');
  const language = fields.get('language');
  if (language !== 'wgsl' && language !== 'js') malformed('language', 'is neither wgsl nor js');
  if (language === 'js' && !trust)
    throw new ProgramError('HF12', `${folder}: its kernels are JavaScript, which runs as code; pass trust: true if you trust where it came from`);
  const kernels = fields.get('kernels');
  if (!Array.isArray(kernels)) malformed('kernels', 'is not a list');
  const whole: unknown[] = [];
  for (const [i, kernel] of kernels.entries()) whole.push(await withText(folder, kernel, `kernels[${i}]`, language));
  return validateProgram(Object.fromEntries([...fields, ['kernels', whole]]));
}

/** The kernel's text comes from its file alone; the hash is checked to be one before it becomes part of a path. */
async function withText(folder: string, kernel: unknown, at: string, language: string): Promise<unknown> {
  const fields = fieldsOf(kernel, at);
  const hash = fields.get('hash');
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) malformed(`${at}.hash`, 'is not 64 hexadecimal digits');
  if (fields.has('text')) malformed(at, "has a field 'text', which belongs in a file");
  return Object.fromEntries([...fields, ['text', await read(folder, path.join(kernelFolder, `${hash}.${language}`))]]);
}

async function read(folder: string, file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await fs.readFile(path.join(folder, file)));
  } catch (cause) {
    if (cause instanceof TypeError) throw new ProgramError('HF10', `${path.join(folder, file)} is not UTF-8 text`);
    throw new FileError('HF2', `${path.join(folder, file)} cannot be read (${message(cause)})`, { cause });
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProgramError('HF10', `${file} is not JSON (${message(cause)})`);
  }
}
