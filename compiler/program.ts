// From scheduled kernels to a Program: buffers get slots and ranges, equal kernels one text, outputs their steps.
import { createHash } from 'node:crypto';
import { bytesPerElement } from '../common/dtype.ts';
import { kernelHash } from '../common/hash.ts';
import {
  type Access,
  type Kernel,
  type Output,
  type Program,
  programFormat,
  programVersion,
  type Range,
  type Slot,
  type State,
  type Step,
  type Value,
  type Weight,
} from '../common/program.ts';
import { isDynamic, type Size, timesSize } from '../common/size.ts';
import type { Capability, Code } from './code/types.ts';
import { walkExpressions } from './code/walk.ts';
import { describe } from './describe.ts';
import { CompileError } from './errors.ts';
import { type Graph, type GraphNode, isStateFlat, numel } from './graph/graph.ts';
import type { Interned } from './graph/intern.ts';
import { initOf } from './initial.ts';
import { type Flats, findFlats } from './loops/flat.ts';
import type { LoopNest } from './loops/types.ts';
import { align, planMemory } from './memory.ts';
import { traffic } from './traffic.ts';

/** One dispatch before its buffers have places. */
export interface Dispatch {
  readonly nest: LoopNest;
  readonly code: Code;
  /** Structural key: dispatches of one key share their kernel text. */
  readonly key: string;
  /** Graph node whose origin names the kernel. */
  readonly root: number;
}
export interface ProgramParts {
  readonly name: string;
  readonly interned: Interned;
  readonly batch: string | null;
  readonly dispatches: readonly Dispatch[];
  /** Output name → the node in whose buffer it lies. */
  readonly homes: ReadonlyMap<string, number>;
  readonly capability: Capability;
  readonly render: (code: Code, access: readonly Access[], comment: readonly string[]) => string;
}

/** Throws CompileError when a value passes the target's limits. */
export function assemble(parts: ProgramParts): Program {
  const { graph, updates } = parts.interned;
  const { slots, place, values } = placeBuffers(parts);
  const kernels: Kernel[] = [];
  const known = new Map<string, number>();
  const steps = parts.dispatches.map((d, i): Step => {
    const ranges = d.nest.buffers.map(b => place(b.node));
    const access = ranges.map((r): Access => (writable(slots[r.slot]!) ? 'read_write' : 'read'));
    const about = describe(graph, d.root);
    const key = `${access}|${d.key}`;
    let kernel = known.get(key);
    if (kernel === undefined) {
      const text = parts.render(d.code, access, [`${about.ops.join(' / ')}`, about.origin]);
      const bindings = d.nest.buffers.map((b, k) => ({ access: access[k]!, dtype: b.dtype }));
      const made = { text, entry: 'main', workgroup: d.code.lanes, bindings, uniforms: usesUniforms(d.code) };
      const hash = kernelHash(made);
      kernel = kernels.findIndex(k => k.hash === hash);
      if (kernel < 0) kernel = kernels.push({ hash, ...made }) - 1;
      known.set(key, kernel);
    }
    return { kernel, bindings: ranges, grid: d.code.grid, name: `${i} ${about.name}`, ops: about.ops, origin: about.origin, ...traffic(d.nest) };
  });
  const outputs = [...parts.homes].map(([name, home]): Output => {
    const node = graph.node(parts.interned.outputs.find(o => o[0] === name)![1]);
    return {
      name,
      dtype: node.dtype,
      shape: node.shape,
      ...place(home),
      steps: updates.length > 0 ? [...steps.keys()] : stepsFor(home, parts.dispatches),
    };
  });
  return {
    format: programFormat,
    version: programVersion,
    name: parts.name,
    target: parts.capability.name,
    language: parts.capability.language,
    batch: parts.batch,
    needs: needsOf(parts.dispatches, steps),
    inputs: [...parts.interned.inputs].map(([name, id]) => {
      const node = graph.node(id);
      const over = parts.interned.over.get(id);
      return { name, dtype: node.dtype, shape: node.shape, ...(over === undefined ? {} : { over }), ...place(id) };
    }),
    scalars: [...parts.interned.scalars].map(([name, id], k) => ({ name, dtype: scalarType(graph.node(id)), index: k + 1 })),
    weights: [...parts.interned.params].map(([name, id]) => weightOf(name, graph.node(id), place(id))),
    state: [...parts.interned.state].map(([name, id]) => stateOf(name, graph.node(id), place(id))),
    outputs,
    slots,
    values,
    kernels,
    steps,
  };
}
const writable = (s: Slot): boolean => s.kind === 'arena' || s.kind === 'state';
const scalarType = (n: GraphNode): 'f32' | 'i32' | 'u32' => (n.dtype === 'i32' || n.dtype === 'u32' ? n.dtype : 'f32');

