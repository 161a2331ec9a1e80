/** Who may do what with a consumer, what its cursors are good for, and what is refused. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  firstError,
  newBench,
  positions,
  someEvents,
  startBench,
  subscribe,
  type Bench,
  type Input,
} from './kit.ts';

let world: Awaited<ReturnType<typeof startBench>>;
let bench: Bench;
beforeAll(async () => {
  world = await startBench();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newBench(world.gateway);
});

const BEGINNING = { from: { start: 'BEGINNING' } };

async function makeKey(scopes: string) {
  const { createApiKey } = await bench.gateway.data<{
    createApiKey: { secret: string; apiKey: { id: string } };
  }>(
    `mutation($workspace: String!) {
      createApiKey(input: { name: "k", workspace: $workspace, scopes: [${scopes}] }) {
        secret apiKey { id }
      }
    }`,
    { workspace: bench.slug },
  );
  return {
    secret: createApiKey.secret,
    revoke: () =>
      bench.gateway.data(
        'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
        { id: createApiKey.apiKey.id },
      ),
  };
}

describe('a key with EVENTS_CONSUME alone', () => {
  test('works for a consumer, and reads nothing beside what it is delivered', async () => {
    await bench.record([
      { id: 'parent', type: 'secret', groupId: 'g' },
      { type: 'made', parentId: 'parent', groupId: 'g' },
    ]);
    await bench.create('c', { ...BEGINNING, filter: { types: ['made'] } });
    const { secret } = await makeKey('EVENTS_CONSUME');
    const pulled = await bench.tryPull('c', {}, secret);
    expect(pulled.data).toMatchObject({
      pullEvents: { deliveries: [{ event: { position: 2 } }] },
    });
    await bench.change('seekConsumer', 'c', { to: { start: 'BEGINNING' } });
    for (const field of [
      'parent { id }',
      'children { nodes { id } }',
      'groupEvents { nodes { id } }',
      'definition { id }',
      'workspace { events { nodes { id } } }',
      'workspace { eventDefinitions { nodes { id } } }',
    ]) {
      const asked = await bench.gateway.graphql(
        `mutation { pullEvents(input: { consumer: "c" }) { deliveries { event { ${field} } } } }`,
        {},
        secret,
      );
      expect(firstError(asked), field).toBe('FORBIDDEN');
      await bench.change('seekConsumer', 'c', { to: { start: 'BEGINNING' } });
    }
    const state = await bench.gateway.graphql('{ consumer(name: "c") { lagEvents } }', {}, secret);
    expect(state.data).toEqual({ consumer: { lagEvents: 2 } });
    const events = await bench.gateway.graphql('{ events { nodes { id } } }', {}, secret);
    expect(firstError(events)).toBe('FORBIDDEN');
  });

  test('ends while it waits, with what it waits for', async () => {
    await bench.create('c');
    const key = await makeKey('EVENTS_CONSUME');
    const waiting = bench.tryPull('c', { wait: 'PT30S' }, key.secret);
    await using stream = subscribe({ gateway: bench.gateway, key: key.secret }, 'c');
    const first = stream.next().catch((error: Error) => error.message);
    await expect
      .poll(async () => {
        const { status } = await bench.gateway.data<{ status: { streams: { open: number } } }>(
          '{ status { streams { open } } }',
        );
        return status.streams.open;
      })
      .toBe(2);
    await key.revoke();
    expect(firstError(await waiting)).toBe('KEY_REVOKED');
    expect(await first).toBe('KEY_REVOKED');
    await bench.record(someEvents(1));
    expect(positions(await bench.pull('c', { wait: 'PT20S' }))).toEqual([1]);
  });
});

describe('one cursor for everything', () => {
  test('that of a consumer goes on in a page, and those of pages, receipts and others in a consumer', async () => {
    await bench.record(someEvents(6));
    await bench.create('c', BEGINNING);
    await bench.acknowledge('c', await bench.pull('c', { first: 4 }));
    const { cursor } = await bench.state('c');
    const { events } = await bench.gateway.data<{
      events: { edges: { cursor: string; node: { position: number } }[] };
    }>(
      `query($after: String) { events(after: $after, order: { field: POSITION, direction: ASC }) {
        edges { cursor node { position } } } }`,
      { after: cursor },
      bench.key,
    );
    expect(events.edges.map(({ node }) => node.position)).toEqual([5, 6]);
    await bench.create('page', { from: { after: events.edges[0]!.cursor } });
    expect(positions(await bench.pull('page'))).toEqual([6]);
    const [delivery] = await bench.pull('c', { first: 1 });
    await bench.change('seekConsumer', 'page', { to: { after: delivery!.cursor } });
    expect(positions(await bench.pull('page'))).toEqual([6]);
    await bench.change('seekConsumer', 'page', { to: { after: cursor } });
    expect(positions(await bench.pull('page'))).toEqual([5, 6]);
  });

  test('also while deliveries are open, at each of which a page can begin', async () => {
    await bench.record(someEvents(5));
    await bench.create('c', BEGINNING);
    const all = await bench.pull('c');
    for (const [at, delivery] of all.entries()) {
      const { cursor, settledPosition } = await bench.state('c');
      expect(settledPosition).toBe(at);
      const { after, before } = await bench.gateway.data<
        Record<'after' | 'before', { nodes: { position: number }[] }>
      >(
        `query($cursor: String) {
          after: events(after: $cursor, order: { field: POSITION, direction: ASC }) { nodes { position } }
          before: events(before: $cursor, order: { field: POSITION, direction: ASC }) { nodes { position } }
        }`,
        { cursor },
        bench.key,
      );
      expect(after.nodes[0]!.position).toBe(at + 1);
      expect(before.nodes).toHaveLength(Math.max(0, at - 1));
      await bench.acknowledge('c', [delivery]);
    }
  });

  test('a time puts a consumer before the first event that was recorded then', async () => {
    for (let at = 0; at < 5; at++) await bench.record(someEvents(3));
    const { events } = await bench.gateway.data<{
      events: { nodes: { position: number; recordedAt: string }[] };
    }>(
      '{ events(order: { field: POSITION, direction: ASC }) { nodes { position recordedAt } } }',
      {},
      bench.key,
    );
    await bench.create('c');
    for (const { recordedAt } of events.nodes) {
      const first = events.nodes.find(event => event.recordedAt >= recordedAt)!.position;
      const moved = await bench.change('seekConsumer', 'c', { to: { at: recordedAt } });
      expect(moved).toMatchObject({ consumer: { settledPosition: first - 1 } });
    }
    const ahead = { to: { at: '2999-01-01T00:00:00Z' } };
    expect(await bench.change('seekConsumer', 'c', ahead)).toMatchObject({
      consumer: { settledPosition: 15 },
    });
    const before = { to: { at: '2000-01-01T00:00:00Z' } };
    expect(await bench.change('seekConsumer', 'c', before)).toMatchObject({
      consumer: { settledPosition: 0 },
    });
  });
});

describe('a consumer is refused', () => {
  const filter = { search: 'word '.repeat(51) };
  test.each<[string, Input, string]>([
    ['without a name', { name: ' ' }, 'BAD_USER_INPUT'],
    ['with a long name', { name: 'x'.repeat(101) }, 'BAD_USER_INPUT'],
    ['with a name that cannot be kept', { name: 'a\0b' }, 'BAD_USER_INPUT'],
    ['with a lease that is too short', { leaseDuration: 'PT0.5S' }, 'BAD_USER_INPUT'],
    ['with a lease that is too long', { leaseDuration: 'PT13H' }, 'BAD_USER_INPUT'],
    ['without attempts', { maxAttempts: 0 }, 'BAD_USER_INPUT'],
    ['with too many attempts', { maxAttempts: 101 }, 'BAD_USER_INPUT'],
    ['at no place', { from: {} }, 'BAD_USER_INPUT'],
    ['at two places', { from: { start: 'NOW', at: '2026-01-01T00:00:00Z' } }, 'BAD_USER_INPUT'],
    ['at no cursor', { from: { after: 'nothing' } }, 'CURSOR_INVALID'],
    [
      'with a filter no stream can have',
      { filter: { ...filter, payload: [{ path: [] }] } },
      'BAD_USER_INPUT',
    ],
  ])('%s', async (_why, input, code) => {
    const result = await bench.gateway.graphql(
      'mutation($input: CreateConsumerInput!) { createConsumer(input: $input) { consumer { id } } }',
      { input: { name: 'c', ...input } },
      bench.key,
    );
    expect(firstError(result)).toBe(code);
  });

  test('by the name of another one', async () => {
    await bench.create('c');
    await expect(bench.create('c')).rejects.toThrow('CONFLICT');
    await bench.create('d');
    await expect(bench.change('updateConsumer', 'd', { name: 'c' })).rejects.toThrow('CONFLICT');
  });

  test.each<[string, Input]>([
    ['no events', { first: 0 }],
    ['too many events', { first: 1_001 }],
    ['a long wait', { wait: 'PT31S' }],
  ])('a pull of %s', async (_what, input) => {
    await bench.create('c');
    expect(firstError(await bench.tryPull('c', input))).toBe('BAD_USER_INPUT');
  });

  test('an acknowledgement of no token', async () => {
    await bench.create('c');
    await expect(bench.acknowledge('c', [])).rejects.toThrow('BAD_USER_INPUT');
  });
});

test('a consumer changes its filter, its name and its limits, and keeps its place', async () => {
  await bench.record([...someEvents(2), ...someEvents(2, { type: 'other' })]);
  await bench.create('c', { ...BEGINNING, filter: { types: ['made'] } });
  await bench.acknowledge('c', await bench.pull('c', { first: 1 }));
  const filter = { types: ['other'], occurredAt: { from: '2000-01-01T00:00:00.000Z' } };
  const changed = await bench.change(
    'updateConsumer',
    'c',
    { name: 'renamed', filter, leaseDuration: 'PT1M', maxAttempts: 3 },
    'consumer { name filter leaseDuration maxAttempts settledPosition }',
  );
  expect(changed).toEqual({
    consumer: {
      name: 'renamed',
      filter,
      leaseDuration: 'PT60S',
      maxAttempts: 3,
      settledPosition: 1,
    },
  });
  expect(firstError(await bench.tryPull('c'))).toBe('NOT_FOUND');
  expect(positions(await bench.pull('renamed'))).toEqual([3, 4]);
});

test('a consumer that is deleted and made again begins anew', async () => {
  await bench.record(someEvents(2));
  await bench.create('c', BEGINNING);
  const before = await bench.pull('c');
  expect(await bench.change('deleteConsumer', 'c', {}, 'deletedName')).toEqual({
    deletedName: 'c',
  });
  await bench.create('c', BEGINNING);
  expect(await bench.acknowledge('c', before)).toMatchObject({ count: 0 });
  expect(positions(await bench.pull('c'))).toEqual([1, 2]);
});

test('large events come in several pulls, and each of them does come', async () => {
  const payload = { text: 'x'.repeat(200_000) };
  for (let part = 0; part < 3; part++) await bench.record(someEvents(20, { payload }));
  await bench.create('c', BEGINNING);
  const sizes: number[] = [];
  for (let some = await bench.pull('c'); some.length > 0; some = await bench.pull('c')) {
    sizes.push(some.length);
    await bench.acknowledge('c', some);
  }
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(60);
});
