import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice, startSluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-import-'));
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function at() {
  const { slug, key } = await gateway.workspace();
  return { slug, environment: { SLUICE_URL: gateway.url, SLUICE_KEY: key } };
}

interface Stored {
  readonly event_id: string;
  readonly type: string;
  readonly door: number;
  readonly actor: string | null;
  readonly success: boolean | null;
  readonly payload: Record<string, unknown>;
}

function stored(slug: string): Promise<readonly Stored[]> {
  return gateway.db.read
    .query<Stored & Record<string, unknown>>(
      `select e.event_id, d.name as type, e.door, e.actor, e.success, e.payload::text as payload
     from events e join workspaces w on w.id = e.workspace_id
     join event_definitions d on d.id = e.definition_id
     where w.slug = $1 order by e.position`,
      [slug],
    )
    .then(rows => rows.map(row => ({ ...row, payload: JSON.parse(String(row.payload)) })));
}

const NDJSON = `{"type":"a","payload":{"n":1}}
{"type":"a","payload":{"n":1}}

{"type":"b","id":"own","payload":{"price":10.123456789012345}}
not json
{"type":"c","occuredAt":"2026-01-01T00:00:00Z"}
{"type":"","payload":{"refused":"by the gateway"}}
{"type":"d","payload":{"id":9007199254740993}}
{"type":"e","success":true}
`;

test('an import records what it can, tells what it can not, and stores nothing twice', async () => {
  const { slug, environment } = await at();
  const path = file('events.ndjson.gz', gzipSync(NDJSON));
  const first = await sluice(['import', path], environment);
  expect(first).toMatchObject({ code: 1, err: '' });
  expect(first.json()).toMatchObject([{ events: 8, recorded: 5, duplicates: 0, refused: 3 }]);
  const events = await stored(slug);
  // Two equal lines are two events; the door says how they came.
  expect(events.map(({ type }) => type).sort()).toEqual(['a', 'a', 'b', 'd', 'e']);
  expect(new Set(events.map(({ door }) => door))).toEqual(new Set([2]));
  expect(events.find(({ type }) => type === 'b')?.event_id).toBe('own');
  const refused = readFileSync(`${path}.refused.ndjson`, 'utf8').trim().split('\n');
  const why = refused.map(line => JSON.parse(line) as { line: number; problems: object[] });
  expect(why.sort((a, b) => a.line - b.line)).toMatchObject([
    { line: 5, problems: [{ code: 'NOT_JSON' }], text: 'not json' },
    { line: 6, problems: [{ code: 'UNKNOWN_FIELD', pointer: '/occuredAt' }] },
    { line: 7, problems: [{ pointer: '/type' }] },
  ]);
  const again = await sluice(['import', path], environment);
  expect(again.json()).toMatchObject([{ events: 8, recorded: 0, duplicates: 5, refused: 3 }]);
  const fromThere = await sluice(['import', path, '--from', '9'], environment);
  expect(fromThere).toMatchObject({ code: 0 });
  expect(fromThere.json()).toMatchObject([{ events: 1, duplicates: 1 }]);
  // Standard input has no name: without one, each import is one of its own.
  const line = '{"type":"a"}\n';
  const piped = await sluice(['import', '-'], environment, line);
  const named = await sluice(['import', '-', '--name', 'x'], environment, line);
  expect([piped.json()[0], named.json()[0]]).toMatchObject([{ recorded: 1 }, { recorded: 1 }]);
});

