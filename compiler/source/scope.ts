// Local variables of a kernel while it is read: scopes hold their names, a store what they are on the path that runs.
import type { ScalarType } from '../../dsl/scalar.ts';
import type { Value } from './emit.ts';
import { fail } from './place.ts';
import type { ts } from './typescript.ts';

export interface Cell {
  readonly name: string;
  readonly constant: boolean;
  readonly declared: ScalarType | undefined;
}
export interface Scope {
  readonly names: Map<string, Cell>;
  readonly parent: Scope | undefined;
  /** A loop's bounds: what may change is not seen from here. */
  readonly constantsOnly?: true;
}
export type Store = Map<Cell, Value>;
export const within = (parent: Scope | undefined): Scope => ({ names: new Map(), parent });

/** The variable that a name means here, or undefined. */
export function find(node: ts.Identifier, scope: Scope): Cell | undefined {
  let constantsOnly = false;
  for (let s: Scope | undefined = scope; s; s = s.parent) {
    const cell = s.names.get(node.text);
    if (cell && constantsOnly && !cell.constant) fail(node, `the bounds of a loop are literals and constants, and ${node.text} may change`);
    if (cell) return cell;
    constantsOnly ||= s.constantsOnly === true;
  }
  return undefined;
}
