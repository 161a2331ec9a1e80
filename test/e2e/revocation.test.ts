/**
 * Whatever a key has begun ends with it: every field of the schema and every route of every door is
 * asked with half a body, the key is ended, and the other half must change nothing.
 */
import { createClient } from 'graphql-ws';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { transaction } from '../../src/db/transaction.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { ASKS, canonical, credentialOf, ROUTES } from './isolation/routes.ts';
import { RULES } from './isolation/rules.ts';
import type { Place } from './isolation/world.ts';

/** Keys are ended at one gateway and asked with at the other, which hears of it by itself. */
let gateway: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  other = await startTestGateway();
  // Properties of large events are found by a long statement, on a busy machine.
  const config = { readTimeoutMs: 60_000 };
  gateway = await startTestGateway({ databaseUrl: other.databaseUrl, config });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** The promise, and what a busy machine may add to it. */
const ENDS_WITHIN_MS = 5_000;
/** Keys end within seconds: asking all the time would be most of what this file costs. */
const PATIENCE = { timeout: 60_000, interval: 200 };
/** For what takes some milliseconds. */
const SOON = { timeout: 60_000, interval: 20 };

interface MadeKey {
  readonly id: string;
  readonly keyId: number;
  readonly secret: string;
  readonly workspace: string;
}

let made = 0;
/** A workspace with a key that may do everything in it, and that no one else uses. */
async function makeKey(): Promise<MadeKey> {
  const workspace = `revocation-${(made += 1)}`;
  await other.data(
    `mutation { createWorkspace(input: { slug: "${workspace}" }) { workspace { id } } }`,
  );
  return makeKeyOf(workspace);
}

/** A key of its own to a workspace that others may use. */
async function makeKeyOf(workspace: string): Promise<MadeKey> {
  const { createApiKey } = await other.data<{
    createApiKey: { secret: string; apiKey: { id: string; prefix: string } };
  }>(`mutation { createApiKey(input: {
    name: "k", workspace: "${workspace}", scopes: [ADMIN, EVENTS_READ, EVENTS_WRITE]
  }) { secret apiKey { id prefix } } }`);
  const { secret, apiKey } = createApiKey;
  const [row] = await other.db.read.query<{ id: number }>(
    'select id from api_keys where prefix = $1',
    [apiKey.prefix],
  );
  return { id: apiKey.id, keyId: row!.id, secret, workspace };
}

const REVOKE = 'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }';
const DELETE = `mutation($slug: String!) {
  deleteWorkspace(input: { slug: $slug, confirmSlug: $slug }) { deletedSlug } }`;
const change = (set: string) => (key: MadeKey) =>
  other.db.write.query(`update api_keys set ${set} where id = $1`, [key.keyId]);

/** Each way in which a key ends. */
const WAYS: Readonly<Record<string, (key: MadeKey) => Promise<unknown>>> = {
  'was revoked': ({ id }) => other.data(REVOKE, { id }),
  'has expired': change('expires_at = now()'),
  'had its workspace deleted': ({ workspace }) => other.data(DELETE, { slug: workspace }),
  'lost its scopes': change(`scopes = '{}'`),
};

/** A request of which half a body was sent. */
class SlowRequest {
  readonly name: string;
  isAnswered = false;
  readonly #rest: string;
  readonly #request: ClientRequest;
  readonly #response: Promise<IncomingMessage>;

  constructor(name: string, path: string, options: Ask) {
    const { method, headers, body } = options;
    this.name = name;
    this.#request = httpRequest(`${gateway.url}${path}`, {
      ...{ method, agent: false },
      headers: { 'content-length': Buffer.byteLength(body), ...headers },
    });
    const half = Math.floor(body.length / 2);
    this.#rest = body.slice(half);
    this.#response = once(this.#request, 'response').then(([response]) => response);
    this.#response.catch(() => undefined).finally(() => (this.isAnswered = true));
    this.#request.on('error', () => undefined);
    this.#request.write(body.slice(0, half));
  }

  async finish(): Promise<{ name: string; status: number; body: string }> {
    this.#request.end(this.#rest);
    const response = await this.#response;
    return { name: this.name, status: response.statusCode ?? 0, body: await text(response) };
  }
}

