/** The vendor's published client, unchanged but for its address, against a running gateway. */
import {
  Configuration,
  EventsApi,
  ReportsApi,
  ResponseError,
  type EventActions,
  type EventRequest,
} from '@goauthentik/api';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';

const EVENTS = '/api/v3/events/events/';
const FIXTURES = new URL('../../fixtures/doors/authentik/requests.json', import.meta.url);
const REQUESTS = JSON.parse(readFileSync(FIXTURES, 'utf8')) as readonly Record<string, unknown>[];

let gateway: TestGateway;
let key: string;
let slug: string;
let api: EventsApi;

beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug, key } = await gateway.workspace());
  api = apiOf(key);
});

afterAll(() => gateway[Symbol.asyncDispose]());

function apiOf(accessToken: string): EventsApi {
  return new EventsApi(configuration(accessToken));
}

function configuration(accessToken: string): Configuration {
  return new Configuration({ basePath: `${gateway.url}/api/v3`, accessToken });
}

/** A workspace of its own with these events. */
async function withEvents(
  requests: readonly EventRequest[],
): Promise<{ key: string; api: EventsApi }> {
  const workspace = await gateway.workspace();
  const own = apiOf(workspace.key);
  for (const eventRequest of requests) await own.eventsEventsCreate({ eventRequest });
  return { key: workspace.key, api: own };
}

