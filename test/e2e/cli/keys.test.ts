import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isInTheClear } from '../../../src/cli/gateway-connection.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { sluice } from './run.ts';

let gateway: TestGateway;
let folder: string;
let keyFile: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-keys-'));
  keyFile = join(folder, 'key');
  writeFileSync(keyFile, `${ADMIN_KEY}\n`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await gateway[Symbol.asyncDispose]();
});

test('a key is made for addresses, rotated with an overlap, and listed with its maker', async () => {
  const environment = { SLUICE_URL: gateway.url };
  const run = (...args: string[]) => sluice([...args, '--key-file', keyFile], environment);
  const made = await run('keys', 'create', 'shop', '--address', '127.0.0.0/8', '--address', '::1');
  const [key] = made.json() as [{ secret: string; prefix: string; id: string }];
  expect(key).toMatchObject({ addresses: ['127.0.0.0/8', '::1/128'] });
  const rotated = await run('keys', 'rotate', key.prefix, '--overlap', '2h');
  const [next] = rotated.json() as [{ secret: string; previousStopsAt: string }];
  expect(next).toMatchObject({ name: 'shop', addresses: ['127.0.0.0/8', '::1/128'] });
  const minutes = (Date.parse(next.previousStopsAt) - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(100);
  expect(minutes).toBeLessThanOrEqual(120);
  for (const secret of [key.secret, next.secret]) {
    expect((await gateway.graphql('{ viewer { scopes } }', {}, secret)).errors).toBeUndefined();
  }
  const listed = (await run('keys', 'list')).json();
  expect(listed.filter(({ name }) => name === 'shop')).toMatchObject([
    { createdBy: { prefix: expect.any(String) } },
    { createdBy: { prefix: expect.any(String) } },
  ]);
});

test('a key is made with a quota, which is changed, taken away, and listed with what is used', async () => {
  const environment = { SLUICE_URL: gateway.url };
  const run = (...args: string[]) => sluice(['keys', ...args, '--key-file', keyFile], environment);
  const made = await run('create', 'till', '--events-per-day', '5', '--workspace', 'default');
  const [key] = made.json() as [{ secret: string; prefix: string }];
  expect(key).toMatchObject({ eventsPerDay: 5, eventsPerMonth: null });
  const send = () => sluice(['send', 'a', '--key', key.secret], environment);
  expect((await send()).code).toBe(0);
  const update = await run(
    'update',
    key.prefix,
    '--events-per-day',
    '1',
    '--events-per-month',
    '9',
  );
  expect(update.json()).toMatchObject([{ eventsPerDay: 1, eventsPerMonth: 9 }]);
  const refused = await send();
  expect(refused.code).not.toBe(0);
  expect(refused.err).toMatch(/quota of this key is 1 event a day.*renews at/);
  const kept = await run('update', key.prefix, '--no-events-per-day');
  expect(kept.json()).toMatchObject([{ eventsPerDay: null, eventsPerMonth: 9 }]);
  expect((await send()).code).toBe(0);
  await expect
    .poll(async () => (await run('list')).json().find(({ name }) => name === 'till'))
    .toMatchObject({ eventsPerMonth: 9, usage: { today: 2, thisMonth: 2 } });
  expect(await run('update', key.prefix)).toMatchObject({
    ...{ code: 2, err: expect.stringContaining('--events-per-day') },
  });
  expect((await run('update', key.prefix, '--events-per-day', '0')).code).toBe(2);
});

test('--key-file says what is wrong with the file, and stands alone', async () => {
  const none = await sluice(['keys', 'list', '--key-file', join(folder, 'none')]);
  expect(none).toMatchObject({ code: 2, err: expect.stringMatching(/can be read.*ENOENT/) });
  const empty = join(folder, 'empty');
  writeFileSync(empty, '\n');
  const nothing = await sluice(['keys', 'list', '--key-file', empty]);
  expect(nothing).toMatchObject({ code: 2, err: expect.stringMatching(/a key and nothing else/) });
  const both = await sluice(['keys', 'list', '--key', 'k', '--key-file', keyFile]);
  expect(both.code).toBe(2);
});

test('a key that goes over plain HTTP to another host is warned of, once', async () => {
  // No such host: the warning comes before the failure.
  const { err } = await sluice(['send', 'a', '--retry-for', '0', '--key', 'a-secret-key'], {
    SLUICE_URL: 'http://sluice.invalid:4000',
  });
  expect(err.match(/warning: the key is sent to sluice\.invalid:4000 unencrypted/g)).toHaveLength(
    1,
  );
  expect(err).not.toContain('a-secret-key');
});

test.each([
  ['http://192.0.2.1:4000', true],
  ['http://gateway.example', true],
  ['http://127.0.0.1.example', true],
  ['http://[2001:db8::1]:4000', true],
  ['https://gateway.example', false],
  ['http://localhost:4000', false],
  ['http://127.0.0.1:4000', false],
  ['http://[::1]:4000', false],
])('%s is in the clear: %s', (url, expected) => {
  expect(isInTheClear(url)).toBe(expected);
});
