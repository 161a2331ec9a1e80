import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { systemClock } from '../../../src/live/clock.ts';
import { createPostgresWakeup } from '../../../src/live/wakeup-postgres.ts';
import type { Hint, Wakeup } from '../../../src/live/wakeup.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { wakeupContract } from './wakeup.ts';

let database: TestDatabase;
let db: Database;
const failures: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

function makePostgresWakeup(connection = db.write): Wakeup {
  const onFailure = (error: unknown) => failures.push(error);
  return createPostgresWakeup({
    ...{ listen: db.listen, connection, clock: systemClock, onFailure, onDeaf: onFailure },
  });
}

wakeupContract('NOTIFY', makePostgresWakeup);

test('a burst of announcements is one NOTIFY now and one a few milliseconds later', async () => {
  let sent = 0;
  const counting: Pick<Database['write'], 'query'> = {
    query: (text, params, options) => (sent++, db.write.query(text, params, options)),
  };
  const wakeup = makePostgresWakeup({ ...db.write, ...counting });
  for (let head = 1; head <= 10_000; head++) wakeup.announce(new Map([[1, head]]), []);
  await wakeup.stop();
  expect(sent).toBeLessThanOrEqual(2);
});

test('one that is alone notifies nobody, and who joins hears what it kept', async () => {
  let sent = 0;
  const counting: Pick<Database['write'], 'query'> = {
    query: (text, params, options) => (sent++, db.write.query(text, params, options)),
  };
  const first = makePostgresWakeup({ ...db.write, ...counting });
  await first.start();
  // Its own first look around has to be answered.
  await expect
    .poll(() => {
      sent = 0;
      first.announce(new Map([[1, 1]]), []);
      return sent;
    })
    .toBe(0);
  first.announce(new Map([[3, 33]]), []);
  expect(sent).toBe(0);
  const second = makePostgresWakeup();
  const hints: Hint[] = [];
  second.onHint(hint => hints.push(hint));
  await second.start();
  await expect.poll(() => hints.some(hint => hint !== 'ALL' && hint.get(3) === 33)).toBe(true);
  await Promise.all([first.stop(), second.stop()]);
});

test('a foreign or damaged payload means to look at all', async () => {
  const wakeup = makePostgresWakeup();
  const hints: Hint[] = [];
  wakeup.onHint(hint => hints.push(hint));
  await wakeup.start();
  await db.write.query(`select pg_notify('sluice_heads', 'nonsense')`);
  await expect.poll(() => hints).toEqual(['ALL', 'ALL']);
  await wakeup.stop();
});

test('an announcement that cannot be sent is dropped and reported, and the next one is sent', async () => {
  const wakeup = makePostgresWakeup({
    ...db.write,
    query: () => Promise.reject(new Error('no connection')),
  });
  failures.length = 0;
  wakeup.announce(new Map([[1, 1]]), []);
  await expect.poll(() => failures.length).toBe(1);
  wakeup.announce(new Map([[1, 2]]), []);
  await expect.poll(() => failures.length).toBe(2);
  await wakeup.stop();
});
