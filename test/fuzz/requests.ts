/** What is sent: operations by every way in, and requests to doors that are mutated on the wire. */
import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { ASKS, canonical, credentialOf, ROUTES, withKey } from '../e2e/isolation/routes.ts';
import type { Place } from '../e2e/isolation/world.ts';
import { ADMIN_KEY } from '../kit/key.ts';
import { logsRequest } from '../unit/doors/otlp-proto.ts';
import type { Dice } from './dice.ts';
import { operation, type Operation } from './operations.ts';
import type { Known } from './values.ts';
import * as values from './values.ts';

export interface HttpInput {
  readonly kind: 'graphql' | 'door';
  method: string;
  /** With the query. */
  path: string;
  /** Several values: the header comes several times. */
  readonly headers: Record<string, string | string[]>;
  body: Buffer | null;
}

/** All that is written to a socket. */
export interface RawInput {
  readonly kind: 'raw';
  readonly bytes: Buffer;
}

export interface WebSocketInput {
  readonly kind: 'websocket';
  readonly messages: readonly (string | Buffer)[];
}

export type Input = HttpInput | RawInput | WebSocketInput;

export function input(dice: Dice, known: Known): Input {
  const sort = dice.below(100);
  if (sort < 45) return graphqlOverHttp(dice, known);
  if (sort < 81) return doorRequest(dice, known);
  if (sort < 85) return mcpRequest(dice, known);
  if (sort < 93) return webSocket(dice, known);
  const { method, path, headers, body } =
    sort < 96 ? graphqlOverHttp(dice, known) : doorRequest(dice, known);
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map(each => `${name}: ${each}`),
  );
  const length = body === null ? [] : [`content-length: ${body.length}`];
  const target = dice.chance(5) ? `http://localhost${path}` : path;
  const head = [`${method} ${target} HTTP/1.1`, 'host: localhost', ...lines, ...length];
  const end = dice.chance(10) ? dice.of(['\n', '\r', '\n\r', '\r\r\n']) : '\r\n';
  const whole = [Buffer.from(`${head.join(end)}${end}${end}`, 'latin1'), body ?? Buffer.alloc(0)];
  return { kind: 'raw', bytes: mutated(dice, Buffer.concat(whole)) };
}

/** A short telling, for a report. */
export function describeInput(given: Input): string {
  if (given.kind === 'raw') return `raw ${shown(given.bytes)}`;
  if (given.kind === 'websocket') return `websocket ${given.messages.map(shown).join('\n')}`;
  const { method, path, headers, body } = given;
  return `${method} ${path}\n${JSON.stringify(headers)}\n${body === null ? '' : shown(body)}`;
}

function shown(bytes: string | Buffer): string {
  const text = JSON.stringify(bytes.toString('latin1'));
  return text.length > 3_000 ? `${text.slice(0, 3_000)}… (${bytes.length} bytes)` : text;
}

const bearer = { authorization: `Bearer ${ADMIN_KEY}` };

/** Node refuses heads above 16 KiB, and may close before all of one is written. */
export const HEAD_BYTES_MAX = 14_000;

function graphqlOverHttp(dice: Dice, known: Known): HttpInput {
  const asked = operation(dice, known);
  const wantsStream = asked.kind === 'subscription' ? !dice.chance(10) : dice.chance(8);
  const accept = wantsStream
    ? 'text/event-stream'
    : dice.of(['application/json', 'application/graphql-response+json', '*/*']);
  const headers = { ...bearer, accept };
  const search = new URLSearchParams({ query: asked.query.toWellFormed() });
  if (dice.chance(70)) search.set('variables', values.toWire(asked.variables));
  const path = `/graphql?${search}`;
  const byGet = dice.chance(asked.kind === 'mutation' ? 3 : 20) && path.length < HEAD_BYTES_MAX;
  const made: HttpInput = byGet
    ? { kind: 'graphql', method: 'GET', path, headers, body: null }
    : {
        ...{ kind: 'graphql', method: 'POST', path: '/graphql' },
        headers: { ...headers, 'content-type': 'application/json' },
        body: Buffer.from(values.toWire(parameters(dice, asked))),
      };
  return dice.chance(10) ? spoilt(dice, made) : made;
}

function parameters(dice: Dice, { query, variables }: Operation): unknown {
  const made: Record<string, unknown> = { query, variables };
  if (dice.chance(3)) made[dice.of(['query', 'variables', 'extensions'])] = values.junk(dice);
  if (dice.chance(3)) made['operationName'] = dice.of<unknown>(['Fuzz', 'Nothing', null, 1, '']);
  if (dice.chance(1)) return [made];
  return dice.chance(1) ? values.junk(dice) : made;
}

