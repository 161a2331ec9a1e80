/** Quotas of keys, from outside: what is refused, what is told, and what two gateways know together. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { transaction } from '../../src/db/transaction.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

let gateway: TestGateway;
/** Another one on the same database. */
let other: TestGateway;
let slug: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  other = await startTestGateway({ databaseUrl: gateway.databaseUrl });
  ({ slug } = await gateway.workspace());
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const FIELDS = `id name eventsPerDay eventsPerMonth
  usage { today dayRenewsAt thisMonth monthRenewsAt }`;

interface Key {
  readonly id: string;
  readonly eventsPerDay: number | null;
  readonly eventsPerMonth: number | null;
  readonly usage: {
    readonly today: number;
    readonly dayRenewsAt: string;
    readonly thisMonth: number;
    readonly monthRenewsAt: string;
  };
}

interface Made {
  readonly secret: string;
  readonly apiKey: Key;
}

async function makeKey(input: object = {}): Promise<Made> {
  const { createApiKey } = await gateway.data<{ createApiKey: Made }>(
    `mutation($input: CreateApiKeyInput!) {
      createApiKey(input: $input) { secret apiKey { ${FIELDS} } } }`,
    {
      input: {
        name: 'limited',
        workspace: slug,
        scopes: ['EVENTS_WRITE', 'EVENTS_READ'],
        ...input,
      },
    },
  );
  return createApiKey;
}

const UPDATE = `mutation($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { ${FIELDS} } } }`;

async function update(input: object): Promise<Key> {
  const { updateApiKey } = await gateway.data<{ updateApiKey: { apiKey: Key } }>(UPDATE, { input });
  return updateApiKey.apiKey;
}

async function usageOf({ secret }: Made, on = gateway): Promise<Key['usage']> {
  const { viewer } = await on.data<{ viewer: { apiKey: Key } }>(
    `{ viewer { apiKey { ${FIELDS} } } }`,
    {},
    secret,
  );
  return viewer.apiKey.usage;
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly data?: { readonly recordEvents: Record<string, number> } | null;
    readonly errors?: readonly {
      readonly message: string;
      readonly extensions: Record<string, unknown>;
    }[];
  };
}

const COUNTS = 'recordedCount duplicateCount conflictCount quarantinedCount rejectedCount';

