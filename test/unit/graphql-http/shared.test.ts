import { parse, type ExecutionResult } from 'graphql';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/core/errors.ts';
import type { Principal } from '../../../src/core/principal.ts';
import { createOperations } from '../../../src/graphql-http/operation.ts';
import { sharedKey } from '../../../src/graphql-http/shared-key.ts';
import { createSharedResults } from '../../../src/graphql-http/shared-results.ts';
import { createSubscribe } from '../../../src/graphql-http/subscribe.ts';
import { type ResultSource } from '../../../src/graphql-http/written-result.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { SERVER_DEFAULTS } from '../../../src/http/settings.ts';
import { toDelivery, type Delivery, type LiveStream } from '../../../src/live/stream.ts';
import { createApi, event, key, READER } from '../graphql/kit.ts';

const log = { info: () => {}, warn: () => {}, error: () => {} };
const COUNTING = `subscription ($filter: EventFilter) {
  events(filter: $filter) { kind node { eventId definition { name } } } }`;

const findOperation = createOperations(schema, SERVER_DEFAULTS);
const operationOf = (source: string) => findOperation(parse(source), null);

/** Subscribers of one process, each of which is handed the same deliveries. */
function startSubscribers(deliveries: readonly Delivery[], limits?: { charsMax: number }) {
  const api = createApi();
  const shared = createSharedResults({ charsMax: 1e6, resultsMax: 1_000, ...limits });
  const subscribe = createSubscribe({ log, schema }, shared);
  async function open(source: string, principal: Principal, variables = {}, given = deliveries) {
    const live = { subscribe: () => handsOut(given), hold: () => () => {} };
    const request = {
      operation: operationOf(source),
      call: { requestId: 'r', work: undefined },
      context: api.context(principal, { live }),
      variables,
    };
    return (await subscribe(request)) as ResultSource;
  }
  return { api, shared, open };
}

function handsOut(deliveries: readonly Delivery[]): LiveStream {
  const batches = [[...deliveries], []];
  return {
    ready: Promise.resolve(),
    nextBatch: async () => batches.shift() ?? [],
    return: async () => {},
  } as Partial<LiveStream> as LiveStream;
}

const jsonOf = async (source: ResultSource) => (await source.nextBatch()).map(({ json }) => json);

const two = [toDelivery(event(1)), toDelivery(event(2))];

describe('subscribers who ask the same', () => {
  test('share one execution an event, and its bytes', async () => {
    const { api, shared, open } = startSubscribers(two);
    const sources = [await open(COUNTING, READER), await open(COUNTING, READER)];
    const [first, second] = await Promise.all(sources.map(source => source.nextBatch()));
    expect(first!.map(({ json }) => JSON.parse(json))).toMatchObject([
      { data: { events: { node: { eventId: 'e1', definition: { name: 'type-2' } } } } },
      { data: { events: { node: { eventId: 'e2', definition: { name: 'type-1' } } } } },
    ]);
    expect(second![0]).toBe(first![0]);
    expect(shared.stats()).toEqual({ executions: 2, deliveries: 4 });
    expect(api.calls.filter(call => call === 'definitions.byIds')).toHaveLength(1);
  });

  test('share it also where they chose their events by different filters', async () => {
    const { shared, open } = startSubscribers(two);
    const texts = ['filter: { types: ["user.signup"] }', 'start: BEGINNING'];
    const sources = [
      await open(COUNTING, READER, { filter: { types: ['user.signup'] } }),
      await open(COUNTING, READER, { filter: { subjects: ['x'] } }),
    ];
    for (const text of texts) {
      sources.push(
        await open(COUNTING.replace('filter: $filter', text).replace(/\(\$f.*?\)/, ''), READER),
      );
    }
    const all = await Promise.all(sources.map(jsonOf));
    for (const each of all) expect(each).toEqual(all[0]);
    expect(shared.stats().executions).toBe(2);
  });

  test.each([
    ['another workspace in view', key(null, 'EVENTS_READ')],
    ['another scope', key(1, 'EVENTS_READ', 'ADMIN')],
  ])('share nothing with %s', async (_, other) => {
    const { shared, open } = startSubscribers(two);
    const source = COUNTING.replace('events(', 'events(workspace: "acme", ');
    const sources = [await open(source, READER), await open(source, other)];
    await Promise.all(sources.map(source => source.nextBatch()));
    expect(shared.stats().executions).toBe(4);
  });

  test('share nothing of an event that was redacted meanwhile', async () => {
    const subject = 'subscription { events { node { subject } } }';
    const { open } = startSubscribers([toDelivery(event(1, { subject: 'secret' }))]);
    const redacted = toDelivery(event(1, { redactedAt: new Date() }));
    const [before, after] = [
      await open(subject, READER),
      await open(subject, READER, {}, [redacted]),
    ];
    expect(await jsonOf(before)).toEqual(['{"data":{"events":{"node":{"subject":"secret"}}}}']);
    expect(await jsonOf(after)).toEqual(['{"data":{"events":{"node":{"subject":null}}}}']);
  });

  test('keep no result that nobody else may want, and no more than fits', async () => {
    const alone = startSubscribers(two);
    await (await alone.open(COUNTING, READER)).nextBatch();
    const later = await alone.open(COUNTING, READER);
    await later.nextBatch();
    expect(alone.shared.stats().executions).toBe(4);
    const small = startSubscribers(two, { charsMax: 0 });
    const sources = [await small.open(COUNTING, READER), await small.open(COUNTING, READER)];
    for (const source of sources) await source.nextBatch();
    expect(small.shared.stats().executions).toBe(4);
  });
});