interface Ask {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Names of what is there, so that only the key can be the reason of a refusal. */
async function placeOf({ workspace, id }: MadeKey): Promise<Place> {
  const made = await other.data<{
    recordEvents: { receipts: { event: { id: string } | null }[] };
  }>(`mutation {
    defineEvent(input: {
      workspace: "${workspace}", name: "strict", validation: QUARANTINE
      payloadSchema: { required: ["n"] }
    }) { definition { id } }
    recordEvents(input: { workspace: "${workspace}", events: [
      { type: "probe", subject: "nobody" }, { type: "strict" }
    ] }) { receipts { event { id } } }
    passing: defineEvent(input: {
      workspace: "${workspace}", name: "strict", validation: OFF
    }) { definition { id } }
    unused: defineEvent(input: {
      workspace: "${workspace}", name: "mine-alone.unused"
    }) { definition { id } }
  }`);
  const read = await other.data<{
    workspace: { id: string };
    quarantinedEvents: { nodes: { id: string }[] };
  }>(`{
    workspace(slug: "${workspace}") { id }
    quarantinedEvents(workspace: "${workspace}") { nodes { id } }
  }`);
  const ids = {
    ...{ ApiKey: id, Workspace: read.workspace.id },
    Event: made.recordEvents.receipts[0]!.event!.id,
    QuarantinedEvent: read.quarantinedEvents.nodes[0]!.id,
    ParkedDelivery: await parkOne(workspace),
  };
  return { slug: workspace, eventId: randomUUID(), type: 'probe', ids, cursors: {} };
}

function graphqlAsks(place: Place, { secret }: MadeKey): (() => SlowRequest)[] {
  // A field that needs no scope can't be refused for want of one: see below.
  const rules = Object.entries(RULES).filter(([, { needs }]) => needs !== null);
  return rules.map(([name, rule]) => () => {
    const query = rule.own(place);
    return new SlowRequest(name, '/graphql', {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        ...(query.startsWith('subscription') && { accept: 'text/event-stream' }),
      },
      body: JSON.stringify({ query }),
    });
  });
}

function doorAsks(place: Place, { secret }: MadeKey): (() => SlowRequest)[] {
  return ROUTES.map(route => () => {
    const {
      params = (): Record<string, string> => ({}),
      query = '',
      headers = {},
      ...asked
    } = ASKS[canonical(route.name)] ?? {};
    const given = typeof asked.body === 'function' ? asked.body(place) : asked.body;
    let path = route.path;
    for (const [name, value] of Object.entries(params(place))) {
      path = path.replace(`:${name}`, encodeURIComponent(value));
    }
    const isToken = route.path === '/oauth/token';
    const basic = Buffer.from(`${secret.slice(0, 12)}:${secret}`).toString('base64');
    return new SlowRequest(route.name, path + query, {
      method: route.method,
      headers: {
        'content-type': isToken ? 'application/x-www-form-urlencoded' : 'application/json',
        ...headers,
        ...(isToken ? { authorization: `Basic ${basic}` } : credentialOf(route, secret)),
      },
      body: isToken ? 'grant_type=client_credentials' : JSON.stringify(given ?? {}),
    });
  });
}

/** As many as are let in at once. */
const GROUP = 24;
/** What a vendor's client is told; GraphQL's codes are in the body. */
const REFUSED = [401, 403];

