// What is running: the layers around a call, their names for the trail of every node, and what their symbols stand for.
import { canon, type Dim, type DimArg, type Env, evalDim, symbolsOf } from './dim.ts';
import { fail } from './errors.ts';

interface Scope {
  readonly name: string;
  readonly env: Env;
  /** Also placeholders take the scope's values, and unknown symbols stay: a model's inputs. */
  readonly inputs: boolean;
  /** Names of the layers down to here. */
  readonly trail: readonly string[];
}
const scopes: Scope[] = [];

/** Runs a layer's body: its symbols stand for the values of env, its name leads the trail of the nodes inside. */
export function within<R>(name: string, env: Env, body: () => R, inputs = false): R {
  scopes.push({ name, env, inputs, trail: [...layerTrail(), name] });
  try {
    return body();
  } finally {
    scopes.pop();
  }
}
const noTrail: readonly string[] = [];
/** Names of the layers that are running, outermost first. */
export const layerTrail = (): readonly string[] => scopes.at(-1)?.trail ?? noTrail;

/** A dim as the user writes it (a name of the running layer, a size value, a number; −1 too) → the dim of this trace.
 *  @throws ShapeError for a symbol that the running layer does not have, and for what is not a whole number */
export function resolve(d: unknown): Dim {
  if (typeof d === 'number' && !Number.isSafeInteger(d)) fail('notSize', d);
  if (typeof d !== 'number' && typeof d !== 'string' && !(typeof d === 'object' && d !== null && 'dim' in d)) fail('notSize', String(d));
  const dim = canon(d as DimArg);
  const scope = scopes.at(-1);
  if (typeof d !== 'string' || typeof dim === 'number' || !scope) return dim; // a size value is a dim of the trace already
  if (!scope.inputs) for (const s of symbolsOf(dim)) if (!scope.env.has(s)) fail('free', scope.name, s);
  return evalDim(dim, scope.env);
}
/** The dim of a placeholder: its symbols are its own, but for a model's inputs. */
export const resolvePlaceholder = (d: unknown): Dim => (scopes.at(-1)?.inputs ? resolve(d) : canon(d as DimArg));
