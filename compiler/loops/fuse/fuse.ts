// Fusion is the choice of what is stored. It begins with everything stored but what is fleeting by policy, and makes two moves while the
// summed cost of whole kernels under their best legal tiles falls: a stored value is computed inside all of its readers instead, or two
// kernels become one with several stores. Inlining converges first, because an early merge blocks better inlines. No rule knows a
// layer: what is decided is decided by legality and cost.

import { describe } from '../../describe.ts';
import { type Graph, numel } from '../../graph/graph.ts';
import { collapse } from '../collapse.ts';
import { axisSet } from '../facts.ts';
import { type Lowered, lowerKernel, type Root } from '../lower.ts';
import { splitAxes } from '../split.ts';
import type { LoopNest } from '../types.ts';
import { isStorable, neededFor, rootsOf } from '../unfused.ts';
import { inPlaceFault } from '../verify.ts';
import { structureOf } from './cone.ts';
import type { TileSchedule } from './cost.ts';
import { type Group, Groups } from './groups.ts';
import { comparedValues, isTooLarge, tooWide } from './limits.ts';
import type { Machine } from './machine.ts';
import { orByChunk, scheduleByChunk, scheduleNest } from './search.ts';

export interface FusedKernel extends Lowered {
  readonly schedule: TileSchedule;
}
export interface FuseOptions {
  /** The batch that costs are compared at. */
  readonly batch?: number;
  /** Moves that may be made; all unless said. */
  readonly moves?: ReadonlySet<'inline' | 'merge'>;
  /** Hears every decision in a line. */
  readonly explain?: (line: string) => void;
}
interface Candidate {
  /** Buffers name the cone's numbers, not graph nodes. */
  readonly nest: LoopNest;
  readonly schedule: TileSchedule;
  /** That of the kernel once it is decided on. */
  final?: TileSchedule;
}

/** The kernels that compute some outputs, fused for a machine, in an order in which they can run. */
export function fuse(graph: Graph, outputs: readonly number[], machine: Machine, options: FuseOptions = {}): readonly FusedKernel[] {
  return new Fuser(graph, outputs, machine, options).run();
}

/** Kernels of one shape that share nothing are merged only for more than this share of their cost: it saves a launch and no more. */
const sideBySide = 0.01;
const mostCandidates = 12;

class Fuser {
  private readonly graph: Graph;
  private readonly machine: Machine;
  private readonly batch: number;
  private readonly moves: ReadonlySet<'inline' | 'merge'>;
  private readonly explain: ((line: string) => void) | undefined;
  /** Outputs' homes, and what lies in flats: always stored. */
  private readonly forced: ReadonlySet<number>;
  private readonly stored: Set<number>;
  private readonly compared: ReadonlySet<number>;
  private readonly groups: Groups;
  private readonly byStructure = new Map<string, Candidate | null>();

  constructor(graph: Graph, outputs: readonly number[], machine: Machine, options: FuseOptions) {
    this.graph = graph;
    this.machine = machine;
    this.batch = options.batch ?? 8;
    this.moves = options.moves ?? new Set(['inline', 'merge']);
    this.explain = options.explain;
    const { needed, homes, flats } = neededFor(graph, outputs);
    this.forced = new Set([...homes, ...flats.ids].filter(id => !isLoaded(graph, id) && !isEmpty(graph, id)));
    const storable = needed.filter(n => isStorable(n) && !isEmpty(graph, n.id)).map(n => n.id);
    this.stored = new Set([...storable.filter(id => !graph.nested.has(id) && !graph.fleeting.has(id)), ...this.forced]);
    this.compared = comparedValues(graph);
    this.groups = new Groups(graph, id => this.stored.has(id), flats);
    for (const id of [...this.stored].sort((a, b) => a - b)) this.groups.store(id, rootsOf(graph, graph.node(id)));
    this.makeLegal();
  }

  run(): readonly FusedKernel[] {
    for (const merging of [false, true]) {
      if (merging && !this.moves.has('merge')) break;
      const queue = new Set([...this.stored].sort((a, b) => a - b));
      while (queue.size > 0) {
        const id: number = queue.values().next().value!;
        queue.delete(id);
        if (this.stored.has(id)) this.improve(id, merging, queue);
      }
    }
    return this.groups.inOrder().map(g => this.kernel(g));
  }

