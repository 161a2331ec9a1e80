/** The vendor's published client, unchanged but for its address, against a running gateway. */
import platformClient, { type Models } from 'purecloud-platform-client-v2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';

const EVENTS = '/api/v2/usage/events';
const DAY = '2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z';

let gateway: TestGateway;
let key: string;
let slug: string;
const client = platformClient.ApiClient.instance;
const api = new platformClient.OperationalEventsApi();

beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug, key } = await gateway.workspace());
  await record([
    {
      ...{
        type: 'TELEPHONY-0010',
        subject: 'edge-7',
        source: 'Vienna edge',
        actor: 'ops@example.org',
      },
      ...{ parentId: 'site-1', groupId: 'conv-1', occurredAt: '2026-03-01T10:00:00.120Z' },
      payload: {
        ...{ previousValue: 'IN_SERVICE', currentValue: 'OFFLINE', errorCode: 'edge.unreachable' },
        ...{
          entityToken: 't-1',
          entityVersion: 7,
          phoneNumber: '+431234',
          externalContactId: null,
        },
        dateModified: '2026-03-01T09:59:59Z',
      },
    },
    ...Array.from({ length: 60 }, (_, index) => ({
      id: `cpu-${index}`,
      type: 'os/cpu',
      occurredAt: new Date(Date.UTC(2026, 2, 1, 12, 0, 0, Math.floor(index / 3))).toISOString(),
      payload: { index },
    })),
  ]);
});

afterAll(() => gateway[Symbol.asyncDispose]());

beforeEach(() => {
  client.setGateway({
    host: '127.0.0.1',
    protocol: 'http',
    port: Number(new URL(gateway.url).port),
  });
  client.setAccessToken(key);
});

async function record(events: readonly object[]): Promise<void> {
  const { recordEvents } = await gateway.data<{ recordEvents: { rejectedCount: number } }>(
    `mutation($slug: String!, $events: [EventInput!]!) {
      recordEvents(input: { workspace: $slug, events: $events }) { rejectedCount }
    }`,
    { slug, events },
  );
  expect(recordEvents.rejectedCount).toBe(0);
}

async function makeKey(
  scopes: readonly string[],
): Promise<{ id: string; secret: string; prefix: string }> {
  const { createApiKey } = await gateway.data<{
    createApiKey: { secret: string; apiKey: { id: string; prefix: string } };
  }>(
    `mutation($slug: String!, $scopes: [Scope!]!) {
      createApiKey(input: { name: "genesys", workspace: $slug, scopes: $scopes }) {
        secret apiKey { id prefix }
      }
    }`,
    { slug, scopes },
  );
  return { secret: createApiKey.secret, ...createApiKey.apiKey };
}

function query(body: object, options: object = {}): Promise<Models.EventQueryResponse> {
  return api.postUsageEventsQuery({ body: { interval: DAY, ...body }, ...options });
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { response, body: (await response.json()) as Record<string, unknown> };
}

async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
  return call.then(
    answer => expect.fail(JSON.stringify(answer)),
    (error: Record<string, unknown>) => error,
  );
}

describe('definitions', () => {
  test('GEN-DEF-1 every type of the workspace is listed, without paging', async () => {
    const { entities } = await api.getUsageEventsDefinitions();
    expect(entities).toEqual([
      { id: 'TELEPHONY-0010', name: 'TELEPHONY-0010', description: '' },
      { id: 'os/cpu', name: 'os/cpu', description: '' },
    ]);
  });

  test('GEN-DEF-2 a definition is read by its id, percent-encoded', async () => {
    const definition = await api.getUsageEventsDefinition('os/cpu');
    expect(definition).toEqual({ id: 'os/cpu', name: 'os/cpu', description: '' });
  });

  test('GEN-DEF-3 an unknown definition is 404 entity.not.found', async () => {
    expect(await refusal(api.getUsageEventsDefinition('nope'))).toMatchObject({
      status: 404,
      code: 'entity.not.found',
      message: 'Event definition not found.',
    });
  });
});