test('a table is imported by its heading', async () => {
  const { slug, environment } = await at();
  const csv = `\uFEFFwhen,user,success,plan,zip,note,total
2026-01-01T10:00:00Z,ada,yes,pro,01234,"two
lines, one ""cell""",12.5
2026-01-01T10:00:01Z,bob,no,free,,,3
yesterday,eve,maybe,,,,
2026-01-01T10:00:02Z,cut,1,a,b,c,d,e
`;
  const path = file('visits.csv', csv);
  const ran = await sluice(
    ['import', path, '--set', 'type=visit', '--map', 'when=occurredAt', '--map', 'user=actor'],
    environment,
  );
  expect(ran.json()).toMatchObject([{ events: 4, recorded: 2, refused: 2 }]);
  expect(await stored(slug)).toMatchObject([
    {
      ...{ type: 'visit', actor: 'ada', success: true },
      payload: { plan: 'pro', zip: '01234', note: 'two\nlines, one "cell"', total: 12.5 },
    },
    { type: 'visit', actor: 'bob', success: false, payload: { plan: 'free', total: 3 } },
  ]);
  const refused = readFileSync(`${path}.refused.ndjson`, 'utf8').trim().split('\n');
  expect(refused.map(line => JSON.parse(line) as object)).toMatchObject([
    { line: 5, problems: [{ pointer: '/occurredAt' }, { pointer: '/success' }] },
    { line: 6, problems: [{ code: 'NOT_CSV' }] },
  ]);
});

test('a list of CloudEvents goes through their door, and the one that is none is told', async () => {
  const { slug, environment } = await at();
  const events = Array.from({ length: 5 }, (_, n) => ({
    ...{ specversion: '1.0', id: String(n), source: '/door', type: 'opened', data: { n } },
    ...(n === 3 && { time: 'not a time' }),
  }));
  const path = file('batch.json', JSON.stringify(events, null, 2));
  const ran = await sluice(['import', path], environment);
  expect(ran.json()).toMatchObject([{ events: 5, recorded: 4, refused: 1 }]);
  expect((await stored(slug)).map(({ event_id, door }) => [event_id, door]).sort()).toEqual(
    [0, 1, 2, 4].map(n => [`/door ${n}`, 7]),
  );
  expect(readFileSync(`${path}.refused.ndjson`, 'utf8')).toMatch(/"line":2\d,.*time/);
});

test('an import that is killed and run again leaves no line out and stores none twice', async () => {
  const { slug, environment } = await at();
  const count = 6_000;
  const text = Array.from(
    { length: count },
    (_, n) => `${JSON.stringify({ type: 'step', payload: { n } })}\n`,
  );
  const path = file('long.ndjson', text.join(''));
  // Half of it, and then it waits for the rest: it can't end before it is killed.
  const broken = startSluice(['import', '-', '--name', 'long.ndjson'], environment);
  broken.process.stdin?.write(text.slice(0, count / 2).join(''));
  await expect.poll(async () => (await stored(slug)).length).toBeGreaterThan(0);
  broken.process.kill('SIGKILL');
  await broken.ended;
  expect((await stored(slug)).length).toBeLessThan(count);
  const ran = await sluice(['import', path], environment);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.json()).toMatchObject([{ events: count, refused: 0 }]);
  const numbers = (await stored(slug)).map(({ payload }) => payload['n'] as number);
  expect(numbers.sort((a, b) => a - b)).toEqual(text.map((_, n) => n));
});

test('texts that look like numbers are imported, and numbers keep their digits', async () => {
  const { slug, environment } = await at();
  const lines = [
    '{"type":"t","id":"1","cursor":"x","payload":{"commit":"88e1234","hash":"1e400"}}',
    '{"type":"t","eventId":"88e1234","payload":{"88e1234":"9e999"}}',
    '{"type":"t","id":null,"subject":"88e1234","sha":"7e8900"}',
  ];
  const path = file('hashes.ndjson', `${lines.join('\n')}\n`);
  const args = ['--map', 'sha=payload.sha', '--set', 'source=88e1234', '--rest-into-payload'];
  const ran = await sluice(['import', path, ...args], environment);
  expect(ran).toMatchObject({ code: 0 });
  const events = await stored(slug);
  expect(events.map(({ event_id }) => event_id).slice(0, 2)).toEqual(['1', '88e1234']);
  expect(events.map(({ payload }) => payload)).toEqual([
    { commit: '88e1234', hash: '1e400' },
    { '88e1234': '9e999' },
    { sha: '7e8900' },
  ]);
  const sent = await sluice(['send'], environment, `${lines[1]}\n${lines[0]}\n`);
  expect(sent.json()).toMatchObject([{ status: 'CONFLICT' }, { status: 'CONFLICT' }]);
  // The text of a number is passed on; what is beyond a double is for the gateway to refuse.
  const digits = '{"type":"t","cursor":"x","payload":{"d":123456789012.123456789,"n":1e400}}\n';
  const dry = await sluice(['import', '-', '--format', 'ndjson', '--dry-run'], environment, digits);
  expect(dry.out).toContain('"d":123456789012.123456789,"n":1e400');
});

