/** What `export` writes and `import` reads is the same event, by whichever door it came. */
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PropertyTypes } from '../../../src/core/event.ts';
import { storedProperties } from '../../../src/core/stored-properties.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), 'sluice-round-trip-'));
const seed = Number(process.env['TEST_SEED'] ?? 1);
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

/** All that the log keeps of each event, but for its place, its door and the door's own notes. */
async function logOf(slug: string) {
  const rows = await gateway.db.read.query<Row>(
    `select e.event_id, d.name as type, e.occurred_at, e.expires_at, e.source, e.subject, e.actor,
       e.description, e.icon, e.notify, e.success, e.client_ip, e.parent_id, e.group_id,
       e.payload::text as payload, e.property_types::text as property_types
     from events e join workspaces w on w.id = e.workspace_id
     join event_definitions d on d.id = e.definition_id
     where w.slug = $1 order by e.position`,
    [slug],
  );
  return rows.map(({ property_types: types, ...row }) => ({
    ...row,
    // Also where the type that is read is kept beside the payload by the one and told by the other.
    properties: storedProperties({
      payload: row.payload,
      propertyTypes: JSON.parse(types ?? 'null') as PropertyTypes | null,
    }),
  }));
}

interface Row {
  readonly payload: string;
  readonly property_types: string | null;
}

const nasty = fc.constantFrom(
  ...[
    '',
    ' ',
    '\t',
    '"',
    '""',
    "'",
    ',',
    ';',
    '\n',
    '\r',
    '\r\n',
    '\\',
    '\\N',
    'null',
    'true',
    '007',
  ],
  ...[
    '1.50',
    '1e5',
    '-0',
    '=1+1',
    '+1',
    '-1',
    '@x',
    '9007199254740993',
    '{"a":1}',
    '[1]',
    '\ufeff',
  ],
  ...[
    'NaN',
    'sep=,',
    '\u2028',
    '\u0085',
    '\u202e',
    '\u001b[31m',
    '😀',
    'é',
    'e\u0301',
    '__proto__',
  ],
);
const text = fc
  .oneof(
    nasty,
    fc.string({ unit: 'grapheme' }),
    fc.array(nasty).map(parts => parts.join('')),
  )
  .map(given => given.replaceAll('\0', '').toWellFormed())
  .map(given => given.slice(0, 60).toWellFormed());
const named = text.filter(given => given.trim() !== '');
const instant = fc
  .date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  .map(date => date.toISOString());

/** JSON numbers as they are written: of every size and form. */
const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => JSON.stringify(value)),
  fc.constantFrom('0', '-0', '1.0', '1.50', '1e2', '1E+2', '6.022e23', '5e-324', '1.7e308', '1e-7'),
  fc.constantFrom(
    '2147483648',
    '9007199254740993',
    '9223372036854775808',
    '123456789012.123456789',
  ),
);
const { value: json } = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.constantFrom('null', 'true', 'false'),
    number,
    text.map(given => JSON.stringify(given)),
    fc.array(number, { maxLength: 3 }).map(items => `[${items.join(',')}]`),
    fc.array(tie('value'), { maxLength: 3 }).map(items => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 3, selector: ([key]) => key })
      .map(object),
  ),
}));
function object(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}
const members = fc.uniqueArray(fc.tuple(text, json), { maxLength: 4, selector: ([key]) => key });

const int32 = fc.integer().map(String);
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const double = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => JSON.stringify(value)),
  fc.constantFrom('5', 'NaN', 'Infinity', '-Infinity', '9007199254740992', '1e300', '0.1', '7'),
);
const VALUES = {
  ...{ BOOLEAN: fc.boolean().map(String), DATE: instant, STRING: text, JSON: json },
  ...{ DOUBLE: double, FLOAT: double, INTEGER: int32, LONG: fc.oneof(long, int32) },
};
const property = fc.constantFrom(...(Object.keys(VALUES) as (keyof typeof VALUES)[])).chain(type =>
  fc.record({
    exact: fc.record({
      name: fc.constantFrom('p', 'q', 'r', 'a.b', ''),
      type: fc.constant(type),
      values: fc.array(VALUES[type], { maxLength: 3 }),
      list: fc.option(fc.boolean()),
    }),
  }),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 2 });
const event = fc
  .record({
    type: named,
    occurredAt: instant,
    expiresAt: optional(fc.constantFrom('2999-01-01T00:00:00.001Z', '9999-12-31T23:59:59.999Z')),
    ...{ source: optional(text), subject: optional(text), actor: optional(text) },
    ...{ description: optional(text), parentId: optional(text), groupId: optional(text) },
    icon: optional(fc.constantFrom('👤', '❤️', '1⃣')),
    notify: optional(fc.boolean()),
    success: optional(fc.boolean()),
    clientIp: optional(fc.constantFrom('192.0.2.1', '2001:DB8::0001', '::ffff:1.2.3.4')),
    properties: optional(fc.array(property, { maxLength: 3 })),
  })
  .chain(fields =>
    members.map(payload => {
      const names = new Set<string>(fields.properties?.map(({ exact }) => exact.name));
      return { fields, payload: object(payload.filter(([key]) => !names.has(key))) };
    }),
  );