describe('query', () => {
  test('GEN-QUERY-1 an event shows its envelope and the payload keys of the vendor’s names', async () => {
    const { entities } = await query({ eventDefinitionIds: ['TELEPHONY-0010'] });
    expect(entities).toEqual([
      {
        eventDefinition: { id: 'TELEPHONY-0010', selfUri: `${EVENTS}/definitions/TELEPHONY-0010` },
        entityId: 'edge-7',
        entityName: 'Vienna edge',
        parentEntityId: 'site-1',
        conversation: { id: 'conv-1', selfUri: '/api/v2/conversations/conv-1' },
        dateCreated: '2026-03-01T10:00:00.120Z',
        entityModifiedBy: 'ops@example.org',
        previousValue: 'IN_SERVICE',
        currentValue: 'OFFLINE',
        errorCode: 'edge.unreachable',
        entityToken: 't-1',
        entityVersion: '7',
        phoneNumber: '+431234',
        dateModified: '2026-03-01T09:59:59.000Z',
      },
    ]);
  });

  test('GEN-QUERY-2 without a page size there are 25, the newest first', async () => {
    const { entities, nextUri, previousUri, selfUri } = await query({});
    expect(entities).toHaveLength(25);
    expect(entities?.[0]?.dateCreated).toBe('2026-03-01T12:00:00.019Z');
    expect(nextUri).toMatch(/^\/api\/v2\/usage\/events\/query\?after=/);
    expect(previousUri).toBeUndefined();
    expect(selfUri).toBe(`${EVENTS}/query`);
  });

  test('GEN-QUERY-3 nextUri and previousUri, posted with the same body, walk every event once and back', async () => {
    const body = { interval: DAY, sortOrder: 'ASC', eventDefinitionIds: ['os/cpu'] };
    const seen: unknown[] = [];
    const pages: unknown[] = [];
    let uri: string | undefined = `${EVENTS}/query?pageSize=17`;
    let last = '';
    while (uri !== undefined) {
      const page = (await post(uri, body)).body as unknown as Models.EventQueryResponse;
      pages.push(page.entities);
      seen.push(...(page.entities ?? []).map(event => event.dateCreated));
      last = page.previousUri ?? '';
      uri = page.nextUri;
    }
    expect(seen).toHaveLength(60);
    expect(seen).toEqual([...seen].sort());
    const back = (await post(last, body)).body as unknown as Models.EventQueryResponse;
    expect(back.entities).toEqual(pages.at(-2));
  });

  test('GEN-QUERY-4 the cursors of the SDK’s options do the same', async () => {
    const first = await query({}, { pageSize: '10' });
    const after = new URL(first.nextUri ?? '', gateway.url).searchParams.get('after') ?? '';
    const second = await query({}, { pageSize: '10', after });
    expect(second.entities).toHaveLength(10);
    const before = new URL(second.previousUri ?? '', gateway.url).searchParams.get('before') ?? '';
    expect((await query({}, { pageSize: '10', before })).entities).toEqual(first.entities);
  });

  test('GEN-QUERY-5 shrinking the interval to the oldest dateCreated − 1 ms skips no instant', async () => {
    const seen = new Set<string>();
    let end = '2026-03-02T00:00:00.000Z';
    for (;;) {
      const interval = `2026-03-01T11:00:00.000Z/${end}`;
      const { entities = [] } = await query({ interval }, { pageSize: '3' });
      entities.forEach(event => seen.add(event.dateCreated ?? ''));
      if (entities.length < 3) break;
      end = new Date(Date.parse(entities.at(-1)?.dateCreated ?? '') - 1).toISOString();
    }
    expect(seen.size).toBe(20);
  });

  test('GEN-QUERY-6 searchTerm is found in texts of the event, without regard to case', async () => {
    expect((await query({ searchTerm: 'VIENNA' })).entities).toHaveLength(1);
    expect((await query({ searchTerm: 'unreach' })).entities).toHaveLength(1);
    expect((await query({ searchTerm: 'nowhere' })).entities).toEqual([]);
  });

  test('GEN-QUERY-7 no definition ids mean all, several mean any of them', async () => {
    const options = { pageSize: '200' };
    expect((await query({ eventDefinitionIds: [] }, options)).entities).toHaveLength(61);
    const ids = ['os/cpu', 'TELEPHONY-0010', 'unknown'];
    expect((await query({ eventDefinitionIds: ids }, options)).entities).toHaveLength(61);
  });

  test('GEN-QUERY-8 a page size above 200 is 400 invalid.query.param.value', async () => {
    for (const pageSize of ['201', '0', '-1', 'ten', '1.5']) {
      expect(await refusal(query({}, { pageSize }))).toMatchObject({
        status: 400,
        code: 'invalid.query.param.value',
        message: `Value [${pageSize}] is not valid for parameter [pageSize]. Allowable values are: 1 to 200`,
      });
    }
  });

  test('GEN-QUERY-9 a cursor of another list is 400 invalid.query.param.value', async () => {
    expect(await refusal(query({}, { after: 'b+/=' }))).toMatchObject({
      status: 400,
      code: 'invalid.query.param.value',
      details: [{ fieldName: 'after' }],
    });
  });

  test.each(['', 'yesterday/today', '2026-03-01T00:00:00Z', '2026-02-30/2026-03-01', `${DAY}/x`])(
    'GEN-QUERY-10 the interval "%s" is 400 invalid.date',
    async interval => {
      expect(await refusal(query({ interval }))).toMatchObject({
        status: 400,
        code: 'invalid.date',
        message:
          'Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ',
      });
    },
  );

  test('GEN-QUERY-11 a missing interval and an unknown order are told together, by field', async () => {
    const refused = await refusal(
      api.postUsageEventsQuery({
        body: { sortOrder: 'UP' } as unknown as Models.EventQueryRequest,
      }),
    );
    expect(refused).toMatchObject({
      status: 400,
      code: 'constraint.validation',
      details: [{ fieldName: 'interval' }, { fieldName: 'sortOrder' }],
    });
  });

  test('GEN-QUERY-13 an interval of long ago is answered: events are kept as long as the workspace keeps them', async () => {
    const interval = '1999-01-01T00:00:00Z/2026-03-01T11:00:00Z';
    expect((await query({ interval })).entities).toHaveLength(1);
  });

  test('GEN-QUERY-12 no body at all is a refusal, not a fault', async () => {
    expect(await refusal(api.postUsageEventsQuery())).toMatchObject({ status: 400 });
  });
});

