import { describe, expect, test } from 'vitest';
import { encodeId } from '../../../src/graphql/global-id.ts';
import { apiKey, createApi, event, key, READER, ROOT } from './kit.ts';

const UUID = '0197a000-0000-7000-8000-000000000001';
const INPUT = 'input: { timeframe: { last: "PT1H" } }';

const api = () =>
  createApi({
    events: [event(1), event(1, { workspaceId: 2 })],
    keys: [apiKey(3, 1), apiKey(4, 2), apiKey(5, null)],
  });

async function codeOf(source: string, principal = READER): Promise<unknown> {
  const { errors } = await api().run(source, principal);
  return errors?.[0]?.extensions['code'] ?? (errors?.[0]?.originalError as { code?: string })?.code;
}

describe('another workspace', () => {
  test.each([
    '{ events(workspace: "other") { nodes { id } } }',
    '{ eventDefinitions(workspace: "other") { nodes { id } } }',
    `{ eventAggregates(workspace: "other", ${INPUT}) { asOf } }`,
    '{ quarantinedEvents(workspace: "other") { nodes { id } } }',
    'mutation { recordEvent(input: { workspace: "other", event: { type: "t" } }) { receipt { index } } }',
    'mutation { recordEvents(input: { workspace: "other", events: [{ type: "t" }] }) { recordedCount } }',
    'mutation { defineEvent(input: { workspace: "other", name: "t" }) { definition { id } } }',
    'mutation { redactEvents(input: { workspace: "other", subject: "s" }) { redactedCount } }',
    'mutation { updateWorkspace(input: { slug: "other", name: "x" }) { workspace { id } } }',
    'mutation { createApiKey(input: { name: "k", scopes: [ADMIN], workspace: "other" }) { secret } }',
    `mutation { revokeApiKey(input: { id: "${encodeId('ApiKey', 4)}" }) { apiKey { id } } }`,
    `mutation { revokeApiKey(input: { id: "${encodeId('ApiKey', 5)}" }) { apiKey { id } } }`,
    `mutation { resubmitQuarantinedEvents(input: { ids: ["${encodeId('QuarantinedEvent', 2, UUID)}"] }) { receipts { index } } }`,
    `mutation { discardQuarantinedEvents(input: { ids: ["${encodeId('QuarantinedEvent', 2, UUID)}"] }) { discardedCount } }`,
  ])('is not there, also for its own ADMIN: %s', async source => {
    expect(await codeOf(source, key(1, 'ADMIN'))).toBe('NOT_FOUND');
    expect(await codeOf(source.replaceAll('other', 'missing'), key(1, 'ADMIN'))).toBe('NOT_FOUND');
  });

  test.each([
    '{ found: workspace(slug: "other") { id } }',
    '{ found: event(workspace: "other", eventId: "e1") { id } }',
    '{ found: eventDefinition(workspace: "other", name: "t") { id } }',
    `{ found: node(id: "${encodeId('Workspace', 2)}") { id } }`,
    `{ found: node(id: "${encodeId('Event', 2, 1, 0)}") { id } }`,
    `{ found: node(id: "${encodeId('EventDefinition', 2, 1)}") { id } }`,
    `{ found: node(id: "${encodeId('QuarantinedEvent', 2, UUID)}") { id } }`,
    `{ found: node(id: "${encodeId('ApiKey', 4)}") { id } }`,
    `{ found: node(id: "${encodeId('ApiKey', 5)}") { id } }`,
  ])('is null where a field may be null: %s', async source => {
    const result = await api().run(source, key(1, 'ADMIN'));
    expect(result).toEqual({ data: { found: null } });
  });

  test('does not show among workspaces and keys', async () => {
    const { data } = await api().run(
      '{ workspaces { nodes { slug } } apiKeys { nodes { name } } }',
      key(1, 'ADMIN'),
    );
    expect(data).toEqual({
      workspaces: { nodes: [{ slug: 'acme' }] },
      apiKeys: { nodes: [{ name: 'key 3' }] },
    });
  });

  test('opens to a key of every workspace', async () => {
    const { data } = await api().run(
      '{ events(workspace: "OTHER") { nodes { workspace { slug } } } workspaces { nodes { slug } } }',
      ROOT,
    );
    expect(data).toMatchObject({
      events: { nodes: [{ workspace: { slug: 'other' } }] },
      workspaces: { nodes: [{ slug: 'acme' }, { slug: 'other' }] },
    });
  });
});

