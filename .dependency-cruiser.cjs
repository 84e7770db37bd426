/** Which folder may import which. What each folder is for: docs/architecture.md. */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  // A unit test beside its source may use test/support.
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to: { path: '^(src|ui|test|deploy)/', pathNot: allowed },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('shared-imports-nobody', 'src/shared is below everything else.', '^src/shared/', ['^src/shared/']),
    only('coordinator-alone', 'Processes talk through NATS, not through imports.', '^src/coordinator/', [
      '^src/(coordinator|shared)/',
    ]),
    only('worker-alone', 'Processes talk through NATS, not through imports.', '^src/worker/', [
      '^src/(worker|shared)/',
    ]),
    only('gateway-alone', 'Processes talk through NATS, not through imports.', '^src/gateway/', [
      '^src/(gateway|shared)/',
    ]),
    only(
      'local-starts-processes',
      'The local farm starts the processes and imports none of them.',
      '^src/local/',
      ['^src/(local|shared)/'],
    ),
    only(
      'cli-speaks-http',
      'The command line speaks HTTP, starts the local farm and installs engines.',
      '^src/cli/',
      ['^src/(cli|local|shared)/'],
    ),
    only('ui-knows-contracts', 'The page shares the contracts and nothing that needs Node.', '^ui/', [
      '^ui/',
      '^src/shared/(contracts|domain)/',
    ]),
    only(
      'contracts-stay-in-the-browser',
      'The page bundles the contracts.',
      '^src/shared/(contracts|domain)/',
      ['^src/shared/(contracts|domain)/'],
    ),
    only(
      'deploy-uses-contracts',
      'Deployment files come from the same tables and parts as the local farm.',
      '^deploy/',
      ['^(deploy|src/(local|shared))/'],
    ),
    {
      name: 'sources-know-no-tests',
      severity: 'error',
      from: { path: '^(src|ui|deploy)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/|\\.test\\.ts$' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unlisted-package',
      comment: 'What is imported stands in package.json.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: { pathNot: '\\.vue$' },
      to: { couldNotResolve: true, pathNot: '^(virtual|#build|~icons|vue-router/auto)' },
    },
    {
      name: 'no-development-package-at-run-time',
      severity: 'error',
      // Run by developers only: generate-contracts.ts, and the bench that works a browser.
      from: {
        path: '^src/',
        pathNot: '\\.test\\.ts$|^src/cli/generate-contracts\\.ts$|^src/cli/bench/dashboard/',
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(ui/dist|test/fixtures)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.vue', '.js', '.cjs', '.mjs', '.json'],
    },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'content' },
  },
};
