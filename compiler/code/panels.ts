// Panels in workgroup memory (staging.ts) as code. In each chunk of the reduced axis all lanes of the group deal out the panels' positions
// and copy them, in blocks that are read and written four at a time; after a barrier each lane's register tile finds its operands there;
// another barrier, and the next chunk may be copied over. Positions beyond the end of an axis hold what the last one does: they are
// computed with and never stored. A chunk beyond the end of the reduced axis is summed up to there.
import { scope as reach } from '../loops/facts.ts';
import { dividedBy, element, int, lane, load, modulo, operation, plus, times, vector } from './expressions.ts';
import type { Span } from './rounds.ts';
import { type Binding, define, type Offsets, Scope } from './scope.ts';
import type { Panel, Stage } from './staging.ts';
import { loadsOf, plainStride } from './strides.ts';
import type { Expr, Memory, Statement } from './types.ts';
import { type Values, withOffset } from './values.ts';

/** The memories of a kernel's panels: one of vectors and one of scalars, each as long as the largest need of a phase, for a phase leaves
 *  nothing in them. */
export class PanelMemories {
  private readonly memories: Memory[];
  private readonly total: number;
  private readonly known = new Map<Panel['four'], { readonly index: number; readonly length: number }>();

  /** total: numbers that there is room for. */
  constructor(memories: Memory[], total: number) {
    this.memories = memories;
    this.total = total;
  }
  /** Is there room for a stage's panels? */
  fits(stage: Stage): boolean {
    return this.lengthWith(true, stage) + this.lengthWith(false, stage) <= this.total;
  }
  private lengthWith(four: boolean, stage: Stage): number {
    return Math.max(this.known.get(four)?.length ?? 0, floatsOf(stage, four));
  }
  /** The number of the memory that a stage's panels stand in. */
  of(four: boolean, stage: Stage): number {
    const index = this.known.get(four)?.index ?? this.memories.length;
    const length = this.lengthWith(four, stage);
    this.memories[index] = { space: 'shared', type: 'f32', length, vector: false };
    this.known.set(four, { index, length });
    return index;
  }
}
/** Numbers in those panels of a stage that are read by four, or one by one. */
const floatsOf = ({ chunk, panels }: Stage, four: boolean): number => panels.reduce((n, p) => (p.four === four ? n + chunk * p.pitch : n), 0);

/** The reduced axis, where its chunk begins, and how many positions it has, where a chunk may end beyond them. */
export interface Chunk {
  readonly axis: number;
  readonly start: Expr;
  readonly count: Expr | undefined;
}

interface Placed {
  readonly panel: Panel;
  readonly memory: number;
  readonly offset: number;
}

export class Panels {
  private readonly values: Values;
  private readonly memories: PanelMemories;
  private readonly spanOf: (axis: number) => Span;
  private readonly starts: ReadonlyMap<number, Expr>;
  private readonly lanes: number;

  /** starts: where the register tile of a lane begins on each axis of the group's tile. */
  constructor(values: Values, memories: PanelMemories, spanOf: (axis: number) => Span, starts: ReadonlyMap<number, Expr>, lanes: number) {
    this.values = values;
    this.memories = memories;
    this.spanOf = spanOf;
    this.starts = starts;
    this.lanes = lanes;
  }

  /** All panels of a stage with their places in memory. */
  private placed(stage: Stage): readonly Placed[] {
    const next = new Map<boolean, number>();
    return stage.panels.map(panel => {
      const offset = next.get(panel.four) ?? 0;
      next.set(panel.four, offset + stage.chunk * panel.pitch);
      return { panel, memory: this.memories.of(panel.four, stage), offset };
    });
  }

