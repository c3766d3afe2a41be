// Who may know whom. models → dsl; compiler → the graph that dsl records; runtime → the Program's type; nothing → tests and tools.
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^${from}/` },
  to: { path: '^(common|dsl|compiler|runtime|models|cli|testing|test|examples|bench|scripts|web)/', pathNot: allowed.map(a => `^${a}`) },
});

module.exports = {
  forbidden: [
    only('common-knows-nobody', 'common', ['common/'], 'common/ is the leaf: errors, sizes, the Program format'),
    only('dsl-knows-common', 'dsl', ['dsl/', 'common/'], 'the language only records'),
    only('models-know-dsl', 'models', ['models/', 'dsl/'], 'models are written in the language alone'),
    only(
      'compiler-knows-the-graph',
      'compiler',
      ['compiler/', 'common/', 'dsl/(graph|scalar|model|kernel|errors)\\.ts$', 'dsl/scalars/'],
      'the compiler takes what the language recorded, and opens no device',
    ),
    only('runtime-knows-the-program', 'runtime', ['runtime/', 'common/'], 'a Program runs without its compiler'),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'typescript-stays-behind-source',
      comment: 'running a program never loads the TypeScript compiler',
      severity: 'error',
      from: { path: '^(common|dsl|compiler|runtime|models)/', pathNot: '^compiler/source/' },
      to: { path: 'node_modules/(typescript|ts-morph)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