/** A trained parameter begins at its initial values, what the optimiser keeps at zero. */
function stateOf(name: string, node: GraphNode, range: Range): State {
  if (node.op !== 'input') throw new Error(`state ${name} is no input`);
  return {
    name,
    dtype: node.dtype,
    shape: node.shape,
    ...(node.role === 'parameter' ? { init: initOf(node.init), parameter: true } : { init: { kind: 'constant', value: 0 } }),
    ...range,
  };
}
function weightOf(name: string, node: GraphNode, range: Range): Weight {
  if (node.op !== 'input' || node.role !== 'parameter') throw new Error(`weight ${name} is no parameter`);
  const shape = node.shape.map(s => {
    if (isDynamic(s)) throw new CompileError('HC5', `parameter ${name} has the batch in its shape: parameters have fixed sizes`);
    return s;
  });
  return { name, dtype: node.dtype, shape, trainable: node.trainable, init: initOf(node.init), ...range };
}

/** A buffer is never empty: a binding of zero bytes is not legal anywhere. */
const bytesOf = (n: GraphNode): Size => {
  const bytes = timesSize(numel(n.shape), bytesPerElement)!;
  return bytes === 0 ? bytesPerElement : bytes;
};

function placeBuffers(parts: ProgramParts): { slots: Slot[]; place: (node: number) => Range; values: Value[] } {
  const { graph, inputs, params, state, updates } = parts.interned;
  const slots: Slot[] = [];
  const ranges = new Map<number, Range>();
  for (const [, id] of inputs) {
    const bytes = bytesOf(graph.node(id));
    ranges.set(id, { slot: slots.push({ kind: 'input', bytes }) - 1, offset: 0, bytes });
  }
  const used = new Set([...parts.dispatches.flatMap(d => d.nest.buffers.map(b => b.node)), ...parts.homes.values()]);
  const limit = parts.capability.bufferBytes;
  // weights that nothing reads keep a place of their own, which no session allocates
  for (const read of [true, false])
    fixedSlots(
      [...params.values()].filter(id => used.has(id) === read),
      'weights',
      graph,
      limit,
      slots,
      ranges,
    );
  fixedSlots(
    [...used].filter(id => graph.node(id).op === 'data').sort((a, b) => a - b),
    'constant',
    graph,
    limit,
    slots,
    ranges,
  );
  placeFlats(graph, findFlats(graph, [...parts.homes.values(), ...updates]), slots, ranges);
  fixedSlots(
    [...state.values()].filter(id => !ranges.has(id)),
    'state',
    graph,
    limit,
    slots,
    ranges,
  );
  for (const id of updates) ranges.set(id, ranges.get(graph.node(id).ins[0]!)!);

  const life = new Map<number, { first: number; last: number }>();
  parts.dispatches.forEach((d, step) => {
    for (const b of d.nest.buffers) {
      if (ranges.has(b.node)) continue;
      const l = life.get(b.node);
      if (l) l.last = step;
      else life.set(b.node, { first: step, last: step });
    }
  });
  // an output lives to the end; an empty one has no kernel, and a place all the same
  const end = parts.dispatches.length;
  for (const home of parts.homes.values()) if (!ranges.has(home)) life.set(home, { first: life.get(home)?.first ?? end, last: end });
  const ids = [...life.keys()];
  const plan = planMemory(
    ids.map(id => ({ bytes: bytesOf(graph.node(id)), ...life.get(id)! })),
    limit,
  );
  const base = slots.length;
  slots.push(...plan.arenas.map((bytes): Slot => ({ kind: 'arena', bytes })));
  ids.forEach((id, i) => {
    ranges.set(id, { slot: base + plan.placements[i]!.arena, offset: plan.placements[i]!.offset, bytes: bytesOf(graph.node(id)) });
  });
  const place = (node: number): Range => {
    const r = ranges.get(node);
    if (!r) throw new Error(`node ${node} has no buffer`);
    return r;
  };
  const values = ids.map((id): Value => {
    const node = graph.node(id);
    return { name: describe(graph, id).name, dtype: node.dtype, shape: node.shape, ...place(id), ...life.get(id)! };
  });
  return { slots, place, values };
}

