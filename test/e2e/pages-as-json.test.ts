import { parse } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

/** A page of events is the same JSON, with the same headers, whether Postgres or the executor writes it. */
let gateway: TestGateway;
let keys: Record<'admin' | 'own' | 'writer' | 'foreign', string>;
let slug: string;
let cursors: readonly string[];
let timeCursors: readonly string[];

beforeAll(async () => {
  gateway = await startTestGateway();
  const made = await gateway.workspace();
  const foreign = await gateway.workspace();
  slug = made.slug;
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation ($w: String!) {
       createApiKey(input: { name: "w", workspace: $w, scopes: [EVENTS_WRITE] }) { secret } }`,
    { w: slug },
  );
  keys = { admin: ADMIN_KEY, own: made.key, writer: createApiKey.secret, foreign: foreign.key };
  const { recordEvents } = await gateway.data<{ recordEvents: object }>(
    `mutation ($input: RecordEventsInput!) { recordEvents(input: $input) {
       receipts { eventId problems { message pointer } } } }`,
    { input: { workspace: slug, events: EVENTS } },
  );
  expect(recordEvents).toEqual({
    receipts: EVENTS.map(({ id }) => ({ eventId: id, problems: [] })),
  });
  await gateway.data(
    `mutation ($w: String!) { redactEvents(input: {
       workspace: $w, subject: "to be redacted" }) { redactedCount } }`,
    { w: slug },
  );
  type Lists = Record<'a' | 'b', { edges: { cursor: string }[] }>;
  const { a, b } = await gateway.data<Lists>(
    `query ($w: String!) {
       a: events(workspace: $w, first: 100) { edges { cursor } }
       b: events(workspace: $w, first: 100, order: { field: OCCURRED_AT }) { edges { cursor } } }`,
    { w: slug },
  );
  cursors = a.edges.map(edge => edge.cursor);
  timeCursors = b.edges.map(edge => edge.cursor);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const TEXT = 'quote " backslash \\ slash / tab \t line \n nul-ish \u0001 é 👤 \u2028 \u007f';
const EVENTS = [
  { id: 'all', type: 'a/b', occurredAt: '0999-01-02T03:04:05.006Z', source: TEXT, subject: TEXT },
  { id: 'more', type: TEXT.slice(0, 20), actor: TEXT, description: TEXT, icon: '👤', notify: true },
  {
    id: 'rest',
    type: 't',
    success: false,
    clientIp: '2001:db8::1',
    parentId: 'all',
    groupId: TEXT,
  },
  { id: 'then', type: 't', success: true, occurredAt: '2026-01-01T00:00:00.100Z' },
  {
    id: 'late',
    type: 't',
    expiresAt: '9999-12-31T23:59:59.999Z',
    occurredAt: '1969-12-31T23:59:59Z',
  },
  { id: 'gone', type: 't', subject: 'to be redacted', payload: { secret: 1 } },
  { id: 'past', type: 't', expiresAt: '2001-01-01T00:00:00Z' },
  {
    id: 'payload',
    type: 't',
    payload: {
      text: TEXT,
      list: [1, 1.5, -0.25, 1e-7, 0.1 + 0.2, true, null, {}],
      7: 'seven',
      e: {},
    },
  },
  {
    id: 'digits',
    type: 't',
    payload: { telephone: '00436601234567890123', [TEXT]: { a: '1,\n2' } },
    properties: [
      { long: { name: 'beyond', value: '9223372036854775807' } },
      { long: { name: 'within', value: '9007199254740992' } },
      { double: { name: 'pi', value: 3.141592653589793 } },
    ],
  },
];

const FIELDS = `id eventId position cursor type occurredAt recordedAt expiresAt redactedAt source
  subject actor description icon notify success clientIp parentId groupId door payload __typename`;
const ALL = `query All(
  $w: String, $first: Int, $after: String, $last: Int, $before: String, $filter: EventFilter,
  $order: EventOrder
) {
  events(workspace: $w, first: $first, after: $after, last: $last, before: $before,
    filter: $filter, order: $order) {
    nodes { ${FIELDS} }
    edges { cursor node { eventId } __typename }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }
    liveCursor
    __typename
  }
}`;

type Writer = 'postgres' | 'executor';

interface Ask {
  readonly query?: string;
  readonly variables?: unknown;
  readonly operationName?: string | null;
  readonly key?: keyof typeof keys | null;
  readonly accept?: string;
}

/** What differs between any two answers is left out. */
async function answer({ query = ALL, key = 'own', accept, ...rest }: Ask, writer: Writer) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-request-id': 'the-same',
      ...(key === null ? {} : { authorization: `Bearer ${keys[key]}` }),
      ...(accept === undefined ? {} : { accept }),
    },
    body: JSON.stringify({ query: writer === 'postgres' ? query : forExecutor(query), ...rest }),
  });
  const changing = ['date', 'content-length', 'ratelimit', 'ratelimit-policy'];
  const headers = [...response.headers].filter(([name]) => !changing.includes(name));
  return { status: response.status, headers, text: await response.text() };
}

/** Postgres writes pages that stand alone: a second root field, though left out, makes it another. */
function forExecutor(query: string): string {
  for (const definition of parse(query).definitions) {
    if (definition.kind !== 'OperationDefinition') continue;
    const end = (definition.selectionSet.loc?.end ?? 1) - 1;
    return `${query.slice(0, end)} left: __typename @include(if: false)${query.slice(end)}`;
  }
  return query;
}

/** White space means nothing in JSON, and a number may be written in several ways. */
const rewritten = (text: string) =>
  text.startsWith('{') ? JSON.stringify(JSON.parse(text) as unknown) : text;

const first = (variables: Record<string, unknown>) => ({ variables });
const page = (selection: string, args = 'first: 3') => ({
  query: `query { events(${args}) { ${selection} } }`,
});

const CASES: [string, () => Ask][] = [
  ['every event', () => first({})],
  ['in a workspace by name', () => first({ w: slug.toUpperCase() })],
  ['a first page', () => first({ first: 3 })],
  ['a page that ends with the list', () => first({ first: 8 })],
  ['a last page', () => first({ last: 3 })],
  ['a page of nothing', () => first({ first: 0 })],
  ['a last page of nothing', () => first({ last: 0 })],
  ['after a cursor', () => first({ first: 2, after: cursors[2] })],
  ['before a cursor', () => first({ before: cursors[5] })],
  ['the last before a cursor', () => first({ last: 2, before: cursors[5] })],
  ['between cursors', () => first({ after: cursors[1], before: cursors[6], first: 2 })],
  ['after the last one', () => first({ after: cursors.at(-1) })],
  ['oldest first', () => first({ first: 2, order: { direction: 'ASC' } })],
  ['by time', () => first({ first: 4, order: { field: 'OCCURRED_AT' } })],
  [
    'by time, back from a cursor',
    () => first({ last: 2, before: timeCursors[4], order: { field: 'OCCURRED_AT' } }),
  ],
  ['a filter with an index', () => first({ first: 2, filter: { types: ['t'] } })],
  ['a filter that walks', () => first({ first: 2, filter: { notify: false, sources: null } })],
  ['a filter that walks back', () => first({ last: 2, filter: { notify: false } })],
  ['a filter that finds nothing', () => first({ filter: { subjects: ['nobody'] } })],
  ['a filter by payload', () => first({ filter: { payload: [{ path: ['pi'], exists: true }] } })],
  [
    'aliases',
    () => page('items: nodes { a: payload b: type c: type } info: pageInfo { a: endCursor }'),
  ],
  ['nodes twice', () => page('nodes { type } again: nodes { payload }')],
  [
    'fragments',
    () => ({
      query: `query { events(last: 4) { ...P } } fragment P on EventConnection { nodes { ...E } }
      fragment E on Event { eventId ... { payload } ... on Event { type } }`,
    }),
  ],
  [
    'literals',
    () => page('nodes { eventId }', 'filter: { types: ["t"] }, order: { direction: ASC }'),
  ],
  ['no page at all', () => page('__typename')],
  ['only the head', () => page('liveCursor')],
  ['no payload', () => page('nodes { eventId }', 'first: 1000')],
  ['a workspace without events', () => ({ key: 'foreign' })],
  ['a count', () => page('totalCount')],
  ['a directive', () => page('nodes { type @skip(if: true) eventId }')],
  ['a field twice', () => page('nodes { type type }')],
  ['what is related', () => page('nodes { parent { eventId } }')],
  ['properties', () => page('nodes { properties { name values } }')],
  ['first and last', () => first({ first: 1, last: 1 })],
  ['too many', () => first({ first: 1_001 })],
  ['less than none', () => first({ last: -1 })],
  ['a size that is no number', () => first({ first: 'x' })],
  ['a cursor of another order', () => first({ after: timeCursors[1] })],
  ['an empty cursor', () => first({ after: '' })],
  ['a filter that is refused', () => first({ filter: { search: 'x'.repeat(300) } })],
  ['a filter that is no filter', () => first({ filter: { typo: 1 } })],
  ['a workspace that is not there', () => first({ w: 'none' })],
  ['the workspace of another', () => ({ variables: { w: slug }, key: 'foreign' })],
  ['without the scope', () => ({ key: 'writer' })],
  ['without a key', () => ({ key: null })],
  ['its operation by name', () => ({ operationName: 'All' })],
  ['another operation', () => ({ operationName: 'Some' })],
  ['for graphql-response+json', () => ({ accept: 'application/graphql-response+json' })],
  [
    'an error there',
    () => ({ ...first({ w: 'none' }), accept: 'application/graphql-response+json' }),
  ],
  ['an event stream', () => ({ accept: 'text/event-stream' })],
];

test.each(CASES)('both writers answer alike: %s', async (_, ask) => {
  const asked = ask();
  const written = await answer(asked, 'postgres');
  const executed = await answer(asked, 'executor');
  expect({ ...written, text: rewritten(written.text) }).toEqual(executed);
  expect(written.text).not.toContain('INTERNAL_SERVER_ERROR');
});

test('a page that Postgres has written keeps the digits of its decimals, and quotes integers that no reader keeps', async () => {
  const ask = { query: `{ events(filter: { types: ["t"] }) { nodes { eventId payload } } }` };
  const { text } = await answer(ask, 'postgres');
  expect(text).toContain('"beyond": "9223372036854775807"');
  expect(text).toContain('"within": 9007199254740992');
  expect(text).toContain('"pi": 3.141592653589793');
  expect(text).toContain('"telephone": "00436601234567890123"');
});

test('who reads after a receipt finds the event, however many ask the same at once', async () => {
  const query = `{ events(first: 1) { nodes { eventId } } }`;
  const newest = async () => {
    const { text } = await answer({ query, key: 'foreign' }, 'postgres');
    return /"eventId":"(\w+)"/.exec(text)?.[1];
  };
  let isDone = false;
  const readers = Array.from({ length: 8 }, async () => {
    while (!isDone) await newest();
  });
  for (let n = 0; n < 50; n++) {
    const record = `mutation ($e: EventInput!) { recordEvent(input: { event: $e }) { receipt { status } } }`;
    await answer(
      { query: record, variables: { e: { id: `n${n}`, type: 't' } }, key: 'foreign' },
      'postgres',
    );
    expect(await newest()).toBe(`n${n}`);
  }
  isDone = true;
  await Promise.all(readers);
});

test('a page that does not fit into one answer has fewer events, whoever writes it', async () => {
  await using small = await startTestGateway({ config: { answerBytesMax: 65_536 } });
  const { key } = await small.workspace();
  const events = Array.from({ length: 8 }, () => ({
    type: 't',
    payload: { a: 'x'.repeat(10_000) },
  }));
  await small.data(
    `mutation ($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }`,
    { e: events },
    key,
  );
  const page = `query ($n: Int) {
    events(first: $n) { nodes { payload } pageInfo { hasNextPage } } }`;
  for (const query of [page, forExecutor(page)]) {
    const { events: cut } = await small.data<Page>(query, { n: 8 }, key);
    expect(cut.nodes.length).toBeLessThan(8);
    expect(cut.nodes.length).toBeGreaterThan(0);
    expect(cut.pageInfo.hasNextPage).toBe(true);
    const { events: whole } = await small.data<Page>(query, { n: 2 }, key);
    expect(whole.nodes).toHaveLength(2);
  }
});

interface Page {
  readonly events: {
    readonly nodes: readonly object[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  };
}
