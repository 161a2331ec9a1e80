import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventInput } from '../../../src/core/event.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { verify } from '../../../src/db/verify.ts';
import { createQuarantineReader } from '../../../src/read/quarantine.ts';
import { EXPIRY_BATCH_EVENTS, expireNext, expireQuarantined } from '../../../src/upkeep/expiry.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { foldAll } from '../../kit/past.ts';
import { anEvent, startRecordingDatabase, type Recording } from '../../kit/recording.ts';

let gateway: Recording & { database: TestDatabase };
beforeAll(async () => {
  gateway = await startRecordingDatabase();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const SECOND_MS = 1_000;
const fromNow = (ms: number) => new Date(Date.now() + ms);

const CONTENT: Partial<EventInput> = {
  source: 's',
  subject: 'alice',
  actor: 'bob',
  description: 'secret',
  icon: '🔑',
  clientIp: '10.0.0.1',
  parentId: 'p',
  groupId: 'g',
  success: true,
  notify: true,
  payload: { secret: 1 },
  properties: [{ name: 'n', type: 'LONG', values: ['9007199254740993'] }],
};

function record(workspace: Workspace, events: EventInput[]) {
  return gateway.record({ workspace, door: 'GRAPHQL', events, atomic: false });
}

/** Until nothing is due; how many events were emptied. */
async function expireAll(): Promise<number> {
  for (let emptied = 0; ;) {
    const batch = await expireNext(gateway.db.upkeep);
    if (batch?.isMore !== true) return emptied;
    emptied += batch.events;
  }
}

async function rowsOf({ id }: Workspace) {
  return gateway.db.read.query<Record<string, unknown>>(
    `select e.*, d.name as type from events e join event_definitions d
       on d.workspace_id = e.workspace_id and d.id = e.definition_id
     where e.workspace_id = $1 order by position`,
    [id],
  );
}

async function expiresNext({ id }: Workspace): Promise<Date | null> {
  const [row] = await gateway.db.read.query<{ at: Date | null }>(
    'select expires_next as at from workspace_marks where workspace_id = $1',
    [id],
  );
  return row!.at;
}

async function expectWhole(): Promise<void> {
  expect((await verify(gateway.db.upkeep)).violations).toEqual([]);
}

test('what has expired is emptied in place, what has not stays', async () => {
  const workspace = await gateway.workspace();
  const later = fromNow(3_600 * SECOND_MS);
  await record(workspace, [
    anEvent({ ...CONTENT, id: 'gone', expiresAt: fromNow(-SECOND_MS) }),
    anEvent({ ...CONTENT, id: 'kept', expiresAt: later }),
    anEvent({ ...CONTENT, id: 'ever' }),
  ]);
  await foldAll(gateway.db);
  const before = await rowsOf(workspace);
  expect(await expireAll()).toBe(1);
  const [gone, ...others] = await rowsOf(workspace);
  expect(others).toEqual(before.slice(1));
  const { expired_at, ...left } = gone!;
  expect(expired_at).toBeInstanceOf(Date);
  expect(left).toEqual({
    ...before[0],
    ...{ source: null, subject: null, actor: null, description: null, icon: null },
    ...{ client_ip: null, parent_id: null, group_id: null, success: null, notify: false },
    ...{ payload: '{}', property_types: null, wire: null, expired_at: undefined },
  });
  expect(await expiresNext(workspace)).toEqual(later);
  expect(await expireAll()).toBe(0);
  await expectWhole();
});

test('a retry of an event that has expired is still a DUPLICATE', async () => {
  const workspace = await gateway.workspace();
  const event = anEvent({ id: 'x', payload: { a: 1 }, expiresAt: fromNow(-SECOND_MS) });
  await record(workspace, [event]);
  await foldAll(gateway.db);
  expect(await expireAll()).toBe(1);
  expect(await record(workspace, [event])).toMatchObject([{ status: 'DUPLICATE', position: 1 }]);
  const other = { ...event, payload: { a: 2 } };
  expect(await record(workspace, [other])).toMatchObject([{ status: 'CONFLICT' }]);
});

test('nothing is emptied before the rollups have counted its measures', async () => {
  const workspace = await gateway.workspace();
  await record(workspace, [anEvent({ type: 'm' })]);
  await gateway.db.write.query(
    `update event_definitions set measures = '{price}' where workspace_id = $1`,
    [workspace.id],
  );
  await foldAll(gateway.db);
  const price = (expiresAt: Date) => anEvent({ type: 'm', payload: { price: 5 }, expiresAt });
  await record(workspace, [price(fromNow(-2 * SECOND_MS))]);
  expect(await expireAll()).toBe(0);
  await foldAll(gateway.db);
  expect(await expireAll()).toBe(1);
  // One that is recorded later and expires sooner than the last is found as well.
  await record(workspace, [price(fromNow(-60 * SECOND_MS))]);
  await foldAll(gateway.db);
  expect(await expireAll()).toBe(1);
  const [row] = await gateway.db.read.query<{ sum: string }>(
    'select sum from event_measures where workspace_id = $1 and grain = 3',
    [workspace.id],
  );
  expect(row!.sum).toBe('10');
  await expectWhole();
});

test('it goes in batches, also where many expire at one instant', async () => {
  const workspace = await gateway.workspace();
  const expiresAt = fromNow(-SECOND_MS);
  const events = Array.from({ length: EXPIRY_BATCH_EVENTS + 5 }, () => anEvent({ expiresAt }));
  await record(workspace, events);
  await foldAll(gateway.db);
  const sizes: number[] = [];
  for (;;) {
    const batch = await expireNext(gateway.db.upkeep);
    if (batch?.isMore !== true) break;
    sizes.push(batch.events);
  }
  expect(sizes).toEqual([EXPIRY_BATCH_EVENTS, 5]);
  expect(await expiresNext(workspace)).toBeNull();
  await expectWhole();
});

test('what has expired in quarantine is hidden at once, and goes', async () => {
  const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
  const now = Date.now();
  await record(workspace, [
    anEvent({ id: 'gone', expiresAt: new Date(now - SECOND_MS) }),
    anEvent({ id: 'kept', expiresAt: new Date(now + 3_600 * SECOND_MS) }),
    anEvent({ id: 'ever' }),
  ]);
  const idsOf = (rows: readonly { event: string }[]) =>
    rows.map(({ event }) => (JSON.parse(event) as { id: string }).id).sort();
  const shown = await createQuarantineReader(gateway.db.read).page(workspace.id, {});
  expect(idsOf(shown.items)).toEqual(['ever', 'kept']);
  expect(await expireQuarantined(gateway.db.upkeep)).toBe(1);
  const left = await gateway.db.read.query<{ event: string }>(
    'select event from quarantined_events where workspace_id = $1',
    [workspace.id],
  );
  expect(idsOf(left)).toEqual(['ever', 'kept']);
});
