// A model file's default export, and its trace: what the compiler reads. A model is a config, its parameter tree, its inputs and its
// forward function; the types of forward are checked over the config's symbols, the trace runs it once on a config's numbers.
import type { Configuration, ConfigValues } from './config.ts';
import { type Dim, showShape } from './dim.ts';
import { fail, failAt } from './errors.ts';
import type { Node, TrainingStep } from './graph.ts';
import { named } from './params.ts';
import { within } from './scope.ts';
import { isTensor, type Tensor } from './tensor.ts';

// ---------------------------------------------------------------- declaring
type Tensors = Readonly<Record<string, Tensor>>;
type SizesOf<C> = C extends { readonly sizes: infer S } ? S : never;
/** The least that a model needs of its config. */
export interface AnyConfig {
  readonly fields: object;
  readonly sizes: object;
  readonly read: (values: unknown) => Configuration;
}

/** What `model` takes. The parts are typed over the config's symbols. */
export interface ModelParts<C extends AnyConfig, P, I extends Tensors, R extends Tensors> {
  /** Leads the messages and the trail of every kernel; default 'model'. */
  readonly name?: string;
  readonly config: C;
  /** Named configurations; the first is the default. */
  readonly presets?: Readonly<Record<string, ConfigValues<C['fields']>>>;
  /** The parameter tree; a leaf's path is its checkpoint name. */
  readonly params: (c: SizesOf<C>) => P;
  /** Placeholders by name; 'B' is the batch, the config's symbols have its values. */
  readonly inputs: (c: SizesOf<C>) => I;
  /** Outputs by name. */
  readonly forward: (c: SizesOf<C>, params: P, inputs: I) => R;
}
/** A declared model. Its functions take what the trace gives them, never a caller's values: hence the `never` parameters. */
export interface Model<C extends AnyConfig = AnyConfig, P = unknown, I extends Tensors = Tensors, R extends Tensors = Tensors> {
  readonly kind: 'model';
  readonly name: string;
  readonly config: C;
  readonly presets: Readonly<Record<string, ConfigValues<C['fields']>>>;
  readonly params: (c: never) => P;
  readonly inputs: (c: never) => I;
  readonly forward: (c: never, params: never, inputs: never) => R;
  /** Set by `trainStep`: the program is a step of training, not the forward pass. */
  readonly step?: TrainingStep;
}
/** The configuration values that a model takes. */
export type ModelConfig<M> = M extends { readonly config: { readonly fields: infer F } } ? ConfigValues<F> : never;
/** Its inputs and outputs by name, over the config's symbols. */
export type ModelInputs<M> = M extends { readonly inputs: (c: never) => infer I } ? I : never;
export type ModelOutputs<M> = M extends { readonly forward: (c: never, params: never, inputs: never) => infer R } ? R : never;

/** Declares a model: `export default model({ config, presets, params: c => new Mae(c), inputs: c => ({ imgs: f32('B', …) }), forward })`. */
export function model<C extends AnyConfig, P, I extends Tensors, R extends Tensors>(parts: ModelParts<C, P, I, R>): Model<C, P, I, R> {
  return {
    kind: 'model',
    name: parts.name ?? 'model',
    presets: parts.presets ?? {},
    config: parts.config,
    params: parts.params,
    inputs: parts.inputs,
    forward: parts.forward,
  };
}
export const isModel = (x: unknown): x is Model => typeof x === 'object' && x !== null && 'kind' in x && x.kind === 'model';

// ---------------------------------------------------------------- tracing
type Entry = readonly [name: string, node: Node];
/** A traced program: nodes by name. Parameters and inputs in the order of their declaration, whether outputs need them or not. */
export interface Traced {
  readonly name: string;
  /** The config's fields and derived sizes. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Arguments and run-time scalars. */
  readonly inputs: readonly Entry[];
  readonly params: readonly Entry[];
  readonly outputs: readonly Entry[];
  /** Checkpoint names of the parameters. */
  readonly names: ReadonlyMap<Node, string>;
  /** The symbol that stays free, or null when every input's size is a number. */
  readonly batch: string | null;
  /** What makes the trace of a forward pass a step of training. */
  readonly step?: TrainingStep;
}

/** Runs a model's functions for a configuration: values, or the name of a preset. `batch` makes the symbol B a number.
 *  @throws ShapeError of the config, the layers and the ops, and for what is no model: outputs that are no tensors, an async forward,
 *  parameters or placeholders from elsewhere */