  // ---- costs
  /** The cost of a kernel that stores `roots`, with `without` (if any) no longer stored; Infinity when it is not legal. What is only possible
   *  is asked first where the kernel would have to be built. */
  private cost(roots: readonly Root[], without = -1, possible = (): boolean => true): number {
    return roots.length === 0 ? 0 : (this.plan(roots, without, possible)?.candidate.schedule.cost ?? Number.POSITIVE_INFINITY);
  }
  private costOf(group: Group): number {
    return this.known(group).cost;
  }
  private known(group: Group): NonNullable<Group['known']> {
    if (!group.known) {
      const plan = this.plan(group.roots);
      group.known = plan
        ? { cost: plan.candidate.schedule.cost, buffers: plan.candidate.nest.buffers.map(b => this.placeOf(plan.nodes[b.node]!)) }
        : { cost: Number.POSITIVE_INFINITY, buffers: [] };
    }
    return group.known;
  }
  /** The tensor in whose buffer a value lies: an assignment's is its state's. */
  private placeOf(id: number): number {
    const node = this.graph.node(id);
    return node.op === 'assign' ? node.ins[0]! : id;
  }
  /** The kernel that stores some roots and the graph nodes of its numbers. */
  private plan(
    roots: readonly Root[],
    without = -1,
    possible = (): boolean => true,
  ): { readonly candidate: Candidate; readonly nodes: readonly number[] } | undefined {
    const ordered = this.ordered(roots);
    const cones = this.groups.conesOf(ordered, without);
    if (this.groups.clashes(cones)) return undefined;
    const { key, nodes } = structureOf(cones);
    let candidate = this.byStructure.get(key);
    if (candidate === undefined) {
      if (!possible()) return undefined;
      candidate = this.build(ordered, id => id !== without && this.stored.has(id), nodes) ?? null;
      this.byStructure.set(key, candidate);
    }
    return candidate === null ? undefined : { candidate, nodes };
  }
  /** The root of most axes first: its axes are the kernel's. */
  private ordered(roots: readonly Root[]): readonly Root[] {
    const rank = (r: Root): number => this.graph.shape(r.node).length;
    return [...roots].sort((a, b) => rank(b) - rank(a) || a.node - b.node || a.piece - b.piece);
  }
  private build(roots: readonly Root[], stored: (id: number) => boolean, nodes: readonly number[]): Candidate | undefined {
    let lowered: Lowered;
    try {
      lowered = lowerKernel(this.graph, roots, stored, { rescale: false });
    } catch (e) {
      if (isTooLarge(e)) return undefined;
      throw e;
    }
    const numbers = new Map(nodes.map((id, n) => [id, n]));
    const nest = { ...lowered.nest, buffers: lowered.nest.buffers.map(b => ({ ...b, node: numbers.get(b.node)! })) };
    if (!storesNest(nest) || inPlaceFault(nest) !== undefined) return undefined;
    const cut = splitAxes(nest);
    const forms = new Set([collapse(cut), cut]);
    // chunks only where whole rows fit no table
    for (const scheduled of [scheduleNest, scheduleByChunk])
      for (const form of forms) {
        const schedule = scheduled(form, this.machine, this.batch);
        if (schedule) return { nest: form, schedule };
      }
    return undefined;
  }
  private kernel(group: Group): FusedKernel {
    const roots = this.ordered(group.roots);
    const { candidate, nodes } = this.plan(roots)!;
    const { nest } = candidate;
    const inside = new Set([...roots.map(r => r.node), ...this.groups.cone(group, () => true)]);
    return {
      roots,
      nest: { ...nest, buffers: nest.buffers.map(b => ({ ...b, node: nodes[b.node]! })) },
      nodes: [...inside].sort((x, y) => x - y),
      schedule: (candidate.final ??= orByChunk(nest, candidate.schedule, this.machine, this.batch)),
    };
  }

  /** What policy keeps inside a kernel is stored after all where the machine has no legal kernel otherwise, first things first. */
  private makeLegal(): void {
    const groups = [...this.groups.all]; // grows on the way
    for (const group of groups) {
      while (this.costOf(group) === Number.POSITIVE_INFINITY) {
        const inside = this.groups.cone(group, id => isStorable(this.graph.node(id)) && !isEmpty(this.graph, id));
        const fleeting = inside.filter(id => this.graph.fleeting.has(id) && this.graph.node(id).op !== 'map');
        const next = fleeting[0] ?? inside.filter(id => this.graph.nested.has(id))[0];
        if (next === undefined) {
          lowerKernel(this.graph, group.roots, id => this.stored.has(id)); // says why in words when the batch is the reason
          throw tooWide(this.graph, group.roots[0]!.node, this.machine);
        }
        this.explain?.(`store ${this.name(next)}: no legal kernel for ${this.machine.name} keeps it inside`);
        this.stored.add(next);
        this.groups.store(next, rootsOf(this.graph, this.graph.node(next)));
        groups.push(...this.groups.writersOf(next));
        this.groups.refresh();
      }
    }
  }

