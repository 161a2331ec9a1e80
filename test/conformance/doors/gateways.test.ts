/** Several gateways on one database, behind a balancer: a client may come to any of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { bearer, call } from './call.ts';

let one: TestGateway;
let other: TestGateway;
beforeAll(async () => {
  one = await startTestGateway();
  other = await startTestGateway({ databaseUrl: one.databaseUrl });
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
});

test('GEN-AUTH-10 a token of one gateway is taken by another', async () => {
  const made = await one.data<{ createApiKey: { secret: string; apiKey: { prefix: string } } }>(
    `mutation { createApiKey(input: { name: "balanced", scopes: [EVENTS_READ] }) {
      secret apiKey { prefix } } }`,
  );
  const { secret, apiKey } = made.createApiKey;
  const pair = Buffer.from(`${apiKey.prefix}:${secret}`).toString('base64');
  const granted = await call(`${one.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${pair}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = granted.json() as { access_token: string };
  const path = '/api/v2/usage/events/definitions';
  expect((await call(other.url + path, { headers: bearer(token) })).status).toBe(200);
  const forged = bearer(`${token.slice(0, -4)}AAAA`);
  expect((await call(other.url + path, { headers: forged })).status).toBe(401);
});

test('LS-ORDER-06 what a controller tells one gateway counts at another, and a 304 holds there', async () => {
  const headers = { 'logspace.space-token': ADMIN_KEY };
  const put = (gateway: TestGateway, agents: readonly string[]) =>
    call(`${gateway.url}/capabilities/balanced`, {
      ...{ method: 'PUT', headers },
      body: JSON.stringify({
        ...{ id: 'balanced', system: 'host' },
        'agent-capabilities': agents.map(id => ({ id, 'trigger-types': ['Scheduler'] })),
      }),
    });
  const order = (gateway: TestGateway, since = '') =>
    call(`${gateway.url}/orders/balanced`, { headers: { ...headers, 'if-modified-since': since } });
  expect((await put(one, ['a'])).status).toBe(202);
  const first = await order(other);
  expect(first.json()).toMatchObject({ 'agent-orders': [{ id: 'a' }] });
  const seen = first.headers.get('last-modified') as string;
  await put(other, ['a']);
  expect((await order(one, seen)).status).toBe(304);
  await put(other, ['a', 'b']);
  const changed = await order(one, seen);
  expect(changed.json()).toMatchObject({ 'agent-orders': [{ id: 'a' }, { id: 'b' }] });
  const later = Date.parse(changed.headers.get('last-modified') as string);
  expect(later).toBeGreaterThan(Date.parse(seen));
  const known = await call(`${one.url}/suggestion`, { headers });
  expect(known.text).toContain('default|host|b');
});

test('AK-EXPORT-4 an export made at one gateway is found and downloaded at another', async () => {
  const path = '/api/v3/events/events/export/';
  const made = await call(one.url + path, { method: 'POST', headers: bearer(ADMIN_KEY) });
  const location = made.headers.get('location') as string;
  const found = await call(other.url + location, { headers: bearer(ADMIN_KEY) });
  const { file_url: file } = found.json() as { file_url: string };
  expect(new URL(file).origin).toBe(other.url);
  expect((await call(file, { headers: bearer(ADMIN_KEY) })).status).toBe(200);
});
