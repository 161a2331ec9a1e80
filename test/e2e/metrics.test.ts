import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { METRICS } from '../../src/observability/metric-names.ts';
import { ADMIN_KEY, startTestGateway } from '../kit/gateway.ts';

test('metrics count receipts by status, and are read with an admin key alone', async () => {
  await using gateway = await startTestGateway();
  const { key } = await gateway.workspace();
  const read = (secret: string) =>
    fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } });
  await gateway.data(
    `mutation { recordEvents(input: { events: [{ id: "1", type: "a" }, { id: "1", type: "a" }, { type: " " }] }) {
      recordedCount
    } }`,
    {},
    key,
  );
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(401);
  expect((await read(key)).status).toBe(403);
  const text = await (await read(ADMIN_KEY)).text();
  for (const status of ['RECORDED', 'DUPLICATE', 'REJECTED']) {
    expect(text).toContain(`sluice_receipts_total{status="${status}",door="GRAPHQL"} 1`);
  }
  // Until the answer has left, a request is not counted.
  const requests = 'sluice_http_requests_total';
  const later = expect.poll(async () => (await read(ADMIN_KEY)).text());
  await later.toMatch(new RegExp(`${requests}\\{route="graphql",status="2xx"\\} [1-9]`));
  await later.toMatch(new RegExp(`${requests}\\{route="metrics",status="4xx"\\} 2`));
  expect(text).toMatch(/sluice_database_connections\{lane="write"\} [1-9]/);
  expect(text).toMatch(/sluice_statement_seconds_count\{lane="read"\} [1-9]/);
  for (const name of Object.keys(METRICS)) expect(text).toContain(`# HELP ${name} `);
});

test('a key with the scope METRICS reads the metrics, of all workspaces, and nothing else', async () => {
  await using gateway = await startTestGateway();
  const { slug } = await gateway.workspace();
  const make = (workspace: string | null, scopes: string[]) =>
    gateway.graphql<{ createApiKey: { secret: string } }>(
      `mutation($workspace: String, $scopes: [Scope!]!) {
        createApiKey(input: { name: "m", workspace: $workspace, scopes: $scopes }) { secret } }`,
      { workspace, scopes },
    );
  const read = async (secret: string) => {
    const headers = { authorization: `Bearer ${secret}` };
    const response = await fetch(`${gateway.url}/metrics`, { headers });
    return { status: response.status, text: await response.text() };
  };
  const made = (await make(null, ['METRICS'])).data!.createApiKey.secret;
  const { status, text } = await read(made);
  expect(status).toBe(200);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(text).toContain(`sluice_build_info{version="${version}"} 1\n`);
  for (const query of ['{ workspaces { nodes { id } } }', '{ status { version } }']) {
    const { errors } = await gateway.graphql(query, {}, made);
    expect(errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
  }
  const ofOne = await make(slug, ['METRICS']);
  expect(ofOne.errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  expect(ofOne.errors?.[0]?.message).toMatch(/^METRICS is only for keys of all workspaces/);
  const adminOfOne = (await make(slug, ['ADMIN'])).data!.createApiKey.secret;
  expect((await read(adminOfOne)).status).toBe(403);
  const reader = (await make(null, ['EVENTS_READ'])).data!.createApiKey.secret;
  expect((await read(reader)).status).toBe(403);
});

test('what a door keeps aside counts as QUARANTINED', async () => {
  await using gateway = await startTestGateway();
  const { key } = await gateway.workspace();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const stored = await fetch(`${gateway.url}/events`, {
    ...{ method: 'PUT', headers: { ...headers, 'logspace.space-token': key } },
    body: JSON.stringify([
      7,
      { id: '1', system: 's', 'agent-id': 'a', timestamp: '2026-01-01T00:00:00Z' },
      { id: '2' },
    ]),
  });
  expect(stored.status).toBe(202);
  for (const data of [1, 2]) {
    const sent = await fetch(`${gateway.url}/cloudevents`, {
      ...{
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/cloudevents+json' },
      },
      body: JSON.stringify({ specversion: '1.0', id: '1', source: '/a', type: 'a', data }),
    });
    expect(sent.status).toBe(204);
  }
  const admin = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
  const text = await (await fetch(`${gateway.url}/metrics`, admin)).text();
  for (const line of [
    'status="RECORDED",door="LOGSPACE"} 1',
    'status="QUARANTINED",door="LOGSPACE"} 2',
    'status="RECORDED",door="CLOUDEVENTS"} 1',
    'status="QUARANTINED",door="CLOUDEVENTS"} 1',
  ]) {
    expect(text).toContain(`sluice_receipts_total{${line}\n`);
  }
});
