import { defineConfig } from 'vitest/config';
import { Mixed } from './test/kit/sequencer.ts';

export default defineConfig({
  // The package has an ES and a CommonJS entry, and its schema objects must be of one of them.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kit/global-setup.ts'],
    setupFiles: ['test/kit/chance.ts'],
    // A machine under load is slow. Who waits, waits for a condition, and this long at most.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 90_000, interval: 20 } },
    pool: 'forks',
    // Two for each core of a small machine: many tests wait for a time to pass. A server that was
    // given has 100 connections by default, which is enough for two.
    maxWorkers: process.env['TEST_DATABASE_URL'] === undefined ? 4 : 2,
    // The whole of src is loaded once a worker, not once a file: half of the suite's time.
    isolate: false,
    sequence: { sequencer: Mixed },
    coverage: { include: ['src/**/*.ts'], thresholds: { 'src/core/**': { lines: 100 } } },
  },
});
