/** What readers see of a log whose oldest events are gone, through the gateway. */
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { lookUpTails, removeNext } from '../../src/upkeep/retention.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { backdate, foldAll, makePastQuarters } from '../kit/past.ts';
import { sluice } from './cli/run.ts';

const RECORDED = 12;
const REMOVED = 8;
const KEPT = [9, 10, 11, 12];

let gateway: TestGateway;
let key: string;
let slug: string;
/** Of each position, from 1. */
let cursors: string[];
beforeAll(async () => {
  gateway = await startTestGateway();
  ({ slug, key } = await gateway.workspace());
  const events = Array.from({ length: RECORDED }, (_, n) => ({
    ...{ id: `e${n + 1}`, type: 'a', source: 's', subject: n % 2 === 0 ? 'even' : 'odd' },
    ...{ occurredAt: '2026-01-05T12:00:00Z', payload: { secret: n } },
  }));
  await gateway.data(
    'mutation ($e: [EventInput!]!) { recordEvents(input: { events: $e }) { recordedCount } }',
    { e: events },
    key,
  );
  const { events: page } = await ask<{ events: { edges: { cursor: string }[] } }>(
    '{ events(order: { field: POSITION, direction: ASC }) { edges { cursor } } }',
  );
  cursors = page.edges.map(({ cursor }) => cursor);
  await gateway.data(
    'mutation ($s: String!) { updateWorkspace(input: { slug: $s, retentionDays: 5 }) { workspace { id } } }',
    { s: slug },
  );
  await removeOldest();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ask = <Data>(query: string) => gateway.data<Data>(query, {}, key);

/** As retention does when they have become old. */
async function removeOldest(): Promise<void> {
  const { db } = gateway;
  const [row] = await db.read.query<{ id: number }>('select id from workspaces where slug = $1', [
    slug,
  ]);
  await foldAll(db);
  await makePastQuarters(db, 1);
  await backdate(db, row!.id, REMOVED, 10);
  await lookUpTails(db.upkeep);
  for (let isMore = true; isMore;) isMore = (await removeNext(db.upkeep))?.isMore ?? false;
}

test('pages and their counts hold what is kept', async () => {
  const { events, workspace } = await ask<Record<string, Record<string, unknown>>>(`{
    workspace { tailPosition headPosition }
    events(order: { field: POSITION, direction: ASC }) {
      totalCount nodes { position } pageInfo { hasPreviousPage }
    }
  }`);
  expect(workspace).toEqual({ tailPosition: 9, headPosition: 12 });
  expect(events).toEqual({
    totalCount: KEPT.length,
    nodes: KEPT.map(position => ({ position })),
    pageInfo: { hasPreviousPage: false },
  });
});

test('counts by type keep what is gone, counts of anything else can’t: `source` tells them apart', async () => {
  const counted = (groupBy: string) =>
    ask<{ eventAggregates: { nodes: { count: number }[]; source: string } }>(`{
      eventAggregates(input: { timeframe: { between: { from: "2026-01-05T00:00:00Z", to: "2026-01-06T00:00:00Z" } }, groupBy: [${groupBy}] }) {
        nodes { count } source
      } }`);
  expect((await counted('{ dimension: TYPE }')).eventAggregates).toEqual({
    nodes: [{ count: RECORDED }],
    source: 'ROLLUP',
  });
  expect((await counted('{ dimension: SOURCE }')).eventAggregates).toEqual({
    nodes: [{ count: KEPT.length }],
    source: 'EVENTS',
  });
});

async function watched(args: string, count: number): Promise<number[]> {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  const positions: number[] = [];
  const query = `subscription { events(${args}) { kind position } }`;
  try {
    for await (const { data } of client.iterate<{ events: { kind: string; position: number } }>({
      query,
    })) {
      if (data?.events.kind === 'EVENT') positions.push(data.events.position);
      if (positions.length === count) break;
    }
  } finally {
    await client.dispose();
  }
  return positions;
}

test('streams begin where the log does, and go on across the tail where nothing is missing', async () => {
  expect(await watched('start: BEGINNING', KEPT.length)).toEqual(KEPT);
  expect(await watched(`after: "${cursors[REMOVED - 1]}"`, KEPT.length)).toEqual(KEPT);
  expect(await watched(`after: "${cursors[REMOVED]}"`, 3)).toEqual([10, 11, 12]);
});

test('a cursor whose next event is gone ends with CURSOR_EXPIRED, in streams and in pages', async () => {
  const expired = {
    extensions: { code: 'CURSOR_EXPIRED', oldestCursor: expect.any(String) as string },
  };
  await expect(watched(`after: "${cursors[2]}"`, 1)).rejects.toMatchObject([expired]);
  const page = await gateway.graphql(
    `{ events(after: "${cursors[2]}", order: { field: POSITION, direction: ASC }) { nodes { id } } }`,
    {},
    key,
  );
  expect(page.errors).toMatchObject([expired]);
});

test.each(['export', 'tail'])(
  'sluice %s with a cursor whose next event is gone says where what is kept begins',
  async command => {
    const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: key };
    const refused = await sluice([command, '--after', cursors[2] as string], environment);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('CURSOR_EXPIRED') });
    const [, oldest] =
      /still kept, run the command again with --after (\S+)\.\n/.exec(refused.err) ?? [];
    const rest = await sluice(['export', '--after', oldest as string], environment);
    expect(rest.json().map(({ position }) => position)).toEqual(KEPT);
  },
);

test('an export holds what is kept, and of what is redacted no content', async () => {
  await gateway.data(
    'mutation ($w: String!) { redactEvents(input: { workspace: $w, subject: "even" }) { redactedCount } }',
    { w: slug },
  );
  const environment = { SLUICE_URL: gateway.url, SLUICE_KEY: ADMIN_KEY };
  const { code, json } = await sluice(['export', '--workspace', slug], environment);
  expect(code).toBe(0);
  const lines = json();
  expect(lines.map(({ position }) => position).sort()).toEqual([...KEPT].sort());
  const contents = lines.map(({ position, subject, payload }) => [
    position,
    subject ?? null,
    payload,
  ]);
  expect(contents).toContainEqual([9, null, {}]);
  expect(contents).toContainEqual([10, 'odd', { secret: 9 }]);
});
