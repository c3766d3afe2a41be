// The ladder: a program of the language on every rung from the references of the op table down to a device, each held to the one above.
// Apart from the tests, so that the bank of planted defects can run it on a copy of the sources.
import { arrayOf } from '../../common/dtype.ts';
import type { Program as Compiled } from '../../common/program.ts';
import { sizeAt } from '../../common/size.ts';
import type { Capability } from '../../compiler/code/types.ts';
import { type CompileOptions, compileTraced } from '../../compiler/compile.ts';
import { CompileError } from '../../compiler/errors.ts';
import { float64, ring } from '../../compiler/graph/arithmetic.ts';
import type { Graph } from '../../compiler/graph/graph.ts';
import { type Interned, intern } from '../../compiler/graph/intern.ts';
import { interpret } from '../../compiler/graph/interpret.ts';
import { simplify } from '../../compiler/graph/simplify.ts';
import { verify } from '../../compiler/graph/verify.ts';
import { fuse } from '../../compiler/loops/fuse/fuse.ts';
import { machineOf } from '../../compiler/loops/fuse/machine.ts';
import { lowerUnfused } from '../../compiler/loops/unfused.ts';
import type { Traced } from '../../dsl/model.ts';
import { type NdArray, table } from '../../dsl/table.ts';
import type { Device } from '../../runtime/device.ts';
import { LimitError } from '../../runtime/errors.ts';
import { open } from '../../runtime/session.ts';
import { difference } from '../loops/run.ts';
import { runCalls } from './calls.ts';
import { batch, sizeOf } from './maker.ts';
import { build, type Draw, feedsOf, gradientOf, type Program, traceOf } from './programs.ts';
import { type Expectation, expectation, wrongElement } from './tolerance.ts';

type Feeds = Readonly<Record<string, Float64Array>>;
/** A trace with all that the rungs need of it. */
export interface Subject {
  readonly traced: Traced;
  readonly interned: Interned;
  readonly simplified: Interned;
  readonly feeds: Feeds;
  readonly batch: number;
  readonly expected: Expectation;
}
const idsOf = ({ outputs }: Interned): number[] => outputs.map(([, id]) => id);

export function subjectOf(traced: Traced, feeds: Feeds, at: number = batch): Subject {
  const interned = intern(traced);
  verify(interned.graph);
  const simplified = simplify(interned);
  verify(simplified.graph);
  return { traced, interned, simplified, feeds, batch: at, expected: expectation(interned.graph, idsOf(interned), feeds, at) };
}

// ---------------------------------------------------------------- the references of the op table
const references = (): Record<string, unknown> => {
  const scope: Record<string, unknown> = {};
  for (const row of table) {
    const [group, member] = row.name.split('.') as [string, string | undefined];
    if (member === undefined) scope[group] = row.reference;
    else scope[group] = { ...(scope[group] as object | undefined), [member]: row.reference };
  }
  return scope;
};
const isArray = (x: unknown): x is NdArray => typeof x === 'object' && x !== null && 'data' in x;
/** The program by the naive references: shapes, element types and values of the outputs. */
export function referenceFault(program: Program, { expected, feeds }: Subject): string | undefined {
  const arrays = new Map(
    [...program.inputs].map(([name, { node }]): [string, NdArray] => {
      const shape = node.shape.map(sizeOf);
      return [name, { shape, dtype: node.dtype, data: [...feeds[name]!], ...(node.over === undefined ? {} : { over: sizeOf(node.over) }) }];
    }),
  );
  const values = runCalls(program.calls, references(), arrays, isArray, sizeOf);
  for (const [i, { name, tensor }] of program.outputs.entries()) {
    const want = values.get(name) as NdArray;
    const type = `${tensor.node.dtype}[${tensor.node.shape.map(sizeOf)}]${tensor.node.over === undefined ? '' : ` over ${sizeOf(tensor.node.over)}`}`;
    const wanted = `${want.dtype}[${want.shape}]${want.over === undefined ? '' : ` over ${want.over}`}`;
    if (type !== wanted) return `o${i} is ${type}, not ${wanted}`;
    const { values: got, tolerance } = expected.outputs[i]!;
    const wrong = wrongElement(got, { values: Float64Array.from(want.data), tolerance: tolerance.map(t => t * 1e-3), exact: false });
    if (wrong) return `o${i}${wrong}`;
  }
  return undefined;
}

// ---------------------------------------------------------------- graphs and loop nests
/** The simplified graph gives what the recorded one gives, to the reference's own error. */
function simplifyFault({ simplified, expected, feeds, batch: at }: Subject): string | undefined {
  const values = interpret(simplified.graph, idsOf(simplified), feeds, { batch: at });
  for (const [i, [name, id]] of simplified.outputs.entries()) {
    const { tolerance, ...rest } = expected.outputs[i]!;
    const wrong = wrongElement(values.get(id)!, { ...rest, tolerance: tolerance.map(t => t * 1e-3) });
    if (wrong) return `${name}${wrong}`;
  }
  return undefined;
}
/** Elements of the ring for the floats; indices stay. */
const ringFeeds = (graph: Graph, feeds: Feeds): Feeds =>
  Object.fromEntries(
    graph.nodes.flatMap(n =>
      n.op === 'input' ? [[n.name, feeds[n.name]!.map((x, i) => (n.dtype === 'f32' ? Math.abs(Math.round(x * 1001) * 7 + i) % 10007 : x))]] : [],
    ),
  );
