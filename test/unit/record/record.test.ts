import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventInput, Receipt } from '../../../src/core/event.ts';
import { exactNumber } from '../../../src/core/exact-number.ts';
import type { Workspace } from '../../../src/core/workspace.ts';
import { WORKSPACE_LOCK } from '../../../src/db/locks.ts';
import { ConnectionLost } from '../../../src/db/sqlstate.ts';
import { FLUSH_NEW_SQL, FLUSH_SQL } from '../../../src/record/flush.sql.ts';
import { createQuarantineAdmin } from '../../../src/record/quarantine-admin.ts';
import { quarantine } from '../../../src/record/quarantine.ts';
import type { TestDatabase } from '../../kit/database.ts';
import {
  anEvent,
  startRecording,
  startRecordingDatabase,
  type Recording,
} from '../../kit/recording.ts';
import { unaudited } from '../../kit/unaudited.ts';

let gateway: Recording & { database: TestDatabase };
beforeAll(async () => {
  gateway = await startRecordingDatabase();
});
afterAll(() => gateway[Symbol.asyncDispose]());

function record(workspace: Workspace, events: readonly EventInput[], atomic = false) {
  return gateway.record({ workspace, door: 'GRAPHQL', events, atomic });
}

async function stored(workspace: Workspace) {
  return gateway.db.read.query<{ position: number; event_id: string; subject: string | null }>(
    'select position, event_id, subject from events where workspace_id = $1 order by position',
    [workspace.id],
  );
}

const statuses = (receipts: readonly Receipt[]) => receipts.map(({ status }) => status);
const codes = (receipt: Receipt | undefined) => receipt?.problems.map(({ code }) => code);

