import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The package has an ES and a CommonJS entry, and its schema objects must be of one of them.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kit/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { include: ['src/**/*.ts'], thresholds: { 'src/core/**': { lines: 100 } } },
  },
});
