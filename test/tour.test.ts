import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { verify } from '../src/db/verify.ts';
import { ADMIN_KEY, startTestGateway } from './kit/gateway.ts';
import { sluiceProgram } from './kit/program.ts';

const run = promisify(execFile);

/** The tour's shell blocks in order, each with the JSON that the README says it prints. */
function stepsOf(readme: string): { command: string; prints: unknown }[] {
  const tour = readme.split('\n## Tour\n')[1]?.split('\n## ')[0] ?? '';
  const blocks = [...tour.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, kind, body]) => ({
    kind,
    body: body as string,
  }));
  return blocks.flatMap(({ kind, body }, index) => {
    if (kind !== 'sh') return [];
    const next = blocks[index + 1];
    return [
      { command: body, prints: next?.kind === 'json' ? (JSON.parse(next.body) as unknown) : null },
    ];
  });
}

/** `npx sluice`. */
const PRELUDE = `npx() { shift; node ${sluiceProgram().join(' ')} "$@"; }`;
const PRINTED = '__printed__';

test('the README’s tour does what it says', async () => {
  await using gateway = await startTestGateway();
  const steps = stepsOf(readFileSync('README.md', 'utf8'));
  expect(steps.length).toBeGreaterThanOrEqual(7);
  const script = [PRELUDE, ...steps.map(({ command }) => `echo ${PRINTED}\n${command}`)].join('\n');
  const { stdout } = await run('sh', ['-c', script], {
    env: { ...process.env, SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY },
  });
  const printed = stdout.split(`${PRINTED}\n`).slice(1);
  steps.forEach(({ prints }, index) => {
    if (prints !== null) expect(JSON.parse(printed[index] as string)).toEqual(prints);
  });
  const { violations, workspaces } = await verify(gateway.db.upkeep);
  expect(violations).toEqual([]);
  expect(workspaces).toContainEqual({ workspace: 'tour', events: 7, head: 7 });
});
