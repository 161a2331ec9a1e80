/** The gateway's own audit: what is recorded of administrative acts, and who sees it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_SLUG, AUDIT_TYPES, AUDIT_WORKSPACE_ID } from '../../src/core/audit.ts';
import { lockWorkspace } from '../../src/db/locks.ts';
import { transaction } from '../../src/db/transaction.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../kit/gateway.ts';
import { anEvent, startRecordingDatabase } from '../kit/recording.ts';
import { sluice } from './cli/run.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Act {
  readonly type: string;
  readonly position: number;
  readonly subject: string | null;
  readonly actor: string;
  readonly clientIp: string | null;
  readonly groupId: string | null;
  readonly payload: Record<string, unknown> & {
    readonly workspace: string | null;
    readonly key: { readonly id: number; readonly name: string } | null;
  };
}

const seen = new Set<string>();

/** What was recorded, in order. */
async function acts(on: TestGateway = gateway): Promise<Act[]> {
  const { events } = await on.data<{ events: { nodes: Act[] } }>(
    `{ events(workspace: "sluice", first: 1000) {
      nodes { type position subject actor clientIp groupId payload } } }`,
  );
  for (const { type } of events.nodes) seen.add(type);
  return events.nodes.toReversed();
}

/** What an act recorded. */
async function actsOf(act: () => Promise<unknown>, on = gateway): Promise<Act[]> {
  const before = (await acts(on)).length;
  await act();
  return (await acts(on)).slice(before);
}

const run = (field: string, input: object, select: string, key?: string) =>
  gateway.data<Record<string, Record<string, unknown>>>(
    `mutation($input: ${field[0]!.toUpperCase()}${field.slice(1)}Input!) {
      ${field}(input: $input) { ${select} } }`,
    { input },
    key,
  );

async function makeKey(input: object): Promise<{ id: string; secret: string }> {
  const { createApiKey } = await run('createApiKey', input, 'secret apiKey { id }');
  const { secret, apiKey } = createApiKey as { secret: string; apiKey: { id: string } };
  return { id: apiKey.id, secret };
}

const codeOf = (result: { errors?: readonly { extensions: Record<string, unknown> }[] }) =>
  result.errors?.[0]?.extensions['code'];

