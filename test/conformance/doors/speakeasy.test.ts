/** Rows of doors.md 1, driven by the published SDK where it can be made to send them. */
import { Speakeasy } from '@speakeasy-api/speakeasy-client-sdk-typescript';
import type { CliEvent } from '@speakeasy-api/speakeasy-client-sdk-typescript/sdk/models/shared/clievent.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INTERACTION_TYPES, OPTIONAL_FIELDS } from '../../../src/doors/speakeasy/wire.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { BODY_BYTES_MAX, call, quarantined, TOO_LARGE } from './call.ts';

let gateway: TestGateway;
let workspace: { slug: string; key: string };
let sdk: Speakeasy;
let url: string;

beforeAll(async () => {
  gateway = await startTestGateway({ config: { bodyBytesMax: BODY_BYTES_MAX } });
  workspace = await gateway.workspace();
  sdk = sdkWith({ apiKey: workspace.key });
  url = `${gateway.url}/v1/workspace/${workspace.slug}/events`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

function sdkWith(security: { apiKey?: string; bearer?: string }, workspaceId = workspace.slug) {
  return new Speakeasy({ serverURL: gateway.url, workspaceId, security });
}

const headers = () => ({ 'x-api-key': workspace.key, 'content-type': 'application/json' });
let made = 0;

function event(given: Partial<CliEvent> = {}): CliEvent {
  made += 1;
  const at = new Date(Date.UTC(2026, 0, 2, 3, 4, made));
  return {
    ...{ id: `event-${made}`, executionId: `run-${made}`, interactionType: 'CLI_EXEC' },
    ...{ createdAt: at, localStartedAt: at, speakeasyApiKeyName: 'ci', success: true },
    ...{ speakeasyVersion: '1.445.1', workspaceId: workspace.slug },
    ...given,
  };
}

/** As a client writes it, for raw calls. */
function wire(given: Record<string, unknown> = {}) {
  made += 1;
  return {
    ...{ id: `event-${made}`, execution_id: 'raw', interaction_type: 'CLI_EXEC' },
    ...{ created_at: '2026-01-02T03:04:05Z', local_started_at: '2026-01-02T03:04:04.5+01:00' },
    ...{ speakeasy_api_key_name: 'ci', speakeasy_version: '1', success: false },
    ...{ workspace_id: 'another', ...given },
  };
}

function post(body: unknown, init: RequestInit = {}) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  return call(url, { method: 'POST', headers: headers(), body: sent, ...init });
}

describe('SPK-W writing', () => {
  test('SPK-W-1 MUST take events by the published client and give each field back', async () => {
    const sent = event({
      ...{ commitHead: 'abc', durationMs: 12, generatePublished: true, hostname: 'box' },
      ...{ generateBumpType: 'graduate', openapiDiffBumpType: 'none', gitUserName: 'Ada' },
      ...{ generateGenLockId: 'lock-1', generateTarget: 'go', mermaidDiagram: 'graph TD' },
      localCompletedAt: new Date('2026-01-02T03:04:06.789Z'),
    });
    await sdk.events.post({ requestBody: [sent] });
    expect(await sdk.events.search({ executionId: sent.executionId! })).toEqual([sent]);
  });

  test('SPK-W-2 MUST answer 200, since SDK 3.0.0 tells success by it', async () => {
    expect(await post([wire()])).toMatchObject({ status: 200, text: '' });
  });

  test('SPK-W-3 MUST take an empty list', async () => {
    expect((await post([])).status).toBe(200);
  });

  test('SPK-W-4 MUST store an event once, however often the client retries', async () => {
    const sent = [event({ executionId: 'retried' })];
    await Promise.all([1, 2, 3].map(() => sdk.events.post({ requestBody: sent })));
    expect(await sdk.events.search({ executionId: 'retried' })).toEqual(sent);
  });

  test('SPK-W-5 MUST answer a known id with other content as a success, record the rest, and keep it aside', async () => {
    const [known, other] = [event({ executionId: 'c' }), event({ executionId: 'c' })];
    await sdk.events.post({ requestBody: [known] });
    const before = await quarantined(gateway, workspace.slug);
    for (const _again of [1, 2]) {
      await sdk.events.post({ requestBody: [{ ...known, success: false }, other] });
    }
    const found = await sdk.events.search({ executionId: 'c' });
    expect(found).toEqual([other, known]);
    expect(await quarantined(gateway, workspace.slug)).toBe(before + 1);
  });

  test('SPK-W-6 MUST keep what a client of tomorrow sends, and what the path overrides', async () => {
    const sent = wire({ execution_id: 'tomorrow', new_field: { a: [1] }, hostname: null });
    await post([sent]);
    const { hostname: _absent, ...expected } = sent as Record<string, unknown>;
    const answer = await call(`${url}?execution_id=tomorrow`, { headers: headers() });
    expect(answer.json()).toEqual([expected]);
  });

  test('SPK-W-7 MUST store nothing of a request with an invalid event', async () => {
    const [valid, invalid] = [wire({ execution_id: 'none' }), wire({ success: 'yes' })];
    expect(await post([valid, invalid])).toMatchObject({ status: 400 });
    const tooLong = wire({ id: 'i'.repeat(300) });
    const answer = await post([valid, tooLong]);
    expect(answer.json()).toEqual({ message: expect.any(String) as string, status_code: 400 });
    expect(await sdk.events.search({ executionId: 'none' })).toEqual([]);
  });

  test('SPK-W-8 MUST decode the workspace of the path', async () => {
    const encoded = url.replace(workspace.slug, workspace.slug.replace('w', '%77'));
    const init = { method: 'POST', headers: headers(), body: '[]' };
    expect((await call(encoded, init)).status).toBe(200);
    expect((await call(url.replace(workspace.slug, '%ff'), init)).status).toBe(400);
  });
});

describe('SPK-F fields', () => {
  test('SPK-F-1 MUST keep every field of the vendor’s event, and give it in the form its client checks', async () => {
    const optional = Object.keys(OPTIONAL_FIELDS).filter(name => !name.endsWith('bump_type'));
    const whole = wire({
      ...Object.fromEntries(optional.map(name => [name, sampleOf(name)])),
      ...{ generate_bump_type: 'prerelease', openapi_diff_bump_type: 'patch' },
      ...{ execution_id: 'whole', interaction_type: 'TARGET_GENERATE' },
    });
    expect(Object.keys(whole)).toHaveLength(82);
    expect((await post([whole])).status).toBe(200);
    const answer = await call(`${url}?execution_id=whole`, { headers: headers() });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.json()).toEqual([whole]);
    const [checked] = await sdk.events.search({ executionId: 'whole' });
    expect(Object.keys(checked!)).toHaveLength(82);
  });

  test('SPK-F-2 MUST take every interaction type and every bump', async () => {
    const events = [
      ...INTERACTION_TYPES.map(type => wire({ interaction_type: type })),
      ...BUMPS.map(bump => wire({ generate_bump_type: bump })),
      ...['major', 'minor', 'patch', 'none'].map(bump => wire({ openapi_diff_bump_type: bump })),
    ].map(event => ({ ...event, execution_id: 'enums' }));
    expect((await post(events)).status).toBe(200);
    const found = await sdk.events.search({ executionId: 'enums' });
    expect(found).toHaveLength(events.length);
  });

  test('SPK-F-3 MUST take dates with an offset or finer than milliseconds, and give them as they came', async () => {
    const dates = ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05+05:30'];
    const events = dates.map(date =>
      wire({ execution_id: 'dates', created_at: date, local_completed_at: date }),
    );
    expect((await post(events)).status).toBe(200);
    const answer = await call(`${url}?execution_id=dates`, { headers: headers() });
    expect(answer.json()).toEqual(events);
  });
});

