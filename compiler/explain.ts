// What a Program will do, before any device is opened: one entry a dispatch in order, every shape in numbers, every stored value.
import { amountAt, gridSize, type Program } from '../common/program.ts';
import { type Size, sizeAt } from '../common/size.ts';

export interface ExplainedKernel {
  readonly name: string;
  /** Hash of the kernel text: dispatches with one hash share one pipeline. */
  readonly kernel: string;
  readonly ops: readonly string[];
  /** file:line:col of the user's code. */
  readonly origin: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly flops: number;
  readonly workgroups: number;
}
export interface Explained {
  readonly program: string;
  readonly target: string;
  readonly batch: number;
  readonly kernels: readonly ExplainedKernel[];
  readonly totals: {
    readonly kernels: number;
    readonly distinct: number;
    readonly bytesRead: number;
    readonly bytesWritten: number;
    readonly flops: number;
    readonly weightBytes: number;
    /** Of what a program keeps from run to run: trained parameters and what the optimiser keeps. */
    readonly stateBytes: number;
  };
  readonly arena: {
    /** Peak of the intermediates: what a session allocates for them. */
    readonly bytes: number;
    readonly tensors: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly bytes: number;
      readonly slot: number;
      readonly offset: number;
    }[];
  };
}

/** The plan of a program at a batch (1 unless said). */
export function explain(program: Program, batch = 1): Explained {
  const at = (s: Size): number => sizeAt(s, batch);
  const kernels = program.steps.map(
    (s): ExplainedKernel => ({
      name: s.name,
      kernel: program.kernels[s.kernel]!.hash,
      ops: s.ops,
      origin: s.origin,
      bytesRead: amountAt(s.bytesRead, batch),
      bytesWritten: amountAt(s.bytesWritten, batch),
      flops: amountAt(s.flops, batch),
      workgroups: gridSize(s.grid, batch),
    }),
  );
  const sum = (of: (k: ExplainedKernel) => number): number => kernels.reduce((n, k) => n + of(k), 0);
  return {
    program: program.name,
    target: program.target,
    batch,
    kernels,
    totals: {
      kernels: kernels.length,
      distinct: new Set(kernels.map(k => k.kernel)).size,
      bytesRead: sum(k => k.bytesRead),
      bytesWritten: sum(k => k.bytesWritten),
      flops: sum(k => k.flops),
      weightBytes: program.weights.reduce((n, w) => n + at(w.bytes), 0),
      stateBytes: program.slots.reduce((n, s) => n + (s.kind === 'state' ? at(s.bytes) : 0), 0),
    },
    arena: {
      bytes: program.slots.reduce((n, s) => n + (s.kind === 'arena' ? at(s.bytes) : 0), 0),
      tensors: program.values.map(v => ({ name: v.name, shape: v.shape.map(at), bytes: at(v.bytes), slot: v.slot, offset: at(v.offset) })),
    },
  };
}

const units = (n: number, unit: string): string => {
  const [scale, prefix] = n >= 1e9 ? [1e9, 'G'] : n >= 1e6 ? [1e6, 'M'] : n >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${(n / scale).toFixed(scale === 1 ? 0 : 1)} ${prefix}${unit}`;
};

/** The same as a table for people. */
export function explainTable(e: Explained): string {
  const rows = e.kernels.map(k => [
    k.name,
    units(k.bytesRead, 'B'),
    units(k.bytesWritten, 'B'),
    units(k.flops, 'FLOP'),
    String(k.workgroups),
    k.kernel.slice(0, 8),
    k.origin,
  ]);
  const head = ['kernel', 'reads', 'writes', 'work', 'groups', 'text', 'from'];
  const width = head.map((h, i) => rows.reduce((w, r) => Math.max(w, r[i]!.length), h.length));
  const right = new Set([1, 2, 3, 4]);
  const line = (r: readonly string[]): string =>
    r
      .map((c, i) => (right.has(i) ? c.padStart(width[i]!) : c.padEnd(width[i]!)))
      .join('  ')
      .trimEnd();
  const t = e.totals;
  return [
    line(head),
    ...rows.map(line),
    '',
    `${e.program} for ${e.target}, batch ${e.batch}: ${t.kernels} kernels, ${t.distinct} distinct, ${units(t.flops, 'FLOP')}, reads ${units(t.bytesRead, 'B')}, writes ${units(t.bytesWritten, 'B')}`,
    `weights ${units(t.weightBytes, 'B')}, ${t.stateBytes > 0 ? `state ${units(t.stateBytes, 'B')}, ` : ''}intermediates ${units(e.arena.bytes, 'B')} at their peak (${e.arena.tensors.length} values)`,
  ].join('\n');
}