async function call(
  method: string,
  path: string,
  options: { body?: unknown; key?: string | null; headers?: Record<string, string> } = {},
) {
  const { body, key: given = key, headers = {} } = options;
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: {
      ...(given === null ? {} : { authorization: `Bearer ${given}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
  };
}

async function refusal(asked: Promise<unknown>): Promise<{ status: number; body: unknown }> {
  const error = await asked.then(
    answer => expect.fail(JSON.stringify(answer)),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ResponseError)) throw error;
  return { status: error.response.status, body: await error.response.json() };
}

describe('create and retrieve', () => {
  test.each(REQUESTS.map(request => [request['action'] as string, request] as const))(
    'AK-CREATE-1 %s comes back as it was sent, at once and later',
    async (_, request) => {
      const made = await call('POST', EVENTS, { body: request });
      expect(made.status).toBe(201);
      const { expires = expect.any(String) } = request;
      expect(made.json).toEqual({
        pk: expect.stringMatching(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
        ),
        user: {},
        context: {},
        brand: {},
        client_ip: null,
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/),
        ...request,
        expires: expires === '2098-01-01T00:00:00+02:00' ? '2097-12-31T22:00:00Z' : expires,
      });
      const read = await call('GET', `${EVENTS}${made.json?.['pk']}/`);
      expect([read.status, read.json]).toEqual([200, made.json]);
    },
  );

  test('AK-CREATE-2 the client creates and retrieves, with dates', async () => {
    const made = await api.eventsEventsCreate({
      eventRequest: { action: 'login', app: 'test', user: { username: 'ada' }, clientIp: null },
    });
    expect(made.created).toBeInstanceOf(Date);
    expect(await api.eventsEventsRetrieve({ eventUuid: made.pk })).toEqual(made);
  });

  test('AK-CREATE-3 an event without expires is kept for 365 days', async () => {
    const { created, expires } = await api.eventsEventsCreate({
      eventRequest: { action: 'logout', app: 'a' },
    });
    expect(expires!.getTime() - created.getTime()).toBe(365 * 86_400_000);
  });

  test('AK-CREATE-4 every field’s fault is told at once, in the vendor’s words', async () => {
    const body = { action: 'dance', app: ' ', user: [], client_ip: 'string', expires: 'soon' };
    expect(await call('POST', EVENTS, { body })).toMatchObject({
      status: 400,
      json: {
        action: ['"dance" is not a valid choice.'],
        app: ['This field may not be blank.'],
        user: ['Value must be a dictionary, and not have any duplicate keys.'],
        client_ip: ['Enter a valid IPv4 or IPv6 address.'],
        expires: [
          'Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].',
        ],
      },
    });
  });

  test('AK-CREATE-5 required fields are told, also of an empty body', async () => {
    const required = ['This field is required.'];
    for (const body of [{}, '']) {
      const { status, json } = await call('POST', EVENTS, { body });
      expect([status, json]).toEqual([400, { action: required, app: required }]);
    }
  });

  test('AK-CREATE-6 a body that is no object or no JSON is 400', async () => {
    expect((await call('POST', EVENTS, { body: [1] })).json).toEqual({
      non_field_errors: ['Invalid data. Expected a dictionary, but got list.'],
    });
    const broken = await call('POST', EVENTS, { body: '{"a":' });
    expect([broken.status, broken.json?.['detail']]).toEqual([
      400,
      expect.stringMatching(/^JSON parse error - /),
    ]);
  });

  test('AK-CREATE-7 what the log refuses is 400 under the vendor’s field', async () => {
    const { status, json } = await call('POST', EVENTS, {
      body: { action: 'login', app: 'a'.repeat(300) },
    });
    expect([status, Object.keys(json ?? {})]).toEqual([400, ['app']]);
  });

  test('AK-CREATE-9 what a request has no say in is passed over', async () => {
    const pk = '0198f5c0-0000-7000-8000-000000000000';
    const body = { action: 'login', app: 'a', pk, created: '1999-01-01T00:00:00Z', more: 1 };
    const { status, json } = await call('POST', EVENTS, { body });
    expect(status).toBe(201);
    expect(json).not.toMatchObject({ pk });
    expect(json).not.toHaveProperty('more');
    expect(Date.parse(json?.['created'] as string)).toBeGreaterThan(Date.now() - 60_000);
  });

  test('AK-CREATE-10 an event whose expires is past is gone at once, null keeps one for good', async () => {
    const kept = await call('POST', EVENTS, {
      body: { action: 'login', app: 'a', expires: null },
    });
    expect([kept.status, kept.json?.['expires']]).toEqual([201, null]);
    const past = { action: 'login', app: 'a', expires: '2020-01-01T00:00:00Z' };
    const gone = await call('POST', EVENTS, { body: past });
    expect(gone.status).toBe(201);
    expect((await call('GET', `${EVENTS}${gone.json?.['pk'] as string}/`)).status).toBe(404);
  });

  test('AK-CREATE-8 an event without a matching id is 404 in the vendor’s words', async () => {
    for (const uuid of ['0198f5c0-0000-7000-8000-000000000000', 'nope']) {
      const { status, json } = await call('GET', `${EVENTS}${uuid}/`);
      expect([status, json]).toEqual([404, { detail: 'No Event matches the given query.' }]);
    }
  });
});

describe('list', () => {
  let own: EventsApi;
  const REQUESTED: readonly EventRequest[] = [
    {
      action: 'login',
      app: 'b',
      user: { pk: 1, username: 'ada' },
      clientIp: '192.0.2.1',
      brand: { name: 'One' },
    },
    { action: 'login_failed', app: 'a', context: { username: 'ada' }, clientIp: '192.0.2.2' },
    {
      ...{ action: 'authorize_application', app: 'c', user: { pk: 2, username: 'bob' } },
      context: { authorized_application: { pk: 'a1b2', name: 'Grafana' } },
    },
    {
      ...{ action: 'model_updated', app: 'd' },
      context: { model: { app: 'core', model_name: 'user', pk: 42 }, device: { pk: 7 } },
    },
    {
      ...{ action: 'model_deleted', app: 'e' },
      context: {
        model: { app: 'core', model_name: 'token', pk: 'c7a1f5b2d3e44f6a8b9c0d1e2f3a4b5c' },
      },
    },
  ];

  beforeAll(async () => {
    ({ api: own } = await withEvents(REQUESTED));
  });

  async function apps(asked: Parameters<EventsApi['eventsEventsList']>[0]): Promise<string> {
    const { results } = await own.eventsEventsList({ ordering: 'app', ...asked });
    return results.map(({ app }) => app).join('');
  }

  test('AK-LIST-1 the newest event comes first, on a page of 20', async () => {
    const page = await own.eventsEventsList();
    expect(page.results.map(({ app }) => app).join('')).toBe('edcab');
    expect(page.pagination).toEqual({
      ...{ next: 0, previous: 0, count: 5, current: 1, totalPages: 1, startIndex: 1, endIndex: 5 },
    });
    expect(page.autocomplete).toEqual({});
  });

  test('AK-LIST-2 pages are numbered from 1, next and previous are numbers, 0 where there is none', async () => {
    const { pagination, results } = await own.eventsEventsList({ page: 2, pageSize: 2 });
    expect(results.map(({ app }) => app).join('')).toBe('ca');
    expect(pagination).toEqual({
      ...{ next: 3, previous: 1, count: 5, current: 2, totalPages: 3, startIndex: 3, endIndex: 4 },
    });
    const last = await call('GET', `${EVENTS}?page=last&page_size=2`);
    expect(last.status).toBe(200);
  });

  test.each([['99'], ['0'], ['x']])('AK-LIST-3 page %s is 404 Invalid page', async page => {
    const { status, json } = await call('GET', `${EVENTS}?page=${page}`);
    expect([status, json]).toEqual([404, { detail: 'Invalid page.' }]);
  });

  test('AK-LIST-4 a page holds at most 100', async () => {
    const { api: many } = await withEvents(
      Array.from({ length: 101 }, () => ({ action: 'login', app: 'a' }) as const),
    );
    expect((await many.eventsEventsList({ pageSize: 1_000 })).results).toHaveLength(100);
    expect((await many.eventsEventsList()).results).toHaveLength(20);
  });

  test.each([
    ['action is contained, in any case', { action: 'LOGIN' }, 'ab'],
    [
      'actions are exact, any of them',
      { actions: ['login', 'model_updated'] as EventActions[] },
      'bd',
    ],
    ['username is the user’s or the context’s', { username: 'ada' }, 'ab'],
    ['client_ip is equal', { clientIp: '192.0.2.2' }, 'a'],
    ['brand_name is equal', { brandName: 'One' }, 'b'],
    ['context_authorized_app is equal', { contextAuthorizedApp: 'a1b2' }, 'c'],
    ['context_model_app is equal', { contextModelApp: 'core' }, 'de'],
    ['context_model_name is equal', { contextModelName: 'user' }, 'd'],
    ['context_model_pk is equal as a number', { contextModelPk: '42' }, 'd'],
    [
      'context_model_pk is equal without dashes',
      { contextModelPk: 'c7a1f5b2-d3e4-4f6a-8b9c-0d1e2f3a4b5c' },
      'e',
    ],
    ['context_device is equal', { contextDevice: '7' }, 'd'],
    ['search looks into the context', { search: 'grafana' }, 'c'],
    ['search looks at the client’s address', { search: '192.0.2' }, 'ab'],
    ['every word of a search is found', { search: 'ada 192.0.2.2' }, 'a'],
    ['all filters hold together', { username: 'ada', action: 'failed' }, 'a'],
    ['an empty filter is none', { username: '', search: '' }, 'abcde'],
  ])('AK-FILTER-1 %s', async (_, asked, found) => {
    expect(await apps(asked)).toBe(found);
  });

  test('AK-FILTER-2 search finds an event by its id', async () => {
    const { results } = await own.eventsEventsList();
    expect(await apps({ search: results[1]!.pk })).toBe('d');
  });

  test('AK-FILTER-3 an unknown action is 400, one that another door recorded is not', async () => {
    const unknown = { actions: ['dance' as EventActions] };
    expect(await refusal(own.eventsEventsList(unknown))).toEqual({
      status: 400,
      body: { actions: ['Select a valid choice. dance is not one of the available choices.'] },
    });
  });

  test.each([
    ['app', 'abcde'],
    ['-app', 'edcba'],
    ['created', 'bacde'],
    ['-created', 'edcab'],
    ['action', 'cbaed'],
    ['-client_ip,app', 'cdeab'],
    ['nonsense', 'edcab'],
  ])('AK-ORDER-1 ordering=%s', async (ordering, found) => {
    expect(await apps({ ordering })).toBe(found);
  });

  test('AK-LIST-5 events of other doors are listed: the actor as user, the payload as context', async () => {
    const workspace = await gateway.workspace();
    await gateway.data(
      `mutation($slug: String!) {
        recordEvent(input: { workspace: $slug, event: {
          id: "not a uuid", type: "user.signup", actor: "eve", payload: { plan: "pro" }
        } }) { receipt { status } }
      }`,
      { slug: workspace.slug },
    );
    const other = apiOf(workspace.key);
    const { results } = await other.eventsEventsList({
      username: 'eve',
      actions: ['user.signup' as EventActions],
    });
    expect(results).toMatchObject([
      {
        action: 'user.signup',
        app: 'graphql',
        user: { username: 'eve' },
        context: { plan: 'pro' },
        brand: {},
      },
    ]);
    expect(await other.eventsEventsRetrieve({ eventUuid: results[0]!.pk })).toEqual(results[0]);
  });
});

describe('counts', () => {
  test('AK-ACTIONS-1 every action of the client is listed with its label', async () => {
    const actions = await api.eventsEventsActionsList();
    expect(actions).toHaveLength(38);
    expect(actions[1]).toEqual({
      ...{ name: 'Login Failed', description: '', component: 'login_failed', modelName: '' },
    });
  });

  test('AK-TOP-1 top_per_user counts events and users of each application, the most first', async () => {
    const [grafana, wiki] = [
      { pk: 'g', name: 'Grafana' },
      { pk: 'w', name: 'Wiki' },
    ];
    const used = (application: object | null, pk: number) => ({
      ...{ action: 'authorize_application' as const, app: 'a', user: { pk } },
      context: { authorized_application: application },
    });
    const { api: own } = await withEvents([
      ...[used(wiki, 1), used(grafana, 1), used(grafana, 2), used(grafana, 2), used(null, 3)],
      { ...used(wiki, 1), action: 'login' },
    ]);
    expect(await own.eventsEventsTopPerUserList({ action: 'authorize_application' })).toEqual([
      { application: grafana, countedEvents: 3, uniqueUsers: 2 },
      { application: wiki, countedEvents: 1, uniqueUsers: 1 },
    ]);
    expect(await own.eventsEventsTopPerUserList({ topN: 1 })).toEqual([
      { application: wiki, countedEvents: 1, uniqueUsers: 1 },
    ]);
  });

  test('AK-VOLUME-1 volume counts actions in six hours of UTC, in order of time and action', async () => {
    const { api: own } = await withEvents([
      ...(['logout', 'login', 'login'] as const).map(action => ({ action, app: 'a' })),
    ]);
    const volume = await own.eventsEventsVolumeList({ historyDays: 1 });
    expect(volume.map(({ action, count }) => [action, count])).toEqual([
      ['login', 2],
      ['logout', 1],
    ]);
    expect(volume[0]!.time.getTime() % (6 * 3_600_000)).toBe(0);
    expect(await own.eventsEventsVolumeList({ actions: ['logout'] })).toHaveLength(1);
    expect((await call('GET', `${EVENTS}volume/?history_days=x`)).json).toEqual({
      history_days: ['A valid integer is required.'],
    });
  });

  test('AK-VOLUME-2 volume is the same from rollups, for actions alone, and from events', async () => {
    const { api: own } = await withEvents(
      (['login', 'logout', 'login'] as const).map(action => ({ action, app: 'volumes' })),
    );
    const counts = async (asked: object) =>
      (await own.eventsEventsVolumeList(asked)).map(({ action, time, count }) => {
        return { action, time: time.toISOString(), count };
      });
    const all = await counts({});
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(await counts({ search: 'volumes' })).toEqual(all);
    expect(await counts({ actions: ['login', 'logout'], historyDays: 60 })).toEqual(all);
  });

  test('AK-STATS-1 stats counts back from now and the users of all', async () => {
    const { api: own } = await withEvents(
      [1, 2, 2].map(pk => ({ action: 'login', app: 'a', user: { pk } })),
    );
    const stats = await own.eventsEventsStatsRetrieve({
      countSteps: ['hours=24', 'days=7;hours=1', 'seconds=-5'],
    });
    expect(stats).toEqual({
      uniqueUsers: 2,
      countStep: { hours24: 3, 'days7;hours1': 3, 'seconds-5': 0 },
    });
  });

  test('AK-STATS-2 a wrong step is told under its index, a missing one as required', async () => {
    const wrong = await call('GET', `${EVENTS}stats/?count_steps=24d&count_steps=hours%3D1`);
    expect([wrong.status, wrong.json]).toEqual([
      400,
      { count_steps: { 0: ["24d is not in the correct format of 'hours=3;minutes=1'."] } },
    ]);
    expect((await call('GET', `${EVENTS}stats/`)).json).toEqual({
      count_steps: ['This field is required.'],
    });
  });
});

describe('export', () => {
  test('AK-EXPORT-1 an export is made, found at its Location, and its file downloaded with the key', async () => {
    const { api: own, key: ownKey } = await withEvents([
      { action: 'login', app: 'a', user: { username: 'ada' } },
      { action: 'logout', app: 'b' },
      { action: 'login', app: 'c' },
    ]);
    const made = await own.eventsEventsExportCreateRaw({ actions: ['login'] });
    const asked = await made.value();
    const { id, fileUrl, completed, queryParams, contentType } = asked;
    expect([made.raw.status, completed, queryParams]).toEqual([201, true, { actions: 'login' }]);
    expect(contentType.fullyQualifiedModel).toBe('authentik_events.event');
    expect(made.raw.headers.get('location')).toBe(`/api/v3/reports/exports/${id}/`);
    await own.eventsEventsCreate({ eventRequest: { action: 'login', app: 'too late' } });

    const reports = new ReportsApi(configuration(ownKey));
    expect(await reports.reportsExportsRetrieve({ id })).toEqual(asked);
    const file = await fetch(fileUrl, { headers: { authorization: `Bearer ${ownKey}` } });
    expect(file.headers.get('content-disposition')).toBe(
      `attachment; filename="events-${id}.ndjson"`,
    );
    const lines = (await file.text())
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { app: string });
    expect(lines.map(({ app }) => app)).toEqual(['a', 'c']);
    expect((await fetch(fileUrl)).status).toBe(403);
    expect((await fetch(fileUrl, { headers: { authorization: `Bearer ${key}` } })).status).toBe(
      404,
    );
  });

  test('AK-EXPORT-2 a file longer than a page of the log is whole, and holds each event once', async () => {
    const workspace = await gateway.workspace();
    const events = Array.from({ length: 1_203 }, (_, index) => ({
      type: 'bulk',
      source: String(index),
    }));
    await gateway.data(
      `mutation($slug: String!, $events: [EventInput!]!) {
        recordEvents(input: { workspace: $slug, events: $events }) { recordedCount }
      }`,
      { slug: workspace.slug, events },
    );
    const { fileUrl } = await apiOf(workspace.key).eventsEventsExportCreate();
    const file = await fetch(fileUrl, { headers: { authorization: `Bearer ${workspace.key}` } });
    const lines = (await file.text()).trimEnd().split('\n');
    expect(lines.map(line => (JSON.parse(line) as { app: string }).app)).toEqual(
      events.map(({ source }) => source),
    );
  });

  test('AK-EXPORT-3 an event that only looks like an export is none', async () => {
    const { pk } = await api.eventsEventsCreate({
      eventRequest: {
        action: 'export_ready',
        app: 'sluice.exports',
        context: { export: { query: '' } },
      },
    });
    expect((await call('GET', `/api/v3/reports/exports/${pk}/`)).status).toBe(404);
  });
});

describe('what is not rewritten', () => {
  test.each(['PUT', 'PATCH'])('AK-WRITE-1 %s is 405', async method => {
    const { pk } = await api.eventsEventsCreate({ eventRequest: { action: 'login', app: 'a' } });
    const { status, json, headers } = await call(method, `${EVENTS}${pk}/`, { body: {} });
    expect([status, json]).toEqual([405, { detail: `Method "${method}" not allowed.` }]);
    expect(headers.get('allow')).toBe('GET, DELETE, HEAD, OPTIONS');
  });

  test('AK-DELETE-1 DELETE redacts: 204, and the event is 404 here and empty elsewhere', async () => {
    const { pk } = await api.eventsEventsCreate({
      eventRequest: { action: 'secret_view', app: 'a', user: { username: 'ada' } },
    });
    const refused = await call('DELETE', `${EVENTS}${pk}/`);
    expect([refused.status, refused.json]).toEqual([
      403,
      { detail: 'You do not have permission to perform this action.' },
    ]);
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) {
        createApiKey(input: { name: "admin", workspace: $slug, scopes: [ADMIN] }) { secret }
      }`,
      { slug },
    );
    const admin = { key: createApiKey.secret };
    const gone = await call('DELETE', `${EVENTS}${pk}/`, admin);
    expect([gone.status, gone.text]).toEqual([204, '']);
    for (const method of ['GET', 'DELETE']) {
      expect(await call(method, `${EVENTS}${pk}/`, admin)).toMatchObject({
        ...{ status: 404, json: { detail: 'No Event matches the given query.' } },
      });
    }
    expect((await api.eventsEventsList({ actions: ['secret_view'] })).results).toEqual([]);
  });
});

