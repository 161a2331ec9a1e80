import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { verify } from '../../src/db/verify.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { builtModule } from '../kit/program.ts';

const run = promisify(execFile);

interface Step {
  readonly command: string;
  /** The JSON values that it prints. Null: the page shows none. */
  readonly prints: readonly unknown[] | null;
}

/** The shell blocks of a page in order, each with the JSON that the page says it prints. */
function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, kind, body]) => ({
    kind,
    body: body as string,
  }));
  return blocks.flatMap(({ kind, body }, index) => {
    if (kind !== 'sh') return [];
    const next = blocks[index + 1];
    if (next?.kind === 'json') return [{ command: body, prints: [JSON.parse(next.body)] }];
    return [{ command: body, prints: next?.kind === 'jsonl' ? jsonLines(next.body) : null }];
  });
}

function jsonLines(text: string): unknown[] {
  const lines = text.trim().split('\n');
  return lines.map(line => JSON.parse(line) as unknown);
}

const PRINTED = '__printed__';

/** Runs the steps in one shell, in a folder like the one after `npm ci && npm start`. */
async function runTour(gateway: TestGateway, steps: readonly Step[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tour-'));
  try {
    mkdirSync(join(folder, '.sluice'));
    writeFileSync(join(folder, '.sluice', 'admin-key'), `${ADMIN_KEY}\n`);
    symlinkSync(dirname(dirname(builtModule('cli/main'))), join(folder, 'dist'));
    const script = ['set -e', ...steps.map(({ command }) => `echo ${PRINTED}\n${command}`)]
      .join('\n')
      .replaceAll('http://127.0.0.1:4000', gateway.url);
    const { stdout } = await run('sh', ['-c', script], {
      cwd: folder,
      env: { ...process.env, SLUICE_URL: gateway.url },
    });
    const printed = stdout.split(`${PRINTED}\n`).slice(1);
    steps.forEach(({ prints }, index) => {
      const text = printed[index] as string;
      if (prints?.length === 1) expect(JSON.parse(text)).toEqual(prints[0]);
      else if (prints !== null) expect(jsonLines(text)).toEqual(prints);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each([
  { page: 'README.md', from: '\n## Tour\n', workspace: 'default', events: 2 },
  { page: 'docs/tour.md', from: '# Tour\n', workspace: 'tour', events: 7 },
  { page: 'docs/meters.md', from: '\n## From a shell\n', workspace: 'default', events: 4 },
  { page: 'docs/consumers.md', from: '\n## From a shell\n', workspace: 'default', events: 3 },
])('every command of the tour in $page does what the page says', async tour => {
  await using gateway = await startTestGateway();
  const text = readFileSync(tour.page, 'utf8').split(tour.from)[1] ?? '';
  const steps = stepsOf(tour.page === 'README.md' ? (text.split('\n## ')[0] as string) : text);
  expect(steps.length).toBeGreaterThanOrEqual(5);
  await runTour(gateway, steps);
  const { violations, workspaces } = await verify(gateway.db.upkeep);
  expect(violations).toEqual([]);
  const { workspace, events } = tour;
  expect(workspaces).toContainEqual({ workspace, events, head: events });
});
