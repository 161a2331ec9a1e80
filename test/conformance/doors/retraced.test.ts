/** Retraced: its published client, unchanged but for its endpoint, and raw calls where it sends none. */
import { Client } from '@retracedhq/retraced';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { call } from './call.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const client = (apiKey: string, projectId: string, more = {}) =>
  new Client({ apiKey, projectId, endpoint: gateway.url, ...more });

function post(slug: string, body: unknown, authorization: string | null, suffix = '') {
  const headers = {
    'content-type': 'application/json',
    ...(authorization === null ? {} : { authorization }),
  };
  const url = `${gateway.url}/publisher/v1/project/${slug}/event${suffix}`;
  return call(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

type Seen = Readonly<Record<string, unknown>>;

async function recorded(slug: string): Promise<Seen[]> {
  const { workspace } = await gateway.data<{ workspace: { events: { nodes: Seen[] } } }>(
    `query($slug: String!) { workspace(slug: $slug) {
      events(first: 100, order: { field: POSITION, direction: ASC }) { nodes {
        eventId door type actor subject source groupId description success clientIp occurredAt
        payload
      } } } }`,
    { slug },
  );
  return workspace.events.nodes;
}

const AT = '2026-01-02T03:04:05.678Z';
const FULL = {
  ...{ action: 'spreadsheet.create', crud: 'c' as const, created: new Date(AT) },
  group: { id: 'acme', name: 'Acme: 100%' },
  actor: { id: 'ada@example.org', name: 'Ada', href: 'https://a', fields: { department: 'QA' } },
  target: { id: 'sheet:1', name: 'A; B=C', type: 'sheet', fields: { rows: '7' } },
  ...{ source_ip: '192.168.0.1', description: 'Ada made a sheet.', is_failure: true },
  fields: { 'b=;': '100%:1', a: 'ü' },
  ...{ external_id: 'ext:1', metadata: { z: '1', y: '2' } },
};
const LEAST = { action: 'a', crud: 'r', is_anonymous: true } as const;

describe('RT-W the published client', () => {
  test('RT-W-1 MUST have an event taken whose digest it checks', async () => {
    const { slug, key } = await gateway.workspace();
    const retraced = client(key, slug, { component: 'web', version: '1' });
    const id = await retraced.reportEvent(FULL);
    const minimal = await retraced.reportEvent(LEAST);
    expect(await recorded(slug)).toMatchObject([
      {
        ...{ eventId: id, door: 'RETRACED', type: 'spreadsheet.create', actor: 'ada@example.org' },
        ...{ subject: 'sheet:1', groupId: 'acme', source: 'web', success: false },
        ...{ description: 'Ada made a sheet.', clientIp: '192.168.0.1', occurredAt: AT },
        payload: { 'b=;': '100%:1', a: 'ü' },
      },
      { eventId: minimal, type: 'a', actor: null, success: null, payload: {} },
    ]);
  });

  test('RT-W-2 MUST have many taken at once, in their order', async () => {
    const { slug, key } = await gateway.workspace();
    const events = Array.from({ length: 60 }, (_, n) => ({ ...FULL, fields: { n: String(n) } }));
    const ids = await client(key, slug).reportEvents(events);
    const seen = await recorded(slug);
    expect(seen.map(({ eventId }) => eventId)).toEqual(ids);
    expect(seen.map(({ payload }) => payload)).toEqual(events.map(({ fields }) => fields));
  });

  test('RT-W-3 MUST be told of a wrong key, another project and an event that is none', async () => {
    const { slug, key } = await gateway.workspace();
    const { slug: other } = await gateway.workspace();
    const unauthorized = 'Unexpected HTTP response: 401 Unauthorized';
    await expect(client('wrong', slug).reportEvent(LEAST)).rejects.toThrow(unauthorized);
    await expect(client(key, other).reportEvent(LEAST)).rejects.toThrow(unauthorized);
    await expect(client(key, slug).reportEvent({ action: 'a' })).rejects.toThrow(
      'Unexpected HTTP response: 400 Bad Request',
    );
    expect(await recorded(slug)).toEqual([]);
  });

  test('RT-W-4 MUST be answered 201, also below /auditlog, for a new event each time', async () => {
    const { slug, key } = await gateway.workspace();
    const answer = await post(slug, LEAST, `token=${key}`);
    const made = {
      id: expect.any(String) as string,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    };
    expect([answer.status, answer.json()]).toEqual([201, made]);
    const bulk = await post(slug, { events: [LEAST] }, `token=${key}`, '/bulk');
    expect([bulk.status, bulk.json()]).toEqual([201, [made]]);
    const endpoint = `${gateway.url}/auditlog`;
    await new Client({ apiKey: key, projectId: slug, endpoint }).reportEvent(LEAST);
    expect(await recorded(slug)).toHaveLength(3);
  });
});

describe('RT-K keys', () => {
  test('RT-K-1 MUST be taken in each form of the header', async () => {
    const { slug, key } = await gateway.workspace();
    for (const header of [`token=${key}`, `Token token=${key}`, `Bearer ${key}`]) {
      expect((await post(slug, LEAST, header)).status, header).toBe(201);
    }
  });

  test('RT-K-2 MUST be refused with 401, as is a project that they do not cover', async () => {
    const { slug, key } = await gateway.workspace();
    const { slug: other } = await gateway.workspace();
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret } }`,
    );
    const told = async (answer: Promise<{ status: number; json(): unknown }>) => {
      const { status, json } = await answer;
      expect(status).toBe(401);
      return (json() as { error: string }).error;
    };
    expect(await told(post(slug, LEAST, null))).toBe('Missing Authorization header');
    expect(await told(post(slug, LEAST, key))).toBe('Invalid Authorization header form');
    for (const [project, secret] of [
      ...([
        [slug, 'wrong'],
        [other, key],
        ['nowhere', key],
        [slug, createApiKey.secret],
      ] as const),
    ]) {
      expect(await told(post(project, LEAST, `token=${secret}`))).toBe('Unauthorized');
    }
  });
});

test('RT-M-1 MUST hold a type with a schema to its schema: fields are the payload', async () => {
  const { slug, key } = await gateway.workspace();
  await gateway.data(
    `mutation($slug: String!) { defineEvent(input: {
      workspace: $slug, name: "a", validation: REJECT, payloadSchema: { required: ["seats"] }
    }) { definition { id } } }`,
    { slug },
  );
  const [good, bad] = [{ ...LEAST, fields: { seats: '3' } }, LEAST];
  expect((await post(slug, good, `token=${key}`)).status).toBe(201);
  expect((await post(slug, bad, `token=${key}`)).status).toBe(400);
  const bulk = await post(slug, { events: [good, bad] }, `token=${key}`, '/bulk');
  expect([bulk.status, await recorded(slug)]).toMatchObject([400, [{ payload: { seats: '3' } }]]);
});

describe('RT-E refusing, always as {status, type, error}', () => {
  test.each<[string, object, string]>([
    [
      ...(['RT-E-1 nothing', {}] as const),
      "Missing required field 'action'\n--Missing required field 'crud'\n--Event is not marked anonymous, and missing required field 'actor'\n--Invalid value for 'crud' field: undefined",
    ],
    [
      ...(['RT-E-2 a part without its id', { ...LEAST, group: { name: 'g' } }] as const),
      "Field 'group.id' is required if 'group' is present",
    ],
    ['RT-E-3 another crud', { ...LEAST, crud: 'x' }, "Invalid value for 'crud' field: x"],
    [
      ...(['RT-E-4 a time that can’t be read', { ...LEAST, created: 'soon' }] as const),
      "Unable to parse 'created' field as valid time: soon",
    ],
    [
      ...(['RT-E-5 a leap second', { ...LEAST, created: '2016-12-31T23:59:60Z' }] as const),
      "Unable to parse 'created' field as valid time: 2016-12-31T23:59:60Z",
    ],
    [
      ...(['RT-E-6 no address', { ...LEAST, source_ip: '1.2.3' }] as const),
      "Unable to parse 'source_ip' field as valid IPV4 or IPV6 address: 1.2.3",
    ],
    ['RT-E-7 an unknown field', { ...LEAST, more: 1 }, '"more" is not allowed'],
    [
      ...([
        'RT-E-8 an unknown field of a part',
        { ...LEAST, group: { id: 'g', more: 1 } },
      ] as const),
      '"group.more" is not allowed',
    ],
    [
      'RT-E-9 a field of another type',
      { ...LEAST, fields: { a: 1 } },
      '"fields.a" must be a string',
    ],
    ['RT-E-10 no flag', { ...LEAST, is_failure: 'no' }, '"is_failure" must be a boolean'],
    ['RT-E-11 an empty text', { ...LEAST, version: '' }, '"version" is not allowed to be empty'],
  ])('%s', async (_row, body, error) => {
    const { slug, key } = await gateway.workspace();
    const answer = await post(slug, body, `token=${key}`);
    expect([answer.status, answer.json()]).toEqual([400, { status: 400, type: 'Error', error }]);
    expect(await recorded(slug)).toEqual([]);
  });

  test('RT-E-12 a list with one that is wrong', async () => {
    const { slug, key } = await gateway.workspace();
    const message = "Invalid event input at index 1:\n-- Invalid value for 'crud' field: x";
    const wrong = [LEAST, { ...LEAST, crud: 'x' }];
    const answer = await post(slug, { events: wrong }, `token=${key}`, '/bulk');
    expect([answer.status, answer.json()]).toEqual([
      400,
      {
        ...{ status: 400, type: 'Error', invalid: [{ message, index: 1 }] },
        error: `One or more invalid inputs, no events were logged:\n- ${message}`,
      },
    ]);
    const none = await post(slug, {}, `token=${key}`, '/bulk');
    expect(none.json()).toMatchObject({ status: 400, error: '"events" must be an array' });
    expect(await recorded(slug)).toEqual([]);
  });
});