/** Unfused kernels, and the fused ones of some machines. */
function nestFault({ simplified, feeds, batch: at }: Subject, machines: readonly Capability[]): string | undefined {
  const { graph } = simplified;
  const ids = idsOf(simplified);
  const given = ringFeeds(graph, feeds);
  const setting = { batch: at, arith: ring };
  const unfused = difference(graph, ids, lowerUnfused(graph, ids), given, setting);
  if (unfused) return `unfused: ${unfused}`;
  for (const capability of machines) {
    const wrong = difference(graph, ids, fuse(graph, ids, machineOf(capability), { batch: at }), given, setting);
    if (wrong) return `fused for ${capability.name}: ${wrong}`;
  }
  return undefined;
}
const named = (what: string, fault: string | undefined): string | undefined => (fault === undefined ? undefined : `${what}: ${fault}`);

// ---------------------------------------------------------------- gradients
/** The loss along a random direction, by central differences of two steps, = the gradient along it; where the loss has no jump or kink. */
function slopeFault({ interned, feeds, batch: at }: Subject, counts: Counts): string | undefined {
  const { graph, outputs } = interned;
  const id = (name: string): number => outputs.find(([n]) => n === name)![1];
  const loss = id('loss');
  const wrt = outputs.filter(([name]) => name !== 'loss').map(([name]) => name.slice(1));
  const direction = Object.fromEntries(wrt.map((name, k) => [name, feeds[name]!.map((_, i) => Math.sin(1 + i * 12.9898 + k * 78.233))]));
  const along = (h: number): number => {
    const moved = Object.fromEntries(
      Object.entries(feeds).map(([name, v]) => [name, direction[name] ? v.map((x, i) => x + h * direction[name]![i]!) : v]),
    );
    return interpret(graph, [loss], moved, { batch: at, arith: float64 }).get(loss)![0]!;
  };
  const slope = (h: number): number => (along(h) - along(-h)) / (2 * h);
  const [coarse, fine] = [slope(1e-4), slope(3e-5)];
  const size = 1 + Math.abs(fine) + 1e-3 * Math.abs(along(0));
  if (!(Math.abs(coarse - fine) <= 1e-5 * size)) return undefined;
  // kinks at the point itself: the slopes of the two sides differ, by what does not shrink with the step
  const sides = (h: number): number => (along(h) - 2 * along(0) + along(-h)) / h;
  const kink = (sides(3e-5) - 0.3 * sides(1e-4)) / 0.7;
  if (!(Math.abs(kink) <= 1e-4 * size)) return undefined;
  if (fine !== 0) counts.slopes++;
  const values = interpret(
    graph,
    wrt.map(name => id(`d${name}`)),
    feeds,
    { batch: at },
  );
  const total = wrt.reduce((sum, name) => sum + (values.get(id(`d${name}`)) as Float64Array).reduce((s, g, i) => s + g * direction[name]![i]!, 0), 0);
  return Math.abs(total - fine) <= 1e-4 * size ? undefined : `the slope along a direction is ${fine}, the gradient says ${total}`;
}

// ---------------------------------------------------------------- devices
export type Outcome = { readonly fault: string | undefined } | { readonly refused: string };
/** Compiles and runs on a device: all outputs, then some alone. */
export async function deviceFault(subject: Subject, device: Device, options: CompileOptions): Promise<Outcome> {
  let program: Compiled;
  try {
    program = compileTraced(subject.traced, options);
  } catch (e) {
    if (e instanceof CompileError) return { refused: `${e.code} ${e.message}` };
    throw e;
  }
  try {
    const session = await open(program, { device });
    try {
      // a first run at another batch: what it leaves behind, and memory that must grow
      const one = () => session.run(inputsAt(program, subject.feeds, 1), { batch: 1 });
      const small = program.batch === null ? undefined : await one();
      const inputs = inputsAt(program, subject.feeds, subject.batch);
      const free = { batch: subject.batch };
      const wrong = resultFault(subject, await session.run(inputs, free));
      if (wrong) return { fault: wrong };
      // each output alone: its own steps must do
      for (const { name } of program.outputs.slice(1)) {
        const alone = resultFault(subject, await session.run(inputs, { ...free, outputs: [name] }));
        if (alone) return { fault: `${name} alone: ${alone}` };
      }
      // back to the smaller batch, in memory that is large enough
      const back = small && differing(small, await one());
      return { fault: back && `${back} at the first batch again is another` };
    } finally {
      session.dispose();
    }
  } catch (e) {
    if (e instanceof LimitError) return { refused: e.message };
    throw e;
  }
}
type Results = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;
/** An output whose elements are not the same in both. */
const differing = (a: Results, b: Results): string | undefined =>
  Object.keys(a).find(name => !Array.from(a[name]!.data).every((x, i) => Object.is(x, b[name]!.data[i])));
