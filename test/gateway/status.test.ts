import { afterAll, expect, test } from 'vitest';
import { VERSION } from '../../src/config.ts';
import { startTestGateway } from '../kit/gateway.ts';

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
