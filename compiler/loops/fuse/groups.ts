// The state of fusion: which kernel stores which roots, what each root reads, who reads each stored value. Moves keep it consistent.

import { showSizes } from '../../../common/size.ts';
import { bodyOf, type Graph } from '../../graph/graph.ts';
import { type Flats, overlap, stateOf } from '../flat.ts';
import { isGiven, type Root, storedFrom } from '../lower.ts';
import { type Cone, Cones } from './cone.ts';

/** One kernel of the plan. */
export interface Group {
  readonly id: number;
  roots: readonly Root[];
  /** Its cost and the tensors that it binds, until its roots or what they read change. */
  known?: { readonly cost: number; readonly buffers: readonly number[] } | undefined;
}
interface RootState {
  readonly root: Root;
  group: Group;
  reads: ReadonlySet<number>;
  /** Remembered until what it reads changes. */
  cone: Cone | undefined;
  /** Extents of the axes that it is stored over, ascending; multiples of the batch are negative. */
  readonly extents: readonly number[];
}
const rootKey = (r: Root): string => (r.piece < 0 ? `${r.node}` : `${r.node}.${r.piece}`);
const wholeOf = (key: string): number => Number.parseInt(key, 10);

export class Groups {
  private readonly graph: Graph;
  private readonly stored: (id: number) => boolean;
  private readonly flats: Flats;
  private readonly cones: Cones;
  private readonly live = new Map<number, Group>();
  private readonly roots = new Map<string, RootState>();
  /** Stored or given node → keys of the roots that read it. */
  private readonly readers = new Map<number, Set<string>>();
  /** Stored node → its roots' keys; nodes by shape, for kernels that are alike. */
  private readonly rootsOfNode = new Map<number, readonly string[]>();
  private readonly byShape = new Map<string, Set<number>>();
  /** States that some kernel assigns. */
  private readonly assigned: ReadonlySet<number>;
  /** Flat → what is written in it. */
  private readonly inside: ReadonlyMap<number, readonly number[]>;
  private next = 0;
  /** The kernels in an order in which they can run, when it is known, and their places in it. */
  private order: (Group | undefined)[] | undefined;
  private at = new Map<Group, number>();

  constructor(graph: Graph, stored: (id: number) => boolean, flats: Flats) {
    this.graph = graph;
    this.stored = stored;
    this.flats = flats;
    this.cones = new Cones(graph);
    this.assigned = new Set(graph.nodes.flatMap(n => (n.op === 'assign' ? [...stateOf(graph, n.id)] : [])));
    this.inside = new Map(flats.ids.map(flat => [flat, [...flats.places].flatMap(([home, place]) => (place.flat === flat ? [home] : []))]));
  }
  get all(): readonly Group[] {
    return [...this.live.values()];
  }

  /** A new kernel for each root of a value that is stored from now on. */
  store(id: number, roots: readonly Root[]): void {
    this.order = undefined;
    this.rootsOfNode.set(id, roots.map(rootKey));
    const shape = this.shapeOf(id);
    const alike = this.byShape.get(shape);
    if (alike) alike.add(id);
    else this.byShape.set(shape, new Set([id]));
    for (const root of roots) {
      const group: Group = { id: this.next++, roots: [root] };
      this.live.set(group.id, group);
      this.roots.set(rootKey(root), { root, group, reads: new Set(), cone: undefined, extents: this.extentsOf(root) });
      this.setReads(root, this.readsOf(root));
    }
  }
  /** Works out anew what every root reads, after something more was stored. */
  refresh(): void {
    this.order = undefined;
    for (const { root } of [...this.roots.values()]) this.setReads(root, this.readsOf(root));
  }
  private shapeOf = (id: number): string => showSizes(this.graph.shape(id));

  /** Stored and given values that a root's cone ends at. */
  private readsOf(root: Root): Set<number> {
    const out = new Set<number>();
    const node = this.graph.node(root.node);
    const stack = root.piece < 0 ? [...bodyOf(node)] : [node.ins[root.piece]!];
    const seen = new Set<number>();
    while (stack.length > 0) {
      const id = stack.pop()!;
      if (seen.has(id)) continue;
      seen.add(id);
      const n = this.graph.node(id);
      if (isGiven(n) || this.stored(id)) out.add(id);
      else stack.push(...bodyOf(n));
    }
    return out;
  }
  private setReads(root: Root, reads: ReadonlySet<number>): void {
    const key = rootKey(root);
    const entry = this.roots.get(key)!;
    entry.group.known = undefined;
    entry.cone = undefined;
    for (const id of entry.reads) this.readers.get(id)?.delete(key);
    entry.reads = reads;
    for (const id of reads) {
      const set = this.readers.get(id);
      if (set) set.add(key);
      else this.readers.set(id, new Set([key]));
    }
  }

