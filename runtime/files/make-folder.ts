// A folder and those above it. (Node's own recursive mkdir never returns where the system says that a folder cannot exist, as under /proc.)
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Makes `folder` and the missing folders above it. @throws the system's error for one that cannot be made */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !(await exists(at)); at = path.dirname(at)) missing.unshift(at);
  for (const at of missing) await mkdir(at).catch(unlessThere);
}
const exists = async (at: string): Promise<boolean> => {
  try {
    await stat(at);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT' && at !== path.dirname(at)) return false;
    throw e;
  }
};
/** Another process may have been first. */
function unlessThere(e: NodeJS.ErrnoException): void {
  if (e.code !== 'EEXIST') throw e;
}
