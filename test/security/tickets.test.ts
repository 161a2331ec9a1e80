import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { createTickets, type Tickets } from '../../src/security/tickets.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
let db: Database;
let one: Tickets;
let other: Tickets;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
  [one, other] = [newTickets(), newTickets()];
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

/** Those of another gateway on the database. */
function newTickets(renewEveryMs = 600_000): Tickets {
  return createTickets({
    ...{ write: db.write, renewEveryMs },
    onError: error => {
      throw error;
    },
  });
}

async function aKey() {
  const [row] = await db.write.query<{ id: number }>(
    `insert into api_keys (name, prefix, hash, scopes) values ('k', 'p', $1, '{EVENTS_READ}')
     returning id`,
    [randomUUID()],
  );
  return { keyId: row!.id, scopes: ['EVENTS_READ' as const], workspaceId: null };
}

/** A use of a ticket whose stream lives until `over`. */
function use(isResuming = false) {
  let over = () => {};
  return { isResuming, onceOver: (ended: () => void) => (over = ended), over: () => over() };
}

async function age(keyId: number, seconds: number): Promise<void> {
  await db.write.query(
    `update stream_tickets set expires_at = expires_at - make_interval(secs => $2)
     where key_id = $1`,
    [keyId, seconds],
  );
}

async function secondsLeft(keyId: number): Promise<number> {
  const [row] = await db.write.query<{ seconds: number }>(
    `select extract(epoch from max(expires_at) - now())::int as seconds from stream_tickets
     where key_id = $1`,
    [keyId],
  );
  return row!.seconds;
}

const REFUSED = { code: 'UNAUTHENTICATED' };

test('a ticket is good once, at whichever gateway, for what its key may do', async () => {
  const principal = await aKey();
  const { ticket, expiresAt } = await one.create(principal);
  expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
  const uses = [other, one, other].map(tickets => tickets.redeem(ticket, use()));
  const settled = await Promise.allSettled(uses);
  expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([
    { status: 'fulfilled', value: principal },
  ]);
  await expect(one.redeem('made-up', use())).rejects.toMatchObject(REFUSED);
});

test('a ticket lasts 60 seconds, or as long after its stream, for who resumes', async () => {
  const principal = await aKey();
  const unused = await one.create(principal);
  await age(principal.keyId, 61);
  await expect(one.redeem(unused.ticket, use())).rejects.toMatchObject(REFUSED);

  const { ticket } = await one.create(principal);
  const first = use();
  await one.redeem(ticket, first);
  await age(principal.keyId, 50);
  first.over();
  await expect.poll(() => secondsLeft(principal.keyId)).toBeGreaterThan(50);
  await expect(other.redeem(ticket, use())).rejects.toMatchObject(REFUSED);
  expect(await other.redeem(ticket, use(true))).toEqual(principal);
  await age(principal.keyId, 61);
  await expect(one.redeem(ticket, use(true))).rejects.toMatchObject(REFUSED);
});

test('a ticket of a key that is no longer valid is refused', async () => {
  const [revoked, expired] = [await aKey(), await aKey()];
  const tickets = [await one.create(revoked), await one.create(expired)];
  await db.write.query('update api_keys set revoked_at = now() where id = $1', [revoked.keyId]);
  await db.write.query('update api_keys set expires_at = now() where id = $1', [expired.keyId]);
  for (const { ticket } of tickets) {
    await expect(one.redeem(ticket, use(true))).rejects.toMatchObject(REFUSED);
  }
});

test('a key has a bounded number of valid tickets, and takes none from another', async () => {
  const [greedy, modest] = [await aKey(), await aKey()];
  await db.write.query(
    `insert into stream_tickets (hash, key_id, expires_at)
     select md5(n::text), $1, now() + interval '60 s' from generate_series(1, 1000) n`,
    [greedy.keyId],
  );
  await expect(one.create(greedy)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterS: 60 });
  await one.create(modest);
  await age(greedy.keyId, 61);
  await one.create(greedy);
  await age(greedy.keyId, 700);
  await one.create(greedy);
  const [row] = await db.write.query<{ n: number }>(
    'select count(*)::int as n from stream_tickets where key_id = $1',
    [greedy.keyId],
  );
  expect(row!.n).toBe(1);
});

test('the ticket of an open stream is renewed, as long as the stream lives', async () => {
  const principal = await aKey();
  const busy = newTickets(20);
  busy.start();
  const { ticket } = await busy.create(principal);
  await busy.redeem(ticket, use());
  await age(principal.keyId, 59);
  await expect.poll(() => secondsLeft(principal.keyId)).toBeGreaterThan(50);
  busy.stop();
});
