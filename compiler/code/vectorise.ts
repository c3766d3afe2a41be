// A storage binding, or memory that lanes share, is an array of vectors when everything that touches it moves four aligned elements; else it
// is an array of scalars, and what wanted to move four moves one four times. (WGSL has no view of one memory as both.)
import { element, int, plus } from './expressions.ts';
import { type Code, type Expr, isOfVectors, type Memory, type Statement } from './types.ts';
import { mapStatements, walkExpressions } from './walk.ts';

export function chooseVectorMemories(code: Code): Code {
  const scalar = new Set<number>();
  const wide = new Set<number>();
  const note = (memory: number, width: number): void => void (width === 4 ? wide : scalar).add(memory);
  walkExpressions(
    code.body,
    e => {
      if (e.kind === 'load') note(e.memory, e.width);
    },
    s => {
      if (s.kind === 'store') note(s.memory, s.value.width);
    },
  );
  const memories = code.memories.map((m, i): Memory => {
    if (m.space === 'private') return m;
    const isWhole = m.space === 'storage' || m.length % 4 === 0;
    return { ...m, vector: isWhole && wide.has(i) && !scalar.has(i) };
  });
  const isSplit = (memory: number): boolean => wide.has(memory) && !isOfVectors(memories[memory]!);
  if (!code.memories.some((_, i) => isSplit(i))) return { ...code, memories };
  const splitLoad = (e: Expr): Expr =>
    e.kind === 'load' && e.width === 4 && isSplit(e.memory)
      ? {
          kind: 'vector',
          of: [0, 1, 2, 3].map((i): Expr => ({ ...e, at: plus(e.at, int(i)), width: 1 })),
          type: e.type,
          width: 4,
        }
      : e;
  const splitStore = (s: Statement): readonly Statement[] =>
    s.kind === 'store' && s.value.width === 4 && isSplit(s.memory)
      ? [0, 1, 2, 3].map((i): Statement => ({ ...s, at: plus(s.at, int(i)), value: element(s.value, i) }))
      : [s];
  return { ...code, memories, body: mapStatements(code.body, splitLoad, splitStore) };
}