describe('what is recorded', () => {
  test('of keys: who made, rotated and ended which, and no secret', async () => {
    const { slug } = await gateway.workspace();
    let made = { id: '', secret: '' };
    const [created, ...none] = await actsOf(async () => {
      const scopes = ['EVENTS_READ'];
      made = await makeKey({ name: 'audited', workspace: slug, scopes });
    });
    expect(none).toEqual([]);
    expect(created).toMatchObject({
      type: 'sluice.key.created',
      subject: expect.stringMatching(/^key \d+ audited$/),
      actor: expect.stringMatching(/^key \d+ SLUICE_ADMIN_KEY$/),
      clientIp: '127.0.0.1',
      payload: {
        workspace: slug,
        key: { id: expect.any(Number), name: 'SLUICE_ADMIN_KEY' },
        to: { scopes: ['EVENTS_READ'], addresses: null, expiresAt: null },
      },
    });
    const [updated] = await actsOf(() =>
      run('updateApiKey', { id: made.id, eventsPerDay: 9 }, 'apiKey { id }'),
    );
    expect(updated).toMatchObject({
      type: 'sluice.key.updated',
      subject: created?.subject,
      payload: { from: { eventsPerDay: null }, to: { eventsPerDay: 9 } },
    });
    let successor: { secret: string } | undefined;
    const [rotated] = await actsOf(async () => {
      const { rotateApiKey } = await run('rotateApiKey', { id: made.id }, 'secret');
      successor = rotateApiKey as { secret: string };
    });
    expect(rotated).toMatchObject({
      type: 'sluice.key.rotated',
      subject: created?.subject,
      payload: { from: { expiresAt: null }, to: { expiresAt: expect.any(String) } },
    });
    const [revoked] = await actsOf(() => run('revokeApiKey', { id: made.id }, 'apiKey { id }'));
    expect(revoked).toMatchObject({
      type: 'sluice.key.revoked',
      payload: { from: { revokedAt: null }, to: { revokedAt: expect.any(String) } },
    });
    const all = JSON.stringify(await acts());
    for (const { secret } of [made, successor!]) {
      expect(all).not.toContain(secret.slice(0, 12));
    }
  });

  test('of a key that ends itself', async () => {
    const self = await makeKey({ name: 'self', scopes: ['ADMIN'] });
    const [act] = await actsOf(() =>
      run('revokeApiKey', { id: self.id, force: true }, 'apiKey { id }', self.secret),
    );
    expect(act).toMatchObject({ type: 'sluice.key.revoked', payload: { key: { name: 'self' } } });
    expect(act?.actor).toBe(act?.subject);
  });

  test('of the first key, by the gateway itself', async () => {
    const [first] = await acts();
    expect(first).toMatchObject({
      type: 'sluice.key.created',
      position: 1,
      actor: 'sluice',
      clientIp: null,
      payload: { workspace: null, key: null },
    });
  });

  test('of workspaces: what they were, and what they became', async () => {
    const input = { slug: 'Audited-1', name: 'One', retentionDays: 30 };
    const [created] = await actsOf(() => run('createWorkspace', input, 'workspace { id }'));
    expect(created).toMatchObject({
      type: 'sluice.workspace.created',
      subject: 'audited-1',
      payload: { workspace: 'audited-1', to: { name: 'One', retentionDays: 30 } },
    });
    const change = { slug: 'audited-1', newSlug: 'audited-2', retentionDays: null };
    const [updated] = await actsOf(() => run('updateWorkspace', change, 'workspace { id }'));
    expect(updated?.payload).toMatchObject({
      workspace: 'audited-2',
      from: { slug: 'audited-1', retentionDays: 30 },
      to: { slug: 'audited-2', retentionDays: null },
    });
    expect(Object.keys(updated?.payload['to'] as object)).toHaveLength(2);
    const gone = { slug: 'audited-2', confirmSlug: 'audited-2' };
    const [deleted] = await actsOf(() => run('deleteWorkspace', gone, 'deletedSlug'));
    expect(deleted).toMatchObject({
      type: 'sluice.workspace.deleted',
      payload: { workspace: 'audited-2', from: { name: 'One' } },
    });
  });

  test('of definitions', async () => {
    const { slug, key } = await gateway.workspace();
    const define = (input: object) =>
      actsOf(() =>
        run('defineEvent', { workspace: slug, name: 'a.b', ...input }, 'definition { id }', key),
      );
    const [created] = await define({ title: 'A' });
    expect(created).toMatchObject({
      type: 'sluice.definition.created',
      subject: 'a.b',
      payload: { workspace: slug, key: { name: 'test' }, to: { title: 'A', status: 'ACTIVE' } },
    });
    const [updated] = await define({ status: 'DEPRECATED' });
    expect(updated?.payload).toMatchObject({
      from: { status: 'ACTIVE' },
      to: { status: 'DEPRECATED' },
    });
    const gone = { workspace: slug, name: 'a.b' };
    const [deleted] = await actsOf(() => run('deleteEventDefinition', gone, 'deletedName', key));
    expect(deleted).toMatchObject({ type: 'sluice.definition.deleted', subject: 'a.b' });
  });

  test('of redactions: how many events where, and not whose', async () => {
    const { slug, key } = await gateway.workspace();
    const event = (id: string) => ({ id, type: 'e', subject: 'jane-doe', payload: { a: 1 } });
    const input = { workspace: slug, events: [event('jane-1'), event('jane-2')] };
    await run('recordEvents', input, 'recordedCount', key);
    const redact = (what: object) =>
      actsOf(() => run('redactEvents', { workspace: slug, ...what }, 'redactedCount'));
    const redacted = await redact({ subject: 'jane-doe', eventIds: ['jane-1'] });
    expect(redacted).toMatchObject([
      {
        type: 'sluice.events.redacted',
        subject: slug,
        groupId: expect.any(String),
        payload: { by: 'subject', count: 2, firstPosition: 1, lastPosition: 2, positions: '1-2' },
      },
    ]);
    expect(JSON.stringify(redacted)).not.toContain('jane');
    expect(await redact({ subject: 'jane-doe' })).toEqual([]);
  });

  test('of quarantine, also by a key that only records', async () => {
    const { slug, key } = await gateway.workspace();
    const definition = { workspace: slug, name: 'q', validation: 'QUARANTINE' };
    const payloadSchema = { required: ['a'] };
    await run('defineEvent', { ...definition, payloadSchema }, 'definition { id }', key);
    const events = ['q-1', 'q-2'].map(id => ({ id, type: 'q' }));
    await run('recordEvents', { workspace: slug, events }, 'recordedCount', key);
    const { quarantinedEvents } = await gateway.data<{
      quarantinedEvents: { nodes: { id: string }[] };
    }>(`{ quarantinedEvents(workspace: "${slug}") { nodes { id } } }`);
    const [one, other] = quarantinedEvents.nodes.map(({ id }) => id);
    const fixed = { ids: [one], payload: { a: 1 } };
    const resubmitted = await actsOf(() =>
      run('resubmitQuarantinedEvents', fixed, '__typename', key),
    );
    expect(resubmitted).toMatchObject([
      {
        type: 'sluice.quarantine.resubmitted',
        payload: { workspace: slug, key: { name: 'test' }, count: 1 },
      },
    ]);
    const discarded = await actsOf(() =>
      run('discardQuarantinedEvents', { ids: [other] }, 'discardedCount'),
    );
    expect(discarded).toMatchObject([
      { type: 'sluice.quarantine.discarded', payload: { workspace: slug, count: 1 } },
    ]);
  });

  test('of consumers', async () => {
    const { slug } = await gateway.workspace();
    const own = { workspace: slug, consumer: 'c' };
    const change = async (field: string, input: object = {}, select = 'consumer { name }') =>
      (await actsOf(() => run(field, { ...own, ...input }, select)))[0];
    const [created] = await actsOf(() =>
      run(
        'createConsumer',
        { workspace: slug, name: 'c', filter: { subjects: ['jane-doe'] } },
        'consumer { name }',
      ),
    );
    expect(created).toMatchObject({
      type: 'sluice.consumer.created',
      subject: 'c',
      payload: { workspace: slug, kind: 'PULL', to: { name: 'c', filtered: true } },
    });
    expect(JSON.stringify(created)).not.toContain('jane');
    expect(await change('updateConsumer', { maxAttempts: 3 })).toMatchObject({
      payload: { to: { maxAttempts: 3 } },
    });
    expect(await change('pauseConsumer', { reason: 'why' })).toMatchObject({
      type: 'sluice.consumer.paused',
      payload: { from: { paused: false }, to: { paused: true }, reason: 'why' },
    });
    expect((await change('resumeConsumer'))?.type).toBe('sluice.consumer.resumed');
    expect(await change('seekConsumer', { to: { start: 'BEGINNING' } })).toMatchObject({
      type: 'sluice.consumer.moved',
      payload: { position: 0 },
    });
    expect(await change('redeliverParked', {}, 'redeliveredCount')).toMatchObject({
      type: 'sluice.consumer.redelivered',
      payload: { count: 0 },
    });
    expect(await change('discardParked', {}, 'discardedCount')).toMatchObject({
      type: 'sluice.consumer.discarded',
      payload: { count: 0 },
    });
    expect((await change('deleteConsumer', {}, '__typename'))?.type).toBe(
      'sluice.consumer.deleted',
    );
  });

  test('of webhooks: to where they send, and nothing that lets anybody send there', async () => {
    const { slug } = await gateway.workspace();
    const url = 'https://hooks.example.com/services/T0/hush?token=hush';
    const secret = `whsec_${Buffer.from('hush'.repeat(8)).toString('base64')}`;
    const headers = [{ name: 'x-token', value: 'hush', secret: true }];
    const input = { workspace: slug, name: 'w', url, secret, headers };
    const own = { workspace: slug, consumer: 'w' };
    const all = await actsOf(async () => {
      await run('createWebhook', input, 'secret');
      await run('updateWebhook', { ...own, timeout: 'PT9S', headers: [] }, 'consumer { name }');
      await run('rotateWebhookSecret', own, 'secret');
    });
    expect(all).toMatchObject([
      {
        type: 'sluice.webhook.created',
        subject: 'w',
        payload: { workspace: slug, to: { origin: 'https://hooks.example.com' } },
      },
      {
        type: 'sluice.webhook.updated',
        payload: { to: { timeoutMs: 9_000 }, headersChanged: true },
      },
      { type: 'sluice.webhook.secret-rotated', subject: 'w' },
    ]);
    expect(JSON.stringify(all)).not.toContain('hush');
    expect(JSON.stringify(all)).not.toContain('whsec');
  });

  test('of notifications: whom a rule tells and which browsers there are, but no address of them', async () => {
    const { slug } = await gateway.workspace();
    const url = 'https://hooks.example.com/services/T0/hush';
    const endpoint = 'https://push.example.com/hush';
    const p256dh =
      'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
    const keys = { p256dh, auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
    const rule = { workspace: slug, rule: 'r' };
    const key = await makeKey({ name: 'reader', workspace: slug, scopes: ['EVENTS_READ'] });
    const everything = await actsOf(async () => {
      const channels = [{ webhook: { url, format: 'SLACK' } }];
      const filter = { subjects: ['hush'] };
      const input = { workspace: slug, name: 'r', channels, filter };
      await run('createNotificationRule', input, 'rule { id }');
      await run('updateNotificationRule', { ...rule, enabled: false }, 'rule { id }');
      await run('deleteNotificationRule', rule, 'deletedName');
      const browser = { endpoint, keys };
      const save = () =>
        run('savePushSubscription', browser, 'subscription { endpoint }', key.secret);
      await save();
      // That it is the same one is no news.
      await save();
      await run('deletePushSubscription', { endpoint }, 'deleted', key.secret);
    });
    // The gateway itself makes the rule that the workspace begins with, meanwhile or later.
    const all = everything.filter(({ payload }) => payload.key !== null);
    expect(all.map(({ type }) => type).filter(type => !type.startsWith('sluice.key'))).toEqual([
      'sluice.notification-rule.created',
      'sluice.notification-rule.updated',
      'sluice.consumer.deleted',
      'sluice.push-subscription.saved',
      'sluice.push-subscription.deleted',
    ]);
    expect(all[0]).toMatchObject({
      subject: 'r',
      payload: { workspace: slug, to: { channels: ['WEBHOOK https://hooks.example.com'] } },
    });
    expect(all[1]?.payload).toMatchObject({ from: { enabled: true }, to: { enabled: false } });
    expect(all[3]).toMatchObject({
      subject: 'https://push.example.com',
      payload: { key: { name: 'reader' } },
    });
    expect(JSON.stringify(everything)).not.toContain('hush');
  });

  test('of meters: what they count by, and not whom they filter for', async () => {
    const { slug } = await gateway.workspace();
    const own = { workspace: slug, meter: 'm' };
    const input = { workspace: slug, name: 'm', filter: { actors: ['ada'] }, seriesMax: 9 };
    const all = await actsOf(async () => {
      await run('createMeter', { ...input, groupBy: [{ dimension: 'TYPE' }] }, 'meter { id }');
      await run('deleteMeter', own, 'deletedName');
    });
    // The rule that a new workspace begins with may come meanwhile.
    expect(all.filter(({ type }) => type.startsWith('sluice.meter.'))).toMatchObject([
      {
        type: 'sluice.meter.created',
        subject: 'm',
        payload: { workspace: slug, to: { filtered: true, groupBy: ['TYPE'], seriesMax: 9 } },
      },
      { type: 'sluice.meter.deleted', subject: 'm', payload: { workspace: slug } },
    ]);
    expect(JSON.stringify(all)).not.toContain('"ada"');
  });

  test('of what is done through a door', async () => {
    const post = (path: string, body: object, key: string) =>
      fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const [made] = await actsOf(() =>
      post('/api/event', { workspace: 'By a door', event: 'e' }, ADMIN_KEY),
    );
    expect(made).toMatchObject({
      type: 'sluice.workspace.created',
      actor: expect.stringContaining('SLUICE_ADMIN_KEY'),
      clientIp: '127.0.0.1',
      payload: { to: { name: 'By a door' } },
    });
    const { slug, key } = await gateway.workspace();
    const { secret } = await makeKey({ name: 'door', workspace: slug, scopes: ['ADMIN'] });
    const events = '/api/v3/events/events/';
    const created = await post(events, { action: 'secret_view', app: 'a' }, key);
    const { pk } = (await created.json()) as { pk: string };
    const redacted = await actsOf(() =>
      fetch(`${gateway.url}${events}${pk}/`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${secret}` },
      }),
    );
    expect(redacted).toMatchObject([
      {
        type: 'sluice.events.redacted',
        payload: { workspace: slug, key: { name: 'door' }, by: 'eventIds', count: 1 },
      },
    ]);
  });

  test('of commands that work on the database without a gateway', async () => {
    const environment = { DATABASE_URL: gateway.databaseUrl };
    const [rotated] = await actsOf(() => sluice(['rotate-evidence-key'], environment));
    expect(rotated).toMatchObject({
      type: 'sluice.evidence-key.rotated',
      subject: expect.stringMatching(/^sluice\+/),
      actor: 'sluice',
      payload: { workspace: null, key: null },
    });
    const [kept] = await actsOf(() => sluice(['epoch', '--keep'], environment));
    expect(kept).toMatchObject({ type: 'sluice.epoch.renewed', actor: 'sluice' });
    await using other = await startTestGateway();
    const [renewed] = await actsOf(
      () => sluice(['epoch'], { DATABASE_URL: other.databaseUrl }),
      other,
    );
    const { from, to } = renewed!.payload as unknown as Record<'from' | 'to', { epoch: string }>;
    expect(to.epoch).toBe(renewed!.subject);
    expect(from.epoch).not.toBe(to.epoch);
  });

  test('has each type of the table', async () => {
    await acts();
    expect([...seen].toSorted()).toEqual(Object.keys(AUDIT_TYPES).toSorted());
  });
});

describe('a mutation', () => {
  test('that fails leaves no event', async () => {
    const { slug, key } = await gateway.workspace();
    const events = await actsOf(async () => {
      const failing = [
        `createWorkspace(input: { slug: "${slug}" }) { workspace { id } }`,
        `updateWorkspace(input: { slug: "${slug}", newSlug: "default" }) { workspace { id } }`,
        `deleteEventDefinition(input: { workspace: "${slug}", name: "none" }) { deletedName }`,
        `pauseConsumer(input: { workspace: "${slug}", consumer: "none" }) { consumer { name } }`,
      ];
      for (const field of failing) {
        expect(codeOf(await gateway.graphql(`mutation { ${field} }`)), field).toBeDefined();
      }
      const byOther = `mutation { createWorkspace(input: { slug: "x" }) { workspace { id } } }`;
      expect(codeOf(await gateway.graphql(byOther, {}, key))).toBe('FORBIDDEN');
    });
    expect(events).toEqual([]);
  });

  test('whose event cannot be written fails, and does nothing', async () => {
    await using other = await startTestGateway();
    const { slug } = await other.workspace();
    await other.db.write.query(
      'create function refuse() returns trigger language plpgsql as $$ begin raise exception $m$no$m$; end $$',
    );
    await other.db.write.query(
      `create trigger refuse before insert on events for each row
       when (new.workspace_id = ${AUDIT_WORKSPACE_ID}) execute function refuse()`,
    );
    const mutation = `mutation { createWorkspace(input: { slug: "none" }) { workspace { id } } }`;
    expect(codeOf(await other.graphql(mutation))).toBeDefined();
    const gone = `mutation { deleteWorkspace(input: { slug: "${slug}", confirmSlug: "${slug}" }) { deletedSlug } }`;
    expect(codeOf(await other.graphql(gone))).toBeDefined();
    const { workspaces } = await other.data<{ workspaces: { nodes: { slug: string }[] } }>(
      '{ workspaces { nodes { slug } } }',
    );
    expect(workspaces.nodes).toEqual([{ slug: 'default' }, { slug }]);
  });

  test('of a process that dies before its commit leaves neither', async () => {
    const events = await actsOf(async () => {
      const mutation = `mutation { createWorkspace(input: { slug: "dying" }) { workspace { id } } }`;
      await transaction(gateway.db.upkeep, async connection => {
        await lockWorkspace(connection, AUDIT_WORKSPACE_ID);
        const answer = gateway.graphql(mutation);
        // It has made the workspace, and waits for its turn in the audit.
        await waitingForAudit();
        await connection.query(
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
           and not granted and objid = ${AUDIT_WORKSPACE_ID}`,
        );
        expect(codeOf(await answer)).toBe('SERVICE_UNAVAILABLE');
      });
    });
    expect(events).toEqual([]);
    const found = await gateway.data('{ workspace(slug: "dying") { id } }');
    expect(found).toEqual({ workspace: null });
  });
});