const TOOL_CALLS: readonly { readonly name: string; readonly arguments: object }[] = [
  { name: 'list_workspaces', arguments: { first: 3 } },
  { name: 'list_event_types', arguments: { workspace: 'fuzz', namePrefix: 'os', search: 'cpu' } },
  { name: 'get_event_type', arguments: { workspace: 'fuzz', name: 'os/cpu' } },
  {
    name: 'query_events',
    arguments: {
      ...{ workspace: 'fuzz', types: ['os/cpu'], order: 'oldest', first: 3, search: 'a' },
      ...{ from: '2026-01-01T00:00:00Z', payload: [{ path: ['n'], greaterThan: 1 }] },
    },
  },
  { name: 'get_event', arguments: { workspace: 'fuzz', eventId: 'ce', children: 3 } },
  {
    name: 'aggregate_events',
    arguments: {
      ...{ workspace: 'fuzz', last: 'P7D', granularity: 'DAY', groupBy: ['TYPE', ['plan']] },
      ...{ timeZone: 'Europe/Vienna', measures: [{ function: 'SUM', payloadPath: ['n'] }] },
    },
  },
  {
    name: 'record_events',
    arguments: { workspace: 'fuzz', events: [{ type: 'mcp', id: 'm', payload: { n: 1 } }] },
  },
];

function mcpRequest(dice: Dice, known: Known): HttpInput {
  const params: { name: string; arguments: Record<string, unknown> } = structuredClone(
    dice.of(TOOL_CALLS),
  ) as never;
  if (dice.chance(20)) params.arguments['after'] = values.nearly(dice, known.cursors);
  const method = dice.of(['tools/call', 'tools/call', 'tools/call', 'tools/list', 'initialize']);
  const made: HttpInput = {
    ...{ kind: 'door', method: 'POST', path: '/mcp' },
    headers: {
      ...{ ...bearer, 'content-type': 'application/json' },
      accept: 'application/json, text/event-stream',
    },
    body: Buffer.from(written(dice, { jsonrpc: '2.0', id: 1, method, params })),
  };
  return dice.chance(25) ? spoilt(dice, made) : made;
}

const PLACE: Place = {
  ...{ slug: 'fuzz', eventId: '0197a000-0000-7000-8000-000000000001', type: 'os/cpu' },
  ...{ ids: {}, cursors: {} },
};