describe('aggregates', () => {
  test('GEN-AGG-1 one row for each definition with events in the interval', async () => {
    const answer = await api.postUsageEventsAggregatesQuery({ body: { interval: DAY } });
    expect(answer).toEqual({
      interval: DAY,
      eventDefinitionAggregates: [
        {
          eventDefinition: {
            id: 'TELEPHONY-0010',
            selfUri: `${EVENTS}/definitions/TELEPHONY-0010`,
          },
          eventCount: 1,
        },
        {
          eventDefinition: { id: 'os/cpu', selfUri: `${EVENTS}/definitions/os%2Fcpu` },
          eventCount: 60,
        },
      ],
    });
  });

  test('GEN-AGG-2 an interval without events has no rows', async () => {
    const interval = '2025-01-01/2025-01-01';
    const answer = await api.postUsageEventsAggregatesQuery({ body: { interval } });
    expect(answer).toEqual({ interval, eventDefinitionAggregates: [] });
  });
});

test('GEN-AGG-3 intervals that follow one another count each event once', async () => {
  const cuts = ['2026-03-01T00:00:00Z', '2026-03-01T12:00:00.010Z', '2026-03-02T00:00:00Z'];
  let count = 0;
  for (const [at, from] of cuts.slice(0, -1).entries()) {
    const body = { interval: `${from}/${cuts[at + 1]}` };
    const { eventDefinitionAggregates = [] } = await api.postUsageEventsAggregatesQuery({ body });
    count += eventDefinitionAggregates.reduce((sum, { eventCount = 0 }) => sum + eventCount, 0);
  }
  expect(count).toBe(61);
});

