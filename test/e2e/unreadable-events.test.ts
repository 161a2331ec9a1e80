/** One event that can't be read hides no other: it is shown as unreadable, with its place. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

/** Postgres takes seconds to write what would be too much for the bound that there is by default. */
const ANSWER_BYTES_MAX = 4 * 2 ** 20;

/** What somebody did to an event in the database, and the problem that readers are told. */
const DAMAGE = [
  ['a payload that is a list', `payload = '[1]'`, 'PAYLOAD_DAMAGED', '/payload'],
  ['a payload that is null', `payload = 'null'`, 'PAYLOAD_DAMAGED', '/payload'],
  ['40 numbers of 131,072 digits', `payload = ${numbers(40)}`, 'PAYLOAD_TOO_LARGE', '/payload'],
  ['another such event', `payload = ${numbers(50)}`, 'PAYLOAD_TOO_LARGE', '/payload'],
  [
    'a text of 5 MB that takes little in the table',
    `payload = jsonb_build_object('text', repeat('x', 5000000))`,
    'PAYLOAD_TOO_LARGE',
    '/payload',
  ],
  [
    'a type of a property that is not known',
    `payload = '{"n":1}', property_types = '{"n":"COLOUR"}'`,
    'PROPERTY_TYPE_UNKNOWN',
    '/properties',
  ],
  [
    'types of properties that are no object',
    `property_types = '7'`,
    'PROPERTY_TYPE_UNKNOWN',
    '/properties',
  ],
  ['a door that is not known', `door = 99`, 'DOOR_UNKNOWN', '/door'],
  ['a time that never comes', `occurred_at = 'infinity'`, 'TIME_OUT_OF_RANGE', '/occurredAt'],
  ['a time before the year 1', `occurred_at = '0044-03-15 BC'`, 'TIME_OUT_OF_RANGE', '/occurredAt'],
  ['an end after the year 9999', `expires_at = '12000-01-01'`, 'TIME_OUT_OF_RANGE', '/expiresAt'],
  ['no definition', `definition_id = 999999`, 'TYPE_UNKNOWN', '/type'],
] as const;
/** What only a door looks at, and leaves out. */
const NOTES = [
  `door = 4, wire = '{"parts":7,"dates":{"n":5},"empty":3,"timestamp":{"a":1}}'`,
  `door = 3, wire = '{"sent":[1],"absent":{"a":2}}'`,
  `door = 7, wire = '5'`,
];

function numbers(count: number): string {
  return `(select jsonb_build_object('data', jsonb_agg('1e131071'::jsonb)) from generate_series(1, ${count}))`;
}

const EVENTS = DAMAGE.length + NOTES.length + 2;
const ids = Array.from(
  { length: EVENTS },
  (_, at) => `00000000-0000-0000-0000-0000000000${10 + at}`,
);

let gateway: TestGateway;
let slug: string;
let key: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { answerBytesMax: ANSWER_BYTES_MAX } });
  ({ slug, key } = await gateway.workspace());
  const events = ids.map((id, at) => ({
    ...{ id, type: 'RUN', subject: `s${at}`, groupId: 'all', success: true },
    occurredAt: new Date(Date.now() - 60_000 + at).toISOString(),
    payload: { n: at },
  }));
  await gateway.data(
    'mutation ($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }',
    { e: events },
    key,
  );
  // Between two whole ones.
  for (const [at, change] of [...DAMAGE.map(([, sql]) => sql), ...NOTES].entries()) {
    await gateway.db.upkeep.query(
      `update events set ${change} where position = $2
         and workspace_id = (select id from workspaces where slug = $1)`,
      [slug, at + 2],
    );
  }
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Node {
  readonly eventId: string;
  readonly position: number;
  readonly payload: object;
  readonly unreadable: readonly { code: string; pointer: string; message: string }[];
}

const FIELDS = `id eventId position type occurredAt expiresAt door payload
  properties { name type values } definition { name } unreadable { code message pointer }`;

const problemOf = (at: number) => {
  const [, , code, pointer] = DAMAGE[at - 1] ?? [];
  return code === undefined ? [] : [{ code, pointer }];
};
const EXPECTED = ids.map((eventId, at) => ({ eventId, problems: problemOf(at) }));
const problemsIn = (nodes: readonly Node[]) =>
  nodes.map(({ eventId, unreadable }) => ({
    eventId,
    problems: unreadable.map(({ code, pointer }) => ({ code, pointer })),
  }));

