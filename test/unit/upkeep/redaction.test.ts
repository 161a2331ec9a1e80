import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventInput } from '../../../src/core/event.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { verify } from '../../../src/db/verify.ts';
import { expireNext } from '../../../src/upkeep/expiry.ts';
import { redact, REDACTED_IDS_MAX, type Redaction } from '../../../src/upkeep/redact.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { foldAll } from '../../kit/past.ts';
import { anEvent, startRecordingDatabase, type Recording } from '../../kit/recording.ts';
import { unaudited } from '../../kit/unaudited.ts';

let gateway: Recording & { database: TestDatabase };
beforeAll(async () => {
  gateway = await startRecordingDatabase();
});
afterAll(() => gateway[Symbol.asyncDispose]());

function record(workspace: Workspace, events: EventInput[]) {
  return gateway.record({ workspace, door: 'GRAPHQL', events, atomic: false });
}

function redactIn(workspace: Workspace, redaction: Redaction, onEmptied?: (n: number) => void) {
  const fold = () => foldAll(gateway.db);
  return redact(gateway.db.upkeep, workspace.id, redaction, {
    ...{ fold, actor: null, audited: unaudited },
    ...(onEmptied && { onEmptied }),
  });
}

interface Kept {
  event_id: string;
  payload: string;
  occurred_at: Date;
  redacted: boolean;
  is_forgotten: boolean;
}

async function keptOf({ id }: Workspace): Promise<Kept[]> {
  return gateway.db.read.query<Kept>(
    `select e.event_id, e.payload, e.occurred_at, e.redacted_at is not null as redacted,
       k.hash = '00000000-0000-0000-0000-000000000000' as is_forgotten
     from events e join event_keys k on k.workspace_id = e.workspace_id and k.position = e.position
     where e.workspace_id = $1 order by e.position`,
    [id],
  );
}

const redactedIds = (kept: readonly Kept[]) =>
  kept.filter(({ redacted }) => redacted).map(({ event_id }) => event_id);

test('events of a subject, an actor and by id are emptied, with the hash of their content', async () => {
  const workspace = await gateway.workspace();
  const other = await gateway.workspace();
  const occurredAt = new Date('2020-02-29T12:00:00.000Z');
  const events = [
    anEvent({ id: 'a', subject: 'alice', payload: { secret: 1 }, occurredAt }),
    anEvent({ id: 'b', actor: 'alice', payload: { secret: 1 } }),
    anEvent({ id: 'c', payload: { secret: 1 } }),
    anEvent({ id: 'd', subject: 'bob', actor: 'carol', payload: { open: 1 } }),
  ];
  await record(workspace, events);
  await record(other, events);
  const chosen = { subject: 'alice', actor: 'alice', eventIds: ['c', 'unknown'] };
  expect(await redactIn(workspace, chosen)).toBe(3);
  const kept = await keptOf(workspace);
  expect(redactedIds(kept)).toEqual(['a', 'b', 'c']);
  expect(kept.map(({ payload }) => payload)).toEqual(['{}', '{}', '{}', '{"open": 1}']);
  expect(kept.map(({ is_forgotten }) => is_forgotten)).toEqual([true, true, true, false]);
  expect(kept[0]!.occurred_at).toEqual(occurredAt);
  expect(redactedIds(await keptOf(other))).toEqual([]);
  expect(await redactIn(workspace, chosen)).toBe(0);
  expect((await verify(gateway.db.upkeep)).violations).toEqual([]);
});

test('nobody can find out by a retry what a redacted event held', async () => {
  const workspace = await gateway.workspace();
  const event = anEvent({ id: 'x', payload: { guess: 1 } });
  await record(workspace, [event]);
  await redactIn(workspace, { eventIds: ['x'] });
  for (const guess of [1, 2]) {
    const [receipt] = await record(workspace, [{ ...event, payload: { guess } }]);
    expect(receipt).toMatchObject({ status: 'CONFLICT' });
  }
});

test('many go in batches, each committed by itself, up to the head at the beginning', async () => {
  const workspace = await gateway.workspace();
  const some = (count: number) =>
    Array.from({ length: count }, () => anEvent({ subject: 'alice', payload: { n: 1 } }));
  await record(workspace, some(2_500));
  const batches: number[] = [];
  let late: Promise<unknown> | undefined;
  const emptied = await redactIn(workspace, { subject: 'alice' }, events => {
    batches.push(events);
    late ??= record(workspace, some(1));
  });
  await late;
  expect(emptied).toBe(2_500);
  expect(batches).toEqual([1_000, 1_000, 500]);
  expect(redactedIds(await keptOf(workspace))).toHaveLength(2_500);
});

test('what is in quarantine of a subject, an actor or an id goes', async () => {
  const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
  await record(workspace, [
    anEvent({ id: 'a', subject: 'alice' }),
    anEvent({ id: 'b', actor: 'alice' }),
    anEvent({ id: 'c' }),
    anEvent({ id: 'd' }),
    anEvent({ description: 'without an id' }),
  ]);
  const left = () =>
    gateway.db.read.query<{ key: string; id: string }>(
      `select coalesce(event ->> 'id', '-') as key, id from quarantined_events
       where workspace_id = $1 order by 1`,
      [workspace.id],
    );
  const [nameless] = await left();
  const chosen = { subject: 'alice', actor: 'alice', eventIds: ['c', nameless!.id] };
  expect(await redactIn(workspace, chosen)).toBe(0);
  expect((await left()).map(({ key }) => key)).toEqual(['d']);
});

test('what has expired can still be redacted by its id, so that its hash goes too', async () => {
  const workspace = await gateway.workspace();
  await record(workspace, [anEvent({ id: 'x', expiresAt: new Date(Date.now() - 1_000) })]);
  await foldAll(gateway.db);
  expect(await expireNext(gateway.db.upkeep)).toMatchObject({ events: 1 });
  expect(await keptOf(workspace)).toMatchObject([{ redacted: false, is_forgotten: false }]);
  expect(await redactIn(workspace, { eventIds: ['x'] })).toBe(1);
  expect(await keptOf(workspace)).toMatchObject([{ redacted: true, is_forgotten: true }]);
});

test('it asks for something to choose by, and for no more ids than it takes', async () => {
  const workspace = await gateway.workspace();
  const eventIds = Array.from({ length: REDACTED_IDS_MAX + 1 }, (_, i) => `e${i}`);
  for (const redaction of [{}, { eventIds }]) {
    await expect(redactIn(workspace, redaction)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  }
  expect(await redactIn(workspace, { eventIds: eventIds.slice(1) })).toBe(0);
});
