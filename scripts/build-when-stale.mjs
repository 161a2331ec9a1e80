// Before `npm start`: builds when there is no build, or one that is older than its sources.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { newestChangeMs } from './newest-change.mjs';

// Written last by the build, and the page that it made before that.
const BUILT = ['dist/.tsbuildinfo', 'dist/console/index.html'];

if (!BUILT.every(existsSync) || statSync(BUILT[0]).mtimeMs < newestChangeMs('src')) {
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
}
