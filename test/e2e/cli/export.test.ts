import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-export-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function at() {
  const { slug, key } = await gateway.workspace();
  return { slug, key, environment: { SLUICE_URL: gateway.url, SLUICE_KEY: key } };
}

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { recordedCount }
}`;

async function record(key: string, events: readonly object[]): Promise<void> {
  await gateway.data(RECORD, { events }, key);
}

/** What stays the same in another workspace. */
function contentOf(ndjson: string): object[] {
  return ndjson
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .map(({ cursor: _cursor, recordedAt: _recordedAt, door: _door, ...content }) => content);
}

test('what is exported is imported again with nothing lost, as JSON lines and as a table', async () => {
  const { key, environment } = await at();
  await record(key, [
    {
      ...{ id: 'whole', type: 'os/memory', source: 's', subject: 'x', actor: 'a', icon: '👤' },
      ...{ description: 'two\nlines, "quoted"', notify: true, success: false, groupId: 'g' },
      ...{ clientIp: '192.0.2.17', parentId: 'p', expiresAt: '2999-01-01T00:00:00Z' },
      payload: { plain: 1, nested: { list: [1, 'two', null] } },
      properties: [
        { long: { name: 'total', value: '9223372036854775807' } },
        { double: { name: 'load', value: 5 } },
        { date: { name: 'at', value: '2026-01-01T00:00:00.000Z' } },
      ],
    },
    { id: 'bare', type: 'b' },
  ]);
  const files = ['all.ndjson', 'all.csv'].map(name => join(folder, name));
  const contents: object[][] = [];
  for (const file of files) {
    const ran = await sluice(['export', '--output', file], environment);
    expect(ran).toMatchObject({ code: 0, out: '', err: '2 events exported.\n' });
    const other = await at();
    const imported = await sluice(['import', file], other.environment);
    expect(imported.json()).toMatchObject([{ recorded: 2, refused: 0 }]);
    contents.push(contentOf((await sluice(['export'], other.environment)).out));
  }
  const original = contentOf(readFileSync(files[0]!, 'utf8'));
  expect(original[0]).toMatchObject({
    properties: [
      { exact: { name: 'at', type: 'DATE', values: ['2026-01-01T00:00:00.000Z'] } },
      { exact: { name: 'load', type: 'DOUBLE', values: ['5'] } },
    ],
  });
  expect(readFileSync(files[0]!, 'utf8')).toContain('"total":9223372036854775807');
  expect(contents).toEqual([original, original]);
});

test.each(['ndjson', 'csv'])(
  'a broken %s export goes on without a gap or a repeat',
  async format => {
    const { key, environment } = await at();
    const events = (from: number) =>
      Array.from({ length: 1_200 }, (_, n) => ({ type: 'a\nb', payload: { n: from + n } }));
    await record(key, events(0));
    const file = join(folder, `broken.${format}`);
    expect((await sluice(['export', '-o', file], environment)).code).toBe(0);
    const whole = readFileSync(file);
    // Killed in the middle of a line.
    writeFileSync(file, whole.subarray(0, Math.floor(whole.length * 0.6)));
    expect(await sluice(['export', '-o', file], environment)).toMatchObject({ code: 2 });
    expect(await sluice(['export', '-o', file, '--resume'], environment)).toMatchObject({
      code: 0,
    });
    expect(readFileSync(file).equals(whole)).toBe(true);
    await record(key, events(1_200));
    const more = await sluice(['export', '-o', file, '--resume'], environment);
    expect(more.err).toBe('1,200 events exported.\n');
    expect(readFileSync(file).subarray(0, whole.length).equals(whole)).toBe(true);
  },
);

test('an export is of what is asked for', async () => {
  const { key, environment } = await at();
  const events = Array.from({ length: 10 }, (_, n) => ({
    ...{ type: n % 2 === 0 ? 'even' : 'odd', occurredAt: `2026-01-${10 + n}T00:00:00Z` },
    payload: { n, plan: { name: 'a,b' } },
  }));
  await record(key, events);
  const ran = await sluice(
    [
      ...['export', '--type', 'even', '--from', '2026-01-12', '--to', '2026-01-18', '--limit', '2'],
      ...['--format', 'csv', '--columns', 'type,payload.n,payload.plan.name'],
    ],
    environment,
  );
  expect(ran.out).toBe('type,payload.n,payload.plan.name\r\neven,2,"a,b"\r\neven,4,"a,b"\r\n');
});

test('large events are exported, page by page', async () => {
  const { key, environment } = await at();
  for (let from = 0; from < 200; from += 40) {
    const events = Array.from({ length: 40 }, (_, n) => ({
      ...{ id: `large-${from + n}`, type: 'large', payload: { text: 'é'.repeat(100_000) } },
    }));
    await record(key, events);
  }
  const file = join(folder, 'large.ndjson');
  const ran = await sluice(['export', '--output', file], environment);
  expect(ran).toMatchObject({
    code: 0,
    out: '',
    err: expect.stringMatching(/(^|\n)200 events exported\.\n$/),
  });
  const exported = contentOf(readFileSync(file, 'utf8')) as { id: string }[];
  expect(exported.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, n) => `large-${n}`));
});

test('an event that cannot be read is exported with its place and why, and not imported', async () => {
  const { slug, key, environment } = await at();
  await record(
    key,
    ['a', 'b', 'c'].map(id => ({ id, type: 't', payload: { id } })),
  );
  await gateway.db.upkeep.query(
    `update events set payload = '[1]' where position = 2
       and workspace_id = (select id from workspaces where slug = $1)`,
    [slug],
  );
  const file = join(folder, 'damaged.ndjson');
  const ran = await sluice(['export', '--output', file], environment);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('3 events exported.\n1 of them cannot be read');
  const [first, second, third] = contentOf(readFileSync(file, 'utf8'));
  expect([first, third]).toMatchObject([{ payload: { id: 'a' } }, { payload: { id: 'c' } }]);
  expect(second).toMatchObject({
    ...{ id: 'b', type: 't', position: 2 },
    unreadable: [{ code: 'PAYLOAD_DAMAGED', pointer: '/payload' }],
  });
  expect(second).not.toHaveProperty('payload');
  const { environment: elsewhere } = await at();
  const imported = await sluice(['import', file], elsewhere);
  expect(imported.code).toBe(1);
  const refused = readFileSync(`${file}.refused.ndjson`, 'utf8');
  expect(refused).toContain('could not be read when it was exported');
});
