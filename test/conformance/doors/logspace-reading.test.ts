/** One row for each MUST of HQ's reading side and of its orders, with a stable id. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
/** Of the space `default`. */
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation { createApiKey(input: {
      name: "controllers", workspace: "default", scopes: [EVENTS_READ, EVENTS_WRITE]
    }) { secret } }`,
  );
  token = createApiKey.secret;
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

interface Space {
  readonly slug: string;
  readonly key: string;
}

async function call(
  path: string,
  body?: unknown,
  { key = token, method = 'POST', headers = {} } = {},
) {
  const sent = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(gateway.url + path, {
    method: sent === null ? (method === 'POST' ? 'GET' : method) : method,
    ...(sent === null ? {} : { body: sent }),
    headers: { 'logspace.space-token': key, ...headers },
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? (JSON.parse(text) as unknown) : null,
  };
}

async function space(...bodies: unknown[]): Promise<Space> {
  const made = await gateway.workspace();
  for (const body of bodies) {
    const answer = await call('/events', body, { key: made.key, method: 'PUT' });
    expect(answer.status).toBe(202);
  }
  return made;
}

function event(id: string, second: number, fields: Record<string, unknown> = {}) {
  const timestamp = new Date(Date.UTC(2020, 0, 1, 0, 0, second)).toISOString();
  return { id, type: 'os/cpu', system: 'host', 'agent-id': 'cpu', timestamp, ...fields };
}

interface EventPage {
  readonly totalCount: number;
  readonly nextCursorMark: string;
  readonly events: readonly { id: string }[];
}

async function idsOf(elements: unknown[], { key }: Space): Promise<string[]> {
  const { status, json, text } = await call('/events?count=1000', { elements }, { key });
  expect(status, text).toBe(200);
  return (json as EventPage).events.map(({ id }) => id);
}

describe('retrieval', () => {
  let own: Space;
  beforeAll(async () => {
    own = await space(
      [
        event('a', 1, { 'double-properties': { n: [0.5, 2.5] } }),
        event('b', 1, { 'integer-properties': { n: 3 }, marker: 'm', pid: 'p', gid: 'g' }),
        event('d', 3, {
          'string-properties': { n: '3', s: ['x', 'y'] },
          'boolean-properties': { ok: true },
          'date-properties': { at: '2015-05-18T14:07:00Z' },
          system: 'other|host',
          'agent-id': 'mem',
        }),
      ],
      JSON.stringify([event('c', 2)]).replace(
        '}]',
        ',"long-properties":{"n":[9007199254740993]}}]',
      ),
      [{ ...event('e', 4), type: undefined }],
      '[{"id":"f","type":"t","system":"host","agent-id":"cpu","timestamp":"2020-01-01T00:00:05Z","float-properties":{"n":[NaN,Infinity]}}]',
    );
  });

  test('LS-READ-01: events come by timestamp and id, ten by default', async () => {
    const { json } = await call('/events', '', { key: own.key });
    expect(json).toMatchObject({ totalCount: 6 });
    expect((json as EventPage).events.map(({ id }) => id).join('')).toBe('abcdef');
    const got = await call('/api/events?count=2', undefined, { key: own.key });
    expect((got.json as EventPage).events.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('LS-READ-02: the mark leads on, and is the one that was sent at the end', async () => {
    const seen: string[] = [];
    let mark = '*';
    for (let round = 0; round < 10; round++) {
      const { json } = await call(`/events?count=2&cursor=${encodeURIComponent(mark)}`, {}, own);
      const page = json as EventPage;
      expect(page.totalCount).toBe(6);
      seen.push(...page.events.map(({ id }) => id));
      if (page.nextCursorMark === mark) break;
      mark = page.nextCursorMark;
    }
    expect(seen.join('')).toBe('abcdef');
    const empty = await call('/events', {}, { key: (await space()).key });
    expect(empty.json).toEqual({ totalCount: 0, nextCursorMark: '*', events: [] });
  });

  test.each([
    [
      'count=x',
      'UNPARSABLE_PARAMETER_VALUE',
      "Could not parse 'x' as value for parameter 'count'.",
    ],
    [
      'count=1001',
      'INVALID_PARAMETER_VALUE',
      "Invalid value '1001' for parameter 'count'. It is above the allowed maximum of 1000",
    ],
    [
      'count=-1',
      'INVALID_PARAMETER_VALUE',
      "Invalid value '-1' for parameter 'count'. It is below the allowed minimum of 0",
    ],
    ['cursor=foo', 'INVALID_PARAMETER_VALUE', null],
  ])('LS-READ-03: %s is refused in HQ’s words', async (query, type, message) => {
    const { status, json } = await call(`/events?${query}`, {}, own);
    expect([status, json]).toMatchObject([400, { type, parameters: {} }]);
    if (message !== null) expect(json).toMatchObject({ message });
  });

  const value = (property: string, of: unknown) => [{ property, value: of }];
  test.each<[string, unknown[] | (() => unknown[]), string]>([
    ['id', value('id', 'c'), 'c'],
    ['ids, any', [{ property: 'id', values: ['a', 'c', 'x'], operator: 'OR' }], 'ac'],
    ['ids, all', [{ property: 'id', values: ['a', 'c'], operator: 'AND' }], ''],
    ['space', () => value('space', own.slug), 'abcdef'],
    ['another space', value('space', 'other'), ''],
    ['system', value('system', 'host'), 'abcef'],
    ['agent', value('agent_id', 'mem'), 'd'],
    ['global agent', () => value('global_agent_id', `${own.slug}|other|host|mem`), 'd'],
    ['global agent of another space', value('global_agent_id', 'x|host|cpu'), ''],
    ['type, which e has not', value('type', 'os/cpu'), 'abcd'],
    ['the type that stands in for none', value('type', 'cpu'), ''],
    ['marker', value('marker', 'm'), 'b'],
    ['parent', value('parent_id', 'p'), 'b'],
    ['global id', value('global_id', 'g'), 'b'],
    ['timestamp', value('timestamp', '2020-01-01T00:00:01Z'), 'ab'],
    [
      'time, inclusive',
      [{ property: 'timestamp', from: '2020-01-01T00:00:02Z', to: '2020-01-01T00:00:04.000Z' }],
      'cde',
    ],
    ['time, open', [{ property: 'timestamp', from: ' ', to: '2020-01-01T00:00:02Z' }], 'abc'],
    ['property', value('property_id', 'double_property_n'), 'a'],
    [
      'properties, any',
      [
        {
          property: 'property_id',
          values: ['double_property_n', 'long_property_n'],
          operator: 'OR',
        },
      ],
      'ac',
    ],
    [
      'properties, all',
      [
        {
          property: 'property_id',
          values: ['string_property_n', 'string_property_s'],
          operator: 'AND',
        },
      ],
      'd',
    ],
    ['integer, not the others of its name', value('integer_property_n', 3), 'b'],
    ['double, any of its values', value('double_property_n', 2.5), 'a'],
    ['double, both', [{ property: 'double_property_n', values: [0.5, 2.5], operator: 'AND' }], 'a'],
    ['double, range', [{ property: 'double_property_n', from: 0.5, to: 1 }], 'a'],
    ['float that is no number', value('float_property_n', 'NaN'), 'f'],
    ['string', value('string_property_n', '3'), 'd'],
    ['string, range', [{ property: 'string_property_s', from: 'y' }], 'd'],
    ['string, exists', value('string_property_s', ''), 'd'],
    ['boolean', value('boolean_property_ok', true), 'd'],
    ['date', value('date_property_at', '2015-05-18T16:07:00+02:00'), 'd'],
    ['date, range', [{ property: 'date_property_at', to: '2015-05-18T14:06:59Z' }], ''],
    [
      'all elements',
      [...value('system', 'host'), ...value('timestamp', '2020-01-01T00:00:01Z')],
      'ab',
    ],
  ])('LS-FILTER-01: filters by %s', async (_, elements, expected) => {
    const given = typeof elements === 'function' ? elements() : elements;
    expect((await idsOf(given, own)).join('')).toBe(expected);
  });

  test('LS-FILTER-02: a long is compared with every digit', async () => {
    const filter = (digits: string) =>
      `{"elements":[{"property":"long_property_n","value":${digits}}]}`;
    const count = async (digits: string) =>
      ((await call('/events', filter(digits), own)).json as EventPage).totalCount;
    expect(await count('9007199254740993')).toBe(1);
    expect(await count('9007199254740992')).toBe(0);
  });

  test.each([
    [{ elements: [{ property: 'nonsense', value: 1 }] }],
    [{ elements: [{ property: 'long_property_n', value: 'x' }] }],
    [{ elements: [{ property: 'id', values: ['a'] }] }],
    [{ elements: [{ property: 'timestamp', from: 'yesterday' }] }],
    [{ elements: [{ property: 'id', value: '\u0000' }] }],
    [{ elements: [{ property: 'string_property_\ud800', value: 'x' }] }],
    [{ elements: 'x' }],
  ])('LS-FILTER-03: %j is refused with 400', async filter => {
    const { status, json } = await call('/events', filter, own);
    expect([status, json]).toMatchObject([400, { parameters: {} }]);
  });

  test('LS-STREAM-01: the stream is a bare array in the order of time', async () => {
    const all = await call('/event-stream?count=2147483647', {}, own);
    expect((all.json as { id: string }[]).map(({ id }) => id).join('')).toBe('abcdef');
    const some = await call('/api/event-stream?offset=1&count=3', '', own);
    expect((some.json as { id: string }[]).map(({ id }) => id).join('')).toBe('bcd');
    expect((await call('/event-stream?count=0', {}, own)).text).toBe('[]');
  });

  test('LS-STREAM-02: a stream of many pages shows each event once', async () => {
    const many = Array.from({ length: 1_300 }, (_, n) =>
      event(`e${String(n).padStart(5, '0')}`, n >> 6),
    );
    const { key } = await space(many);
    const { json } = await call('/event-stream?count=1200', {}, { key });
    expect((json as { id: string }[]).map(({ id }) => id)).toEqual(
      many.slice(0, 1_200).map(({ id }) => id),
    );
  });
});

describe('time series', () => {
  let own: Space;
  const body = (series: object, window = {}) => ({
    definitions: [
      {
        timeWindow: {
          start: '2020-01-01T00:00:00Z',
          end: '2020-01-01T00:00:04Z',
          gap: 1,
          ...window,
        },
        globalAgentId: `${own.slug}|host|cpu`,
        ...series,
      },
    ],
  });
  const dataOf = async (series: object, window = {}) => {
    const { json, text, status } = await call('/time-series', body(series, window), own);
    expect(status, text).toBe(200);
    return (json as { data: unknown[][] }).data[0];
  };
  beforeAll(async () => {
    own = await space(
      [
        event('1', 0, {
          'double-properties': { x: [1, 2] },
          'date-properties': { d: '2015-01-01T00:00:00Z' },
        }),
        event('2', 0, {
          'double-properties': { x: 6 },
          'date-properties': { d: '2015-01-03T00:00:00Z' },
        }),
        event('3', 2, { 'double-properties': { x: 0.5 }, marker: 'm' }),
        event('4', 2, { 'long-properties': { x: 5 } }),
        event('5', 3, { 'agent-id': 'mem', 'double-properties': { x: 100 } }),
        event('6', 4, { 'double-properties': { x: 7 } }),
      ],
      '[{"id":"7","system":"host","agent-id":"cpu","timestamp":"2020-01-01T00:00:01Z","long-properties":{"l":9223372036854775807}}]',
    );
  });

  test.each([
    ['count', [2, 0, 1, 0]],
    ['max', [6, null, 0.5, null]],
    ['min', [1, null, 0.5, null]],
    ['avg', [3, null, 0.5, null]],
    ['sum', [9, null, 0.5, null]],
  ])('LS-SERIES-01: %s of a double, one value a gap', async (aggregate, expected) => {
    expect(await dataOf({ propertyId: 'double_property_x', aggregate })).toEqual(expected);
  });

  test('LS-SERIES-02: dates have count, min, max and avg; longs keep every digit', async () => {
    const date = (aggregate: string) =>
      dataOf({ propertyId: 'date_property_d', aggregate }, { gap: 4 });
    expect(await date('min')).toEqual(['2015-01-01T00:00:00.000Z']);
    expect(await date('avg')).toEqual(['2015-01-02T00:00:00.000Z']);
    const { text } = await call(
      '/time-series',
      body({ propertyId: 'long_property_l', aggregate: 'max' }),
      own,
    );
    expect(text).toContain('[null,9223372036854775807,null,null]');
  });

  test('LS-SERIES-03: the window is told back, and elements on one property are alternatives', async () => {
    const filter = {
      elements: [
        { property: 'id', value: '1' },
        { property: 'id', value: '3' },
      ],
    };
    const { json } = await call(
      '/api/time-series',
      body({ propertyId: 'double_property_x', aggregate: 'count', filter }),
      own,
    );
    expect(json).toEqual({
      timeWindow: { start: '2020-01-01T00:00:00.000Z', end: '2020-01-01T00:00:04.000Z', gap: 1 },
      data: [[1, 0, 1, 0]],
    });
  });

  test('LS-SERIES-05: several definitions are answered in their order, with the window of the last', async () => {
    const [count] = body({ propertyId: 'double_property_x', aggregate: 'count' }).definitions;
    const [max] = body({ propertyId: 'long_property_x', aggregate: 'max' }, { gap: 2 }).definitions;
    const { json } = await call('/time-series', { definitions: [count, max] }, own);
    expect(json).toMatchObject({
      timeWindow: { gap: 2 },
      data: [
        [2, 0, 1, 0],
        [null, 5],
      ],
    });
  });

  test.each([
    [
      {},
      { end: '2020-01-01T00:00:00Z' },
      { start: '2020-01-01T00:00:00.000Z', end: '2020-01-01T00:00:00.000Z' },
    ],
    [{}, { end: '2020-01-01T02:46:41Z' }, { 'requested-values': 10_001, 'max-values': 10_000 }],
    [
      { propertyId: 'string_property_x' },
      {},
      { 'property-type': 'STRING', 'illegal-aggregate': 'max', 'allowed-aggregates': ['count'] },
    ],
  ])('LS-SERIES-04: %j in %j is INVALID_DATA_DEFINITION', async (series, window, parameters) => {
    const sent = body({ propertyId: 'double_property_x', aggregate: 'max', ...series }, window);
    const { status, json } = await call('/time-series', sent, own);
    expect([status, json]).toMatchObject([400, { type: 'INVALID_DATA_DEFINITION', parameters }]);
  });

  test('LS-DOWNLOAD-01: the events behind a series come as CSV to be saved', async () => {
    const answer = await call(
      '/download',
      body({ propertyId: 'double_property_x', aggregate: 'count' }),
      own,
    );
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename=Events.csv');
    expect(answer.headers.get('content-type')).toBe('text/csv;charset=UTF-8');
    expect(answer.text.split('\r\n')).toEqual([
      'id;type;system;agent-id;timestamp;pid;gid;marker;;date_property_d;double_property_x;',
      '1;os/cpu;host;cpu;2020-01-01T00:00:00.000Z;;;;;2015-01-01T00:00:00.000Z;1,2;',
      '2;os/cpu;host;cpu;2020-01-01T00:00:00.000Z;;;;;2015-01-03T00:00:00.000Z;6;',
      '3;os/cpu;host;cpu;2020-01-01T00:00:02.000Z;;;m;;;0.5;',
      '',
    ]);
  });
});

describe('agents', () => {
  test('LS-ACTIVITY-01: the most active agents of the last minutes, with their history', async () => {
    const now = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
    const { key, slug } = await space([
      event('1', 0, { timestamp: now(10) }),
      event('2', 0, { timestamp: now(20) }),
      event('3', 0, { timestamp: now(50), 'agent-id': 'mem' }),
      event('4', 0, { timestamp: now(600), 'agent-id': 'mem' }),
    ]);
    const { json } = await call('/agent-activity?duration=60&steps=2', undefined, { key });
    expect(json).toEqual({
      offset: 0,
      totalCount: 2,
      maxHistoryValue: 2,
      agentActivities: [
        { globalAgentId: `${slug}|host|cpu`, eventCount: 2, history: [0, 2] },
        { globalAgentId: `${slug}|host|mem`, eventCount: 1, history: [1, 0] },
      ],
    });
    const second = await call('/agent-activity?start=1&count=1&sort=count%20asc', undefined, {
      key,
    });
    expect(second.json).toMatchObject({
      offset: 1,
      totalCount: 2,
      agentActivities: [{ eventCount: 2, history: { length: 50 } }],
    });
    for (const query of ['duration=59', 'duration=60&steps=61', 'count=0', 'sort=x']) {
      expect((await call(`/agent-activity?${query}`, undefined, { key })).status).toBe(400);
    }
  });

  test('LS-SUGGEST-01: agents and properties from events and capabilities', async () => {
    const own = await space([event('1', 0, { 'double-properties': { load_now: 1 } })]);
    const capable = await call(
      '/capabilities/c1',
      {
        id: 'c1',
        system: 'host2',
        'agent-capabilities': [
          {
            id: 'jvm',
            'property-descriptions': [
              { name: 'heap', 'property-type': 'LONG', units: [{ name: 'MB', factor: 1048576 }] },
            ],
          },
        ],
      },
      { ...own, method: 'PUT' },
    );
    expect(capable.status).toBe(202);
    const load = { id: 'double_property_load_now', name: 'load_now' };
    const { json } = await call('/suggestion', { text: 'NOW' }, own);
    expect(json).toEqual({
      executionTime: expect.any(Number) as number,
      spaces: [{ id: own.slug, name: own.slug }],
      systems: [{ id: 'host', name: 'host' }],
      propertyNames: [load],
      agentDescriptions: [
        {
          globalId: `${own.slug}|host|cpu`,
          name: 'cpu',
          space: own.slug,
          system: 'host',
          propertyDescriptions: [{ ...load, propertyType: 'DOUBLE', units: [] }],
        },
      ],
    });
    const bySystem = await call('/suggestion?system=host2', undefined, own);
    expect(bySystem.json).toMatchObject({
      agentDescriptions: [
        {
          name: 'jvm',
          propertyDescriptions: [
            { id: 'long_property_heap', units: [{ name: 'MB', factor: 1048576 }] },
          ],
        },
      ],
    });
  });
});

test('LS-SUGGEST-02: by property, agent and space, with the parameters of GET', async () => {
  const own = await space([
    event('1', 0, { 'double-properties': { load_now: 1 } }),
    event('2', 0, { 'agent-id': 'mem', 'long-properties': { free: 1 } }),
  ]);
  const agents = async (query: string) => {
    const { json } = await call(`/suggestion?${query}`, undefined, own);
    const found = json as { agentDescriptions: readonly { name: string }[] };
    return found.agentDescriptions.map(({ name }) => name).sort();
  };
  expect(await agents('')).toEqual(['cpu', 'mem']);
  expect(await agents('property=long_property_free')).toEqual(['mem']);
  expect(await agents(`space=${own.slug}&input=me`)).toEqual(['mem']);
  expect(await agents('space=another')).toEqual([]);
});

describe('orders', () => {
  test('LS-ORDER-01: a controller nobody knows gets the vendor’s agents, with Last-Modified', async () => {
    const { status, headers, text } = await call('/orders/c', undefined, {
      headers: { 'If-Modified-Since': '' },
    });
    expect(status).toBe(200);
    expect(new Date(headers.get('last-modified')!).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(text).toMatch(
      /^\{"agent-orders":\[\{"id":"os\/cpu","trigger-type":"scheduler","trigger-parameter":"0 \* \* \* \* \?"\}.*\],"commit-max-seconds":60\}$/,
    );
  });

  test('LS-ORDER-02: agents that a controller names are let run; unchanged is 304', async () => {
    const { key } = await space();
    const capabilities = {
      id: 'c 1',
      system: 'host',
      'agent-capabilities': [
        { id: 'a', type: 't', 'trigger-types': ['Scheduler', 'Off'], 'property-descriptions': [] },
        { id: 'b', type: 't', 'trigger-types': ['Application', 'Off'] },
      ],
    };
    const put = (body: object) => call('/api/capabilities/c%201', body, { key, method: 'PUT' });
    const order = (since = '') =>
      call('/api/orders/c%201', undefined, { key, headers: { 'If-Modified-Since': since } });
    expect((await put(capabilities)).status).toBe(202);
    const first = await order();
    expect(first.json).toEqual({
      'agent-orders': [
        { id: 'a', 'trigger-type': 'scheduler', 'trigger-parameter': '0 * * * * ?' },
        { id: 'b', 'trigger-type': 'application' },
      ],
      'commit-max-seconds': 60,
    });
    const seen = first.headers.get('last-modified')!;
    expect(await order(seen)).toMatchObject({ status: 304, text: '' });
    await put(capabilities);
    expect((await order(seen)).status).toBe(304);
    await put({ ...capabilities, 'agent-capabilities': [] });
    expect(await order(seen)).toMatchObject({ status: 200, json: { 'agent-orders': [] } });
  });

  test('LS-ORDER-03: a controller that has an order keeps it when the gateway has started anew', async () => {
    const headers = { 'If-Modified-Since': 'Mon, 18 May 2015 14:07:00 GMT' };
    expect((await call('/orders/unknown', undefined, { headers })).status).toBe(304);
  });

  test('LS-ORDER-04: an id that differs from the path is INVALID_CONTROLLER_ID', async () => {
    const { status, json } = await call('/capabilities/x', { id: 'y' }, { method: 'PUT' });
    expect([status, json]).toMatchObject([
      400,
      { type: 'INVALID_CONTROLLER_ID', parameters: { 'controller-id': 'y' } },
    ]);
  });

  test('LS-ORDER-05: the operator’s order counts, and who has none gets ORDER_NOT_FOUND', async () => {
    const { logspaceOrder } = readConfig({
      SLUICE_LOGSPACE_ORDER: '{"c1":[{"trigger-type":"OFF","id":"a"}]}',
    });
    await using set = await startTestGateway({ config: { logspaceOrder } });
    const headers = { 'logspace.space-token': ADMIN_KEY };
    const found = await fetch(`${set.url}/orders/c1`, { headers });
    expect(await found.text()).toBe(
      '{"agent-orders":[{"id":"a","trigger-type":"OFF"}],"commit-max-seconds":60}',
    );
    const none = await fetch(`${set.url}/orders/c2`, { headers });
    expect([none.status, await none.json()]).toEqual([
      404,
      {
        type: 'ORDER_NOT_FOUND',
        message: "There is no order for controller with ID 'c2'.",
        parameters: { 'controller-id': 'c2' },
      },
    ]);
  });
});
