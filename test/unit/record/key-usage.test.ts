/** What keys record and their quotas, on a real database: time, keys and gateways as a test sets them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deferred, sleep } from '../../../src/core/isomorphic.ts';
import type { Actor } from '../../../src/core/principal.ts';
import type { KeyQuota, LimitStanding } from '../../../src/core/quota.ts';
import { createDatabase, type Connection, type Database } from '../../../src/db/client.ts';
import { transaction } from '../../../src/db/transaction.ts';
import { KeyUsage } from '../../../src/record/key-usage.ts';
import type { FlushEntry, Outcome } from '../../../src/record/submission.ts';
import { purgeUsage } from '../../../src/upkeep/upkeep-purge.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

const EVERY_MS = 50;

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

let keys = 0;
const keyWith = (quota: Partial<KeyQuota>): Actor => ({
  keyId: (keys += 1),
  scope: 'EVENTS_WRITE',
  quota: { eventsPerDay: null, eventsPerMonth: null, ...quota },
});

/** A gateway that counts, at a time that the test may move. */
function counting({ now = new Date(), write = db.write as Connection } = {}) {
  const errors: unknown[] = [];
  let statements = 0;
  const counted = (connection: Connection): Connection => ({
    query: (...given) => {
      statements += 1;
      return connection.query(...given);
    },
  });
  const gateway = { now, errors, statements: () => statements };
  const usage = new KeyUsage({
    read: counted(db.lookup),
    write: counted(write),
    now: () => gateway.now,
    onRefused: () => {},
    onError: error => errors.push(error),
    everyMs: EVERY_MS,
  });
  return Object.assign(gateway, { usage, [Symbol.asyncDispose]: () => usage.stop() });
}
type Counting = ReturnType<typeof counting>;

/** Records events, some of which are known already. */
function record(
  { usage }: Counting,
  actor: Actor,
  events: number,
  { known = 0, after = Promise.resolve() }: { known?: number; after?: Promise<unknown> } = {},
): Promise<number> {
  return usage.within(actor, events, async own => {
    await after;
    store({ usage }, own, events - known, known);
    return events - known;
  });
}

function store(
  { usage }: Pick<Counting, 'usage'>,
  actor: Actor | null,
  recorded: number,
  known = 0,
): void {
  const outcome = (status: 'RECORDED' | 'DUPLICATE'): Outcome => ({
    ...{ status, position: 1, recordedAt: new Date() },
  });
  const entries = Array.from({ length: recorded + known }, (_, at): [FlushEntry, Outcome] => [
    { actor } as FlushEntry,
    outcome(at < recorded ? 'RECORDED' : 'DUPLICATE'),
  ]);
  usage.count({ heads: new Map(), entries: new Map(entries) });
}

async function stored({ keyId }: Actor): Promise<Record<string, number>> {
  const rows = await db.read.query<{ day: string; recorded: number }>(
    'select day::text, recorded from key_usage where key_id = $1 order by day',
    [keyId],
  );
  return Object.fromEntries(rows.map(({ day, recorded }) => [day, recorded]));
}

const refused = { code: 'QUOTA_EXCEEDED', status: 429 };