/** A value of the kind that a field of this name has. */
function sampleOf(name: string): unknown {
  const samples = ['2026-01-02T03:04:06Z', true, 7, 'text'];
  return samples.find(sample => OPTIONAL_FIELDS[name]!.safeParse(sample).success);
}

const BUMPS = ['major', 'minor', 'patch', 'custom', 'graduate', 'prerelease', 'none'];

describe('SPK-R reading', () => {
  test('SPK-R-1 MUST find by every filter, all of them together, newest first, up to the limit', async () => {
    const sent = [false, true, true].map(success =>
      event({
        ...{ success, interactionType: 'LINT', generateGenLockId: 'lock-r' },
        ...{ lintReportDigest: 'd1', openapiDiffReportDigest: 'd2', sourceRevisionDigest: 'd3' },
      }),
    );
    await sdk.events.post({ requestBody: [...sent, event({ interactionType: 'LINT' })] });
    const filter = {
      ...({
        generateGenLockId: 'lock-r',
        interactionType: 'LINT',
        lintReportDigest: 'd1',
      } as const),
      ...{ openapiDiffReportDigest: 'd2', sourceRevisionDigest: 'd3', success: true },
    };
    expect(await sdk.events.search(filter)).toEqual([sent[2], sent[1]]);
    expect(await sdk.events.search({ ...filter, limit: 1 })).toEqual([sent[2]]);
    expect(await sdk.events.search({ ...filter, lintReportDigest: 'd2' })).toEqual([]);
  });

  test('SPK-R-2 MUST give the events of a target that are strictly later', async () => {
    const sent = [1, 2, 3].map(() => event({ generateGenLockId: 'lock/ü' }));
    await sdk.events.post({ requestBody: sent });
    const target = { targetId: 'lock/ü' };
    expect(await sdk.events.getEventsByTarget(target)).toEqual(sent.toReversed());
    const afterCreatedAt = sent[1]!.createdAt;
    expect(await sdk.events.getEventsByTarget({ ...target, afterCreatedAt })).toEqual([sent[2]]);
  });

  test('SPK-R-3 MUST give targets in both forms, from the latest event of each', async () => {
    const lock = { generateGenLockId: 'lock-t' };
    const first = event({ ...lock, generateTarget: 'go', generatePublished: true });
    const published = { ...first, ghActionRunLink: 'https://run/1' };
    const last = event({ ...lock, interactionType: 'RUN', success: false, hostname: 'box' });
    await sdk.events.post({ requestBody: [published, last] });
    const expected = {
      ...{ id: 'lock-t', generateGenLockId: 'lock-t', generateTarget: 'go', hostname: 'box' },
      ...{ lastEventId: last.id, lastEventCreatedAt: last.createdAt, success: false },
      ...{ lastEventInteractionType: 'RUN', lastPublishCreatedAt: first.createdAt },
      lastPublishGhActionRunLink: 'https://run/1',
    };
    const after = new Date(last.createdAt.getTime() - 1);
    const query = { afterLastEventCreatedAt: after };
    expect(await sdk.events.getTargets(query)).toEqual([expected]);
    expect(await sdk.events.getTargetsDeprecated(query)).toEqual([expected]);
    expect(await sdk.events.getTargets({ afterLastEventCreatedAt: last.createdAt })).toEqual([]);
    expect((await sdk.events.getTargets({})).length).toBeGreaterThan(1);
  });

  test('SPK-R-4 MUST give events of other doors in a form that the client takes', async () => {
    await gateway.data(
      `mutation($slug: String!) { recordEvents(input: { workspace: $slug, events: [
        { id: "g1", type: "TEST", groupId: "graphql", payload: { speakeasy_version: "2", duration_ms: "x" } }
      ] }) { recordedCount } }`,
      { slug: workspace.slug },
    );
    const found = await sdk.events.search({ executionId: 'graphql' });
    expect(found).toMatchObject([{ id: 'g1', interactionType: 'TEST', speakeasyVersion: '2' }]);
  });

  test('SPK-R-5 MUST refuse parameters that it can not read', async () => {
    expect((await call(`${url}?limit=100000`, { headers: headers() })).status).toBe(200);
    for (const query of ['limit=0', 'limit=x', 'success=1', 'interaction_type=NONE']) {
      expect((await call(`${url}?${query}`, { headers: headers() })).status).toBe(400);
    }
    const after = await call(`${url}/targets?after_last_event_created_at=x`, {
      headers: headers(),
    });
    expect(after.status).toBe(400);
  });
});