function isRefused({ status, body }: { status: number; body: string }): boolean {
  const isTold = /"code":"(UNAUTHENTICATED|FORBIDDEN)"/.test(body);
  // A stream of a field that may be null tells of its error in the stream.
  return (
    REFUSED.includes(status) ||
    (status === 200 && isTold && !/"data":\{"\w+":(?!null|\[null\])/.test(body))
  );
}

describe.each(Object.entries(WAYS))('a key that %s while its body was coming', (_way, end) => {
  test.each([
    ['every field of the schema', graphqlAsks],
    ['every route of every door', doorAsks],
  ])('is refused by %s', async (_what, asksOf) => {
    const sample = await makeKey();
    const all = asksOf(await placeOf(sample), sample).length;
    let left = Array.from({ length: all }, (_, at) => at);
    while (left.length > 0) {
      const key = await makeKey();
      const asks = asksOf(await placeOf(key), key);
      await gateway.data('{ viewer { scopes } }', {}, key.secret);
      const group = left.splice(0, GROUP);
      const requests = group.map(at => asks[at]!());
      await untilInWork(requests);
      await end(key);
      await untilRefused(key.secret);
      const answers = await Promise.all(requests.map(request => request.finish()));
      // A machine that is busy turns some away for that: they are asked again.
      const isBusy = (at: number) => answers[at]!.status >= 500;
      left = [...left, ...group.filter((_, at) => isBusy(at))];
      expect(answers.filter((answer, at) => !isBusy(at) && !isRefused(answer))).toEqual([]);
      expect(await deedsOf(key)).toEqual({
        events: 1,
        kept: 1,
        keys: 0,
        definitions: 3,
        notes: 0,
        ...CONSUMERS,
      });
    }
  });
});

/** Of a consumer that every rule speaks of. */
async function parkOne(workspace: string): Promise<string> {
  const name = `workspace: "${workspace}", consumer: "worker"`;
  const { pullEvents } = await other.data<{
    pullEvents: { deliveries: { token: string }[] };
  }>(`mutation {
    createConsumer(input: {
      workspace: "${workspace}", name: "worker", from: { start: BEGINNING }
    }) { consumer { id } }
    createWebhook(input: {
      workspace: "${workspace}", name: "hook", url: "https://receiver.invalid/"
    }) { consumer { id } }
    createNotificationRule(input: {
      workspace: "${workspace}", name: "tell", filter: { types: ["never"] }
      channels: [{ webhook: { url: "https://receiver.invalid/", format: NTFY } }]
    }) { rule { id } }
    createMeter(input: {
      workspace: "${workspace}", name: "meter", groupBy: [{ dimension: ACTOR }]
    }) { meter { id } }
    pullEvents(input: { ${name} }) { deliveries { token } }
  }`);
  const tokens = JSON.stringify(pullEvents.deliveries.map(({ token }) => token));
  const { releaseDeliveries } = await other.data<{
    releaseDeliveries: { consumer: { parkedDeliveries: { nodes: { id: string }[] } } };
  }>(`mutation { releaseDeliveries(input: { ${name}, tokens: ${tokens}, park: true }) {
    consumer { parkedDeliveries { nodes { id } } }
  } }`);
  return releaseDeliveries.consumer.parkedDeliveries.nodes[0]!.id;
}

/** As `parkOne` made them; also where they went with their workspace. */
const CONSUMERS = {
  consumers: '3 consumers, 1 deliveries, 0 paused, 0 renamed, 0 of webhooks',
  browsers: 0,
  meters: 0,
};

/** What a key has left behind, beside what `placeOf` made. */
async function deedsOf({ keyId, workspace }: MadeKey) {
  const [row] = await other.db.read.query<Record<string, number>>(
    `with w as (select max(id) as id from workspaces where slug = $2)
     select (select coalesce(max(head), 1)::int from workspace_heads h, w where h.workspace_id = w.id) as events,
       (select greatest(count(*), 1 - (select count(w.id) from w))::int from quarantined_events q, w
         where q.workspace_id = w.id) as kept,
       (select count(*)::int from api_keys where created_by = $1) as keys,
       (select coalesce(nullif(count(*), 0), 3)::int from event_definitions d, w
         where d.workspace_id = w.id) as definitions,
       (select count(*)::int from door_notes n, w where n.workspace_id = w.id) as notes,
       (select coalesce(nullif(format('%s consumers, %s deliveries, %s paused, %s renamed, %s of webhooks', count(*),
           (select count(*) from deliveries q, w where q.workspace_id = w.id and q.parked_at is not null),
           count(c.paused_at), count(*) filter (where c.max_attempts <> 8),
           (select coalesce(sum(h.revision - 1 + h.attempt_count), 0) from webhooks h, w where h.workspace_id = w.id)
             + (select coalesce(sum(r.revision - 1), 0) from notification_rules r, w where r.workspace_id = w.id)), '0 consumers, 0 deliveries, 0 paused, 0 renamed, 0 of webhooks'),
           '3 consumers, 1 deliveries, 0 paused, 0 renamed, 0 of webhooks')
         from consumers c, w where c.workspace_id = w.id) as consumers,
       (select count(*)::int from push_subscriptions where key_id = $1) as browsers,
       (select count(*)::int from meters m, w where m.workspace_id = w.id
         and (m.deleted_at is not null or m.name <> 'meter')) as meters`,
    [keyId, workspace],
  );
  return row;
}

/** All are in work at the gateway that is asked, or were turned away. */
async function untilInWork(requests: readonly SlowRequest[]): Promise<void> {
  await expect
    .poll(async () => {
      const headers = { authorization: 'Bearer test-admin-key-0123456789' };
      const metrics = await (await fetch(`${gateway.url}/metrics`, { headers })).text();
      const inWork = Number(/^sluice_requests_in_work (\d+)/m.exec(metrics)?.[1]);
      return inWork + requests.filter(({ isAnswered }) => isAnswered).length;
    }, SOON)
    .toBe(requests.length);
}

/** Within the time that is promised, at the gateway that is not told. */
async function untilRefused(secret: string): Promise<void> {
  const endedMs = performance.now();
  let takenMs = endedMs;
  const query = '{ events { totalCount } }';
  await expect
    .poll(async () => {
      const askedMs = performance.now();
      const { errors } = await gateway.graphql(query, {}, secret);
      if (errors === undefined) takenMs = askedMs;
      return String(errors?.[0]?.extensions['code']);
    }, PATIENCE)
    .toMatch(/UNAUTHENTICATED|FORBIDDEN/);
  expect(takenMs - endedMs).toBeLessThan(ENDS_WITHIN_MS);
}

test('a key that was revoked while its body was coming does not even learn who it is', async () => {
  const key = await makeKey();
  await gateway.data('{ viewer { scopes } }', {}, key.secret);
  const request = graphqlAsk('{ viewer { scopes } }', key.secret);
  await untilInWork([request]);
  await other.data(REVOKE, { id: key.id });
  await untilRefused(key.secret);
  expect(await request.finish()).toMatchObject({ status: 401 });
});

test('a key that was revoked while a message of MCP was coming records nothing', async () => {
  const key = await makeKey();
  const params = { name: 'record_events', arguments: { events: [{ type: 'late' }] } };
  const ask = () =>
    new SlowRequest('record_events', '/mcp', {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        authorization: `Bearer ${key.secret}`,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
  expect((await ask().finish()).body).toContain('RECORDED');
  const request = ask();
  await untilInWork([request]);
  await other.data(REVOKE, { id: key.id });
  await untilRefused(key.secret);
  expect(await request.finish()).toMatchObject({ status: 401 });
  const { events } = await other.data<{ events: { totalCount: number } }>(
    `{ events(workspace: "${key.workspace}") { totalCount } }`,
  );
  expect(events.totalCount).toBe(1);
});

function graphqlAsk(query: string, secret: string): SlowRequest {
  return new SlowRequest(query, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query }),
  });
}