describe('credentials and paths', () => {
  test('AK-AUTH-1 no credential, a wrong one and another scheme are 403, each in its words', async () => {
    const answers = await Promise.all([
      call('GET', EVENTS, { key: null }),
      call('GET', EVENTS, { key: 'nope' }),
      call('GET', EVENTS, { key: null, headers: { authorization: 'Basic YTpi' } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers.map(({ json }) => json?.['detail'])).toEqual([
      'Authentication credentials were not provided.',
      'Token invalid/expired',
      'Unsupported authentication type',
    ]);
  });

  test('AK-AUTH-2 a key of every workspace is refused where there are several', async () => {
    const { status, json } = await call('GET', EVENTS, { key: ADMIN_KEY });
    expect([status, JSON.stringify(json)]).toEqual([
      400,
      expect.stringMatching(/The key covers several workspaces\. Name one of them: default, /),
    ]);
  });

  test('AK-AUTH-3 a key without the scope is 403 in the vendor’s words', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) {
        createApiKey(input: { name: "w", workspace: $slug, scopes: [EVENTS_WRITE] }) { secret }
      }`,
      { slug },
    );
    const { status, json } = await call('GET', EVENTS, { key: createApiKey.secret });
    expect([status, json]).toEqual([
      ...[403, { detail: 'You do not have permission to perform this action.' }],
    ]);
  });

  test('AK-AUTH-4 another workspace’s event is not there', async () => {
    const { pk } = await api.eventsEventsCreate({ eventRequest: { action: 'login', app: 'a' } });
    const other = await gateway.workspace();
    expect(await refusal(apiOf(other.key).eventsEventsRetrieve({ eventUuid: pk }))).toEqual({
      ...{ status: 404, body: { detail: 'No Event matches the given query.' } },
    });
    expect((await call('DELETE', `${EVENTS}${pk}/`, { key: ADMIN_KEY })).status).toBe(400);
  });

  test('AK-PATH-1 two slashes after the base, and none at the end, are the same path', async () => {
    for (const path of [
      '/api/v3//events/events/',
      '/api/v3/events/events',
      '/api/v3//events/events',
    ]) {
      expect((await call('GET', path)).status, path).toBe(200);
    }
  });

  test('AK-PATH-2 literal names win over an id, whatever the method', async () => {
    for (const [method, name] of [
      ['GET', 'export'],
      ['POST', 'stats'],
    ] as const) {
      const { status, json } = await call(method, `${EVENTS}${name}/`);
      expect([status, json]).toEqual([405, { detail: `Method "${method}" not allowed.` }]);
    }
  });

  test('AK-PATH-3 404, 413 and 415 have the vendor’s shape', async () => {
    expect(await call('GET', '/api/v3/core/users/')).toMatchObject({
      status: 404,
      json: { detail: 'Not found.' },
    });
    const headers = { 'content-type': 'text/plain' };
    expect(await call('POST', EVENTS, { body: 'x', headers })).toMatchObject({
      ...{ status: 415, json: { detail: 'Unsupported media type "text/plain" in request.' } },
    });
    expect(await call('POST', EVENTS, { body: ' '.repeat(11_000_000) })).toMatchObject({
      ...{ status: 413, json: { detail: expect.any(String) } },
    });
  });

  test('AK-PATH-4 HEAD answers without a body, OPTIONS says what is allowed', async () => {
    expect(await call('HEAD', EVENTS)).toMatchObject({ status: 200, text: '' });
    expect((await call('OPTIONS', EVENTS)).headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS');
  });
});
