// What tsc leaves undone: it copies nothing, and does not touch a build that is up to date.
import { chmodSync, cpSync, utimesSync } from 'node:fs';

const now = new Date();
cpSync('src/db/migrations', 'dist/db/migrations', { recursive: true });
utimesSync('dist/.tsbuildinfo', now, now);
// The `bin` entry of package.json runs it as a command.
chmodSync('dist/cli/main.js', 0o755);
