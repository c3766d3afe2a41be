// Writes the typed loader of a Program folder: `index.js` opens the program, `index.d.ts` says which inputs it takes and which outputs it
// gives, every shape in words. Written with ts-morph, so that what is written is TypeScript by construction.
import type { DType } from '../../common/dtype.ts';
import type { Program } from '../../common/program.ts';
import { type Size, showSizes } from '../../common/size.ts';
import { CompileError } from '../errors.ts';

const arrays: Readonly<Record<DType, string>> = {
  f32: 'Float32Array',
  f16: 'Float32Array',
  i32: 'Int32Array',
  u32: 'Uint32Array',
  bool: 'Uint8Array',
};
/** [B,3,224] as a type: a multiple of the batch is a number. */
const shapeType = (shape: readonly Size[]): string => `readonly [${shape.map(s => (typeof s === 'number' ? String(s) : 'number')).join(', ')}]`;
const pairType = (p: Port): string => `{ readonly data: ${arrays[p.dtype]}; readonly shape: ${shapeType(p.shape)} }`;

interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Size[];
}

/** The files of the loader by name. @throws CompileError HC20 without the package ts-morph, an optional peer that is loaded here alone */
export async function writeLoader(program: Program): Promise<ReadonlyMap<string, string>> {
  const { Project, QuoteKind, VariableDeclarationKind } = await tsMorph();
  const project = new Project({ useInMemoryFileSystem: true, manipulationSettings: { quoteKind: QuoteKind.Single } });
  const javascript = program.language === 'js';

  const types = project.createSourceFile('index.d.ts');
  const imported = ['LoadOptions', 'OpenOptions', 'RunOptions', 'Session'];
  types.addImportDeclaration({ moduleSpecifier: 'heddle/runtime', namedImports: imported, isTypeOnly: true });
  const ports = (name: string, doc: string, list: readonly Port[], type: (p: Port) => string): void => {
    const properties = list.map(p => ({ name: JSON.stringify(p.name), isReadonly: true, type: type(p), docs: [`${p.dtype} ${showSizes(p.shape)}`] }));
    types.addInterface({ name, isExported: true, docs: [doc], properties });
  };
  const inputsDoc = "Inputs by name, row-major; a bare array takes the program's shape and its length gives the batch.";
  ports('Inputs', inputsDoc, program.inputs, p => `${arrays[p.dtype]} | ${pairType(p)}`);
  ports('Outputs', 'Outputs by name, row-major.', program.outputs, pairType);
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
  const trust = javascript ? ' Its kernels are JavaScript, which runs as code: `trust: true` says that the folder is trusted.' : '';
  types.addFunction({
    name: 'load',
    isExported: true,
    hasDeclareKeyword: true,
    docs: [`Opens ${inWords(program.name)}, compiled for ${inWords(program.target)}.${trust}`],
    parameters: [
      { name: 'options', hasQuestionToken: !javascript, type: `OpenOptions & ${javascript ? '{ readonly trust: true }' : 'LoadOptions'}` },
    ],
    returnType: 'Promise<TypedSession>',
  });

  const code = project.createSourceFile('index.js');
  code.addImportDeclaration({ moduleSpecifier: 'node:url', namedImports: ['fileURLToPath'] });
  code.addImportDeclaration({ moduleSpecifier: 'heddle/runtime', namedImports: ['loadProgram', 'open'] });
  code.addVariableStatement({
    declarationKind: VariableDeclarationKind.Const,
    declarations: [{ name: 'folder', initializer: "fileURLToPath(new URL('.', import.meta.url))" }],
  });
  code.addFunction({
    name: 'load',
    isExported: true,
    isAsync: true,
    parameters: [{ name: '{ trust, ...options }', initializer: '{}' }],
    statements: 'return open(await loadProgram(folder, { trust }), options);',
  });
  const head = `// Written by \`heddle compile\`: ${inWords(program.name)} for ${inWords(program.target)}. Do not edit.\n`;
  return new Map([types, code].map(f => [f.getBaseName(), head + f.getFullText()]));
}

/** A user's name inside a comment cannot end it. */
const inWords = (name: string): string => name.replace(/[^\w ./-]/g, '?');

async function tsMorph(): Promise<typeof import('ts-morph')> {
  try {
    return await import('ts-morph');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')
      throw new CompileError('HC20', 'writing a typed loader needs the package ts-morph: npm install ts-morph', { cause });
    throw cause;
  }
}