/** Everything that a mutation writes to waits until these are let go. */
const LOCKED = `lock table api_keys, workspaces, event_definitions, events, event_keys,
  quarantined_events, stream_tickets, door_notes, consumers, deliveries,
  webhooks, webhook_attempts, notification_rules, notifications,
  push_subscriptions, meters in exclusive mode`;

/** Lets `act` wait for a lock, ends the key meanwhile, and lets it go on. */
async function endedMeanwhile<T>(keyId: number, set: string, act: () => Promise<T>): Promise<T> {
  const acting = await transaction(other.db.upkeep, async connection => {
    await connection.query(LOCKED);
    const begun = act();
    await expect
      .poll(async () => {
        const [row] = await other.db.read.query<{ n: number }>(
          `select count(*)::int as n from pg_locks where not granted
             and database = (select oid from pg_database where datname = current_database())`,
        );
        return row!.n;
      })
      .toBeGreaterThan(0);
    await connection.query(`update api_keys set ${set} where id = $1`, [keyId]);
    return [begun];
  });
  return acting[0] as Promise<T>;
}

describe('what waits for its commit while its key ends', () => {
  const mutations = Object.entries(RULES).filter(([name]) => name.startsWith('Mutation.'));
  const ends = { 'was revoked': 'revoked_at = now()', 'lost its scopes': `scopes = '{}'` };

  async function adminOfAll() {
    const { createApiKey } = await other.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>('mutation { createApiKey(input: { name: "a", scopes: [ADMIN] }) { secret apiKey { id } } }');
    const [row] = await other.db.read.query<{ id: number }>('select max(id) as id from api_keys');
    const { secret } = createApiKey;
    // Its use is noted now, and not while the table is locked.
    await gateway.data('{ viewer { scopes } }', {}, secret);
    await expect
      .poll(async () => {
        const [used] = await other.db.read.query<{ at: Date | null }>(
          'select last_used_at as at from api_keys where id = $1',
          [row!.id],
        );
        return used!.at;
      })
      .not.toBeNull();
    return { secret, keyId: row!.id };
  }

  test.each(
    Object.entries(ends).flatMap(([way, set]) =>
      mutations.map(([name, rule]) => [name, way, set, rule] as const),
    ),
  )('%s by a key that %s is not done', async (_name, _way, set, rule) => {
    const [holder, { secret, keyId }] = [await makeKey(), await adminOfAll()];
    const place = await placeOf(holder);
    const { errors } = await endedMeanwhile(keyId, set, () =>
      gateway.graphql(rule.own(place), {}, secret),
    );
    expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(['UNAUTHENTICATED']);
    expect(await deedsOf({ ...holder, keyId })).toEqual({
      ...{ events: 1, kept: 1, keys: 0, definitions: 3, notes: 0, ...CONSUMERS },
    });
  });

  test('an event that would be kept aside is not', async () => {
    const [holder, { secret, keyId }] = [await makeKey(), await adminOfAll()];
    await placeOf(holder);
    await other.data(`mutation { defineEvent(input: {
      workspace: "${holder.workspace}", name: "strict", validation: QUARANTINE
    }) { definition { id } } }`);
    const record = `mutation { recordEvent(input: {
      workspace: "${holder.workspace}", event: { type: "strict" } }) { receipt { status } } }`;
    const { errors } = await endedMeanwhile(keyId, 'revoked_at = now()', () =>
      gateway.graphql(record, {}, secret),
    );
    expect(errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
    expect(await deedsOf({ ...holder, keyId })).toMatchObject({ kept: 1 });
  });

  test('what others record in the same flush is recorded', async () => {
    const [ended, living] = [await makeKey(), await makeKey()];
    const record = (key: MadeKey) =>
      gateway.graphql<{ recordEvent: { receipt: { status: string } } }>(
        `mutation { recordEvent(input: { event: { type: "t" } }) { receipt { status } } }`,
        {},
        key.secret,
      );
    await Promise.all([ended, living].map(record));
    const [refused, recorded] = await endedMeanwhile(ended.keyId, 'revoked_at = now()', () =>
      Promise.all([record(ended), record(living)]),
    );
    expect(refused!.errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
    expect(recorded!.data?.recordEvent.receipt.status).toBe('RECORDED');
  });
});

describe('a WebSocket', () => {
  test.each(['idle', 'streaming'])('that is %s is closed when its key is revoked', async state => {
    const key = await makeKey();
    const closed: { code: number }[] = [];
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      ...{ webSocketImpl: WebSocket, retryAttempts: 0, lazy: false },
      connectionParams: { authorization: `Bearer ${key.secret}` },
      on: { closed: event => closed.push(event as { code: number }) },
      onNonLazyError: () => undefined,
    });
    const stream = client.iterate({ query: 'subscription { events(start: BEGINNING) { kind } }' });
    expect((await stream.next()).done).toBe(false);
    if (state === 'idle') await stream.return?.();
    await other.data(REVOKE, { id: key.id });
    const startedMs = performance.now();
    if (state === 'streaming') {
      await expect(stream.next()).rejects.toMatchObject([{ extensions: { code: 'KEY_REVOKED' } }]);
    }
    await expect.poll(() => closed.map(({ code }) => code), PATIENCE).toEqual([4403]);
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS);
    await client.dispose();
  });
});

