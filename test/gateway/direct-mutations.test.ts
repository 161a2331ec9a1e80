import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { answerOf, type Question, type Way } from './both-ways.ts';

/**
 * The short way of the recording mutations and the long one answer alike.
 */
let gateway: TestGateway;
let keys: Record<'admin' | 'own' | 'reader', string>;
let slug: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  const made = await gateway.workspace();
  slug = made.slug;
  const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation ($w: String!) {
       createApiKey(input: { name: "r", workspace: $w, scopes: [EVENTS_READ] }) { secret } }`,
    { w: slug },
  );
  keys = { admin: ADMIN_KEY, own: made.key, reader: createApiKey.secret };
  await gateway.data(
    `mutation ($w: String!) {
       b: defineEvent(input: { workspace: $w, name: "blocked", status: BLOCKED }) {
         definition { name } }
       d: defineEvent(input: { workspace: $w, name: "old", status: DEPRECATED }) {
         definition { name } } }`,
    { w: slug },
  );
});
afterAll(() => gateway[Symbol.asyncDispose]());

const RECEIPT = `receipt {
  index status eventId position cursor problems { severity code message pointer } }`;
const MANY = `mutation Many($input: RecordEventsInput!) { recordEvents(input: $input) {
  duplicateCount conflictCount quarantinedCount rejectedCount recordedCount
  all: ${RECEIPT.replace('receipt', 'receipts')} } }`;
const ONE = `mutation ($w: String, $e: EventInput!) {
  recordEvent(input: { workspace: $w, event: $e }) { ${RECEIPT} } }`;

interface Ask extends Omit<Question, 'key'> {
  readonly key?: keyof typeof keys | null;
}

async function answer({ key = 'own', ...ask }: Ask, way: Way) {
  const secret = key && keys[key];
  const { text, ...rest } = await answerOf(gateway.url, { ...ask, key: secret }, way);
  return { ...rest, body: masked(text) };
}

/** Each way records events of its own, at places of their own. */
function masked(text: string): string {
  return text
    .replace(/"position":\d+/g, '"position":0')
    .replace(/"cursor":"[^"]+"/g, '"cursor":""')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id');
}

const ids = () => [randomUUID(), randomUUID()] as const;
const many = (events: unknown, more = {}) => ({ input: { workspace: slug, events, ...more } });

const CASES: [string, () => Ask][] = [
  ['one event', () => ({ query: ONE, variables: { e: { type: 't', payload: { a: [1, null] } } } })],
  ['in a workspace by name', () => ({ query: ONE, variables: { w: slug, e: { type: 't' } } })],
  ['null for a workspace', () => ({ query: ONE, variables: { w: null, e: { type: 't' } } })],
  [
    'duplicates and conflicts',
    () => {
      const [a, b] = ids();
      const events = [
        { id: a, type: 't' },
        { id: a, type: 't' },
        { id: a, type: 'u' },
      ];
      return { query: MANY, variables: many([...events, { id: b, type: 't', subject: 's' }]) };
    },
  ],
  [
    'problems of every kind',
    () => ({
      query: MANY,
      variables: many([
        ...[{ type: '' }, { type: 't', icon: 'two' }, { type: 'blocked' }, { type: 'old' }],
        ...[
          { type: 't', payload: { n: 2 ** 60 } },
          { type: 't', clientIp: 'x', id: '' },
        ],
        { type: 't', properties: [{ long: { name: 'n', value: '99999999999999999999' } }] },
        { type: 't', properties: [{ date: { name: 'd', value: '2026-01-01T00:00:00Z' } }] },
      ]),
    }),
  ],
  [
    'atomic',
    () => ({ query: MANY, variables: many([{ type: 't' }, { type: '' }], { atomic: true }) }),
  ],
  ['no events', () => ({ query: MANY, variables: many([]) })],
  ['too many', () => ({ query: MANY, variables: many(Array(10_001).fill({ type: 't' })) })],
  ['an event that is no object', () => ({ query: MANY, variables: many(['t']) })],
  ['one event for a list', () => ({ query: MANY, variables: many({ type: 't' }) })],
  ['a field nobody knows', () => ({ query: MANY, variables: many([{ type: 't', typo: 1 }]) })],
  ['a number for a text', () => ({ query: ONE, variables: { e: { type: 5 } } })],
  [
    'a time without a zone',
    () => ({ query: ONE, variables: { e: { type: 't', occurredAt: '2026' } } }),
  ],
  [
    'a property of two types',
    () => ({
      query: ONE,
      variables: {
        e: {
          type: 't',
          properties: [{ string: { name: 'a', value: 'b' }, boolean: { name: 'a', value: true } }],
        },
      },
    }),
  ],
  ['no variables', () => ({ query: ONE })],
  ['null where it is required', () => ({ query: ONE, variables: { e: null } })],
  [
    'a workspace that is not there',
    () => ({ query: ONE, variables: { w: 'none', e: { type: 't' } } }),
  ],
  ['without the scope', () => ({ query: ONE, variables: { e: { type: 't' } }, key: 'reader' })],
  ['without a key', () => ({ query: ONE, variables: { e: { type: 't' } }, key: null })],
  [
    'its operation by name',
    () => ({ query: MANY, variables: many([{ type: 't' }]), operationName: 'Many' }),
  ],
  [
    'another operation',
    () => ({ query: MANY, variables: many([{ type: 't' }]), operationName: 'Few' }),
  ],
  [
    'an operation without a name',
    () => ({ query: ONE, variables: { e: { type: 't' } }, operationName: 'One' }),
  ],
  [
    'for graphql-response+json',
    () => ({
      query: ONE,
      variables: { e: { type: '' } },
      accept: 'application/graphql-response+json',
    }),
  ],
  [
    'an error for graphql-response+json',
    () => ({
      query: ONE,
      variables: { w: 'none', e: { type: 't' } },
      accept: 'application/graphql-response+json',
    }),
  ],
  [
    'an event stream',
    () => ({ query: ONE, variables: { e: { type: 't' } }, accept: 'text/event-stream' }),
  ],
  ['variables that are a list', () => ({ query: ONE, variables: [] })],
  [
    'a message too deep',
    () => ({ query: ONE, variables: { e: { type: 't', payload: deep(40) } } }),
  ],
];

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}

test.each(CASES)('both ways answer alike: %s', async (_, ask) => {
  // Known to the short way from here on.
  await answer(
    { query: ask().query, variables: { e: { type: 't' }, ...many([{ type: 't' }]) } },
    'short',
  );
  const short = await answer(ask(), 'short');
  const long = await answer(ask(), 'long');
  expect(short).toEqual(long);
  expect(short.body).not.toContain('INTERNAL_SERVER_ERROR');
});