describe('a quota', () => {
  test('of a day renews at midnight of UTC, to the millisecond', async () => {
    await using gateway = counting({ now: new Date('2026-03-14T23:59:59.999Z') });
    const key = keyWith({ eventsPerDay: 5 });
    await record(gateway, key, 5);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({
      ...refused,
      retryAfterS: 1,
      extensions: { period: 'DAY', limit: 5, used: 5, renewsAt: '2026-03-15T00:00:00.000Z' },
    });
    gateway.now = new Date('2026-03-15T00:00:00.000Z');
    await record(gateway, key, 5);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({
      ...refused,
      retryAfterS: 86_400,
      extensions: { renewsAt: '2026-03-16T00:00:00.000Z' },
    });
    await expect.poll(() => stored(key)).toEqual({ '2026-03-14': 5, '2026-03-15': 5 });
  });

  test.each([
    ['2026-02-28T12:00:00Z', '2026-03-01T00:00:00.000Z'],
    ['2028-02-29T23:59:59Z', '2028-03-01T00:00:00.000Z'],
    ['2026-12-31T23:59:59Z', '2027-01-01T00:00:00.000Z'],
  ])('of a month that is used up at %s renews at %s', async (at, renewsAt) => {
    await using gateway = counting({ now: new Date(at) });
    const key = keyWith({ eventsPerDay: 100, eventsPerMonth: 7 });
    await record(gateway, key, 7);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({
      ...refused,
      retryAfterS: (Date.parse(renewsAt) - Date.parse(at)) / 1_000,
      extensions: { period: 'MONTH', limit: 7, used: 7, renewsAt },
    });
    gateway.now = new Date(renewsAt);
    await record(gateway, key, 7);
  });

  test('of a month counts its earlier days, and says of two that are used up which lasts', async () => {
    const key = keyWith({ eventsPerDay: 4, eventsPerMonth: 6 });
    await using gateway = counting({ now: new Date('2026-05-30T10:00:00Z') });
    await record(gateway, key, 4);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({ extensions: { period: 'DAY' } });
    await expect(record(gateway, key, 3)).rejects.toMatchObject({
      extensions: { period: 'MONTH', renewsAt: '2026-06-01T00:00:00.000Z' },
    });
    gateway.now = new Date('2026-05-31T10:00:00Z');
    await record(gateway, key, 2);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({
      extensions: { period: 'MONTH', used: 6 },
    });
  });

  test('is never exceeded by requests at once, and gives back what was not recorded', async () => {
    await using gateway = counting();
    const key = keyWith({ eventsPerDay: 50 });
    const { promise: after, resolve } = deferred<null>();
    const all = Array.from({ length: 30 }, () => record(gateway, key, 3, { after, known: 1 }));
    const settling = Promise.allSettled(all);
    await sleep(0);
    resolve(null);
    const settled = await settling;
    // 48 events have room at once, of which 16 were known.
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    for (const each of settled) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject(refused);
    }
    await record(gateway, key, 18);
    await expect(record(gateway, key, 1)).rejects.toMatchObject({ extensions: { used: 50 } });
  });

  test('holds the room of a long request once, while its events are stored one after another', async () => {
    await using gateway = counting();
    const key = keyWith({ eventsPerDay: 10 });
    await gateway.usage.within(key, 6, async own => {
      store(gateway, own, 5);
      await record(gateway, key, 4);
      await expect(record(gateway, key, 1)).rejects.toMatchObject(refused);
      store(gateway, own, 0, 1);
    });
    await record(gateway, key, 1);
  });

  test('gives back the room of a request that failed', async () => {
    await using gateway = counting();
    const key = keyWith({ eventsPerDay: 3 });
    const failing = gateway.usage.within(key, 3, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    await record(gateway, key, 3);
  });

  test('tells after each request what is left', async () => {
    await using gateway = counting({ now: new Date('2026-04-10T23:00:00Z') });
    const told: unknown[] = [];
    const key = {
      ...keyWith({ eventsPerDay: 10, eventsPerMonth: 100 }),
      tell: (standings: readonly LimitStanding[]) =>
        told.push(
          standings.map(each => [each.name, each.limit, each.windowS, each.left, each.resetS]),
        ),
    };
    await record(gateway, key, 9, { known: 2 });
    await expect(record(gateway, key, 4)).rejects.toMatchObject(refused);
    const expected = [
      ['events-per-day', 10, 86_400, 3, 3_600],
      ['events-per-month', 100, 30 * 86_400, 93, 20 * 86_400 + 3_600],
    ];
    expect(told).toEqual([expected, expected]);
  });
});

test('what is recorded while the row is locked is counted at once, and stored later', async () => {
  await using gateway = counting();
  const key = keyWith({ eventsPerDay: 100 });
  await record(gateway, key, 1);
  const today = gateway.now.toISOString().slice(0, 10);
  await expect.poll(() => stored(key)).toEqual({ [today]: 1 });
  await transaction(db.upkeep, async connection => {
    await connection.query('select from key_usage where key_id = $1 for update', [key.keyId]);
    for (let n = 0; n < 49; n++) await record(gateway, key, 2);
    await expect(record(gateway, key, 2)).rejects.toMatchObject({ extensions: { used: 99 } });
    // It waits until it gives up, and nothing is lost.
    await expect.poll(() => gateway.errors.length).toBeGreaterThan(0);
    await record(gateway, key, 1);
  });
  await expect.poll(() => stored(key)).toEqual({ [today]: 100 });
  await expect(record(gateway, key, 1)).rejects.toMatchObject(refused);
});

