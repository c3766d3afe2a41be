// `heddle check`: what the types of a model file say, the dims that they leave to the trace, and its scalar kernels. Findings are the
// output, in tsc's form on stdout; nothing of the model is run.
import type { Place } from '../common/errors.ts';
import { kernelErrors } from '../compiler/source/prepare.ts';
import { checkTypes } from '../compiler/source/types.ts';
import { shortPath } from './exit.ts';
import { modelPath } from './load-model.ts';

interface Mistake {
  readonly code: string;
  readonly message: string;
  readonly place?: Place | undefined;
}
const placesShown = 10;

export async function check(file: string, flags: { readonly json?: boolean }): Promise<void> {
  const full = modelPath(file);
  const types = checkTypes(full);
  const kernels = kernelErrors(full).map(({ code, message, place }): Mistake => ({ code, message, place }));
  const mistakes = [...types.mistakes, ...kernels].map(short);
  const wide = types.wide.map(short);
  const { dims, wideDims } = types;
  if (flags.json) process.stdout.write(`${JSON.stringify({ file, mistakes, dims, wideDims, wide }, null, 1)}\n`);
  else {
    const lines = mistakes.map(m => `${at(m.place)}error ${m.code}: ${m.message}`);
    for (const w of wide.slice(0, placesShown)) lines.push(`${at(w.place)}wide: ${w.text} is ${w.type}`);
    if (wide.length > placesShown) lines.push(`… and ${wide.length - placesShown} more wide calls (--json lists them)`);
    const left = wideDims === 0 ? '' : ': the trace checks them';
    lines.push(`${file}: ${mistakes.length} ${mistakes.length === 1 ? 'error' : 'errors'}, ${wideDims} of ${dims} dims are wide${left}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  if (mistakes.length > 0) process.exitCode = 1;
}
const at = (place: Place | undefined): string => (place ? `${place.file}:${place.line}:${place.column} - ` : '');
const short = <T extends { readonly place?: Place | undefined }>(x: T): T =>
  x.place ? { ...x, place: { ...x.place, file: shortPath(x.place.file) } } : x;
