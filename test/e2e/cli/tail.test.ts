import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChildGateway } from '../../kit/child-gateway.ts';
import { freePort } from '../../kit/free-port.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluiceProgram } from '../../kit/program.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

function startTail(...args: string[]) {
  const child = spawn(process.execPath, [...sluiceProgram(), 'tail', ...args]);
  const ended = once(child, 'exit');
  const lines: { eventId: string; type: string; cursor: string; position: number }[] = [];
  let said = '';
  createInterface(child.stdout).on('line', line => lines.push(JSON.parse(line)));
  child.stderr.on('data', chunk => (said += String(chunk)));
  return {
    child,
    lines,
    said: () => said,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function record(key: string, count: number, type = 'test.step'): Promise<void> {
  const events = Array.from({ length: count }, () => ({ type }));
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { receipts { status } } }`;
  await gateway.data(query, { events }, key);
}

test('tail prints every event once, in order, across restarts and kills of the gateway', async () => {
  const { slug, key } = await gateway.workspace();
  const PORT = String(await freePort());
  const first = await startChildGateway(gateway.databaseUrl, { PORT });
  await using tail = startTail('--workspace', slug, '--key', key, '--url', first.url);
  // Recorded through another gateway, until the first comes: from then on none may be missing.
  await expect
    .poll(async () => {
      await record(key, 1);
      return tail.lines.length;
    })
    .toBeGreaterThan(0);
  let running = first;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const ended = once(running.process, 'exit');
    running.process.kill(signal);
    await record(key, 5);
    await ended;
    await record(key, 5);
    running = await startChildGateway(gateway.databaseUrl, { PORT });
    await record(key, 5);
  }
  const [row] = await gateway.db.read.query<{ n: number }>(
    `select max(position)::int as n from events e join workspaces w on w.id = e.workspace_id
     where w.slug = $1`,
    [slug],
  );
  await expect.poll(() => tail.lines.at(-1)?.position).toBe(row!.n);
  const positions = tail.lines.map(({ position }) => position);
  const begun = positions[0]!;
  expect(positions).toEqual(Array.from({ length: row!.n - begun + 1 }, (_, n) => begun + n));
  await running[Symbol.asyncDispose]();
});

test('tail prints only what is asked for, after a cursor, and says why it can not', async () => {
  const { slug, key } = await gateway.workspace();
  for (const type of ['a', 'b', 'a', 'c']) await record(key, 1, type);
  const { data } = await gateway.graphql<{ events: { edges: { cursor: string }[] } }>(
    '{ events(first: 1, order: { field: POSITION, direction: ASC }) { edges { cursor } } }',
    {},
    key,
  );
  const { cursor } = data!.events.edges[0]!;
  const common = ['--workspace', slug, '--key', key, '--url', gateway.url, '--after'];
  await using tail = startTail(...common, cursor, '--type', 'a', '--type', 'c');
  await using lost = startTail(...common, 'nonsense');
  await expect.poll(() => tail.lines.map(({ type }) => type)).toEqual(['a', 'c']);
  expect(await lost.ended).toEqual([1, null]);
  expect(lost.said()).toContain('CURSOR_INVALID');
});

/** As on a terminal: a test has none. */
const ON_TERMINAL = 'data:text/javascript,process.stdout.isTTY=true';

test('tail prints a line for people on a terminal, which no event can steer', async () => {
  const { slug, key } = await gateway.workspace();
  const occurredAt = '2015-05-18T14:07:00.000Z';
  const events = [
    { type: 'edge.offline', subject: 'edge-7', actor: 'ops', occurredAt, payload: { code: 7 } },
    { type: 'user.signup', description: 'Signed up.', occurredAt, payload: { plan: 'pro' } },
    {
      type: 'evil\u001b[2J',
      occurredAt,
      description: 'one\r\n#99  two\u0007\u009b31m',
      subject: '\u001b]0;title\u0007',
    },
  ];
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { receipts { status cursor } } }`;
  const before = { type: 'before' };
  const { recordEvents } = await gateway.data<{
    recordEvents: { receipts: { status: string; cursor: string }[] };
  }>(query, { events: [before, ...events] }, key);
  const after = recordEvents.receipts[0]!.cursor;
  const args = ['--import', ON_TERMINAL, ...sluiceProgram(), 'tail'];
  const options = ['--workspace', slug, '--key', key, '--url', gateway.url, '--after', after];
  const env = { ...process.env, TZ: 'America/New_York' };
  const child = spawn(process.execPath, [...args, ...options], { env });
  const ended = once(child, 'exit');
  let printed = '';
  child.stdout.on('data', chunk => (printed += String(chunk)));
  await expect.poll(() => printed.split('\n').length).toBe(4);
  child.kill('SIGKILL');
  await ended;
  const local = '2015-05-18 10:07:00.000';
  expect(printed.split('\n')).toEqual([
    `#2  ${local}  edge.offline  edge-7  by ops  {"code":7}`,
    `#3  ${local}  user.signup  Signed up.`,
    `#4  ${local}  evil [2J   ]0;title   one #99  two 31m`,
    '',
  ]);
});

test('tail ends with 3 where no gateway answers at first', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  await using tail = startTail('--key', 'slc_none', '--url', url);
  const [code] = await tail.ended;
  expect([code, tail.said()]).toEqual([3, expect.stringContaining('Check that it is running')]);
});
