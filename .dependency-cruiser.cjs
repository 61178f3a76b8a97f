// The layers of docs/architecture.md. A folder imports from its own layer's allowed pairs, and from layers below.
const layers = [
  ['common', 'protocol'],
  ['config', 'store', 'metrics', 'audit'],
  ['session', 'auth', 'limits'],
  ['tools', 'resources', 'prompts', 'federation'],
  ['dispatch'],
  ['transport', 'health', 'admin'],
];
const sameLayer = {
  protocol: ['common'],
  session: ['auth'],
  auth: ['limits'],
  resources: ['tools'],
  prompts: ['tools', 'resources'],
  federation: ['tools'],
  admin: ['health', 'transport'],
  audit: ['config', 'metrics'],
  metrics: ['config'],
  store: ['config'],
  transport: [],
};
const all = layers.flat();
const layerRules = layers.flatMap((folders, level) =>
  folders.map((folder) => {
    const allowed = [folder, ...layers.slice(0, level).flat(), ...(sameLayer[folder] ?? [])];
    const forbidden = [...all.filter((f) => !allowed.includes(f)), 'cli'];
    return {
      name: `${folder}-imports-down`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${forbidden.join('|')})/` },
    };
  }),
);
const only = (name, target, folders) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: [`^src/(${folders.join('|')})`, '\\.spec\\.ts$'] },
  to: { path: target },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...layerRules,
    {
      name: 'module-face-only',
      severity: 'error',
      comment: 'Across folders, import the face (index.ts). A spec may build its world of parts.',
      from: { path: '^src/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/([^/]+)/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
    },
    {
      name: 'nothing-imports-the-root',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    only('express-at-the-edge', '^node_modules/(@nestjs/platform-express|express|@types/express)/', [
      'cli',
      'admin',
      'health',
      'metrics',
    ]),
    only('child-processes-in-one-place', '^(node:)?child_process$', [
      'tools/command',
      'federation',
      'transport/stdio',
      'cli',
    ]),
    only('prom-client-in-metrics', '^node_modules/prom-client/', ['metrics']),
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/(main|index)\\.ts$', '\\.d\\.ts$', '\\.spec\\.ts$'] },
      to: {},
    },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