test('a line that is too long to be an event is refused, and those after it are read', async () => {
  const { slug, environment } = await at();
  const long = `{"type":"b","subject":"${'z'.repeat(17_000_000)}"}`;
  const list = file('long.json', `[{"type":"a"},\n${long},\n{"type":"c"}]`);
  const path = file('too-long.ndjson', `{"type":"a"}\n${long}\n{"type":"c"}\n`);
  for (const each of [path, list]) {
    const ran = await sluice(['import', each], environment);
    expect(ran).toMatchObject({ code: 1, err: '' });
    expect(ran.json()).toMatchObject([{ events: 3, recorded: 2, refused: 1 }]);
    const refused = JSON.parse(readFileSync(`${each}.refused.ndjson`, 'utf8')) as object;
    expect(refused).toMatchObject({ line: 2, problems: [{ code: 'RECORD_TOO_LONG' }] });
  }
  const from = await sluice(['import', path, '--from', '3'], environment);
  expect(from.json()).toMatchObject([{ events: 1, duplicates: 1 }]);
  expect(await stored(slug)).toHaveLength(4);
});

test('kinds of files are told by their first record, however it is cut and named', async () => {
  const { environment } = await at();
  const kinds: [string, string, object][] = [
    ['payload.ndjson', '{"type":"t","payload":{"specversion":"1.0"}}\n', { format: 'ndjson' }],
    ['objects.json', '{\n  "type": "t"\n}\n{\n  "type": "u"\n}\n', { good: 2, format: 'ndjson' }],
    ['json.csv', '{"type":"t"}\n', { good: 1, format: 'ndjson' }],
  ];
  for (const [name, text, expected] of kinds) {
    const ran = await sluice(['import', file(name, text), '--dry-run'], environment);
    expect([name, ...ran.json()]).toMatchObject([name, expected]);
  }
  const piped = startSluice(['import', '-', '--dry-run'], environment);
  for (const part of ['[', '{"spec', 'version":"1.0","id":"1","source":"/s","type":"t"', '}]\n']) {
    piped.process.stdin?.write(part);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  piped.process.stdin?.end();
  expect((await piped.ended).json()).toMatchObject([{ format: 'cloudevents', good: 1 }]);
});

test('a CloudEvent that is refused is told in a sentence', async () => {
  const { environment } = await at();
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', time: 'soon' };
  const path = file('refused-event.json', JSON.stringify([event]));
  await sluice(['import', path], environment);
  const [why] = (
    JSON.parse(readFileSync(`${path}.refused.ndjson`, 'utf8')) as {
      problems: { message: string }[];
    }
  ).problems;
  expect(why?.message).toContain('time');
  expect(why?.message).not.toMatch(/[{}]/);
});

test('a list that is cut off is told, with the figures of what was read', async () => {
  const { slug, environment } = await at();
  const path = file('cut.json', '[{"type":"a"},{"type":"b"},{"type":"c"');
  const ran = await sluice(['import', path], environment);
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('The list is cut off') });
  expect(ran.json()).toMatchObject([{ events: 3, recorded: 2, refused: 1 }]);
  expect(await stored(slug)).toHaveLength(2);
});

test('a mistyped key to be mapped is told before anything is recorded', async () => {
  const { slug, environment } = await at();
  const path = file('mistyped.ndjson', '{"type":"t","when":"2026-01-01T00:00:00Z"}\n');
  const ran = await sluice(['import', path, '--map', 'whn=occurredAt'], environment);
  expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('did you mean "when"') });
  expect(await stored(slug)).toEqual([]);
});
