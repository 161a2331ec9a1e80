import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventCursors } from '../../../src/core/cursor.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { CLIENTS, EVENTS, type Step, type StreamFault } from '../../unit/live/clients.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const RECORD = `mutation ($events: [EventInput!]!) {
  recordEvents(input: { events: $events }) { receipts { cursor } } }`;

interface Recorded {
  readonly recordEvents: { readonly receipts: readonly { readonly cursor: string }[] };
}

/** The receipts' cursors. */
async function record(key: string, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, () => ({ type: 'test.step' }));
  const { recordEvents } = await gateway.data<Recorded>(RECORD, { events }, key);
  return recordEvents.receipts.map(({ cursor }) => cursor);
}

const STEPS = 5;

async function workspaceWithEvents() {
  const { slug, key } = await gateway.workspace();
  const receipts = await record(key, STEPS);
  const [row] = await gateway.db.read.query<{ id: number; epoch: string }>(
    'select w.id, i.epoch from workspaces w, installation i where w.slug = $1',
    [slug],
  );
  return { slug, key, receipts, id: row!.id, epoch: row!.epoch };
}

type Read = (typeof CLIENTS)[number][1];

function follow(read: Read, key: string, variables: Record<string, unknown>) {
  return read({ url: gateway.url, key, query: EVENTS, variables });
}

async function faultOf(read: Read, key: string, variables: Record<string, unknown>) {
  const stream = follow(read, key, variables);
  const ended = await stream.next().catch((error: unknown) => error);
  return (ended as StreamFault).extensions;
}

/** The positions that a stream hands out until it has caught up. */
async function history(read: Read, key: string, variables: Record<string, unknown>) {
  const steps: Step[] = [];
  for await (const step of follow(read, key, variables)) {
    if (step.kind === 'CAUGHT_UP') break;
    steps.push(step);
  }
  return steps.map(({ position }) => position);
}

const TRANSPORTS = CLIENTS.slice(0, 2);

describe.each(TRANSPORTS)('over %s', (_, read) => {
  test('every kind of cursor resumes right after its event', async () => {
    const { key, receipts } = await workspaceWithEvents();
    const page = await gateway.data<{
      events: { liveCursor: string; edges: { cursor: string }[] };
      workspace: { headCursor: string };
    }>(
      `{ events(first: 2, order: { field: POSITION, direction: ASC }) {
           liveCursor edges { cursor } }
         workspace { headCursor } }`,
      {},
      key,
    );
    const [first] = await takeSteps(follow(read, key, { start: 'BEGINNING' }), 1);
    const cursors: readonly (readonly [cursor: string, position: number])[] = [
      ...receipts.map((cursor, index) => [cursor, index + 1] as const),
      ...page.events.edges.map(({ cursor }, index) => [cursor, index + 1] as const),
      [page.events.liveCursor, STEPS],
      [page.workspace.headCursor, STEPS],
      [first!.cursor, 1],
    ];
    for (const [after, position] of cursors) {
      const expected = Array.from({ length: STEPS - position }, (_, n) => position + 1 + n);
      expect(await history(read, key, { after })).toEqual(expected);
    }
    const streams = cursors.map(([after]) => follow(read, key, { after }));
    for (const stream of streams) while ((await stream.next()).value?.kind !== 'CAUGHT_UP');
    await record(key, 1);
    for (const stream of streams) {
      expect((await stream.next()).value).toMatchObject({ kind: 'EVENT', position: STEPS + 1 });
      await stream.return(undefined);
    }
  });

  test('a cursor of another workspace, another list or none of ours is invalid', async () => {
    const [one, other] = [await workspaceWithEvents(), await workspaceWithEvents()];
    const lists = await gateway.data<{
      events: { edges: { cursor: string }[] };
      eventDefinitions: { edges: { cursor: string }[] };
    }>(
      `{ events(first: 1, order: { field: OCCURRED_AT, direction: ASC }) { edges { cursor } }
         eventDefinitions(first: 1) { edges { cursor } } }`,
      {},
      one.key,
    );
    const wrong = [
      other.receipts[0],
      lists.events.edges[0]!.cursor,
      lists.eventDefinitions.edges[0]!.cursor,
      `${one.receipts[0]}x`,
      'nonsense',
      '',
    ];
    for (const after of wrong) {
      expect(await faultOf(read, one.key, { after })).toMatchObject({ code: 'CURSOR_INVALID' });
    }
  });

  test('a cursor beyond the newest event is ahead, one of another epoch is of that', async () => {
    const { key, id, epoch } = await workspaceWithEvents();
    const place = { position: STEPS + 1, recordedAt: new Date() };
    const ahead = eventCursors(epoch, id).encodePosition(place);
    expect(await faultOf(read, key, { after: ahead })).toMatchObject({ code: 'CURSOR_AHEAD' });
    const elsewhere = eventCursors('00000000', id).encodePosition({ ...place, position: 1 });
    expect(await faultOf(read, key, { after: elsewhere })).toMatchObject({ code: 'CURSOR_EPOCH' });
  });

  test('a cursor older than what is kept is told the oldest one, which goes on', async () => {
    const { key, id, receipts } = await workspaceWithEvents();
    await gateway.db.write.query('update workspace_marks set tail = 4 where workspace_id = $1', [
      id,
    ]);
    await gateway.db.write.query('delete from events where workspace_id = $1 and position < 4', [
      id,
    ]);
    for (const [index, after] of receipts.slice(0, 2).entries()) {
      const fault = await faultOf(read, key, { after });
      expect(fault, `after ${index + 1}`).toMatchObject({ code: 'CURSOR_EXPIRED' });
      expect(await history(read, key, { after: fault['oldestCursor'] })).toEqual([4, 5]);
    }
    // Nothing is missing after the newest event that is gone.
    expect(await history(read, key, { after: receipts[2] })).toEqual([4, 5]);
    expect(await history(read, key, { start: 'BEGINNING' })).toEqual([4, 5]);
  });
});

