import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONNECTIONS_MIN } from '../../../src/core/connection-shares.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { ensurePartitions } from '../../../src/db/partitions.ts';
import { createReadiness } from '../../../src/gateway/health.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url, connectionsMax: CONNECTIONS_MIN });
  await ensurePartitions(db.upkeep);
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

test('is answered while every connection for reading and writing is taken', async () => {
  const notReady = createReadiness(db.probe, () => 0);
  await db.read.hold(() =>
    db.upkeep.hold(async () => {
      expect(await notReady()).toEqual([]);
    }),
  );
});

test('costs one statement a second, however many ask', async () => {
  let statements = 0;
  let nowMs = 0;
  const probe: Pick<Database['probe'], 'query'> = {
    query: (...asked) => {
      statements += 1;
      return db.probe.query(...asked);
    },
  };
  const notReady = createReadiness(probe, () => nowMs);
  const asked = Array.from({ length: 50 }, () => notReady());
  expect(await Promise.all(asked)).toEqual(asked.map(() => []));
  nowMs = 999;
  await notReady();
  expect(statements).toBe(1);
  nowMs = 1_000;
  await notReady();
  expect(statements).toBe(2);
});

test('says that the database does not answer, and that it does again', async () => {
  const away = createDatabase({ url: 'postgres://nobody@127.0.0.1:1/none' });
  let probe = away.probe;
  const asking = { query: ((...asked) => probe.query(...asked)) as Database['probe']['query'] };
  let nowMs = 0;
  const notReady = createReadiness(asking, () => nowMs);
  expect(await notReady()).toEqual(['The database does not answer.']);
  probe = db.probe;
  nowMs = 1_000;
  expect(await notReady()).toEqual([]);
  await away.stop();
});
