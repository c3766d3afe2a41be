// A step of training as one program: forward pass, gradients, optimiser. `trainStep` makes it of a model, and what it makes is a model
// again: default-export it, compile it, open a session on it. Recorded only; the compiler expands it (compiler/step). Parameters and
// moments are state of the session, updated in place on the device; the learning rate and the step's number are run-time scalars, so
// that nothing is compiled anew from step to step.
//
//   const training = trainStep(mae, { loss: 'loss', optimiser: adamw({ betas: [0.9, 0.95], weightDecay: 0.05 }), groups: noDecayOnVectors });
//   using session = await open(compile(training, 'tiny'), { weights });
//   const { loss, grad_norm } = await session.run({ imgs, noise }, { scalars: { lr: 1e-3, decay: 1, step: 1 } });
//   const { 'blocks.0.attn.qkv.weight': w, 'adamw.m.cls_token': m } = await session.readState();
//
// An optimiser is a record with a function in the language, from a parameter, its gradient and its moments to the new ones, elementwise:
// `const sgd: Optimiser = { name: 'sgd', moments: [], update: ({ param, gradient, lr }) => [sub(param, mul(lr, gradient))] }`.
// The pure form, gradients as outputs and no update, is compile's `grad` option.
import { fail } from './errors.ts';
import type { TrainingStep } from './graph.ts';
import type { AnyConfig, Model } from './model.ts';
import { add, div, exp, mul, sqrt, sub } from './ops/elementwise.ts';
import { less, where } from './ops/logic.ts';
import { type F32, type Tensor, trailing, wrap } from './tensor.ts';

type Tensors = Readonly<Record<string, Tensor>>;
/** Parameters, gradients or moments side by side: how many there are is the compiler's to know. */
type Flat = F32<'R Q'>;

/** What an optimiser is given for one step. All but `step` have one value an element; lr and decay hold the groups' factors already. */
export interface UpdateOf {
  readonly param: Flat;
  /** After clipping. */
  readonly gradient: Flat;
  readonly moments: readonly Flat[];
  /** The learning rate of this step. */
  readonly lr: Flat;
  /** The factor of weight decay: 0 where there is none. */
  readonly decay: Flat;
  /** 1 in the first step. */
  readonly step: F32<''>;
}
export interface Optimiser {
  /** Leads the names of its state: `adamw.m.<parameter>`. */
  readonly name: string;
  /** What is kept for each parameter from step to step, zero at first. */
  readonly moments: readonly string[];
  /** [parameter, ...moments] after the step; elementwise, in any ops of the language. */
  readonly update: (of: UpdateOf) => readonly Flat[];
}
/** The factors of one parameter, 1 where they are left out: of the weight decay (true 1, false 0) and of the learning rate. */
export interface Group {
  readonly decay?: boolean | number;
  readonly lrScale?: number;
}
export interface StepOptions<Loss extends string, Kept extends string> {
  /** The model's output that is minimised. */
  readonly loss: Loss;
  readonly optimiser: Optimiser;
  /** Factors by checkpoint name and shape; all 1 unless said. */
  readonly groups?: (name: string, param: { readonly shape: readonly number[] }) => Group;
  /** Gradients whose global norm is larger are scaled down to it, as torch.nn.utils.clip_grad_norm_ does. */
  readonly clip?: number | undefined;
  /** Runs that make up one step: their gradients are averaged, the last one updates. Each run then says which it is by the scalar `micro`,
   *  0 ≤ micro < accumulate. 1 unless said. */
  readonly accumulate?: number | undefined;
  /** More of the model's outputs to give, as they were before the update. */
  readonly outputs?: readonly Kept[];
}
/** Outputs that can be minimised. */
type Scalars<R> = { [K in keyof R]: R[K] extends Tensor<[], 'f32'> ? K : never }[keyof R] & string;

/**
 * The training step of a model: a model with the same configuration, parameters and inputs, whose outputs are the loss [] and `grad_norm`
 * [], the global norm of the gradients before clipping. Its run-time scalars are `lr`, `decay` (a factor of the weight decay, 1 as
 * compiled), `step` (1, 2, …) and, with accumulation, `micro`. Parameters with `trainable: false` stay weights.
 * @throws ShapeError for options out of range
 */
