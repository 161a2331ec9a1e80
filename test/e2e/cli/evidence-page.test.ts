/** The worked example of docs/evidence.md, as it stands there. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway } from '../../kit/gateway.ts';
import { sluiceProgram } from '../../kit/program.ts';

const run = promisify(execFile);

test('the example of docs/evidence.md does what the page says', async () => {
  const page = readFileSync('docs/evidence.md', 'utf8').split('\n## What to run')[0] as string;
  const blocks = [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, kind, body]) => ({
    kind,
    body: body as string,
  }));
  expect(blocks.map(({ kind }) => kind)).toEqual([
    'sh',
    'sh',
    'text',
    'sh',
    'sh',
    'sql',
    'sh',
    'text',
  ]);
  const shown = blocks.filter(({ kind }) => kind === 'text').map(({ body }) => body);
  await using gateway = await startTestGateway();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-evidence-page-'));
  const printed: string[] = [];
  try {
    const sluice = `sluice() { node ${sluiceProgram().join(' ')} "$@"; }`;
    const env = {
      ...process.env,
      SLUICE_URL: gateway.url,
      SLUICE_KEY: ADMIN_KEY,
      DATABASE_URL: gateway.databaseUrl,
    };
    for (const { kind, body } of blocks) {
      if (kind === 'sql') await gateway.db.upkeep.query(body);
      if (kind !== 'sh') continue;
      // The last one is to find something.
      const script = body.includes('\nsluice') || !body.includes('--checkpoint audit.checkpoint\n');
      const command = `${script ? 'set -e\n' : ''}${sluice}\n${body}`;
      const { stdout } = await run('sh', ['-c', command], { cwd: folder, env }).catch(
        (error: { code: number; stdout: string }) => {
          expect([script, error.code]).toEqual([false, 1]);
          return error;
        },
      );
      printed.push(stdout);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // But for the name of the log, the root and the signature.
  const shape = (text: string) => text.replace(/[0-9a-f]{16}|[\w+/]{40,}=*/g, '…');
  expect(shape(printed[1]!)).toBe(shape(shown[0]!));
  expect(printed[2]).toContain('Verified: 1 events are as they were recorded.');
  expect(printed[3]).toContain('1 events are as they were recorded, 1 of them without content');
  expect(printed[3]).toContain('none of the first 2 is changed or missing');
  expect(shape(printed[4]!)).toBe(shape(shown[1]!));
});