describe('credentials', () => {
  test('GEN-AUTH-1 client id and secret buy a token that works as the key', async () => {
    const { prefix, secret } = await makeKey(['EVENTS_READ']);
    const { accessToken } = await client.loginClientCredentialsGrant(prefix, secret);
    expect(accessToken).not.toContain(secret);
    expect((await api.getUsageEventsDefinitions()).entities).toHaveLength(2);
  });

  test('GEN-AUTH-2 the secret may come without the prefix', async () => {
    const { prefix, secret } = await makeKey(['EVENTS_READ']);
    await client.loginClientCredentialsGrant(prefix, secret.slice(prefix.length + 1));
    expect((await api.getUsageEventsDefinitions()).entities).toHaveLength(2);
  });

  test('GEN-AUTH-3 a revoked key ends its tokens within seconds', async () => {
    const { id, prefix, secret } = await makeKey(['EVENTS_READ']);
    await client.loginClientCredentialsGrant(prefix, secret);
    await gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      { id },
    );
    await expect
      .poll(() => api.getUsageEventsDefinitions().catch((error: unknown) => error), {
        timeout: 20_000,
      })
      .toMatchObject({ status: 401, code: 'bad.credentials' });
  });

  test('GEN-AUTH-4 wrong client credentials are 401, for OAuth clients too', async () => {
    const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
    for (const pair of [`${key.slice(0, 12)}:wrong`, `other:${key}`, 'no colon', `:${key}`]) {
      const { response, body } = await post('/oauth/token', 'grant_type=client_credentials', {
        ...{ authorization: basic(pair), 'content-type': 'application/x-www-form-urlencoded' },
      });
      expect(response.status, pair).toBe(401);
      expect(body).toMatchObject({
        ...{ code: 'bad.credentials', message: 'Invalid login credentials.' },
        error: 'invalid_client',
      });
    }
  });

  test('GEN-AUTH-5 another grant is 400 unsupported_grant_type', async () => {
    const authorization = `Basic ${Buffer.from(`${key.slice(0, 12)}:${key}`).toString('base64')}`;
    const { response, body } = await post('/oauth/token', 'grant_type=password', { authorization });
    expect(response.status).toBe(400);
    expect(body).toMatchObject({ code: 'bad.request', error: 'unsupported_grant_type' });
  });

  test('GEN-AUTH-11 a token is told with its type and the seconds that it holds', async () => {
    const { prefix, secret } = await makeKey(['EVENTS_READ']);
    const authorization = `Basic ${Buffer.from(`${prefix}:${secret}`).toString('base64')}`;
    const form = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const { response, body } = await post('/oauth/token', 'grant_type=client_credentials', form);
    expect(response.status).toBe(200);
    expect(body).toMatchObject({
      ...{ access_token: expect.any(String), token_type: expect.stringMatching(/^bearer$/i) },
      expires_in: 86_400,
    });
  });

  test('GEN-AUTH-6 no credential is 401 authentication.required', async () => {
    const response = await fetch(`${gateway.url}${EVENTS}/definitions`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: 'authentication.required',
      message: 'No authentication bearer token specified in authorization header.',
    });
  });

  test('GEN-AUTH-7 an unknown key and a forged token are 401 bad.credentials', async () => {
    for (const wrong of ['nope', 'sluice-token.AAAA', `sluice-token.${'A'.repeat(200)}`]) {
      client.setAccessToken(wrong);
      expect(await refusal(api.getUsageEventsDefinitions())).toMatchObject({
        ...{ status: 401, code: 'bad.credentials', message: 'Invalid login credentials.' },
      });
    }
  });

  test('GEN-AUTH-8 a key without EVENTS_READ is 403 missing.permissions', async () => {
    client.setAccessToken((await makeKey(['EVENTS_WRITE'])).secret);
    expect(await refusal(api.getUsageEventsDefinitions())).toMatchObject({
      status: 403,
      code: 'missing.permissions',
      message:
        'Unable to perform the requested action. You are missing the following permission(s): usage:events:view',
    });
  });

  test('GEN-AUTH-9 a key sees its own workspace; one of every workspace is refused where there are several', async () => {
    const other = await gateway.workspace();
    client.setAccessToken(other.key);
    expect(await api.getUsageEventsDefinitions()).toEqual({ entities: [] });
    client.setAccessToken(ADMIN_KEY);
    const refused: unknown = await api.getUsageEventsDefinitions().catch((error: unknown) => error);
    expect(JSON.stringify(refused)).toContain('Name one of them: default, ');
    expect(refused).toMatchObject({ status: 400 });
  });
});

describe('every answer', () => {
  test('GEN-ERR-1 an ErrorBody has all its fields', async () => {
    const { body } = await post(`${EVENTS}/query`, {});
    expect(body).toEqual({
      message: expect.any(String),
      code: 'constraint.validation',
      status: 400,
      messageWithParams: '{reason}',
      messageParams: { reason: expect.any(String) },
      contextId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      details: [{ errorCode: 'constraint.validation', fieldName: 'interval' }],
      errors: [],
    });
  });

  test('GEN-ERR-2 broken JSON, other media types and too large bodies have the vendor’s shape', async () => {
    const query = `${EVENTS}/query`;
    const answers = [
      [await post(query, '{'), 400, 'bad.request'],
      [await post(query, 'a=b', { 'content-type': 'text/plain' }), 415, 'unsupported.media.type'],
      [await post(query, ' '.repeat(11_000_000)), 413, 'request.entity.too.large'],
      [await post('/api/v2/users/me', {}), 404, 'not.found'],
      [await post(`${EVENTS}/definitions`, {}), 405, 'method.not.allowed'],
    ] as const;
    for (const [{ response, body }, status, code] of answers) {
      expect(response.status, code).toBe(status);
      expect(response.headers.get('content-type'), code).toContain('application/json');
      expect(body, code).toMatchObject({ status, code });
    }
  });

  test('GEN-ERR-3 HEAD answers without a body, OPTIONS and 405 say what is allowed', async () => {
    const url = `${gateway.url}${EVENTS}/definitions`;
    const headers = { authorization: `Bearer ${key}` };
    const head = await fetch(url, { method: 'HEAD', headers });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'OPTIONS' })).headers.get('allow')).toBe(
      'GET, HEAD, OPTIONS',
    );
    expect((await fetch(url, { method: 'PUT', headers })).headers.get('allow')).toBe(
      'GET, HEAD, OPTIONS',
    );
  });
});
