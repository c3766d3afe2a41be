// Messages of training steps (dsl/step.ts). Templates for `Say` and `say` (dsl/words.ts).
export const stepWords = {
  stepClip: 'trainStep: clip is {}: the largest norm of the gradients is a positive number',
  stepAccumulate: 'trainStep: accumulate is {}: the small batches of a step are a whole number, 1 or more',
  stepGroup: 'trainStep: parameter {} has the {} {}: a factor is a finite number',
  stepTwice: 'trainStep: {} is a training step already',
  adamwBeta: 'adamw: betas are in 0 ≤ β < 1, got {}',
  adamwNumber: 'adamw: {} is {}: a finite number, 0 or more',
} as const;
