// A recorded training step becomes graph: gradients of the loss, their global norm, the optimiser's update, and assignments of state.
// Parameters that are trained turn from weights to state. All arithmetic of the update is on flats (layout.ts), so the number of kernels
// does not depend on the number of parameters; factors of groups are tables with one number a row.
//   P = flat(parameters)  G = flat(gradients)  M, V = flat(moments)
//   norm = √Σ G²   [P', M', V'] = update(P, G·min(1, clip/(norm + 1e-6)), M, V, lr·scales, decay·decays)   assign P, M, V
// With accumulation a third flat holds the mean of the small batches' gradients, and only the last of them updates.

import type { TrainingStep } from '../../dsl/graph.ts';
import { scalar } from '../../dsl/scalar.ts';
import { CompileError } from '../errors.ts';
import { gradient } from '../graph/gradient/reverse.ts';
import { type Graph, homeOf, numel } from '../graph/graph.ts';
import type { Interned, Recorded } from '../graph/intern.ts';
import { blockRows, type Layout, layOut, rowElements } from './layout.ts';

const multiply = scalar('mul', ['f32', 'f32'], (b, x, y) => b.op('mul', x, y));
const add = scalar('add', ['f32', 'f32'], (b, x, y) => b.op('add', x, y));
const root = scalar('sqrt', ['f32'], (b, x) => b.op('sqrt', x));
const toFloat = scalar('toF32', ['i32'], (b, x) => b.op('toF32', x));
/** torch.nn.utils.clip_grad_norm_ */
const clipping = (clip: number) =>
  scalar('clip', ['f32', 'f32'], (b, g, norm) =>
    b.op('mul', g, b.op('min', b.constant(1), b.op('div', b.constant(clip), b.op('add', norm, b.constant(1e-6))))),
  );
const equals = (n: number) => scalar('equals', ['i32'], (b, x) => b.op('eq', x, b.constant(n, 'i32')));
/** The mean over `count` small batches, begun anew at the first. */
const accumulate = (count: number) =>
  scalar('accumulate', ['bool', 'f32', 'f32'], (b, first, sum, g) =>
    b.op('add', b.op('select', first, b.constant(0), sum), b.op('div', g, b.constant(count))),
  );
const choose = scalar('choose', ['bool', 'f32', 'f32'], (b, which, yes, no) => b.op('select', which, yes, no));

/** Run-time scalars of a step. */
export const stepScalars = { lr: 'f32', decay: 'f32', step: 'i32' } as const;
export const microScalar = 'micro';

/** The step's program; no flat passes `limit` bytes. Parameters keep their names as state; moments are `<optimiser>.<moment>.<parameter>`,
 *  accumulated gradients `accumulated.<parameter>`.
 *  @throws CompileError HC9 for an unknown output, HC13 for a loss that is no f32 scalar, a model without parameters to train, an update that
 *  is no list of values like its operands, or a name that the step needs itself */
export function withStep(program: Recorded, step: TrainingStep, limit: number): Interned {
  return new Expansion(program, step, limit).run();
}

class Expansion {
  private readonly program: Recorded;
  private readonly step: TrainingStep;
  private readonly limit: number;
  private readonly graph: Graph;
  private readonly names: readonly string[];
  private readonly params: readonly number[];
  private readonly state = new Map<string, number>();
  private readonly scalars = new Map<string, number>();
  private readonly updates: number[] = [];

  constructor(program: Recorded, step: TrainingStep, limit: number) {
    const { graph } = program;
    const trained = [...program.params].filter(([, id]) => {
      const node = graph.node(id);
      return node.op === 'input' && node.role === 'parameter' && node.trainable;
    });
    if (trained.length === 0) throw refuse('the model has no parameter to train');
    this.program = program;
    this.step = step;
    this.limit = limit;
    this.graph = graph;
    this.names = trained.map(([name]) => name);
    this.params = trained.map(([, id]) => id);
  }

  run(): Interned {
    const { graph, program, step } = this;
    const outputs = this.outputs();
    const loss = outputs[0]![1];
    const gradients = gradient(graph, loss, this.params, program.written);
    for (const [name, type] of Object.entries(stepScalars)) this.scalar(name, type);
    if (step.accumulate > 1) this.scalar(microScalar, 'i32');
    for (const [i, name] of this.names.entries()) this.keep(name, this.params[i]!);
    const layouts = layOut(
      this.params.map(id => numel(graph.shape(id)) as number),
      this.limit,
    );
    graph.current = { trail: ['training step', 'gradients'] };
    const flats = layouts.map(l => this.gradients(l, gradients));
    graph.current = { trail: ['training step', 'gradient norm'] };
    const norm = graph.map(root, [flats.map(f => this.squares(f)).reduce((a, b) => graph.map(add, [a, b]))]);
    graph.current = { trail: ['training step', step.optimiser] };
    for (const [i, layout] of layouts.entries()) this.update(layout, flats[i]!, norm);
    graph.current = undefined;
    const kept = new Set(this.state.values());
    return {
      ...program,
      params: new Map([...program.params].filter(([, id]) => !kept.has(id))),
      scalars: new Map([...program.scalars, ...this.scalars]),
      state: new Map([...program.state, ...this.state]),
      outputs: [...outputs, ['grad_norm', norm]],
      updates: this.updates,
    };
  }

