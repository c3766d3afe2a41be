// Counts that a compiled program is held to, so that a change of what is fused is seen in a test.
import type { Program } from '../common/program.ts';

export interface KernelCount {
  /** Dispatches of one run. */
  readonly dispatches?: number;
  /** Distinct kernel texts. */
  readonly kernels?: number;
}

/** Throws when a program has other counts than those given; the message lists the dispatches by name. */
export function assertKernelCount(program: Program, expected: KernelCount): void {
  const found = { dispatches: program.steps.length, kernels: program.kernels.length };
  for (const what of ['dispatches', 'kernels'] as const) {
    const want = expected[what];
    if (want !== undefined && want !== found[what])
      throw new Error(
        `${program.name}: ${found[what]} ${what} instead of ${want}\n${program.steps.map(s => `  ${s.name} (kernel ${s.kernel})`).join('\n')}`,
      );
  }
}
