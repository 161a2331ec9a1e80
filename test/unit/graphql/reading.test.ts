import { describe, expect, test } from 'vitest';
import { decodeId, encodeId } from '../../../src/graphql/global-id.ts';
import { createApi, event, key, READER } from './kit.ts';

const family = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    event(at + 1, { parentId: at === 0 ? null : 'e1', groupId: `g${at % 3}` }),
  );

describe('a nested query', () => {
  const source = `{ events { nodes {
    workspace { slug headPosition tailPosition }
    definition { name workspace { slug } }
    parent { eventId definition { name } }
    children(first: 5) { totalCount nodes { eventId parent { eventId } } }
    groupEvents(first: 5) { nodes { eventId } }
  } } }`;

  test('costs the same number of look-ups for 2 events and for 100', async () => {
    const few = createApi({ events: family(2) });
    const many = createApi({ events: family(100) });
    expect((await few.run(source, READER)).errors).toBeUndefined();
    expect((await many.run(source, READER)).errors).toBeUndefined();
    expect(many.calls.toSorted()).toEqual(few.calls.toSorted());
    expect(many.calls.filter(call => call === 'events.pagesBy')).toHaveLength(2);
    expect(many.calls).not.toContain('events.count');
  });

  test('finds each thing where it belongs', async () => {
    const { data } = await createApi({ events: family(4) }).run(source, READER);
    const [first, second] = (data as unknown as { events: { nodes: object[] } }).events.nodes;
    expect(first).toMatchObject({
      parent: null,
      children: { totalCount: 3, nodes: [{ eventId: 'e2', parent: { eventId: 'e1' } }, {}, {}] },
      groupEvents: { nodes: [{ eventId: 'e1' }, { eventId: 'e4' }] },
    });
    expect(second).toMatchObject({ parent: { eventId: 'e1' }, children: { nodes: [] } });
  });
});

describe('node', () => {
  test('finds again what an id came from, many of a kind with one look-up', async () => {
    const { run, calls } = createApi({ events: family(3) });
    const ids = [1, 2, 3].map(position => encodeId('Event', 1, position, 1));
    const all = [...ids, encodeId('Workspace', 1), encodeId('EventDefinition', 1, 2)];
    const { data } = await run(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Event { position } } }',
      READER,
      { ids: all },
    );
    expect(data).toMatchObject({
      nodes: [
        { __typename: 'Event', position: 1 },
        { __typename: 'Event', position: 2 },
        { __typename: 'Event', position: 3 },
        { __typename: 'Workspace', id: all[3] },
        { __typename: 'EventDefinition', id: all[4] },
      ],
    });
    expect(calls.toSorted()).toEqual(['definitions.byIds', 'events.byPlaces', 'workspaces.byIds']);
  });

  test('gives an event’s id what bounds its look-up: when it was recorded', async () => {
    const { data } = await createApi({ events: [event(1)] }).run(
      '{ event(eventId: "e1") { id recordedAt } }',
      READER,
    );
    const { id, recordedAt } = data!['event'] as unknown as { id: string; recordedAt: string };
    expect(decodeId(id)).toEqual({
      type: 'Event',
      parts: ['1', '1', String(Date.parse(recordedAt))],
    });
  });

  test.each([
    '',
    'x',
    'Event:1:1:1 ',
    'Workspace:1',
    ...['Workspace:0', 'Workspace:-1', 'Workspace:2147483648', 'Workspace:1:2', 'Workspace:one'],
    ...['Event:1:1', 'Event:1:0:1', 'Event:1:1:1e3', 'QuarantinedEvent:1:2', 'Viewer:1'],
    ...['constructor:1', '__proto__:1', 'Query:', 'Node:1'],
  ])('refuses %j, which nobody gave out', async text => {
    for (const id of [text, Buffer.from(text).toString('base64url')]) {
      if (id === encodeId('Workspace', 1)) continue;
      const { errors } = await createApi().run(
        'query ($id: ID!) { node(id: $id) { id } }',
        READER,
        {
          id,
        },
      );
      expect(errors?.[0]?.originalError, id).toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });

  test('answers null for an aggregate and for what is no longer there', async () => {
    const ids = [encodeId('EventAggregate', 'abc'), encodeId('Event', 1, 99, 1)];
    const { data, errors } = await createApi().run(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      READER,
      { ids },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({ nodes: [null, null] });
  });
});

describe('a connection', () => {
  const page = (order: string) => `{ events(${order}) {
    edges { cursor node { cursor } } nodes { eventId } liveCursor totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }`;

  test('by position hands out the events’ own cursors', async () => {
    const { data } = await createApi({ events: family(2) }).run(page('first: 2'), READER);
    const { edges, pageInfo, liveCursor } = data!['events'] as unknown as {
      edges: { cursor: string; node: { cursor: string } }[];
      pageInfo: object;
      liveCursor: string;
    };
    expect(edges[0]!.cursor).toBe(edges[0]!.node.cursor);
    expect(liveCursor).toBeTruthy();
    expect(pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: edges[0]!.cursor,
      endCursor: edges[1]!.cursor,
    });
  });

  test('by time hands out cursors of that order', async () => {
    const { data } = await createApi({ events: family(1) }).run(
      page('order: { field: OCCURRED_AT }'),
      READER,
    );
    const [edge] = (data!['events'] as unknown as { edges: { cursor: string; node: object }[] })
      .edges;
    expect(edge!.node).not.toEqual({ cursor: edge!.cursor });
  });

  test('of nothing has no cursors, but one to subscribe after', async () => {
    const { data } = await createApi().run(page('first: 2'), READER);
    expect(data!['events']).toMatchObject({
      edges: [],
      nodes: [],
      totalCount: 0,
      liveCursor: expect.any(String),
      pageInfo: { startCursor: null, endCursor: null },
    });
  });
});

describe('an event', () => {
  test('shows big integers as text in payload and exactly in properties', async () => {
    const stored = event(1, { payload: '{"big":9007199254740993,"small":1}' });
    const { data } = await createApi({ events: [stored] }).run(
      '{ event(eventId: "e1") { payload properties(names: ["big"]) { name type values } } }',
      key(1, 'EVENTS_READ'),
    );
    expect(data).toEqual({
      event: {
        payload: { big: '9007199254740993', small: 1 },
        properties: [{ name: 'big', type: 'LONG', values: ['9007199254740993'] }],
      },
    });
  });
});