export function trainStep<
  C extends AnyConfig,
  P,
  I extends Tensors,
  R extends Tensors,
  Loss extends Scalars<R>,
  Kept extends keyof R & string = never,
>(model: Model<C, P, I, R>, options: StepOptions<Loss, Kept>): Model<C, P, I, Pick<R, Loss | Kept> & { readonly grad_norm: F32<''> }>;
export function trainStep(model: Model, options: StepOptions<string, string>): Model {
  const { loss, optimiser, clip, accumulate = 1, outputs = [], groups = (): Group => ({}) } = options;
  if (model.step) fail('stepTwice', model.name);
  if (clip !== undefined && !(Number.isFinite(clip) && clip > 0)) fail('stepClip', clip);
  if (!Number.isSafeInteger(accumulate) || accumulate < 1) fail('stepAccumulate', accumulate);
  const step: TrainingStep = {
    loss,
    outputs: outputs.filter(name => name !== loss),
    optimiser: optimiser.name,
    moments: optimiser.moments,
    update: ({ param, gradient, moments, lr, decay, step: t }) => {
      const of = { param: wrap(param), gradient: wrap(gradient), moments: moments.map(wrap), lr: wrap(lr), decay: wrap(decay), step: wrap(t) };
      return trailing(trainStep, () => optimiser.update(of), optimiser.name).map(x => x.node);
    },
    groups: (name, shape) => {
      const { decay = 1, lrScale = 1 } = groups(name, { shape });
      return { decay: factor(name, 'decay', Number(decay)), lrScale: factor(name, 'lrScale', lrScale) };
    },
    clip,
    accumulate,
  };
  return { ...model, name: `${model.name} step`, step };
}
const factor = (name: string, what: string, x: number): number => (Number.isFinite(x) ? x : fail('stepGroup', name, what, x));

export interface AdamwOptions {
  /** Decay rates of the mean and of the mean square of the gradients; 0.9 and 0.999 unless said. */
  readonly betas?: readonly [number, number];
  /** Added to the root mean square; 1e-8 unless said. */
  readonly eps?: number;
  /** 0.01 unless said. */
  readonly weightDecay?: number;
}
/** AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization"), with torch.optim.AdamW's defaults and order of operations.
 *  @throws ShapeError for numbers out of range */
export function adamw({ betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 }: AdamwOptions = {}): Optimiser {
  const [b1, b2] = betas;
  for (const b of betas) if (!(b >= 0 && b < 1)) fail('adamwBeta', b);
  for (const [name, x] of [
    ['eps', eps],
    ['weightDecay', weightDecay],
  ] as const)
    if (!(Number.isFinite(x) && x >= 0)) fail('adamwNumber', name, x);
  return {
    name: 'adamw',
    moments: ['m', 'v'],
    update: ({ param, gradient, moments, lr, decay, step }) => {
      const [m, v] = moments as readonly [Flat, Flat];
      const mean = add(mul(m, b1), mul(gradient, 1 - b1));
      const square = add(mul(v, b2), mul(mul(gradient, gradient), 1 - b2));
      const root = add(div(sqrt(square), sqrt(oneLessPower(b2, step))), eps);
      const decayed = mul(param, sub(1, mul(lr, mul(decay, weightDecay))));
      return [sub(decayed, mul(lr, div(div(mean, oneLessPower(b1, step)), root))), mean, square];
    },
  };
}
/** 1 − βᵗ without the cancellation that a power close to 1 would bring: −expm1(t·ln β), by its series while the exponent is small. */
function oneLessPower(beta: number, t: F32<''>): F32<''> {
  const x = mul(t, beta === 0 ? -200 : Math.log(beta)); // exp(−200) is 0 in f32
  let series: F32<''> = mul(x, -1 / 10);
  for (let k = 9; k >= 2; k--) series = mul(mul(x, -1 / k), sub(1, series));
  return where(less(x, -0.5), sub(1, exp(x)), mul(mul(x, -1), sub(1, series)));
}

/** The usual grouping: no weight decay for parameters of one axis (biases, norms). */
export const noDecayOnVectors = (_name: string, param: { readonly shape: readonly number[] }): Group => ({ decay: param.shape.length > 1 });
