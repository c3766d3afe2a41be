// Types of parameters, variables and results, read from their annotations: to the type checker they are all numbers.
import type { ScalarType } from '../../dsl/scalar.ts';
import { fail } from './place.ts';
import { type ts, typescript } from './typescript.ts';

export function parameterOf(p: ts.ParameterDeclaration): { readonly name: string; readonly type: ScalarType } {
  const api = typescript();
  if (!api.isIdentifier(p.name)) return fail(p, 'a parameter has one name: no destructuring');
  if (p.questionToken || p.initializer || p.dotDotDotToken) fail(p, `${p.name.text}: parameters are neither optional nor rest`);
  if (!p.type) return fail(p, `${p.name.text} has no type: f32, i32, u32 or bool`, 'HK2');
  return { name: p.name.text, type: scalarTypeOf(p.type) };
}
export function scalarTypeOf(node: ts.TypeNode): ScalarType {
  const api = typescript();
  const name = node.getText().split('.').at(-1)!;
  if (name === 'boolean') return 'bool';
  if (name === 'f32' || name === 'i32' || name === 'u32' || name === 'bool') return name;
  if (node.kind === api.SyntaxKind.NumberKeyword) return fail(node, 'number does not say how it is held: f32, i32 or u32', 'HK2');
  return fail(node, `${name} is no scalar type: f32, i32, u32 or bool`, 'HK2');
}

/** A syntax node in words: 'a while statement'. */
export function wordsFor(node: ts.Node): string {
  const name = typescript()
    .SyntaxKind[node.kind].replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}
