const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  setupFiles: ['reflect-metadata'],
};

/** @type {import('jest').Config} */
export default {
  projects: [
    { ...shared, displayName: 'unit', roots: ['<rootDir>/src'], testMatch: ['**/*.spec.ts'] },
    { ...shared, displayName: 'contract', roots: ['<rootDir>/test/contract'], testMatch: ['**/*.contract.ts'] },
    {
      ...shared,
      displayName: 'replicas',
      roots: ['<rootDir>/test/contract'],
      // What is behind a door; the rest starts no server.
      testMatch: ['**/{clients-network,revisions,stateless,streams,violations,forgeries}.contract.ts'],
      setupFiles: [...shared.setupFiles, '<rootDir>/test/support/behind-replicas.js'],
    },
    { ...shared, displayName: 'e2e', roots: ['<rootDir>/test'], testMatch: ['**/*.e2e-spec.ts'] },
  ],
};
