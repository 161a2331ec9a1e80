import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway } from '../../kit/gateway.ts';
import { sluiceProgram } from '../../kit/program.ts';

const run = promisify(execFile);
const TSX = import.meta.resolve('tsx');

function blockOf(page: string, kind: string): string {
  const text = readFileSync(page, 'utf8');
  return new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] as string;
}

test('the examples of command line and client in the docs do what they say', async () => {
  await using gateway = await startTestGateway();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
  try {
    const env = { ...process.env, SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
    const sluice = `sluice() { node ${sluiceProgram().join(' ')} "$@"; }`;
    const script = `set -e\n${sluice}\n${blockOf('docs/command-line.md', 'sh')}`;
    const { stdout } = await run('sh', ['-c', script], { cwd: folder, env });
    const [sent, first, again, ...counts] = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
    expect(sent).toMatchObject({ status: 'RECORDED' });
    expect([first, again]).toMatchObject([{ recorded: 2 }, { recorded: 0, duplicates: 2 }]);
    expect(counts).toContainEqual(
      expect.objectContaining({ count: 2, measures: [expect.objectContaining({ value: 21 })] }),
    );
    expect(readFileSync(join(folder, 'export.ndjson'), 'utf8').trim().split('\n')).toHaveLength(2);
    const example = blockOf('docs/client.md', 'ts')
      .replace('@sluice-events/sluice/client', resolve('src/client/index.ts'))
      .replace('http://127.0.0.1:4000', gateway.url);
    const file = join(folder, 'example.mts');
    writeFileSync(file, `${example}\nconsole.log(events.totalCount);`);
    expect((await run('node', ['--import', TSX, file], { env })).stdout).toBe('2\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