test('a key that ends while its act waits for its turn does nothing', async () => {
  const { secret } = await makeKey({ name: 'ending', scopes: ['ADMIN'] });
  const events = await actsOf(async () => {
    const mutation = `mutation { createWorkspace(input: { slug: "late" }) { workspace { id } } }`;
    let answer: ReturnType<typeof gateway.graphql> | undefined;
    await transaction(gateway.db.upkeep, async connection => {
      await lockWorkspace(connection, AUDIT_WORKSPACE_ID);
      answer = gateway.graphql(mutation, {}, secret);
      await waitingForAudit();
      await gateway.db.write.query(`update api_keys set revoked_at = now() where name = 'ending'`);
    });
    expect(codeOf(await answer!)).toBe('UNAUTHENTICATED');
  });
  expect(events).toEqual([]);
  expect(await gateway.data('{ workspace(slug: "late") { id } }')).toEqual({ workspace: null });
});

async function waitingForAudit(): Promise<void> {
  for (;;) {
    const rows = await gateway.db.write.query(
      `select from pg_locks where locktype = 'advisory' and not granted
       and objid = ${AUDIT_WORKSPACE_ID}`,
    );
    if (rows.length > 0) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe('two gateways', () => {
  test('give dense positions, beside flushes of all workspaces, and streams see each act', async () => {
    await using second = await startTestGateway({ databaseUrl: gateway.databaseUrl });
    const { slug, key } = await gateway.workspace();
    const before = await acts();
    const stream = await openStream(second);
    const both = [gateway, second];
    const turns = Array.from({ length: 40 }, (_, at) => at);
    const worker = async () => {
      for (let at = turns.pop(); at !== undefined; at = turns.pop()) {
        const on = both[at % 2]!;
        const name = `d-${at % 5}`;
        await on.data(
          `mutation { defineEvent(input: { workspace: "${slug}", name: "${name}", title: "${at}" }) { definition { id } }
             createApiKey(input: { name: "k", workspace: "${slug}", scopes: [EVENTS_READ] }) { secret } }`,
        );
        await recordSoon(on, name, key);
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    const after = (await acts()).slice(before.length);
    expect(after).toHaveLength(80);
    expect(after.map(({ position }) => position)).toEqual(
      after.map((_, at) => before.length + 1 + at),
    );
    await stream.until(after.at(-1)!.position);
  });
});

/** A busy machine may refuse it for a moment: nothing is stored then. */
async function recordSoon(on: TestGateway, type: string, key: string): Promise<void> {
  const event = `{ id: "${randomUUID()}", type: "${type}" }`;
  const document = `mutation { recordEvent(input: { event: ${event} }) { receipt { status } } }`;
  await expect
    .poll(async () => codeOf(await on.graphql(document, {}, key)), { timeout: 30_000 })
    .toBeUndefined();
}

/** A stream of the audit, over server-sent events. */
async function openStream(on: TestGateway) {
  const response = await fetch(`${on.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${ADMIN_KEY}`,
    },
    body: JSON.stringify({
      query: 'subscription { events(workspace: "sluice") { kind position } }',
    }),
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async until(position: number) {
      let text = '';
      while (!text.includes(`"position":${position}`)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended: ${text}`);
        text += value;
      }
      await reader.cancel();
    },
  };
}

describe('the workspace of the audit', () => {
  const read = '{ it: events(workspace: "sluice") { totalCount } }';

  test('is there only for a key with ADMIN for all workspaces', async () => {
    const { slug } = await gateway.workspace();
    const keys = await Promise.all([
      makeKey({ name: 'all', scopes: ['EVENTS_READ', 'EVENTS_WRITE', 'EVENTS_CONSUME'] }),
      makeKey({ name: 'one', workspace: slug, scopes: ['ADMIN'] }),
    ]);
    const { events, workspace } = await gateway.data<{
      events: { nodes: { id: string; workspace: { id: string } }[] };
      workspace: { id: string };
    }>(
      '{ workspace(slug: "sluice") { id } events(workspace: "sluice", first: 1) { nodes { id workspace { id } } } }',
    );
    for (const { secret } of keys) {
      expect(codeOf(await gateway.graphql(read, {}, secret))).toBe('NOT_FOUND');
      const found = await gateway.graphql(
        `query($a: ID!, $b: ID!) {
          byId: node(id: $a) { id } event: node(id: $b) { id } bySlug: workspace(slug: "sluice") { id }
          event2: event(workspace: "sluice", eventId: "x") { id } }`,
        { a: workspace.id, b: events.nodes[0]!.id },
        secret,
      );
      expect(found.data).toEqual({ byId: null, event: null, bySlug: null, event2: null });
      const checkpoint = await fetch(`${gateway.url}/evidence/sluice/checkpoint`, {
        headers: { authorization: `Bearer ${secret}` },
      });
      expect(checkpoint.status).toBe(404);
    }
    expect(workspace.id).toBe(events.nodes[0]!.workspace.id);
  });

  test('is no one of several, and in no list', async () => {
    await using single = await startTestGateway();
    const sent = await single.data(
      'mutation { recordEvent(input: { event: { type: "a" } }) { receipt { status } } }',
    );
    expect(sent).toEqual({ recordEvent: { receipt: { status: 'RECORDED' } } });
    const listed = await single.data('{ workspaces { nodes { slug } } }');
    expect(listed).toEqual({ workspaces: { nodes: [{ slug: 'default' }] } });
  });

  test('is written to, redacted, renamed, deleted and given keys by nobody', async () => {
    const refused = [
      ['recordEvent(input: { workspace: "sluice", event: { type: "a" } }) { receipt { status } }'],
      ['defineEvent(input: { workspace: "sluice", name: "a" }) { definition { id } }'],
      ['deleteEventDefinition(input: { workspace: "sluice", name: "a" }) { deletedName }'],
      ['redactEvents(input: { workspace: "sluice", subject: "a" }) { redactedCount }'],
      ['updateWorkspace(input: { slug: "sluice", newSlug: "other" }) { workspace { id } }'],
      ['updateWorkspace(input: { slug: "sluice", evidence: false }) { workspace { id } }'],
      ['deleteWorkspace(input: { slug: "sluice", confirmSlug: "sluice" }) { deletedSlug }'],
      ['createWorkspace(input: { slug: "Sluice" }) { workspace { id } }', 'CONFLICT'],
      [
        'createApiKey(input: { name: "a", workspace: "sluice", scopes: [ADMIN] }) { secret }',
        'BAD_USER_INPUT',
      ],
    ] as const;
    const events = await actsOf(async () => {
      for (const [field, code = 'FORBIDDEN'] of refused) {
        expect(codeOf(await gateway.graphql(`mutation { ${field} }`)), field).toBe(code);
      }
      const sent = await fetch(`${gateway.url}/cloudevents?workspace=sluice`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${ADMIN_KEY}`,
          'content-type': 'application/cloudevents+json',
        },
        body: JSON.stringify({ specversion: '1.0', id: 'c1', source: '/x', type: 'a' }),
      });
      expect(sent.status).toBe(403);
    });
    expect(events).toEqual([]);
  });

  test('keeps evidence, and may be kept for a time', async () => {
    const [act] = await actsOf(() =>
      run('updateWorkspace', { slug: AUDIT_SLUG, retentionDays: 400 }, 'workspace { id }'),
    );
    expect(act?.payload).toMatchObject({ workspace: 'sluice', to: { retentionDays: 400 } });
    const size = async () => {
      const { workspace } = await gateway.data<{
        workspace: { evidence: boolean; checkpoint: { size: number } | null };
      }>('{ workspace(slug: "sluice") { evidence checkpoint { size } } }');
      expect(workspace.evidence).toBe(true);
      return workspace.checkpoint?.size ?? 0;
    };
    await expect.poll(size, { timeout: 20_000 }).toBeGreaterThanOrEqual(act!.position);
  });

  test('takes another slug where a workspace has its own already, and says so', async () => {
    await using older = await startRecordingDatabase();
    const own = await older.workspace({ slug: 'sluice' });
    await older.record({ workspace: own, door: 'GRAPHQL', events: [anEvent()], atomic: false });
    await using second = await startTestGateway({ databaseUrl: older.database.url });
    expect(second.gateway.notes.join(' ')).toContain('in the workspace sluice-audit');
    const found = await second.data(
      '{ own: events(workspace: "sluice") { totalCount } audit: workspace(slug: "sluice-audit") { evidence } }',
    );
    expect(found).toEqual({ own: { totalCount: 1 }, audit: { evidence: true } });
  });
});