interface Sample {
  readonly body?: unknown;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

const INTERVAL = '2020-01-01T00:00:00.000Z/2030-01-01T00:00:00.000Z';
const TIME = '2026-01-01T00:00:00Z';
const EVENT = { specversion: '1.0', id: 'ce', source: '/fuzz', type: 'fuzz', time: TIME };
const [, AGENT_BATCH = '[]'] = readFileSync(
  new URL('../fixtures/doors/logspace/agent-master.http', import.meta.url),
  'utf8',
).split(/\r?\n\r?\n/);
const AUTHENTIK = JSON.parse(
  readFileSync(new URL('../fixtures/doors/authentik/requests.json', import.meta.url), 'utf8'),
) as object[];
const LOG_RECORD = {
  ...{ timeUnixNano: '1767322245678901234', observedTimeUnixNano: 1, severityNumber: 9 },
  ...{ eventName: 'fuzz', body: { stringValue: 'b' }, spanId: 'eee19b7ec3c1b174', flags: 1 },
  traceId: '5b8efff798038103d269b633813fc60c',
  attributes: [
    { key: 'n', value: { intValue: '9007199254740993' } },
    { key: 'd', value: { doubleValue: 1.5 } },
    { key: 'b', value: { bytesValue: 'AAEC/w==' } },
    { key: 'l', value: { arrayValue: { values: [{ boolValue: true }, {}] } } },
    { key: 'o', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
  ],
};
const RESOURCE = {
  attributes: [{ key: 'service.name', value: { stringValue: 'fuzz' } }],
  entityRefs: [{ type: 'service', idKeys: ['service.name'] }],
};
const LOGS = {
  resourceLogs: [
    {
      resource: RESOURCE,
      schemaUrl: 'https://example.org/1',
      scopeLogs: [{ scope: { name: 's' }, logRecords: [LOG_RECORD, LOG_RECORD] }],
    },
  ],
};
const SEGMENT = {
  ...{ type: 'track', event: 'fuzz', messageId: 'segment', userId: 7, anonymousId: 'a' },
  ...{ timestamp: TIME, sentAt: TIME, context: { ip: '10.0.0.1', library: { name: 'l' } } },
  ...{
    properties: { n: 1.5, l: [1, { a: null }] },
    groupId: 'g',
    previousId: 'p',
    integrations: {},
  },
};
const POSTHOG = {
  ...{ uuid: '0197a000-0000-7000-8000-0000000000aa', event: 'fuzz', distinct_id: 7, offset: 5 },
  ...{ token: ADMIN_KEY, timestamp: TIME, $set: { a: 1 }, $set_once: { b: [null] } },
  properties: { n: 1.5, $lib: 'l', $ip: '10.0.0.1', $session_id: 's', $set: { c: {} } },
};
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const AUDIT = {
  ...{ action: 'fuzz', crud: 'c', created: TIME, source_ip: '10.0.0.1', is_failure: true },
  ...{ group: { id: 'g' }, actor: { id: 'a', fields: { k: 'v' } }, target: { id: 't', type: 'x' } },
  ...{ fields: { a: '1' }, metadata: { b: '2' }, external_id: 'e', component: 'c', version: '1' },
};
const PREDICATE = {
  ...{ type: 'contains-property', system: 'host' },
  ...{ operator: 'and', operands: [{ operator: 'equals', property: 'system', value: 'host' }] },
};

/** Fuller than the table of every route. */
const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  'LOGSPACE PUT /events': [{ body: AGENT_BATCH }],
  'LOGSPACE POST /events': [
    { body: PREDICATE },
    {
      body: { operator: 'equals', property: 'type', value: 'os/cpu' },
      query: '?count=5&form=sent',
    },
  ],
  'LOGSPACE GET /events': [{ query: '?count=10' }, { query: `?cursor=x&count=1` }],
  'LOGSPACE POST /suggestion': [{ body: { property: 'system', input: 'ho' } }],
  'LOGSH POST /api/event': [
    {
      body: {
        ...{ workspace: 'fuzz', event: 'Order', description: 'd', icon: '🔥', notify: true },
        metadata: { total: 1.5, tags: ['a', { b: null }] },
      },
    },
  ],
  'CLOUDEVENTS POST /cloudevents': [
    { body: { ...EVENT, subject: 's', traceparent: '00-a', data: { n: [1, { a: null }] } } },
    { body: [EVENT], headers: { 'content-type': 'application/cloudevents-batch+json' } },
    { body: { ...EVENT, data_base64: 'AAEC/w==', datacontenttype: 'image/png' } },
    {
      body: { total: 3 },
      headers: {
        ...{ 'ce-specversion': '1.0', 'ce-id': 'b', 'ce-source': '/fuzz', 'ce-type': 'fuzz' },
        ...{ 'ce-time': TIME, 'ce-ext': '%C3%BC', 'content-type': 'application/json' },
      },
    },
  ],
  'CLOUDEVENTS GET /cloudevents': [{ query: '?limit=3&workspace=fuzz' }, { query: '?after=x' }],
  'OTLP POST /v1/logs': [
    { body: LOGS, query: '?workspace=fuzz' },
    { body: logsRequest(LOGS), headers: { 'content-type': 'application/x-protobuf' } },
  ],
  'SEGMENT POST /v1/track': [{ body: SEGMENT }, { body: { ...SEGMENT, writeKey: ADMIN_KEY } }],
  'SEGMENT POST /v1/batch': [
    { body: { batch: [SEGMENT, { ...SEGMENT, type: 'group' }], sentAt: TIME, context: { a: 1 } } },
  ],
  'RETRACED POST /publisher/v1/project/:projectId/event': [{ body: AUDIT }],
  'RETRACED POST /publisher/v1/project/:projectId/event/bulk': [{ body: { events: [AUDIT] } }],
  'LOGSNAG POST /v1/log': [
    {
      body: {
        ...{ project: 'fuzz', channel: 'c', event: 'Order', description: 'd', icon: '🔥' },
        ...{ notify: true, user_id: 'u', tags: { total: 1.5 }, timestamp: 1767225600 },
      },
    },
  ],
  'POSTHOG POST /capture': [{ body: POSTHOG, query: '?_=1767225600000&beacon=1' }],
  'POSTHOG POST /batch': [
    { body: { batch: [POSTHOG, POSTHOG], sent_at: TIME, api_key: ADMIN_KEY } },
    { body: `data=${Buffer.from(JSON.stringify(POSTHOG)).toString('base64')}`, headers: FORM },
  ],
  'POSTHOG POST /e': [
    { body: gzipSync(JSON.stringify([POSTHOG])), query: '?compression=gzip-js' },
    { body: Buffer.from(JSON.stringify(POSTHOG)).toString('base64'), query: '?compression=base64' },
  ],
  'GENESYS POST /api/v2/usage/events/query': [
    {
      body: {
        ...{ interval: INTERVAL, sortOrder: 'ASC', eventDefinitionIds: ['os/cpu'] },
        searchTerm: 'a',
        pageSize: 5,
      },
      query: '?pageSize=3&after=x',
    },
  ],
  'GENESYS POST /api/v2/usage/events/aggregates/query': [
    { body: { interval: INTERVAL, granularity: 'P1D', groupBy: ['eventDefinition'] } },
  ],
  'AUTHENTIK POST /api/v3/events/events': AUTHENTIK.map(body => ({ body })),
  'AUTHENTIK GET /api/v3/events/events': [
    { query: '?action=login&page=2&page_size=3&ordering=-created&search=a' },
    { query: '?client_ip=10.0.0.1&username=a&brand_name=b&context_model_pk=c&actions=login' },
  ],
  'AUTHENTIK GET /api/v3/events/events/volume': [{ query: '?history_days=7&action=login' }],
  'AUTHENTIK GET /api/v3/events/events/stats': [
    { query: '?count_step=days=1&count_steps=hours=2&count_steps=weeks=1' },
  ],
  'SPEAKEASY GET /v1/workspace/:workspaceId/events': [
    { query: '?source_revision_digest=a&lint_report_digest=b&execution_id=c&success=true' },
    { query: '?after_created_at=2026-01-01T00:00:00Z&interaction_type=CLI_EXEC&limit=3' },
  ],
};

function doorRequest(dice: Dice, known: Known): HttpInput {
  const route = dice.of(ROUTES);
  const name = canonical(route.name);
  const { params, ...ask } = ASKS[name] ?? { body: 'grant_type=client_credentials' };
  const asked = typeof ask.body === 'function' ? ask.body(PLACE) : ask.body;
  const samples: readonly Sample[] = [
    ...(SAMPLES[name] ?? []),
    { ...ask, body: typeof asked === 'object' ? withKey(route, asked, ADMIN_KEY) : asked },
  ];
  const { body, headers = {}, ...sample } = dice.of(samples);
  const query = sample.query ?? (dice.chance(50) ? '?workspace=fuzz' : '');
  let path = route.path;
  for (const [key, value] of Object.entries(params?.(PLACE) ?? {})) {
    const text = key === 'uuid' || key === 'id' ? values.nearly(dice, known.eventIds) : value;
    const segment = dice.chance(20) ? values.text(dice) : dice.chance(30) ? text : value;
    path = path.replace(`:${key}`, () => encodeURIComponent(segment.toWellFormed()));
  }
  const made: HttpInput = {
    ...{ kind: 'door', method: route.method, path: `${path}${query}`, body: null },
    headers: { 'content-type': 'application/json', ...headers, ...credentialOf(route, ADMIN_KEY) },
  };
  if (Buffer.isBuffer(body)) made.body = dice.chance(30) ? body : mutated(dice, body);
  else if (body !== undefined) made.body = Buffer.from(written(dice, body));
  if (dice.chance(query === '' ? 10 : 60)) made.path = spoiltQuery(dice, made.path, known);
  return dice.chance(25) ? spoilt(dice, made) : made;
}

/** A body, mostly with something else somewhere in it. */
function written(dice: Dice, body: unknown): string {
  if (typeof body === 'string') return body;
  const copy = JSON.parse(JSON.stringify(body)) as unknown;
  const holder = { body: copy };
  for (let n = dice.below(4); n > 0; n--) mutateTree(dice, holder, 'body');
  const text = values.toWire(holder.body);
  if (!dice.chance(5)) return text;
  // A field that stands twice.
  return text.replace(/^(\[?\{)/, `$1"id":${values.toWire(values.json(dice))},"type":"x",`);
}

function mutateTree(dice: Dice, holder: object, key: string): void {
  const place = holder as Record<string, unknown>;
  const value = place[key];
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (keys.length > 0 && dice.chance(80)) return mutateTree(dice, value as object, dice.of(keys));
  switch (dice.below(9)) {
    case 0:
      Reflect.deleteProperty(place, key);
      break;
    case 1:
      place[`${key}x`] = value;
      break;
    case 2:
      place[key] = [value];
      break;
    case 3:
      place[key] = { [key]: value };
      break;
    case 4:
      place[key] = typeof value === 'string' ? values.text(dice) : values.number(dice);
      break;
    case 5:
      place[key] = values.date(dice);
      break;
    case 6:
      place[key] = values.json(dice);
      break;
    case 7:
      place[key] = typeof value === 'string' ? values.nearly(dice, [value]) : String(value);
      break;
    default:
      place[key] = values.junk(dice);
  }
}

function spoiltQuery(dice: Dice, path: string, known: Known): string {
  const [before = '', search = ''] = path.split('?');
  const params = new URLSearchParams(search);
  const names = [...params.keys(), dice.of(['limit', 'page', 'count', 'after', 'workspace', 'q'])];
  const value = dice.of([
    () => values.text(dice),
    () => values.date(dice),
    () => values.toWire(values.number(dice)),
    () => values.nearly(dice, known.cursors),
    () => values.duration(dice),
  ])();
  const name = dice.of(names);
  if (dice.chance(30)) params.append(name, value.toWellFormed());
  else params.set(name, value.toWellFormed());
  return `${before}?${params}${dice.chance(5) ? dice.of(['&%', '&%ff=1', '&=', '&&', '#a']) : ''}`;
}

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  [
    'content-type',
    [
      ...['application/json; charset=latin1', 'text/plain', '', 'application/json;', '/', 'a/b; ='],
      ...['multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'],
      ...['application/cloudevents+json', 'application/cloudevents-batch+json; charset=utf-16'],
      'application/graphql',
    ],
  ],
  ['content-encoding', ['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'identity', 'x']],
  ['accept', ['text/event-stream', 'text/html', 'text/csv', '', 'a/b;q=x', '*', 'x'.repeat(5_000)]],
  [
    'authorization',
    ['', 'Bearer', 'Bearer x', 'Basic AAAA', `bearer  ${ADMIN_KEY}`, 'Bearer \xe9'],
  ],
  ['logspace.space-token', ['', 'x', `x, ${ADMIN_KEY}`]],
  ['origin', ['https://example.org', 'null', 'x']],
  ['sec-fetch-site', ['cross-site', 'same-origin', 'x']],
  ['last-event-id', ['', 'x', '-1', 'x'.repeat(3_000)]],
  ['range', ['bytes=0-1', 'x']],
  ['if-none-match', ['*', 'x']],
  ['expect', ['100-continue']],
  ['traceparent', ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x']],
  ['x-request-id', ['x', '\xff', 'x'.repeat(1_000)]],
  ['x-forwarded-for', ['1.2.3.4', ', ,', 'x']],
  ['ce-specversion', ['1.0', '0.3', '']],
  [
    'ce-id',
    ['%', '%ff', '%00', '', '\xfc', '%C0%80', '%ED%A0%80', '"a\\"', '"%22"', 'Z\xc3\xbcrich'],
  ],
  ['ce-data', ['x', '']],
  ['ce-datacontenttype', ['application/json', 'x']],
  // Offers that need not be taken; one to WebSocket lacks what it needs.
  ['upgrade', ['h2c', 'websocket', 'TLS/1.0, h2c', 'websocket, h2c', '']],
  ['connection', ['Upgrade', 'Upgrade, HTTP2-Settings', 'close', 'keep-alive, x']],
  ['http2-settings', ['AAMAAABkAAQCAAAAAAIAAAAA', 'x', '']],
  ['accept-encoding', ['gzip;q=0, *', 'identity;q=0', '*;q=0', 'x']],
  ['ce-time', ['now', '2026-02-30T00:00:00Z']],
  ['cookie', ['a=b', '__proto__=1']],
];

function spoilt(dice: Dice, made: HttpInput): HttpInput {
  switch (dice.below(6)) {
    case 0: {
      for (let n = 1 + dice.below(3); n > 0; n--) {
        const [name, given] = dice.of(HEADERS);
        // Some come twice, and some have any bytes that a header may have.
        const value = dice.chance(15) ? headerBytes(dice) : dice.of(given);
        made.headers[name] = dice.chance(15) ? [value, dice.of(given)] : value;
      }
      break;
    }
    case 1:
      made.method = dice.of([
        'GET',
        'POST',
        'PUT',
        'DELETE',
        'PATCH',
        'HEAD',
        'OPTIONS',
        'PROPFIND',
      ]);
      break;
    case 2:
      made.path = spoiltPath(dice, made.path);
      break;
    case 3: {
      const [encode, name] = dice.of([
        [gzipSync, 'gzip'] as const,
        [deflateSync, 'deflate'] as const,
      ]);
      const packed = encode(made.body ?? '');
      made.headers['content-encoding'] = name;
      made.body = dice.chance(50) ? packed : mutated(dice, packed);
      break;
    }
    case 4:
      if (made.body !== null) {
        const text = made.body.toString();
        const encodings = ['utf16le', 'latin1', 'base64', 'hex'] as const;
        const marked = dice.of([
          Buffer.from(`\ufeff${text}`),
          Buffer.from(`\ufeff${text}`, 'utf16le'),
          Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
          Buffer.from(text.replaceAll(',', dice.of([',\r', ',\n', ',\r\n', ',\u2028', ',\v']))),
        ]);
        made.body = dice.chance(40) ? marked : Buffer.from(text, dice.of(encodings));
      }
      break;
    default:
      if (made.body !== null) made.body = mutated(dice, made.body);
  }
  return made;
}

function headerBytes(dice: Dice): string {
  const bytes = Array.from({ length: dice.below(12) }, () => 0x20 + dice.below(0xe0));
  return String.fromCharCode(...bytes).replaceAll('\x7f', '');
}

function spoiltPath(dice: Dice, path: string): string {
  const at = dice.below(path.length + 1);
  const piece = dice.of([
    '/',
    '%',
    '%00',
    '%2f',
    '%ff',
    '..',
    '//',
    '?',
    '#',
    '%ED%A0%80',
    'é',
    ':',
  ]);
  return dice.chance(50) ? path.slice(0, at) + piece + path.slice(at) : path.slice(0, at) || '/';
}

/** Bytes that are flipped, cut, put in, doubled. */
function mutated(dice: Dice, given: Buffer): Buffer {
  let bytes = Buffer.from(given);
  for (let n = 1 + dice.below(4); n > 0; n--) {
    const at = dice.below(bytes.length);
    const to = Math.min(bytes.length, at + 1 + dice.below(32));
    switch (dice.below(6)) {
      case 0:
      case 1:
        if (bytes.length > 0) bytes[at] = bytes[at]! ^ (1 << dice.below(8));
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), dice.of(PIECES), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    }
  }
  return bytes;
}

const PIECES = [
  ...[
    '\0',
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\\',
    '\\u0000',
    '\\ud800',
    '\r\n',
    '\r\n\r\n',
    '\r',
    '\n',
    '\u2028',
    '\u0085',
    '1e400',
  ],
  ...['\r\nupgrade: h2c\r\nconnection: upgrade\r\n', '\r\nexpect: 100-continue\r\n'],
  ...['"__proto__":{},', '\r\ntransfer-encoding: chunked\r\n', '\r\ncontent-length: 5\r\n'],
].map(piece => Buffer.from(piece));
const BAD_UTF8 = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]];
PIECES.push(...BAD_UTF8.map(bytes => Buffer.from(bytes)), Buffer.alloc(5_000, '['));

function webSocket(dice: Dice, known: Known): WebSocketInput {
  const messages: (string | Buffer)[] = [];
  const payload = { authorization: dice.chance(3) ? 'Bearer x' : `Bearer ${ADMIN_KEY}` };
  if (!dice.chance(3)) messages.push(values.toWire({ type: 'connection_init', payload }));
  for (let n = 1 + dice.below(3); n > 0; n--) {
    const id = dice.chance(5) ? values.text(dice) : String(n);
    const body = parameters(dice, operation(dice, known));
    messages.push(values.toWire({ id, type: 'subscribe', payload: body }));
    if (dice.chance(10)) messages.push(values.toWire({ id, type: 'complete' }));
    if (dice.chance(5)) messages.push(values.toWire({ type: 'ping', payload: values.json(dice) }));
    if (dice.chance(5)) messages.push(values.toWire({ type: values.text(dice), id }));
    if (dice.chance(3)) messages.push(values.toWire(values.junk(dice)));
    if (dice.chance(2)) messages.push(messages[0]!);
  }
  if (dice.chance(15)) {
    const at = dice.below(messages.length);
    messages[at] = mutated(dice, Buffer.from(messages[at]!));
    if (dice.chance(70)) messages[at] = messages[at].toString();
  }
  return { kind: 'websocket', messages };
}
