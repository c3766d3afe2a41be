// Writes the typed loader of a Program folder: `index.js` opens the program, `index.d.ts` says which inputs it takes and which outputs it
// gives, every shape in words. Written with ts-morph, so that what is written is TypeScript by construction.
import type { DType } from '../../common/dtype.ts';
import type { Program } from '../../common/program.ts';
import { type Size, showSizes } from '../../common/size.ts';

const arrays: Readonly<Record<DType, string>> = {
  f32: 'Float32Array',
  f16: 'Float32Array',
  i32: 'Int32Array',
  u32: 'Uint32Array',
  bool: 'Uint8Array',
};
/** [B,3,224] as a type: a multiple of the batch is a number. */
const shapeType = (shape: readonly Size[]): string => `readonly [${shape.map(s => (typeof s === 'number' ? String(s) : 'number')).join(', ')}]`;

interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
}

/** The files of the loader by name. ts-morph (an optional peer) is loaded here and nowhere else. */
export async function writeLoader(program: Program): Promise<ReadonlyMap<string, string>> {
  const { Project, QuoteKind, VariableDeclarationKind } = await import('ts-morph');
  const project = new Project({ useInMemoryFileSystem: true, manipulationSettings: { quoteKind: QuoteKind.Single } });

  const types = project.createSourceFile('index.d.ts');
  types.addImportDeclaration({
    moduleSpecifier: 'heddle/runtime',
    namedImports: ['OpenOptions', 'Program', 'RunOptions', 'Session'],
    isTypeOnly: true,
  });
  const ports = (name: string, doc: string, list: readonly Port[], property: (p: Port) => string): void => {
    types.addInterface({
      name,
      isExported: true,
      docs: [doc],
      properties: list.map(p => ({ name: JSON.stringify(p.name), isReadonly: true, type: property(p), docs: [`${p.dtype} ${showSizes(p.shape)}`] })),
    });
  };
  ports('Inputs', "Inputs by name, row-major; a bare array takes the program's shape and its length gives the batch.", program.inputs, p => {
    const pair = `{ readonly data: ${arrays[p.dtype]}; readonly shape: ${shapeType(p.shape)} }`;
    return `${arrays[p.dtype]} | ${pair}`;
  });
  ports(
    'Outputs',
    'Outputs by name, row-major.',
    program.outputs,
    p => `{ readonly data: ${arrays[p.dtype]}; readonly shape: ${shapeType(p.shape)} }`,
  );
  types.addInterface({
    name: 'TypedSession',
    isExported: true,
    docs: ['A session whose inputs and outputs are typed. Dispose it, or declare it with `using`.'],
    extends: ["Omit<Session, 'run'>"],
    methods: [
      {
        name: 'run',
        typeParameters: [{ name: 'K', constraint: 'keyof Outputs', default: 'keyof Outputs' }],
        parameters: [
          { name: 'inputs', type: 'Inputs' },
          { name: 'options', hasQuestionToken: true, type: "Omit<RunOptions, 'outputs' | 'output'> & { readonly outputs?: readonly K[] }" },
        ],
        returnType: 'Promise<Pick<Outputs, K>>',
      },
    ],
  });
  types.addVariableStatement({
    declarationKind: VariableDeclarationKind.Const,
    isExported: true,
    hasDeclareKeyword: true,
    declarations: [{ name: 'program', type: 'Promise<Program>' }],
  });
  types.addFunction({
    name: 'load',
    isExported: true,
    hasDeclareKeyword: true,
    docs: [`Opens ${program.name}, compiled for ${program.target}.`],
    parameters: [{ name: 'options', hasQuestionToken: true, type: 'OpenOptions' }],
    returnType: 'Promise<TypedSession>',
  });

  const code = project.createSourceFile('index.js');
  code.addImportDeclaration({ moduleSpecifier: 'node:url', namedImports: ['fileURLToPath'] });
  code.addImportDeclaration({ moduleSpecifier: 'heddle/runtime', namedImports: ['loadProgram', 'open'] });
  code.addStatements([
    // whoever imports this file runs code of this folder already, so its kernels are as trusted as the loader itself
    "export const program = loadProgram(fileURLToPath(new URL('.', import.meta.url)), { trust: true });",
    'export const load = async (options = {}) => open(await program, options);',
  ]);
  const head = `// Written by \`heddle compile\`: ${JSON.stringify(program.name).replace(/[^\w "./-]/g, '?')} for ${program.target}. Do not edit.\n`;
  return new Map([types, code].map(f => [f.getBaseName(), head + f.getFullText()]));
}
