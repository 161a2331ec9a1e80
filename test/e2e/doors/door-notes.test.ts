import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Actor } from '../../../src/core/principal.ts';
import { createNotesOf, type DoorNotes } from '../../../src/record/door-notes.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';

let gateway: TestGateway;
let notes: DoorNotes<string>;
/** The admin key of the gateway. */
let actor: Actor;
beforeAll(async () => {
  gateway = await startTestGateway();
  const [key] = await gateway.db.read.query<{ id: number }>('select min(id) as id from api_keys');
  actor = { keyId: (key as { id: number }).id, scope: 'EVENTS_WRITE' };
  notes = createNotesOf(gateway.db.read, gateway.db.write)('LOGSPACE');
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function workspaceId(): Promise<number> {
  const { slug } = await gateway.workspace();
  const [row] = await gateway.db.read.query<{ id: number }>(
    'select id from workspaces where slug = $1',
    [slug],
  );
  return (row as { id: number }).id;
}

test('a note that changes within a second is told apart by its time', async () => {
  const id = await workspaceId();
  const put = async (value: string) => {
    await notes.put(id, { name: 'n', value: value }, actor);
    return (await notes.get(id, 'n'))?.changedAt.getTime() ?? NaN;
  };
  const [first, same, second] = [await put('a'), await put('a'), await put('b')];
  expect(first % 1_000).toBe(0);
  expect(same).toBe(first);
  expect(second).toBeGreaterThan(first);
  expect(await put('b')).toBe(second);
});

test('a workspace has 1,000 notes of a door: those noted longest ago go, in it alone', async () => {
  const [id, neighbour] = [await workspaceId(), await workspaceId()];
  await notes.put(neighbour, { name: 'old', value: '' }, actor);
  await gateway.db.write.query(
    `insert into door_notes select w.id, d.door, 'n' || n, '""', now(), now() - n * interval '1 s'
     from generate_series(1, 1000) n, (select $1::int as id) w,
       (select door from door_notes where workspace_id = $2) d`,
    [id, neighbour],
  );
  await notes.put(id, { name: 'new', value: 'x' }, actor);
  expect(await notes.all(id)).toHaveLength(1_000);
  expect(await notes.get(id, 'n1000')).toBeNull();
  expect(await notes.get(id, 'n999')).not.toBeNull();
  expect(await notes.get(id, 'new')).toMatchObject({ value: 'x' });
  expect(await notes.get(neighbour, 'old')).not.toBeNull();
});

test('a text that Postgres can not hold is replaced, in a name refused', async () => {
  const id = await workspaceId();
  await notes.put(id, { name: 'n', value: 'a\u0000b' }, actor);
  expect(await notes.get(id, 'n')).toMatchObject({ value: 'a\ufffdb' });
  const refused = { code: 'BAD_USER_INPUT' };
  await expect(notes.put(id, { name: 'a\u0000b', value: '' }, actor)).rejects.toMatchObject(
    refused,
  );
  await expect(notes.get(id, 'a\u0000b')).rejects.toMatchObject(refused);
});