/** Records events of every form by GraphQL, CloudEvents and Logspace. */
async function recordMany({ slug, key }: { slug: string; key: string }): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const events = fc.sample(event, { numRuns: 300, seed }).map(({ fields, payload }, n) => {
    const { parentId, ...others } = fields;
    const whole = { id: `graphql-${n}`, ...others, ...(parentId !== '' && { parentId }) };
    return `${JSON.stringify(whole).slice(0, -1)},"payload":${payload}}`;
  });
  const query = `mutation ($events: [EventInput!]!) {
    recordEvents(input: { events: $events }) { receipts { status problems { pointer message } } }
  }`;
  const answer = await fetch(`${gateway.url}/graphql`, {
    ...{ method: 'POST', headers },
    body: `{"query":${JSON.stringify(query)},"variables":{"events":[${events.join(',')}]}}`,
  });
  const { data } = (await answer.json()) as {
    data: { recordEvents: { receipts: { status: string; problems: object[] }[] } };
  };
  const refused = data.recordEvents.receipts.filter(({ status }) => status !== 'RECORDED');
  expect(refused).toEqual([]);
  const clouds = fc
    .sample(json, { numRuns: 100, seed })
    .map(
      (data, n) =>
        `{"specversion":"1.0","id":"${n}","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","data":${data}}`,
    );
  const cloud = await fetch(`${gateway.url}/cloudevents?workspace=${slug}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/cloudevents-batch+json' },
    body: `[${clouds.join(',')}]`,
  });
  expect([cloud.status, await cloud.text()]).toEqual([204, '']);
  const agent = readFileSync('test/fixtures/doors/logspace/agent-0.3.2.http', 'utf8');
  const logspace = await fetch(`${gateway.url}/events`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'logspace.space-token': key },
    body: agent.slice(agent.indexOf('\r\n\r\n') + 4),
  });
  expect(logspace.status).toBeLessThan(300);
}

test('what is exported and imported elsewhere is equal, as JSON lines, packed, and as a table', async () => {
  const from = await at();
  await recordMany(from);
  const original = await logOf(from.slug);
  expect(original).toHaveLength(402);
  const copies: Record<string, { slug: string; environment: Record<string, string> }> = {};
  for (const name of ['a.ndjson', 'a.ndjson.gz', 'a.csv', 'a.csv.gz']) {
    const file = join(folder, name);
    const ran = await sluice(['export', '--output', file], from.environment);
    expect(ran).toMatchObject({ code: 0, out: '', err: '402 events exported.\n' });
    const other = await at();
    const imported = await sluice(['import', file], other.environment);
    expect(imported.json()).toMatchObject([{ recorded: 402, refused: 0 }]);
    expect(await logOf(other.slug)).toEqual(original);
    copies[name] = other;
  }
  for (const kind of ['ndjson', 'csv']) {
    const plain = readFileSync(join(folder, `a.${kind}`));
    expect(gunzipSync(readFileSync(join(folder, `a.${kind}.gz`))).equals(plain)).toBe(true);
  }
  // By either form it is the same event, so that a second import finds it stored.
  const again = await sluice(['import', join(folder, 'a.csv')], copies['a.ndjson']!.environment);
  expect(again.json()).toMatchObject([{ recorded: 0, duplicates: 402 }]);
});

test('a packed file is no place to go on, and the help for it says so', async () => {
  const { environment } = await at();
  const file = join(folder, 'b.ndjson.gz');
  expect(await sluice(['export', '-o', file], environment)).toMatchObject({ code: 0 });
  const resumed = await sluice(['export', '-o', file, '--resume'], environment);
  expect(resumed).toMatchObject({ code: 2 });
  expect(resumed.err).toContain('--after');
  expect(await sluice(['export', '-o', file], environment)).toMatchObject({ code: 2 });
});

test('payload.a.b is a value within a value, for import as for export', async () => {
  const from = await at();
  const table = [
    'id,type,payload,payload.order.total,payload.order.lines.first,payload.plan,a.b',
    'x,t,"{""order"":{""id"":9007199254740993}}",5,one,,kept as a key',
    'y,t,,,,"""",',
    'z,t,"{""order"":7}",5,,,',
    'w,t,"{""order"":{""total"":5}}",5,,,',
  ];
  const file = join(folder, 'nested.csv');
  writeFileSync(file, table.join('\n').replace('""""', '""'));
  const imported = await sluice(['import', file], from.environment);
  expect(imported.json()).toMatchObject([{ recorded: 2, refused: 2 }]);
  const refused = readFileSync(`${file}.refused.ndjson`, 'utf8');
  expect(refused).toMatch(/"GIVEN_TWICE".*"pointer":"\/payload\/order"/);
  expect(refused).toMatch(/"GIVEN_TWICE".*"pointer":"\/payload\/order\/total"/);
  const columns =
    'id,payload.order.id,payload.order.total,payload.order.lines,payload.plan,payload.a.b';
  const exported = await sluice(
    ['export', '--format', 'csv', '--columns', columns],
    from.environment,
  );
  expect(exported.out).toBe(
    [columns, 'x,9007199254740993,5,"{""first"":""one""}",,', 'y,,,,"",', ''].join('\r\n'),
  );
  const lines = '{"type":"t","payload.a.b":1,"payload":{"a":{"c":12345678901234567890}}}\n';
  const other = await at();
  await sluice(['import', '-'], other.environment, lines);
  const [stored] = await logOf(other.slug);
  expect(stored!.payload).toBe('{"a": {"b": 1, "c": 12345678901234567890}}');
  const deep = `{"type":"t","payload.${'a.'.repeat(100_000)}b":1}\n`;
  const ran = await sluice(
    ['import', '-', '--refused', join(folder, 'deep')],
    other.environment,
    deep,
  );
  expect(ran.json()).toMatchObject([{ recorded: 0, refused: 1 }]);
  expect(readFileSync(join(folder, 'deep'), 'utf8')).toContain('PAYLOAD_TOO_DEEP');
});

test('an event that cannot be read is not imported from a table without its payload', async () => {
  const { slug, key, environment } = await at();
  await gateway.data(
    'mutation { recordEvent(input: { event: { type: "t", payload: { a: 1 } } }) { receipt { status } } }',
    {},
    key,
  );
  await gateway.db.upkeep.query(
    `update events set payload = '[1]' where workspace_id = (select id from workspaces where slug = $1)`,
    [slug],
  );
  const file = join(folder, 'unreadable.csv');
  expect(await sluice(['export', '-o', file], environment)).toMatchObject({ code: 1 });
  const imported = await sluice(['import', file], (await at()).environment);
  expect(imported.json()).toMatchObject([{ recorded: 0, refused: 1 }]);
});

test('an exact property that its type does not take rejects its event alone, with the place', async () => {
  const { slug, environment } = await at();
  const properties = [
    [{ exact: { name: 'a', type: 'LONG', values: ['9223372036854775808'] } }],
    [{ exact: { name: 'a', type: 'DATE', values: ['2026-02-30T00:00:00Z'] } }],
    [{ exact: { name: 'a', type: 'JSON', values: ['1,"b":2'] } }],
    [{ exact: { name: 'a', type: 'DOUBLE', values: ['1', '1e400'] } }],
    [{ exact: { name: 'a', type: 'STRING', values: ['x', 5] } }],
    [{ exact: { name: 'a', type: 'DATE', values: ['2026-02-28T01:00:00+01:00'], list: true } }],
  ];
  const lines = properties.map(given => JSON.stringify({ type: 't', properties: given }));
  const sent = await sluice(['send'], environment, `${lines.join('\n')}\n`);
  expect(sent.json().slice(0, 5)).toMatchObject([
    { status: 'REJECTED', problems: [{ code: 'PROPERTY_INVALID', pointer: '/properties/0' }] },
    { status: 'REJECTED', problems: [{ code: 'PROPERTY_INVALID', pointer: '/properties/0' }] },
    { status: 'REJECTED', problems: [{ code: 'PROPERTY_INVALID', pointer: '/properties/0' }] },
    { status: 'REJECTED', problems: [{ code: 'PROPERTY_INVALID', pointer: '/properties/0' }] },
    { status: 'REJECTED', problems: [{ pointer: '/properties/0/exact/values/1' }] },
  ]);
  expect((await logOf(slug)).map(({ payload, properties: read }) => [payload, read])).toEqual([
    [
      '{"a": ["2026-02-28T00:00:00.000Z"]}',
      [{ name: 'a', type: 'DATE', values: ['2026-02-28T00:00:00.000Z'] }],
    ],
  ]);
  const many = { name: 'a', type: 'STRING', values: ['x'.repeat(200_000)] };
  const large = [many, { ...many, type: 'JSON', values: [`"${'x'.repeat(200_000)}"`] }];
  const event = { type: 't', properties: large.map(exact => ({ exact })) };
  const refused = await sluice(['send'], environment, `${JSON.stringify(event)}\n`);
  expect(refused.json()).toMatchObject([{ problems: [{ code: 'PAYLOAD_TOO_LARGE' }] }]);
});