export function trace(model: Model, config: unknown, options: { readonly batch?: number } = {}): Traced {
  const { name } = model;
  const { values, env } = model.config.read(typeof config === 'string' ? preset(model, config) : config);
  if (env.has('B')) fail('batchSymbol', name, fieldOf(model.config, 'B'));
  const symbols = new Map<string, Dim>([...env, ['B', options.batch ?? 'B']]);
  const params: unknown = call(model.params, values);
  const parameters = parameterEntries(name, params);
  const inputs = within(name, symbols, () => call(model.inputs, values), true);
  const given = inputEntries(name, inputs);
  const outputs = within(name, symbols, () => call(model.forward, values, params, inputs));
  return { ...assemble(name, values, given, parameters, outputs), ...(model.step ? { step: model.step } : {}) };
}
/** A trace of plain code, for tests and tools: traced({ x: f32(2, 3) }, ({ x }) => ({ y: exp(x) })). */
export function traced<I extends Tensors>(inputs: I, forward: (inputs: I) => Tensors | Tensor, params: unknown = {}): Traced {
  const result = forward(inputs);
  return assemble('traced', {}, inputEntries('traced', inputs), parameterEntries('traced', params), isTensor(result) ? { out: result } : result);
}

/** The model's functions are typed over symbols and run on numbers. */
function call(f: (...args: never[]) => unknown, ...args: readonly unknown[]): unknown {
  return f(...(args as never[]));
}
function preset(model: Model, name: string): unknown {
  const names = Object.keys(model.presets);
  return Object.hasOwn(model.presets, name) ? model.presets[name] : fail('noPreset', model.name, name, names.join(', '));
}
const fieldOf = (config: AnyConfig, symbol: string): string =>
  Object.entries(config.fields).find(([, f]) => typeof f === 'object' && f !== null && 'dim' in f && f.dim === symbol)?.[0] ?? 'a derived size';

function assemble(name: string, config: Configuration['values'], inputs: readonly Entry[], params: readonly Entry[], outputs: unknown): Traced {
  const results = outputEntries(name, outputs);
  const names = new Map(params.map(([path, node]) => [node, path]));
  strays(name, results, names, new Set(inputs.map(([, node]) => node)));
  return { name, config, inputs, params, outputs: results, names, batch: freeSymbol(inputs) };
}
function parameterEntries(model: string, tree: unknown): Entry[] {
  const seen = new Map<Node, string>();
  const entries = named(tree).map(([path, leaf]): Entry => [path, leaf.node]);
  for (const [path, node] of entries) {
    if (node.op !== 'input' || node.role !== 'parameter') fail('paramPlain', model, path);
    if (seen.has(node)) fail('paramTwice', model, path, seen.get(node)!);
    if (node.shape.some(d => typeof d !== 'number')) failAt(node.origin, 'paramOpen', model, path, showShape(node.shape));
    seen.set(node, path);
  }
  const paths = new Set<string>();
  for (const [path] of entries) if (paths.size === paths.add(path).size) fail('paramName', model, path);
  return entries;
}
function inputEntries(model: string, inputs: unknown): Entry[] {
  return Object.entries(inputs ?? {}).map(([key, x]): Entry => {
    if (!isTensor(x) || x.node.op !== 'input' || x.node.role === 'parameter') return fail('inputPlain', model, key);
    return [key, x.node];
  });
}
function outputEntries(model: string, outputs: unknown): Entry[] {
  if (outputs instanceof Promise) return fail('promise', model);
  if (!isRecord(outputs) || isTensor(outputs)) return fail('outputsRecord', model, kindOf(outputs));
  const entries = Object.entries(outputs).map(([key, x]): Entry => (isTensor(x) ? [key, x.node] : fail('outputPlain', model, key, kindOf(x))));
  return entries.length > 0 ? entries : fail('outputsRecord', model, 'an empty one');
}
const isRecord = (x: unknown): x is object => typeof x === 'object' && x !== null && !Array.isArray(x);
const kindOf = (x: unknown): string =>
  isTensor(x)
    ? 'a tensor'
    : Array.isArray(x)
      ? 'a list'
      : x instanceof Promise
        ? 'a Promise'
        : typeof x === 'object' && x !== null
          ? 'a record'
          : `${typeof x === 'function' ? 'a function' : String(x)}`;

/** Every parameter and placeholder that the outputs read must be the model's own. */
function strays(model: string, outputs: readonly Entry[], names: ReadonlyMap<Node, string>, inputs: ReadonlySet<Node>): void {
  const seen = new Set<Node>();
  const stack = outputs.map(([, node]) => node).reverse();
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === 'input' && node.role === 'parameter' && !names.has(node)) failAt(node.origin, 'strayParam', model);
    if (node.op === 'input' && node.role !== 'parameter' && !inputs.has(node)) failAt(node.origin, 'strayInput', model);
    for (const i of node.inputs) stack.push(i);
  }
}
const freeSymbol = (inputs: readonly Entry[]): string | null => (inputs.some(([, node]) => node.shape.includes('B')) ? 'B' : null);