async function takeSteps(stream: AsyncGenerator<Step>, count: number): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const step of stream) if (steps.push(step) >= count) break;
  return steps;
}

describe('as many streams as may be', () => {
  let small: TestGateway;
  beforeAll(async () => {
    const config = { streamsMax: 6, streamsPerKeyMax: 3 };
    small = await startTestGateway({ databaseUrl: gateway.databaseUrl, config });
  });
  afterAll(() => small[Symbol.asyncDispose]());

  /** A stream that is open: its mark has come. */
  async function open(read: Read, key: string) {
    const stream = read({ url: small.url, key, query: EVENTS });
    expect((await stream.next()).value).toMatchObject({ kind: 'CAUGHT_UP' });
    return stream;
  }

  test.each(TRANSPORTS)(
    'are open over %s: the next is refused until one closes',
    async (_, read) => {
      const [one, other, third] = [
        await gateway.workspace(),
        await gateway.workspace(),
        await gateway.workspace(),
      ];
      const ofOne = [
        await open(read, one.key),
        await open(read, one.key),
        await open(read, one.key),
      ];
      const refused = { extensions: { code: 'TOO_MANY_STREAMS' } };
      const ofKey = { ...refused, message: expect.stringMatching('This key has 3 streams open') };
      await expect(open(read, one.key)).rejects.toMatchObject(ofKey);
      const ofOther = [await open(read, other.key), await open(read, other.key)];
      // The last place is for a workspace that has none.
      const ofWorkspace = { ...refused, message: expect.stringMatching('this workspace has 2') };
      await expect(open(read, other.key)).rejects.toMatchObject(ofWorkspace);
      const ofThird = await open(read, third.key);
      const inAll = {
        ...refused,
        message: expect.stringMatching('This gateway has 6 streams open'),
      };
      await expect(open(read, third.key)).rejects.toMatchObject(inAll);
      await ofThird.return(undefined);
      await ofOne.pop()!.return(undefined);
      // The gateway hears a little later that a reader has left.
      let opened: AsyncGenerator<Step> | null = null;
      await expect
        .poll(async () => (opened = await open(read, other.key).catch(() => null)))
        .not.toBeNull();
      await opened!.return(undefined);
      for (const stream of [...ofOne, ...ofOther]) await stream.return(undefined);
    },
  );
});
