import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from '../../../src/live/stream.ts';
import type { Wakeup } from '../../../src/live/wakeup.ts';
import { redact } from '../../../src/upkeep/redact.ts';
import { unaudited } from '../../kit/unaudited.ts';
import {
  type LiveTestbed,
  positionsOf,
  type Process,
  startLiveTestbed,
  takeUntil,
  upTo,
} from './kit.ts';

let bed: LiveTestbed;

beforeAll(async () => {
  bed = await startLiveTestbed();
});
afterAll(() => bed[Symbol.asyncDispose]());

const secrets = (count: number) => upTo(count).map(() => ({ payload: { secret: 1 } }));

const payloadsOf = (deliveries: readonly Delivery[]) => [
  ...new Set(deliveries.flatMap(({ event }) => (event === null ? [] : [event.payload]))),
];

async function redactAll(workspace: number, process: Process): Promise<void> {
  const rows = await bed.db.read.query<{ event_id: string }>(
    'select event_id from events where workspace_id = $1',
    [workspace],
  );
  const eventIds = rows.map(({ event_id }) => event_id);
  await redact(
    bed.db.upkeep,
    workspace,
    { eventIds },
    {
      audited: unaudited,
      actor: null,
      fold: async () => {},
    },
  );
  process.live.forget(workspace);
}

const losesAllHints = (wakeup: Wakeup): Wakeup => ({
  ...wakeup,
  announce: () => {},
  forget: () => {},
});
const HINTS = [
  ['by hints alone', {}],
  ['with every hint lost', { wakeup: losesAllHints, pollMs: 100 }],
] as const;

describe.each(HINTS)('what is redacted is handed out emptied from then on, %s:', (_, options) => {
  let here: Process;
  let elsewhere: Process;
  beforeAll(async () => {
    here = await bed.process(options);
    elsewhere = await bed.process(options);
  });

  test('to who follows the ring, in the process that redacts and in others', async () => {
    const workspace = await bed.workspace();
    const streams = [here, elsewhere].map(process => process.subscribe(workspace));
    for (const stream of streams) await stream.next();
    await here.record(workspace, secrets(20));
    for (const stream of streams) {
      expect((await stream.next()).value!.event!.payload).toContain('secret');
    }
    await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(20);
    await redactAll(workspace, here);
    await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(0);
    for (const stream of streams) {
      const rest = await takeUntil(stream, 20);
      expect(positionsOf(rest)).toEqual(upTo(20, 2));
      expect(payloadsOf(rest)).toEqual(['{}']);
    }
  });

  test('to who reads a page of the log', async () => {
    const workspace = await bed.workspace();
    await here.record(workspace, secrets(50));
    const streams = [here, elsewhere].map(process =>
      process.subscribe(workspace, { start: 'BEGINNING' }),
    );
    for (const stream of streams) {
      expect((await stream.next()).value!.event!.payload).toContain('secret');
    }
    // Heard once the rings, which hold one event each, are empty.
    await here.record(workspace, secrets(1));
    await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(1);
    await redactAll(workspace, here);
    await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(0);
    for (const stream of streams) {
      const rest = await takeUntil(stream, 51);
      expect(positionsOf(rest)).toEqual(upTo(51, 2));
      expect(payloadsOf(rest)).toEqual(['{}']);
    }
  });

  test('to who comes later, and what is recorded afterwards follows', async () => {
    const workspace = await bed.workspace();
    const watching = here.subscribe(workspace);
    await watching.next();
    const first = await here.record(workspace, secrets(1));
    await here.record(workspace, secrets(5));
    await redactAll(workspace, here);
    const later = here.subscribe(workspace, { start: first });
    await here.record(workspace, [{ payload: { open: 1 } }]);
    const taken = await takeUntil(later, 7);
    expect(positionsOf(taken)).toEqual(upTo(7, 2));
    expect(payloadsOf(taken)).toEqual(['{}', '{"open": 1}']);
    expect(positionsOf(await takeUntil(watching, 7))).toEqual(upTo(7));
  });
});

test('a process that cannot ask whether there were redactions lets go of what it holds', async () => {
  let isCut = false;
  const here = await bed.process({ wakeup: losesAllHints });
  const elsewhere = await bed.process({
    pollMs: 100,
    log: log => ({
      ...log,
      heads: ids => (isCut ? Promise.reject(new Error('cut off')) : log.heads(ids)),
    }),
  });
  const workspace = await bed.workspace();
  const stream = elsewhere.subscribe(workspace);
  await stream.next();
  await here.record(workspace, secrets(20));
  expect((await stream.next()).value!.event!.payload).toContain('secret');
  await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(20);
  isCut = true;
  await redactAll(workspace, here);
  await expect.poll(() => elsewhere.live.stats().ringEvents).toBe(0);
  const rest = await takeUntil(stream, 20);
  expect(positionsOf(rest)).toEqual(upTo(20, 2));
  expect(payloadsOf(rest)).toEqual(['{}']);
});
