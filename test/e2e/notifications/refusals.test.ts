/** What is refused, each with its code; and where notifications may go. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { startTestGateway, type TestGateway } from '../../kit/gateway.ts';
import { firstError, someEvents, type Input } from '../consume/kit.ts';
import { startReceiver } from '../webhooks/kit.ts';
import {
  makeKey,
  newNotifyBench,
  PATIENCE,
  PUSH,
  startNotifyingGateway,
  type NotifyBench,
} from './kit.ts';

let gateway: TestGateway;
let bench: NotifyBench;
beforeAll(async () => {
  gateway = await startNotifyingGateway({ config: { smtpUrl: 'smtp://127.0.0.1:1' } });
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newNotifyBench(gateway);
});

const CREATE =
  'mutation($input: CreateNotificationRuleInput!) { createNotificationRule(input: $input) { rule { id } } }';
const UPDATE =
  'mutation($input: UpdateNotificationRuleInput!) { updateNotificationRule(input: $input) { rule { id } } }';
const SAVE =
  'mutation($input: SavePushSubscriptionInput!) { savePushSubscription(input: $input) { subscription { endpoint } } }';
const P256DH =
  'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
const AUTH = 'BTBZMqHH6r4Tts7J_aSIgg';
const push = { webPush: true };
const emails = (...to: string[]) => ({ channels: [{ email: { to } }] });
const chat = (url: string, format = 'SLACK') => ({ channels: [{ webhook: { url, format } }] });
const threshold = (given: Input) => ({
  threshold: { comparison: 'AT_LEAST', count: 1, within: 'PT1M', ...given },
});

describe('a rule is refused', () => {
  test.each<[string, Input]>([
    ['without a channel', { channels: [] }],
    ['with a channel of no kind', { channels: [{}] }],
    ['with a channel of two kinds', { channels: [{ webPush: true, email: { to: ['a@b.c'] } }] }],
    ['with a channel that says no', { channels: [{ webPush: false }] }],
    ['with a channel twice', { channels: [push, push] }],
    [
      'with many channels',
      {
        channels: Array.from({ length: LIMITS.channelsMax + 1 }, (_, at) => ({
          email: { to: [`a${at}@example.com`] },
        })),
      },
    ],
    ['with no address', emails()],
    ['with many addresses', emails(...Array.from({ length: 11 }, (_, at) => `a${at}@b.example`))],
    ['with an address twice', emails('a@example.com', 'A@example.com')],
    ['with an address of nobody', emails('example.com')],
    ['with a name and an address', emails('Anna <anna@example.com>')],
    ['with two addresses in one', emails('a@example.com, b@example.com')],
    ['with an address of two lines', emails('a@example.com\r\nBcc: b@example.com')],
    ['with an address that is long', emails(`${'a'.repeat(250)}@example.com`)],
    ['with an address that is not ASCII', emails('änna@example.com')],
    ['with a URL that is none', chat('nowhere')],
    ['with a format that is for machines', chat('https://chat.example/', 'CLOUDEVENTS')],
    ['with a long quiet time', { ...PUSH, quietFor: 'P8D' }],
    ['with a threshold of none', { ...PUSH, ...threshold({ count: 0 }) }],
    ['with a threshold of very many', { ...PUSH, ...threshold({ count: 1e12 }) }],
    ['with a threshold of a part', { ...PUSH, ...threshold({ count: 1.5 }) }],
    ['with a threshold in no time', { ...PUSH, ...threshold({ within: 'PT0S' }) }],
    ['with a threshold in a long time', { ...PUSH, ...threshold({ within: 'P8D' }) }],
    ['without a name', { ...PUSH, name: ' ' }],
    ['with a long name', { ...PUSH, name: 'n'.repeat(101) }],
    ['with a name that is no text', { ...PUSH, name: 'a\0b' }],
    [
      'with a filter that cannot be judged as events come',
      {
        ...PUSH,
        filter: {
          payload: Array.from({ length: LIMITS.streamContainsMax + 1 }, (_, at) => ({
            path: [`p${at}`],
            contains: 'x',
          })),
        },
      },
    ],
  ])('%s', async (_how, input) => {
    const made = await gateway.graphql(CREATE, { input: { name: 'r', ...input } }, bench.key);
    expect(firstError(made)).toBe('BAD_USER_INPUT');
    const { name, ...rest } = input;
    await bench.rule('there', PUSH);
    const change = { rule: 'there', ...rest, ...(name !== undefined && { name }) };
    const changed = await gateway.graphql(UPDATE, { input: change }, bench.key);
    expect(firstError(changed)).toBe(firstError(made));
    expect((await bench.rules()).map(each => each.name)).toEqual(['there']);
  });

  test('with the name of another consumer', async () => {
    await bench.create('taken');
    const made = await gateway.graphql(CREATE, { input: { name: 'taken', ...PUSH } }, bench.key);
    expect(firstError(made)).toBe('CONFLICT');
    await bench.rule('r', PUSH);
    const renamed = { input: { rule: 'r', name: 'taken' } };
    expect(firstError(await gateway.graphql(UPDATE, renamed, bench.key))).toBe('CONFLICT');
  });

  test('by its name where that is of another kind of consumer, which stays', async () => {
    await bench.create('pull');
    const remove = 'mutation { deleteNotificationRule(input: { rule: "pull" }) { deletedName } }';
    const send = 'mutation { sendTestNotification(input: { rule: "pull" }) { tests { error } } }';
    for (const source of [remove, send]) {
      expect(firstError(await gateway.graphql(source, {}, bench.key))).toBe('NOT_FOUND');
    }
    const change = { input: { rule: 'pull', quietFor: 'PT1S' } };
    expect(firstError(await gateway.graphql(UPDATE, change, bench.key))).toBe('NOT_FOUND');
    expect((await bench.state('pull')).status).toBe('ACTIVE');
  });

  test('as something to pull from, and as something with a lease', async () => {
    await bench.rule('r', PUSH);
    expect(firstError(await bench.tryPull('r'))).toBe('BAD_USER_INPUT');
    await expect(bench.change('updateConsumer', 'r', { leaseDuration: 'PT1S' })).rejects.toThrow(
      'does not apply to notification rules',
    );
  });

  test('to keys without ADMIN, who see none either', async () => {
    await bench.rule('r', PUSH);
    const { secret } = await makeKey(bench, 'EVENTS_READ, EVENTS_CONSUME');
    const made = await gateway.graphql(CREATE, { input: { name: 'x', ...PUSH } }, secret);
    expect(firstError(made)).toBe('FORBIDDEN');
    for (const source of [
      '{ notificationRules { nodes { id } } }',
      '{ notificationRule(name: "r") { id } }',
    ]) {
      expect(firstError(await gateway.graphql(source, {}, secret))).toBe('FORBIDDEN');
    }
  });
});

describe('a browser is refused', () => {
  const endpoint = 'https://push.example/x';
  const keys = { p256dh: P256DH, auth: AUTH };
  test.each<[string, Input]>([
    ['without a URL', { endpoint: 'nowhere', keys }],
    ['with a URL that is written otherwise', { endpoint: 'https://PUSH.example/x', keys }],
    ['with a long URL', { endpoint: `${endpoint}${'x'.repeat(2_048)}`, keys }],
    ['with a key of 64 bytes', { endpoint, keys: { ...keys, p256dh: P256DH.slice(0, -2) } }],
    [
      'with a key beside the curve',
      { endpoint, keys: { ...keys, p256dh: `${P256DH.slice(0, -1)}0` } },
    ],
    ['with a key of no base64', { endpoint, keys: { ...keys, p256dh: '*'.repeat(87) } }],
    ['with a long key', { endpoint, keys: { ...keys, p256dh: 'B'.repeat(100_000) } }],
    ['with a secret of 15 bytes', { endpoint, keys: { ...keys, auth: AUTH.slice(0, 20) } }],
    ['with a secret of 17 bytes', { endpoint, keys: { ...keys, auth: `${AUTH}A` } }],
    ['with no secret', { endpoint, keys: { ...keys, auth: '' } }],
  ])('%s', async (_how, input) => {
    expect(firstError(await gateway.graphql(SAVE, { input }, bench.key))).toBe('BAD_USER_INPUT');
  });
});

describe('without SLUICE_WEBHOOK_PRIVATE_NETWORKS and without a mail server', () => {
  let strict: TestGateway;
  beforeAll(async () => {
    strict = await startTestGateway();
  });
  afterAll(() => strict[Symbol.asyncDispose]());

  test.each([
    'http://push.example/',
    'https://me:secret@push.example/',
    'https://localhost/x',
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://169.254.169.254/latest/meta-data/',
    'file:///etc/passwd',
  ])('nothing goes to %s', async url => {
    const own = await newNotifyBench(strict);
    const made = await strict.graphql(CREATE, { input: { name: 'r', ...chat(url) } }, own.key);
    expect(firstError(made)).toBe('URL_NOT_ALLOWED');
    const input = { endpoint: url, keys: { p256dh: P256DH, auth: AUTH } };
    const saved = await strict.graphql(SAVE, { input }, own.key);
    expect(firstError(saved)).toBe('URL_NOT_ALLOWED');
  });

  test('email is refused, with what is missing', async () => {
    const own = await newNotifyBench(strict);
    const made = await strict.graphql(
      CREATE,
      { input: { name: 'r', ...emails('a@example.com') } },
      own.key,
    );
    expect(firstError(made)).toBe('BAD_USER_INPUT');
    expect(made.errors?.[0]?.message).toContain('SLUICE_SMTP_URL');
  });
});

describe('a chat', () => {
  test.each<[string, (body: string, headers: Readonly<Record<string, string>>) => void]>([
    [
      'SLACK',
      body =>
        expect(JSON.parse(body)).toEqual({
          text: '*💥 made &lt;b&gt;*\nNo &lt;!here&gt; space',
        }),
    ],
    [
      'DISCORD',
      body =>
        expect(JSON.parse(body)).toMatchObject({
          embeds: [{ title: '💥 made <b\\>', description: 'No <!here\\> space' }],
          allowed_mentions: { parse: [] },
        }),
    ],
    [
      'NTFY',
      (body, headers) => {
        expect(body).toBe('No <!here> space');
        expect(headers['title']).toBe(
          `=?UTF-8?B?${Buffer.from('💥 made <b>').toString('base64')}?=`,
        );
      },
    ],
  ])('of the kind %s gets a message in its form', async (format, check) => {
    await using receiver = await startReceiver();
    await bench.rule('r', { ...chat(receiver.url, format), filter: { types: ['made <b>'] } });
    await bench.record([{ type: 'made <b>', icon: '💥', description: 'No <!here> space' }]);
    await expect.poll(() => receiver.received.length, PATIENCE).toBe(1);
    const { body, headers } = receiver.received[0]!;
    check(body, headers);
  });

  test('that wants no more has its event parked at once', async () => {
    await using receiver = await startReceiver(410);
    await bench.rule('r', { ...chat(receiver.url), filter: { types: ['made'] } });
    await bench.record(someEvents(1));
    await expect.poll(async () => (await bench.state('r')).parkedCount, PATIENCE).toBe(1);
    expect(receiver.received).toHaveLength(1);
    expect((await bench.ruleNow('r')).lastError).toContain('410');
  });
});
