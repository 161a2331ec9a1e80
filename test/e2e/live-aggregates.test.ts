import { createClient, type Client } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
let client: Client;
beforeAll(async () => {
  gateway = await startTestGateway();
  client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: ADMIN_KEY },
  });
});
afterAll(async () => {
  await client.dispose();
  await gateway[Symbol.asyncDispose]();
});

interface Bucket {
  id: string;
  start: string;
  count: number;
  group: { value: string }[];
}
interface Update {
  cursor: string;
  snapshot: boolean;
  aggregates: Bucket[];
  removed: string[];
}

function watch(workspace: string, input: Record<string, unknown>): AsyncIterator<Update> {
  const messages = client.iterate<{ eventAggregates: Update }>({
    query: `subscription($w: String!, $input: EventAggregateInput!) {
      eventAggregates(workspace: $w, input: $input) {
        cursor snapshot removed aggregates { id start count group { value } }
      }
    }`,
    variables: { w: workspace, input },
  });
  const updates = (async function* () {
    for await (const { data, errors } of messages) {
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      yield data!.eventAggregates;
    }
  })();
  return updates;
}

async function record(workspace: string, events: Record<string, unknown>[]): Promise<void> {
  await gateway.data(
    `mutation($w: String!, $e: [EventInput!]!) {
      recordEvents(input: { workspace: $w, events: $e }) { recordedCount }
    }`,
    { w: workspace, e: events },
  );
}

/** The log of a workspace: cursor and type of each event, in order. */
async function logOf(workspace: string): Promise<{ cursor: string; type: string }[]> {
  const { events } = await gateway.data<{
    events: { edges: { cursor: string; node: { type: string } }[] };
  }>(
    `query($w: String!) {
      events(workspace: $w, first: 1000, order: { direction: ASC }) { edges { cursor node { type } } }
    }`,
    { w: workspace },
  );
  return events.edges.map(({ cursor, node }) => ({ cursor, type: node.type }));
}

function countTypes(types: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of types) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

const ALWAYS = { between: { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' } };

describe('live aggregates', () => {
  test('equal a recount of the events up to the cursor of every message', async () => {
    const { slug } = await gateway.workspace();
    const types = ['a', 'b', 'c'];
    await record(slug, [{ type: 'a' }, { type: 'b' }]);
    const updates = watch(slug, { timeframe: ALWAYS, groupBy: [{ dimension: 'TYPE' }] });
    const state = new Map<string, Bucket>();
    const shown: { cursor: string; counts: Record<string, number> }[] = [];
    // Until it was told of some of them, in the midst of others.
    const recording = (async () => {
      for (let n = 0; n < 30 || shown.length < 4; n++) {
        await record(
          slug,
          Array.from({ length: 10 }, (_, i) => ({ type: types[(n + i) % 3], payload: { n } })),
        );
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      await record(slug, [{ type: 'last' }]);
    })();
    while (shown.at(-1)?.counts['last'] === undefined) {
      const { value } = (await updates.next()) as { value: Update };
      expect(value.snapshot).toBe(shown.length === 0);
      for (const bucket of value.aggregates) state.set(bucket.id, bucket);
      for (const id of value.removed) state.delete(id);
      const counts = [...state.values()].map(({ group, count }) => [group[0]!.value, count]);
      shown.push({ cursor: value.cursor, counts: Object.fromEntries(counts) });
    }
    await recording;
    const log = await logOf(slug);
    for (const { cursor, counts } of shown) {
      const place = log.findIndex(event => event.cursor === cursor);
      expect(counts).toEqual(countTypes(log.slice(0, place + 1).map(({ type }) => type)));
    }
    await updates.return?.();
  });

  test('count a late event in its own bucket at once', async () => {
    const { slug } = await gateway.workspace();
    const decades = { from: '2010-01-01T00:00:00Z', to: '2050-01-01T00:00:00Z' };
    const updates = watch(slug, { timeframe: { between: decades }, granularity: 'DAY' });
    expect((await updates.next()).value).toMatchObject({ snapshot: true, aggregates: [] });
    await record(slug, [{ type: 'late', occurredAt: '2015-05-18T14:07:00Z' }]);
    expect((await updates.next()).value).toMatchObject({
      snapshot: false,
      aggregates: [{ start: '2015-05-18T00:00:00.000Z', count: 1 }],
    });
    await updates.return?.();
  });

  test('of a timeframe up to now drop what has left it', async () => {
    const { slug } = await gateway.workspace();
    const updates = watch(slug, { timeframe: { last: 'PT2S' }, groupBy: [{ dimension: 'TYPE' }] });
    await updates.next();
    let isSeen = false;
    // On a busy machine one may have left it before anybody looks.
    const recording = (async () => {
      while (!isSeen) await record(slug, [{ type: 'brief' }]);
    })();
    const { value: came } = (await updates.next()) as { value: Update };
    isSeen = true;
    expect(came.aggregates).toHaveLength(1);
    await recording;
    let last = came;
    while (last.removed.length === 0) last = ((await updates.next()) as { value: Update }).value;
    expect(last).toMatchObject({ aggregates: [], removed: [came.aggregates[0]!.id] });
    await updates.return?.();
  });

  test('of a timeframe that is over are a snapshot and an end', async () => {
    const { slug } = await gateway.workspace();
    await record(slug, [{ type: 'old', occurredAt: '2001-02-03T00:00:00Z' }]);
    const between = { from: '2001-01-01T00:00:00Z', to: '2002-01-01T00:00:00Z' };
    const updates = watch(slug, { timeframe: { between } });
    expect((await updates.next()).value).toMatchObject({ aggregates: [{ count: 1 }] });
    expect((await updates.next()).done).toBe(true);
  });

  test('are refused with what to drop where rollups do not answer', async () => {
    const { slug } = await gateway.workspace();
    await record(slug, [{ type: 'order', payload: { total: 1 } }]);
    for (const [input, what] of [
      [{ filter: { subjects: ['x'] } }, /filters other than/],
      [{ groupBy: [{ dimension: 'ACTOR' }] }, /groups other than/],
      [{ measures: [{ function: 'SUM', payloadPath: ['total'] }] }, /no definition declares/],
      [{ orderBy: 'COUNT_DESC' }, /COUNT_DESC/],
    ] as const) {
      const updates = watch(slug, { timeframe: ALWAYS, ...input });
      const refused: unknown = await updates.next().catch((errors: unknown) => errors);
      expect(JSON.stringify(refused)).toMatch(what);
      expect(refused).toMatchObject([{ extensions: { code: 'NOT_LIVE' } }]);
    }
  });
});