describe('a download', () => {
  const timeWindow = { start: '2020-01-01T00:00:00Z', end: '2020-01-01T00:00:04Z', gap: 1 };
  /** Each answer that a door streams. */
  const DOWNLOADS: Readonly<Record<string, (key: MadeKey) => Promise<Response>>> = {
    'of an authentik export': async ({ secret }) => {
      const headers = { authorization: `Bearer ${secret}` };
      const made = await fetch(`${gateway.url}/api/v3/events/events/export/`, {
        ...{ method: 'POST', headers },
      });
      const { file_url } = (await made.json()) as { file_url: string };
      return fetch(file_url, { headers });
    },
    'of Logspace’s CSV': ({ secret, workspace }) =>
      fetch(`${gateway.url}/download`, {
        method: 'POST',
        headers: { 'logspace.space-token': secret, 'content-type': 'application/json' },
        body: JSON.stringify({
          definitions: [
            {
              ...{ timeWindow, globalAgentId: `${workspace}|host|cpu` },
              ...{ propertyId: 'string_property_a', aggregate: 'count' },
            },
          ],
        }),
      }),
    'of Logspace’s event stream': ({ secret }) =>
      fetch(`${gateway.url}/event-stream?count=1000000`, {
        headers: { 'logspace.space-token': secret },
      }),
  };

  /** Where all downloads come from. */
  let full: string;
  beforeAll(async () => {
    const key = await makeKey();
    await fill(key);
    full = key.workspace;
  });

  /** Many times what buffers between the gateway and its reader hold. */
  async function fill({ secret }: MadeKey): Promise<void> {
    for (let batch = 0; batch < 3; batch++) {
      const events = Array.from({ length: 800 }, (_, at) => ({
        ...{ id: `${batch}-${at}`, type: 'os/cpu', system: 'host', 'agent-id': 'cpu' },
        timestamp: '2020-01-01T00:00:00Z',
        'string-properties': { a: Array.from({ length: 10 }, (_, n) => `${n}`.repeat(1_000)) },
      }));
      const put = async () => {
        const answer = await fetch(`${gateway.url}/events`, {
          ...{ method: 'PUT', headers: { 'logspace.space-token': secret } },
          body: JSON.stringify(events),
        });
        await answer.text();
        return answer.status;
      };
      // Sent again until it is stored, as an agent does.
      while ((await put()) !== 202) await sleep(PATIENCE.interval);
    }
  }

  test.concurrent.each(Object.entries(DOWNLOADS))(
    '%s is cut when its key is revoked',
    async (_, open) => {
      const key = await makeKeyOf(full);
      const response = await open(key);
      expect([response.status, response.ok || (await response.text())]).toEqual([200, true]);
      const reader = response.body!.getReader();
      await reader.read();
      await other.data(REVOKE, { id: key.id });
      await expect.poll(() => openDownloadsOf(key), PATIENCE).toBe(0);
      // It is cut within five seconds. Until then a reader could take the rest.
      await sleep(8_000);
      const readToEnd = async () => {
        while (!(await reader.read()).done);
      };
      await expect(readToEnd()).rejects.toThrow();
    },
  );

  /** By whether one more finds room, where there is room for one. */
  async function openDownloadsOf({ secret }: MadeKey): Promise<number> {
    const { errors } = await gateway.graphql('{ events { totalCount } }', {}, secret);
    return errors === undefined ? 1 : 0;
  }

  test('counts among the streams of its key', async () => {
    await using bounded = await startTestGateway({
      ...{ databaseUrl: other.databaseUrl, config: { streamsPerKeyMax: 1 } },
    });
    const key = await makeKeyOf(full);
    const open = () =>
      fetch(`${bounded.url}/event-stream?count=1000000`, {
        headers: { 'logspace.space-token': key.secret },
      });
    const first = await open();
    const reader = first.body!.getReader();
    await reader.read();
    const second = await open();
    expect(second.status).toBeGreaterThanOrEqual(429);
    await second.text();
    await reader.cancel();
    await expect
      .poll(async () => {
        const again = await open();
        await again.body?.cancel();
        return again.status;
      }, PATIENCE)
      .toBe(200);
  });
});

test('an access token of a door ends with its key', async () => {
  const key = await makeKey();
  const basic = Buffer.from(`${key.secret.slice(0, 12)}:${key.secret}`).toString('base64');
  const granted = await fetch(`${gateway.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const ask = async () => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${gateway.url}/api/v2/usage/events/definitions`, { headers });
    await answer.text();
    return answer.status;
  };
  expect(await ask()).toBe(200);
  await other.data(REVOKE, { id: key.id });
  const startedMs = performance.now();
  await expect.poll(ask, PATIENCE).toBe(401);
  expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS);
});