describe('a request', () => {
  test('gets positions in its own order, dense from 1', async () => {
    const workspace = await gateway.workspace();
    const events = Array.from({ length: 2_500 }, (_, i) => anEvent({ id: `e-${i}` }));
    const receipts = await record(workspace, events);
    expect(statuses(receipts)).toEqual(events.map(() => 'RECORDED'));
    expect(receipts.map(({ position }) => position)).toEqual(events.map((_, i) => i + 1));
    expect((await stored(workspace)).map(row => row.event_id)).toEqual(events.map(e => e.id));
  });

  test('answers a repeat of id and content with DUPLICATE at the first position', async () => {
    const workspace = await gateway.workspace();
    const event = anEvent({ id: 'one', payload: { b: 1, a: { y: 2, x: 1 } } });
    const [first] = await record(workspace, [event]);
    const again = { ...event, payload: { a: { x: 1, y: 2 }, b: 1 } };
    const [second] = await record(workspace, [again]);
    expect(second).toMatchObject({ status: 'DUPLICATE', position: first?.position });
    expect(await stored(workspace)).toHaveLength(1);
  });

  test('refuses other content under a known id with CONFLICT and names its place', async () => {
    const workspace = await gateway.workspace();
    await record(workspace, [anEvent({ id: 'one', subject: 'a' })]);
    const [receipt] = await record(workspace, [anEvent({ id: 'one', subject: 'b' })]);
    expect(receipt).toMatchObject({ status: 'CONFLICT', position: 1 });
    expect(codes(receipt)).toEqual(['ID_CONFLICT']);
  });

  test('answers repeats within one batch from the first of them', async () => {
    const workspace = await gateway.workspace();
    const receipts = await record(workspace, [
      anEvent({ id: 'a' }),
      anEvent({ id: 'b' }),
      anEvent({ id: 'a' }),
      anEvent({ id: 'a', subject: 'other' }),
    ]);
    expect(statuses(receipts)).toEqual(['RECORDED', 'RECORDED', 'DUPLICATE', 'CONFLICT']);
    expect(receipts.map(({ position }) => position)).toEqual([1, 2, 1, 1]);
    expect(receipts.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  test('names every problem of a refused event and records the others', async () => {
    const workspace = await gateway.workspace();
    const receipts = await record(workspace, [
      anEvent({ id: 'good' }),
      {
        type: ' ',
        icon: 'two',
        clientIp: '1.2.3',
        subject: 'x\u0000',
        payload: { n: exactNumber('1e400') },
      },
    ]);
    expect(statuses(receipts)).toEqual(['RECORDED', 'REJECTED']);
    expect(receipts[1]?.problems.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'TYPE_REQUIRED /type',
      'TEXT_INVALID /subject',
      'IP_INVALID /clientIp',
      'ICON_INVALID /icon',
      'NUMBER_NOT_EXACT /payload/n',
    ]);
  });

  test('is stored whole or not at all when it is atomic', async () => {
    const workspace = await gateway.workspace();
    await record(workspace, [anEvent({ id: 'taken', subject: 'a' })]);
    const batches = {
      invalid: [anEvent({ id: 'x' }), { type: '' }],
      conflict: [anEvent({ id: 'x' }), anEvent({ id: 'taken', subject: 'b' })],
      repeat: [anEvent({ id: 'x' }), anEvent({ id: 'x', subject: 'b' })],
    };
    for (const events of Object.values(batches)) {
      const receipts = await record(workspace, events, true);
      expect(receipts[0]).toMatchObject({ status: 'REJECTED', position: null });
      expect(codes(receipts[0])).toEqual(['ATOMIC_REFUSED']);
    }
    expect(await stored(workspace)).toHaveLength(1);
    const whole = await record(workspace, [anEvent({ id: 'x' }), anEvent({ id: 'y' })], true);
    expect(statuses(whole)).toEqual(['RECORDED', 'RECORDED']);
  });

  test('refuses unknown types where the workspace says so, and keeps them aside where it asks', async () => {
    const strict = await gateway.workspace({ unknownTypes: 'REJECT' });
    const [refused] = await record(strict, [anEvent()]);
    expect(refused?.status).toBe('REJECTED');
    expect(codes(refused)).toEqual(['TYPE_UNKNOWN']);

    const careful = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
    const [kept] = await record(careful, [anEvent({ id: 'q', payload: { a: 1 } })]);
    expect(kept).toMatchObject({ status: 'QUARANTINED', eventId: 'q', position: null });
    const rows = await gateway.db.read.query<{ event: string }>(
      'select event from quarantined_events where workspace_id = $1',
      [careful.id],
    );
    expect(rows.map(({ event }) => JSON.parse(event) as unknown)).toEqual([
      { id: 'q', type: 'test.event', payload: { a: 1 } },
    ]);
    expect(await stored(careful)).toEqual([]);
  });

  test('validates again what its definition no longer covers, in its order', async () => {
    const workspace = await gateway.workspace();
    await record(workspace, [anEvent(), anEvent({ type: 'other' })]);
    await gateway.db.write.query(
      `update event_definitions set revision = revision + 1 where workspace_id = $1 and name = 'other'`,
      [workspace.id],
    );
    const receipts = await record(workspace, [
      anEvent({ type: 'other', id: 'a' }),
      anEvent({ id: 'b' }),
      anEvent({ type: 'other', id: 'c' }),
    ]);
    expect(statuses(receipts)).toEqual(['RECORDED', 'RECORDED', 'RECORDED']);
    expect(receipts.map(({ position }) => position)).toEqual([3, 4, 5]);
  });

  test('that Postgres refuses in part loses only the culprit', async () => {
    const workspace = await gateway.workspace();
    await gateway.db.write.query(
      `alter table events add constraint no_poison check (subject <> 'poison')`,
    );
    try {
      const events = Array.from({ length: 40 }, (_, i) =>
        anEvent({ subject: i === 23 ? 'poison' : `s-${i}` }),
      );
      const [mixed, innocent, atomic] = await Promise.all([
        record(workspace, events),
        record(await gateway.workspace(), [anEvent()]),
        record(workspace, [anEvent({ subject: 'poison' }), anEvent({ subject: 'with it' })], true),
      ]);
      expect(statuses(mixed).filter(status => status === 'RECORDED')).toHaveLength(39);
      expect(codes(mixed[23])).toEqual(['UNSTORABLE']);
      expect(mixed[23]?.problems[0]?.message).toContain('refuses this event even alone');
      expect(statuses(innocent)).toEqual(['RECORDED']);
      expect(atomic.flatMap(codes)).toEqual(['UNSTORABLE', 'UNSTORABLE']);
      expect(atomic[1]?.problems[0]?.message).toContain('Send it alone');
      const subjects = (await stored(workspace)).map(({ subject }) => subject);
      expect(subjects).toEqual(events.map(e => e.subject).filter(s => s !== 'poison'));
    } finally {
      await gateway.db.write.query('alter table events drop constraint no_poison');
    }
  });

  test('to a workspace that was deleted meanwhile is refused by name', async () => {
    const workspace = await gateway.workspace();
    await record(workspace, [anEvent()]);
    await gateway.db.write.query('delete from workspaces where id = $1', [workspace.id]);
    const [receipt] = await record(workspace, [anEvent()]);
    expect(codes(receipt)).toEqual(['WORKSPACE_DELETED']);
  });
});

describe('an event that is kept aside', () => {
  async function kept(workspace: Workspace) {
    return gateway.db.read.query<{ id: string; event: string }>(
      'select id, event from quarantined_events where workspace_id = $1',
      [workspace.id],
    );
  }
  const admin = () =>
    createQuarantineAdmin({
      write: gateway.db.write,
      audited: unaudited,
      record: gateway.record,
      decodeAgain: (_door, input) => input,
    });

  test('is recorded later by the id that its receipt names', async () => {
    const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
    const [receipt] = await record(workspace, [anEvent()]);
    const ids = (await kept(workspace)).map(({ id }) => id);
    await record({ ...workspace, unknownTypes: 'DISCOVER' }, [anEvent()]);
    const later = await admin().resubmit(workspace, ids, null);
    expect([...later.values()]).toMatchObject([
      { status: 'RECORDED', eventId: receipt?.eventId, position: 2 },
    ]);
  });

  test('is kept once, however often it is sent, also when its text is not storable', async () => {
    const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
    const event = anEvent({ id: 'one', payload: { a: 1 } });
    const receipts = [await record(workspace, [event]), await record(workspace, [event])].flat();
    expect(statuses(receipts)).toEqual(['QUARANTINED', 'QUARANTINED']);
    expect(await kept(workspace)).toHaveLength(1);
    await record(workspace, [anEvent({ id: 'one', payload: { a: 2 } })]);
    expect(await kept(workspace)).toHaveLength(2);
    const broken = anEvent({ id: 'b', subject: '\u0000 \\u0000 \ud800' });
    const target = { workspaceId: workspace.id, door: 'LOGSH', actor: null } as const;
    for (let times = 0; times < 2; times++) {
      await quarantine(gateway.db.write, target, [{ input: broken, problems: [] }]);
    }
    const subjects = (await kept(workspace)).map(row => JSON.parse(row.event).subject);
    expect(subjects.filter(Boolean)).toEqual(['\ufffd \\u0000 \ufffd']);
  });

  test('and is no longer there when it is resubmitted shifts no receipt of the others', async () => {
    const workspace = await gateway.workspace({ unknownTypes: 'QUARANTINE' });
    await record(workspace, [anEvent({ id: 'a' }), anEvent({ id: 'b' })]);
    const rows = await kept(workspace);
    const idOf = (id: string) => rows.find(({ event }) => JSON.parse(event).id === id)!.id;
    await admin().discard(workspace.id, [idOf('a')], null);
    const receipts = await admin().resubmit(workspace, [idOf('a'), idOf('b')], null);
    expect([...receipts.keys()]).toEqual([idOf('b')]);
    expect(receipts.get(idOf('b'))).toMatchObject({ eventId: 'b', position: null });
  });
});

describe('an error after a part is stored', () => {
  test('leaves as unknown, whatever it is', async () => {
    const workspace = await gateway.workspace({ unknownTypes: 'REJECT' });
    const defined = { ...workspace, unknownTypes: 'DISCOVER' } as const;
    await record(defined, [anEvent({ type: 'known' })]);
    const events = [anEvent({ type: 'known', id: 'stored' }), anEvent({ type: 'unknown' })];
    const careful = { ...workspace, unknownTypes: 'QUARANTINE' } as const;
    await gateway.db.write.query('alter table quarantined_events rename to elsewhere');
    try {
      const failing = record(careful, events);
      await expect(failing).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    } finally {
      await gateway.db.write.query('alter table elsewhere rename to quarantined_events');
    }
    expect((await stored(workspace)).map(row => row.event_id)).toContain('stored');
    expect(statuses(await record(careful, events))).toEqual(['DUPLICATE', 'QUARANTINED']);
  });
});

test('a flush whose answer was lost is told apart from what was there before it', async () => {
  const workspace = await gateway.workspace();
  await record(workspace, [anEvent({ id: 'before' })]);
  // Two clocks tell the two apart, which differ by as much as an answer takes.
  await gateway.db.upkeep.query(
    `update event_keys set recorded_at = recorded_at - interval '1 hour' where workspace_id = $1`,
    [workspace.id],
  );
  const { query } = gateway.db.flush;
  let lost = 0;
  gateway.db.flush.query = async (...args: Parameters<typeof query>) => {
    const rows = await query(...args);
    if (args[0] !== FLUSH_SQL || lost > 0) return rows as never;
    lost += 1;
    throw new ConnectionLost('CONNECTION_CLOSED', 'the answer is lost', { sent: true });
  };
  try {
    const receipts = await record(workspace, [anEvent({ id: 'before' }), anEvent({ id: 'now' })]);
    expect(receipts).toMatchObject([
      { status: 'DUPLICATE', position: 1 },
      { status: 'RECORDED', position: 2 },
    ]);
    expect(lost).toBe(1);
  } finally {
    gateway.db.flush.query = query;
  }
});

test('known events are looked for from the first one on, and for a moment after it', async () => {
  const workspace = await gateway.workspace();
  const again = anEvent({ id: 'again' });
  await record(workspace, [again]);
  const { query } = gateway.db.flush;
  const asked: string[] = [];
  gateway.db.flush.query = (...args: Parameters<typeof query>) => {
    asked.push(args[0] === FLUSH_NEW_SQL ? 'NEW' : 'ALL');
    return query(...args) as never;
  };
  try {
    // What was known to earlier tests is long ago.
    await expect
      .poll(async () => {
        asked.length = 0;
        await record(workspace, [anEvent()]);
        return asked;
      })
      .toEqual(['NEW']);
    asked.length = 0;
    const mixed = [anEvent(), again, { ...again, subject: 'other' }, anEvent()];
    expect(statuses(await record(workspace, mixed))).toEqual([
      ...['RECORDED', 'DUPLICATE', 'CONFLICT', 'RECORDED'],
    ]);
    expect(asked.slice(0, 2)).toEqual(['NEW', 'ALL']);
    asked.length = 0;
    expect(statuses(await record(workspace, [again]))).toEqual(['DUPLICATE']);
    expect(asked).toEqual(['ALL']);
  } finally {
    gateway.db.flush.query = query;
  }
});

describe('a batch full of poison', () => {
  test('is told apart within bounds, and refuses nobody else', async () => {
    const [sick, healthy] = [await gateway.workspace(), await gateway.workspace()];
    await Promise.all([record(sick, [anEvent()]), record(healthy, [anEvent()])]);
    let flushes = 0;
    await gateway.db.write.query(
      `alter table events add constraint no_poison check (subject <> 'poison')`,
    );
    const { query } = gateway.db.flush;
    gateway.db.flush.query = (...args: Parameters<typeof query>) => {
      if (args[0] === FLUSH_SQL || args[0] === FLUSH_NEW_SQL) flushes += 1;
      return query(...args) as never;
    };
    try {
      const poison = Array.from({ length: 600 }, (_, i) =>
        anEvent({ id: `${i}`, subject: i % 2 === 0 ? 'poison' : 'fine' }),
      );
      const [bad, good] = await Promise.all([
        record(sick, poison),
        record(
          healthy,
          Array.from({ length: 20 }, () => anEvent()),
        ),
      ]);
      expect(new Set(statuses(good))).toEqual(new Set(['RECORDED']));
      expect(bad.filter((_, i) => i % 2 === 0).map(codes)).toEqual(
        Array.from({ length: 300 }, () => ['UNSTORABLE']),
      );
      const recorded = bad.filter(({ status }) => status === 'RECORDED');
      expect((await stored(sick)).slice(1).map(row => row.event_id)).toEqual(
        recorded.map(({ eventId }) => eventId),
      );
      // Without a bound, some 1,200.
      expect(flushes).toBeLessThan(400);
    } finally {
      gateway.db.flush.query = query;
      await query('alter table events drop constraint no_poison');
    }
  });
});

describe('a flush of several workspaces', () => {
  test('records the new events of one beside the repeats of another', async () => {
    const [known, fresh] = [await gateway.workspace(), await gateway.workspace()];
    const errorsBefore = gateway.errors.length;
    await record(known, [anEvent({ id: 'one', type: 'of-known' })]);
    await record(fresh, [anEvent({ type: 'of-fresh' })]);
    // Both types are cached, so that both requests reach the writers in one turn.
    const answers = await Promise.all([
      record(known, [anEvent({ id: 'one', type: 'of-known' })]),
      record(fresh, [anEvent({ type: 'of-fresh' })]),
    ]);
    expect(answers.flatMap(statuses)).toEqual(['DUPLICATE', 'RECORDED']);
    expect(gateway.errors.slice(errorsBefore)).toEqual([]);
  });
});

describe('many writers', () => {
  test('on two gateways with overlapping ids leave dense positions and true receipts', async () => {
    await using other = await startRecording(gateway.database.url);
    const workspaces = await Promise.all([gateway.workspace(), gateway.workspace()]);
    const sides = [gateway, other];
    const receipts = new Map<string, { status: string; position: number | null }[]>();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let round = 0; round < 15; round++) {
          const workspace = workspaces[(writer + round) % 2] as Workspace;
          const events = Array.from({ length: 20 }, (_, i) =>
            anEvent({ id: `shared-${(round * 7 + i * (writer + 1)) % 60}` }),
          );
          const answers = await (sides[writer % 2] as Recording).record({
            workspace,
            door: 'GRAPHQL',
            events,
            atomic: round % 5 === 0,
          });
          for (const { eventId, status, position } of answers) {
            const id = `${workspace.id}/${eventId}`;
            receipts.set(id, [...(receipts.get(id) ?? []), { status, position }]);
          }
        }
      }),
    );
    for (const workspace of workspaces) {
      const rows = await stored(workspace);
      expect(rows.map(({ position }) => position)).toEqual(rows.map((_, i) => i + 1));
      for (const { event_id, position } of rows) {
        const own = receipts.get(`${workspace.id}/${event_id}`) ?? [];
        expect(new Set(own.map(receipt => receipt.position))).toEqual(new Set([position]));
        expect(own.filter(({ status }) => status === 'RECORDED')).toHaveLength(1);
        expect(own.every(({ status }) => status !== 'CONFLICT')).toBe(true);
      }
    }
  });

  test('of many workspaces never deadlock', async () => {
    await using other = await startRecording(gateway.database.url);
    const errorsBefore = gateway.errors.length;
    const workspaces = await Promise.all(Array.from({ length: 30 }, () => gateway.workspace()));
    const types = ['test.event', 't-0', 't-1', 't-2'];
    for (const workspace of workspaces) {
      await record(
        workspace,
        types.map(type => anEvent({ type })),
      );
    }
    const all = await Promise.all(
      Array.from({ length: 600 }, (_, i) =>
        (i % 2 === 0 ? gateway : other).record({
          workspace: workspaces[(i * 7) % 30] as Workspace,
          door: 'GRAPHQL',
          events: [anEvent(), anEvent({ type: `t-${i % 3}` })],
          atomic: i % 3 === 0,
        }),
      ),
    );
    expect(new Set(all.flatMap(statuses))).toEqual(new Set(['RECORDED']));
    expect([...gateway.errors.slice(errorsBefore), ...other.errors]).toEqual([]);
  });

  test('whose sessions are terminated lose nothing that was acknowledged', async () => {
    const workspace = await gateway.workspace();
    const acknowledged: string[] = [];
    let isDone = false;
    const recording = Promise.all(
      Array.from({ length: 6 }, async () => {
        while (!isDone) {
          const id = randomUUID();
          const [receipt] = await record(workspace, [anEvent({ id })]).catch(() => []);
          if (receipt?.status === 'RECORDED') acknowledged.push(id);
        }
      }),
    );
    for (let kills = 0; kills < 15; kills++) {
      const before = acknowledged.length;
      await expect.poll(() => acknowledged.length).toBeGreaterThan(before);
      await gateway.db.upkeep.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
    }
    isDone = true;
    await recording;
    const rows = await stored(workspace);
    expect(rows.map(({ position }) => position)).toEqual(rows.map((_, i) => i + 1));
    const ids = rows.map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(acknowledged.filter(id => !ids.includes(id))).toEqual([]);
  });
});

describe('a workspace whose lock is held', () => {
  test('is told to try again, and no other waits for it', async () => {
    const [held, free] = await Promise.all([gateway.workspace(), gateway.workspace()]);
    await gateway.db.upkeep.hold(async connection => {
      await connection.query('select pg_advisory_lock($1, $2)', [WORKSPACE_LOCK, held.id]);
      const [locked, other] = await Promise.allSettled([
        record(held, [anEvent()]),
        record(free, [anEvent()]),
      ]);
      await connection.query('select pg_advisory_unlock($1, $2)', [WORKSPACE_LOCK, held.id]);
      expect(locked).toMatchObject({ reason: { code: 'SERVICE_UNAVAILABLE' } });
      expect(other).toEqual({ status: 'fulfilled', value: expect.anything() });
    });
    expect(statuses(await record(held, [anEvent()]))).toEqual(['RECORDED']);
  });
});
