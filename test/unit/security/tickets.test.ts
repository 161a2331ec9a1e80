import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventCursors } from '../../../src/core/cursor.ts';
import { createDatabase, type Database } from '../../../src/db/client.ts';
import { createTickets, hashOperation, type Tickets } from '../../../src/security/tickets.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';

const EPOCH = 'an-epoch';
let database: TestDatabase;
let db: Database;
let workspaceId: number;
let one: Tickets;
let other: Tickets;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
  const [row] = await db.write.query<{ id: number }>(
    `insert into workspaces (slug, name) values ('w', 'W') returning id`,
  );
  workspaceId = row!.id;
  [one, other] = [newTickets(), newTickets()];
});
afterAll(async () => {
  await db.stop();
  await database[Symbol.asyncDispose]();
});

/** Those of another gateway on the database. */
function newTickets(renewEveryMs = 600_000): Tickets {
  return createTickets({
    ...{ write: db.write, epoch: EPOCH, renewEveryMs },
    onError: error => {
      throw error;
    },
  });
}

async function aKey(scopes = 'EVENTS_WRITE,EVENTS_READ', addresses: string | null = null) {
  const [row] = await db.write.query<{ id: number }>(
    `insert into api_keys (name, prefix, hash, scopes, addresses)
     values ('k', 'p', $1, $2::text::text[], $3::text::text[]) returning id`,
    [randomUUID(), `{${scopes}}`, addresses],
  );
  return { keyId: row!.id, scopes: ['EVENTS_READ' as const], workspaceId: null };
}

const OPERATION = hashOperation({ query: 'subscription { events { kind } }' });
const forAny = () => ({ workspaceId, operation: null });

function cursorAt(position: number): string {
  return eventCursors(EPOCH, workspaceId).encodePosition({ position, recordedAt: new Date() });
}

/** A use of a ticket whose stream lives until `over`. */
function use(
  lastEventId: string | null = null,
  more: { operation?: string; address?: string } = {},
) {
  let over = () => {};
  return {
    ...{ operation: OPERATION, address: '192.0.2.1', lastEventId, ...more },
    onceOver: (ended: () => void) => (over = ended),
    over: () => over(),
  };
}

/** A stream that the ticket has opened, which gave out the cursor at position 5. */
async function openedBy(tickets: Tickets, ticket: string) {
  const first = use();
  const { opened } = await tickets.redeem(ticket, first);
  await opened(cursorAt(5));
  return first;
}

async function age(keyId: number, seconds: number): Promise<void> {
  await db.write.query(
    `update stream_tickets set expires_at = expires_at - make_interval(secs => $2),
       resumable_until = resumable_until - make_interval(secs => $2),
       opened_at = opened_at - make_interval(secs => $2)
     where key_id = $1`,
    [keyId, seconds],
  );
}

async function resumableFor(keyId: number): Promise<number> {
  const [row] = await db.write.query<{ seconds: number | null }>(
    `select extract(epoch from max(resumable_until) - now())::int as seconds from stream_tickets
     where key_id = $1`,
    [keyId],
  );
  return row!.seconds ?? 0;
}

const REFUSED = { code: 'UNAUTHENTICATED' };

test('a ticket is good once, at whichever gateway, for reading in one workspace alone', async () => {
  const key = await aKey('ADMIN');
  const { ticket, expiresAt } = await one.create(key, forAny());
  expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
  const uses = [other, one, other].map(tickets => tickets.redeem(ticket, use()));
  const settled = await Promise.allSettled(uses);
  expect(
    settled.flatMap(each => (each.status === 'fulfilled' ? [each.value.principal] : [])),
  ).toEqual([{ keyId: key.keyId, scopes: ['EVENTS_READ'], workspaceId }]);
  await expect(one.redeem('made-up', use())).rejects.toMatchObject(REFUSED);
});

