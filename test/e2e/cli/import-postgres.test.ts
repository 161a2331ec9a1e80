/** From a table of a database to events. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ColumnUse } from '../../../src/cli/import/suggestions.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluiceProgram } from '../../kit/program.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
let app: TestDatabase;
let db: Database;
const folder = mkdtempSync(join(tmpdir(), 'sluice-postgres-'));

beforeAll(async () => {
  gateway = await startTestGateway();
  app = await createTestDatabase();
  db = createDatabase({ url: app.url });
  for (const statement of [
    'create schema app',
    `create table app."Audit Log" (
      id bigint primary key, at timestamptz, action text, user_id int, ip inet, ok boolean,
      amount numeric, changes jsonb, note text, empty text
    )`,
    `insert into app."Audit Log" select n, '2025-12-31 23:00:00+00'::timestamptz + n * interval '1 minute',
      'order.' || (array['placed', 'paid'])[1 + n % 2], 100 + n, '192.0.2.7', n % 3 > 0,
      12345678901234567890.50, jsonb_build_object('total', n, 'deep', '[1, null]'::jsonb), '', null
      from generate_series(1, 1200) n`,
    'create table plain (at timestamp, what text)',
    `insert into plain values ('2026-03-29 12:00:00', 'x'), ('2026-03-29 02:30:00', 'y')`,
  ]) {
    await db.upkeep.query(statement);
  }
});
afterAll(async () => {
  await db.stop();
  await app[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const run = (key: string, ...args: string[]) =>
  sluice(['import', app.url, '--refused', join(folder, 'refused'), ...args], {
    SLUICE_URL: gateway.url,
    SLUICE_KEY: key,
  });

const TABLE = ['--table', 'app."Audit Log"'];
const MAPPED = [
  ...TABLE,
  ...['--map', 'action=type', '--map', 'at=occurredAt', '--map', 'user_id=actor'],
  ...['--map', 'ip=clientIp', '--map', 'ok=success', '--map', 'changes=payload'],
  ...['--set', 'source=shop'],
];

async function storedOf(key: string) {
  const { events } = await gateway.data<{
    events: { totalCount: number; nodes: Record<string, unknown>[] };
  }>(
    `{ events(first: 2, order: { field: POSITION, direction: ASC }) { totalCount nodes {
      eventId type occurredAt actor clientIp success source payload
    } } }`,
    {},
    key,
  );
  return events;
}

test('a table becomes events, again what is new, and each row once', async () => {
  const { key } = await gateway.workspace();
  const first = await run(key, ...MAPPED);
  expect(first.err).toBe('');
  expect(first.code).toBe(0);
  expect(first.json()[0]).toMatchObject({ recorded: 1_200, refused: 0 });
  const { totalCount, nodes } = await storedOf(key);
  expect(totalCount).toBe(1_200);
  expect(nodes[0]).toEqual({
    eventId: 'Audit Log/1',
    type: 'order.paid',
    occurredAt: '2025-12-31T23:01:00.000Z',
    actor: '101',
    clientIp: '192.0.2.7',
    success: true,
    source: 'shop',
    payload: { id: 1, total: 1, deep: [1, null], amount: expect.anything(), note: '', empty: null },
  });
  await db.upkeep.query(
    `insert into app."Audit Log" (id, at, action) values (0, now(), 'order.late'), (5000, now(), 'order.new')`,
  );
  const again = await run(key, ...MAPPED);
  expect(again.json()[0]).toMatchObject({ recorded: 2, duplicates: 1_200, refused: 0 });
});

test('--dry-run says what each column becomes, and what it may have meant', async () => {
  const { key } = await gateway.workspace();
  const tried = await run(key, ...TABLE, '--set', 'source=shop', '--dry-run');
  expect(tried.code).toBe(1);
  expect(tried.json()[0]).toMatchObject({
    dryRun: true,
    good: 0,
    columns: expect.arrayContaining([
      { column: 'id', becomes: 'payload.id', suggestion: null },
      { column: 'action', becomes: 'payload.action', suggestion: 'type' },
      { column: 'user_id', becomes: 'payload.user_id', suggestion: 'actor' },
      { column: 'ip', becomes: 'payload.ip', suggestion: 'clientIp' },
    ]) as unknown,
  });
  expect((await storedOf(key)).totalCount).toBe(0);
});

test('a query is read as a table', async () => {
  const { key } = await gateway.workspace();
  const ran = await run(
    key,
    ...['--query', `select id, action as type, amount from app."Audit Log" where id <= 3 -- some`],
  );
  expect(ran.json()[0]).toMatchObject({ recorded: 3 + 1 });
  const { nodes } = await storedOf(key);
  expect(nodes[0]).toMatchObject({ type: expect.stringMatching(/^order/) });
});

test.each([
  [[], /Expected either --table or --query/],
  [['--table', 'nothing'], /relation "nothing" does not exist/],
  [['--table', 'plain'], /no primary key.*--map <column>=id/],
  [['--table', 'plain', '--map', 'wat=type'], /no column "wat": did you mean "at" or "what"/],
  [['--query', 'delete from plain'], /syntax error|read-only/],
  [['--query', 'select 1 as id, pg_sleep(0), now() as type; select 2'], /syntax error/],
])('%j is refused before anything is recorded', async (args, expected) => {
  const { key } = await gateway.workspace();
  const ran = await run(key, ...args);
  expect(ran.code).toBe(2);
  expect(ran.err).toMatch(expected);
  expect((await storedOf(key)).totalCount).toBe(0);
});

test('times without an offset need a time zone, and those that never were are refused', async () => {
  const { key } = await gateway.workspace();
  const given = [
    '--table',
    'plain',
    '--map',
    'what=id',
    '--map',
    'at=occurredAt',
    '--set',
    'type=t',
  ];
  const ran = await run(key, ...given, '--time-zone', 'Europe/Vienna');
  expect(ran.json()[0]).toMatchObject({ recorded: 1, refused: 1 });
  expect((await storedOf(key)).nodes[0]).toMatchObject({
    eventId: 'x',
    occurredAt: '2026-03-29T10:00:00.000Z',
  });
});

test('the commands of docs/moving-in.md do what it says', async () => {
  const doc = readFileSync('docs/moving-in.md', 'utf8');
  const blocks = (language: string) =>
    [...doc.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
      match => match[1]!,
    );
  await db.upkeep.query(blocks('sql')[0]!);
  await db.upkeep.query(
    `insert into audit_log (user_id, action, record_type, record_id, ip, changes)
     select n, 'order.paid', 'order', n::text, '192.0.2.1', '{"total": [1, 2.50]}'
     from generate_series(1, 1100) n`,
  );
  const work = join(folder, 'moving-in');
  mkdirSync(work);
  const messages = [
    {
      messageId: 'm1',
      event: 'Order Paid',
      type: 'track',
      userId: 'ada',
      properties: { total: 3 },
    },
    { messageId: 'm2', type: 'identify', userId: 'ada', traits: {} },
  ].map(message => JSON.stringify({ ...message, timestamp: '2026-01-01T00:00:00Z' }));
  writeFileSync(join(work, 'segment.ndjson.gz'), gzipSync(messages.join('\n')));
  const captured = {
    uuid: 'p1',
    event: '$pageview',
    distinct_id: 'ada',
    properties: { $ip: '::1' },
  };
  writeFileSync(
    join(work, 'posthog.ndjson'),
    JSON.stringify({ ...captured, timestamp: '2026-01-01T00:00:00+00:00' }),
  );
  const { key } = await gateway.workspace();
  const program = sluiceProgram()
    .map(part => `'${part}'`)
    .join(' ');
  const commands = blocks('sh').flatMap(block => block.trim().split('\n'));
  const results: object[] = [];
  for (const command of commands) {
    const shell = `sluice() { '${process.execPath}' ${program} "$@"; }\n${command}`;
    const child = spawn('sh', ['-c', shell], {
      cwd: work,
      env: { ...process.env, SLUICE_URL: gateway.url, SLUICE_KEY: key, DATABASE: app.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    results.push(JSON.parse(await text(child.stdout)) as object);
  }
  expect(results).toMatchObject([
    { dryRun: true, good: 0, refused: 1_100 },
    { dryRun: true, good: 1_100, refused: 0 },
    { recorded: 1_100, refused: 0 },
    { recorded: 0, refused: 100 },
    { recorded: 1, refused: 1 },
    { recorded: 1, refused: 0 },
  ]);
  const suggested = (results[0] as { columns: ColumnUse[] }).columns.flatMap(
    ({ column, suggestion }) => (suggestion === null ? [] : [`--map ${column}=${suggestion}`]),
  );
  expect(doc).toContain(`Perhaps: ${suggested.join(' ')}`);
});

test('a database that is not there is told as that', async () => {
  const ran = await sluice(['import', 'postgres://127.0.0.1:1/none', '--table', 'x'], {});
  expect(ran.code).toBe(2);
  expect(ran.err).toMatch(/Postgres: .*ECONNREFUSED/);
});