  private stateOf(root: Root): RootState {
    return this.roots.get(rootKey(root))!;
  }
  /** The cones of a kernel's roots, `without` no longer stored. */
  conesOf(roots: readonly Root[], without: number): readonly Cone[] {
    return roots.map(root => {
      const state = this.stateOf(root);
      if (state.reads.has(without)) return this.cones.of(root, id => id !== without && this.stored(id));
      return (state.cone ??= this.cones.of(root, this.stored));
    });
  }
  /** Would a kernel read a concat of which it writes a piece, or bind a flat beside what lies in it? */
  clashes(cones: readonly Cone[]): boolean {
    const pieces = cones.flatMap(c => (c.root.piece < 0 ? [] : [c.root.node]));
    if (pieces.length > 0 && cones.some(c => c.reads.some(id => pieces.includes(id)))) return true;
    return (
      this.flats.ids.length > 0 &&
      overlap(
        this.graph,
        this.flats,
        cones.flatMap(c => [c.root.node, ...c.reads]),
      )
    );
  }
  private extentsOf(root: Root): readonly number[] {
    const { shape } = storedFrom(this.graph, root, this.stored).from;
    return shape
      .filter(s => s !== 1)
      .map(s => (typeof s === 'number' ? s : -s.batch))
      .sort((a, b) => a - b);
  }
  /** Can the axes of one store of a kernel of both contain those of all others? */
  nest(a: Group, b: Group): boolean {
    const all = [...a.roots, ...b.roots].map(r => this.stateOf(r).extents);
    const most = all.reduce((x, y) => (y.length > x.length ? y : x));
    return all.every(extents => containsAll(most, extents));
  }

  writersOf(id: number): readonly Group[] {
    return [...new Set(this.rootsOfNode.get(id)!.map(key => this.roots.get(key)!.group))];
  }
  readersOf(id: number): readonly Group[] {
    return [...new Set([...(this.readers.get(id) ?? [])].map(key => this.roots.get(key)!.group))];
  }

  /** The value is no longer stored: its readers read what it read. Gives the stored values whose best move may have changed. */
  unstore(id: number): readonly number[] {
    const keys = this.rootsOfNode.get(id)!;
    const own = new Set(keys.flatMap(key => [...this.roots.get(key)!.reads]));
    const touched = new Set<Group>([...this.writersOf(id), ...this.readersOf(id)]);
    for (const key of [...(this.readers.get(id) ?? [])]) {
      const { root, reads } = this.roots.get(key)!;
      const now = new Set([...reads, ...own]);
      now.delete(id);
      this.setReads(root, now);
    }
    for (const key of keys) {
      const { root, group } = this.roots.get(key)!;
      this.setReads(root, new Set());
      this.roots.delete(key);
      group.roots = group.roots.filter(r => rootKey(r) !== key);
      group.known = undefined;
      if (group.roots.length === 0) this.live.delete(group.id);
    }
    this.rootsOfNode.delete(id);
    this.byShape.get(this.shapeOf(id))?.delete(id);
    // a kernel that reads a state now, and did not before, must stand before the state is assigned
    if ([...own].some(read => this.assigned.has(read))) this.order = undefined;
    return [...own, ...[...touched].flatMap(g => this.around(g))];
  }
  /** Two kernels become one. */
  merge(a: Group, b: Group): readonly number[] {
    const group: Group = { id: this.next++, roots: [...a.roots, ...b.roots] };
    this.reorder(a, b, group);
    this.live.delete(a.id);
    this.live.delete(b.id);
    this.live.set(group.id, group);
    for (const r of group.roots) this.roots.get(rootKey(r))!.group = group;
    return this.around(group);
  }
  /** Values that a kernel stores or reads, and those stored by its readers. */
  private around(group: Group): readonly number[] {
    return group.roots.flatMap(r => [r.node, ...this.roots.get(rootKey(r))!.reads, ...[...(this.readers.get(r.node) ?? [])].map(wholeOf)]);
  }

  /** Kernels that read what a kernel stores under `id`, and those that read what it reads (unless half the program does). */
  relatives(group: Group, id: number, most: number): readonly Group[] {
    const out = new Set(this.readersOf(id));
    for (const r of group.roots)
      for (const read of this.roots.get(rootKey(r))!.reads) {
        const keys = this.readers.get(read)!;
        if (keys.size <= most) for (const key of keys) out.add(this.roots.get(key)!.group);
      }
    out.delete(group);
    return [...out].slice(0, most);
  }
  /** Kernels with a store of a shape that this one stores as well, nearest in the order of the graph first. */
  alike(group: Group, most: number): readonly Group[] {
    const out = new Set<Group>();
    for (const r of group.roots) {
      const near = [...(this.byShape.get(this.shapeOf(r.node)) ?? [])]
        .filter(id => Math.abs(id - r.node) <= nearby)
        .sort((a, b) => Math.abs(a - r.node) - Math.abs(b - r.node) || a - b);
      for (const id of near) for (const g of this.writersOf(id)) if (g !== group) out.add(g);
    }
    return [...out].slice(0, most);
  }

