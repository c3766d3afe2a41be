// A target's limits, checked for every kernel when it is compiled: nothing is found out by a device.
import { CompileError } from '../errors.ts';
import type { Capability, Code } from './types.ts';
import { countStatements } from './walk.ts';

/** What the code needs more than the target has, as an error before anything runs.
 *  @throws CompileError HC31 bindings, HC32 statements, HC36 workgroup memory or lanes. */
export function checkLimits(code: Code, capability: Capability): void {
  const { name } = capability;
  const bindings = code.memories.filter(m => m.space === 'storage').length;
  if (bindings > capability.bindings)
    throw new CompileError('HC31', `a kernel binds ${bindings} tensors, target '${name}' has ${capability.bindings} bindings`);
  const statements = countStatements(code.body);
  if (statements > capability.statements)
    throw new CompileError(
      'HC32',
      `a kernel has ${statements} statements, target '${name}' takes ${capability.statements}: split the function into several`,
    );
  const shared = code.memories.reduce((n, m) => n + (m.space === 'shared' ? 4 * m.length : 0), 0);
  if (shared > capability.sharedBytes)
    throw new CompileError('HC36', `a kernel shares ${shared} bytes in a workgroup, target '${name}' has ${capability.sharedBytes}`);
  if (code.lanes > capability.maxLanes)
    throw new CompileError('HC36', `a kernel has ${code.lanes} lanes, target '${name}' at most ${capability.maxLanes}`);
}
