// Messages of calls of scalar kernels (dsl/kernel.ts). Templates for `Say` and `say` (dsl/words.ts).
export const kernelWords = {
  kernelFunction: 'kernel: wants a function of numbers, got {}',
  kernelFirst: 'kernel: the first operand must be a tensor',
  kernelShape: 'kernel: an operand has the shape of the first, {}, or is a number, got {}',
  kernelCount: 'kernel: {} takes {} operands, got {}',
  kernelDType: 'kernel: parameter {} of {} is {}, got {}',
  kernelResult: 'kernel: {} gives {}, but a call has the element type of its first number, {}: convert the result',
  kernelReader: 'kernel: {} is read by the compiler: import heddle/compiler before calling it on tensors',
} as const;