test('a ticket is made by a key that may read, and by no other', async () => {
  const key = { ...(await aKey('EVENTS_WRITE')), scopes: ['EVENTS_WRITE' as const] };
  await expect(one.create(key, forAny())).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('a ticket that was made for an operation opens no other', async () => {
  const key = await aKey();
  const { ticket } = await one.create(key, { workspaceId, operation: OPERATION });
  const foreign = use(null, { operation: hashOperation({ query: 'subscription { other }' }) });
  await expect(one.redeem(ticket, foreign)).rejects.toMatchObject(REFUSED);
  await one.redeem(ticket, use());
});

test('the same operation with other variables is another operation', () => {
  const query = 'subscription($a: Int, $b: Int) { x }';
  const hash = (variables: Record<string, unknown>) => hashOperation({ query, variables });
  expect(hash({ a: 1, b: 2 })).toBe(hash({ b: 2, a: 1 }));
  expect(hash({ a: 1 })).not.toBe(hash({ a: 2 }));
  expect(hashOperation({ query })).not.toBe(hashOperation({ query, operationName: 'x' }));
});

test('a ticket lasts 60 seconds, or as long after its stream, for who resumes', async () => {
  const key = await aKey();
  const unused = await one.create(key, forAny());
  await age(key.keyId, 61);
  await expect(one.redeem(unused.ticket, use())).rejects.toMatchObject(REFUSED);

  const { ticket } = await one.create(key, forAny());
  const first = await openedBy(one, ticket);
  await age(key.keyId, 50);
  first.over();
  await expect.poll(() => resumableFor(key.keyId)).toBeGreaterThan(50);
  await expect(other.redeem(ticket, use())).rejects.toMatchObject(REFUSED);
  expect(await other.redeem(ticket, use(cursorAt(5)))).toMatchObject({
    principal: { keyId: key.keyId },
  });
  await age(key.keyId, 61);
  await expect(one.redeem(ticket, use(cursorAt(5)))).rejects.toMatchObject(REFUSED);
});

test('nobody resumes without an opened stream, one of its cursors and its operation', async () => {
  const key = await aKey();
  const { ticket } = await one.create(key, forAny());
  const { opened } = await one.redeem(ticket, use());
  await expect(one.redeem(ticket, use(cursorAt(5)))).rejects.toMatchObject(REFUSED);
  await opened(cursorAt(5));
  const foreign = eventCursors(EPOCH, workspaceId + 1).encodePosition({
    ...{ position: 6, recordedAt: new Date() },
  });
  const another = { operation: hashOperation({ query: 'subscription { other }' }) };
  for (const wrong of [
    use('x'),
    use(''),
    use(foreign),
    use(cursorAt(4)),
    use(cursorAt(6), another),
  ]) {
    await expect(other.redeem(ticket, wrong)).rejects.toMatchObject(REFUSED);
  }
  await other.redeem(ticket, use(cursorAt(6)));
});

test('no use prolongs a ticket, and a day after its opening it is over', async () => {
  const key = await aKey();
  const { ticket } = await one.create(key, forAny());
  const first = await openedBy(one, ticket);
  await age(key.keyId, 40);
  for (let times = 0; times < 3; times++) await other.redeem(ticket, use(cursorAt(5)));
  expect(await resumableFor(key.keyId)).toBeLessThanOrEqual(20);
  await age(key.keyId, 86_400);
  first.over();
  await expect.poll(() => resumableFor(key.keyId)).toBeGreaterThan(-60);
  await expect(one.redeem(ticket, use(cursorAt(5)))).rejects.toMatchObject(REFUSED);
});

test('a ticket of a key that is no longer valid, or may no longer read, is refused', async () => {
  const changes = ['revoked_at = now()', 'expires_at = now()', `scopes = '{EVENTS_WRITE}'`];
  for (const change of changes) {
    const key = await aKey();
    const [fresh, open] = [await one.create(key, forAny()), await one.create(key, forAny())];
    await openedBy(one, open.ticket);
    await db.write.query(`update api_keys set ${change} where id = $1`, [key.keyId]);
    await expect(one.redeem(fresh.ticket, use())).rejects.toMatchObject(REFUSED);
    await expect(one.redeem(open.ticket, use(cursorAt(5)))).rejects.toMatchObject(REFUSED);
    await expect(one.create(key, forAny())).rejects.toMatchObject(REFUSED);
  }
});

test('a ticket is used from the addresses of its key alone', async () => {
  const key = await aKey('EVENTS_READ', '{192.0.2.0/24}');
  const { ticket } = await one.create(key, forAny());
  const elsewhere = use(null, { address: '198.51.100.1' });
  await expect(one.redeem(ticket, elsewhere)).rejects.toMatchObject(REFUSED);
  const second = await one.create(key, forAny());
  await one.redeem(second.ticket, use());
});

test('a key has a bounded number of valid tickets, and takes none from another', async () => {
  const [greedy, modest] = [await aKey(), await aKey()];
  await db.write.query(
    `insert into stream_tickets (hash, key_id, expires_at)
     select md5(n::text), $1, now() + interval '60 s' from generate_series(1, 1000) n`,
    [greedy.keyId],
  );
  await expect(one.create(greedy, forAny())).rejects.toMatchObject({
    ...{ code: 'RATE_LIMITED', retryAfterS: 60 },
  });
  await one.create(modest, forAny());
  await age(greedy.keyId, 61);
  await one.create(greedy, forAny());
  await age(greedy.keyId, 700);
  await one.create(greedy, forAny());
  const [row] = await db.write.query<{ n: number }>(
    'select count(*)::int as n from stream_tickets where key_id = $1',
    [greedy.keyId],
  );
  expect(row!.n).toBe(1);
});

test('the ticket of an open stream is renewed, as long as the stream lives', async () => {
  const key = await aKey();
  const busy = newTickets(20);
  busy.start();
  const { ticket } = await busy.create(key, forAny());
  await openedBy(busy, ticket);
  await age(key.keyId, 59);
  await expect.poll(() => resumableFor(key.keyId)).toBeGreaterThan(50);
  busy.stop();
});
