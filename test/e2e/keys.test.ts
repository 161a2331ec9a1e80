import { createClient } from 'graphql-ws';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createKeyAdmin } from '../../src/security/keys.ts';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { unaudited } from '../kit/unaudited.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const RECORD = `mutation($e: EventInput!, $w: String) {
  recordEvent(input: { event: $e, workspace: $w }) { receipt { status eventId cursor event { id } } }
}`;
const codeOf = (result: { errors?: readonly { extensions: Record<string, unknown> }[] }) =>
  result.errors?.[0]?.extensions['code'];

interface Recorded {
  recordEvent: { receipt: { cursor: string; event: { id: string } } };
}

async function twoTenants() {
  const [mine, theirs] = [await gateway.workspace(), await gateway.workspace()];
  const recorded = await gateway.data<Recorded>(
    RECORD,
    { e: { id: 'secret-1', type: 'secret', payload: { s: 1 } } },
    theirs.key,
  );
  return { mine, theirs, receipt: recorded.recordEvent.receipt };
}

describe('a key of one workspace', () => {
  test('records and reads in its own without naming it', async () => {
    const { slug, key } = await gateway.workspace();
    await gateway.data(RECORD, { e: { type: 'a' } }, key);
    const data = await gateway.data<{ events: { nodes: { workspace: { slug: string } }[] } }>(
      '{ events { nodes { workspace { slug } } } }',
      {},
      key,
    );
    expect(data.events.nodes).toEqual([{ workspace: { slug } }]);
  });

  test('sees nothing of another through any field, node id or cursor', async () => {
    const { mine, theirs, receipt } = await twoTenants();
    const ask = (query: string) =>
      gateway.graphql<Record<string, unknown>>(
        query,
        { w: theirs.slug, id: receipt.event.id, c: receipt.cursor },
        mine.key,
      );
    for (const field of [
      'workspace(slug: $w) { id }',
      'event(workspace: $w, eventId: "secret-1") { id }',
      'eventDefinition(workspace: $w, name: "secret") { id }',
    ]) {
      const { data, errors } = await ask(`query($w: String!) { it: ${field} }`);
      expect({ data, errors }, field).toEqual({ data: { it: null }, errors: undefined });
    }
    for (const field of [
      'events(workspace: $w) { totalCount }',
      'eventDefinitions(workspace: $w) { totalCount }',
      'quarantinedEvents(workspace: $w) { nodes { id } }',
    ]) {
      expect(codeOf(await ask(`query($w: String!) { it: ${field} }`)), field).toBe('NOT_FOUND');
    }
    expect((await ask('query($id: ID!) { node(id: $id) { id } }')).data).toEqual({ node: null });
    const paged = await ask('query($c: String!) { events(after: $c) { totalCount } }');
    expect(codeOf(paged)).toBe('CURSOR_INVALID');
    expect((await ask('{ event(eventId: "secret-1") { id } }')).data).toEqual({ event: null });
    expect((await ask('{ workspaces { nodes { slug } } }')).data).toEqual({
      workspaces: { nodes: [{ slug: mine.slug }] },
    });
  });

  test('may neither record in another nor administer anything', async () => {
    const { mine, theirs } = await twoTenants();
    const refused = await gateway.graphql(RECORD, { e: { type: 'a' }, w: theirs.slug }, mine.key);
    expect(codeOf(refused)).toBe('NOT_FOUND');
    for (const mutation of [
      'createWorkspace(input: { slug: "mine-too" }) { workspace { id } }',
      'createApiKey(input: { name: "x", scopes: [ADMIN] }) { secret }',
      `deleteWorkspace(input: { slug: "${mine.slug}", confirmSlug: "${mine.slug}" }) { deletedSlug }`,
    ]) {
      const result = await gateway.graphql(`mutation { ${mutation} }`, {}, mine.key);
      expect(codeOf(result), mutation).toBe('FORBIDDEN');
    }
  });
});

test('an ADMIN of one workspace learns nothing of what others have', async () => {
  const { slug } = await gateway.workspace();
  const made = await gateway.data<{ createApiKey: { secret: string } }>(
    `mutation($w: String) {
      createApiKey(input: { name: "a", workspace: $w, scopes: [ADMIN] }) { secret } }`,
    { w: slug },
  );
  const theirs = 'a-credential-of-somebody-else';
  await gateway.data(
    'mutation($s: String) { createApiKey(input: { name: "t", scopes: [EVENTS_READ], secret: $s }) { secret } }',
    { s: theirs },
  );
  const ask = async (mutation: string) => {
    const result = await gateway.graphql(`mutation { ${mutation} }`, {}, made.createApiKey.secret);
    return [codeOf(result), result.errors?.[0]?.message];
  };
  const keep = (secret: string) =>
    ask(
      `createApiKey(input: { name: "k", scopes: [EVENTS_READ], secret: "${secret}" }) { secret }`,
    );
  expect(await keep(theirs)).toEqual(await keep('a-credential-that-nobody-has'));
  const rename = (newSlug: string) =>
    ask(`updateWorkspace(input: { slug: "${slug}", newSlug: "${newSlug}" }) { workspace { id } }`);
  expect(await rename('default')).toEqual(await rename('a-slug-that-nobody-has'));
  expect((await rename('default'))[0]).toBe('FORBIDDEN');
  expect(
    (
      await ask(`updateWorkspace(input: { slug: "${slug}", name: "Mine" }) { workspace { id } }`)
    )[0],
  ).toBeUndefined();
  expect(
    (await ask('createApiKey(input: { name: "k", scopes: [EVENTS_READ] }) { secret }'))[0],
  ).toBe(undefined);
});

describe('a credential', () => {
  test('that a client has already can be kept, unless it is too short or in use', async () => {
    const create = `mutation($secret: String) {
      createApiKey(input: { name: "kept", scopes: [EVENTS_READ], secret: $secret }) { secret apiKey { prefix } }
    }`;
    const secret = 'an-old-token-of-a-client';
    expect(await gateway.data(create, { secret })).toEqual({
      createApiKey: { secret, apiKey: { prefix: 'an-o…' } },
    });
    const viewer = await gateway.data('{ viewer { scopes } }', {}, secret);
    expect(viewer).toEqual({ viewer: { scopes: ['EVENTS_READ'] } });
    expect(codeOf(await gateway.graphql(create, { secret }))).toBe('CONFLICT');
    for (const refused of ['short', 'change-me-to-something-long']) {
      expect(codeOf(await gateway.graphql(create, { secret: refused }))).toBe('BAD_USER_INPUT');
    }
  });

  test('that is wrong, absent, just revoked or expired is refused alike', async () => {
    const made = await gateway.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(
      'mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret apiKey { id } } }',
    );
    const { secret, apiKey } = made.createApiKey;
    await gateway.data('{ events(workspace: "default") { totalCount } }', {}, secret);
    await gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { revokedAt } } }',
      {
        id: apiKey.id,
      },
    );
    const expired = await gateway.data<{ createApiKey: { secret: string } }>(
      'mutation { createApiKey(input: { name: "e", scopes: [ADMIN], expiresAt: "2020-01-01T00:00:00Z" }) { secret } }',
    );
    const messages = new Set<unknown>();
    for (const key of ['nonsense', secret, expired.createApiKey.secret]) {
      const result = await gateway.graphql('{ events { totalCount } }', {}, key);
      expect(codeOf(result)).toBe('UNAUTHENTICATED');
      messages.add(result.errors?.[0]?.message);
    }
    expect(messages.size).toBe(1);
    expect(codeOf(await gateway.graphql('{ events { totalCount } }', {}, null))).toBe(
      'UNAUTHENTICATED',
    );
  });

  test('opens streams over WebSocket by connectionParams, and nothing opens without', async () => {
    const { key } = await gateway.workspace();
    await gateway.data(RECORD, { e: { type: 'seen' } }, key);
    const url = gateway.url.replace('http', 'ws') + '/graphql';
    const query = 'subscription { events(start: BEGINNING) { kind node { type } } }';
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
    });
    const first = await client.iterate({ query }).next();
    expect(first.value).toEqual({ data: { events: { kind: 'EVENT', node: { type: 'seen' } } } });
    await client.dispose();
    const stranger = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    await expect(stranger.iterate({ query }).next()).rejects.toMatchObject({ code: 4403 });
  });
});

interface Made {
  readonly secret: string;
  readonly apiKey: {
    readonly id: string;
    readonly expiresAt: string | null;
    readonly addresses: readonly string[] | null;
    readonly createdBy: { readonly name: string } | null;
  };
}

const FIELDS = 'secret apiKey { id expiresAt addresses createdBy { name } }';

async function createKey(input: object, key?: string, on: TestGateway = gateway): Promise<Made> {
  const { createApiKey } = await on.data<{ createApiKey: Made }>(
    `mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { ${FIELDS} } }`,
    { input: { name: 'k', scopes: ['ADMIN'], ...input } },
    key,
  );
  return createApiKey;
}

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const hoursLeft = ({ apiKey }: Made) =>
  (new Date(apiKey.expiresAt ?? NaN).getTime() - Date.now()) / 3_600_000;

test('a key is 256 random bits, and only its hash is kept', async () => {
  const { secret } = await createKey({});
  const [, random] = /^slc_[0-9a-f]{8}_(.*)$/.exec(secret)!;
  expect(Buffer.from(random!, 'base64url')).toHaveLength(32);
  const rows = await gateway.db.read.query('select k::text from api_keys k');
  expect(JSON.stringify(rows)).not.toContain(random);
  expect(JSON.stringify(rows)).toContain(createHash('sha256').update(secret).digest('hex'));
});

describe('what a key makes', () => {
  test('ends no later than the key itself, and names it', async () => {
    const maker = await createKey({ name: 'maker', expiresAt: inHours(1) });
    for (const expiresAt of [undefined, inHours(100)]) {
      const made = await createKey({ expiresAt }, maker.secret);
      expect(made.apiKey.expiresAt).toBe(maker.apiKey.expiresAt);
      expect(made.apiKey.createdBy).toEqual({ name: 'maker' });
    }
    const sooner = await createKey({ expiresAt: inHours(0.5) }, maker.secret);
    expect(hoursLeft(sooner)).toBeLessThan(0.6);
    expect((await createKey({})).apiKey).toMatchObject({
      ...{ expiresAt: null, createdBy: { name: 'SLUICE_ADMIN_KEY' } },
    });
  });

  test('does not tell an ADMIN of one workspace who made its keys, where it may not see that', async () => {
    const { slug } = await gateway.workspace();
    const admin = await createKey({ workspace: slug });
    const own = await createKey({ name: 'own' }, admin.secret);
    const { apiKeys } = await gateway.data<{
      apiKeys: { nodes: { id: string; createdBy: { name: string } | null }[] };
    }>('{ apiKeys { nodes { id createdBy { name } } } }', {}, admin.secret);
    const madeBy = (id: string) => apiKeys.nodes.find(each => each.id === id)?.createdBy;
    expect(madeBy(admin.apiKey.id)).toBeNull();
    expect(madeBy(own.apiKey.id)).toEqual({ name: 'k' });
  });

  test('ends within SLUICE_KEY_AGE_DAYS_MAX', async () => {
    await using bounded = await startTestGateway({ config: { keyAgeDaysMax: 2 } });
    for (const expiresAt of [undefined, inHours(1_000)]) {
      const made = await createKey({ expiresAt }, undefined, bounded);
      expect(Math.round(hoursLeft(made))).toBe(48);
    }
  });
});

describe('a rotation', () => {
  const ROTATE = `mutation($id: ID!, $overlap: Duration) {
    rotateApiKey(input: { id: $id, overlap: $overlap }) {
      ${FIELDS} previousStopsAt previous { id } } }`;
  type Rotated = Made & { readonly previousStopsAt: string; readonly previous: { id: string } };
  const rotate = async (made: Made, overlap: string | null = null, key?: string) =>
    (
      await gateway.data<{ rotateApiKey: Rotated }>(
        ROTATE,
        { id: made.apiKey.id, ...(overlap !== null && { overlap }) },
        key,
      )
    ).rotateApiKey;
  const isTaken = async (secret: string) =>
    (await gateway.graphql('{ viewer { scopes } }', {}, secret)).errors === undefined;

  test('makes a key like the old one, which is taken until its overlap ends', async () => {
    const old = await createKey({ scopes: ['EVENTS_READ'] });
    const rotated = await rotate(old, 'PT3S');
    expect(rotated.previous.id).toBe(old.apiKey.id);
    expect(await isTaken(rotated.secret)).toBe(true);
    expect(await isTaken(old.secret)).toBe(true);
    await expect.poll(() => isTaken(old.secret), { timeout: 30_000 }).toBe(false);
    expect(Date.now()).toBeGreaterThanOrEqual(new Date(rotated.previousStopsAt).getTime());
    expect(await isTaken(rotated.secret)).toBe(true);
    const viewer = await gateway.data('{ viewer { scopes } }', {}, rotated.secret);
    expect(viewer).toEqual({ viewer: { scopes: ['EVENTS_READ'] } });
  });

  test('gives an hour, and a key with an end as long again', async () => {
    const old = await createKey({ expiresAt: inHours(10) });
    const rotated = await rotate(old);
    expect(Math.round((Date.parse(rotated.previousStopsAt) - Date.now()) / 60_000)).toBe(60);
    expect(Math.round(hoursLeft(rotated))).toBe(10);
    // It lengthens no life: the old key ends when it would have ended.
    const short = await createKey({ expiresAt: inHours(0.1) });
    expect((await rotate(short, 'P1D')).previousStopsAt).toBe(short.apiKey.expiresAt);
  });

  test('by a key that expires makes none that outlives it, itself included', async () => {
    const maker = await createKey({ expiresAt: inHours(1) });
    const lasting = await createKey({});
    expect((await rotate(lasting, null, maker.secret)).apiKey.expiresAt).toBe(
      maker.apiKey.expiresAt,
    );
    expect((await rotate(maker, null, maker.secret)).apiKey.expiresAt).toBe(maker.apiKey.expiresAt);
  });

  test('is refused for a key that has ended, too long an overlap, and without ADMIN', async () => {
    const [ended, reader] = [await createKey({}), await createKey({ scopes: ['EVENTS_READ'] })];
    await gateway.data(
      'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }',
      { id: ended.apiKey.id },
    );
    const ask = async (id: string, overlap: string, key?: string) =>
      codeOf(await gateway.graphql(ROTATE, { id, overlap }, key));
    expect(await ask(ended.apiKey.id, 'PT1H')).toBe('BAD_USER_INPUT');
    expect(await ask(reader.apiKey.id, 'P31D')).toBe('BAD_USER_INPUT');
    expect(await ask(reader.apiKey.id, 'PT1H', reader.secret)).toBe('FORBIDDEN');
  });
});

describe('a key that is revoked', () => {
  const REVOKE = `mutation($id: ID!, $force: Boolean) {
    revokeApiKey(input: { id: $id, force: $force }) { apiKey { revokedAt } } }`;

  test('is not the one that revokes, unless that is meant', async () => {
    const own = await createKey({ scopes: ['ADMIN'] });
    const { id } = own.apiKey;
    for (const force of [undefined, false, null]) {
      const refused = await gateway.graphql(REVOKE, { id, force }, own.secret);
      expect(codeOf(refused)).toBe('FORCE_REQUIRED');
      expect(refused.errors?.[0]?.message).toContain('the key that you are using');
    }
    const forced = await gateway.graphql(REVOKE, { id, force: true }, own.secret);
    expect(forced.errors).toBeUndefined();
    const after = await gateway.graphql('{ viewer { scopes } }', {}, own.secret);
    expect(codeOf(after)).toBe('UNAUTHENTICATED');
  });

  test('is not the last that administers all workspaces, unless that is meant', async () => {
    await using single = await startTestGateway();
    const { slug } = await single.workspace();
    await single.data(
      `mutation($slug: String!) {
        createApiKey(input: { name: "one", workspace: $slug, scopes: [ADMIN] }) { secret } }`,
      { slug },
    );
    const [first] = await single.db.write.query<{ id: number }>(
      "select id from api_keys where name = 'SLUICE_ADMIN_KEY'",
    );
    const [other] = await single.db.write.query<{ id: number }>(
      "select id from api_keys where name = 'one'",
    );
    const actor = { keyId: other!.id, scope: 'ADMIN' } as const;
    const options = { audited: unaudited, allowWeak: false, ageDaysMax: 0, onChanged: () => {} };
    const admin = createKeyAdmin(single.db.write, options);
    // An ADMIN of one workspace takes nobody's place.
    await expect(admin.revoke(first!.id, false, actor)).rejects.toMatchObject({
      code: 'FORCE_REQUIRED',
      message: expect.stringContaining('the last ADMIN key of all workspaces'),
    });
    await single.data(
      'mutation { createApiKey(input: { name: "b", scopes: [ADMIN] }) { secret } }',
    );
    expect((await admin.revoke(first!.id, false, actor)).revokedAt).toBeInstanceOf(Date);
  });
});

describe('a key that is bound to addresses', () => {
  const from = async (on: TestGateway, key: string, forwarded?: string) => {
    const response = await fetch(`${on.url}/graphql`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', authorization: `Bearer ${key}` },
        ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
      },
      body: '{"query":"{ viewer { scopes } }"}',
    });
    const { errors } = (await response.json()) as { errors?: { message: string }[] };
    return errors?.[0]?.message ?? response.status;
  };

  test('is taken from there, and refused from elsewhere as a wrong key is', async () => {
    const here = await createKey({ addresses: ['127.0.0.0/8', '::1'] });
    const elsewhere = await createKey({ addresses: ['10.0.0.0/8', '2001:db8::/32'] });
    expect(here.apiKey.addresses).toEqual(['127.0.0.0/8', '::1/128']);
    expect(await from(gateway, here.secret)).toBe(200);
    expect(await from(gateway, elsewhere.secret)).toBe(await from(gateway, 'a-key-of-nobody'));
    // Anybody can write the header: it counts only behind a proxy of ours.
    expect(await from(gateway, elsewhere.secret, '10.1.2.3')).not.toBe(200);
  });

  test('is known behind a proxy by the address that the proxy names', async () => {
    await using behind = await startTestGateway({ config: { trustedProxies: 1 } });
    const key = await createKey({ addresses: ['10.0.0.0/8', '2001:db8::/32'] }, undefined, behind);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1::9', '10.9.9.9:4711']) {
      expect(await from(behind, key.secret, address), address).toBe(200);
    }
    for (const address of ['11.1.2.3', '2001:db9::1', '10.1.2.3, 11.1.2.3', '']) {
      expect(await from(behind, key.secret, address), address).not.toBe(200);
    }
  });

  test('makes and rotates keys of its addresses alone', async () => {
    const bound = await createKey({ addresses: ['127.0.0.0/8'] });
    expect((await createKey({}, bound.secret)).apiKey.addresses).toEqual(['127.0.0.0/8']);
    const within = await createKey({ addresses: ['127.0.0.1'] }, bound.secret);
    expect(within.apiKey.addresses).toEqual(['127.0.0.1/32']);
    await expect(createKey({ addresses: ['0.0.0.0/0'] }, bound.secret)).rejects.toThrow(
      /BAD_USER_INPUT/,
    );
    const free = await createKey({});
    const rotated = await gateway.graphql(
      'mutation($id: ID!) { rotateApiKey(input: { id: $id }) { secret } }',
      { id: free.apiKey.id },
      bound.secret,
    );
    expect(codeOf(rotated)).toBe('FORBIDDEN');
  });

  test.each([
    [[]],
    [['10.0.0.0/33']],
    [['::/129']],
    [['localhost']],
    [['::ffff:1.2.3.4']],
    [['1.2.3']],
  ])('refuses %j, which is no list of ranges', async addresses => {
    await expect(createKey({ addresses })).rejects.toThrow(/addresses expects/);
  });
});