describe('a scope that the key lacks', () => {
  test.each([
    ['{ events { nodes { id } } }', key(1, 'EVENTS_WRITE')],
    ['{ event(eventId: "e1") { id } }', key(1, 'EVENTS_WRITE')],
    ['{ workspace { id } }', key(1, 'EVENTS_WRITE')],
    ['{ viewer { workspace { events { nodes { id } } } } }', key(1, 'EVENTS_WRITE')],
    ['{ viewer { workspace { event(eventId: "e1") { id } } } }', key(1, 'EVENTS_WRITE')],
    ['{ viewer { workspace { eventDefinitions { nodes { id } } } } }', key(1, 'EVENTS_WRITE')],
    ['{ viewer { workspace { quarantinedEvents { nodes { id } } } } }', key(1, 'EVENTS_WRITE')],
    [`{ viewer { workspace { eventAggregates(${INPUT}) { asOf } } } }`, key(1, 'EVENTS_WRITE')],
    ['{ viewer { workspace { apiKeys { nodes { id } } } } }', READER],
    ['{ apiKeys { nodes { id } } }', READER],
    [`{ node(id: "${encodeId('Event', 1, 1, 0)}") { id } }`, key(1, 'EVENTS_WRITE')],
    [`{ node(id: "${encodeId('ApiKey', 3)}") { id } }`, READER],
    ['mutation { recordEvent(input: { event: { type: "t" } }) { receipt { index } } }', READER],
    [
      'mutation { recordEvent(input: { event: { type: "t" } }) { receipt { event { id } } } }',
      key(1, 'EVENTS_WRITE'),
    ],
    ['mutation { defineEvent(input: { name: "t" }) { definition { id } } }', READER],
    ['mutation { redactEvents(input: { subject: "s" }) { redactedCount } }', READER],
    ['mutation { createApiKey(input: { name: "k", scopes: [ADMIN] }) { secret } }', READER],
    ['mutation { createWorkspace(input: { slug: "new" }) { workspace { id } } }', key(1, 'ADMIN')],
    ['{ status { version } }', key(1, 'ADMIN')],
    ['{ status { storage { usedBytes } } }', key(null, 'EVENTS_READ')],
    [
      'mutation { deleteWorkspace(input: { slug: "acme", confirmSlug: "acme" }) { deletedSlug } }',
      key(1, 'ADMIN'),
    ],
  ])('is FORBIDDEN: %s', async (source, principal) => {
    expect(await codeOf(source, principal)).toBe('FORBIDDEN');
  });

  test.each([
    '{ viewer { scopes } }',
    '{ events { nodes { id } } }',
    '{ node(id: "x") { id } }',
    '{ nodes(ids: []) { id } }',
    'mutation { createStreamTicket { ticket } }',
  ])('without a key everything is UNAUTHENTICATED: %s', async source => {
    const { errors } = await api().run(source, null);
    expect(errors?.[0]?.originalError).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('the viewer is shown to any valid key', async () => {
    const { data } = await createApi({ keys: [apiKey(7, 1)] }).run(
      '{ viewer { scopes apiKey { name workspace { slug } } workspace { slug headPosition } } }',
      key(1, 'EVENTS_WRITE'),
    );
    expect(data).toEqual({
      viewer: {
        scopes: ['EVENTS_WRITE'],
        apiKey: { name: 'key 7', workspace: { slug: 'acme' } },
        workspace: { slug: 'acme', headPosition: 9 },
      },
    });
  });
});

describe('administration', () => {
  test('an ADMIN of one workspace makes keys for that alone', async () => {
    const source =
      'mutation { createApiKey(input: { name: "k", scopes: [EVENTS_READ] }) { secret apiKey { workspace { slug } } } }';
    const one = await api().run(source, key(1, 'ADMIN'));
    expect(one.data).toMatchObject({ createApiKey: { apiKey: { workspace: { slug: 'acme' } } } });
    const all = await api().run(source, ROOT);
    expect(all.data).toMatchObject({ createApiKey: { apiKey: { workspace: null } } });
  });

  test('a workspace is removed only where its slug is given twice', async () => {
    const { run, calls } = api();
    const remove = (confirmSlug: string) =>
      run(
        'mutation ($c: String!) { deleteWorkspace(input: { slug: "Acme", confirmSlug: $c }) { deletedSlug } }',
        ROOT,
        { c: confirmSlug },
      );
    expect((await remove('acne')).errors?.[0]?.originalError).toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    expect(calls).not.toContain('workspaceAdmin.remove');
    expect((await remove('acme')).data).toEqual({ deleteWorkspace: { deletedSlug: 'acme' } });
  });

  test('a redaction that chooses nothing is refused', async () => {
    const source = 'mutation { redactEvents(input: { subject: null }) { redactedCount } }';
    expect(await codeOf(source, ROOT)).toBe('WORKSPACE_REQUIRED');
    expect(await codeOf(source, key(1, 'ADMIN'))).toBe('BAD_USER_INPUT');
  });
});