describe('SPK-P paths', () => {
  test('SPK-P-1 MUST read "events" as a literal before it is a workspace, and as a workspace elsewhere', async () => {
    await gateway.data(
      `mutation { createWorkspace(input: { slug: "events", name: "Events" }) { workspace { id } } }`,
    );
    const admin = { headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/json' } };
    const events = `${gateway.url}/v1/workspace/events`;
    const lock = { execution_id: 'literal', generate_gen_lock_id: 'l', generate_target: 'go' };
    const body = JSON.stringify([wire(lock)]);
    expect((await call(`${events}/events`, { method: 'POST', body, ...admin })).status).toBe(200);
    expect((await call(`${events}/events`, admin)).json()).toHaveLength(1);
    expect((await call(`${events}/events/targets`, admin)).json()).toHaveLength(1);
    // Of the credential's workspace, which it would have to name.
    const unnamed = await call(`${events}/targets`, admin);
    expect([unnamed.status, unnamed.text]).toEqual([
      400,
      expect.stringContaining('Name one of them: default, events'),
    ]);
  });

  test('SPK-P-2 MUST split the path before it decodes it', async () => {
    const slash = await call(`${gateway.url}/v1/workspace/a%2Fb/events`, { headers: headers() });
    expect(slash).toMatchObject({ status: 404 });
    expect(slash.text).toContain('workspace');
  });

  test('SPK-P-3 MUST tell ids apart by workspace', async () => {
    const other = await gateway.workspace();
    const sent = event({ executionId: 'twice' });
    await sdk.events.post({ requestBody: [sent] });
    const theirs = new Speakeasy({
      ...{ serverURL: gateway.url, workspaceId: other.slug, security: { apiKey: other.key } },
    });
    await theirs.events.post({ requestBody: [{ ...sent, success: false }] });
    expect(await sdk.events.search({ executionId: 'twice' })).toMatchObject([{ success: true }]);
    expect(await theirs.events.search({ executionId: 'twice' })).toMatchObject([
      { success: false },
    ]);
  });
});

describe('SPK-E refusing, always as {message, status_code}', () => {
  const refused = (status: number) => ({
    message: expect.any(String) as string,
    status_code: status,
  });

  test.each<[string, number, () => Promise<{ status: number; json(): unknown }>]>([
    ['SPK-E-1 no key', 401, () => post([], { headers: { 'content-type': 'application/json' } })],
    ['SPK-E-2 a wrong key', 401, () => post([], { headers: { ...headers(), 'x-api-key': 'no' } })],
    [
      ...(['SPK-E-3 a workspace identifier alone', 401] as const),
      () => post([], { headers: { 'x-workspace-identifier': workspace.slug } }),
    ],
    [
      ...(['SPK-E-4 a workspace of somebody else', 404] as const),
      () => call(`${gateway.url}/v1/workspace/default/events`, { headers: headers() }),
    ],
    ['SPK-E-5 no such path', 404, () => call(`${gateway.url}/v1/workspace/x`)],
    ['SPK-E-6 another method', 405, () => call(url, { method: 'PUT', headers: headers() })],
    ['SPK-E-7 a body over the limit', 413, () => post(TOO_LARGE)],
    [
      'SPK-E-8 another media type',
      415,
      () => post('[]', { headers: { ...headers(), 'content-type': 'text/plain' } }),
    ],
    [
      ...(['SPK-E-9 an unknown encoding', 415] as const),
      () => post('[]', { headers: { ...headers(), 'content-encoding': 'br' } }),
    ],
    ['SPK-E-10 what is not JSON', 400, () => post('[')],
    ['SPK-E-11 what is not a list', 400, () => post({})],
    [
      'SPK-E-12 a date without a zone',
      400,
      () => post([wire({ created_at: '2026-01-02T03:04:05' })]),
    ],
    ['SPK-E-13 an unknown interaction type', 400, () => post([wire({ interaction_type: 'X' })])],
  ])('%s', async (_row, status, answer) => {
    const answered = await answer();
    expect({ status: answered.status, body: answered.json() }).toEqual({
      status,
      body: refused(status),
    });
  });

  test('SPK-E-17 a refusal for want of a key names the header of the vendor’s clients', async () => {
    expect((await call(url)).text).toContain('x-api-key');
  });

  test('SPK-E-14 a key without the scope gets 403', async () => {
    const { createApiKey } = await gateway.data<{ createApiKey: { secret: string } }>(
      `mutation($slug: String!) { createApiKey(input: { name: "r", workspace: $slug, scopes: [EVENTS_READ] }) { secret } }`,
      { slug: workspace.slug },
    );
    const reader = sdkWith({ apiKey: createApiKey.secret });
    expect(await reader.events.search({ limit: 1 })).toHaveLength(1);
    await expect(reader.events.post({ requestBody: [event()] })).rejects.toMatchObject({
      statusCode: 403,
    });
  });

  test('SPK-E-15 a bearer token is as good as an API key', async () => {
    expect(await sdkWith({ bearer: workspace.key }).events.search({ limit: 1 })).toHaveLength(1);
  });

  test('SPK-E-16 405 and OPTIONS tell the methods, HEAD has no body', async () => {
    const allow = 'POST, GET, HEAD, OPTIONS';
    expect((await call(url, { method: 'DELETE' })).headers.get('allow')).toBe(allow);
    const options = await call(url, { method: 'OPTIONS' });
    expect({ status: options.status, allow: options.headers.get('allow') }).toEqual({
      status: 204,
      allow,
    });
    const head = await call(url, { method: 'HEAD', headers: headers() });
    expect(head).toMatchObject({ status: 200, text: '' });
  });
});