test('a step whose look-up finds the database away waits for it, without an error', async () => {
  const { api, open } = startSubscribers([two[0]!]);
  const { definitions } = api.context(READER).services;
  let failures = 2;
  const found = definitions.byIds;
  Object.assign(definitions, {
    byIds: async (...args: Parameters<typeof found>) => {
      if (failures-- > 0) throw new GatewayError('SERVICE_UNAVAILABLE', 'away');
      return found(...args);
    },
  });
  const [json] = await jsonOf(await open(COUNTING, READER));
  expect(failures).toBe(-1);
  expect(JSON.parse(json!) as ExecutionResult).toEqual({
    data: { events: { kind: 'EVENT', node: { eventId: 'e1', definition: { name: 'type-2' } } } },
  });
});

describe('the key of what is asked', () => {
  const keyOf = (source: string, variables = {}, operation?: string) =>
    sharedKey(parse(source), operation, variables);

  test.each([
    [
      'arguments of the stream',
      'subscription { events { kind } }',
      'subscription { events(start: NOW) { kind } }',
    ],
    [
      'names of operations',
      'subscription A { events { kind } }',
      'subscription B { events { kind } }',
    ],
    ['spaces', 'subscription{events{kind}}', 'subscription {\n events { kind } }'],
  ])('does not tell apart %s', (_, one, other) => {
    expect(keyOf(one)).toBe(keyOf(other));
  });

  test.each([
    ['fields', 'subscription { events { kind } }', 'subscription { events { cursor } }'],
    ['names', 'subscription { events { kind } }', 'subscription { a: events { kind } }'],
    [
      'fragments',
      'subscription { events { ...F } } fragment F on EventDelivery { kind }',
      'subscription { events { ...F } } fragment F on EventDelivery { cursor }',
    ],
    [
      'arguments within',
      'subscription { events { node { properties(names: ["a"]) { name } } } }',
      'subscription { events { node { properties(names: ["b"]) { name } } } }',
    ],
    [
      'directives',
      'subscription { events { kind @skip(if: true) cursor } }',
      'subscription { events { kind cursor } }',
    ],
  ])('tells apart %s', (_, one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  test('counts variables that are used within, their defaults and nulls, and no others', () => {
    const source = `subscription ($n: [String!] = ["a"], $f: EventFilter) {
      events(filter: $f) { node { properties(names: $n) { name } } } }`;
    const plain = keyOf(source);
    expect(keyOf(source, { f: { types: ['x'] } })).toBe(plain);
    expect(keyOf(source, { n: ['a'] })).not.toBe(plain);
    expect(keyOf(source, { n: null })).not.toBe(plain);
    expect(keyOf(source.replace('"a"', '"b"'))).not.toBe(plain);
  });
});