/** The inputs' first elements, as many as a batch has. */
function inputsAt({ inputs }: Compiled, feeds: Feeds, at: number) {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const sizes = shape.map(s => sizeAt(s, at));
      const data = arrayOf(
        dtype,
        sizes.reduce((a, b) => a * b, 1),
      );
      data.set(feeds[name]!.subarray(0, data.length));
      return [name, { data, shape: sizes }];
    }),
  );
}
function resultFault(
  { interned, expected, batch: at }: Subject,
  results: Readonly<Record<string, { readonly data: unknown; readonly shape: readonly number[] }>>,
): string | undefined {
  for (const [i, [name, id]] of interned.outputs.entries()) {
    const got = results[name];
    if (!got) continue;
    const shape = interned.graph.shape(id).map(s => sizeAt(s, at));
    if (`${got.shape}` !== `${shape}`) return `${name} has shape [${got.shape}], not [${shape}]`;
    const wrong = wrongElement(got.data as ArrayLike<number>, expected.outputs[i]!);
    if (wrong) return `${name}${wrong}`;
  }
  return undefined;
}

/** Each target of the ladder: one way to compile, one device. */
export interface Target {
  readonly name: string;
  readonly device: Device;
  readonly options: CompileOptions;
}
export interface Counts {
  programs: number;
  exact: number;
  gradients: number;
  /** Gradients that were held against a slope that is not 0. */
  slopes: number;
  refused: number;
  elements: number;
  dropped: number;
}
export const noCounts = (): Counts => ({ programs: 0, exact: 0, gradients: 0, slopes: 0, refused: 0, elements: 0, dropped: 0 });

/** The rungs below the unfused nests that a program climbs. */
export interface Plan {
  /** Machines that its nests are fused for, in the interpreter of nests. */
  readonly machines: readonly Capability[];
  readonly targets: readonly Target[];
}

/** What is wrong with a program anywhere on the ladder, in words. */
export async function fault(draw: Draw, plan: Plan, counts: Counts = noCounts(), program = build(draw)): Promise<string | undefined> {
  if (program.outputs.length === 0) return undefined;
  counts.programs++;
  const feeds = feedsOf(program.inputs, draw.exact);
  try {
    const subject = subjectOf(traceOf(program), feeds);
    const wrong = referenceFault(program, subject);
    if (wrong) return `reference: ${wrong}`;
    return (
      (await faultOf(subject, plan, counts)) ??
      (draw.turn % 5 < (draw.of === 'smooth' ? 3 : 1) ? named('gradient', await gradientFault(draw, program, feeds, plan, counts)) : undefined)
    );
  } catch (e) {
    // the batch must be a number for this one
    if (!(e instanceof CompileError && e.code === 'HC203' && draw.dynamic)) throw e;
    counts.refused++;
    return undefined;
  }
}
/** A derivative that is stopped is no slope. */
const stops = ({ calls }: Program): boolean => calls.some(c => c.op === 'stopGradient');
async function gradientFault(draw: Draw, program: Program, feeds: Feeds, plan: Plan, counts: Counts): Promise<string | undefined> {
  const traced = gradientOf(program);
  if (!traced) return undefined;
  counts.gradients++;
  // whole numbers are where kinks and ties are: slopes are judged between them
  const exact = draw.exact && draw.of !== 'smooth';
  const subject = subjectOf(traced, exact ? feeds : feedsOf(program.inputs, false));
  return (exact || stops(program) ? undefined : slopeFault(subject, counts)) ?? (await faultOf(subject, plan, counts));
}
async function faultOf(subject: Subject, { machines, targets }: Plan, counts: Counts): Promise<string | undefined> {
  const { exact, elements, dropped } = subject.expected;
  if (exact) counts.exact++;
  counts.elements += elements;
  counts.dropped += dropped;
  const above = named('simplified', simplifyFault(subject)) ?? named('nests', nestFault(subject, machines));
  if (above) return above;
  for (const { name, device, options } of targets) {
    if (device.kind === 'webgpu' && subject.expected.wild) continue;
    const outcome = await deviceFault(subject, device, options);
    if ('refused' in outcome) counts.refused++;
    else if (outcome.fault) return `${name}: ${outcome.fault}`;
  }
  return undefined;
}

/** Few bindings and small memories; tables of 5 numbers a lane, so that rows are cut into chunks. */
export const narrow = (capability: Capability): Capability => ({
  ...capability,
  bindings: 4,
  sharedBytes: 1024,
  laneBytes: 20,
  bufferBytes: 64 * 1024,
});
