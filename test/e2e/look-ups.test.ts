import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Connection } from '../../src/db/client.ts';
import { startTestGateway } from '../kit/gateway.ts';

test('events are recorded also by a key not seen lately, while every connection for reading is busy', async () => {
  await using gateway = await startTestGateway({
    config: { connectionsMax: 16, readTimeoutMs: 8_000 },
  });
  // One workspace alone never has every connection.
  const readers = [await gateway.workspace(), await gateway.workspace()];
  const recorder = await gateway.workspace();
  const counts = `{ eventAggregates(input: {
    timeframe: { between: { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" } } }) { nodes { count } } }`;
  await gateway.db.upkeep.hold(async holder => {
    await holder.query('begin');
    await holder.query('lock table event_counts in access exclusive mode');
    const waiting = Array.from({ length: 6 }, () =>
      readers.map(({ key }) => gateway.graphql(counts, {}, key)),
    ).flat();
    await untilWaiting(holder);
    const { recordEvent } = await gateway.data<{ recordEvent: object }>(
      'mutation { recordEvent(input: { event: { type: "t" } }) { receipt { status } } }',
      {},
      recorder.key,
    );
    expect(recordEvent).toEqual({ receipt: { status: 'RECORDED' } });
    await holder.query('rollback');
    await Promise.all(waiting);
  });
});

async function untilWaiting(holder: Connection): Promise<void> {
  for (;;) {
    const waiting = await holder.query(
      `select from pg_locks where not granted and relation = 'event_counts'::regclass`,
    );
    if (waiting.length >= 2) return;
    await sleep(10);
  }
}
