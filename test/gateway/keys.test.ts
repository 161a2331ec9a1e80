import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { startTestGateway, type TestGateway } from '../kit/gateway.ts';

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
    expect(codeOf(await gateway.graphql(create, { secret: 'short' }))).toBe('BAD_USER_INPUT');
  });

  test('that is wrong, absent, just revoked or expired is refused alike', async () => {
    const made = await gateway.data<{
      createApiKey: { secret: string; apiKey: { id: string } };
    }>(
      'mutation { createApiKey(input: { name: "r", scopes: [EVENTS_READ] }) { secret apiKey { id } } }',
    );
    const { secret, apiKey } = made.createApiKey;
    await gateway.data('{ events { totalCount } }', {}, secret);
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