describe('GraphQL', () => {
  test('a page shows every event, and says of each what it can’t show', async () => {
    const { events } = await gateway.data<{ events: { nodes: Node[] } }>(
      `{ events(order: { direction: ASC }) { nodes { ${FIELDS} } } }`,
      {},
      key,
    );
    expect(problemsIn(events.nodes)).toEqual(EXPECTED);
    for (const { payload, unreadable } of events.nodes) {
      const isShown = unreadable.every(({ pointer }) => pointer !== '/payload');
      expect(Object.keys(payload).length > 0).toBe(isShown);
    }
  });

  test('so does the page that is asked for again and again, which Postgres writes', async () => {
    const query = '{ events(order: { direction: ASC }) { nodes { eventId payload door } } }';
    for (let time = 0; time < 3; time++) {
      const { events } = await gateway.data<{ events: { nodes: Node[] } }>(query, {}, key);
      expect(events.nodes.map(({ eventId }) => eventId)).toEqual(ids);
      for (const { payload } of events.nodes) expect(Array.isArray(payload)).toBe(false);
    }
  });

  test.for(
    ['POSITION', 'OCCURRED_AT'].flatMap(field => [1, 2, 5].map(size => [field, size] as const)),
  )('paging by %s, %i at a time, shows each event once', async ([field, first]) => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { events }: Record<'events', { nodes: Node[]; pageInfo: Record<string, never> }> =
        await gateway.data(
          `query ($first: Int, $after: String) {
               events(first: $first, after: $after, order: { field: ${field}, direction: ASC }) {
                 nodes { eventId payload unreadable { code } }
                 pageInfo { hasNextPage endCursor } } }`,
          { first, after },
          key,
        );
      seen.push(...events.nodes.map(({ eventId }) => eventId));
      after = events.pageInfo['hasNextPage'] ? (events.pageInfo['endCursor'] ?? null) : null;
    } while (after !== null && seen.length <= EVENTS);
    expect(seen.sort()).toEqual(ids);
  });

  test('look-ups by id and lists of related events show them', async () => {
    const { event } = await gateway.data<{ event: Node & { groupEvents: { nodes: Node[] } } }>(
      `query ($id: String!) {
         event(eventId: $id) { ${FIELDS} groupEvents { nodes { ${FIELDS} } } } }`,
      { id: ids[3] },
      key,
    );
    expect(problemsIn([event])).toEqual([EXPECTED[3]]);
    expect(problemsIn(event.groupEvents.nodes)).toEqual(EXPECTED);
  });

  test('a stream goes on after them', async () => {
    const client = createClient({ url: gateway.url, key });
    const seen: string[] = [];
    for await (const { event } of client.subscribe({ start: 'BEGINNING' })) {
      if (event !== null) seen.push(event.eventId);
      if (seen.length === EVENTS) break;
    }
    await client.close();
    expect(seen).toEqual(ids);
  });

  test('payloadProblems names what keeps a payload from being checked', async () => {
    const { event } = await gateway.data<{ event: { payloadProblems: object[] } }>(
      `query ($id: String!) {
         event(eventId: $id) { payloadProblems(schema: { required: ["n"] }) { code pointer } } }`,
      { id: ids[1] },
      key,
    );
    expect(event.payloadProblems).toEqual([{ code: 'PAYLOAD_DAMAGED', pointer: '/payload' }]);
  });
});

describe('doors', () => {
  const bearer = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
  const get = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const answer = await fetch(gateway.url + path, { headers: bearer(), ...init });
    const text = await answer.text();
    expect(answer.status, text.slice(0, 500)).toBe(200);
    return (path.includes('ndjson') ? text : JSON.parse(text)) as T;
  };

  test('Genesys lists them all, with an error code', async () => {
    type Entity = { entityId: string; errorCode?: string };
    const { entities } = await get<{ entities: Entity[] }>(
      '/api/v2/usage/events/query?pageSize=200',
      {
        method: 'POST',
        body: JSON.stringify({
          interval: '0001-01-01T00:00:00Z/9999-12-31T00:00:00Z',
          sortOrder: 'ASC',
        }),
      },
    );
    const shownIds = entities.map(({ entityId }) => entityId);
    // Those of which the time lies in no interval.
    expect(shownIds).toEqual(ids.flatMap((_, at) => (at === 9 || at === 10 ? [] : [`s${at}`])));
    expect(entities.find(({ entityId }) => entityId === 's3')?.errorCode).toContain(
      'PAYLOAD_TOO_LARGE',
    );
  });

  test('Logspace lists and streams them all', async () => {
    const headers = { 'logspace.space-token': key };
    type Listed = { id: string; 'string-properties'?: Record<string, string[]> };
    const page = await get<{ events: Listed[]; nextCursorMark: string }>('/events?count=1000', {
      headers,
    });
    expect(page.events.map(({ id }) => id).sort()).toEqual(ids);
    const large = page.events.find(({ id }) => id === ids[3]);
    expect(large?.['string-properties']?.['sluice_unreadable']?.[0]).toContain('PAYLOAD_TOO_LARGE');
    const stream = await get<Listed[]>('/event-stream?count=1000', { headers });
    expect(stream.map(({ id }) => id).sort()).toEqual(ids);
    await get('/suggestion', { headers });
  });

  test('authentik lists and exports them all', async () => {
    type Listed = { pk: string; context: Record<string, { position: number }> };
    const page = await get<{ results: Listed[] }>('/api/v3/events/events/?page_size=100');
    expect(page.results.map(({ pk }) => pk).sort()).toEqual(ids);
    const large = page.results.find(({ pk }) => pk === ids[3]);
    expect(large?.context['sluice_unreadable']?.position).toBe(4);
    const made = await fetch(`${gateway.url}/api/v3/events/events/export/`, {
      method: 'POST',
      headers: bearer(),
    });
    const { file_url: url } = (await made.json()) as { file_url: string };
    const lines = (await get<string>(new URL(url).pathname)).trimEnd().split('\n');
    expect(lines.map(line => (JSON.parse(line) as Listed).pk).sort()).toEqual(ids);
  });

  test('Speakeasy lists all of its types', async () => {
    const found = await get<{ id: string; error?: string }[]>(
      `/v1/workspace/${slug}/events?limit=1000`,
    );
    // Without a definition an event has no type of Speakeasy's.
    expect(found.map(({ id }) => id).sort()).toEqual(ids.filter((_, at) => at !== 12));
    expect(found.find(({ id }) => id === ids[3])?.error).toContain('PAYLOAD_TOO_LARGE');
    await get(`/v1/workspace/${slug}/events/targets`);
  });

  test('CloudEvents lists them all', async () => {
    const found = await get<{ id: string; unreadable?: string }[]>(
      `/cloudevents?workspace=${slug}&limit=100`,
    );
    const own = found.filter(({ id }) => ids.includes(id));
    expect(own.map(({ id }) => id)).toEqual(ids);
    expect(own[3]?.unreadable).toContain('PAYLOAD_TOO_LARGE');
  });
});