  /** Nodes computed inside a kernel. */
  cone(group: Group, want: (id: number) => boolean): readonly number[] {
    const out = new Set<number>();
    const stack = group.roots.flatMap(r => {
      const node = this.graph.node(r.node);
      return r.piece < 0 ? [...bodyOf(node)] : [node.ins[r.piece]!];
    });
    while (stack.length > 0) {
      const id = stack.pop()!;
      const n = this.graph.node(id);
      if (out.has(id) || isGiven(n) || this.stored(id)) continue;
      out.add(id);
      stack.push(...bodyOf(n));
    }
    return [...out].filter(want).sort((a, b) => a - b);
  }

  // ---- order
  private feeds(group: Group): readonly Group[] {
    const out = new Set<Group>();
    const after = (id: number): void => {
      for (const key of this.rootsOfNode.get(id) ?? []) out.add(this.roots.get(key)!.group);
    };
    for (const r of group.roots) {
      for (const id of this.roots.get(rootKey(r))!.reads) {
        after(id);
        for (const home of this.inside.get(id) ?? []) after(home);
      }
      // the old value of a state is read before it is assigned
      if (this.graph.node(r.node).op === 'assign') for (const id of stateOf(this.graph, r.node)) for (const g of this.readersOf(id)) out.add(g);
    }
    out.delete(group);
    return [...out];
  }
  /** One kernel of both leaves the plan without a cycle. */
  canMerge(a: Group, b: Group): boolean {
    const at = this.positions();
    const [first, second] = at.get(a)! < at.get(b)! ? [a, b] : [b, a];
    // only the second can need the first; by way of other kernels, which all stand between them
    return !this.needs(second, first, at).has(first);
  }
  /** What a kernel needs by way of others, as far down as `floor`; `floor` itself only if some other kernel of these needs it. */
  private needs(from: Group, floor: Group, at: ReadonlyMap<Group, number>): Set<Group> {
    const low = at.get(floor)!;
    const seen = new Set<Group>();
    const stack = this.feeds(from).filter(g => g !== floor);
    while (stack.length > 0) {
      const g = stack.pop()!;
      if (seen.has(g) || at.get(g)! < low) continue;
      seen.add(g);
      if (g === floor) break;
      stack.push(...this.feeds(g));
    }
    return seen;
  }
  /** A place for each kernel, after all that it needs. Moves keep the order (Pearce and Kelly 2006, "A dynamic topological sort algorithm
   *  for directed acyclic graphs", for one edge; here a merge of two). */
  private positions(): ReadonlyMap<Group, number> {
    if (!this.order) {
      const order: Group[] = [];
      const done = new Set<Group>();
      for (const root of this.all) {
        const stack = [root];
        while (stack.length > 0) {
          const g = stack[stack.length - 1]!;
          const missing = done.has(g) ? [] : this.feeds(g).filter(f => !done.has(f));
          if (missing.length > 0) stack.push(...missing);
          else {
            stack.pop();
            if (!done.has(g)) order.push(g);
            done.add(g);
          }
        }
      }
      this.order = order;
      this.at = new Map(order.map((g, i) => [g, i]));
    }
    return this.at;
  }
  /** The merged kernel stands where the first of the two stood; what the second needs goes before it. */
  private reorder(a: Group, b: Group, merged: Group): void {
    if (!this.order) return;
    const [first, second] = this.at.get(a)! < this.at.get(b)! ? [a, b] : [b, a];
    const [from, to] = [this.at.get(first)!, this.at.get(second)!];
    const needed = this.needs(second, first, this.at);
    const window = this.order.slice(from, to + 1).filter(g => g !== undefined && g !== first && g !== second && this.live.has(g.id)) as Group[];
    const now = [...window.filter(g => needed.has(g)), merged, ...window.filter(g => !needed.has(g))];
    this.at.delete(a);
    this.at.delete(b);
    // places that become free stay empty, so that nobody after the window moves
    for (let i = from; i <= to; i++) {
      const g = now[i - from];
      this.order[i] = g;
      if (g) this.at.set(g, i);
    }
  }

  /** Kernels so that each comes after those that it reads; of those that could come next the one whose first root is first. */
  inOrder(): readonly Group[] {
    const waiting = new Map(this.all.map(g => [g, new Set(this.feeds(g))]));
    const first = (g: Group): number => Math.min(...g.roots.map(r => r.node));
    const out: Group[] = [];
    while (waiting.size > 0) {
      const ready = [...waiting].filter(([, feeds]) => feeds.size === 0).map(([g]) => g);
      if (ready.length === 0) throw new Error('kernels wait for each other');
      const next = ready.reduce((a, b) => (first(b) < first(a) ? b : a));
      waiting.delete(next);
      for (const feeds of waiting.values()) feeds.delete(next);
      out.push(next);
    }
    return out;
  }
}
/** Kernels of one shape further apart than this in the graph are not looked at. */
const nearby = 40;
/** Of two ascending lists: is each number of the second in the first, as often? */
function containsAll(most: readonly number[], some: readonly number[]): boolean {
  let at = 0;
  for (const x of some) {
    while (at < most.length && most[at]! < x) at++;
    if (most[at++] !== x) return false;
  }
  return true;
}
