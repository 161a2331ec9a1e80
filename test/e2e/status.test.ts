import { afterAll, expect, test } from 'vitest';
import { VERSION } from '../../src/config/version.ts';
import { startTestGateway } from '../kit/gateway.ts';
import { backdate } from '../kit/past.ts';

const gateway = await startTestGateway();
afterAll(() => gateway[Symbol.asyncDispose]());

const STATUS = `{ status {
  version startedAt waitingEvents
  streams { open catchingUp lagEvents lagSeconds }
  storage { usedBytes bytesPerDay freeBytes }
} }`;

interface Answer {
  readonly status: {
    readonly version: string;
    readonly startedAt: string;
    readonly storage: { readonly usedBytes: number; readonly bytesPerDay: number };
  };
}

test('the status of a gateway is told to an admin of every workspace', async () => {
  const { status } = await gateway.data<Answer>(STATUS);
  expect(status).toMatchObject({
    ...{ version: VERSION, waitingEvents: 0 },
    streams: { open: 0, catchingUp: 0, lagEvents: 0, lagSeconds: 0 },
    // A database of its own: its disk is not seen.
    storage: { bytesPerDay: 0, freeBytes: null },
  });
  expect(Date.parse(status.startedAt)).toBeLessThanOrEqual(Date.now());
  expect(status.storage.usedBytes).toBeGreaterThan(1_000_000);
});

test('the growth of a day is what its events take', async () => {
  const events = Array.from({ length: 100 }, () => ({ type: 'status.grown', payload: { n: 1 } }));
  await gateway.data(
    `mutation($events: [EventInput!]!) { recordEvents(input: { events: $events }) { recordedCount } }`,
    { events },
  );
  const perDay = () =>
    gateway.data<Answer>(STATUS).then(({ status }) => status.storage.bytesPerDay);
  // Rollups are folded a moment after the events are there.
  await expect.poll(perDay).toBeGreaterThan(100 * 100);
});

interface Recordings {
  readonly lastHour: { start: string; count: number }[];
  readonly uncountedEvents: number;
}

async function recordingsOf(slug: string): Promise<Recordings> {
  const { workspace } = await gateway.data<{ workspace: { recordings: Recordings } }>(
    `query($slug: String!) {
      workspace(slug: $slug) { recordings { lastHour { start count } uncountedEvents } }
    }`,
    { slug },
  );
  return workspace.recordings;
}

test('events count in the minute in which they were recorded, whenever they happened', async () => {
  const { slug } = await gateway.workspace();
  const { lastHour } = await recordingsOf(slug);
  expect(lastHour).toHaveLength(60);
  const steps = lastHour.slice(1).map(({ start }, at) => {
    return Date.parse(start) - Date.parse(lastHour[at]?.start ?? '');
  });
  expect(new Set(steps)).toEqual(new Set([60_000]));
  expect(Date.now() - Date.parse(lastHour.at(-1)?.start ?? '')).toBeLessThan(120_000);

  const record = (count: number) =>
    gateway.data(
      'mutation($input: RecordEventsInput!) { recordEvents(input: $input) { recordedCount } }',
      {
        input: {
          workspace: slug,
          events: Array.from({ length: count }, (_, n) => ({
            type: 'old',
            occurredAt: new Date(Date.UTC(2020, 0, 1 + n)).toISOString(),
          })),
        },
      },
    );
  const { db } = gateway;
  const [row] = await db.read.query<{ id: number }>('select id from workspaces where slug = $1', [
    slug,
  ]);
  const moved = (upto: number, minutes: number) => backdate(db, row!.id, upto, minutes / (24 * 60));
  await record(7);
  await expect.poll(async () => (await recordingsOf(slug)).uncountedEvents).toBe(0);
  await moved(7, 5);
  await moved(4, 30);
  await moved(2, 120);
  await record(3);
  const counts = (await recordingsOf(slug)).lastHour.map(({ count }) => count);
  expect(counts.filter(count => count > 0)).toEqual([2, 3, 3]);
  expect(counts.indexOf(3) - counts.indexOf(2)).toBe(25);
});

test('what was refused is counted from the start', async () => {
  const read = () =>
    gateway
      .data<{ status: { refusals: object } }>(
        '{ status { refusals { requests rejectedEvents conflictingEvents } } }',
      )
      .then(({ status }) => status.refusals);
  const none = { requests: 0, rejectedEvents: 0, conflictingEvents: 0 };
  expect(await read()).toEqual(none);
  const { key } = await gateway.workspace();
  const record = (event: object) =>
    gateway.data(
      'mutation($event: EventInput!) { recordEvent(input: { event: $event }) { receipt { status } } }',
      { event },
      key,
    );
  await record({ type: '' });
  await record({ type: 'a', id: 'same' });
  await record({ type: 'b', id: 'same' });
  expect(await read()).toEqual({ ...none, rejectedEvents: 1, conflictingEvents: 1 });
});
