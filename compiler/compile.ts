// The passes in order: trace → intern → simplify → lower and fuse with tiles → generate → memory → render → Program.
// Compiling opens no device and writes nothing.
import type { Program, TypedProgram } from '../common/program.ts';
import type { Size } from '../common/size.ts';
import { type Model, type ModelConfig, type ModelOutputs, type Traced, trace } from '../dsl/model.ts';
import { capabilities, type Target } from './code/capabilities.ts';
import { generateFused, generateUnfused } from './code/fused.ts';
import type { GenerateOptions } from './code/generate.ts';
import type { Capability } from './code/types.ts';
import { debugLevel, say } from './debug.ts';
import { CompileError } from './errors.ts';
import { withGradients } from './graph/gradient/parameters.ts';
import type { Graph } from './graph/graph.ts';
import { type Interned, intern } from './graph/intern.ts';
import { printGraph } from './graph/print.ts';
import { simplify } from './graph/simplify.ts';
import { collapse } from './loops/collapse.ts';
import { fuse } from './loops/fuse/fuse.ts';
import { machineOf } from './loops/fuse/machine.ts';
import { nestKey } from './loops/key.ts';
import { printNest } from './loops/print.ts';
import { homeOf, lowerUnfused } from './loops/unfused.ts';
import { assemble, type Dispatch } from './program.ts';
import { renderJs } from './render/js.ts';
import { renderWgsl } from './render/wgsl.ts';
import { withStep } from './step/expand.ts';

export interface CompileOptions {
  /** A capability record by name (`webgpu`, `webgpu-large`, `webgpu-software`, `js`) or one of your own. Default `webgpu`. */
  readonly target?: Target | Capability;
  /** How operations become kernels. `all`, unless said: fused where the target's cost model says that it pays. `none`: one kernel each, the rung that
   *  every other way is tested against. */
  readonly fuse?: 'all' | 'none';
  /** Makes the batch a number, for programs that need more of it than a leading axis. */
  readonly batch?: number;
  /** Only these outputs; default all. */
  readonly outputs?: readonly string[];
  /** An output whose sum is differentiated: outputs `grad.<parameter>` are added, one for each parameter that is trained. The pure form of a
   *  training step (dsl/step.ts): gradients for whoever applies them. */
  readonly grad?: string;
}

/** A Program typed by its model's outputs. */
export type Compiled<Outputs = Record<string, unknown>> = TypedProgram<Outputs>;

/** Compiles a model for a configuration (values, or the name of one of its presets).
 *  @throws ShapeError from the trace, CompileError where the target cannot run the program. */
export function compile<M extends Model>(model: M, config: ModelConfig<M> | string, options: CompileOptions = {}): Compiled<ModelOutputs<M>> {
  const batch = options.batch;
  if (batch !== undefined && !(Number.isSafeInteger(batch) && batch > 0)) throw new CompileError('HC6', `batch ${batch} is no positive integer`);
  return compileTraced(trace(model, config, batch === undefined ? {} : { batch }), options);
}

/** Compiles what a trace recorded. */
export function compileTraced(traced: Traced, options: CompileOptions = {}): Program {
  const capability = capabilityOf(options.target ?? 'webgpu');
  const how = options.fuse ?? 'all';
  if (how !== 'all' && how !== 'none') throw new CompileError('HC7', `fuse '${String(how)}' is not known: all, none`);
  const interned = simplify(selected(expanded(traced, options.grad, capability), options.outputs));
  const { graph } = interned;
  if (debugLevel() >= 2) say(printGraph(graph));
  const wanted = [...interned.outputs.map(([, id]) => id), ...interned.updates];
  const scalars = [...interned.scalars.keys()];
  const context = { scalarIndex: (name: string) => scalars.indexOf(name) + 1 };
  const kernels = how === 'all' ? fusedKernels(graph, wanted, capability, context) : unfusedKernels(graph, wanted, capability, context);
  const codes = new Map<string, Dispatch['code']>();
  const dispatches = kernels.map(({ nest, key, root, code: generated }): Dispatch => {
    let code = codes.get(key);
    if (!code) {
      code = generated();
      codes.set(key, code);
      if (debugLevel() >= 3) say(printNest(nest));
    }
    return { nest, code, key, root };
  });
  const program = assemble({
    name: traced.name,
    interned,
    batch: usesBatch(interned) ? traced.batch : null,
    dispatches,
    homes: new Map(interned.outputs.map(([name, id]) => [name, homeOf(graph, id)])),
    capability,
    render: (code, access, comment) => (capability.language === 'wgsl' ? renderWgsl(code, { access, comment }) : renderJs(code, { comment })),
  });
  if (debugLevel() >= 1) for (const s of program.steps) say(`${s.name}  ${s.origin}`);
  if (debugLevel() >= 4) for (const k of program.kernels) say(k.text);
  return program;
}

/** A kernel whose code is made only if no equal one has been. */
type Kernel = Omit<Dispatch, 'code'> & { readonly code: () => Dispatch['code'] };

function unfusedKernels(graph: Graph, wanted: readonly number[], capability: Capability, context: GenerateOptions): readonly Kernel[] {
  return lowerUnfused(graph, wanted, { maxBuffers: capability.bindings }).map(({ roots, nest }) => {
    const flat = collapse(nest);
    return { nest: flat, key: nestKey(flat), root: roots[0]!.node, code: () => generateUnfused(flat, capability, context) };
  });
}
function fusedKernels(graph: Graph, wanted: readonly number[], capability: Capability, context: GenerateOptions): readonly Kernel[] {
  return fuse(graph, wanted, machineOf(capability), debugLevel() >= 1 ? { explain: say } : {}).map(({ roots, nest, schedule: tiles }) => ({
    nest,
    key: `${nestKey(nest)} ${tiles.tile} ${tiles.places}`,
    root: roots[0]!.node,
    code: () => generateFused(nest, tiles, capability, context),
  }));
}

/** The trace with what was only recorded of it: a training step, or the gradients of an output. */
function expanded(traced: Traced, grad: string | undefined, capability: Capability): Interned {
  const whole = intern(traced);
  if (traced.step === undefined) return grad === undefined ? whole : withGradients(whole, grad);
  if (grad !== undefined) throw new CompileError('HC14', `grad '${grad}' of a training step: compile the model itself with it`);
  return withStep(whole, traced.step, Math.min(capability.bindingBytes, capability.bufferBytes));
}
function capabilityOf(target: Target | Capability): Capability {
  if (typeof target !== 'string') return target;
  if (!Object.hasOwn(capabilities, target)) throw new CompileError('HC8', `target '${target}' is not known: ${Object.keys(capabilities).join(', ')}`);
  return capabilities[target];
}
function selected(interned: Interned, names: readonly string[] | undefined): Interned {
  if (!names) return interned;
  for (const n of names)
    if (!interned.outputs.some(([name]) => name === n))
      throw new CompileError('HC9', `no output '${n}': the model's outputs are ${interned.outputs.map(o => o[0]).join(', ')}`);
  return { ...interned, outputs: interned.outputs.filter(([name]) => names.includes(name)) };
}
const holdsBatch = (shape: readonly Size[]): boolean => shape.some(s => typeof s !== 'number');
const usesBatch = (i: Interned): boolean => i.graph.nodes.some(n => holdsBatch(n.shape) || (n.op === 'extent' && typeof n.size !== 'number'));