/** A flat has a slot of its own, so that nothing else is ever written between its operands: what is allocated is zero. */
function placeFlats(graph: Graph, flats: Flats, slots: Slot[], ranges: Map<number, Range>): void {
  for (const id of flats.ids) {
    const bytes = bytesOf(graph.node(id));
    ranges.set(id, { slot: slots.push({ kind: isStateFlat(graph, id) ? 'state' : 'arena', bytes }) - 1, offset: 0, bytes });
  }
  for (const [home, { flat, offset }] of flats.places)
    ranges.set(home, { slot: ranges.get(flat)!.slot, offset: offset * bytesPerElement, bytes: bytesOf(graph.node(home)) });
}

/** Values of fixed size, one after the other at aligned offsets, in slots of at most `limit` bytes. */
function fixedSlots(
  ids: readonly number[],
  kind: 'weights' | 'constant' | 'state',
  graph: Graph,
  limit: number,
  slots: Slot[],
  ranges: Map<number, Range>,
): void {
  let group: number[] = [];
  let end = 0;
  const close = (): void => {
    if (group.length > 0) slots.push({ kind, bytes: end, ...(kind === 'constant' ? { data: constantBytes(group, graph, ranges, end) } : {}) });
    group = [];
    end = 0;
  };
  for (const id of ids) {
    const bytes = bytesOf(graph.node(id));
    if (typeof bytes !== 'number') throw new Error(`node ${id} has the batch in a fixed slot`);
    if (bytes > limit)
      throw new CompileError('HC4', `${describe(graph, id).name} takes ${bytes} bytes, more than the target's largest buffer of ${limit}`);
    if (end + bytes > limit) close();
    ranges.set(id, { slot: slots.length, offset: end, bytes });
    group.push(id);
    end = align(end + bytes);
  }
  close();
}
function constantBytes(ids: readonly number[], graph: Graph, ranges: ReadonlyMap<number, Range>, total: number): string {
  const out = new Uint8Array(total);
  for (const id of ids) {
    const node = graph.node(id);
    if (node.op !== 'data') throw new Error(`node ${id} is no constant`);
    const words = node.dtype === 'bool' ? Uint32Array.from(node.data) : node.data;
    out.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), ranges.get(id)!.offset as number);
  }
  return Buffer.from(out).toString('base64');
}

/** The steps whose results reach a value, ascending. */
function stepsFor(home: number, dispatches: readonly Dispatch[]): number[] {
  const want = new Set([home]);
  const out: number[] = [];
  for (let i = dispatches.length - 1; i >= 0; i--) {
    const { buffers } = dispatches[i]!.nest;
    if (!buffers.some(b => b.written && want.has(b.node))) continue;
    out.push(i);
    for (const b of buffers) if (!b.written) want.add(b.node);
  }
  return out.reverse();
}

function needsOf(dispatches: readonly Dispatch[], steps: readonly Step[]): Program['needs'] {
  const most = (of: (d: Dispatch) => number): number => dispatches.reduce((m, d) => Math.max(m, of(d)), 0);
  const bindings = steps.flatMap(s => s.bindings.map(b => b.bytes));
  const fixed = bindings.reduce<number>((m, b) => (typeof b === 'number' ? Math.max(m, b) : m), 0);
  const perBatch = bindings.reduce<number>((m, b) => (typeof b === 'number' ? m : Math.max(m, b.batch)), 0);
  return {
    storageBuffers: most(d => d.nest.buffers.length),
    workgroupBytes: most(d => d.code.memories.reduce((n, m) => n + (m.space === 'shared' ? m.length * bytesPerElement : 0), 0)),
    invocations: most(d => d.code.lanes),
    // a session checks each binding at its batch as well; this is the bound that holds at batch 1 or for any batch
    bindingBytes: perBatch > fixed ? { batch: perBatch } : fixed,
    features: [],
  };
}

function usesUniforms(code: Code): boolean {
  let found = isDynamic(code.grid.of);
  walkExpressions(code.body, e => {
    found ||= e.kind === 'batch' || e.kind === 'scalar';
  });
  return found;
}

/** A digest of the whole program, for caches and for the test "same graph, same bytes". */
export const programDigest = (p: Program): string => createHash('sha256').update(JSON.stringify(p)).digest('hex');