async function record(
  secret: string,
  events: readonly object[] | number,
  on = gateway,
): Promise<Answered> {
  const given =
    typeof events === 'number' ? Array.from({ length: events }, () => ({ type: 'a' })) : events;
  const response = await fetch(`${on.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      query: `mutation($events: [EventInput!]!) {
        recordEvents(input: { events: $events }) { ${COUNTS} } }`,
      variables: { events: given },
    }),
  });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Answered['body'] };
}

const codeOf = ({ errors }: Pick<Answered['body'], 'errors'>) => errors?.[0]?.extensions['code'];
const countsOf = ({ body }: Answered) => body.data?.recordEvents;
/** Of the clock of a test and of a gateway, which may lie to both sides of midnight. */
const midnights = () => [1, 2].map(days => new Date(new Date().setUTCHours(24 * days, 0, 0, 0)));

describe('a request over the quota', () => {
  test('is refused as a whole with 429, when it renews and what is left; what fits is recorded', async () => {
    const { secret } = await makeKey({ eventsPerDay: 10 });
    const first = await record(secret, 7);
    expect([first.status, countsOf(first)?.['recordedCount']]).toEqual([200, 7]);
    expect(first.headers.get('ratelimit-policy')).toBe('"events-per-day";q=10;w=86400');
    expect(first.headers.get('ratelimit')).toMatch(/^"events-per-day";r=3;t=\d+$/);

    const id = randomUUID();
    const refused = await record(secret, [{ id, type: 'a' }, ...Array(3).fill({ type: 'a' })]);
    expect(refused.status).toBe(429);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(86_400);
    const { message, extensions } = refused.body.errors![0]!;
    expect(message).toMatch(/^The quota of this key is 10 events a day\. .*this request has 4\./);
    expect(extensions).toEqual({
      ...{ code: 'QUOTA_EXCEEDED', period: 'DAY', limit: 10, used: 7, retryAfterS: retryAfter },
      renewsAt: expect.any(String),
    });
    const midnight = midnights().map(each => each.toISOString());
    expect(midnight).toContain(extensions['renewsAt']);
    expect(refused.headers.get('ratelimit')).toMatch(/^"events-per-day";r=3;t=\d+$/);
    const { event } = await gateway.data<{ event: unknown }>(
      'query($id: String!) { event(eventId: $id) { id } }',
      { id },
      secret,
    );
    expect(event).toBeNull();

    expect((await record(secret, 3)).status).toBe(200);
    expect((await record(secret, 1)).status).toBe(429);
  });

  test('also one of many at once', async () => {
    const { secret } = await makeKey({ eventsPerMonth: 25 });
    const all = await Promise.all(Array.from({ length: 40 }, () => record(secret, 1)));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(25);
    expect(all.filter(({ body }) => codeOf(body) === 'QUOTA_EXCEEDED')).toHaveLength(15);
  });

  test('counts nothing that was not stored', async () => {
    const { secret } = await makeKey({ eventsPerDay: 4 });
    const [one, two] = [randomUUID(), randomUUID()].map(id => ({ id, type: 'a' }));
    expect(countsOf(await record(secret, [one!, two!]))?.['recordedCount']).toBe(2);
    for (let n = 0; n < 5; n++) {
      const answered = await record(secret, [one!, { ...two!, subject: 'other' }]);
      expect(countsOf(answered)).toMatchObject({ duplicateCount: 1, conflictCount: 1 });
      expect(answered.headers.get('ratelimit')).toMatch(/r=2;/);
    }
    const rejected = await record(secret, [{ type: 'a', icon: 'two' }, { type: ' ' }]);
    expect(countsOf(rejected)).toMatchObject({ rejectedCount: 2 });
    expect((await record(secret, 2)).status).toBe(200);
    expect((await record(secret, 1)).status).toBe(429);
  });

  test('is not sent again by the client, which says so at once', async () => {
    const { secret } = await makeKey({ eventsPerDay: 1 });
    const client = createClient({ url: gateway.url, key: secret });
    await client.record({ type: 'a' });
    await expect(client.record({ type: 'a' })).rejects.toMatchObject({
      ...{ code: 'QUOTA_EXCEEDED', retryable: false },
    });
    await client.close();
  });

  test('counts among the refusals of the metrics', async () => {
    const metrics = async () => {
      const response = await fetch(`${gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${(await makeMetricsKey()).secret}` },
      });
      const [, count] = /refused_total\{code="QUOTA_EXCEEDED"\} (\d+)/.exec(await response.text())!;
      return Number(count);
    };
    const before = await metrics();
    const { secret } = await makeKey({ eventsPerDay: 1 });
    await record(secret, 2);
    expect(await metrics()).toBe(before + 1);
  });

  test('does not hold up others, nor what the same key reads', async () => {
    const limited = await makeKey({ eventsPerDay: 1 });
    const free = await makeKey();
    expect((await record(limited.secret, 2)).status).toBe(429);
    expect((await record(free.secret, 2)).status).toBe(200);
    expect((await usageOf(limited)).today).toBe(0);
  });
});

async function makeMetricsKey(): Promise<Made> {
  const { createApiKey } = await gateway.data<{ createApiKey: Made }>(
    'mutation { createApiKey(input: { name: "m", scopes: [METRICS] }) { secret apiKey { id } } }',
  );
  return createApiKey;
}

describe('what is used', () => {
  test('is shown for every key, with when it renews', async () => {
    const free = await makeKey();
    await record(free.secret, 5);
    await expect.poll(() => usageOf(free)).toMatchObject({ today: 5, thisMonth: 5 });
    const { dayRenewsAt, monthRenewsAt } = await usageOf(free);
    expect(midnights().map(each => each.toISOString())).toContain(dayRenewsAt);
    expect(monthRenewsAt).toMatch(/^\d{4}-\d\d-01T00:00:00\.000Z$/);
    expect(Date.parse(monthRenewsAt)).toBeGreaterThan(Date.now());
  });

  test('is known to another gateway, and after a restart', async () => {
    const key = await makeKey({ eventsPerDay: 10 });
    await record(key.secret, 8);
    await expect.poll(() => usageOf(key)).toMatchObject({ today: 8 });
    expect((await record(key.secret, 3, other)).status).toBe(429);
    expect((await record(key.secret, 2, other)).status).toBe(200);
    // What another has recorded is heard of while this one is in use, too.
    await expect.poll(async () => (await record(key.secret, 1)).status).toBe(429);

    const again = await makeKey({ eventsPerDay: 10 });
    {
      await using stopped = await startTestGateway({ databaseUrl: gateway.databaseUrl });
      expect((await record(again.secret, 9, stopped)).status).toBe(200);
    }
    await using started = await startTestGateway({ databaseUrl: gateway.databaseUrl });
    expect((await record(again.secret, 2, started)).status).toBe(429);
    expect((await record(again.secret, 1, started)).status).toBe(200);
  });

  test('of a day that is over counts for its month alone', async () => {
    const now = new Date();
    const key = await makeKey({ eventsPerDay: 5, eventsPerMonth: 8 });
    expect((await record(key.secret, 5)).status).toBe(200);
    await expect.poll(() => usageOf(key)).toMatchObject({ today: 5 });
    // As if it had been yesterday; on the first of a month, in the month before.
    await gateway.db.write.query(
      'update key_usage set day = day - 1 where key_id in (select max(id) from api_keys)',
    );
    const isFirst = now.getUTCDate() === 1;
    expect(await usageOf(key)).toMatchObject({ today: 0, thisMonth: isFirst ? 0 : 5 });
    expect((await record(key.secret, 4, other)).status).toBe(isFirst ? 200 : 429);
    expect((await record(key.secret, isFirst ? 1 : 3, other)).status).toBe(200);
  });

  test('waits for no other transaction', async () => {
    const key = await makeKey({ eventsPerDay: 100 });
    await record(key.secret, 1);
    await expect.poll(() => usageOf(key)).toMatchObject({ today: 1 });
    await transaction(gateway.db.upkeep, async connection => {
      await connection.query('select from key_usage for update');
      const began = performance.now();
      // Long enough that the counts are to be added meanwhile.
      while (performance.now() - began < 1_500) {
        expect((await record(key.secret, 1, other)).status).toBe(200);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    });
    const left = (await record(key.secret, 101, other)).headers.get('ratelimit');
    const recorded = 100 - Number(/r=(\d+)/.exec(left ?? '')?.[1]);
    await expect.poll(() => usageOf(key, other)).toMatchObject({ today: recorded });
  });
});

describe('a quota of a key', () => {
  test('is changed, taken away and recorded in the audit, and holds at once', async () => {
    const { secret, apiKey } = await makeKey({ eventsPerDay: 2, eventsPerMonth: 100 });
    expect(apiKey).toMatchObject({ eventsPerDay: 2, eventsPerMonth: 100, usage: { today: 0 } });
    expect((await record(secret, 3)).status).toBe(429);
    const { id } = apiKey;
    expect(await update({ id, eventsPerDay: 5 })).toMatchObject({
      ...{ eventsPerDay: 5, eventsPerMonth: 100 },
    });
    expect((await record(secret, 3)).status).toBe(200);
    expect((await record(secret, 3)).status).toBe(429);
    expect(await update({ id, eventsPerDay: null })).toMatchObject({ eventsPerDay: null });
    expect((await record(secret, 3)).status).toBe(200);
    await update({ id, eventsPerMonth: null });
    // Nothing is changed by it.
    await update({ id, eventsPerMonth: null });
    const { events } = await gateway.data<{ events: { nodes: { payload: object }[] } }>(
      `{ events(workspace: "sluice", filter: { types: ["sluice.key.updated"] }) {
        nodes { payload } } }`,
    );
    expect(events.nodes.map(({ payload }) => payload).reverse()).toMatchObject([
      { from: { eventsPerDay: 2 }, to: { eventsPerDay: 5 } },
      { from: { eventsPerDay: 5 }, to: { eventsPerDay: null } },
      { from: { eventsPerMonth: 100 }, to: { eventsPerMonth: null } },
    ]);
  });

  test('goes on with its successor, with what was used of it', async () => {
    const key = await makeKey({ eventsPerDay: 10, eventsPerMonth: 50 });
    await record(key.secret, 6);
    await expect.poll(() => usageOf(key)).toMatchObject({ today: 6 });
    const { rotateApiKey } = await gateway.data<{ rotateApiKey: Made }>(
      `mutation($id: ID!) {
        rotateApiKey(input: { id: $id }) { secret apiKey { ${FIELDS} } } }`,
      { id: key.apiKey.id },
    );
    expect(rotateApiKey.apiKey).toMatchObject({
      ...{ eventsPerDay: 10, eventsPerMonth: 50, usage: { today: 6, thisMonth: 6 } },
    });
    expect((await record(rotateApiKey.secret, 5)).status).toBe(429);
    expect((await record(rotateApiKey.secret, 4)).status).toBe(200);
  });

  test('is 1 to 10^12 events, and for an ADMIN to change', async () => {
    const { secret, apiKey } = await makeKey({ eventsPerDay: 1_000_000_000_000 });
    for (const eventsPerDay of [0, -1, 1_000_000_000_001]) {
      for (const changed of [
        gateway.graphql(UPDATE, { input: { id: apiKey.id, eventsPerDay } }),
        gateway.graphql(
          `mutation($n: SafeInt!) {
            createApiKey(input: { name: "k", scopes: [EVENTS_WRITE], eventsPerMonth: $n }) { secret } }`,
          { n: eventsPerDay },
        ),
      ]) {
        const { errors } = await changed;
        expect(codeOf({ errors: errors! })).toBe('BAD_USER_INPUT');
        expect(errors![0]!.message).toContain(`but got ${eventsPerDay}`);
      }
    }
    const own = await gateway.graphql(UPDATE, { input: { id: apiKey.id } }, secret);
    expect(codeOf({ errors: own.errors! })).toBe('FORBIDDEN');
    // Of a key that has ended it may be changed, and nothing comes of it.
    await gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      {
        id: apiKey.id,
      },
    );
    expect((await record(secret, 1)).status).toBe(401);
  });

  test('bounds what is taken out of quarantine: all or nothing', async () => {
    const { slug: strict } = await gateway.workspace();
    await gateway.data(
      `mutation($slug: String!) {
        updateWorkspace(input: { slug: $slug, unknownTypes: QUARANTINE }) { workspace { id } } }`,
      { slug: strict },
    );
    const key = await makeKey({ workspace: strict, eventsPerDay: 2 });
    for (let n = 0; n < 2; n++) {
      expect(countsOf(await record(key.secret, 2))).toMatchObject({ quarantinedCount: 2 });
    }
    const { quarantinedEvents, ...rest } = await gateway.data<{
      quarantinedEvents: { nodes: { id: string }[] };
    }>('query($w: String!) { quarantinedEvents(workspace: $w) { nodes { id } } }', { w: strict });
    expect(rest).toEqual({});
    await gateway.data(
      `mutation($slug: String!) {
        updateWorkspace(input: { slug: $slug, unknownTypes: DISCOVER }) { workspace { id } } }`,
      { slug: strict },
    );
    const ids = quarantinedEvents.nodes.map(({ id }) => id);
    const resubmit = (some: readonly string[]) =>
      gateway.graphql(
        `mutation($ids: [ID!]!) {
          resubmitQuarantinedEvents(input: { ids: $ids }) { receipts { status } } }`,
        { ids: some },
        key.secret,
      );
    expect(codeOf({ errors: (await resubmit(ids)).errors! })).toBe('QUOTA_EXCEEDED');
    const headOf = async () => {
      const { workspace } = await gateway.data<{ workspace: { headPosition: number } }>(
        'query($w: String!) { workspace(slug: $w) { headPosition } }',
        { w: strict },
      );
      return workspace.headPosition;
    };
    expect(await headOf()).toBe(0);
    expect(await resubmit(ids.slice(0, 2))).toEqual({
      data: {
        resubmitQuarantinedEvents: { receipts: [{ status: 'RECORDED' }, { status: 'RECORDED' }] },
      },
    });
    expect(await headOf()).toBe(2);
  });
});
