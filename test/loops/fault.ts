// What is wrong with the kernels of a random program: the body of the fuzz test, apart from it so that the bank of planted bugs can run
// it on a copy of the compiler.
import { CompileError } from '../../compiler/errors.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { nestKey } from '../../compiler/loops/key.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import { build, feedsFor, type Program } from './programs.ts';
import { difference, lowerInlined } from './run.ts';

export interface Counts {
  kernels: number;
  /** 'flip pad': how often a pad read a flip. */
  readonly pairs: Map<string, number>;
}

/** In words; undefined if graph = unfused = unfused with 3 buffers a kernel = inlined. dynamic: over a free batch. */
export function fault(program: Program, dynamic: boolean, counts: Counts): string | undefined {
  const { graph, outputs, pairs } = build(program, dynamic);
  verify(graph);
  const batch = dynamic ? 3 : 1;
  const feeds = feedsFor(graph, batch);
  for (const pair of pairs) counts.pairs.set(pair, (counts.pairs.get(pair) ?? 0) + 1);

  const unfused = lowerUnfused(graph, outputs);
  counts.kernels += unfused.length;
  const wrong = difference(graph, outputs, unfused, feeds, { batch });
  if (wrong) return `unfused: ${wrong}`;
  if (lowerUnfused(graph, outputs).some((k, i) => nestKey(k.nest) !== nestKey(unfused[i]!.nest))) return 'lowered twice, it differs';

  const narrow = lowerUnfused(graph, outputs, { maxBuffers: 3 });
  if (narrow.some(k => k.nest.buffers.length > 3)) return 'more than 3 buffers';
  const split = difference(graph, outputs, narrow, feeds, { batch });
  if (split) return `3 buffers a kernel: ${split}`;
  try {
    const inlined = difference(graph, outputs, lowerInlined(graph, outputs), feeds, { batch });
    return inlined && `inlined: ${inlined}`;
  } catch (e) {
    if (e instanceof CompileError && e.code === 'HC201') return undefined; // more axes than one kernel has
    throw e;
  }
}
