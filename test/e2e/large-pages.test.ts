/** Pages adapt to bytes: large events are read page by page, and what isn't shown isn't read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

const EVENTS = 40;
const EVENT_BYTES = 100_000;
/** Four times less than all of them have. */
const ANSWER_BYTES_MAX = 1_000_000;

let gateway: TestGateway;
let slug: string;
let key: string;
const ids = Array.from(
  { length: EVENTS },
  (_, at) => `00000000-0000-0000-0000-0000000000${10 + at}`,
);

beforeAll(async () => {
  gateway = await startTestGateway({ config: { answerBytesMax: ANSWER_BYTES_MAX } });
  ({ slug, key } = await gateway.workspace());
  for (let from = 0; from < EVENTS; from += 10) {
    const events = ids.slice(from, from + 10).map((id, at) => ({
      ...{ id, type: 'RUN', subject: `s${from + at}`, groupId: 'all', success: true },
      occurredAt: new Date(Date.now() - 60_000 + from + at).toISOString(),
      payload: { text: noise(EVENT_BYTES), currentValue: 'x'.repeat(30_000) },
    }));
    await gateway.data(
      'mutation ($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }',
      { e: events },
      key,
    );
  }
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A text that Postgres can't make smaller. */
function noise(chars: number): string {
  let text = '';
  while (text.length < chars) text += Math.random().toString(36).slice(2);
  return text.slice(0, chars);
}

interface Page {
  readonly events: {
    readonly nodes: readonly { readonly eventId: string; readonly payload?: { text: string } }[];
    readonly pageInfo: Readonly<Record<'hasNextPage' | 'hasPreviousPage', boolean>> &
      Readonly<Record<'startCursor' | 'endCursor', string | null>>;
  };
}

describe('GraphQL', () => {
  const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

  test.for(['payload', 'payload properties { values }'])(
    'pages of %s have fewer events than were asked for, and all pages have all events',
    async content => {
      const seen: string[] = [];
      let pages = 0;
      for (let after: string | null = null; ;) {
        const { events }: Page = await gateway.data<Page>(
          `query ($after: String) {
             events(first: 1000, after: $after, order: { direction: ASC }) {
               nodes { eventId ${content} } ${PAGE_INFO} } }`,
          { after },
          key,
        );
        pages += 1;
        seen.push(...events.nodes.map(({ eventId }) => eventId));
        expect(events.nodes.length).toBeGreaterThan(0);
        if (!events.pageInfo.hasNextPage) break;
        after = events.pageInfo.endCursor;
      }
      expect(seen).toEqual(ids);
      expect(pages).toBeGreaterThan(3);
    },
  );

  test('so have pages that are read backward', async () => {
    const seen: string[] = [];
    for (let before: string | null = null; ;) {
      const { events }: Page = await gateway.data<Page>(
        `query ($before: String) {
           events(last: 1000, before: $before, order: { direction: ASC }) {
             nodes { eventId payload } ${PAGE_INFO} } }`,
        { before },
        key,
      );
      seen.unshift(...events.nodes.map(({ eventId }) => eventId));
      if (!events.pageInfo.hasPreviousPage) break;
      before = events.pageInfo.startCursor;
    }
    expect(seen).toEqual(ids);
  });

  test('so has a list of related events', async () => {
    type Related = { event: { groupEvents: Page['events'] } };
    const { event } = await gateway.data<Related>(
      `query ($id: String!) { event(eventId: $id) {
         groupEvents(first: 1000) { nodes { eventId payload } ${PAGE_INFO} } } }`,
      { id: ids[0] },
      key,
    );
    const { nodes, pageInfo } = event.groupEvents;
    expect(nodes.map(({ eventId }) => eventId)).toEqual(ids.slice(0, nodes.length));
    expect(nodes.length).toBeGreaterThan(0);
    expect(pageInfo.hasNextPage).toBe(true);
  });

  test.for([
    '{ events(first: 1000) { nodes { eventId } } }',
    '{ workspace { events(first: 1000) { nodes { eventId type } } } }',
    '{ events(first: 1) { nodes { groupEvents(first: 1000) { nodes { eventId } } } } }',
    `{ events(first: 1000) { nodes { ... on Event { eventId parent { payload } } } } }`,
  ])('what is not shown is not read: %s', async query => {
    const data = await gateway.data<object>(query, {}, key);
    expect(JSON.stringify(data).match(/"eventId"/g)).toHaveLength(EVENTS);
  });
});

describe('doors keep the pages of their vendors', () => {
  const bearer = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
  const get = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const answer = await fetch(gateway.url + path, { headers: bearer(), ...init });
    expect(answer.status).toBe(200);
    return (await answer.json()) as T;
  };

  test.for(['ASC', 'DESC'])(
    'Genesys gives 200 at once, %s, in either direction',
    async sortOrder => {
      const interval = '2020-01-01T00:00:00Z/2100-01-01T00:00:00Z';
      const init = { method: 'POST', body: JSON.stringify({ interval, sortOrder }) };
      type Found = {
        entities: { entityId: string; currentValue: string }[];
        nextUri?: string;
        previousUri?: string;
      };
      const subjects = ids.map((_, at) => `s${at}`);
      const expected = sortOrder === 'ASC' ? subjects : subjects.reverse();
      const all = await get<Found>('/api/v2/usage/events/query?pageSize=200', init);
      expect(all.entities.map(({ entityId }) => entityId)).toEqual(expected);
      expect(all.entities[0]?.currentValue).toHaveLength(30_000);
      const first = await get<Found>('/api/v2/usage/events/query?pageSize=25', init);
      const second = await get<Found>(first.nextUri as string, init);
      expect([...first.entities, ...second.entities].map(({ entityId }) => entityId)).toEqual(
        expected,
      );
      const back = await get<Found>(second.previousUri as string, init);
      expect(back.entities).toEqual(first.entities);
    },
  );

  test('Logspace gives 1,000 at once, with the mark to go on at', async () => {
    const headers = { 'logspace.space-token': key };
    type Found = { totalCount: number; nextCursorMark: string; events: { id: string }[] };
    const all = await get<Found>('/events?count=1000', { headers });
    expect(all.events.map(({ id }) => id)).toEqual(ids);
    expect(all.totalCount).toBe(EVENTS);
    const end = await get<Found>(`/events?count=1000&cursor=${all.nextCursorMark}`, { headers });
    expect(end).toMatchObject({ events: [], nextCursorMark: all.nextCursorMark });
    const some = await get<Found>('/events?count=15', { headers });
    expect(some.events).toHaveLength(15);
    const rest = await get<Found>(`/events?count=1000&cursor=${some.nextCursorMark}`, { headers });
    expect(rest.events.map(({ id }) => id)).toEqual(ids.slice(15));
    const stream = await get<{ id: string }[]>('/event-stream?count=1000', { headers });
    expect(stream.map(({ id }) => id)).toEqual(ids);
  });

  test('authentik gives pages of the size that was asked for, and exports all', async () => {
    type Found = { pagination: { count: number; next: number }; results: { pk: string }[] };
    const first = await get<Found>('/api/v3/events/events/?page_size=30&ordering=created');
    const second = await get<Found>('/api/v3/events/events/?page_size=30&ordering=created&page=2');
    expect(first.results).toHaveLength(30);
    expect(first.pagination).toMatchObject({ count: EVENTS, next: 2 });
    expect([...first.results, ...second.results].map(({ pk }) => pk)).toEqual(ids);
    const made = await fetch(`${gateway.url}/api/v3/events/events/export/`, {
      method: 'POST',
      headers: bearer(),
    });
    const { file_url: url } = (await made.json()) as { file_url: string };
    const file = await fetch(gateway.url + new URL(url).pathname, { headers: bearer() });
    const lines = (await file.text()).trimEnd().split('\n');
    expect(lines.map(line => (JSON.parse(line) as { pk: string }).pk)).toEqual(ids);
  });

  test('Speakeasy gives all that was asked for', async () => {
    const found = await get<{ id: string }[]>(`/v1/workspace/${slug}/events?limit=1000`);
    expect(found.map(({ id }) => id)).toEqual([...ids].reverse());
    const targets = await get<{ id: string }[]>(`/v1/workspace/${slug}/events/targets`);
    expect(targets).toHaveLength(EVENTS);
  });
});