  /** Copies a chunk; `at` is where it is done again for each, `body` what is done then. */
  fill(stage: Stage, chunk: Chunk, at: Scope, body: Statement[]): void {
    for (const placed of this.placed(stage)) this.copy(placed, stage.chunk, chunk, at, body);
  }
  private copy(placed: Placed, length: number, { axis, start, count: positions }: Chunk, at: Scope, body: Statement[]): void {
    const { names, nest } = this.values;
    const { panel } = placed;
    const { dims, four, wide } = panel;
    const last = dims.at(-1)!;
    const across = four ? 4 : 1;
    const deep = wide === 'reduced' ? 4 : 1;
    const counter = names.loop();
    const copy: Statement[] = [];
    // neighbouring lanes fetch neighbours
    const along = { axis, count: length / deep, step: deep };
    const inner = { axis: last.axis, count: last.extent / across, step: across };
    const others = dims.slice(0, -1).map(d => ({ axis: d.axis, count: d.extent, step: 1 }));
    const numbered = [...(this.runsAlong(panel, axis) ? [along, inner] : [inner, along]), ...others.reverse()];
    let rest: Expr = counter;
    const places = new Map<number, Expr>();
    numbered.forEach(({ axis: a, count, step }, i) => {
      const isOuter = i === numbered.length - 1;
      places.set(a, define(names, copy, times(isOuter ? rest : modulo(rest, count), step)));
      if (!isOuter) rest = define(names, copy, dividedBy(rest, count));
    });

    const bindings = new Map<number, Binding>();
    const { extent } = nest.axes[axis]!;
    const position = plus(start, places.get(axis)!);
    bindings.set(axis, {
      base: define(names, copy, positions ? operation('min', position, plus(positions, int(-deep))) : position),
      tile: deep,
      vector: wide === 'reduced',
      extent,
      last: undefined,
    });
    for (const d of dims) {
      const isWide = d === last && wide === 'last';
      const { count, extent: whole } = this.spanOf(d.axis);
      const place = places.get(d.axis)!;
      const isRagged = count.kind !== 'literal' || count.value < d.extent;
      const end = isRagged ? define(names, copy, plus(count, int(isWide ? -4 : -1))) : undefined;
      const base = end ? define(names, copy, operation('min', place, end)) : place;
      bindings.set(d.axis, { base, tile: d === last ? across : 1, vector: isWide, extent: whole, last: isWide ? undefined : end });
    }
    const scope = new Scope(at, bindings, copy);
    this.write(placed, places, axis, scope);
    const count = numbered.reduce((n, x) => n * x.count, 1);
    body.push({ kind: 'for', name: counter.name, from: lane, to: int(count), step: this.lanes, body: copy });
  }
  /** Do neighbours along the reduced axis stand together in memory? */
  private runsAlong({ value, wide, dims }: Panel, axis: number): boolean {
    if (wide !== 'none') return wide === 'reduced';
    const { nest } = this.values;
    const loads = loadsOf(nest, reach(nest.values, [value]));
    const least = (a: number): number => Math.min(...loads.map(l => Math.abs(plainStride(l.at, a)) || Number.POSITIVE_INFINITY));
    return least(axis) < least(dims.at(-1)!.axis);
  }

  /** Values of a block, each computed from where it was fetched, into their places. */
  private write({ panel, memory, offset }: Placed, places: ReadonlyMap<number, Expr>, reduced: number, scope: Scope): void {
    const { value, dims, four, wide, pitch } = panel;
    const { values } = this;
    const last = dims.at(-1)!.axis;
    const across = four ? [0, 1, 2, 3] : [0];
    const got = wide === 'last' ? [values.value(value, scope, [])] : across.map(j => values.value(value, scope, withOffset([], last, j)));
    const named = got.map(e => (e.kind === 'name' || e.kind === 'literal' ? e : values.names.define(scope.body, e)));
    const first = dims.reduce<Expr>((sum, d) => plus(sum, times(places.get(d.axis)!, d.stride)), times(places.get(reduced)!, pitch));
    const at = define(values.names, scope.body, plus(first, int(offset)));
    const put = (k: number, block: readonly Expr[]): void => {
      scope.body.push({ kind: 'store', memory, at: plus(at, int(k * pitch)), value: block.length === 4 ? vector(block) : block[0]! });
    };
    if (wide === 'reduced')
      for (let k = 0; k < 4; k++)
        put(
          k,
          named.map(e => element(e, k)),
        );
    else put(0, named);
  }

  /** Makes the operands of a lane's register tile known to the loop over a chunk; `point` is where the tile stands. */
  read(stage: Stage, { axis, start }: Chunk, inner: Scope, point: Scope): void {
    const { values } = this;
    for (const { panel, memory, offset } of this.placed(stage)) {
      const { value, dims, pitch, four } = panel;
      const { type } = values.nest.values[value]!;
      const last = dims.at(-1)!.axis;
      const row = inner.keep(times(operation('sub', inner.binding(axis).base, start), pitch), values.names);
      const column = point.keep(
        dims.reduce<Expr>((sum, d) => plus(sum, times(this.starts.get(d.axis)!, d.stride)), int(0)),
        values.names,
      );
      const from = inner.keep(plus(row, column), values.names);
      const fetched = new Map<number, Expr>();
      const fetch = (at: number): Expr => {
        let e = fetched.get(at);
        if (!e) fetched.set(at, (e = values.names.define(inner.body, load(memory, plus(from, int(offset + at)), type, four ? 4 : 1))));
        return e;
      };
      const along = dims.filter(d => inner.binding(d.axis).tile > 1).map(d => d.axis);
      for (const offsets of values.combinations(along, inner, [] as Offsets)) {
        const of = (a: number): number => offsets[a] ?? 0;
        const others = dims.reduce((sum, d) => (d.axis === last ? sum : sum + of(d.axis) * d.stride), 0);
        const within = of(last) % 4;
        const e = four ? fetch(others + of(last) - within) : fetch(others + of(last));
        const isWhole = inner.binding(last).vector;
        inner.memo.set(values.key(value, inner, offsets), four && !isWhole ? element(e, within) : e);
      }
    }
  }
}