  // ---- moves
  /** For people: the operation and its node's number. */
  private name(id: number): string {
    return `${describe(this.graph, id).name} %${id}`;
  }
  private names(group: Group): string {
    return group.roots.map(r => this.name(r.node)).join(' and ');
  }

  /** Makes the best move around a stored value, if one pays, and queues what it touched. */
  private improve(id: number, merging: boolean, queue: Set<number>): void {
    const { groups } = this;
    const mine = groups.writersOf(id);
    const readers = groups.readersOf(id);
    let best = 1e-6;
    let act: (() => readonly number[]) | undefined;
    if (!this.forced.has(id) && this.moves.has('inline') && !this.repeatsComparison(id, readers)) {
      const gain = this.gainOfInlining(id, mine, readers);
      if (gain > best) {
        best = gain;
        act = () => {
          this.explain?.(
            `inline ${this.name(id)} into ${readers.length === 1 ? '1 kernel' : `${readers.length} kernels`}: saves ${Math.round(gain)}`,
          );
          this.stored.delete(id);
          return groups.unstore(id);
        };
      }
    }
    if (merging)
      for (const group of mine)
        for (const { other, kin } of this.neighbours(group, id)) {
          const both = this.cost([...group.roots, ...other.roots], -1, () => groups.canMerge(group, other));
          const gain = this.costOf(group) + this.costOf(other) - both;
          if (!(gain > best) || !(gain > (kin ? 0 : sideBySide * both)) || !groups.canMerge(group, other)) continue;
          best = gain;
          act = () => {
            this.explain?.(`merge ${this.names(group)} with ${this.names(other)}: saves ${Math.round(gain)}`);
            return groups.merge(group, other);
          };
        }
    if (!act) return;
    for (const touched of [id, ...act()]) if (this.stored.has(touched)) queue.add(touched);
  }
  /** What is saved when a stored value is computed inside its readers; −Infinity when nothing is. */
  private gainOfInlining(id: number, writers: readonly Group[], readers: readonly Group[]): number {
    const touched = [...new Set([...writers, ...readers])].map(group => ({ group, rest: group.roots.filter(r => r.node !== id) }));
    // no kernel costs less than its launch
    const most = ({ group, rest }: (typeof touched)[number]): number => this.costOf(group) - (rest.length > 0 ? this.machine.launchBytes : 0);
    let hope = touched.reduce((sum, t) => sum + most(t), 0);
    let gain = 0;
    for (const t of touched) {
      hope -= most(t);
      gain = gain + this.costOf(t.group) - this.cost(t.rest, readers.includes(t.group) ? id : -1);
      if (gain + hope <= 0) return Number.NEGATIVE_INFINITY;
    }
    return gain;
  }
  /** Kernels worth merging with one: its readers, those that read what it reads, and a few of one shape nearby. */
  private neighbours(group: Group, id: number): readonly { readonly other: Group; readonly kin: boolean }[] {
    const kin = this.groups.relatives(group, id, mostCandidates);
    const others = kin.length < mostCandidates ? this.groups.alike(group, mostCandidates - kin.length).filter(g => !kin.includes(g)) : [];
    return [...kin.map(other => ({ other, kin: true })), ...others.map(other => ({ other, kin: false }))].filter(({ other }) =>
      this.fit(group, other),
    );
  }
  /** Are two kernels narrow enough to be one, and can their stores nest? */
  private fit(a: Group, b: Group): boolean {
    if (a === b || a.roots.length + b.roots.length > this.machine.outputs || !this.groups.nest(a, b)) return false;
    return new Set([...this.known(a).buffers, ...this.known(b).buffers]).size <= this.machine.bindings;
  }
  /** What a comparison reads is worked out once: two kernels could round it differently and decide differently. */
  private repeatsComparison(id: number, readers: readonly Group[]): boolean {
    return readers.length > 1 && this.compared.has(id);
  }
}

const isLoaded = (graph: Graph, id: number): boolean => {
  const n = graph.node(id);
  return (n.op === 'input' && n.role !== 'scalar') || n.op === 'data';
};
const isEmpty = (graph: Graph, id: number): boolean => numel(graph.shape(id)) === 0;

/** Several stores only if the axes of one contain those of all others: else unrelated work shares a kernel. */
function storesNest(nest: LoopNest): boolean {
  const all = nest.stores.reduce((set, s) => set | axisSet(s.axes), 0);
  return nest.stores.some(s => axisSet(s.axes) === all);
}