test('a key that comes back is looked up, however long its row is locked', async () => {
  const key = keyWith({ eventsPerDay: 3 });
  {
    await using before = counting();
    await record(before, key, 2);
  }
  await using gateway = counting();
  await transaction(db.upkeep, async connection => {
    await connection.query('select from key_usage where key_id = $1 for update', [key.keyId]);
    await expect(record(gateway, key, 2)).rejects.toMatchObject({ extensions: { used: 2 } });
    await record(gateway, key, 1);
  });
});

test('what was counted before a key got its quota is held against it', async () => {
  await using gateway = counting();
  const key = keyWith({ eventsPerDay: 10 });
  store(gateway, { ...key, quota: undefined }, 8);
  await expect(record(gateway, key, 3)).rejects.toMatchObject({ extensions: { used: 8 } });
  await record(gateway, key, 2);
});

test('nothing is asked of the database while nothing is recorded', async () => {
  await using gateway = counting();
  const key = keyWith({ eventsPerDay: 10 });
  await record(gateway, key, 1);
  let before = -1;
  await expect
    .poll(
      async () => {
        const asked = gateway.statements() - before;
        before = gateway.statements();
        return asked;
      },
      { interval: 10 * EVERY_MS },
    )
    .toBe(0);
  // It comes back, and is looked up again.
  await record(gateway, key, 1);
  expect(gateway.statements()).toBe(before + 1);
});

test('several gateways exceed a quota by no more than they record within two turns', async () => {
  const key = keyWith({ eventsPerDay: 120 });
  const gateways = [counting(), counting(), counting()];
  const at: number[] = [];
  const until = async (gateway: Counting) => {
    for (;;) {
      const done = await record(gateway, key, 1).catch((error: unknown) => {
        expect(error).toMatchObject(refused);
        return 0;
      });
      if (done === 0) return;
      at.push(performance.now());
      await sleep(5);
    }
  };
  await Promise.all(gateways.map(until));
  for (const each of gateways) {
    await each.usage.stop();
    expect(each.errors).toEqual([]);
  }
  const [total] = Object.values(await stored(key));
  expect(total).toBe(at.length);
  // A turn comes after a pause and the statements of the one before: a busy machine draws them out.
  const windowMs = 2 * EVERY_MS + 300;
  const inWindow = at.map(from => at.filter(each => each >= from && each < from + windowMs).length);
  expect(total).toBeGreaterThanOrEqual(120);
  expect(total! - 120).toBeLessThanOrEqual(Math.max(...inWindow));
});

test('gateways that add to the same keys in any order never wait in a circle', async () => {
  const actors = Array.from({ length: 40 }, () => keyWith({}));
  const gateways = [counting(), counting()];
  for (let round = 0; round < 20; round++) {
    gateways.forEach((gateway, at) => {
      const order = at === 0 ? actors : actors.toReversed();
      for (const actor of order) store(gateway, actor, 1);
    });
    await sleep(EVERY_MS / 5);
  }
  for (const { usage, errors } of gateways) {
    await usage.stop();
    expect(errors).toEqual([]);
  }
  for (const actor of actors) expect(Object.values(await stored(actor))).toEqual([40]);
});

test('counts are removed after two months, and with their key', async () => {
  const [made] = await db.write.query<{ id: number }>(
    `insert into api_keys (name, prefix, hash, scopes) values ('k', 'k', 'k', '{EVENTS_WRITE}')
     returning id`,
  );
  const key: Actor = { keyId: made!.id, scope: 'EVENTS_WRITE' };
  await db.write.query('delete from key_usage where key_id = $1', [key.keyId]);
  await db.write.query(
    `insert into key_usage (key_id, day, recorded)
     select $1::int, current_date - ago, ago from unnest(array[1, 62, 63]) as ago`,
    [key.keyId],
  );
  await purgeUsage(db.upkeep);
  expect(Object.values(await stored(key))).toEqual([62, 1]);
  await db.write.query('delete from api_keys where id = $1', [key.keyId]);
  await purgeUsage(db.upkeep);
  expect(await stored(key)).toEqual({});
});
