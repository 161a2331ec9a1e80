// Before the tests that open the console in a browser: builds it when its sources are newer.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { newestChangeMs } from './newest-change.mjs';

const BUILT = 'dist/console/documents.json';

if (!existsSync(BUILT) || statSync(BUILT).mtimeMs < newestChangeMs('src/console')) {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'],
    { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'production' } },
  );
  process.exitCode = status ?? 1;
}
