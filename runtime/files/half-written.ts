// What is being written beside its place goes away when the process is told to end in the middle (Ctrl-C calls process.exit): no half
// file stays behind. A killed process cannot clean up, but what it left never has the final name.
import { rmSync } from 'node:fs';

const halfWritten = new Set<string>();
let listening = false;

function removeAll(): void {
  for (const path of halfWritten) rmSync(path, { recursive: true, force: true });
}

/** Runs `write`, which makes the files or folders at `paths` and renames or removes them; if the process exits meanwhile, they are removed. */
export async function removedOnExit<T>(paths: readonly string[], write: () => Promise<T>): Promise<T> {
  if (!listening) process.on('exit', removeAll);
  listening = true;
  for (const path of paths) halfWritten.add(path);
  try {
    return await write();
  } finally {
    for (const path of paths) halfWritten.delete(path);
  }
}