  /** The loss, then what else is wanted. An output that is a parameter itself is its value before the update: a copy. */
  private outputs(): (readonly [string, number])[] {
    const { graph, program, step } = this;
    return [step.loss, ...step.outputs].map(name => {
      const found = program.outputs.find(o => o[0] === name);
      if (!found) throw new CompileError('HC9', `no output '${name}': the model's outputs are ${program.outputs.map(o => o[0]).join(', ')}`);
      if (name === 'grad_norm') throw refuse("the model has an output 'grad_norm' of its own");
      const [, id] = found;
      const node = graph.node(id);
      if (name === step.loss && (node.shape.length > 0 || node.dtype !== 'f32'))
        throw refuse(`the loss '${name}' is ${node.dtype} of rank ${node.shape.length}, not an f32 of shape []`);
      return [name, this.params.includes(homeOf(graph, id)) ? graph.copy(id) : id] as const;
    });
  }
  private scalar(name: string, type: 'f32' | 'i32'): void {
    this.free(name);
    this.scalars.set(name, this.graph.input(name, [], type, 'scalar'));
  }
  private keep(name: string, id: number): void {
    if (!this.program.params.has(name)) this.free(name);
    this.state.set(name, id);
  }
  private free(name: string): void {
    const { inputs, params, scalars, state } = this.program;
    if ([inputs, params, scalars, state].some(taken => taken.has(name)))
      throw refuse(`'${name}' is a name of the step's own, and the model has it too`);
  }

  // ---- flats
  private flat(layout: Layout, ids: readonly number[]): number {
    return this.graph.flat(
      ids,
      layout.starts.map(s => s * rowElements),
      [layout.rows, rowElements],
    );
  }
  /** State of the parameters' shapes, zero at first. */
  private stateFlat(layout: Layout, prefix: string): number {
    const { graph } = this;
    const ids = layout.members.map(i => {
      const name = `${prefix}.${this.names[i]!}`;
      const id = graph.input(name, graph.shape(this.params[i]!), 'f32', 'state');
      this.keep(name, id);
      return id;
    });
    return this.flat(layout, ids);
  }
  /** A scalar or a table of one number a row, at every element. */
  private spread(id: number, rows: number): number {
    return this.graph.expand(id, [rows, rowElements], this.graph.shape(id).length === 0 ? [] : [0]);
  }
  private gradients(layout: Layout, gradients: readonly number[]): number {
    const { graph, step } = this;
    const flat = this.flat(
      layout,
      layout.members.map(i => gradients[i]!),
    );
    if (step.accumulate === 1) return flat;
    const sum = this.stateFlat(layout, 'accumulated');
    const value = graph.map(accumulate(step.accumulate), [this.isMicro(0, layout.rows), sum, flat]);
    graph.nested.add(value);
    return this.assign(sum, value);
  }
  /** Is this the small batch of that number? */
  private isMicro(number: number, rows: number): number {
    return this.spread(this.graph.map(equals(number), [this.scalars.get(microScalar)!]), rows);
  }
  private assign(state: number, value: number): number {
    const id = this.graph.assign(state, value);
    this.updates.push(id);
    return id;
  }

  /** Σ x², block by block first. */
  private squares(flat: number): number {
    const { graph } = this;
    const rows = graph.shape(flat)[0] as number;
    const blocks = graph.reshape(flat, [rows / blockRows, blockRows * rowElements]);
    return graph.reduce('sum', graph.contract(['ij', 'ij'], 'i', blocks, blocks), [0]);
  }

  private update(layout: Layout, gradients: number, norm: number): void {
    const { graph, step, program } = this;
    const { rows } = layout;
    const before = graph.nodes.length;
    const param = this.flat(
      layout,
      layout.members.map(i => this.params[i]!),
    );
    const moments = step.moments.map(m => this.stateFlat(layout, `${step.optimiser}.${m}`));
    const clipped = step.clip === undefined ? gradients : graph.map(clipping(step.clip), [gradients, this.spread(norm, rows)]);
    const groups = layout.members.map(i => step.groups(this.names[i]!, graph.shape(this.params[i]!) as readonly number[]));
    const times = (name: 'lr' | 'decay', factors: readonly number[]): number =>
      graph.map(multiply, [this.spread(this.scalars.get(name)!, rows), this.table(layout, factors)]);
    const lr = times(
      'lr',
      groups.map(g => g.lrScale),
    );
    const decay = times(
      'decay',
      groups.map(g => g.decay),
    );
    const number = graph.map(toFloat, [this.scalars.get('step')!]);
    const old = [param, ...moments];
    const results = program.express([param, clipped, lr, decay, number, ...moments], ([p, g, l, d, t, ...m]) =>
      step.update({ param: p!, gradient: g!, lr: l!, decay: d!, step: t!, moments: m }),
    );
    if (results.length !== old.length || results.some(r => graph.shape(r).length !== 2 || graph.shape(r)[0] !== rows))
      throw refuse(`${step.optimiser}: update must give the parameter and its ${step.moments.length} moments, elementwise`);
    const last = step.accumulate > 1 ? this.isMicro(step.accumulate - 1, rows) : undefined;
    const values = results.map((r, k) => (last === undefined ? r : graph.map(choose, [last, r, old[k]!])));
    // one kernel goes through the arrays: nothing in between is stored
    for (const node of graph.nodes.slice(before)) if (node.op === 'map') graph.nested.add(node.id);
    for (const [k, state] of old.entries()) this.assign(state, values[k]!);
  }
  /** A factor of each parameter as one number a row; a constant where all are equal. */
  private table(layout: Layout, factors: readonly number[]): number {
    const { graph } = this;
    const { rows, starts } = layout;
    if (factors.every(f => f === factors[0])) return this.spread(graph.constant(factors[0]!), rows);
    const data = new Float32Array(rows);
    for (const [k, from] of starts.entries()) data.fill(factors[k]!, from, starts[k + 1] ?? rows);
    return this.spread(graph.data(data, [rows], 'f32'), rows);
  }
}
const refuse = (words: string): CompileError => new CompileError('HC13', `training step: ${words}`);
