/** What a receiver gets, and what becomes of its answers. */
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import type { TestGateway } from '../../kit/gateway.ts';
import { someEvents } from '../consume/kit.ts';
import {
  BEGINNING,
  idsOf,
  newWebhookBench,
  PATIENCE,
  startReceiver,
  startWebhookGateway,
  verified,
  type Receiver,
  type WebhookBench,
} from './kit.ts';

let gateway: TestGateway;
let bench: WebhookBench;
let receiver: Receiver;
beforeAll(async () => {
  gateway = await startWebhookGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await newWebhookBench(gateway);
  receiver = await startReceiver();
  return () => receiver[Symbol.asyncDispose]();
});

const isSettled = (name: string) => async () => (await bench.state(name)).lagEvents;

/** Fields that lead elsewhere, or are of another type, are not sent. */
const SENT = `cursor position eventId type occurredAt recordedAt expiresAt redactedAt source subject
  actor description icon notify success clientIp parentId groupId door payload
  unreadable { severity code message pointer }`;

describe('a request', () => {
  test('is a signed Standard Webhook with the event as GraphQL shows it', async () => {
    const secret = await bench.webhook('w', receiver.url, BEGINNING);
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    await bench.record([
      {
        ...{ id: 'e1', type: 'user.signup', occurredAt: '2026-01-02T03:04:05.678Z', icon: '🎉' },
        ...{ source: 's', subject: 'o', actor: 'a', description: 'd', groupId: 'g' },
        ...{ parentId: 'p', notify: true, success: false, clientIp: '192.0.2.1' },
        payload: { n: 1, deep: { list: [1, 'ü', null] } },
      },
      { id: 'e2', type: 'other' },
    ]);
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    const { events } = await gateway.data<{ events: { nodes: unknown[] } }>(
      `{ events(order: { field: POSITION, direction: ASC }) { nodes { ${SENT} } } }`,
      {},
      bench.key,
    );
    const sent = receiver.received.map(each => verified(each, secret));
    sent.sort((a, b) => a.data.position - b.data.position);
    expect(sent.map(({ data }) => data)).toEqual(events.nodes);
    expect(sent[0]).toMatchObject({ type: 'user.signup', timestamp: '2026-01-02T03:04:05.678Z' });
    for (const { headers } of receiver.received) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': 'sluice',
        'webhook-signature': expect.stringMatching(/^v1,\S{44}$/),
      });
      expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60);
    }
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(2);
  });

  test('has a cursor, from where its receiver can go on as a stream', async () => {
    await bench.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(1));
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    await bench.record(someEvents(2));
    const { events } = await gateway.data<{ events: { nodes: { position: number }[] } }>(
      `query($after: String) { events(after: $after, order: { field: POSITION, direction: ASC }) {
        nodes { position } } }`,
      { after: receiver.received[0]!.headers['sluice-cursor'] },
      bench.key,
    );
    expect(events.nodes.map(({ position }) => position)).toEqual([2, 3]);
  });

  test('as a CloudEvent is read by the published package', async () => {
    const secret = await bench.webhook('w', receiver.url, { ...BEGINNING, format: 'CLOUDEVENTS' });
    await bench.record([
      { id: 'c1', type: 'user.signup', source: '/app', subject: 'o', payload: { plan: 'pro' } },
    ]);
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    const { headers, body } = receiver.received[0]!;
    new Webhook(secret).verify(body, { ...headers });
    const event = HTTP.toEvent({ headers, body }) as CloudEvent;
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      ...{ id: 'c1', type: 'user.signup', source: '/app', subject: 'o', specversion: '1.0' },
      data: { plan: 'pro' },
    });
  });

  test('has the headers that were given, and shows no secret one', async () => {
    const headers = [
      { name: 'Authorization', value: 'Bearer very-hidden' },
      { name: 'X-Team', value: 'blue', secret: false },
    ];
    await bench.webhook('w', receiver.url, { ...BEGINNING, headers });
    await bench.record(someEvents(1));
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    expect(receiver.received[0]!.headers).toMatchObject({
      authorization: 'Bearer very-hidden',
      'x-team': 'blue',
    });
    const { consumer } = await gateway.data<{ consumer: { webhook: { headers: unknown } } }>(
      `{ consumer(name: "w") { kind webhook { url format timeout headers { name value secret } } } }`,
      {},
      bench.key,
    );
    expect(consumer).toEqual({
      kind: 'WEBHOOK',
      webhook: {
        ...{ url: receiver.url, format: 'SLUICE', timeout: 'PT15S' },
        headers: [
          { name: 'Authorization', value: null, secret: true },
          { name: 'X-Team', value: 'blue', secret: false },
        ],
      },
    });
  });

  test('of a redacted event has no content, and of an expired one there is none', async () => {
    await bench.record([
      { id: 'red', type: 'made', subject: 'me', payload: { hidden: 'secret' } },
      { id: 'old', type: 'made', expiresAt: new Date(Date.now() + 1_000).toISOString() },
    ]);
    await gateway.data(
      'mutation { redactEvents(input: { eventIds: ["red"] }) { redactedCount } }',
      {},
      bench.key,
    );
    await expect
      .poll(async () => {
        const { events } = await gateway.data<{ events: { nodes: unknown[] } }>(
          '{ events { nodes { eventId } } }',
          {},
          bench.key,
        );
        return events.nodes.length;
      }, PATIENCE)
      .toBe(1);
    await bench.webhook('w', receiver.url, BEGINNING);
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    expect(idsOf(receiver.received)).toEqual(['red']);
    expect(receiver.received[0]!.body).not.toContain('secret');
  });

  test('goes over connections that are kept, and not over many', async () => {
    await bench.webhook('w', receiver.url, BEGINNING);
    await bench.record(someEvents(100));
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    expect(receiver.received).toHaveLength(100);
    expect(receiver.connections()).toBeLessThanOrEqual(LIMITS.webhookParallelMax);
  });

  test.each([
    ['SLACK', { text: '*🎉 made*\nit by me\nfor &lt;all&gt;' }],
    [
      'DISCORD',
      {
        embeds: [
          {
            title: '🎉 made',
            description: 'it by me\nfor <all\\>',
            timestamp: '2026-01-02T03:04:05.000Z',
          },
        ],
        allowed_mentions: { parse: [] },
      },
    ],
  ])('for %s is a message for people', async (format, expected) => {
    await bench.webhook('w', receiver.url, { ...BEGINNING, format });
    await bench.record([
      {
        ...{ type: 'made', icon: '🎉', description: 'for <all>', subject: 'it', actor: 'me' },
        occurredAt: '2026-01-02T03:04:05Z',
      },
    ]);
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    expect(JSON.parse(receiver.received[0]!.body)).toEqual(expected);
  });

  test('for ntfy is a text with a title', async () => {
    await bench.webhook('w', `${receiver.url}topic`, { ...BEGINNING, format: 'NTFY' });
    await bench.record([{ type: 'made', icon: '🎉', payload: { plan: 'pro', n: 2 } }]);
    await expect.poll(isSettled('w'), PATIENCE).toBe(0);
    const [{ path, body, headers }] = receiver.received as [(typeof receiver.received)[number]];
    expect({ path, body }).toEqual({ path: '/topic', body: 'n: 2\nplan: pro' });
    const [, encoded = ''] = /^=\?UTF-8\?B\?(.*)\?=$/.exec(headers['title']!) ?? [];
    expect(Buffer.from(encoded, 'base64').toString()).toBe('🎉 made');
  });
});
