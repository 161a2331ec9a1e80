import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventFilter } from '../../../src/core/filter.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { EventRows } from '../../../src/db/event-rows.ts';
import { readLatestBySubject } from '../../../src/read/latest-events.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { createPartitions, createWorkspace, START, storeEvents } from './event-rows.ts';

let testDatabase: TestDatabase;
let database: Database;
let workspaceId: number;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = createDatabase({ url: testDatabase.url });
  await createPartitions(database.upkeep, [new Date(START.getTime() + 3_000)]);
  workspaceId = await createWorkspace(database.upkeep, 'own');
  const other = await createWorkspace(database.upkeep, 'other');
  const late = new Date(START.getTime() + 60_000);
  await storeEvents(database.upkeep, workspaceId, [
    { position: 1, subject: 'a', occurredAt: late },
    { position: 2, subject: 'a', success: true },
    { position: 3, subject: 'b' },
    { position: 4, subject: 'b', occurredAt: new Date(START.getTime() + 3_000) },
    { position: 5, subject: null },
    { position: 6, subject: 'gone', expiresAt: START },
  ]);
  await storeEvents(database.upkeep, other, [{ position: 1, subject: 'foreign' }]);
});
afterAll(async () => {
  await database.stop();
  await testDatabase[Symbol.asyncDispose]();
});

async function latest(filter: EventFilter = {}, subjectsMax = 10): Promise<number[]> {
  const eventRows = new EventRows(database.read);
  const positions: number[] = [];
  for await (const some of readLatestBySubject(eventRows, workspaceId, { filter, subjectsMax })) {
    positions.push(...some.map(({ position }) => position));
  }
  return positions;
}

test('the latest event of each subject is that of the latest time, then of the later position', async () => {
  expect(await latest()).toEqual([1, 4]);
});

test('only events that the filter chooses count', async () => {
  expect(await latest({ success: true })).toEqual([2]);
  expect(await latest({ subjects: ['b'] })).toEqual([4]);
});

test('of many subjects those with the newest events are given', async () => {
  expect(await latest({}, 1)).toEqual([1]);
});
